// SPDX-License-Identifier: MIT
/*
 * NVMe queues: commands one way, completions the other.
 *
 *	submission ring   [cmd][cmd][   ][   ]	 driver writes at the tail, rings its doorbell
 *	completion ring	  [ans][ans][old][old]	 controller writes at its tail, interrupts
 *			   phase 1   phase 0
 *
 * The controller tells by the phase bit of a completion whether it is new: the bit changes each
 * time the ring comes round, so nobody has to clear anything. Commands carry a tag, and are
 * answered in any order.
 *
 * What a command moves it names by pages: two in the command itself, or one and a list of the
 * others. Each tag has room for such a list from the start.
 *
 * All namespaces of a controller share one pair of rings, on one interrupt: interrupts all go to
 * CPU 0 here, so a queue for each CPU would only be more memory.
 */
#include "kernel/drivers/block/nvme.h"

#include "arch/x86_64/io.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"

#define ADMIN_TIMEOUT_NS (10 * NSEC_PER_SEC)
#define ADMIN_STEP_NS	 (NSEC_PER_MSEC / 5)

/* ---- rings ---- */

static void reset_rings(struct nvme_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	memset(q->cq, 0, PAGE_SIZE);
	q->sq_tail = 0;
	q->cq_head = 0;
	q->phase = 1;
	q->free_tags = BIT(q->depth - 1) - 1;
	spin_unlock_irqrestore(&q->lock, flags);
}

void nvme_queue_close(struct nvme_queue *q, bool closed)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	q->closed = closed;
	spin_unlock_irqrestore(&q->lock, flags);
}

int nvme_queue_alloc(struct nvme *ctrl, struct nvme_queue *q, unsigned int index)
{
	size_t stride = 4UL << NVME_CAP_DSTRD(ctrl->cap);
	u8 __iomem *doorbells = ctrl->regs + NVME_DOORBELLS + 2 * index * stride;
	unsigned int entries = NVME_CAP_MQES(ctrl->cap) + 1;

	q->depth = min(entries, (unsigned int)NVME_DEPTH);
	q->sq_doorbell = (u32 __iomem *)doorbells;
	q->cq_doorbell = (u32 __iomem *)(doorbells + stride);
	if (!q->sq)
		q->sq = (void *)get_zeroed_page(GFP_KERNEL);
	if (!q->cq)
		q->cq = (void *)get_zeroed_page(GFP_KERNEL);
	if (index && !q->prp_lists)
		q->prp_lists = (u64 *)__get_free_pages(GFP_KERNEL, NVME_PRP_ORDER);
	if (!q->sq || !q->cq || (index && !q->prp_lists)) {
		nvme_queue_free(q);
		return -ENOMEM;
	}
	reset_rings(q);
	return 0;
}

void nvme_queue_free(struct nvme_queue *q)
{
	free_page((unsigned long)q->sq);
	free_page((unsigned long)q->cq);
	free_pages((unsigned long)q->prp_lists, NVME_PRP_ORDER);
	q->sq = NULL;
	q->cq = NULL;
	q->prp_lists = NULL;
}

int nvme_queue_take_tag(struct nvme_queue *q)
{
	int tag;

	if (!q->sq || q->closed || !q->free_tags)
		return -1;
	tag = __ffs(q->free_tags);
	q->free_tags &= ~BIT(tag);
	return tag;
}

void nvme_queue_put(struct nvme_queue *q, int tag, struct nvme_command *cmd, void *owner)
{
	cmd->id = tag;
	q->owner[tag] = owner;
	q->sq[q->sq_tail] = *cmd;
	q->sq_tail = q->sq_tail + 1 == q->depth ? 0 : q->sq_tail + 1;
}

void nvme_queue_ring(struct nvme_queue *q)
{
	barrier();
	if (q->sq)
		writel(q->sq_tail, q->sq_doorbell);
}

void *nvme_queue_next(struct nvme_queue *q, struct nvme_completion *answer)
{
	void *owner = NULL;

	while (q->cq && !owner) {
		struct nvme_completion *entry = &q->cq[q->cq_head];

		if ((smp_load_acquire(&entry->status) & 1) != q->phase)
			return NULL;
		*answer = *entry;
		if (++q->cq_head == q->depth) {
			q->cq_head = 0;
			q->phase ^= 1;
		}
		writel(q->cq_head, q->cq_doorbell);
		/* A tag that is not under way would be a broken controller's: passed over. */
		if (answer->id >= q->depth || !q->owner[answer->id])
			continue;
		owner = q->owner[answer->id];
		q->owner[answer->id] = NULL;
		q->free_tags |= BIT(answer->id);
	}
	return owner;
}

/* ---- the admin queue: one command at a time, looked for, not waited for by interrupt ---- */

int nvme_admin(struct nvme *ctrl, struct nvme_command *cmd)
{
	struct nvme_queue *q = &ctrl->admin;
	u64 end = ktime_get_ns() + ADMIN_TIMEOUT_NS;
	struct nvme_completion answer;
	unsigned long flags;
	void *owner;
	int tag;

	spin_lock_irqsave(&q->lock, flags);
	tag = nvme_queue_take_tag(q);
	if (tag >= 0) {
		nvme_queue_put(q, tag, cmd, cmd);
		nvme_queue_ring(q);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (tag < 0)
		return -EIO;
	do {
		spin_lock_irqsave(&q->lock, flags);
		owner = nvme_queue_next(q, &answer);
		spin_unlock_irqrestore(&q->lock, flags);
		if (owner)
			return answer.status >> 1 ? -EIO : 0;
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout_ns(ADMIN_STEP_NS);
	} while (ktime_get_ns() < end && !pci_is_gone(ctrl->pci));
	/* Its tag stays taken: the answer may still come. */
	return -ETIMEDOUT;
}

/* ---- requests ---- */

static struct nvme_namespace *ns_of(struct disk *disk)
{
	return container_of(disk, struct nvme_namespace, disk);
}

static void name_pages(struct nvme_queue *q, int tag, const struct blk_request *req,
		       struct nvme_command *cmd)
{
	unsigned int pages = blk_nr_pages(req);
	u64 *list = q->prp_lists + tag * (NVME_PRP_BYTES / sizeof(u64));

	cmd->prp1 = page_to_phys(req->pages[0]);
	if (pages == 2)
		cmd->prp2 = page_to_phys(req->pages[1]);
	if (pages <= 2)
		return;
	for (unsigned int i = 1; i < pages; i++)
		list[i - 1] = page_to_phys(req->pages[i]);
	cmd->prp2 = __pa(list);
}

static void build(struct nvme_namespace *ns, int tag, const struct blk_request *req,
		  struct nvme_command *cmd)
{
	static const u8 opcodes[NR_BLK_OPS] = {NVME_READ, NVME_WRITE, NVME_FLUSH};
	u64 lba = req->disk_sector >> (ns->lba_shift - SECTOR_SHIFT);

	memset(cmd, 0, sizeof(*cmd));
	cmd->opcode = opcodes[req->op];
	cmd->nsid = ns->nsid;
	if (req->op == BLK_FLUSH)
		return;
	name_pages(&ns->ctrl->io, tag, req, cmd);
	cmd->cdw10 = lba;
	cmd->cdw11 = lba >> 32;
	cmd->cdw12 = (req->bytes >> ns->lba_shift) - 1;
}

bool nvme_queue_request(struct disk *disk, struct blk_request *req)
{
	struct nvme_namespace *ns = ns_of(disk);
	struct nvme_queue *q = &ns->ctrl->io;
	struct nvme_command cmd;
	int tag;

	spin_lock(&q->lock);
	tag = nvme_queue_take_tag(q);
	if (tag >= 0) {
		build(ns, tag, req, &cmd);
		nvme_queue_put(q, tag, &cmd, req);
	}
	spin_unlock(&q->lock);
	return tag >= 0;
}

void nvme_commit(struct disk *disk)
{
	struct nvme_queue *q = &ns_of(disk)->ctrl->io;

	spin_lock(&q->lock);
	nvme_queue_ring(q);
	spin_unlock(&q->lock);
}

static void reap(struct nvme *ctrl)
{
	struct nvme_completion answer;
	struct blk_request *req;
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&ctrl->io.lock, flags);
	while ((req = nvme_queue_next(&ctrl->io, &answer))) {
		req->error = answer.status >> 1 ? -EIO : 0;
		list_add_tail(&req->driver_list, &done);
	}
	spin_unlock_irqrestore(&ctrl->io.lock, flags);
	if (list_empty(&done))
		return;
	blk_complete(&done);
	/* A tag is free: any of the namespaces may have waited for it. */
	for (unsigned int i = 0; i < smp_load_acquire(&ctrl->nr_namespaces); i++)
		blk_run(&ctrl->namespaces[i]->disk);
}

void nvme_interrupt(void *ctrl)
{
	reap(ctrl);
}

void nvme_poll(struct disk *disk)
{
	reap(ns_of(disk)->ctrl);
}

void nvme_take_lost(struct nvme *ctrl, const struct disk *disk, int error, struct list_head *lost)
{
	struct nvme_queue *q = &ctrl->io;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	for (unsigned int tag = 0; tag < q->depth; tag++) {
		struct blk_request *req = q->owner[tag];

		if (!req || (disk && req->bdev->disk != disk))
			continue;
		q->owner[tag] = NULL;
		q->free_tags |= BIT(tag);
		req->error = error;
		list_add_tail(&req->driver_list, lost);
	}
	spin_unlock_irqrestore(&q->lock, flags);
}
