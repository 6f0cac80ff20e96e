/* SPDX-License-Identifier: MIT */
/*
 * What the file system tells about what happens to files, to whom it may concern: the watches of
 * inotify. As long as there is no watch anywhere, all this is one look at a counter.
 */
#ifndef KERNEL_EVENTS_INOTIFY_H
#define KERNEL_EVENTS_INOTIFY_H

#include "kernel/fs/fs.h"

#define IN_ACCESS	 0x00000001u
#define IN_MODIFY	 0x00000002u
#define IN_ATTRIB	 0x00000004u
#define IN_CLOSE_WRITE	 0x00000008u
#define IN_CLOSE_NOWRITE 0x00000010u
#define IN_OPEN		 0x00000020u
#define IN_MOVED_FROM	 0x00000040u
#define IN_MOVED_TO	 0x00000080u
#define IN_CREATE	 0x00000100u
#define IN_DELETE	 0x00000200u
#define IN_DELETE_SELF	 0x00000400u
#define IN_MOVE_SELF	 0x00000800u
#define IN_UNMOUNT	 0x00002000u
#define IN_Q_OVERFLOW	 0x00004000u
#define IN_IGNORED	 0x00008000u
#define IN_ISDIR	 0x40000000u

extern int nr_inode_watches;

/* The slow parts. Any process context; take spinlocks only. */
void __notify_inode(struct inode *inode, u32 mask);
void __notify_name(struct inode *dir, u32 mask, const struct qstr *name, u32 cookie);
void __notify_dentry(struct dentry *dentry, u32 mask);
void __notify_gone(struct inode *inode);
void __notify_unmount(struct super_block *sb);

static inline bool nobody_watches(void)
{
	return likely(!READ_ONCE(nr_inode_watches));
}

/** notify_inode() - @mask happened to the object itself. */
static inline void notify_inode(struct inode *inode, u32 mask)
{
	if (!nobody_watches())
		__notify_inode(inode, mask);
}

/** notify_name() - @mask happened to entry @name of @dir. @cookie ties the two halves of a rename. */
static inline void notify_name(struct inode *dir, u32 mask, const struct qstr *name, u32 cookie)
{
	if (!nobody_watches())
		__notify_name(dir, mask, name, cookie);
}

/** notify_dentry() - @mask happened to an object under this name: it and its directory are told. */
static inline void notify_dentry(struct dentry *dentry, u32 mask)
{
	if (!nobody_watches())
		__notify_dentry(dentry, mask);
}

/** notify_file() - the same for an open file. */
static inline void notify_file(struct file *file, u32 mask)
{
	if (!nobody_watches() && !(file->f_mode & FMODE_PATH))
		__notify_dentry(file->f_path.dentry, mask);
}

/** notify_gone() - the last name and the last user of @inode have gone. May sleep. */
static inline void notify_gone(struct inode *inode)
{
	if (!nobody_watches() && !inode->i_nlink)
		__notify_gone(inode);
}

/** notify_unmount() - @sb goes: its watches end. May sleep. */
static inline void notify_unmount(struct super_block *sb)
{
	if (!nobody_watches())
		__notify_unmount(sb);
}

/** notify_cookie() - a number for the two halves of a rename. */
u32 notify_cookie(void);

/* Settings of /proc/sys/fs/inotify. */
extern int inotify_max_watches, inotify_max_instances, inotify_max_events;

#endif
