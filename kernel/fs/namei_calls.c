/* SPDX-License-Identifier: MIT */
/*
 * Making, linking and removing names.
 *
 * All of these walk to the directory that holds the last component, lock it, look the component up, ask whether the
 * change is allowed, let the file system do it, and change the dentry tree. The directory's i_rwsem is held from the
 * look-up to the end, so what was found is still true when it is acted on.
 *
 * Lock order: rename_mutex -> directories, ancestor before descendant -> the object itself (a directory that is removed
 * or replaced: nothing may be created in it while it goes). rename_mutex serialises moves between directories, so that
 * "is this above that" cannot change under a rename (no loops can be made by two at once).
 */
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/cred.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE	 2u
#define RENAME_WHITEOUT	 4u

static DEFINE_MUTEX(rename_mutex);

int may_create(const struct path *dir)
{
	struct inode *inode = dir->dentry->d_inode;
	int err = mnt_want_write(dir->mnt);

	if (inode->i_flags & S_DEAD)
		return -ENOENT;
	return err ?: inode_permission(inode, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct path *dir, struct dentry *victim, bool isdir)
{
	struct inode *parent = dir->dentry->d_inode, *inode = victim->d_inode;
	int err = mnt_want_write(dir->mnt) ?: inode_permission(parent, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (parent->i_mode & S_ISVTX && current_fsuid() != inode->i_uid && current_fsuid() != parent->i_uid &&
	    !capable(CAP_FOWNER))
		return -EPERM;
	if (isdir && !S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (!isdir && S_ISDIR(inode->i_mode))
		return -EISDIR;
	return READ_ONCE(victim->d_flags) & DCACHE_MOUNTED ? -EBUSY : 0;
}

struct dentry *vfs_create_at(struct dentry *dir, const struct qstr *name, umode_t mode, dev_t rdev)
{
	struct inode *inode = dir->d_inode;
	struct dentry *dentry;
	int err;

	if (!inode->i_op->create)
		return ERR_PTR(-EACCES);
	dentry = d_alloc(dir, name);
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	err = inode->i_op->create(inode, dentry, mode, rdev);
	if (err) {
		dput(dentry);
		return ERR_PTR(err);
	}
	return dentry;
}

/* Walk to the parent of a name that shall be made; returns with the directory locked. */
static int create_begin(struct nameidata *nd, int dfd, const char *name, bool isdir)
{
	struct dentry *old;
	int err = nd_start(nd, dfd, name, LOOKUP_PARENT);

	if (err)
		return err;
	err = nd_walk(nd);
	if (!err && nd->last_type != LAST_NORM)
		err = -EEXIST;
	if (err) {
		nd_end(nd);
		return err;
	}
	down_write(&nd->path.dentry->d_inode->i_rwsem);
	old = lookup_one(nd->path.dentry, &nd->last);
	if (IS_ERR(old)) {
		err = PTR_ERR(old);
	} else if (old) {
		err = -EEXIST;
		dput(old);
	} else if (nd->slash && !isdir) {
		err = -ENOENT;
	} else {
		return 0;
	}
	up_write(&nd->path.dentry->d_inode->i_rwsem);
	nd_end(nd);
	return err;
}

static void create_end(struct nameidata *nd)
{
	up_write(&nd->path.dentry->d_inode->i_rwsem);
	nd_end(nd);
}

static int do_mknodat(int dfd, const char *name, umode_t mode, dev_t dev)
{
	struct nameidata nd;
	struct dentry *dentry;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFDIR:
		return -EPERM;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return -EINVAL;
	}
	err = create_begin(&nd, dfd, name, false);
	if (err)
		return err;
	err = may_create(&nd.path);
	if (!err && (S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
		err = -EPERM;
	if (!err) {
		dentry = vfs_create_at(nd.path.dentry, &nd.last, mode, dev);
		if (IS_ERR(dentry))
			err = PTR_ERR(dentry) == -EACCES ? -EPERM : PTR_ERR(dentry);
		else
			dput(dentry);
	}
	create_end(&nd);
	return err;
}

static int do_mkdirat(int dfd, const char *name, umode_t mode)
{
	struct nameidata nd;
	struct dentry *dentry;
	int err = create_begin(&nd, dfd, name, true);

	if (err)
		return err;
	err = may_create(&nd.path);
	if (!err) {
		dentry = vfs_create_at(nd.path.dentry, &nd.last, S_IFDIR | mode, 0);
		if (IS_ERR(dentry))
			err = PTR_ERR(dentry) == -EACCES ? -EPERM : PTR_ERR(dentry);
		else
			dput(dentry);
	}
	create_end(&nd);
	return err;
}

static int do_symlinkat(const char *target, int dfd, const char *name)
{
	struct inode *dir;
	struct nameidata nd;
	struct dentry *dentry;
	int err = create_begin(&nd, dfd, name, false);

	if (err)
		return err;
	dir = nd.path.dentry->d_inode;
	err = may_create(&nd.path);
	if (!err && !dir->i_op->symlink)
		err = -EPERM;
	if (!err) {
		err = -ENOMEM;
		dentry = d_alloc(nd.path.dentry, &nd.last);
		if (dentry) {
			err = dir->i_op->symlink(dir, dentry, target);
			dput(dentry);
		}
	}
	create_end(&nd);
	return err;
}

static int link_path(const struct path *old, int dfd, const char *name)
{
	struct inode *dir;
	struct nameidata nd;
	struct dentry *dentry;
	int err = create_begin(&nd, dfd, name, false);

	if (err)
		return err;
	dir = nd.path.dentry->d_inode;
	err = may_create(&nd.path);
	if (!err && old->mnt != nd.path.mnt)
		err = -EXDEV;
	if (!err && (S_ISDIR(old->dentry->d_inode->i_mode) || !dir->i_op->link))
		err = -EPERM;
	if (!err) {
		err = -ENOMEM;
		dentry = d_alloc(nd.path.dentry, &nd.last);
		if (dentry) {
			err = dir->i_op->link(dir, old->dentry, dentry);
			dput(dentry);
		}
	}
	create_end(&nd);
	return err;
}

/* Removing ----------------------------------------------------------------------------------------------------------------- */

static int rmdir_locked(const struct path *dir, struct dentry *victim)
{
	struct inode *inode = victim->d_inode, *parent = dir->dentry->d_inode;
	int err = may_delete(dir, victim, true);

	if (err)
		return err;
	if (!parent->i_op->rmdir)
		return -EPERM;
	down_write_nested(&inode->i_rwsem, I_RWSEM_CHILD);
	if (!d_empty(victim)) {
		err = -ENOTEMPTY;
	} else {
		err = parent->i_op->rmdir(parent, victim);
		if (!err) {
			inode->i_flags |= S_DEAD;
			d_drop(victim, true);
		}
	}
	up_write(&inode->i_rwsem);
	return err;
}

static int unlink_locked(const struct path *dir, struct dentry *victim)
{
	struct inode *parent = dir->dentry->d_inode;
	int err = may_delete(dir, victim, false);

	if (!err && !parent->i_op->unlink)
		err = -EPERM;
	if (!err)
		err = parent->i_op->unlink(parent, victim);
	if (!err)
		d_drop(victim, true);
	return err;
}

static int last_error_rmdir(enum last_type type)
{
	return type == LAST_DOTDOT ? -ENOTEMPTY : type == LAST_DOT ? -EINVAL : -EBUSY;
}

static int do_remove(int dfd, const char *name, bool isdir)
{
	struct nameidata nd;
	struct dentry *victim;
	int err = nd_start(&nd, dfd, name, LOOKUP_PARENT);

	if (err)
		return err;
	err = nd_walk(&nd);
	if (!err && nd.last_type != LAST_NORM)
		err = isdir ? last_error_rmdir(nd.last_type) : -EISDIR;
	if (err)
		goto out;
	down_write(&nd.path.dentry->d_inode->i_rwsem);
	victim = lookup_one(nd.path.dentry, &nd.last);
	if (IS_ERR_OR_NULL(victim)) {
		err = victim ? PTR_ERR(victim) : -ENOENT;
		victim = NULL;
	} else if (isdir) {
		err = rmdir_locked(&nd.path, victim);
	} else if (nd.slash) {
		err = S_ISDIR(victim->d_inode->i_mode) ? -EISDIR : -ENOTDIR;
	} else {
		err = unlink_locked(&nd.path, victim);
	}
	up_write(&nd.path.dentry->d_inode->i_rwsem);
	dput(victim); /* frees the contents, if this was the last: without the lock */
out:
	nd_end(&nd);
	return err;
}

/* Renaming ----------------------------------------------------------------------------------------------------------------- */

struct rename {
	struct nameidata from, to;
	struct dentry *source, *target; /* target: NULL if the new name is free */
	unsigned int flags;
	bool crosses;			/* two different directories */
};

/* Lock both directories, the upper one first. */
static void lock_rename(struct rename *r)
{
	struct dentry *a = r->from.path.dentry, *b = r->to.path.dentry;

	r->crosses = a != b;
	if (!r->crosses) {
		down_write(&a->d_inode->i_rwsem);
		return;
	}
	mutex_lock(&rename_mutex);
	if (is_ancestor(b, a) || (!is_ancestor(a, b) && a > b))
		swap(a, b);
	down_write(&a->d_inode->i_rwsem);
	down_write_nested(&b->d_inode->i_rwsem, I_RWSEM_PARENT2);
}

static void unlock_rename(struct rename *r)
{
	up_write(&r->from.path.dentry->d_inode->i_rwsem);
	if (r->crosses) {
		up_write(&r->to.path.dentry->d_inode->i_rwsem);
		mutex_unlock(&rename_mutex);
	}
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
	return 0;
}

static int rename_allowed(struct rename *r)
{
	bool isdir = S_ISDIR(r->source->d_inode->i_mode);
	bool target_isdir = r->target && S_ISDIR(r->target->d_inode->i_mode);
	int err;

	if (!isdir && (r->from.slash || (r->to.slash && !(r->flags & RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (r->to.slash && r->flags & RENAME_EXCHANGE && !target_isdir)
		return -ENOTDIR;
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
		err = may_delete(&r->to.path, r->target, r->flags & RENAME_EXCHANGE ? target_isdir : isdir);
	if (!err && !r->from.path.dentry->d_inode->i_op->rename)
		err = -EPERM;
	return err;
}

static int rename_commit(struct rename *r)
{
	struct inode *old_dir = r->from.path.dentry->d_inode, *new_dir = r->to.path.dentry->d_inode;
	struct inode *victim = r->target && !(r->flags & RENAME_EXCHANGE) ? r->target->d_inode : NULL;
	struct dentry *vehicle = NULL;
	int err;

	if (!(r->flags & RENAME_EXCHANGE)) {
		vehicle = d_alloc(r->to.path.dentry, &r->to.last);
		if (!vehicle)
			return -ENOMEM;
	}
	if (victim && S_ISDIR(victim->i_mode))
		down_write_nested(&victim->i_rwsem, I_RWSEM_CHILD);
	err = old_dir->i_op->rename(old_dir, r->source, new_dir, r->target, r->flags);
	if (!err && victim && S_ISDIR(victim->i_mode))
		victim->i_flags |= S_DEAD;
	if (victim && S_ISDIR(victim->i_mode))
		up_write(&victim->i_rwsem);
	if (!err && r->flags & RENAME_EXCHANGE) {
		d_exchange(r->source, r->target);
	} else if (!err) {
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
	r->source = r->target = NULL;
	lock_rename(r);
	err = rename_lookup(r);
	if (!err && r->target && r->source->d_inode == r->target->d_inode)
		goto out; /* two names of one file: nothing happens, says POSIX */
	if (!err)
		err = rename_allowed(r);
	if (!err)
		err = rename_commit(r);
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

static long do_renameat2(int odfd, const char __user *uold, int ndfd, const char __user *unew, unsigned int flags)
{
	struct rename *r;
	char *from, *to;
	long err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
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

/* For the kernel itself ----------------------------------------------------------------------------------------------------- */

int kernel_mkdir(const char *name, umode_t mode)
{
	return do_mkdirat(AT_FDCWD, name, mode);
}

int kernel_mknod(const char *name, umode_t mode, dev_t dev)
{
	return do_mknodat(AT_FDCWD, name, mode, dev);
}

int kernel_symlink(const char *target, const char *name)
{
	return do_symlinkat(target, AT_FDCWD, name);
}

int kernel_link(const char *old, const char *name)
{
	struct path path;
	int err = kern_path(old, 0, &path);

	if (err)
		return err;
	err = link_path(&path, AT_FDCWD, name);
	path_put(&path);
	return err;
}

int kernel_remove(const char *name)
{
	int err = do_remove(AT_FDCWD, name, false);

	return err == -EISDIR ? do_remove(AT_FDCWD, name, true) : err;
}

/* The calls ------------------------------------------------------------------------------------------------------------------ */

/* Run @call on the user's path name `name`, which it sees as the kernel string kname. */
#define WITH_NAME(uname, call)                                                                                         \
	({                                                                                                             \
		char *kname = getname(uname, 0);                                                                       \
		long __ret = IS_ERR(kname) ? PTR_ERR(kname) : (call);                                                  \
		if (!IS_ERR(kname))                                                                                    \
			putname(kname);                                                                                \
		__ret;                                                                                                 \
	})

SYSCALL_DEFINE2(mkdir, const char __user *, name, umode_t, mode)
{
	mode &= 01777 & ~current_umask();
	return WITH_NAME(name, do_mkdirat(AT_FDCWD, kname, mode));
}

SYSCALL_DEFINE3(mkdirat, int, dfd, const char __user *, name, umode_t, mode)
{
	mode &= 01777 & ~current_umask();
	return WITH_NAME(name, do_mkdirat(dfd, kname, mode));
}

/* The device number as user space packs it: 12 bits of major around the low 8 of minor. */
static dev_t decode_dev(u32 dev)
{
	return MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

SYSCALL_DEFINE3(mknod, const char __user *, name, umode_t, mode, unsigned int, dev)
{
	mode = (mode & S_IFMT) | (mode & S_IALLUGO & ~current_umask());
	return WITH_NAME(name, do_mknodat(AT_FDCWD, kname, mode, decode_dev(dev)));
}

SYSCALL_DEFINE4(mknodat, int, dfd, const char __user *, name, umode_t, mode, unsigned int, dev)
{
	mode = (mode & S_IFMT) | (mode & S_IALLUGO & ~current_umask());
	return WITH_NAME(name, do_mknodat(dfd, kname, mode, decode_dev(dev)));
}

SYSCALL_DEFINE1(rmdir, const char __user *, name)
{
	return WITH_NAME(name, do_remove(AT_FDCWD, kname, true));
}

SYSCALL_DEFINE1(unlink, const char __user *, name)
{
	return WITH_NAME(name, do_remove(AT_FDCWD, kname, false));
}

SYSCALL_DEFINE3(unlinkat, int, dfd, const char __user *, name, int, flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return WITH_NAME(name, do_remove(dfd, kname, flags & AT_REMOVEDIR));
}

static long user_symlinkat(const char __user *utarget, int dfd, const char __user *uname)
{
	char *target = getname(utarget, 0);
	long err;

	if (IS_ERR(target))
		return PTR_ERR(target);
	err = WITH_NAME(uname, do_symlinkat(target, dfd, kname));
	putname(target);
	return err;
}

SYSCALL_DEFINE2(symlink, const char __user *, target, const char __user *, name)
{
	return user_symlinkat(target, AT_FDCWD, name);
}

SYSCALL_DEFINE3(symlinkat, const char __user *, target, int, dfd, const char __user *, name)
{
	return user_symlinkat(target, dfd, name);
}

static long do_linkat(int odfd, const char __user *old, int ndfd, const char __user *new, int flags)
{
	unsigned int lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	struct path path;
	long err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = user_path_at(odfd, old, lookup, &path);
	if (err)
		return err;
	err = WITH_NAME(new, link_path(&path, ndfd, kname));
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(link, const char __user *, old, const char __user *, new)
{
	return do_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

SYSCALL_DEFINE5(linkat, int, odfd, const char __user *, old, int, ndfd, const char __user *, new, int, flags)
{
	return do_linkat(odfd, old, ndfd, new, flags);
}

SYSCALL_DEFINE2(rename, const char __user *, old, const char __user *, new)
{
	return do_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

SYSCALL_DEFINE4(renameat, int, odfd, const char __user *, old, int, ndfd, const char __user *, new)
{
	return do_renameat2(odfd, old, ndfd, new, 0);
}

SYSCALL_DEFINE5(renameat2, int, odfd, const char __user *, old, int, ndfd, const char __user *, new, unsigned int,
		flags)
{
	return do_renameat2(odfd, old, ndfd, new, flags);
}

static long do_readlinkat(int dfd, const char __user *name, char __user *buf, int size)
{
	struct inode *inode;
	struct path path;
	char *body;
	long ret;

	if (size <= 0)
		return -EINVAL;
	ret = user_path_at(dfd, name, LOOKUP_EMPTY, &path);
	if (ret)
		return ret;
	inode = path.dentry->d_inode;
	if (!S_ISLNK(inode->i_mode)) {
		char c;

		/* An empty name on something else than a link is ENOENT, as it always was. */
		ret = !get_user(c, name) && !c ? -ENOENT : -EINVAL;
		goto out;
	}
	inode_accessed(inode);
	body = read_link(inode);
	if (IS_ERR(body)) {
		ret = PTR_ERR(body);
		goto out;
	}
	ret = min_t(long, strlen(body), size);
	if (copy_to_user(buf, body, ret))
		ret = -EFAULT;
	kfree(body);
out:
	path_put(&path);
	return ret;
}

SYSCALL_DEFINE3(readlink, const char __user *, name, char __user *, buf, int, size)
{
	return do_readlinkat(AT_FDCWD, name, buf, size);
}

SYSCALL_DEFINE4(readlinkat, int, dfd, const char __user *, name, char __user *, buf, int, size)
{
	return do_readlinkat(dfd, name, buf, size);
}
