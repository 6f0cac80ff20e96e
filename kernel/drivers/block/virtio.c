// SPDX-License-Identifier: MIT
/*
 * Virtio on PCI: registers and queues.
 *
 * A virtio device says by vendor capabilities in configuration space in which BAR its register
 * blocks lie: common (features, status, queues), notify (doorbells), isr, and the device's own. One
 * with the old device numbers (0x1000..., "transitional") has them too, and is driven in the same
 * way. What has only the registers of before 1.0 is left alone.
 *
 * Bringing one up, each step a bit in the status register:
 *
 *	reset --> ACKNOWLEDGE, DRIVER --> features agreed: FEATURES_OK --> queues set up --> DRIVER_OK
 *
 * A split queue. The driver owns the first two rings, the device the third:
 *
 *	descriptors	 [ addr len flags next ] ... chained by next; free ones too
 *	available ring	 idx, heads of chains that the device shall work on
 *	used ring	 idx, heads of chains that it is done with
 *
 * x86 keeps stores in order, so release stores of the indices suffice; only between "the index is
 * out" and "does the device want to be told" a full barrier is needed.
 */
#include "kernel/drivers/block/virtio.h"

#include "arch/x86_64/io.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"

/* struct virtio_pci_cap, in configuration space */
#define CAP_TYPE	3
#define CAP_BAR		4
#define CAP_OFFSET	8
#define CAP_LENGTH	12
#define CAP_NOTIFY_MULT 16
#define CAP_TYPE_COMMON 1
#define CAP_TYPE_NOTIFY 2
#define CAP_TYPE_ISR	3
#define CAP_TYPE_DEVICE 4

/* struct virtio_pci_common_cfg */
#define DEVICE_FEATURE_SELECT 0
#define DEVICE_FEATURE	      4
#define DRIVER_FEATURE_SELECT 8
#define DRIVER_FEATURE	      12
#define MSIX_CONFIG	      16
#define DEVICE_STATUS	      20
#define QUEUE_SELECT	      22
#define QUEUE_SIZE	      24
#define QUEUE_MSIX_VECTOR     26
#define QUEUE_ENABLE	      28
#define QUEUE_NOTIFY_OFF      30
#define QUEUE_DESC	      32
#define QUEUE_AVAIL	      40
#define QUEUE_USED	      48

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER	   2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8

#define NO_VECTOR      0xffff
#define RESET_STEP_NS  NSEC_PER_MSEC
#define RESET_STEPS    5000
#define DESC_NEXT      1
#define DESC_WRITE     2
#define USED_NO_NOTIFY 1

/* ---- registers ---- */

static u8 __iomem *map_block(struct virtio_device *vdev, u8 cap)
{
	unsigned int bar = pci_read8(vdev->pci, cap + CAP_BAR);
	u32 offset = pci_read32(vdev->pci, cap + CAP_OFFSET);
	u32 length = pci_read32(vdev->pci, cap + CAP_LENGTH);

	if (bar >= PCI_NUM_BARS || (u64)offset + length > vdev->pci->bar[bar].size)
		return NULL;
	if (!vdev->bars[bar])
		vdev->bars[bar] = pci_map_bar(vdev->pci, bar);
	return vdev->bars[bar] ? vdev->bars[bar] + offset : NULL;
}

int virtio_map(struct virtio_device *vdev)
{
	struct pci_device *pci = vdev->pci;
	u8 cap = 0;

	pci_enable(pci);
	while ((cap = pci_find_cap(pci, PCI_CAP_VNDR, cap))) {
		u8 type = pci_read8(pci, cap + CAP_TYPE);

		if (type == CAP_TYPE_COMMON && !vdev->common) {
			vdev->common = map_block(vdev, cap);
		} else if (type == CAP_TYPE_NOTIFY && !vdev->notify) {
			vdev->notify = map_block(vdev, cap);
			vdev->notify_multiplier = pci_read32(pci, cap + CAP_NOTIFY_MULT);
		} else if (type == CAP_TYPE_ISR && !vdev->isr) {
			vdev->isr = map_block(vdev, cap);
		} else if (type == CAP_TYPE_DEVICE && !vdev->config) {
			vdev->config = map_block(vdev, cap);
		}
	}
	return vdev->common && vdev->notify && vdev->isr && vdev->config ? 0 : -ENODEV;
}

static void add_status(struct virtio_device *vdev, u8 bits)
{
	writeb(readb(vdev->common + DEVICE_STATUS) | bits, vdev->common + DEVICE_STATUS);
}

int virtio_reset(struct virtio_device *vdev)
{
	writeb(0, vdev->common + DEVICE_STATUS);
	for (int i = 0; i < RESET_STEPS; i++) {
		if (pci_is_gone(vdev->pci))
			return -EIO;
		if (!readb(vdev->common + DEVICE_STATUS))
			return 0;
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout_ns(RESET_STEP_NS);
	}
	return -EIO;
}

int virtio_negotiate(struct virtio_device *vdev, u64 wanted)
{
	u64 offered;

	add_status(vdev, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	writel(0, vdev->common + DEVICE_FEATURE_SELECT);
	offered = readl(vdev->common + DEVICE_FEATURE);
	writel(1, vdev->common + DEVICE_FEATURE_SELECT);
	offered |= (u64)readl(vdev->common + DEVICE_FEATURE) << 32;
	vdev->features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_PLATFORM);
	if (!(vdev->features & VIRTIO_F_VERSION_1))
		return -ENODEV;
	writel(0, vdev->common + DRIVER_FEATURE_SELECT);
	writel(vdev->features, vdev->common + DRIVER_FEATURE);
	writel(1, vdev->common + DRIVER_FEATURE_SELECT);
	writel(vdev->features >> 32, vdev->common + DRIVER_FEATURE);
	add_status(vdev, STATUS_FEATURES_OK);
	return readb(vdev->common + DEVICE_STATUS) & STATUS_FEATURES_OK ? 0 : -ENODEV;
}

void virtio_ready(struct virtio_device *vdev)
{
	add_status(vdev, STATUS_DRIVER_OK);
}

bool virtio_interrupted(struct virtio_device *vdev)
{
	/* A message is nobody else's, and the device does not set its bit for it. */
	return vdev->pci->msix_table || readb(vdev->isr);
}

/* ---- a queue's memory ---- */

static void *page_or_null(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL);
}

static int alloc_rings(struct virtqueue *vq)
{
	if (vq->desc)
		return 0;
	vq->desc = page_or_null();
	vq->avail = page_or_null();
	vq->used = page_or_null();
	return vq->desc && vq->avail && vq->used ? 0 : -ENOMEM;
}

void virtio_free_queue(struct virtqueue *vq)
{
	free_page((unsigned long)vq->desc);
	free_page((unsigned long)vq->avail);
	free_page((unsigned long)vq->used);
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
	vq->size = 0;
}

static void clear_rings(struct virtqueue *vq)
{
	memset(vq->avail, 0, PAGE_SIZE);
	memset(vq->used, 0, PAGE_SIZE);
	for (u16 i = 0; i < vq->size; i++)
		vq->desc[i].next = i + 1;
	vq->first_free = 0;
	vq->nr_free = vq->size;
	vq->last_used = 0;
}

int virtio_setup_queue(struct virtio_device *vdev, unsigned int index, struct virtqueue *vq)
{
	u8 __iomem *common = vdev->common;
	u16 size;

	writew(index, common + QUEUE_SELECT);
	size = readw(common + QUEUE_SIZE);
	if (!size || (size & (size - 1)))
		return -ENODEV;
	if (alloc_rings(vq)) {
		virtio_free_queue(vq);
		return -ENOMEM;
	}
	vq->size = min_t(u16, size, VIRTQ_MAX_SIZE);
	clear_rings(vq);
	vq->doorbell = vdev->notify + readw(common + QUEUE_NOTIFY_OFF) * vdev->notify_multiplier;
	writew(vq->size, common + QUEUE_SIZE);
	writew(NO_VECTOR, common + MSIX_CONFIG);
	writew(vdev->pci->msix_table ? 0 : NO_VECTOR, common + QUEUE_MSIX_VECTOR);
	writeq(__pa(vq->desc), common + QUEUE_DESC);
	writeq(__pa(vq->avail), common + QUEUE_AVAIL);
	writeq(__pa(vq->used), common + QUEUE_USED);
	writew(1, common + QUEUE_ENABLE);
	return 0;
}

/* ---- chains ---- */

void virtq_begin(struct virtq_chain *chain, struct virtqueue *vq)
{
	chain->vq = vq;
	chain->head = chain->last = vq->first_free;
	chain->parts = 0;
}

void virtq_add(struct virtq_chain *chain, phys_addr_t addr, u32 len, bool device_writes)
{
	struct virtqueue *vq = chain->vq;
	u16 i = vq->first_free;

	vq->desc[i].addr = addr;
	vq->desc[i].len = len;
	/* The link to the next one is there already: the free ones are chained too. */
	vq->desc[i].flags = DESC_NEXT | (device_writes ? DESC_WRITE : 0);
	vq->first_free = vq->desc[i].next;
	vq->nr_free--;
	chain->last = i;
	chain->parts++;
}

void virtq_end(struct virtq_chain *chain, void *owner)
{
	struct virtqueue *vq = chain->vq;
	u16 idx = vq->avail->idx;

	vq->desc[chain->last].flags &= ~DESC_NEXT;
	vq->owner[chain->head] = owner;
	vq->avail->ring[idx % vq->size] = chain->head;
	smp_store_release(&vq->avail->idx, idx + 1);
}

void virtq_kick(struct virtqueue *vq, unsigned int index)
{
	smp_mb();
	if (!(READ_ONCE(vq->used->flags) & USED_NO_NOTIFY))
		writew(index, vq->doorbell);
}

static void free_chain(struct virtqueue *vq, u16 head)
{
	u16 last = head;

	vq->nr_free++;
	while (vq->desc[last].flags & DESC_NEXT) {
		last = vq->desc[last].next;
		vq->nr_free++;
	}
	vq->desc[last].next = vq->first_free;
	vq->first_free = head;
}

void *virtq_next_used(struct virtqueue *vq, u16 *head)
{
	void *owner = NULL;
	u32 id;

	/* A head that no chain has would be a broken device's: it is passed over. */
	while (vq->size && vq->last_used != smp_load_acquire(&vq->used->idx) && !owner) {
		id = READ_ONCE(vq->used->ring[vq->last_used++ % vq->size].id);
		if (id >= vq->size || !vq->owner[id])
			continue;
		owner = vq->owner[id];
		vq->owner[id] = NULL;
		free_chain(vq, id);
		*head = id;
	}
	return owner;
}

void *virtq_next_lost(struct virtqueue *vq)
{
	for (u16 i = 0; i < vq->size; i++) {
		void *owner = vq->owner[i];

		vq->owner[i] = NULL;
		if (owner)
			return owner;
	}
	return NULL;
}
