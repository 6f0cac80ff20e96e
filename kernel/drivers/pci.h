/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_PCI_H
#define KERNEL_DRIVERS_PCI_H

/* PCI: the devices that are there, their registers' addresses, their interrupts. */

#include "arch/x86_64/irq.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

#define PCI_NUM_BARS	    6
#define PCI_NUM_BRIDGE_BARS 2

/* Configuration space, type 0 header (PCI Local Bus Specification 3.0, chapter 6). */
#define PCI_VENDOR_ID	   0x00
#define PCI_DEVICE_ID	   0x02
#define PCI_COMMAND	   0x04
#define PCI_STATUS	   0x06
#define PCI_REVISION	   0x08
#define PCI_CLASS_DEVICE   0x0a
#define PCI_HEADER_TYPE	   0x0e
#define PCI_BAR0	   0x10
#define PCI_SECONDARY_BUS  0x19
#define PCI_CAPABILITIES   0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d

#define PCI_COMMAND_IO	     0x001
#define PCI_COMMAND_MEMORY   0x002
#define PCI_COMMAND_MASTER   0x004
#define PCI_COMMAND_INTX_OFF 0x400
#define PCI_STATUS_CAP_LIST  0x10
#define PCI_HEADER_MULTI     0x80
#define PCI_HEADER_BRIDGE    1

#define PCI_CAP_MSI  0x05
#define PCI_CAP_VNDR 0x09
#define PCI_CAP_MSIX 0x11

struct pci_bar {
	u64 addr; /* physical address, or port */
	u64 size; /* 0: not there */
	bool io, prefetch;
};

/* Constant once pci_init() is done, but for what a driver sets when it takes the device. */
struct pci_device {
	struct list_head list;
	u8 bus, slot, function;
	u8 irq_line; /* what firmware left there; 0xff unknown */
	u16 vendor, device;
	u16 class; /* base class in the high byte */
	u8 prog_if, revision;
	u8 msi_cap, msix_cap; /* offsets in configuration space, 0: none */
	struct pci_bar bar[PCI_NUM_BARS];
	void __iomem *msix_table; /* mapped by the first pci_enable_msix() */
	/*
	 * The driver's: the device is being pulled out, or has gone. Returns when the driver has
	 * let go of it. May sleep.
	 */
	void (*removed)(void *arg);
	void *removed_arg;
};

/* pci_init - find all devices. Process context, once. A machine without PCI has none. */
void pci_init(void);

/*
 * pci_next - the device after `from` (NULL: the first) of this vendor and device number (or class)
 *
 * PCI_ANY matches all. NULL when there is no more. Any context.
 */
#define PCI_ANY 0xffff
struct pci_device *pci_next(struct pci_device *from, u16 vendor, u16 device);
struct pci_device *pci_next_class(struct pci_device *from, u16 class);

/* Configuration space, 256 bytes. Any context. */
u8 pci_read8(const struct pci_device *dev, unsigned int reg);
u16 pci_read16(const struct pci_device *dev, unsigned int reg);
u32 pci_read32(const struct pci_device *dev, unsigned int reg);
void pci_write8(const struct pci_device *dev, unsigned int reg, u8 value);
void pci_write16(const struct pci_device *dev, unsigned int reg, u16 value);
void pci_write32(const struct pci_device *dev, unsigned int reg, u32 value);

/*
 * pci_find_cap - offset of the first capability with this id after `after` (0: from the start),
 * or 0
 */
u8 pci_find_cap(const struct pci_device *dev, u8 id, u8 after);

/* pci_is_gone - does the device not answer any more? Any context. */
static inline bool pci_is_gone(const struct pci_device *dev)
{
	return pci_read16(dev, PCI_VENDOR_ID) == 0xffff;
}

/* pci_enable - let the device decode its addresses and use the bus */
void pci_enable(const struct pci_device *dev);

/* pci_disable - it must not use the bus any more, nor interrupt */
void pci_disable(const struct pci_device *dev);

/* pci_map_bar - ioremap a memory BAR whole; NULL if it is not there or is of ports. May sleep. */
void __iomem *pci_map_bar(const struct pci_device *dev, unsigned int bar);

/*
 * pci_enable_msi - one message interrupt for the device; INTx goes off
 * pci_enable_msix - a handler for entry `index` of the MSI-X table; INTx goes off
 *
 * fn(arg) runs with interrupts off. May sleep. 0; -ENODEV: no such capability; -EINVAL: no such
 * entry; -ENOSPC or -ENOMEM: no vector, no memory.
 */
int pci_enable_msi(struct pci_device *dev, irq_handler_t fn, void *arg, const char *name);
int pci_enable_msix(struct pci_device *dev, unsigned int index, irq_handler_t fn, void *arg,
		    const char *name);
/*
 * pci_request_irq - one interrupt for the device: MSI-X entry 0, or MSI, or else the wire, which it
 * may share, so that the handler must ask the device. May sleep. 0, or the error of the last.
 */
int pci_request_irq(struct pci_device *dev, irq_handler_t fn, void *arg, const char *name);
/* pci_msix_entries - entries of the MSI-X table, 0 without one */
unsigned int pci_msix_entries(const struct pci_device *dev);

#endif /* KERNEL_DRIVERS_PCI_H */
