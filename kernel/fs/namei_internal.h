/* SPDX-License-Identifier: MIT */
/*
 * The state of a path walk: between namei.c (the walk), open.c and namei_calls.c (what is done at
 * its end).
 */
#ifndef KERNEL_FS_NAMEI_INTERNAL_H
#define KERNEL_FS_NAMEI_INTERNAL_H

#include "kernel/fs/namei.h"

struct nameidata {
	struct path path; /* where the walk stands; references held (BASE-HELD) */
	struct path root; /* the task's root; references held */
	const char *name; /* what is left of the string being walked */
	char *body;	  /* that string, if it is a link's text: ours to free */
	struct qstr last; /* the last component found, inside the string */
	enum last_type last_type;
	bool slash;	    /* a slash follows it */
	unsigned int flags; /* LOOKUP_* */
	int links;	    /* followed so far */
	int depth;
	struct {
		char *body;
		const char *rest;
	} stack[MAXSYMLINKS]; /* strings that continue after this one */
};

static inline u32 name_hash_init(void)
{
	return 2166136261u;
}

/* FNV-1a: a multiplication a byte, and good enough in the low bits. */
static inline u32 name_hash_step(u32 hash, char c)
{
	return (hash ^ (u8)c) * 16777619u;
}

/**
 * nd_start() - begin a walk of @name, which must stay until nd_end(). On failure nothing is held.
 */
int nd_start(struct nameidata *nd, int dfd, const char *name, unsigned int flags);
/**
 * nd_walk() - to the end, or with LOOKUP_PARENT before the last component (nd->last, last_type). 0
 * or -E.
 */
int nd_walk(struct nameidata *nd);
/**
 * nd_follow() - continue at the symbolic link @link, found in nd->path; then call nd_walk() again.
 */
int nd_follow(struct nameidata *nd, struct dentry *link);
void nd_end(struct nameidata *nd);

/**
 * lookup_one() - an entry of @dir with a reference; NULL if there is none; ERR_PTR, also -ENOENT
 * where the file system makes its entries itself and nobody else can. dir's i_rwsem held, if
 * something is to be changed.
 */
struct dentry *lookup_one(struct dentry *dir, const struct qstr *name);

/** follow_mounts() - if something is mounted on *path, go there. */
void follow_mounts(struct path *path);

/** read_link() - the text of a symbolic link, to be kfree()d, or ERR_PTR. */
char *read_link(struct inode *inode);

/**
 * may_create() - may an entry be made in @dir, may_delete() - and removed? i_rwsem of dir held. 0
 * or -E.
 */
int may_create(const struct path *dir);
int may_delete(const struct path *dir, struct dentry *victim, bool isdir);

/**
 * vfs_create_at() - make @name in @dir: regular file, device, fifo, socket. dir's i_rwsem held. The
 * new dentry.
 */
struct dentry *vfs_create_at(struct dentry *dir, const struct qstr *name, umode_t mode, dev_t rdev);

/**
 * lock_dir(), unlock_dir() - a directory's i_rwsem for writing, taken in one function and released
 * in another: sparse, which follows locks function by function, is told to look away.
 */
static inline void lock_dir(struct inode *dir, unsigned int subclass)
{
	down_write_nested(&dir->i_rwsem, subclass);
	__release(&dir->i_rwsem);
}

static inline void unlock_dir(struct inode *dir)
{
	__acquire(&dir->i_rwsem);
	up_write(&dir->i_rwsem);
}

void namei_init(void);

#endif
