/* SPDX-License-Identifier: MIT */
/*
 * Making, linking and removing names.
 *
 * All of these walk to the directory that holds the last component, lock it, look the component up,
 * ask whether the change is allowed, let the file system do it, and change the dentry tree. The
 * directory's i_rwsem is held from the look-up to the end, so what was found is still true when it
 * is acted on.
 *
 * Lock order: the directory -> the object itself, if that is a directory that is removed: nothing
 * may be created in it while it goes. Renaming, which locks two directories, is in rename.c.
 */
#include "kernel/events/inotify.h"
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
	if (parent->i_mode & S_ISVTX && current_fsuid() != inode->i_uid &&
	    current_fsuid() != parent->i_uid && !capable(CAP_FOWNER))
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
	notify_name(inode, IN_CREATE | (S_ISDIR(mode) ? IN_ISDIR : 0), name, 0);
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
	lock_dir(nd->path.dentry->d_inode, 0);
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
	unlock_dir(nd->path.dentry->d_inode);
	nd_end(nd);
	return err;
}

static void create_end(struct nameidata *nd)
{
	unlock_dir(nd->path.dentry->d_inode);
	nd_end(nd);
}

/* What mknod() can make. Nothing at all stands for a file. 0, -EPERM, -EINVAL. */
static int may_mknod(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return -EPERM;
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return -EINVAL;
	}
}

static int do_mknodat(int dfd, const char *name, umode_t mode, dev_t dev)
{
	struct nameidata nd;
	struct dentry *dentry;
	int err;

	err = may_mknod(mode);
	if (err)
		return err;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
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
			if (!err)
				notify_name(dir, IN_CREATE, &nd.last, 0);
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
	if (!err && !old->dentry->d_inode->i_nlink && !(old->dentry->d_inode->i_flags & S_LINKABLE))
		err = -ENOENT;
	if (!err) {
		err = -ENOMEM;
		dentry = d_alloc(nd.path.dentry, &nd.last);
		if (dentry) {
			err = dir->i_op->link(dir, old->dentry, dentry);
			if (!err) {
				old->dentry->d_inode->i_flags &= ~S_LINKABLE;
				notify_inode(old->dentry->d_inode, IN_ATTRIB);
				notify_name(dir, IN_CREATE, &nd.last, 0);
			}
			dput(dentry);
		}
	}
	create_end(&nd);
	return err;
}

/* Removing ------------------------------------------------------------------------------------- */

static int rmdir_locked(const struct path *dir, struct dentry *victim)
{
	struct inode *inode = victim->d_inode, *parent = dir->dentry->d_inode;
	int err = may_delete(dir, victim, true);

	if (err)
		return err;
	if (!parent->i_op->rmdir)
		return -EPERM;
	down_write_nested(&inode->i_rwsem, I_RWSEM_CHILD);
	if (READ_ONCE(victim->d_flags) & DCACHE_MOUNTED) { /* since may_delete() */
		err = -EBUSY;
	} else if (!d_empty(victim)) {
		err = -ENOTEMPTY;
	} else {
		err = parent->i_op->rmdir(parent, victim);
		if (!err) {
			inode->i_flags |= S_DEAD;
			d_drop(victim, true);
		}
	}
	up_write(&inode->i_rwsem);
	if (!err)
		notify_name(parent, IN_DELETE | IN_ISDIR, &victim->d_name, 0);
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
	if (!err) {
		d_drop(victim, true);
		notify_inode(victim->d_inode, IN_ATTRIB);
		notify_name(parent, IN_DELETE, &victim->d_name, 0);
	}
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
	if (!err)
		err = mnt_want_write(nd.path.mnt); /* before it is told what is there */
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

/* For the kernel itself ------------------------------------------------------------------------ */

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

int kernel_unlink(const char *name)
{
	return do_remove(AT_FDCWD, name, false);
}

int kernel_remove(const char *name)
{
	int err = kernel_unlink(name);

	return err == -EISDIR ? do_remove(AT_FDCWD, name, true) : err;
}

/* The calls ------------------------------------------------------------------------------------ */

/* Run @call on the user's path name `name`, which it sees as the kernel string kname. */
#define WITH_NAME(uname, call)                                        \
	({                                                            \
		char *kname = getname(uname, 0);                      \
		long __ret = IS_ERR(kname) ? PTR_ERR(kname) : (call); \
		if (!IS_ERR(kname))                                   \
			putname(kname);                               \
		__ret;                                                \
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
	return may_mknod(mode)
		       ?: WITH_NAME(name, do_mknodat(AT_FDCWD, kname, mode,
						     decode_dev(dev))); /* before the name */
}

SYSCALL_DEFINE4(mknodat, int, dfd, const char __user *, name, umode_t, mode, unsigned int, dev)
{
	mode = (mode & S_IFMT) | (mode & S_IALLUGO & ~current_umask());
	return may_mknod(mode) ?: WITH_NAME(name, do_mknodat(dfd, kname, mode, decode_dev(dev)));
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

SYSCALL_DEFINE5(linkat, int, odfd, const char __user *, old, int, ndfd, const char __user *, new,
		int, flags)
{
	return do_linkat(odfd, old, ndfd, new, flags);
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
		char c = 1;

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
