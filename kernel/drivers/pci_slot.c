// SPDX-License-Identifier: MIT
/*
 * Slots of PCI Express from which devices are pulled out (PCI Express Base Specification 3.0,
 * chapter 6.7).
 *
 *	root port --- slot --- bus of its own --- device
 *	  |
 *	  +-- slot status: somebody pressed the button; the device is not there any more
 *
 * A person may just pull, or press the button first and wait for the light to go out. In both cases
 * the drivers hear that their device is going (pci_device.removed) and let go of it; after the
 * button, the slot is then switched off and the light with it. The button works at once, without
 * the five seconds in which it could be pressed again to change one's mind.
 *
 * What is plugged in later is not looked at before the next boot: it would need addresses, which
 * firmware hands out.
 *
 * The interrupt only notes what happened; a thread does the rest, since drivers wait for their
 * devices to become quiet.
 */
#include "kernel/drivers/pci_slot.h"

#include "arch/x86_64/irq.h"
#include "kernel/drivers/pci.h"
#include "kernel/kthread.h"
#include "kernel/printk.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define PCI_CAP_EXPRESS	    0x10
#define PCI_SUBORDINATE_BUS 0x1a
#define CLASS_PCI_BRIDGE    0x0604

/* In the capability */
#define EXP_FLAGS     2
#define EXP_SLOT_CAPS 0x14
#define EXP_SLOT_CTRL 0x18
#define EXP_SLOT_STAT 0x1a

#define FLAG_SLOT	    0x0100
#define SLOT_CAP_BUTTON	    (1u << 0)
#define SLOT_CAP_POWER	    (1u << 1)
#define SLOT_CAP_HOTPLUG    (1u << 6)
#define SLOT_CTRL_BUTTON    0x0001
#define SLOT_CTRL_PRESENCE  0x0008
#define SLOT_CTRL_IRQ	    0x0020
#define SLOT_CTRL_LIGHT_OFF 0x0300
#define SLOT_CTRL_POWER_OFF 0x0400
#define SLOT_STAT_BUTTON    0x0001
#define SLOT_STAT_PRESENCE  0x0008
#define SLOT_STAT_CHANGES   0x011f
#define SLOT_STAT_PRESENT   0x0040

struct slot {
	struct pci_device *port;
	u8 cap;
	u32 caps;
	u8 first_bus, last_bus;
	atomic_t events; /* SLOT_STAT_* that the thread has not seen */
	struct slot *next;
};

static struct slot *slots; /* constant once the thread runs */
static DECLARE_WAIT_QUEUE_HEAD(slot_wait);

/* Until nothing is left: what comes while this looks raises no message of its own. */
static void note(struct slot *slot)
{
	u16 changes;

	while ((changes = pci_read16(slot->port, slot->cap + EXP_SLOT_STAT) & SLOT_STAT_CHANGES) &&
	       !pci_is_gone(slot->port)) {
		pci_write16(slot->port, slot->cap + EXP_SLOT_STAT, changes);
		atomic_or(changes, &slot->events);
		wake_up(&slot_wait);
	}
}

static void slot_interrupt(void *arg)
{
	note(arg);
}

static bool any_event(void)
{
	for (struct slot *slot = slots; slot; slot = slot->next)
		if (atomic_read(&slot->events))
			return true;
	return false;
}

static unsigned int tell_drivers(const struct slot *slot)
{
	struct pci_device *dev = NULL;
	unsigned int told = 0;

	while ((dev = pci_next(dev, PCI_ANY, PCI_ANY))) {
		void (*removed)(void *arg) = dev->removed;

		if (dev->bus < slot->first_bus || dev->bus > slot->last_bus || !removed)
			continue;
		pr_notice("pci: %02x:%02x.%x is being pulled out\n", dev->bus, dev->slot,
			  dev->function);
		dev->removed = NULL;
		removed(dev->removed_arg);
		told++;
	}
	return told;
}

static void switch_off(const struct slot *slot)
{
	u16 control = pci_read16(slot->port, slot->cap + EXP_SLOT_CTRL) | SLOT_CTRL_LIGHT_OFF;

	if (slot->caps & SLOT_CAP_POWER)
		control |= SLOT_CTRL_POWER_OFF;
	pci_write16(slot->port, slot->cap + EXP_SLOT_CTRL, control);
}

static void tend(struct slot *slot)
{
	int events = atomic_xchg(&slot->events, 0);
	bool present;

	if (!events)
		return;
	present = pci_read16(slot->port, slot->cap + EXP_SLOT_STAT) & SLOT_STAT_PRESENT;
	if (events & SLOT_STAT_BUTTON && present) {
		tell_drivers(slot);
		switch_off(slot);
	} else if (events & SLOT_STAT_PRESENCE && !present) {
		tell_drivers(slot);
	} else if (events & SLOT_STAT_PRESENCE) {
		pr_notice("pci: a device was plugged in behind %02x:%02x.%x: not used before the "
			  "next boot\n",
			  slot->port->bus, slot->port->slot, slot->port->function);
	}
}

static int slot_thread(void *unused)
{
	while (!kthread_should_stop()) {
		wait_event(&slot_wait, any_event() || kthread_should_stop());
		for (struct slot *slot = slots; slot; slot = slot->next)
			tend(slot);
	}
	return 0;
}

static bool has_slot(const struct pci_device *port, u8 cap)
{
	return cap && pci_read16(port, cap + EXP_FLAGS) & FLAG_SLOT &&
	       pci_read32(port, cap + EXP_SLOT_CAPS) & SLOT_CAP_HOTPLUG;
}

static void watch(struct pci_device *port)
{
	u8 cap = pci_find_cap(port, PCI_CAP_EXPRESS, 0);
	struct slot *slot = has_slot(port, cap) ? kzalloc(sizeof(*slot), GFP_KERNEL) : NULL;
	u16 control;
	int err;

	if (!slot)
		return;
	slot->port = port;
	slot->cap = cap;
	slot->caps = pci_read32(port, cap + EXP_SLOT_CAPS);
	slot->first_bus = pci_read8(port, PCI_SECONDARY_BUS);
	slot->last_bus = pci_read8(port, PCI_SUBORDINATE_BUS);
	slot->next = slots;
	slots = slot;
	pci_enable(port);
	err = pci_request_irq(port, slot_interrupt, slot, "slot");
	if (err) {
		pr_warn("pci: the slot at %02x:%02x.%x has no interrupt (error %d)\n", port->bus,
			port->slot, port->function, -err);
		return;
	}
	/* What was noted while nobody listened is old news. */
	pci_write16(port, cap + EXP_SLOT_STAT, SLOT_STAT_CHANGES);
	control = pci_read16(port, cap + EXP_SLOT_CTRL) | SLOT_CTRL_PRESENCE | SLOT_CTRL_IRQ;
	if (slot->caps & SLOT_CAP_BUTTON)
		control |= SLOT_CTRL_BUTTON;
	pci_write16(port, cap + EXP_SLOT_CTRL, control);
}

void pci_slots_init(void)
{
	struct pci_device *port = NULL;
	struct task *thread;

	while ((port = pci_next_class(port, CLASS_PCI_BRIDGE)))
		watch(port);
	if (!slots)
		return;
	thread = kthread_run(slot_thread, NULL, "pci_slots");
	if (IS_ERR(thread))
		pr_warn("pci: no memory for the thread that watches slots\n");
}
