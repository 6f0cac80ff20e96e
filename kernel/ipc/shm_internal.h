/* SPDX-License-Identifier: MIT */
/* What the two files of shared memory share. The picture is in shm.c. */
#ifndef KERNEL_IPC_SHM_INTERNAL_H
#define KERNEL_IPC_SHM_INTERNAL_H

#include "kernel/ipc/shm.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "mm/filemap.h"
#include "mm/vma.h"

struct user_struct;

#define SHM_DEST   01000 /* in the mode: goes with the last detach */
#define SHM_LOCKED 02000 /* its pages stay in memory */

enum { SHM_VMF_RW, SHM_VMF_RO, SHM_NR_VMFS };

/* Lock key: (t) shm_table.lock; (a) atomic; (c) constant. */
struct shm_segment {
	struct ipc_object ipc;
	atomic_t count;		    /* (a) */
	unsigned long nattch;	    /* (t) VMAs, and shmat()s under way */
	u64 size;		    /* (c) bytes */
	unsigned long promised;	    /* (c) pages counted by vm_enough_memory() */
	s64 atime, dtime, ctime;    /* (t) */
	s32 cpid, lpid;		    /* (t) lpid; (c) cpid */
	s32 name_key;		    /* (c) as it is shown in maps */
	struct user_struct *locker; /* (t) who is charged for SHM_LOCK; NULL: not locked */
	struct address_space mapping;
	struct vm_file vmf[SHM_NR_VMFS]; /* (c) */
};

extern unsigned long shm_total_pages; /* shm_table.lock; of all segments */

static inline struct shm_segment *to_segment(struct ipc_object *object)
{
	return container_of(object, struct shm_segment, ipc);
}

static inline unsigned long pages_of(const struct shm_segment *seg)
{
	return (seg->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Out of the table, whose reference goes. Table locked. */
void shm_segment_remove(struct shm_segment *seg);

/* shmctl.c: a segment that is locked in memory is so no longer. Table locked, or the last user. */
void shm_uncharge_locker(struct shm_segment *seg);

#endif
