// SPDX-License-Identifier: MIT
/*
 * NVMe controllers: bringing one up, its namespaces as disks, and what happens when it does not
 * answer.
 *
 *	disabled --(admin queue's address, CC.EN)--> ready --(identify, queue count)-->
 *	    --(create completion queue, create submission queue)--> working
 *
 * A controller that does not answer is disabled, which ends all transfers, and brought up anew;
 * its requests, of all namespaces, are begun again. One that does not even become ready is given
 * up, with all of its namespaces.
 *
 * Answers come by MSI-X or MSI. A controller that has neither is not used: on a shared wire the
 * admin queue, which is polled, would keep the wire raised.
 *
 * Locks: reset_mutex; disk->lock -> io.lock, admin.lock. Interrupts take io.lock.
 */
#include "kernel/drivers/block/nvme.h"

#include "arch/x86_64/io.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define CLASS_NVME  0x0108
#define PROG_IF_NVM 2
#define STEP_NS	    NSEC_PER_MSEC

/* Identify data, by offset */
#define ID_CTRL_MODEL	  24
#define ID_CTRL_MODEL_LEN 40
#define ID_CTRL_MDTS	  77
#define ID_CTRL_CACHE	  525
#define ID_NS_FORMAT	  26
#define ID_NS_FORMATS	  128
#define MAX_LBA_SHIFT	  12

static unsigned int nr_controllers;

/* ---- up and down ---- */

static int wait_ready(struct nvme *ctrl, u32 wanted)
{
	u64 end = ktime_get_ns() + (NVME_CAP_TO(ctrl->cap) + 1) * (NSEC_PER_SEC / 2);

	for (;;) {
		u32 status = readl(ctrl->regs + NVME_CSTS);

		if (status == ~0u)
			return -EIO;
		if ((status & NVME_CSTS_READY) == wanted)
			return 0;
		if (ktime_get_ns() > end || (wanted && status & NVME_CSTS_FATAL))
			return -EIO;
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout_ns(STEP_NS);
	}
}

static int disable(struct nvme *ctrl)
{
	writel(0, ctrl->regs + NVME_CC);
	return wait_ready(ctrl, 0);
}

static int enable(struct nvme *ctrl)
{
	u32 last;
	int err = nvme_queue_alloc(ctrl, &ctrl->admin, 0);

	if (err)
		return err;
	last = ctrl->admin.depth - 1;
	writel(last << 16 | last, ctrl->regs + NVME_AQA);
	writeq(__pa(ctrl->admin.sq), ctrl->regs + NVME_ASQ);
	writeq(__pa(ctrl->admin.cq), ctrl->regs + NVME_ACQ);
	writel(NVME_CC_ENABLE, ctrl->regs + NVME_CC);
	return wait_ready(ctrl, NVME_CSTS_READY);
}

/* One pair of queues for I/O, number 1, with interrupts by message 0. */
static int create_io_queues(struct nvme *ctrl)
{
	struct nvme_command count = {.opcode = NVME_SET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES};
	struct nvme_command cq = {.opcode = NVME_CREATE_CQ}, sq = {.opcode = NVME_CREATE_SQ};
	int err = nvme_queue_alloc(ctrl, &ctrl->io, 1);

	if (err)
		return err;
	cq.prp1 = __pa(ctrl->io.cq);
	cq.cdw10 = (ctrl->io.depth - 1) << 16 | 1;
	cq.cdw11 = 3; /* contiguous, with interrupts */
	sq.prp1 = __pa(ctrl->io.sq);
	sq.cdw10 = cq.cdw10;
	sq.cdw11 = 1 << 16 | 1; /* answers to queue 1; contiguous */
	err = nvme_admin(ctrl, &count);
	if (!err)
		err = nvme_admin(ctrl, &cq);
	if (!err)
		err = nvme_admin(ctrl, &sq);
	return err;
}

static int bring_up(struct nvme *ctrl)
{
	int err = disable(ctrl);

	if (!err)
		err = enable(ctrl);
	if (!err)
		err = create_io_queues(ctrl);
	return err;
}

/* ---- recovery ---- */

/*
 * All namespaces lose what they had under way; it waits again in their lines. The other namespaces
 * do not know of the reset: while the rings are made anew they find the queue closed.
 */
static int reset(struct nvme *ctrl)
{
	LIST_HEAD(lost);
	int err;

	nvme_queue_close(&ctrl->io, true);
	err = disable(ctrl);
	nvme_poll(&ctrl->namespaces[0]->disk);
	nvme_take_lost(ctrl, NULL, 0, &lost);
	if (!err)
		err = bring_up(ctrl);
	if (!err)
		nvme_queue_close(&ctrl->io, false);
	else
		pci_disable(ctrl->pci); /* a request that fails now gives its memory back */
	blk_requeue(&lost);
	return err;
}

static void remove_all(struct nvme *ctrl)
{
	for (unsigned int i = 0; i < ctrl->nr_namespaces; i++)
		blk_remove_disk(&ctrl->namespaces[i]->disk);
}

static void run_all(struct nvme *ctrl)
{
	for (unsigned int i = 0; i < ctrl->nr_namespaces; i++)
		blk_run(&ctrl->namespaces[i]->disk);
}

static int nvme_recover(struct disk *disk)
{
	struct nvme *ctrl = container_of(disk, struct nvme_namespace, disk)->ctrl;
	int err;

	mutex_lock(&ctrl->reset_mutex);
	err = ctrl->dead ? -ENODEV : reset(ctrl);
	if (err)
		ctrl->dead = true;
	mutex_unlock(&ctrl->reset_mutex);
	if (err)
		remove_all(ctrl);
	else
		run_all(ctrl);
	return err;
}

static void nvme_stop(struct disk *disk)
{
	struct nvme *ctrl = container_of(disk, struct nvme_namespace, disk)->ctrl;
	unsigned long flags;
	LIST_HEAD(lost);

	mutex_lock(&ctrl->reset_mutex);
	ctrl->dead = true;
	pci_disable(ctrl->pci);
	nvme_take_lost(ctrl, disk, -ENODEV, &lost);
	blk_complete(&lost);
	if (!--ctrl->nr_live) {
		spin_lock_irqsave(&ctrl->io.lock, flags);
		nvme_queue_free(&ctrl->io);
		nvme_queue_free(&ctrl->admin);
		spin_unlock_irqrestore(&ctrl->io.lock, flags);
	}
	mutex_unlock(&ctrl->reset_mutex);
}

static const struct disk_ops nvme_ops = {
	.queue = nvme_queue_request,
	.commit = nvme_commit,
	.poll = nvme_poll,
	.recover = nvme_recover,
	.stop = nvme_stop,
};

static void nvme_removed(void *arg)
{
	struct nvme *ctrl = arg;

	remove_all(ctrl);
	for (unsigned int i = 0; i < ctrl->nr_namespaces; i++)
		blk_wait_stopped(&ctrl->namespaces[i]->disk);
}

/* ---- namespaces ---- */

static int identify(struct nvme *ctrl, u32 nsid, u32 what, struct page *page)
{
	struct nvme_command cmd = {
		.opcode = NVME_IDENTIFY,
		.nsid = nsid,
		.prp1 = page_to_phys(page),
		.cdw10 = what,
	};

	int err = nvme_admin(ctrl, &cmd);

	if (err == -ETIMEDOUT)
		get_page(page); /* for good: the controller may still write to it */
	return err;
}

static int identify_controller(struct nvme *ctrl, struct page *page)
{
	const u8 *id = page_address(page);
	int err = identify(ctrl, 0, NVME_ID_CONTROLLER, page);
	size_t len = ID_CTRL_MODEL_LEN;

	if (err)
		return err;
	while (len && id[ID_CTRL_MODEL + len - 1] == ' ')
		len--;
	memcpy(ctrl->model, id + ID_CTRL_MODEL, len);
	ctrl->has_cache = id[ID_CTRL_CACHE] & 1;
	ctrl->max_pages = BLK_MAX_PAGES;
	/* The longest transfer, as a power of two of pages; 0: no limit. */
	if (id[ID_CTRL_MDTS] && id[ID_CTRL_MDTS] < 5)
		ctrl->max_pages = 1u << id[ID_CTRL_MDTS];
	return 0;
}

/* The disk of a namespace whose identify data is on the page; NULL: it is not usable, or ENOMEM. */
static struct nvme_namespace *new_namespace(struct nvme *ctrl, u32 nsid, const void *id)
{
	const u8 *bytes = id;
	u32 format = *(const u32 *)(bytes + ID_NS_FORMATS + 4 * (bytes[ID_NS_FORMAT] & 0xf));
	unsigned int shift = format >> 16 & 0xff;
	struct nvme_namespace *ns;

	if (format & 0xffff || shift < SECTOR_SHIFT || shift > MAX_LBA_SHIFT) {
		pr_warn("nvme%un%u: sectors of %llu bytes with %u bytes of metadata: not used\n",
			ctrl->number, nsid, 1ULL << (shift & 63), format & 0xffff);
		return NULL;
	}
	ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return NULL;
	ns->ctrl = ctrl;
	ns->nsid = nsid;
	ns->lba_shift = shift;
	ns->disk.ops = &nvme_ops;
	ns->disk.sectors = *(const u64 *)id << (shift - SECTOR_SHIFT);
	ns->disk.sector_size = 1u << shift;
	ns->disk.max_pages = ctrl->max_pages;
	ns->disk.has_cache = ctrl->has_cache;
	strscpy(ns->disk.model, ctrl->model, sizeof(ns->disk.model));
	return ns;
}

static void add_namespace(struct nvme *ctrl, u32 nsid, struct page *page)
{
	struct nvme_namespace *ns;
	char name[BLK_NAME_LEN];

	if (ctrl->nr_namespaces == NVME_MAX_NAMESPACES ||
	    identify(ctrl, nsid, NVME_ID_NAMESPACE, page))
		return;
	ns = new_namespace(ctrl, nsid, page_address(page));
	if (!ns)
		return;
	snprintf(name, sizeof(name), "nvme%un%u", ctrl->number, nsid);
	ctrl->namespaces[ctrl->nr_namespaces] = ns;
	smp_store_release(&ctrl->nr_namespaces, ctrl->nr_namespaces + 1);
	ctrl->nr_live++;
	if (blk_add_disk(&ns->disk, name)) {
		ctrl->nr_live--;
		ctrl->nr_namespaces--;
		kfree(ns);
	}
}

/* The list of those there are, at most as many as are used; without it (NVMe 1.0) the first. */
static void add_namespaces(struct nvme *ctrl, struct page *page)
{
	u32 ids[NVME_MAX_NAMESPACES] = {1};

	if (!identify(ctrl, 0, NVME_ID_ACTIVE, page))
		memcpy(ids, page_address(page), sizeof(ids));
	for (unsigned int i = 0; i < NVME_MAX_NAMESPACES && ids[i]; i++)
		add_namespace(ctrl, ids[i], page);
}

/* ---- controllers ---- */

static int request_irq(struct nvme *ctrl)
{
	int err = pci_enable_msix(ctrl->pci, 0, nvme_interrupt, ctrl, "nvme");

	return err ? pci_enable_msi(ctrl->pci, nvme_interrupt, ctrl, "nvme") : 0;
}

static int start(struct nvme *ctrl, struct page *page)
{
	int err;

	pci_enable(ctrl->pci);
	ctrl->regs = pci_map_bar(ctrl->pci, 0);
	if (!ctrl->regs)
		return -ENODEV;
	ctrl->cap = readq(ctrl->regs + NVME_CAP);
	if (NVME_CAP_MPSMIN(ctrl->cap))
		return -EINVAL;
	err = request_irq(ctrl);
	if (!err)
		err = bring_up(ctrl);
	if (!err)
		err = identify_controller(ctrl, page);
	if (!err)
		add_namespaces(ctrl, page);
	return err;
}

static void probe(struct pci_device *pci)
{
	struct nvme *ctrl = kzalloc(sizeof(*ctrl), GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	int err = -ENOMEM;

	if (ctrl && page) {
		spin_lock_init(&ctrl->admin.lock);
		spin_lock_init(&ctrl->io.lock);
		mutex_init(&ctrl->reset_mutex);
		ctrl->pci = pci;
		ctrl->number = nr_controllers++;
		err = start(ctrl, page);
	}
	if (page)
		__free_page(page);
	if (!err) {
		pci->removed_arg = ctrl;
		pci->removed = nvme_removed;
		return;
	}
	pr_warn("NVMe controller at %02x:%02x.%x cannot be used (error %d)\n", pci->bus, pci->slot,
		pci->function, -err);
	pci_disable(pci);
}

void nvme_init(void)
{
	struct pci_device *pci = NULL;

	while ((pci = pci_next_class(pci, CLASS_NVME)))
		if (pci->prog_if == PROG_IF_NVM)
			probe(pci);
}
