/* SPDX-License-Identifier: MIT */
/*
 * Virtio 1.0 devices on PCI, and their split queues ("Virtual I/O Device (VIRTIO) Version 1.0",
 * OASIS 2016, chapters 2.4 and 4.1). virtio.c has the picture.
 *
 * Locks: a virtqueue's lock guards all of it. Interrupt handlers take it.
 */
#ifndef KERNEL_DRIVERS_BLOCK_VIRTIO_H
#define KERNEL_DRIVERS_BLOCK_VIRTIO_H

#include "kernel/drivers/pci.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define VIRTIO_VENDOR	    0x1af4
#define VIRTIO_F_VERSION_1  (1ULL << 32)
#define VIRTIO_F_PLATFORM   (1ULL << 33)
#define VIRTQ_MAX_SIZE	    256
#define VIRTQ_DEVICE_WRITES true

struct virtq_desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

struct virtq_avail {
	u16 flags, idx;
	u16 ring[VIRTQ_MAX_SIZE];
};

struct virtq_used {
	u16 flags, idx;
	struct {
		u32 id, len;
	} ring[VIRTQ_MAX_SIZE];
};

/* A page for each of the three parts. All (v): lock. */
struct virtqueue {
	spinlock_t lock;
	u16 size; /* 0: there is no queue (any more) */
	u16 nr_free, first_free;
	u16 last_used;
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	void __iomem *doorbell;
	void *owner[VIRTQ_MAX_SIZE]; /* of the chain that begins at this descriptor */
};

struct virtio_device {
	struct pci_device *pci;
	u8 __iomem *bars[PCI_NUM_BARS];
	u8 __iomem *common, *notify, *isr, *config;
	u32 notify_multiplier;
	u64 features; /* agreed */
};

/* virtio_map() - find the register blocks. Process context. 0, -ENODEV: not virtio 1.0, -ENOMEM. */
int virtio_map(struct virtio_device *vdev);
/* virtio_reset() - the device forgets everything. May sleep. 0, or -EIO: it does not come back. */
int virtio_reset(struct virtio_device *vdev);
/* virtio_negotiate() - after a reset: agree on features. 0 or -ENODEV. */
int virtio_negotiate(struct virtio_device *vdev, u64 wanted);
/*
 * virtio_setup_queue() - memory for queue `index` (the first time), and make it known. The device
 * is reset and negotiated. 0, -ENODEV: no such queue, -ENOMEM.
 */
int virtio_setup_queue(struct virtio_device *vdev, unsigned int index, struct virtqueue *vq);
void virtio_free_queue(struct virtqueue *vq);
/* virtio_ready() - the device may begin. */
void virtio_ready(struct virtio_device *vdev);
/* virtio_interrupted() - on a shared wire: was it this device? Also acknowledges. */
bool virtio_interrupted(struct virtio_device *vdev);

/*
 * Building a chain, lock held, vq->nr_free known to suffice: virtq_begin(), virtq_add() for each
 * part, virtq_end() makes it visible to the device, virtq_kick() tells it.
 */
struct virtq_chain {
	struct virtqueue *vq;
	u16 head, last;
	u16 parts;
};
void virtq_begin(struct virtq_chain *chain, struct virtqueue *vq);
void virtq_add(struct virtq_chain *chain, phys_addr_t addr, u32 len, bool device_writes);
void virtq_end(struct virtq_chain *chain, void *owner);
void virtq_kick(struct virtqueue *vq, unsigned int index);
/* virtq_next_used() - an answered chain's owner and head, its descriptors freed; or NULL. */
void *virtq_next_used(struct virtqueue *vq, u16 *head);
/* virtq_next_lost() - after a reset: any chain that was under way; NULL when there is no more. */
void *virtq_next_lost(struct virtqueue *vq);

#endif /* KERNEL_DRIVERS_BLOCK_VIRTIO_H */
