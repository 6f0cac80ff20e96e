// SPDX-License-Identifier: MIT
/*
 * PCI by configuration mechanism 1: an address to port 0xcf8, the data at 0xcfc. It reaches the 256
 * bytes that every device has, on every PC; the 4096 of PCI Express are not needed here.
 *
 *	bus 0 --+-- device --- functions 0..7 (more than 0 only if the header says so)
 *	        +-- bridge ---> secondary bus, walked in turn
 *
 * A BAR's size is learnt by writing ones and seeing which stick. Meanwhile the device would answer
 * at a wrong address, so its decoding is off and interrupts too: nothing may draw on a screen that
 * is not at its place.
 *
 * Message interrupts are memory writes to the local APIC; irq_register_msi() gives address and
 * data, and the capability, or an entry of the MSI-X table in one of the BARs, is told them.
 */

#include "arch/x86_64/io.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/kmap.h"
#include "kernel/drivers/pci.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u
#define SLOTS_PER_BUS  32
#define FUNCTIONS      8
#define NR_BUSES       256
#define IRQ_LINE_NONE  0xff
#define MAX_CAPS       48 /* more cannot fit: a longer list is a loop */

#define BAR_IO	     0x1
#define BAR_64	     0x4
#define BAR_PREFETCH 0x8
#define BAR_IO_MASK  (~0x3u)
#define BAR_MEM_MASK (~0xfu)

#define MSI_CONTROL    2
#define MSI_ENABLE     0x01
#define MSI_COUNT_MASK 0x70
#define MSI_IS_64      0x80
#define MSI_ADDRESS    4

#define MSIX_CONTROL  2
#define MSIX_ENABLE   0x8000
#define MSIX_MASK_ALL 0x4000
#define MSIX_SIZE     0x07ff
#define MSIX_TABLE    4
#define MSIX_BIR      7
#define MSIX_ENTRY    16

static LIST_HEAD(devices);
static DEFINE_SPINLOCK(config_lock);
static unsigned long buses_seen[NR_BUSES / 64];

/* --- configuration space --------------------------------------------------------------------- */

static u32 config_address(const struct pci_device *dev, unsigned int reg)
{
	return CONFIG_ENABLE | dev->bus << 16 | dev->slot << 11 | dev->function << 8 | (reg & 0xfc);
}

u32 pci_read32(const struct pci_device *dev, unsigned int reg)
{
	unsigned long flags;
	u32 value;

	spin_lock_irqsave(&config_lock, flags);
	outl(config_address(dev, reg), CONFIG_ADDRESS);
	value = inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
	return value;
}

u16 pci_read16(const struct pci_device *dev, unsigned int reg)
{
	return pci_read32(dev, reg) >> (reg & 2) * 8;
}

u8 pci_read8(const struct pci_device *dev, unsigned int reg)
{
	return pci_read32(dev, reg) >> (reg & 3) * 8;
}

void pci_write32(const struct pci_device *dev, unsigned int reg, u32 value)
{
	unsigned long flags;

	spin_lock_irqsave(&config_lock, flags);
	outl(config_address(dev, reg), CONFIG_ADDRESS);
	outl(value, CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
}

void pci_write16(const struct pci_device *dev, unsigned int reg, u16 value)
{
	unsigned long flags;

	spin_lock_irqsave(&config_lock, flags);
	outl(config_address(dev, reg), CONFIG_ADDRESS);
	outw(value, CONFIG_DATA + (reg & 2));
	spin_unlock_irqrestore(&config_lock, flags);
}

void pci_write8(const struct pci_device *dev, unsigned int reg, u8 value)
{
	unsigned long flags;

	spin_lock_irqsave(&config_lock, flags);
	outl(config_address(dev, reg), CONFIG_ADDRESS);
	outb(value, CONFIG_DATA + (reg & 3));
	spin_unlock_irqrestore(&config_lock, flags);
}

u8 pci_find_cap(const struct pci_device *dev, u8 id, u8 after)
{
	u8 at;
	int i;

	if (!(pci_read16(dev, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	at = pci_read8(dev, after ? after + 1u : PCI_CAPABILITIES) & 0xfc;
	for (i = 0; i < MAX_CAPS && at; i++) {
		u16 header = pci_read16(dev, at);

		if ((header & 0xff) == id)
			return at;
		at = header >> 8 & 0xfc;
	}
	return 0;
}

/* --- BARs ------------------------------------------------------------------------------------ */

/* What reads back after ones were written; the old value returns. */
static u32 bar_probe(const struct pci_device *dev, unsigned int reg, u32 *old)
{
	u32 sized;

	*old = pci_read32(dev, reg);
	pci_write32(dev, reg, 0xffffffff);
	sized = pci_read32(dev, reg);
	pci_write32(dev, reg, *old);
	return sized;
}

/* Reads BAR i; returns how many registers it takes. */
static unsigned int read_bar(struct pci_device *dev, unsigned int i)
{
	struct pci_bar *bar = &dev->bar[i];
	u32 low, high = 0, sized, sized_high = 0xffffffff;
	u64 mask;

	sized = bar_probe(dev, PCI_BAR0 + i * 4, &low);
	if (!sized || sized == 0xffffffff)
		return 1;
	if (low & BAR_IO) {
		*bar = (struct pci_bar){.addr = low & BAR_IO_MASK, .io = true};
		bar->size = (u16)(~(sized & BAR_IO_MASK) + 1);
		return 1;
	}
	if ((low & BAR_64) && i + 1 < PCI_NUM_BARS)
		sized_high = bar_probe(dev, PCI_BAR0 + i * 4 + 4, &high);
	mask = (u64)sized_high << 32 | (sized & BAR_MEM_MASK);
	bar->addr = (u64)high << 32 | (low & BAR_MEM_MASK);
	bar->size = ~mask + 1;
	bar->prefetch = low & BAR_PREFETCH;
	return low & BAR_64 ? 2 : 1;
}

static void read_bars(struct pci_device *dev, unsigned int nr)
{
	u16 command = pci_read16(dev, PCI_COMMAND);
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	pci_write16(dev, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (i = 0; i < nr;)
		i += read_bar(dev, i);
	pci_write16(dev, PCI_COMMAND, command);
	local_irq_restore(flags);
}

void pci_enable(const struct pci_device *dev)
{
	pci_write16(dev, PCI_COMMAND,
		    pci_read16(dev, PCI_COMMAND) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			    PCI_COMMAND_MASTER);
}

void pci_disable(const struct pci_device *dev)
{
	pci_write16(dev, PCI_COMMAND,
		    (pci_read16(dev, PCI_COMMAND) & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF);
}

void __iomem *pci_map_bar(const struct pci_device *dev, unsigned int i)
{
	if (i >= PCI_NUM_BARS || !dev->bar[i].size || dev->bar[i].io || !dev->bar[i].addr)
		return NULL;
	return ioremap(dev->bar[i].addr, dev->bar[i].size);
}

/* --- message interrupts ---------------------------------------------------------------------- */

static void intx_off(const struct pci_device *dev)
{
	pci_write16(dev, PCI_COMMAND, pci_read16(dev, PCI_COMMAND) | PCI_COMMAND_INTX_OFF);
}

int pci_enable_msi(struct pci_device *dev, irq_handler_t fn, void *arg, const char *name)
{
	unsigned int cap = dev->msi_cap, data_reg;
	u16 control;
	u64 address;
	u32 data;
	int err;

	if (!cap)
		return -ENODEV;
	err = irq_register_msi(fn, arg, name, &address, &data);
	if (err < 0)
		return err;
	control = pci_read16(dev, cap + MSI_CONTROL);
	data_reg = cap + MSI_ADDRESS + 4;
	pci_write32(dev, cap + MSI_ADDRESS, address);
	if (control & MSI_IS_64) {
		pci_write32(dev, data_reg, address >> 32);
		data_reg += 4;
	}
	pci_write16(dev, data_reg, data);
	pci_write16(dev, cap + MSI_CONTROL, (control & ~MSI_COUNT_MASK) | MSI_ENABLE);
	intx_off(dev);
	return 0;
}

unsigned int pci_msix_entries(const struct pci_device *dev)
{
	if (!dev->msix_cap)
		return 0;
	return (pci_read16(dev, dev->msix_cap + MSIX_CONTROL) & MSIX_SIZE) + 1;
}

static int map_msix_table(struct pci_device *dev)
{
	u32 where = pci_read32(dev, dev->msix_cap + MSIX_TABLE);
	const struct pci_bar *bar;
	size_t size = (size_t)pci_msix_entries(dev) * MSIX_ENTRY;
	u32 offset = where & ~MSIX_BIR;

	if (dev->msix_table)
		return 0;
	if ((where & MSIX_BIR) >= PCI_NUM_BARS)
		return -ENODEV;
	bar = &dev->bar[where & MSIX_BIR];
	if (bar->io || !bar->addr || offset + size > bar->size)
		return -ENODEV;
	dev->msix_table = ioremap(bar->addr + offset, size);
	return dev->msix_table ? 0 : -ENOMEM;
}

int pci_enable_msix(struct pci_device *dev, unsigned int index, irq_handler_t fn, void *arg,
		    const char *name)
{
	u8 __iomem *entry;
	u64 address;
	u32 data;
	int err;

	if (!dev->msix_cap)
		return -ENODEV;
	if (index >= pci_msix_entries(dev))
		return -EINVAL;
	err = map_msix_table(dev);
	if (!err)
		err = irq_register_msi(fn, arg, name, &address, &data);
	if (err < 0)
		return err;
	entry = (u8 __iomem *)dev->msix_table + index * MSIX_ENTRY;
	writel(address, entry);
	writel(address >> 32, entry + 4);
	writel(data, entry + 8);
	writel(0, entry + 12);
	pci_write16(dev, dev->msix_cap + MSIX_CONTROL,
		    (pci_read16(dev, dev->msix_cap + MSIX_CONTROL) & ~MSIX_MASK_ALL) | MSIX_ENABLE);
	intx_off(dev);
	return 0;
}

int pci_request_irq(struct pci_device *dev, irq_handler_t fn, void *arg, const char *name)
{
	int err = pci_enable_msix(dev, 0, fn, arg, name);

	if (err)
		err = pci_enable_msi(dev, fn, arg, name);
	if (err && dev->irq_line != IRQ_LINE_NONE)
		err = irq_register(dev->irq_line, fn, arg, name);
	return err;
}

/* --- the walk -------------------------------------------------------------------------------- */

static void log_device(const struct pci_device *dev)
{
	unsigned int i;

	pr_debug("pci: %02x:%02x.%x %04x:%04x class %04x%s%s\n", dev->bus, dev->slot, dev->function,
		 dev->vendor, dev->device, dev->class, dev->msi_cap ? " msi" : "",
		 dev->msix_cap ? " msi-x" : "");
	for (i = 0; i < PCI_NUM_BARS; i++) {
		if (dev->bar[i].size)
			pr_debug("pci:   bar %u: %s %#llx, size %#llx\n", i,
				 dev->bar[i].io ? "ports" : "memory", dev->bar[i].addr,
				 dev->bar[i].size);
	}
}

static void scan_bus(unsigned int bus);

/* Returns the header type, or -1 when there is no such function. */
static int scan_function(unsigned int bus, unsigned int slot, unsigned int function)
{
	struct pci_device probe = {.bus = bus, .slot = slot, .function = function};
	struct pci_device *dev;
	u32 id = pci_read32(&probe, PCI_VENDOR_ID);
	u8 type;

	if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
		return -1;
	dev = kmalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -1;
	*dev = probe;
	dev->vendor = id;
	dev->device = id >> 16;
	dev->class = pci_read16(dev, PCI_CLASS_DEVICE);
	dev->prog_if = pci_read8(dev, PCI_REVISION + 1);
	dev->revision = pci_read8(dev, PCI_REVISION);
	dev->irq_line = pci_read8(dev, PCI_INTERRUPT_LINE);
	dev->msi_cap = pci_find_cap(dev, PCI_CAP_MSI, 0);
	dev->msix_cap = pci_find_cap(dev, PCI_CAP_MSIX, 0);
	type = pci_read8(dev, PCI_HEADER_TYPE);
	list_add_tail(&dev->list, &devices);
	if ((type & ~PCI_HEADER_MULTI) == PCI_HEADER_BRIDGE) {
		read_bars(dev, PCI_NUM_BRIDGE_BARS);
		scan_bus(pci_read8(dev, PCI_SECONDARY_BUS));
	} else if ((type & ~PCI_HEADER_MULTI) == 0) {
		read_bars(dev, PCI_NUM_BARS);
	}
	log_device(dev);
	return type;
}

/* A bus is walked once, whatever bridges say. */
static void scan_bus(unsigned int bus)
{
	unsigned int slot, function;

	if (test_and_set_bit(bus, buses_seen))
		return;
	for (slot = 0; slot < SLOTS_PER_BUS; slot++) {
		int type = scan_function(bus, slot, 0);

		if (type < 0 || !(type & PCI_HEADER_MULTI))
			continue;
		for (function = 1; function < FUNCTIONS; function++)
			scan_function(bus, slot, function);
	}
}

static bool mechanism_present(void)
{
	u32 old = inl(CONFIG_ADDRESS);
	bool present;

	outl(CONFIG_ENABLE, CONFIG_ADDRESS);
	present = inl(CONFIG_ADDRESS) == CONFIG_ENABLE;
	outl(old, CONFIG_ADDRESS);
	return present;
}

void pci_init(void)
{
	if (mechanism_present())
		scan_bus(0);
}

struct pci_device *pci_next(struct pci_device *from, u16 vendor, u16 device)
{
	struct list_head *at = from ? from->list.next : devices.next;

	for (; at != &devices; at = at->next) {
		struct pci_device *dev = container_of(at, struct pci_device, list);

		if ((vendor == PCI_ANY || vendor == dev->vendor) &&
		    (device == PCI_ANY || device == dev->device))
			return dev;
	}
	return NULL;
}

struct pci_device *pci_next_class(struct pci_device *from, u16 class)
{
	do {
		from = pci_next(from, PCI_ANY, PCI_ANY);
	} while (from && from->class != class);
	return from;
}
