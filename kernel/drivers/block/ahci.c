// SPDX-License-Identifier: MIT
/*
 * AHCI controllers: SATA disks of PCs since 2004, each behind a port of its own.
 *
 *	controller  --- port 0 --- disk: sda		ports do not know of each other
 *	  (BAR 5)   --- port 1     (nothing there)
 *		    --- port 2 --- CD drive: not used
 *
 * The firmware may still think that it owns the controller: it is asked for it, where it says that
 * it can be asked. Then the controller is reset as a whole, and each port that has a disk becomes
 * one of ours (ahci_port.c).
 *
 * One interrupt for all ports: IS of the controller says which of them have something to say, and
 * each port's IS what. The port's bits are cleared first, then the controller's.
 */
#include "kernel/drivers/block/ahci.h"

#include "arch/x86_64/io.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

#define CLASS_SATA   0x0106
#define PROG_IF_AHCI 1
#define AHCI_BAR     5
#define RESET_MS     1000
#define HANDOFF_MS   2000
#define IRQ_ROUNDS   16
#define DETECT_NS    (25 * NSEC_PER_MSEC)

static void ahci_interrupt(void *arg)
{
	struct ahci *hba = arg;

	/* A message is sent when a bit appears, so look again until there is none. */
	for (int i = 0; i < IRQ_ROUNDS; i++) {
		u32 status = readl(hba->regs + HBA_IS);

		if (!status || status == ~0u)
			return;
		for (unsigned int n = 0; n < AHCI_MAX_PORTS; n++)
			if (status & (1u << n) && hba->ports[n])
				ahci_port_interrupt(hba->ports[n]);
		writel(status, hba->regs + HBA_IS);
	}
}

static void ahci_removed(void *arg)
{
	struct ahci *hba = arg;

	for (unsigned int n = 0; n < AHCI_MAX_PORTS; n++)
		if (hba->ports[n]) {
			blk_remove_disk(&hba->ports[n]->disk);
			blk_wait_stopped(&hba->ports[n]->disk);
		}
}

static void take_from_firmware(struct ahci *hba)
{
	u8 __iomem *bohc = hba->regs + HBA_BOHC;

	if (!(readl(hba->regs + HBA_CAP2) & CAP2_HANDOFF))
		return;
	writel(readl(bohc) | BOHC_OS_OWNS, bohc);
	if (!ahci_wait(bohc, BOHC_BIOS_OWNS, 0, HANDOFF_MS))
		pr_warn("ahci: the firmware does not give the controller up\n");
}

static int reset(struct ahci *hba)
{
	u8 __iomem *ghc = hba->regs + HBA_GHC;

	writel(readl(ghc) | GHC_AHCI_ENABLE, ghc);
	writel(readl(ghc) | GHC_RESET, ghc);
	if (!ahci_wait(ghc, GHC_RESET, 0, RESET_MS))
		return -EIO;
	writel(readl(ghc) | GHC_AHCI_ENABLE, ghc);
	/* Disks show themselves within this time, all at once: no port waits for itself. */
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout_ns(DETECT_NS);
	return 0;
}

static void add_port(struct ahci *hba, unsigned int n)
{
	struct ahci_port *port = kzalloc(sizeof(*port), GFP_KERNEL);
	int err;

	if (!port)
		return;
	spin_lock_init(&port->lock);
	port->hba = hba;
	port->number = n;
	port->regs = hba->regs + HBA_PORT + n * HBA_PORT_BYTES;
	port->disk.ops = &ahci_disk_ops;
	err = ahci_port_begin(port);
	if (!err)
		err = ahci_port_identify(port);
	if (!err) {
		hba->ports[n] = port;
		err = blk_add_disk(&port->disk, "sd");
	}
	if (!err)
		return;
	hba->ports[n] = NULL;
	if (err != -ENODEV)
		pr_warn("ahci: the disk at port %u cannot be used (error %d)\n", n, -err);
	ahci_port_end(port);
	kfree(port);
}

static int start(struct ahci *hba)
{
	u32 implemented;
	int err;

	pci_enable(hba->pci);
	hba->regs = pci_map_bar(hba->pci, AHCI_BAR);
	if (!hba->regs)
		return -ENODEV;
	take_from_firmware(hba);
	err = reset(hba);
	if (err)
		return err;
	hba->cap = readl(hba->regs + HBA_CAP);
	/* Its transfers must reach all of memory. */
	if (!(hba->cap & CAP_64BIT) && PFN_PHYS(max_pfn) > 1ULL << 32)
		return -EINVAL;
	err = pci_request_irq(hba->pci, ahci_interrupt, hba, "ahci");
	if (err)
		return err;
	writel(~0u, hba->regs + HBA_IS);
	writel(readl(hba->regs + HBA_GHC) | GHC_IRQ_ENABLE, hba->regs + HBA_GHC);
	implemented = readl(hba->regs + HBA_PI);
	for (unsigned int n = 0; n < AHCI_MAX_PORTS; n++)
		if (implemented & (1u << n))
			add_port(hba, n);
	return 0;
}

void ahci_init(void)
{
	struct pci_device *pci = NULL;

	while ((pci = pci_next_class(pci, CLASS_SATA))) {
		struct ahci *hba;
		int err = -ENOMEM;

		if (pci->prog_if != PROG_IF_AHCI)
			continue;
		hba = kzalloc(sizeof(*hba), GFP_KERNEL);
		if (hba) {
			hba->pci = pci;
			err = start(hba);
		}
		if (!err) {
			pci->removed_arg = hba;
			pci->removed = ahci_removed;
			continue;
		}
		pr_warn("AHCI controller at %02x:%02x.%x cannot be used (error %d)\n", pci->bus,
			pci->slot, pci->function, -err);
		pci_disable(pci);
	}
}
