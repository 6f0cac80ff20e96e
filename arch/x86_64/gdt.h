/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_GDT_H
#define ARCH_X86_64_GDT_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "kernel/percpu.h"

/*
 * Stacks that the CPU switches to by itself, one set per CPU: index into the TSS, 1-based as in a
 * gate.
 */
enum ist_index { IST_DOUBLE_FAULT = 1, IST_NMI, IST_MACHINE_CHECK, IST_DEBUG, NR_IST = IST_DEBUG };

#define IST_STACK_SIZE 8192UL

/* Intel SDM volume 3, 8.7. The fields are misaligned by four bytes in the hardware's layout. */
struct tss {
	u32 reserved0;
	u64 sp0; /* kernel stack top of the running task; also what the system-call entry loads */
	u64 sp1, sp2;
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap; /* beyond the limit: user mode has no ports */
} __packed;

/* The padding aligns sp0. */
struct cpu_tss {
	u32 pad;
	struct tss tss;
} __aligned(64);

DECLARE_PER_CPU(struct cpu_tss, cpu_tss);

/*
 * Load this CPU's GDT, TSS and IST stacks (@ist_stacks: NR_IST * IST_STACK_SIZE bytes, aligned to
 * IST_STACK_SIZE). The GS base survives.
 */
void gdt_load(void *ist_stacks);
/* The boot CPU's IST stacks. */
extern char boot_ist_stacks[];

/* A gate of the IDT: Intel SDM volume 3, 6.14.1. */
struct gate {
	u16 offset_low;
	u16 segment;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};
extern struct gate idt_table[]; /* one page */

/* Fill the IDT (boot CPU), load it (every CPU). */
void idt_init(void);
void idt_load(void);

static inline void set_kernel_stack(unsigned long top)
{
	this_cpu_write(cpu_tss.tss.sp0, top);
}

#endif
