/* SPDX-License-Identifier: MIT */
/*
 * A processor for the host tests: it reaches the memory of a simulated address space the way a CPU
 * does, through the page tables and a TLB that keeps translations until it is told to forget them.
 *
 * So a test sees what a program would: a page fault where one is owed, and through a stale
 * translation the wrong page. Four CPUs run each address space, each with its own TLB.
 */
#ifndef TESTS_HOST_SIM_CPU_H
#define TESTS_HOST_SIM_CPU_H

#include "lib/types.h"

struct mm;

#define SIM_CPUS 4

/* Forget everything. */
void sim_cpu_init(void);

/* The address space is about to go: no CPU runs it any more. */
void sim_cpu_leave(struct mm *mm);

/*
 * One access of 8 bytes by CPU `cpu`, page faults included.
 * Returns 0, or the VM_FAULT_ bits of the error that the program would be told.
 */
unsigned int sim_read(struct mm *mm, int cpu, unsigned long addr, u64 *value);
unsigned int sim_write(struct mm *mm, int cpu, unsigned long addr, u64 value);

/* What the CPU does before any fault: true if the write was done, false if it would have faulted. */
bool sim_store(struct mm *mm, int cpu, unsigned long addr, u64 value);

/*
 * Compare every translation that a CPU holds with the page tables. Returns how many grant what the
 * PTE does not: TLB-BEFORE-FREE and its sisters. Flushes that reclaim owes openly do not count.
 */
unsigned int sim_stale_translations(void);

#endif
