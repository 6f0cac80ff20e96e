/* SPDX-License-Identifier: MIT */
/*
 * Host tests: flushes are counted, and told to whoever simulates a TLB (tests/host/sim_cpu.c)
 * through host_flush_tlb.
 */
#ifndef ARCH_X86_64_TLB_H
#define ARCH_X86_64_TLB_H

#include "lib/atomic.h"
#include "lib/types.h"

struct mm;

struct arch_mm {
	u64 cpumask;
	atomic_long_t tlb_gen;
	u64 ctx_id;
};

/* Called with the range whose translations are to be forgotten. NULL: nobody listens. */
extern void (*host_flush_tlb)(struct mm *mm, unsigned long start, unsigned long end);
extern unsigned long host_tlb_flushes;

/*
 * As in the kernel: init_mm is never flushed, a user range is. tests/host/machine.c has the
 * functions.
 */
void flush_tlb_mm(struct mm *mm);
void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end);
void flush_tlb_page(struct mm *mm, unsigned long addr);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

static inline void arch_mm_init(struct mm *mm)
{
}

#define HOST_BATCH_MMS 16

struct tlb_batch {
	bool pending;
	unsigned int nr;
	struct mm *mms[HOST_BATCH_MMS];
};

void tlb_batch_add(struct tlb_batch *batch, struct mm *mm);
void tlb_batch_flush(struct tlb_batch *batch);

static inline bool tlb_batch_pending(const struct tlb_batch *batch)
{
	return batch->pending;
}

#endif
