/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table: one for all CPUs, in a page that paging_init() makes read-only.
 *
 * Every gate is an interrupt gate: the CPU enters with interrupts off, so that the first
 * instructions (which GS? which CR2?) are not disturbed. Only int3 and into may be called by user
 * programs.
 */

#include "arch/x86_64/gdt.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/traps.h"

#define NR_VECTORS 256

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0xee

/* entry.asm: where each vector enters. */
extern const u64 vector_entries[NR_VECTORS];

struct gate idt_table[NR_VECTORS] __section(".bss.page_aligned") __aligned(PAGE_SIZE);

static void set_gate(unsigned int vector, u8 type, u8 ist)
{
	u64 entry = vector_entries[vector];

	idt_table[vector] = (struct gate){
		.offset_low = entry & 0xffff,
		.segment = KERNEL_CS,
		.ist = ist,
		.type = type,
		.offset_middle = entry >> 16 & 0xffff,
		.offset_high = entry >> 32,
	};
}

void idt_init(void)
{
	unsigned int vector;

	for (vector = 0; vector < NR_VECTORS; vector++)
		set_gate(vector, GATE_INTERRUPT, 0);
	set_gate(X86_TRAP_BP, GATE_USER, 0);
	set_gate(X86_TRAP_OF, GATE_USER, 0);
	set_gate(X86_TRAP_DB, GATE_INTERRUPT, IST_DEBUG);
	set_gate(X86_TRAP_NMI, GATE_INTERRUPT, IST_NMI);
	set_gate(X86_TRAP_DF, GATE_INTERRUPT, IST_DOUBLE_FAULT);
	set_gate(X86_TRAP_MC, GATE_INTERRUPT, IST_MACHINE_CHECK);
	idt_load();
}

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = {.limit = NR_VECTORS * sizeof(struct gate) - 1, .base = (u64)idt_table};

	asm volatile("lidt %0" : : "m"(idtr));
}
