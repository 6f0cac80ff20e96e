/* SPDX-License-Identifier: MIT */
/*
 * AHCI ("Serial ATA Advanced Host Controller Interface", revision 1.3.1): what the controller
 * (ahci.c) and its ports (ahci_port.c) share.
 */
#ifndef KERNEL_DRIVERS_BLOCK_AHCI_H
#define KERNEL_DRIVERS_BLOCK_AHCI_H

#include "kernel/drivers/block/block.h"
#include "kernel/drivers/pci.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define AHCI_MAX_PORTS 32
#define AHCI_MAX_SLOTS 32

/* Registers of the controller */
#define HBA_CAP	       0x00
#define HBA_GHC	       0x04
#define HBA_IS	       0x08
#define HBA_PI	       0x0c
#define HBA_CAP2       0x24
#define HBA_BOHC       0x28
#define HBA_PORT       0x100
#define HBA_PORT_BYTES 0x80

#define CAP_SLOTS(cap)	(((cap) >> 8 & 0x1f) + 1)
#define CAP_NCQ		(1u << 30)
#define CAP_64BIT	(1u << 31)
#define GHC_RESET	(1u << 0)
#define GHC_IRQ_ENABLE	(1u << 1)
#define GHC_AHCI_ENABLE (1u << 31)
#define CAP2_HANDOFF	(1u << 0)
#define BOHC_BIOS_OWNS	(1u << 0)
#define BOHC_OS_OWNS	(1u << 1)

/* Registers of a port */
#define PORT_CLB  0x00
#define PORT_FB	  0x08
#define PORT_IS	  0x10
#define PORT_IE	  0x14
#define PORT_CMD  0x18
#define PORT_TFD  0x20
#define PORT_SIG  0x24
#define PORT_SSTS 0x28
#define PORT_SCTL 0x2c
#define PORT_SERR 0x30
#define PORT_SACT 0x34
#define PORT_CI	  0x38

#define CMD_START	(1u << 0)
#define CMD_SPIN_UP	(1u << 1)
#define CMD_POWER_ON	(1u << 2)
#define CMD_FIS_RECEIVE (1u << 4)
#define CMD_FIS_RUNNING (1u << 14)
#define CMD_RUNNING	(1u << 15)

/* Interrupt causes: done in one of four ways; the link has changed; an error. */
#define IS_DONE	 0x0000002fu
#define IS_LINK	 0x00400040u
#define IS_ERROR 0x7d000010u

#define TFD_BUSY_OR_DRQ 0x88
#define SIG_DISK	0x00000101
#define SSTS_DET	0xf
#define DET_ONLINE	3
#define SCTL_COMRESET	1

struct ahci_command_header {
	u16 flags, nr_prds;
	u32 bytes_done;
	u64 table;
	u32 reserved[4];
};

struct ahci_prd {
	u64 addr;
	u32 reserved;
	u32 bytes_less_one;
};

/* The hardware wants 128-byte alignment; this is 1 KiB, so that four make up a page. */
struct ahci_command_table {
	u8 fis[64];
	u8 atapi[16];
	u8 reserved[48];
	struct ahci_prd prds[BLK_MAX_PAGES];
	u8 unused[384];
};

#define AHCI_TABLES_ORDER 3

BUILD_BUG_ON(sizeof(struct ahci_command_header) != 32);
BUILD_BUG_ON(sizeof(struct ahci_command_table) * AHCI_MAX_SLOTS != PAGE_SIZE << AHCI_TABLES_ORDER);

struct ahci;

/* (c) constant once the disk is in use; (p) lock, taken by the interrupt handler */
struct ahci_port {
	struct disk disk;
	struct ahci *hba;
	unsigned int number;
	u8 __iomem *regs;
	spinlock_t lock;
	struct ahci_command_header *headers;	   /* (c) half a page; the received FISes follow */
	struct ahci_command_table *tables;	   /* (p) one for each slot; NULL: stopped */
	u32 free;				   /* (p) slots, a bit each */
	u32 plain, ncq;				   /* (p) slots under way, by kind of command */
	struct blk_request *owner[AHCI_MAX_SLOTS]; /* (p) */
	unsigned int nr_slots;			   /* (c) */
	bool use_ncq;				   /* (c) */
	bool failed;		   /* (p) an error was reported, the port stands still */
	unsigned int careful;	   /* (p) requests to be done one by one */
	unsigned int sector_shift; /* (c) */
};

struct ahci {
	struct pci_device *pci;
	u8 __iomem *regs;
	u32 cap;
	struct ahci_port *ports[AHCI_MAX_PORTS]; /* (c) NULL: no disk there */
};

/* ---- ahci_port.c ---- */

/* ahci_wait() - poll a register until (value & mask) == want. May sleep. False after ms. */
bool ahci_wait(u8 __iomem *reg, u32 mask, u32 want, unsigned int ms);
/* ahci_port_begin() - memory, link and engine of a port. 0, -ENODEV: no disk there, -ENOMEM. */
int ahci_port_begin(struct ahci_port *port);
/* ahci_port_identify() - ask the disk what it is: fills in port->disk. May sleep. 0 or -E. */
int ahci_port_identify(struct ahci_port *port);
/* ahci_port_interrupt() - for this port's bit in HBA_IS. */
void ahci_port_interrupt(struct ahci_port *port);
/* ahci_port_end() - the port is not used: it stops, and its memory goes back. May sleep. */
void ahci_port_end(struct ahci_port *port);

extern const struct disk_ops ahci_disk_ops;

#endif /* KERNEL_DRIVERS_BLOCK_AHCI_H */
