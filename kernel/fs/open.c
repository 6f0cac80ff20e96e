/* SPDX-License-Identifier: MIT */
/*
 * open(2).
 *
 *   name --walk--> path --may_open--> allowed? --do_dentry_open--> file --fd_install--> descriptor
 *
 * Without O_CREAT the walk goes all the way. With it, the walk stops before the last component, the
 * directory is locked, and the component is looked up there: if it exists the open goes on as
 * without O_CREAT (O_EXCL: EEXIST), if not it is made. A symbolic link in the last place is
 * followed by continuing the same walk, so the limit of 40 holds for all.
 *
 * A file that exists already is found without the directory's lock; only the making needs it.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/super.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"

#define VALID_OPEN_FLAGS                                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |  \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_PATH | __O_TMPFILE)

int generic_file_open(struct inode *inode, struct file *file)
{
	return 0;
}

int nonseekable_open(struct inode *inode, struct file *file)
{
	file->f_mode &= ~FMODE_LSEEK;
	return 0;
}

/* MAY_* bits that open flags ask for. */
static int acc_mode(unsigned int flags)
{
	static const u8 acc[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};
	int mask = acc[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

static int may_open(const struct path *path, unsigned int flags, bool created)
{
	struct inode *inode = path->dentry->d_inode;
	int mask = acc_mode(flags), err;

	switch (inode->i_mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE || flags & O_CREAT)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (path->mnt && path->mnt->mnt_flags & MS_NODEV)
			return -EACCES;
		fallthrough;
	case S_IFIFO:
	case S_IFSOCK:
		flags &= ~O_TRUNC;
		break;
	default:
		if (mask & MAY_WRITE && mnt_want_write(path->mnt))
			return -EROFS;
	}
	if (created)
		return 0;
	err = inode_permission(inode, mask);
	if (err)
		return err;
	return flags & O_NOATIME && !inode_owner_or_capable(inode) ? -EPERM : 0;
}

/*
 * Make the struct file for *@path (references are taken over, also on failure) and tell the driver.
 */
static struct file *do_dentry_open(struct path *path, unsigned int flags)
{
	struct inode *inode = path->dentry->d_inode;
	struct file *file;
	int err;

	file = alloc_file(path, flags, inode->i_fop);
	if (IS_ERR(file) || file->f_mode & FMODE_PATH)
		return file;
	err = -EINVAL;
	if (flags & O_DIRECT && !S_ISBLK(inode->i_mode))
		goto fail;
	if (file->f_mode & FMODE_WRITE && S_ISREG(inode->i_mode)) {
		err = mnt_get_writer(path->mnt);
		if (err)
			goto fail;
		err = get_write_access(inode);
		if (err)
			mnt_put_writer(path->mnt);
		if (err)
			goto fail;
		file->f_mode |= FMODE_WRITER;
	}
	err = file->f_op->open ? file->f_op->open(inode, file) : 0;
	if (!err) {
		file->f_flags &= ~O_NOCTTY;
		notify_file(file, IN_OPEN);
		return file;
	}
fail:
	file->f_mode = FMODE_PATH |
		       (file->f_mode & FMODE_WRITER); /* not opened: there is nothing to release */
	if (file->f_mode & FMODE_WRITER) {
		put_write_access(inode);
		mnt_put_writer(path->mnt);
	}
	fput(file);
	return ERR_PTR(err);
}

struct file *dentry_open(const struct path *path, unsigned int flags)
{
	struct path copy = *path;

	path_get(&copy);
	return do_dentry_open(&copy, flags);
}

/* O_TRUNC, which is writing also where the file is opened for reading: not while it runs. */
static int truncate_opened(struct file *file)
{
	int err = get_write_access(file->f_inode);

	if (err)
		return err;
	err = do_truncate(file->f_inode, 0);
	put_write_access(file->f_inode);
	if (!err)
		notify_file(file, IN_MODIFY);
	return err;
}

/* The walk is over, nd->path is what shall be opened. */
static struct file *open_found(struct nameidata *nd, unsigned int flags, bool created)
{
	struct inode *inode = nd->path.dentry->d_inode;
	struct file *file;
	int err;

	if (flags & O_DIRECTORY && !S_ISDIR(inode->i_mode))
		return ERR_PTR(-ENOTDIR);
	if (!(flags & O_PATH)) {
		err = may_open(&nd->path, flags, created);
		if (err)
			return ERR_PTR(err);
	}
	file = dentry_open(&nd->path, flags);
	if (!IS_ERR(file) && flags & O_TRUNC && S_ISREG(inode->i_mode) && !created) {
		err = truncate_opened(file);
		if (err) {
			fput(file);
			return ERR_PTR(err);
		}
	}
	return file;
}

static struct file *open_existing(struct nameidata *nd, unsigned int flags)
{
	int err = nd_walk(nd);

	return err ? ERR_PTR(err) : open_found(nd, flags, false);
}

/* Find or make nd->last in nd->path. *created tells which. */
static struct dentry *lookup_or_create(struct nameidata *nd, unsigned int flags, umode_t mode,
				       bool *created)
{
	struct dentry *dir = nd->path.dentry, *dentry;
	int err;

	*created = false;
	dentry = lookup_one(dir, &nd->last);
	if (dentry)
		return dentry;
	down_write(&dir->d_inode->i_rwsem);
	dentry = lookup_one(dir, &nd->last);
	if (!dentry) {
		err = may_create(&nd->path);
		if (err)
			dentry = ERR_PTR(err);
		else
			dentry = vfs_create_at(dir, &nd->last, S_IFREG | mode, 0);
		*created = !IS_ERR(dentry);
	}
	up_write(&dir->d_inode->i_rwsem);
	return dentry;
}

static struct file *open_create(struct nameidata *nd, unsigned int flags, umode_t mode)
{
	struct dentry *dentry, *dir;
	struct mount *mnt;
	bool created;
	int err;

	for (;;) {
		err = nd_walk(nd);
		if (err)
			return ERR_PTR(err);
		if (nd->last_type != LAST_NORM)
			return flags & O_EXCL ? ERR_PTR(-EEXIST) : open_found(nd, flags, false);
		if (nd->slash)
			return ERR_PTR(-EISDIR);
		dentry = lookup_or_create(nd, flags, mode, &created);
		if (IS_ERR(dentry))
			return ERR_CAST(dentry);
		if (flags & O_EXCL && !created) {
			dput(dentry);
			return ERR_PTR(-EEXIST);
		}
		if (!S_ISLNK(dentry->d_inode->i_mode) || flags & O_NOFOLLOW)
			break;
		err = nd_follow(nd, dentry);
		dput(dentry);
		if (err)
			return ERR_PTR(err);
	}
	dir = nd->path.dentry;
	nd->path.dentry = dentry;
	dput(dir);
	mnt = nd->path.mnt;
	follow_mounts(&nd->path);
	if (nd->flags & LOOKUP_NO_XDEV && nd->path.mnt != mnt)
		return ERR_PTR(-EXDEV);
	return open_found(nd, flags, created);
}

static struct file *open_tmpfile(struct nameidata *nd, unsigned int flags, umode_t mode)
{
	struct inode *dir, *inode;
	struct dentry *dentry;
	struct path path;
	int err = nd_walk(nd);

	if (err)
		return ERR_PTR(err);
	dir = nd->path.dentry->d_inode;
	if (!dir->i_op->tmpfile)
		return ERR_PTR(-EOPNOTSUPP);
	err = may_create(&nd->path);
	if (err)
		return ERR_PTR(err);
	inode = dir->i_op->tmpfile(dir, S_IFREG | mode);
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	dentry = d_alloc(nd->path.dentry, &(struct qstr){"#tmpfile", 8, 0});
	if (!dentry) {
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	if (!(flags & O_EXCL))
		inode->i_flags |= S_LINKABLE;
	d_instantiate(dentry, inode);
	dentry->d_flags |= DCACHE_DELETED;
	path = (struct path){mntget(nd->path.mnt), dentry};
	return do_dentry_open(&path, flags);
}

struct file *do_filp_open(int dfd, const char *name, unsigned int flags, umode_t mode,
			  unsigned int lookup)
{
	struct nameidata nd;
	struct file *file;
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_CREAT)
		lookup |= LOOKUP_PARENT;
	else if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_NOFOLLOW) && !(flags & O_CREAT && flags & O_EXCL))
		lookup |= LOOKUP_FOLLOW;
	err = nd_start(&nd, dfd, name, lookup);
	if (err)
		return ERR_PTR(err);
	mode &= S_IALLUGO & ~current_umask();
	if (flags & __O_TMPFILE)
		file = open_tmpfile(&nd, flags, mode);
	else if (flags & O_CREAT)
		file = open_create(&nd, flags, mode);
	else
		file = open_existing(&nd, flags);
	nd_end(&nd);
	return file;
}

struct file *kernel_open(const char *name, unsigned int flags, umode_t mode)
{
	return do_filp_open(AT_FDCWD, name, flags | O_LARGEFILE, mode, 0);
}

/* Programs ------------------------------------------------------------------------------------- */

struct file *open_exec_at(int dfd, const char *name, int at_flags)
{
	unsigned int flags = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct inode *inode;
	struct file *file;
	struct path path;
	int err;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return ERR_PTR(-EINVAL);
	if (at_flags & AT_EMPTY_PATH)
		flags |= LOOKUP_EMPTY;
	err = filename_lookup(dfd, name, flags, &path);
	if (err)
		return ERR_PTR(err);
	inode = path.dentry->d_inode;
	err = S_ISLNK(inode->i_mode) ? -ELOOP : -EACCES;
	if (!S_ISREG(inode->i_mode) || (path.mnt && path.mnt->mnt_flags & MS_NOEXEC))
		goto fail;
	err = inode_permission(inode, MAY_EXEC);
	if (err)
		goto fail;
	err = deny_write_access(inode);
	if (err)
		goto fail;
	file = dentry_open(&path, O_RDONLY | O_LARGEFILE);
	if (IS_ERR(file))
		allow_write_access(inode); /* which @path keeps until then */
	path_put(&path);
	return file;
fail:
	path_put(&path);
	return ERR_PTR(err);
}

struct file *open_exec(const char *name)
{
	return open_exec_at(AT_FDCWD, name, 0);
}

void exec_done(struct file *file)
{
	if (!(file->f_mode & FMODE_EXEC))
		allow_write_access(file->f_inode);
	fput(file);
}

/* The calls ------------------------------------------------------------------------------------ */

/* Flags that exclude each other, whatever the name is. With O_PATH most flags do not count. */
static int check_open_flags(unsigned int flags)
{
	if (flags & O_PATH)
		return 0;
	if (flags & __O_TMPFILE)
		return (flags & O_TMPFILE) != O_TMPFILE || flags & O_CREAT ||
				       !(acc_mode(flags) & MAY_WRITE)
			       ? -EINVAL
			       : 0;
	return flags & O_CREAT && flags & O_DIRECTORY ? -EINVAL : 0;
}

static long do_sys_open(int dfd, const char __user *uname, unsigned int flags, umode_t mode,
			unsigned int lookup)
{
	struct file *file;
	char *name;
	int fd;

	flags &= VALID_OPEN_FLAGS;
	fd = check_open_flags(flags);
	if (fd)
		return fd;
	name = getname(uname, 0);
	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = get_unused_fd(flags);
	if (fd >= 0) {
		file = do_filp_open(dfd, name, flags, mode, lookup);
		if (IS_ERR(file)) {
			put_unused_fd(fd);
			fd = PTR_ERR(file);
		} else {
			fd_install(fd, file);
		}
	}
	putname(name);
	return fd;
}

SYSCALL_DEFINE3(open, const char __user *, name, int, flags, umode_t, mode)
{
	return do_sys_open(AT_FDCWD, name, flags | O_LARGEFILE, mode, 0);
}

SYSCALL_DEFINE4(openat, int, dfd, const char __user *, name, int, flags, umode_t, mode)
{
	return do_sys_open(dfd, name, flags | O_LARGEFILE, mode, 0);
}

SYSCALL_DEFINE2(creat, const char __user *, name, umode_t, mode)
{
	return do_sys_open(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode, 0);
}

struct open_how {
	u64 flags, mode, resolve;
};

#define RESOLVE_NO_XDEV	      0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS   0x04
#define RESOLVE_BENEATH	      0x08
#define RESOLVE_IN_ROOT	      0x10
#define RESOLVE_CACHED	      0x20

/* openat2() refuses what open() ignores. 0, -EINVAL, -EAGAIN. */
static int check_how(const struct open_how *how)
{
	const u64 path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool creates = how->flags & (O_CREAT | __O_TMPFILE);

	if (how->flags & ~(u64)VALID_OPEN_FLAGS || how->resolve & ~0x3fULL ||
	    (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (creates ? how->mode & ~(u64)S_IALLUGO : how->mode)
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~path_flags)
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED && (creates || how->flags & O_TRUNC))
		return -EAGAIN;
	return 0;
}

static unsigned int resolve_to_lookup(u64 resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0) |
	       (resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0) |
	       (resolve & RESOLVE_CACHED ? LOOKUP_CACHED : 0);
}

SYSCALL_DEFINE4(openat2, int, dfd, const char __user *, name, const struct open_how __user *, uhow,
		size_t, size)
{
	struct open_how how;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&how, sizeof(how), uhow, size);
	if (!err)
		err = check_how(&how);
	if (err)
		return err;
	return do_sys_open(dfd, name, (unsigned int)how.flags | O_LARGEFILE, (umode_t)how.mode,
			   resolve_to_lookup(how.resolve));
}

SYSCALL_DEFINE1(close, unsigned int, fd)
{
	return close_fd(fd);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

SYSCALL_DEFINE3(close_range, unsigned int, first, unsigned int, last, unsigned int, flags)
{
	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = unshare_files();

		if (err)
			return err;
	}
	return close_fd_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
}

SYSCALL_DEFINE1(dup, unsigned int, oldfd)
{
	struct file *file = fget_raw(oldfd);

	return file ? fd_install_new(file, 0) : -EBADF;
}

static long do_dup3(unsigned int oldfd, unsigned int newfd, unsigned int flags)
{
	struct file *file = fget_raw(oldfd);
	long ret;

	if (!file)
		return -EBADF;
	ret = replace_fd(newfd, file, flags);
	fput(file);
	return ret;
}

SYSCALL_DEFINE3(dup3, unsigned int, oldfd, unsigned int, newfd, int, flags)
{
	if (flags & ~O_CLOEXEC || oldfd == newfd)
		return -EINVAL;
	return do_dup3(oldfd, newfd, flags);
}

SYSCALL_DEFINE2(dup2, unsigned int, oldfd, unsigned int, newfd)
{
	if (oldfd == newfd) {
		struct file *file = fget_raw(oldfd);

		if (!file)
			return -EBADF;
		fput(file);
		return newfd;
	}
	return do_dup3(oldfd, newfd, 0);
}
