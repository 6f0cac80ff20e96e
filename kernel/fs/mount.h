/* SPDX-License-Identifier: MIT */
/*
 * Mounts: where one file system's tree hangs in another's.
 */
#ifndef KERNEL_FS_MOUNT_H
#define KERNEL_FS_MOUNT_H

#include "kernel/fs/fs.h"

/* mnt_flags, and the flags of mount(2) that they come from (same values) */
#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u
#define MS_SYNCHRONOUS 16u
#define MS_REMOUNT     32u
#define MS_NOSYMFOLLOW 256u
#define MS_NOATIME     1024u
#define MS_NODIRATIME  2048u
#define MS_BIND	       4096u
#define MS_MOVE	       8192u
#define MS_REC	       16384u
#define MS_SILENT      32768u
#define MS_UNBINDABLE  (1u << 17)
#define MS_PRIVATE     (1u << 18)
#define MS_SLAVE       (1u << 19)
#define MS_SHARED      (1u << 20)
#define MS_PROPAGATION (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
#define MS_RELATIME    (1u << 21)
#define MS_STRICTATIME (1u << 24)
#define MS_LAZYTIME    (1u << 25)
#define MNT_ATIME_MASK (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define MNT_FLAG_MASK \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MNT_ATIME_MASK)

#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

/*
 * Locks: c constant; D dcache_lock (the mount tree is part of the tree of names), changed with
 * mount_mutex held too.
 */
struct mount {
	atomic_t mnt_count;	       /* being mounted counts one */
	atomic_t mnt_writers;	       /* regular files that are open for writing */
	unsigned int mnt_flags;	       /* D  MS_* of MNT_FLAG_MASK */
	int mnt_id;		       /* c */
	struct super_block *mnt_sb;    /* c  counted in s_active */
	struct dentry *mnt_root;       /* c  referenced */
	struct mount *mnt_parent;      /* D  referenced; NULL: the root, or not mounted */
	struct dentry *mnt_mountpoint; /* D  referenced */
	struct list_head mnt_list;     /* D  all mounts, in the order of mounting */
	char *mnt_devname;	       /* c */
};

extern struct list_head mount_list; /* D */
extern struct mutex mount_mutex;
extern struct mount *root_mnt; /* the first one */

static inline struct mount *mntget(struct mount *mnt)
{
	if (mnt)
		atomic_inc(&mnt->mnt_count);
	return mnt;
}
/** mntput() - the last reference frees the mount and lets go of its file system. Sleeps then. */
void mntput(struct mount *mnt);

/** __lookup_mnt() - what is mounted on @path, without a reference; NULL: nothing. */
struct mount *__lookup_mnt(const struct path *path) __must_hold(&dcache_lock);

/** mnt_want_write() - 0, or -EROFS if @mnt is read-only. @mnt may be NULL (pseudo files). */
int mnt_want_write(const struct mount *mnt);

/**
 * mnt_get_writer() - a file of @mnt is being opened for writing: until mnt_put_writer() the mount
 * cannot be made read-only. 0, -EROFS. @mnt may be NULL.
 */
int mnt_get_writer(struct mount *mnt);
void mnt_put_writer(struct mount *mnt);

/** register_filesystem() - @type can be mounted by name and is listed in /proc/filesystems. */
void register_filesystem(struct file_system_type *type);
/** for_each_filesystem() - in the order of registration. */
void for_each_filesystem(void (*fn)(const struct file_system_type *type, void *arg), void *arg);
#define FS_NODEV 1u

/** alloc_super() - a new instance with no root yet. NULL: memory. */
struct super_block *alloc_super(const struct file_system_type *type,
				const struct super_operations *ops);
/** deactivate_super() - a mount of it, or its maker, lets go; the last one takes it down. */
void deactivate_super(struct super_block *sb);

/** do_mount_at() - mount a file system of @type on @path. @flags MS_*. 0 or -E. */
int do_mount_at(const char *devname, const struct path *path, const char *type, unsigned int flags,
		const char *data);
/** kernel_mount() - by names. */
int kernel_mount(const char *devname, const char *dir, const char *type, unsigned int flags,
		 const char *data);
/* Counts changes of the tree; who waits for one sleeps on mount_wait. */
extern unsigned int mount_event;
extern struct wait_queue_head mount_wait;

/** mount_rootfs() - make the first tmpfs the root of everything. Panics on failure. */
void mount_rootfs(void);

/**
 * for_each_mount() - call @fn with references held on each mount, no locks; stops when it returns
 * non-zero.
 */
int for_each_mount(int (*fn)(struct mount *mnt, void *arg), void *arg);

#endif
