/* SPDX-License-Identifier: MIT */
/*
 * System V objects: found by a key that programs agree on, or by an id; with an owner, a creator and
 * permission bits; alive until somebody removes them. This is what all kinds of them share.
 *
 * An id holds the object's place in the table and a sequence number of the place, so an id that
 * outlives its object is not taken for the next one's.
 */
#ifndef KERNEL_IPC_IPC_H
#define KERNEL_IPC_IPC_H

#include "kernel/mutex.h"
#include "lib/types.h"

struct seq_file;
struct task;

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

#define IPC_RMID 0
#define IPC_SET	 1
#define IPC_STAT 2
#define IPC_INFO 3

#define IPC_64 0x100 /* old programs add it to the command */

struct ipc64_perm {
	s32 key;
	u32 uid, gid;
	u32 cuid, cgid;
	u32 mode;
	u16 seq;
	u16 pad;
	u64 unused[2];
};

/* Lock key: (t) the lock of its table; (c) constant. */
struct ipc_object {
	int id;		/* (c) */
	s32 key;	/* (t) */
	u32 uid, gid;	/* (t) */
	u32 cuid, cgid; /* (c) */
	u32 mode;	/* (t) */
};

struct ipc_table {
	struct mutex lock;
	struct ipc_object **slots; /* (t) */
	u16 *sequences;		   /* (t) of the places */
	unsigned int size;	   /* (t) places there are */
	unsigned int used;	   /* (t) objects */
	int max;		   /* most objects: a setting in /proc/sys/kernel */
};

#define IPC_TABLE(name, most) \
	struct ipc_table name = {.lock = __MUTEX_INITIALIZER(name.lock), .max = most}

/*
 * All with the table's lock held.
 *
 * ipc_add() - give the object an id, an owner (current) and a key. 0, -ENOSPC, -ENOMEM.
 * ipc_remove() - nobody finds it any more.
 * ipc_find() - by id: the object, or ERR_PTR(-EINVAL), also -EIDRM for an id whose object has gone.
 * ipc_find_index() - by place, as the *_STAT commands of ipcs do: the object or ERR_PTR(-EINVAL).
 * ipc_find_key() - by key, or NULL.
 * ipc_last_index() - the highest place in use, 0 if none is.
 */
int ipc_add(struct ipc_table *table, struct ipc_object *object, s32 key, u32 mode);
void ipc_remove(struct ipc_table *table, struct ipc_object *object);
struct ipc_object *ipc_find(struct ipc_table *table, int id);
struct ipc_object *ipc_find_index(struct ipc_table *table, int index);
struct ipc_object *ipc_find_key(struct ipc_table *table, s32 key);
int ipc_last_index(const struct ipc_table *table);

/** ipc_access() - may current do what @wanted says (bits as in a mode; any of its triples)? 0, -EACCES. */
int ipc_access(const struct ipc_object *object, u32 wanted);

/** ipc_may_change() - is current its owner, its creator, or root? 0, -EPERM. */
int ipc_may_change(const struct ipc_object *object);

/** ipc_set_owner() - IPC_SET: owner and permissions from the user's structure. 0, -EINVAL. */
int ipc_set_owner(struct ipc_object *object, const struct ipc64_perm *perm);

/** ipc_fill_perm() - for IPC_STAT. */
void ipc_fill_perm(struct ipc64_perm *perm, const struct ipc_object *object);

/** ipc_now() - seconds since 1970. */
s64 ipc_now(void);

int proc_sysvipc_shm_show(struct seq_file *m, struct task *task); /* shm.c */

#endif
