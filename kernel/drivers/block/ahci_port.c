// SPDX-License-Identifier: MIT
/*
 * A port of an AHCI controller, and the SATA disk behind it.
 *
 * Commands lie in memory. The controller fetches what a slot of the command list points to:
 *
 *	command list	      table of slot n
 *	[0][1]..[n]..[31] --> [ FIS: the ATA command ][ PRD: a page ][ PRD: a page ] ...
 *
 * A bit in CI starts a slot and is cleared when the command is done. With native queueing (NCQ) the
 * disk takes several, in the order it likes; then the bit in SACT is the one to look at. The two
 * kinds of commands must not be under way at the same time.
 *
 * Errors. A failed command stops the whole port, and what else was under way has not been done or
 * not been told. The thread of the disk then:
 *
 *	takes what is done --> resets the link --> one command left: it was that one, EIO
 *				     |
 *				     +--> several: all again, one by one (careful), so that the bad one
 *					  fails alone
 *
 * One by one also means without NCQ, which is what a disk whose queueing is broken wants.
 *
 * FRESH-LINK: no command is given to a disk that has failed another before its link was reset.
 * After a queued command has failed, a disk refuses all others until then (or until its log of
 * errors is read). And one that goes on with what it had while the port stood still would answer for
 * a slot that has a new owner by now: that request would count as done with other data in its pages.
 *
 * Lock order: disk->lock -> port->lock.
 */
#include "kernel/drivers/block/ahci.h"

#include "arch/x86_64/io.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"

/* ATA commands */
#define ATA_READ	0x25
#define ATA_WRITE	0x35
#define ATA_READ_NCQ	0x60
#define ATA_WRITE_NCQ	0x61
#define ATA_FLUSH	0xea
#define ATA_IDENTIFY	0xec
#define ATA_DEVICE_LBA	0x40
#define FIS_HOST_TO_DEV 0x27
#define FIS_COMMAND	0x80

/* Flags of a command header: its FIS has 5 words; the transfer is a write. */
#define HEADER_FIS_WORDS 5
#define HEADER_WRITE	 0x40

/* Where the received FISes are, in the page of the command list. */
#define RECEIVED_OFFSET 2048

/* IDENTIFY data, by word */
#define ID_MODEL	27
#define ID_MODEL_WORDS	20
#define ID_QUEUE_DEPTH	75
#define ID_SATA		76
#define ID_COMMANDS	83
#define ID_ENABLED	85
#define ID_SECTORS	100
#define ID_SECTOR_SIZE	106
#define ID_SECTOR_WORDS 117

#define LINK_MS	   1000
#define READY_MS   10000
#define ENGINE_MS  500
#define COMMAND_MS 10000
#define STEP_NS	   NSEC_PER_MSEC

bool ahci_wait(u8 __iomem *reg, u32 mask, u32 want, unsigned int ms)
{
	u64 end = ktime_get_ns() + ms * NSEC_PER_MSEC;

	while ((readl(reg) & mask) != want) {
		if (ktime_get_ns() > end)
			return false;
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout_ns(STEP_NS);
	}
	return true;
}

static void port_set(struct ahci_port *port, unsigned int reg, u32 bits)
{
	writel(readl(port->regs + reg) | bits, port->regs + reg);
}

static void port_clear(struct ahci_port *port, unsigned int reg, u32 bits)
{
	writel(readl(port->regs + reg) & ~bits, port->regs + reg);
}

/* ---- engine and link ---- */

static bool engine_stop(struct ahci_port *port)
{
	port_clear(port, PORT_CMD, CMD_START);
	if (!ahci_wait(port->regs + PORT_CMD, CMD_RUNNING, 0, ENGINE_MS))
		return false;
	port_clear(port, PORT_CMD, CMD_FIS_RECEIVE);
	return ahci_wait(port->regs + PORT_CMD, CMD_FIS_RUNNING, 0, ENGINE_MS);
}

/* A link that shows no sign of a disk now has none, unless it was just reset. */
static bool link_up(struct ahci_port *port, bool reset)
{
	if (!reset && !(readl(port->regs + PORT_SSTS) & SSTS_DET))
		return false;
	return ahci_wait(port->regs + PORT_SSTS, SSTS_DET, DET_ONLINE, LINK_MS);
}

static void link_reset(struct ahci_port *port)
{
	writel(SCTL_COMRESET, port->regs + PORT_SCTL);
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout_ns(2 * STEP_NS);
	writel(0, port->regs + PORT_SCTL);
}

static bool disk_ready(struct ahci_port *port)
{
	return ahci_wait(port->regs + PORT_TFD, TFD_BUSY_OR_DRQ, 0, READY_MS);
}

static void forget_causes(struct ahci_port *port)
{
	writel(~0u, port->regs + PORT_SERR);
	writel(~0u, port->regs + PORT_IS);
}

/*
 * From any state to one that takes commands. Interrupts of the port stay off. With `reset` the disk
 * has forgotten every command (FRESH-LINK).
 */
static int engine_start(struct ahci_port *port, bool reset)
{
	if (!engine_stop(port))
		reset = true;
	writeq(__pa(port->headers), port->regs + PORT_CLB);
	writeq(__pa(port->headers) + RECEIVED_OFFSET, port->regs + PORT_FB);
	port_set(port, PORT_CMD, CMD_SPIN_UP | CMD_POWER_ON | CMD_FIS_RECEIVE);
	if (reset)
		link_reset(port);
	if (!link_up(port, reset))
		return -ENODEV;
	writel(~0u, port->regs + PORT_SERR);
	if (!disk_ready(port))
		return -EIO;
	forget_causes(port);
	port_set(port, PORT_CMD, CMD_START);
	return 0;
}

static void interrupts_on(struct ahci_port *port)
{
	writel(IS_DONE | IS_LINK | IS_ERROR, port->regs + PORT_IE);
}

static void free_memory(struct ahci_port *port)
{
	free_page((unsigned long)port->headers);
	free_pages((unsigned long)port->tables, AHCI_TABLES_ORDER);
	port->headers = NULL;
	port->tables = NULL;
}

static int alloc_memory(struct ahci_port *port)
{
	port->headers = (void *)get_zeroed_page(GFP_KERNEL);
	port->tables = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, AHCI_TABLES_ORDER);
	if (!port->headers || !port->tables) {
		free_memory(port);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < AHCI_MAX_SLOTS; i++)
		port->headers[i].table = __pa(&port->tables[i]);
	port->nr_slots = CAP_SLOTS(port->hba->cap);
	port->free = port->nr_slots == 32 ? ~0u : (1u << port->nr_slots) - 1;
	return 0;
}

/*
 * An empty port goes on receiving: a disk that is plugged in shows itself by a FIS, and that must
 * not be written to memory of somebody else. What cannot be stopped keeps its memory for good.
 */
void ahci_port_end(struct ahci_port *port)
{
	writel(0, port->regs + PORT_IE);
	if (port->headers && engine_stop(port))
		free_memory(port);
}

int ahci_port_begin(struct ahci_port *port)
{
	int err = alloc_memory(port);

	if (err)
		return err;
	writel(0, port->regs + PORT_IE);
	err = engine_start(port, false);
	if (err)
		return err;
	return readl(port->regs + PORT_SIG) == SIG_DISK ? 0 : -ENODEV;
}

/* ---- commands ---- */

struct ata_command {
	u8 command;
	bool ncq, write;
	u64 lba;
	unsigned int count;
};

static void build_fis(u8 *fis, const struct ata_command *ata, unsigned int slot)
{
	/* A queued command has its count where others have features, and its tag for a count. */
	unsigned int features = ata->ncq ? ata->count : 0;
	unsigned int count = ata->ncq ? slot << 3 : ata->count;

	memset(fis, 0, 64);
	fis[0] = FIS_HOST_TO_DEV;
	fis[1] = FIS_COMMAND;
	fis[2] = ata->command;
	fis[3] = features;
	fis[7] = ATA_DEVICE_LBA;
	fis[11] = features >> 8;
	fis[12] = count;
	fis[13] = count >> 8;
	for (int i = 0; i < 3; i++) {
		fis[4 + i] = ata->lba >> (8 * i);
		fis[8 + i] = ata->lba >> (24 + 8 * i);
	}
}

static void build(struct ahci_port *port, unsigned int slot, const struct ata_command *ata,
		  struct page *const *pages, unsigned int bytes)
{
	struct ahci_command_header *header = &port->headers[slot];
	struct ahci_command_table *table = &port->tables[slot];
	unsigned int n = 0;

	build_fis(table->fis, ata, slot);
	while (bytes) {
		unsigned int chunk = min(bytes, (unsigned int)PAGE_SIZE);

		table->prds[n].addr = page_to_phys(pages[n]);
		table->prds[n].reserved = 0;
		table->prds[n++].bytes_less_one = chunk - 1;
		bytes -= chunk;
	}
	header->flags = HEADER_FIS_WORDS | (ata->write ? HEADER_WRITE : 0);
	header->nr_prds = n;
	header->bytes_done = 0;
}

/* port->lock held: the slot is built. */
static void issue(struct ahci_port *port, unsigned int slot, bool ncq)
{
	u32 bit = 1u << slot;

	port->free &= ~bit;
	*(ncq ? &port->ncq : &port->plain) |= bit;
	barrier();
	if (ncq)
		writel(bit, port->regs + PORT_SACT);
	writel(bit, port->regs + PORT_CI);
}

static void translate(struct ahci_port *port, const struct blk_request *req,
		      struct ata_command *ata)
{
	*ata = (struct ata_command){.command = ATA_FLUSH};
	if (req->op == BLK_FLUSH)
		return;
	ata->ncq = port->use_ncq && !port->careful;
	ata->write = req->op == BLK_WRITE;
	ata->lba = req->disk_sector >> (port->sector_shift - SECTOR_SHIFT);
	ata->count = req->bytes >> port->sector_shift;
	if (ata->write)
		ata->command = ata->ncq ? ATA_WRITE_NCQ : ATA_WRITE;
	else
		ata->command = ata->ncq ? ATA_READ_NCQ : ATA_READ;
}

/* May a command of this kind begin beside those under way? */
static bool fits(const struct ahci_port *port, bool ncq)
{
	if (port->failed || !port->tables || !port->free)
		return false;
	if (port->careful)
		return !port->plain && !port->ncq;
	return ncq ? !port->plain : !port->ncq;
}

static bool ahci_queue(struct disk *disk, struct blk_request *req)
{
	struct ahci_port *port = container_of(disk, struct ahci_port, disk);
	struct ata_command ata;
	unsigned int slot;
	bool taken;

	spin_lock(&port->lock);
	translate(port, req, &ata);
	taken = fits(port, ata.ncq);
	if (taken) {
		slot = __ffs(port->free);
		build(port, slot, &ata, req->pages, req->op == BLK_FLUSH ? 0 : req->bytes);
		port->owner[slot] = req;
		issue(port, slot, ata.ncq);
	}
	spin_unlock(&port->lock);
	return taken;
}

/* ---- answers ---- */

/* port->lock held: move the requests of these slots to the list. Returns how many. */
static unsigned int take(struct ahci_port *port, u32 slots, int error, struct list_head *list)
{
	unsigned int n = 0;

	port->free |= slots;
	port->plain &= ~slots;
	port->ncq &= ~slots;
	for (; slots; slots &= slots - 1, n++) {
		struct blk_request *req = port->owner[__ffs(slots)];

		port->owner[__ffs(slots)] = NULL;
		req->error = error;
		list_add_tail(&req->driver_list, list);
	}
	return n;
}

/* port->lock held. */
static void take_done(struct ahci_port *port, struct list_head *done)
{
	u32 slots = (port->plain & ~readl(port->regs + PORT_CI)) |
		    (port->ncq & ~readl(port->regs + PORT_SACT));
	unsigned int n = take(port, slots, 0, done);

	port->careful -= min(port->careful, n);
}

static void report(struct ahci_port *port, struct list_head *done)
{
	if (list_empty(done))
		return;
	blk_complete(done);
	blk_run(&port->disk);
}

static void ahci_poll(struct disk *disk)
{
	struct ahci_port *port = container_of(disk, struct ahci_port, disk);
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&port->lock, flags);
	if (!port->failed && port->tables)
		take_done(port, &done);
	spin_unlock_irqrestore(&port->lock, flags);
	report(port, &done);
}

void ahci_port_interrupt(struct ahci_port *port)
{
	unsigned long flags;
	bool gone, failed;
	LIST_HEAD(done);
	u32 causes;

	spin_lock_irqsave(&port->lock, flags);
	causes = readl(port->regs + PORT_IS);
	writel(causes, port->regs + PORT_IS);
	gone = causes & IS_LINK && (readl(port->regs + PORT_SSTS) & SSTS_DET) != DET_ONLINE;
	failed = causes & IS_ERROR && !port->failed;
	if (failed || gone) {
		port->failed = true;
		writel(0, port->regs + PORT_IE);
	} else if (port->tables && !port->failed) {
		take_done(port, &done);
	}
	spin_unlock_irqrestore(&port->lock, flags);
	report(port, &done);
	if (gone)
		blk_remove_disk(&port->disk);
	else if (failed)
		blk_need_recovery(&port->disk);
}

/* ---- recovery ---- */

/*
 * port->lock held: what was done goes to one list, what was not to the other. A failed command
 * that was alone is the one to blame.
 */
static void sort_out(struct ahci_port *port, struct list_head *done, struct list_head *lost)
{
	bool error = port->failed;
	u32 left;

	port->failed = true;
	take_done(port, done);
	left = port->plain | port->ncq;
	if (error && left && !(left & (left - 1)))
		port->careful -= min(port->careful, take(port, left, -EIO, done));
	else
		port->careful = max(port->careful, take(port, left, 0, lost));
}

/*
 * Requests of a port that does not stop are about to fail. Their pages are kept for good: the disk
 * may still write to them.
 */
static void keep_pages(const struct list_head *requests)
{
	struct blk_request *req;

	list_for_each_entry (req, requests, driver_list)
		for (unsigned int i = 0; req->op == BLK_READ && i < blk_nr_pages(req); i++)
			get_page(req->pages[i]);
}

static int ahci_recover(struct disk *disk)
{
	struct ahci_port *port = container_of(disk, struct ahci_port, disk);
	unsigned long flags;
	LIST_HEAD(done);
	LIST_HEAD(lost);
	int err;

	spin_lock_irqsave(&port->lock, flags);
	writel(0, port->regs + PORT_IE);
	sort_out(port, &done, &lost);
	spin_unlock_irqrestore(&port->lock, flags);
	err = engine_start(port, true);
	if (err && readl(port->regs + PORT_CMD) & CMD_RUNNING)
		keep_pages(&lost);
	blk_requeue(&lost);
	blk_complete(&done);
	if (err)
		return err;
	spin_lock_irqsave(&port->lock, flags);
	port->failed = false;
	interrupts_on(port);
	spin_unlock_irqrestore(&port->lock, flags);
	return 0;
}

static void ahci_stop(struct disk *disk)
{
	struct ahci_port *port = container_of(disk, struct ahci_port, disk);
	unsigned long flags;
	LIST_HEAD(lost);
	bool stopped;

	writel(0, port->regs + PORT_IE);
	stopped = engine_stop(port);
	spin_lock_irqsave(&port->lock, flags);
	port->failed = true;
	take(port, port->plain | port->ncq, -ENODEV, &lost);
	if (stopped)
		free_memory(port);
	else
		keep_pages(&lost);
	spin_unlock_irqrestore(&port->lock, flags);
	blk_complete(&lost);
}

const struct disk_ops ahci_disk_ops = {
	.queue = ahci_queue,
	.poll = ahci_poll,
	.recover = ahci_recover,
	.stop = ahci_stop,
};

/* ---- what the disk is ---- */

/* The characters of a word stand in the wrong order, and blanks follow. */
static void read_model(const u16 *id, char *model, size_t size)
{
	size_t len = min(size - 1, ID_MODEL_WORDS * 2UL);

	for (size_t i = 0; i < len; i++)
		model[i] = id[ID_MODEL + i / 2] >> (i & 1 ? 0 : 8);
	while (len && model[len - 1] == ' ')
		len--;
	model[len] = '\0';
}

static int describe(struct ahci_port *port, const u16 *id)
{
	struct disk *disk = &port->disk;
	u64 sectors = id[ID_SECTORS] | (u64)id[ID_SECTORS + 1] << 16 |
		      (u64)id[ID_SECTORS + 2] << 32 | (u64)id[ID_SECTORS + 3] << 48;

	read_model(id, disk->model, sizeof(disk->model));
	if (!(id[ID_COMMANDS] & BIT(10))) {
		pr_warn("ahci: port %u: %s has no 48-bit addresses: too old\n", port->number,
			disk->model);
		return -EINVAL;
	}
	disk->sector_size = 512;
	if ((id[ID_SECTOR_SIZE] & 0xd000) == 0x5000)
		disk->sector_size =
			2 * (id[ID_SECTOR_WORDS] | (unsigned int)id[ID_SECTOR_WORDS + 1] << 16);
	port->sector_shift = disk->sector_size == 4096 ? 12 : SECTOR_SHIFT;
	disk->sectors = sectors << (port->sector_shift - SECTOR_SHIFT);
	disk->max_pages = BLK_MAX_PAGES;
	disk->has_cache = id[ID_ENABLED] & BIT(5);
	port->use_ncq = port->hba->cap & CAP_NCQ && id[ID_SATA] & BIT(8);
	if (port->use_ncq)
		port->nr_slots = min(port->nr_slots, (id[ID_QUEUE_DEPTH] & 0x1fu) + 1);
	port->free = port->nr_slots == 32 ? ~0u : (1u << port->nr_slots) - 1;
	return 0;
}

int ahci_port_identify(struct ahci_port *port)
{
	struct ata_command ata = {.command = ATA_IDENTIFY};
	struct page *page = alloc_page(GFP_KERNEL);
	int err = -EIO;

	if (!page)
		return -ENOMEM;
	build(port, 0, &ata, &page, 512);
	writel(1, port->regs + PORT_CI);
	if (ahci_wait(port->regs + PORT_CI, 1, 0, COMMAND_MS))
		err = describe(port, page_address(page));
	else if (!engine_stop(port))
		get_page(page); /* for good: the disk may still write to it */
	__free_page(page);
	if (err)
		return err;
	forget_causes(port);
	interrupts_on(port);
	return 0;
}
