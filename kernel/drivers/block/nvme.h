/* SPDX-License-Identifier: MIT */
/*
 * NVMe ("NVM Express Base Specification", revision 1.4): what controller (nvme.c) and queues
 * (nvme_queue.c) share.
 *
 * Locks: (c) constant once the controller is up; (q) the queue's lock, taken by the interrupt
 * handler; (r) reset_mutex.
 */
#ifndef KERNEL_DRIVERS_BLOCK_NVME_H
#define KERNEL_DRIVERS_BLOCK_NVME_H

#include "kernel/drivers/block/block.h"
#include "kernel/drivers/pci.h"
#include "kernel/mutex.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "lib/types.h"

/* Registers */
#define NVME_CAP       0x00
#define NVME_CC	       0x14
#define NVME_CSTS      0x1c
#define NVME_AQA       0x24
#define NVME_ASQ       0x28
#define NVME_ACQ       0x30
#define NVME_DOORBELLS 0x1000

#define NVME_CAP_MQES(cap)   ((unsigned int)(cap)&0xffff)
#define NVME_CAP_TO(cap)     ((unsigned int)((cap) >> 24) & 0xff) /* half seconds */
#define NVME_CAP_DSTRD(cap)  ((unsigned int)((cap) >> 32) & 0xf)
#define NVME_CAP_MPSMIN(cap) ((unsigned int)((cap) >> 48) & 0xf)
/* Queue entries of 64 and 16 bytes, pages of 4 KiB, the NVM command set, enabled. */
#define NVME_CC_ENABLE	0x00460001u
#define NVME_CSTS_READY 1u
#define NVME_CSTS_FATAL 2u

/* Commands */
enum { NVME_FLUSH = 0, NVME_WRITE = 1, NVME_READ = 2 };
enum { NVME_CREATE_SQ = 1, NVME_CREATE_CQ = 5, NVME_IDENTIFY = 6, NVME_SET_FEATURES = 9 };
enum { NVME_ID_NAMESPACE = 0, NVME_ID_CONTROLLER = 1, NVME_ID_ACTIVE = 2 };
#define NVME_FEATURE_QUEUES 7

struct nvme_command {
	u8 opcode, flags;
	u16 id;
	u32 nsid;
	u64 reserved, metadata;
	u64 prp1, prp2;
	u32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

struct nvme_completion {
	u32 result, reserved;
	u16 sq_head, sq_id, id;
	u16 status; /* bit 0: the phase */
};

#define NVME_DEPTH     64 /* entries of a queue; a page of commands */
#define NVME_MAX_TAGS  63 /* under way: one less, a full ring looks like an empty one */
#define NVME_PRP_BYTES 256
#define NVME_PRP_ORDER 2

BUILD_BUG_ON(sizeof(struct nvme_command) != 64 || sizeof(struct nvme_completion) != 16);
BUILD_BUG_ON((BLK_MAX_PAGES - 1) * sizeof(u64) > NVME_PRP_BYTES);
BUILD_BUG_ON(NVME_DEPTH *NVME_PRP_BYTES != PAGE_SIZE << NVME_PRP_ORDER);

/* A pair of rings, a page each. */
struct nvme_queue {
	spinlock_t lock;
	struct nvme_command *sq;    /* (q) NULL: there is no queue (any more) */
	struct nvme_completion *cq; /* (q) */
	u32 __iomem *sq_doorbell;   /* (c) */
	u32 __iomem *cq_doorbell;   /* (c) */
	u16 depth;		    /* (c) */
	u16 sq_tail, cq_head;	    /* (q) */
	u16 phase;		    /* (q) that a fresh completion has */
	u64 free_tags;		    /* (q) a bit each */
	bool closed;		    /* (q) no command is taken: the controller is being reset */
	void *owner[NVME_DEPTH];    /* (q) by tag */
	u64 *prp_lists;		    /* (c) NVME_PRP_BYTES for each tag; NULL: admin queue */
};

#define NVME_MAX_NAMESPACES 16

struct nvme;

struct nvme_namespace {
	struct disk disk;
	struct nvme *ctrl;
	u32 nsid;
	unsigned int lba_shift;
};

struct nvme {
	struct pci_device *pci;
	u8 __iomem *regs;
	u64 cap;
	unsigned int number; /* of /dev/nvmeNn1 */
	struct nvme_queue admin, io;
	struct mutex reset_mutex;
	bool dead;		    /* (r) */
	unsigned int nr_live;	    /* (r) namespaces that have not been stopped */
	unsigned int nr_namespaces; /* (c) */
	struct nvme_namespace *namespaces[NVME_MAX_NAMESPACES]; /* (c) */
	unsigned int max_pages;
	bool has_cache;
	char model[41];
};

/* ---- nvme_queue.c ---- */

/* nvme_queue_alloc() - memory for the rings (the first time), all empty. 0 or -ENOMEM. */
int nvme_queue_alloc(struct nvme *ctrl, struct nvme_queue *q, unsigned int index);
void nvme_queue_free(struct nvme_queue *q);
/* nvme_queue_close() - from now on no command is taken; or they are again. Takes q->lock. */
void nvme_queue_close(struct nvme_queue *q, bool closed);
/*
 * q->lock held: nvme_queue_take_tag() - a free tag, or -1: the queue is full, or there is none;
 * nvme_queue_put() - append its command; nvme_queue_ring() - the controller may look.
 */
int nvme_queue_take_tag(struct nvme_queue *q);
void nvme_queue_put(struct nvme_queue *q, int tag, struct nvme_command *cmd, void *owner);
void nvme_queue_ring(struct nvme_queue *q);
/* nvme_queue_next() - the next answer's owner, its tag free again; NULL: none. q->lock held. */
void *nvme_queue_next(struct nvme_queue *q, struct nvme_completion *answer);
/* nvme_admin() - one admin command, waited for. 0, -EIO, -ETIMEDOUT. May sleep. */
int nvme_admin(struct nvme *ctrl, struct nvme_command *cmd);

/* The block layer's side of a namespace. */
bool nvme_queue_request(struct disk *disk, struct blk_request *req);
void nvme_commit(struct disk *disk);
void nvme_poll(struct disk *disk);
void nvme_interrupt(void *ctrl);
/* nvme_take_lost() - requests that a reset has lost, of one disk or (NULL) of all. */
void nvme_take_lost(struct nvme *ctrl, const struct disk *disk, int error, struct list_head *lost);

#endif /* KERNEL_DRIVERS_BLOCK_NVME_H */
