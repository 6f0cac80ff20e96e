/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: each CPU's own interrupt controller, through which it gets device interrupts, its
 * timer, and messages of other CPUs. Intel SDM volume 3, chapter 11.
 *
 * Registers are 32 bits wide, 16 bytes apart: in xAPIC mode in a page of memory, in x2APIC mode in
 * MSRs 0x800 and up (one MSR per register, and the command register is one 64-bit write). x2APIC is
 * used when the CPU has it; firmware may have switched it on already, and then there is no way
 * back.
 *
 * Messages go to physical APIC ids. There are no logical groups to keep right, and a message to
 * many is a loop.
 */

#include "arch/x86_64/apic.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kmap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"

#define APIC_TPR	 0x080
#define APIC_EOI	 0x0b0
#define APIC_SVR	 0x0f0
#define APIC_ESR	 0x280
#define APIC_ICR	 0x300
#define APIC_ICR2	 0x310
#define APIC_LVT_TIMER	 0x320
#define APIC_LVT_LINT0	 0x350
#define APIC_LVT_LINT1	 0x360
#define APIC_LVT_ERROR	 0x370
#define APIC_TMR_INIT	 0x380
#define APIC_TMR_CURRENT 0x390
#define APIC_TMR_DIVIDE	 0x3e0

#define SVR_ENABLE     BIT(8)
#define LVT_MASKED     BIT(16)
#define LVT_NMI	       (4u << 8)
#define TIMER_DEADLINE BIT(18)
#define DIVIDE_BY_16   3
#define ICR_NMI	       (4u << 8)
#define ICR_INIT       (5u << 8)
#define ICR_STARTUP    (6u << 8)
#define ICR_PENDING    BIT(12)
#define ICR_ASSERT     BIT(14)
#define ICR_MAX_WAIT   100000

#define APIC_BASE_ENABLE     BIT(11)
#define APIC_BASE_X2APIC     BIT(10)
#define APIC_DEFAULT_ADDRESS 0xfee00000UL

static bool x2apic;
static void __iomem *lapic_registers;

static u32 lapic_read(unsigned int reg)
{
	if (x2apic)
		return (u32)rdmsr(MSR_X2APIC_BASE + (reg >> 4));
	return readl((char __iomem *)lapic_registers + reg);
}

static void lapic_write(unsigned int reg, u32 value)
{
	if (x2apic)
		wrmsr(MSR_X2APIC_BASE + (reg >> 4), value);
	else
		writel(value, (char __iomem *)lapic_registers + reg);
}

void lapic_init(void)
{
	u64 address = acpi_info.lapic_address ? acpi_info.lapic_address : APIC_DEFAULT_ADDRESS;

	x2apic = cpu_features.x2apic;
	if (!x2apic) {
		lapic_registers = ioremap(address, PAGE_SIZE);
		if (!lapic_registers)
			panic("no memory to map the local APIC");
	}
	pr_info("local APIC in %s mode, %u CPU%s\n", x2apic ? "x2APIC" : "xAPIC", nr_cpu_ids,
		nr_cpu_ids == 1 ? "" : "s");
}

void lapic_cpu_setup(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	lapic_write(APIC_TPR, 0);
	lapic_write(APIC_SVR, SVR_ENABLE | SPURIOUS_APIC_VECTOR);
	lapic_write(APIC_LVT_TIMER, LVT_MASKED);
	lapic_write(APIC_LVT_LINT0, LVT_MASKED);
	lapic_write(APIC_LVT_LINT1, smp_processor_id() == 0 ? LVT_NMI : LVT_MASKED);
	lapic_write(APIC_ESR, 0);
	lapic_write(APIC_LVT_ERROR, ERROR_APIC_VECTOR);
	lapic_write(APIC_TMR_DIVIDE, DIVIDE_BY_16);
}

void lapic_eoi(void)
{
	lapic_write(APIC_EOI, 0);
}

u32 lapic_error(void)
{
	lapic_write(APIC_ESR, 0);
	return lapic_read(APIC_ESR);
}

/*
 * In xAPIC mode the command is two writes, and the one before must have left: interrupts off,
 * bounded wait.
 */
static void send_command(u32 apic_id, u32 command)
{
	unsigned long flags;
	unsigned int wait = ICR_MAX_WAIT;

	if (x2apic) {
		smp_mb(); /* an MSR write does not wait for earlier stores */
		wrmsr(MSR_X2APIC_BASE + (APIC_ICR >> 4), (u64)apic_id << 32 | command);
		return;
	}
	local_irq_save(flags);
	while ((lapic_read(APIC_ICR) & ICR_PENDING) && --wait)
		cpu_relax();
	lapic_write(APIC_ICR2, apic_id << 24);
	lapic_write(APIC_ICR, command);
	local_irq_restore(flags);
}

void lapic_send_ipi(u32 apic_id, u8 vector)
{
	send_command(apic_id, ICR_ASSERT | vector);
}

void lapic_send_nmi(u32 apic_id)
{
	send_command(apic_id, ICR_ASSERT | ICR_NMI);
}

void lapic_send_init(u32 apic_id)
{
	send_command(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(u32 apic_id, unsigned long trampoline)
{
	send_command(apic_id, ICR_ASSERT | ICR_STARTUP | (u32)(trampoline >> PAGE_SHIFT));
}

void lapic_timer_oneshot(u32 count, bool masked)
{
	if (masked)
		lapic_write(APIC_LVT_TIMER, LVT_MASKED | TIMER_VECTOR);
	lapic_write(APIC_TMR_INIT, count);
}

void lapic_timer_unmask(void)
{
	lapic_write(APIC_LVT_TIMER, TIMER_VECTOR);
}

u32 lapic_timer_current(void)
{
	return lapic_read(APIC_TMR_CURRENT);
}

void lapic_timer_deadline_mode(void)
{
	lapic_write(APIC_LVT_TIMER, TIMER_DEADLINE | TIMER_VECTOR);
	smp_mb(); /* SDM 11.5.4.1: the mode must be set before the deadline is written */
}
