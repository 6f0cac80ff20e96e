/* SPDX-License-Identifier: MIT */
/*
 * IOAPICs: they turn the wires of devices into messages to local APICs.
 *
 * Each has a number of inputs with a 64-bit entry each: vector, level or edge, polarity, masked,
 * destination. Inputs of all IOAPICs together are numbered as global system interrupts (GSI), each
 * chip from its base. The registers are reached through an index and a data window.
 *
 * The two PICs of the original PC are masked for good and moved to vectors 32..47, where a spurious
 * interrupt of theirs cannot be taken for a CPU exception.
 */

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kmap.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "lib/errno.h"

#define IOAPIC_SELECT	0x00
#define IOAPIC_WINDOW	0x10
#define IOAPIC_VERSION	0x01
#define IOAPIC_ENTRY(n) (0x10 + 2 * (n))

#define ENTRY_ACTIVE_LOW BIT(13)
#define ENTRY_LEVEL	 BIT(15)
#define ENTRY_MASKED	 BIT(16)

#define PIC1 0x20
#define PIC2 0xa0

struct ioapic {
	void __iomem *registers;
	u32 gsi_base, nr_inputs;
};

static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned int nr_ioapics;
static DEFINE_SPINLOCK(ioapic_lock); /* select and window belong together */

static u32 ioapic_read(const struct ioapic *io, u32 reg)
{
	writel(reg, (char __iomem *)io->registers + IOAPIC_SELECT);
	return readl((char __iomem *)io->registers + IOAPIC_WINDOW);
}

static void ioapic_write(const struct ioapic *io, u32 reg, u32 value)
{
	writel(reg, (char __iomem *)io->registers + IOAPIC_SELECT);
	writel(value, (char __iomem *)io->registers + IOAPIC_WINDOW);
}

void pic_silence(void)
{
	if (!acpi_info.has_pic && acpi_info.madt)
		return;
	outb(0x11, PIC1);
	outb(0x11, PIC2);
	outb(0x20, PIC1 + 1);
	outb(0x28, PIC2 + 1);
	outb(4, PIC1 + 1);
	outb(2, PIC2 + 1);
	outb(1, PIC1 + 1);
	outb(1, PIC2 + 1);
	outb(0xff, PIC1 + 1);
	outb(0xff, PIC2 + 1);
}

static void ioapic_add(const struct acpi_ioapic *acpi)
{
	struct ioapic *io = &ioapics[nr_ioapics];
	u32 version, input;

	io->registers = ioremap(acpi->address, PAGE_SIZE);
	if (!io->registers)
		return;
	version = ioapic_read(io, IOAPIC_VERSION);
	if (version == ~0u) {
		pr_warn("IOAPIC: nothing answers at %llx\n", (unsigned long long)acpi->address);
		iounmap(io->registers);
		return;
	}
	io->gsi_base = acpi->gsi_base;
	io->nr_inputs = (version >> 16 & 0xff) + 1;
	for (input = 0; input < io->nr_inputs; input++) {
		ioapic_write(io, IOAPIC_ENTRY(input), ENTRY_MASKED);
		ioapic_write(io, IOAPIC_ENTRY(input) + 1, 0);
	}
	nr_ioapics++;
}

void ioapic_init(void)
{
	unsigned int i;

	for (i = 0; i < acpi_info.nr_ioapics; i++)
		ioapic_add(&acpi_info.ioapics[i]);
	if (!acpi_info.madt) /* where every PC with one has it */
		ioapic_add(&(struct acpi_ioapic){.address = 0xfec00000});
	if (!nr_ioapics)
		pr_warn("IOAPIC: none found, device interrupts do not work\n");
}

bool ioapic_present(void)
{
	return nr_ioapics != 0;
}

int ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool active_low)
{
	u32 low = vector;
	unsigned long flags;
	unsigned int i;

	low |= level ? ENTRY_LEVEL : 0;
	low |= active_low ? ENTRY_ACTIVE_LOW : 0;
	for (i = 0; i < nr_ioapics; i++) {
		struct ioapic *io = &ioapics[i];
		u32 input = gsi - io->gsi_base;

		if (gsi < io->gsi_base || input >= io->nr_inputs)
			continue;
		spin_lock_irqsave(&ioapic_lock, flags);
		ioapic_write(io, IOAPIC_ENTRY(input), low | ENTRY_MASKED);
		ioapic_write(io, IOAPIC_ENTRY(input) + 1, apic_id << 24);
		ioapic_write(io, IOAPIC_ENTRY(input), low);
		spin_unlock_irqrestore(&ioapic_lock, flags);
		return 0;
	}
	return -EINVAL;
}
