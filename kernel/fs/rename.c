/* SPDX-License-Identifier: MIT */
/*
 * Renaming.
 *
 * Two directories are involved, perhaps the same one, and up to two objects: the one that moves,
 * and the one that it replaces (or, with RENAME_EXCHANGE, changes places with).
 *
 *      from/old  ------>  to/new            1. walk to both directories, lock them
 *         |                 |               2. look both names up, check
 *      source             target or none    3. the file system keeps its counts; the dentry moves
 *
 * Lock order: rename_mutex -> directories, ancestor before descendant (unrelated ones by address)
 * -> a directory that is replaced. rename_mutex serialises moves between directories, so that "is
 * this above that" cannot change while it is asked: two renames at once could otherwise each move a
 * directory below the other's and make a loop.
 *
 * The moved dentry takes its new name from a `vehicle`, a fresh dentry of that name made
 * beforehand: nothing can fail once the file system has said yes.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/syscall.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE	 2u

static DEFINE_MUTEX(rename_mutex);

struct rename {
	struct nameidata from, to;
	struct dentry *source, *target; /* target: NULL if the new name is free */
	unsigned int flags;
	bool crosses; /* two different directories */
};

/* Lock both directories, the upper one first. */
static void lock_rename(struct rename *r)
{
	struct dentry *a = r->from.path.dentry, *b = r->to.path.dentry;

	r->crosses = a != b;
	if (!r->crosses) {
		lock_dir(a->d_inode, 0);
		return;
	}
	mutex_lock(&rename_mutex);
	__release(&rename_mutex);
	if (is_ancestor(b, a) || (!is_ancestor(a, b) && a > b))
		swap(a, b);
	lock_dir(a->d_inode, 0);
	lock_dir(b->d_inode, I_RWSEM_PARENT2);
}

static void unlock_rename(struct rename *r)
{
	unlock_dir(r->from.path.dentry->d_inode);
	if (r->crosses) {
		unlock_dir(r->to.path.dentry->d_inode);
		__acquire(&rename_mutex);
		mutex_unlock(&rename_mutex);
	}
}

/* A slash behind a name asks for a directory, also where nothing is left to do. 0, -ENOTDIR. */
static int rename_slashes(const struct rename *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;

	if (exchange && r->to.slash && !S_ISDIR(r->target->d_inode->i_mode))
		return -ENOTDIR;
	if (!S_ISDIR(r->source->d_inode->i_mode) && (r->from.slash || (r->to.slash && !exchange)))
		return -ENOTDIR;
	return 0;
}

static int rename_lookup(struct rename *r)
{
	r->source = lookup_one(r->from.path.dentry, &r->from.last);
	if (!r->source)
		r->source = ERR_PTR(-ENOENT);
	if (IS_ERR(r->source))
		return PTR_ERR(r->source);
	r->target = lookup_one(r->to.path.dentry, &r->to.last);
	if (IS_ERR(r->target))
		return PTR_ERR(r->target);
	if (r->target && r->flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!r->target && r->flags & RENAME_EXCHANGE)
		return -ENOENT;
	return rename_slashes(r);
}

/* A directory that gets another parent is changed itself: its ".." is. 0, -EACCES. */
static int may_reparent(const struct rename *r, const struct dentry *moved)
{
	struct inode *inode = moved->d_inode;

	return r->crosses && S_ISDIR(inode->i_mode) ? inode_permission(inode, MAY_WRITE) : 0;
}

static int rename_allowed(struct rename *r)
{
	bool isdir = S_ISDIR(r->source->d_inode->i_mode);
	bool target_isdir = r->target && S_ISDIR(r->target->d_inode->i_mode);
	int err;

	if (is_ancestor(r->source, r->to.path.dentry)) /* into itself */
		return -EINVAL;
	if (r->target && is_ancestor(r->target, r->from.path.dentry))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	err = may_delete(&r->from.path, r->source, isdir);
	if (err)
		return err;
	if (!r->target)
		err = may_create(&r->to.path);
	else
		err = may_delete(&r->to.path, r->target,
				 r->flags & RENAME_EXCHANGE ? target_isdir : isdir);
	if (!err && !r->from.path.dentry->d_inode->i_op->rename)
		err = -EPERM;
	if (!err)
		err = may_reparent(r, r->source);
	if (!err && r->flags & RENAME_EXCHANGE)
		err = may_reparent(r, r->target);
	return err;
}

/*
 * The file system's part. A directory that is replaced is locked: nothing is made in it any more.
 */
static int rename_objects(struct rename *r)
{
	struct inode *old_dir = r->from.path.dentry->d_inode, *new_dir = r->to.path.dentry->d_inode;
	struct inode *victim = r->target ? r->target->d_inode : NULL;
	int err;

	if (!victim || r->flags & RENAME_EXCHANGE || !S_ISDIR(victim->i_mode))
		return old_dir->i_op->rename(old_dir, r->source, new_dir, r->target, r->flags);
	down_write_nested(&victim->i_rwsem, I_RWSEM_CHILD);
	if (READ_ONCE(r->target->d_flags) & DCACHE_MOUNTED) /* since may_delete() */
		err = -EBUSY;
	else
		err = old_dir->i_op->rename(old_dir, r->source, new_dir, r->target, r->flags);
	if (!err)
		victim->i_flags |= S_DEAD;
	up_write(&victim->i_rwsem);
	return err;
}

/* Told of one entry that has moved. */
static void notify_move(const struct qstr *from, struct inode *from_dir, const struct qstr *to,
			struct inode *to_dir, struct inode *moved)
{
	u32 cookie = notify_cookie(), isdir = S_ISDIR(moved->i_mode) ? IN_ISDIR : 0;

	notify_name(from_dir, IN_MOVED_FROM | isdir, from, cookie);
	notify_name(to_dir, IN_MOVED_TO | isdir, to, cookie);
	notify_inode(moved, IN_MOVE_SELF);
}

static void notify_rename(const struct rename *r)
{
	struct inode *from = r->from.path.dentry->d_inode, *to = r->to.path.dentry->d_inode;

	if (nobody_watches())
		return;
	notify_move(&r->from.last, from, &r->to.last, to, r->source->d_inode);
	if (r->flags & RENAME_EXCHANGE)
		notify_move(&r->to.last, to, &r->from.last, from, r->target->d_inode);
	else if (r->target)
		notify_inode(r->target->d_inode, IN_ATTRIB);
}

static int rename_commit(struct rename *r)
{
	struct dentry *vehicle;
	int err;

	if (r->flags & RENAME_EXCHANGE) {
		err = rename_objects(r);
		if (!err)
			d_exchange(r->source, r->target);
		return err;
	}
	vehicle = d_alloc(r->to.path.dentry, &r->to.last);
	if (!vehicle)
		return -ENOMEM;
	err = rename_objects(r);
	if (!err) {
		if (r->target)
			d_drop(r->target, true);
		d_move(r->source, vehicle);
	}
	dput(vehicle);
	return err;
}

static int rename_walked(struct rename *r)
{
	int err;

	if (r->from.path.mnt != r->to.path.mnt)
		return -EXDEV;
	if (r->from.last_type != LAST_NORM)
		return -EBUSY;
	if (r->to.last_type != LAST_NORM)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = mnt_want_write(r->from.path.mnt); /* before it is told what is there */
	if (err)
		return err;
	r->source = r->target = NULL;
	lock_rename(r);
	err = rename_lookup(r);
	if (!err && r->target && r->source->d_inode == r->target->d_inode)
		goto out; /* two names of one file: nothing happens, says POSIX */
	if (!err)
		err = rename_allowed(r);
	if (!err)
		err = rename_commit(r);
	if (!err)
		notify_rename(r);
out:
	unlock_rename(r);
	if (!IS_ERR_OR_NULL(r->target))
		dput(r->target);
	if (!IS_ERR_OR_NULL(r->source))
		dput(r->source);
	return err;
}

static int do_rename(struct rename *r, int odfd, const char *from, int ndfd, const char *to)
{
	int err = nd_start(&r->from, odfd, from, LOOKUP_PARENT);

	if (err)
		return err;
	err = nd_walk(&r->from);
	if (!err)
		err = nd_start(&r->to, ndfd, to, LOOKUP_PARENT);
	if (!err) {
		err = nd_walk(&r->to);
		if (!err)
			err = rename_walked(r);
		nd_end(&r->to);
	}
	nd_end(&r->from);
	return err;
}

static long do_renameat2(int odfd, const char __user *uold, int ndfd, const char __user *unew,
			 unsigned int flags)
{
	struct rename *r;
	char *from, *to;
	long err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	from = getname(uold, 0);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = getname(unew, 0);
	err = PTR_ERR(to);
	if (IS_ERR(to))
		goto out_from;
	err = -ENOMEM;
	r = kmalloc(sizeof(*r), GFP_KERNEL); /* two walks are a lot for one stack */
	if (r) {
		r->flags = flags;
		err = do_rename(r, odfd, from, ndfd, to);
		kfree(r);
	}
	putname(to);
out_from:
	putname(from);
	return err;
}

SYSCALL_DEFINE2(rename, const char __user *, old, const char __user *, new)
{
	return do_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

SYSCALL_DEFINE4(renameat, int, odfd, const char __user *, old, int, ndfd, const char __user *, new)
{
	return do_renameat2(odfd, old, ndfd, new, 0);
}

SYSCALL_DEFINE5(renameat2, int, odfd, const char __user *, old, int, ndfd, const char __user *, new,
		unsigned int, flags)
{
	return do_renameat2(odfd, old, ndfd, new, flags);
}
