/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_IRQ_H
#define ARCH_X86_64_IRQ_H

/*
 * Interrupts: the CPU's switch for them, and the table of who handles which. irq.c has the picture.
 */

#include "lib/types.h"
#include "lib/compiler.h"

#define __FLAGS_IF 0x200UL

static inline unsigned long local_save_flags(void)
{
	unsigned long flags;

	asm volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
	return flags;
}
static inline bool irqs_disabled_flags(unsigned long flags)
{
	return !(flags & __FLAGS_IF);
}
static inline bool irqs_disabled(void)
{
	return irqs_disabled_flags(local_save_flags());
}
static inline void local_irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}
static inline void local_irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}
static inline void local_irq_restore(unsigned long flags)
{
	if (!irqs_disabled_flags(flags))
		local_irq_enable();
}
#define local_irq_save(flags)                 \
	do {                                  \
		(flags) = local_save_flags(); \
		local_irq_disable();          \
	} while (0)
/* Enable interrupts and wait for one: nothing can slip in between the two. */
static inline void safe_halt(void)
{
	asm volatile("sti\n\thlt" : : : "memory");
}

struct pt_regs;

/* Vectors. 0..31 belong to the CPU; 32..47 catch what a masked PIC may still deliver. */
#define FIRST_DEVICE_VECTOR  0x30
#define LAST_DEVICE_VECTOR   0xdf
#define TIMER_VECTOR	     0xec
#define RESCHEDULE_VECTOR    0xfd
#define CALL_FUNCTION_VECTOR 0xfb
#define ERROR_APIC_VECTOR    0xfe
#define SPURIOUS_APIC_VECTOR 0xff

typedef void (*irq_handler_t)(void *arg);

/*
 * Route a device's interrupt to @fn(@arg) and unmask it. @irq is an ISA interrupt number (0..15,
 * the MADT's overrides are applied) or a global system interrupt (16 and up). Handlers run with
 * interrupts off on CPU 0; several may share a line. May sleep (allocates). Returns 0, -EINVAL (no
 * such input), -ENOSPC (no vector left), -ENOMEM, -ENODEV (machine without IOAPIC).
 */
int irq_register(int irq, irq_handler_t fn, void *arg, const char *name);

/*
 * A vector for a message-signalled interrupt, sent to CPU 0. Returns the vector and the message, or
 * -ENOSPC, -ENOMEM.
 */
int irq_register_msi(irq_handler_t fn, void *arg, const char *name, u64 *address, u32 *data);

/*
 * For /proc/interrupts: describe line @index (0, 1, ...). Returns false when there are no more.
 */
struct irq_stat {
	const char *label; /* "24" style number or "LOC", "RES", "CAL" */
	const char *name;
	bool per_cpu;
	unsigned int number; /* when label is NULL */
};
bool irq_stat_get(unsigned int index, struct irq_stat *stat);
/* How often line @index fired on @cpu. */
u64 irq_stat_count(unsigned int index, unsigned int cpu);
/* All interrupts since boot, for /proc/stat. */
u64 irq_stat_total(void);

/* Entry of device vectors and of the local APIC's, from entry.asm. Interrupts are off. */
void handle_interrupt(struct pt_regs *regs);

#endif
