// SPDX-License-Identifier: MIT
/*
 * virtio-blk: QEMU's disk, and every cloud's (VIRTIO 1.0, chapter 5.2).
 *
 * A request is a chain of descriptors in the one queue that is used:
 *
 *	[ header: type, sector ] [ page ] [ page ] ... [ status byte ]
 *	  device reads		   device reads or writes  device writes
 *
 * Header and status lie in a slot of the disk's own memory, one for each descriptor that a chain
 * can begin with. So a request needs no memory at the time it is made.
 *
 * A request can only be taken back by resetting the whole device: after that, all that was under
 * way is begun anew (blk_requeue()).
 *
 * Locks: disk->lock -> virtqueue.lock. The interrupt handler takes the queue's, drops it, and
 * reports what it found.
 */
#include "kernel/drivers/block/block.h"

#include "arch/x86_64/io.h"
#include "kernel/drivers/block/virtio.h"
#include "kernel/drivers/pci.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define DEVICE_TRANSITIONAL 0x1001
#define DEVICE_MODERN	    0x1042

#define F_SIZE_MAX (1ULL << 1)
#define F_SEG_MAX  (1ULL << 2)
#define F_RO	   (1ULL << 5)
#define F_BLK_SIZE (1ULL << 6)
#define F_FLUSH	   (1ULL << 9)
#define FEATURES   (F_SIZE_MAX | F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH)

/* The device's own registers */
#define CONFIG_CAPACITY 0
#define CONFIG_SIZE_MAX 8
#define CONFIG_SEG_MAX	12
#define CONFIG_BLK_SIZE 20

enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };
enum { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPPORTED = 2, STATUS_NONE = 0xff };

#define REQUEST_QUEUE 0
#define FRAME_PARTS   2 /* descriptors of a chain that are not data: header and status */

struct slot {
	u32 type, reserved;
	u64 sector;
	u8 status;
	u8 pad[15];
};

#define SLOTS_ORDER 1
BUILD_BUG_ON(sizeof(struct slot) * VIRTQ_MAX_SIZE != PAGE_SIZE << SLOTS_ORDER);

struct vblk {
	struct disk disk;
	struct virtio_device vdev;
	struct virtqueue vq;
	struct slot *slots;
};

static struct vblk *vblk_of(struct disk *disk)
{
	return container_of(disk, struct vblk, disk);
}

/* ---- requests ---- */

static void add_pages(struct virtq_chain *chain, const struct blk_request *req)
{
	unsigned int left = req->bytes;

	for (unsigned int i = 0; left; i++) {
		unsigned int bytes = min(left, (unsigned int)PAGE_SIZE);

		virtq_add(chain, page_to_phys(req->pages[i]), bytes, req->op == BLK_READ);
		left -= bytes;
	}
}

static bool vblk_queue(struct disk *disk, struct blk_request *req)
{
	static const u32 types[NR_BLK_OPS] = {TYPE_IN, TYPE_OUT, TYPE_FLUSH};
	struct vblk *vblk = vblk_of(disk);
	struct virtq_chain chain;
	struct slot *slot;
	bool room;

	spin_lock(&vblk->vq.lock);
	room = vblk->vq.nr_free >= blk_nr_pages(req) + FRAME_PARTS;
	if (room) {
		virtq_begin(&chain, &vblk->vq);
		slot = &vblk->slots[chain.head];
		slot->type = types[req->op];
		slot->sector = req->op == BLK_FLUSH ? 0 : req->disk_sector;
		slot->status = STATUS_NONE;
		virtq_add(&chain, __pa(slot), offsetof(struct slot, status), false);
		if (req->op != BLK_FLUSH)
			add_pages(&chain, req);
		virtq_add(&chain, __pa(&slot->status), 1, VIRTQ_DEVICE_WRITES);
		virtq_end(&chain, req);
	}
	spin_unlock(&vblk->vq.lock);
	return room;
}

static void vblk_commit(struct disk *disk)
{
	virtq_kick(&vblk_of(disk)->vq, REQUEST_QUEUE);
}

static void vblk_poll(struct disk *disk)
{
	struct vblk *vblk = vblk_of(disk);
	struct blk_request *req;
	unsigned long flags;
	LIST_HEAD(done);
	u16 head;

	spin_lock_irqsave(&vblk->vq.lock, flags);
	while ((req = virtq_next_used(&vblk->vq, &head))) {
		req->error = vblk->slots[head].status == STATUS_OK ? 0 : -EIO;
		list_add_tail(&req->driver_list, &done);
	}
	spin_unlock_irqrestore(&vblk->vq.lock, flags);
	if (list_empty(&done))
		return;
	blk_complete(&done);
	blk_run(disk);
}

static void vblk_interrupt(void *arg)
{
	struct vblk *vblk = arg;

	if (virtio_interrupted(&vblk->vdev))
		vblk_poll(&vblk->disk);
}

static void vblk_removed(void *arg)
{
	struct vblk *vblk = arg;

	blk_remove_disk(&vblk->disk);
	blk_wait_stopped(&vblk->disk);
}

/* ---- the device ---- */

static int bring_up(struct vblk *vblk)
{
	int err = virtio_reset(&vblk->vdev);

	if (!err)
		err = virtio_negotiate(&vblk->vdev, FEATURES);
	if (!err)
		err = virtio_setup_queue(&vblk->vdev, REQUEST_QUEUE, &vblk->vq);
	if (!err)
		virtio_ready(&vblk->vdev);
	return err;
}

static void take_lost(struct vblk *vblk, struct list_head *lost, int error)
{
	struct blk_request *req;
	unsigned long flags;

	spin_lock_irqsave(&vblk->vq.lock, flags);
	while ((req = virtq_next_lost(&vblk->vq))) {
		req->error = error;
		list_add_tail(&req->driver_list, lost);
	}
	spin_unlock_irqrestore(&vblk->vq.lock, flags);
}

static int vblk_recover(struct disk *disk)
{
	struct vblk *vblk = vblk_of(disk);
	LIST_HEAD(lost);
	int err = virtio_reset(&vblk->vdev);

	if (err)
		return err;
	/* What it finished before the reset is finished. */
	vblk_poll(disk);
	take_lost(vblk, &lost, 0);
	err = bring_up(vblk);
	if (!list_empty(&lost))
		blk_requeue(&lost);
	return err;
}

static void vblk_stop(struct disk *disk)
{
	struct vblk *vblk = vblk_of(disk);
	unsigned long flags;
	LIST_HEAD(lost);

	pci_disable(vblk->vdev.pci);
	take_lost(vblk, &lost, -ENODEV);
	blk_complete(&lost);
	spin_lock_irqsave(&vblk->vq.lock, flags);
	virtio_free_queue(&vblk->vq);
	spin_unlock_irqrestore(&vblk->vq.lock, flags);
	free_pages((unsigned long)vblk->slots, SLOTS_ORDER);
	vblk->slots = NULL;
}

static const struct disk_ops vblk_ops = {
	.queue = vblk_queue,
	.commit = vblk_commit,
	.poll = vblk_poll,
	.recover = vblk_recover,
	.stop = vblk_stop,
};

/* What the device says of itself. It must take whole pages, so a smaller size_max is refused. */
static int describe(struct vblk *vblk)
{
	u8 __iomem *config = vblk->vdev.config;
	u64 features = vblk->vdev.features;
	struct disk *disk = &vblk->disk;

	disk->ops = &vblk_ops;
	disk->sectors = readl(config + CONFIG_CAPACITY) | (u64)readl(config + CONFIG_CAPACITY + 4)
								  << 32;
	disk->sector_size = features & F_BLK_SIZE ? readl(config + CONFIG_BLK_SIZE) : 512;
	disk->max_pages = min_t(unsigned int, vblk->vq.size - FRAME_PARTS, BLK_MAX_PAGES);
	if (features & F_SEG_MAX)
		disk->max_pages = min(disk->max_pages, readl(config + CONFIG_SEG_MAX));
	disk->has_cache = features & F_FLUSH;
	disk->read_only = features & F_RO;
	snprintf(disk->model, sizeof(disk->model), "virtio-blk%s",
		 disk->read_only ? ", read-only" : "");
	if (features & F_SIZE_MAX && readl(config + CONFIG_SIZE_MAX) < PAGE_SIZE)
		return -EINVAL;
	return 0;
}

static int start(struct vblk *vblk)
{
	int err = virtio_map(&vblk->vdev);

	if (err)
		return err;
	vblk->slots = (struct slot *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, SLOTS_ORDER);
	if (!vblk->slots)
		return -ENOMEM;
	err = pci_request_irq(vblk->vdev.pci, vblk_interrupt, vblk, "virtio-blk");
	if (!err)
		err = bring_up(vblk);
	if (!err)
		err = describe(vblk);
	if (!err)
		err = blk_add_disk(&vblk->disk, "vd");
	return err;
}

/*
 * A device that cannot be used is switched off. Its struct stays, since the interrupt line may
 * point to it.
 */
static void probe(struct pci_device *pci)
{
	struct vblk *vblk = kzalloc(sizeof(*vblk), GFP_KERNEL);
	int err = -ENOMEM;

	if (vblk) {
		spin_lock_init(&vblk->vq.lock);
		vblk->vdev.pci = pci;
		err = start(vblk);
	}
	if (!err) {
		pci->removed = vblk_removed;
		pci->removed_arg = vblk;
		return;
	}
	pr_warn("virtio-blk at %02x:%02x.%x cannot be used: %s (error %d)\n", pci->bus, pci->slot,
		pci->function,
		err == -ENODEV ? "it does not speak virtio 1.0" : "it did not come up", -err);
	pci_disable(pci);
}

void virtio_blk_init(void)
{
	struct pci_device *pci = NULL;

	while ((pci = pci_next(pci, VIRTIO_VENDOR, PCI_ANY)))
		if (pci->device == DEVICE_TRANSITIONAL || pci->device == DEVICE_MODERN)
			probe(pci);
}
