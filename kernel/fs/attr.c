/* SPDX-License-Identifier: MIT */
/*
 * Changing what a file is: mode, owner, times, length. And access(2), which only asks.
 *
 * All changes of attributes hold the inode's i_rwsem for writing. Names are resolved first, by one
 * helper for the *at() family; a descriptor call uses its file's inode.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/time.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"

/* Mode ----------------------------------------------------------------------------------------- */

static int do_chmod(const struct path *path, umode_t mode)
{
	struct inode *inode = path->dentry->d_inode;
	int err = mnt_want_write(path->mnt);

	if (err)
		return err;
	if (S_ISLNK(inode->i_mode))
		return -EOPNOTSUPP;
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	down_write(&inode->i_rwsem);
	if (!in_group_p(inode->i_gid) && !capable(CAP_FSETID))
		mode &= ~S_ISGID;
	inode->i_mode = (inode->i_mode & S_IFMT) | (mode & S_IALLUGO);
	touch_ctime(inode);
	up_write(&inode->i_rwsem);
	notify_dentry(path->dentry, IN_ATTRIB);
	return 0;
}

static long chmod_at(int dfd, const char __user *name, umode_t mode, unsigned int lookup)
{
	struct path path;
	long err = user_path_at(dfd, name, lookup, &path);

	if (err)
		return err;
	err = do_chmod(&path, mode);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(chmod, const char __user *, name, umode_t, mode)
{
	return chmod_at(AT_FDCWD, name, mode, LOOKUP_FOLLOW);
}

SYSCALL_DEFINE3(fchmodat, int, dfd, const char __user *, name, umode_t, mode)
{
	return chmod_at(dfd, name, mode, LOOKUP_FOLLOW);
}

SYSCALL_DEFINE2(fchmod, unsigned int, fd, umode_t, mode)
{
	struct fd f = fdget(fd);
	long err;

	if (!f.file)
		return -EBADF;
	err = do_chmod(&f.file->f_path, mode);
	fdput(f);
	return err;
}

/* Owner ---------------------------------------------------------------------------------------- */

static int may_chown(const struct inode *inode, u32 uid, u32 gid)
{
	bool owner = current_fsuid() == inode->i_uid;

	if (capable(CAP_CHOWN))
		return 0;
	if (uid != -1u && (!owner || uid != inode->i_uid))
		return -EPERM;
	if (gid != -1u && (!owner || (gid != inode->i_gid && !in_group_p(gid))))
		return -EPERM;
	return 0;
}

static int do_chown(const struct path *path, u32 uid, u32 gid)
{
	struct inode *inode = path->dentry->d_inode;
	int err = mnt_want_write(path->mnt);

	if (err)
		return err;
	down_write(&inode->i_rwsem);
	err = may_chown(inode, uid, gid);
	if (!err) {
		if (uid != -1u)
			inode->i_uid = uid;
		if (gid != -1u)
			inode->i_gid = gid;
		if (!S_ISDIR(inode->i_mode)) { /* also for root: the bits meant the old owner */
			inode->i_mode &= ~S_ISUID;
			if (inode->i_mode & S_IXGRP)
				inode->i_mode &= ~S_ISGID;
		}
		touch_ctime(inode);
	}
	up_write(&inode->i_rwsem);
	if (!err)
		notify_dentry(path->dentry, IN_ATTRIB);
	return err;
}

static long chown_at(int dfd, const char __user *name, u32 uid, u32 gid, unsigned int lookup)
{
	struct path path;
	long err = user_path_at(dfd, name, lookup, &path);

	if (err)
		return err;
	err = do_chown(&path, uid, gid);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE3(chown, const char __user *, name, u32, uid, u32, gid)
{
	return chown_at(AT_FDCWD, name, uid, gid, LOOKUP_FOLLOW);
}

SYSCALL_DEFINE3(lchown, const char __user *, name, u32, uid, u32, gid)
{
	return chown_at(AT_FDCWD, name, uid, gid, 0);
}

SYSCALL_DEFINE5(fchownat, int, dfd, const char __user *, name, u32, uid, u32, gid, int, flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_at(dfd, name, uid, gid,
			(flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				(flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
}

SYSCALL_DEFINE3(fchown, unsigned int, fd, u32, uid, u32, gid)
{
	struct fd f = fdget(fd);
	long err;

	if (!f.file)
		return -EBADF;
	err = do_chown(&f.file->f_path, uid, gid);
	fdput(f);
	return err;
}

/* Times ---------------------------------------------------------------------------------------- */

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

/* In nanoseconds; what a file cannot hold becomes the nearest that it can, as on Linux. */
static fstime_t clamp_time(const struct timespec *ts)
{
	fstime_t t;

	if (check_mul_overflow(ts->tv_sec, (s64)NSEC_PER_SEC, &t) ||
	    check_add_overflow(t, ts->tv_nsec, &t))
		return ts->tv_sec < 0 ? -S64_MAX : S64_MAX;
	return t;
}

/* [0] access, [1] modification; NULL: now. */
static int do_utimes(const struct path *path, const struct timespec *times)
{
	struct inode *inode = path->dentry->d_inode;
	bool explicit = times && !(times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW);
	fstime_t now = fs_now();
	int err = mnt_want_write(path->mnt);

	if (err)
		return err;
	if (!inode_owner_or_capable(inode)) {
		err = explicit ? -EPERM : inode_permission(inode, MAY_WRITE);
		if (err)
			return err;
	}
	down_write(&inode->i_rwsem);
	for (int i = 0; i < 2; i++) {
		fstime_t t = !times || times[i].tv_nsec == UTIME_NOW ? now : clamp_time(&times[i]);

		if (times && times[i].tv_nsec == UTIME_OMIT)
			continue;
		if (i == 0)
			inode->i_atime = t;
		else
			inode->i_mtime = t;
	}
	inode->i_ctime = now;
	up_write(&inode->i_rwsem);
	notify_dentry(path->dentry, IN_ATTRIB);
	return 0;
}

static bool valid_nsec(s64 nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < NSEC_PER_SEC);
}

/* @name NULL: the file of descriptor @dfd itself (futimens). */
static long utimes_at(int dfd, const char __user *name, const struct timespec *times, int flags)
{
	unsigned int lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!name && dfd != AT_FDCWD) {
		struct fd f = fdget(dfd);

		if (flags)
			err = -EINVAL;
		else
			err = f.file ? do_utimes(&f.file->f_path, times) : -EBADF;
		fdput(f);
		return err;
	}
	err = user_path_at(dfd, name, lookup, &path);
	if (err)
		return err;
	err = do_utimes(&path, times);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE4(utimensat, int, dfd, const char __user *, name, const struct timespec __user *,
		utimes, int, flags)
{
	struct timespec times[2];

	if (!utimes)
		return utimes_at(dfd, name, NULL, flags);
	if (copy_from_user(times, utimes, sizeof(times)))
		return -EFAULT;
	/* Nothing to do: nobody looks whether there is such a file. */
	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (!valid_nsec(times[0].tv_nsec) || !valid_nsec(times[1].tv_nsec))
		return -EINVAL;
	return utimes_at(dfd, name, times, flags);
}

static long do_futimesat(int dfd, const char __user *name, const struct timeval __user *utv)
{
	struct timespec times[2];
	struct timeval tv[2];

	if (!utv)
		return utimes_at(dfd, name, NULL, 0);
	if (copy_from_user(tv, utv, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		times[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * NSEC_PER_USEC};
	}
	return utimes_at(dfd, name, times, 0);
}

SYSCALL_DEFINE3(futimesat, int, dfd, const char __user *, name, const struct timeval __user *,
		times)
{
	return do_futimesat(dfd, name, times);
}

SYSCALL_DEFINE2(utimes, const char __user *, name, const struct timeval __user *, times)
{
	return do_futimesat(AT_FDCWD, name, times);
}

struct utimbuf {
	s64 actime, modtime;
};

SYSCALL_DEFINE2(utime, const char __user *, name, const struct utimbuf __user *, utimes)
{
	struct timespec times[2] = {{0, 0}, {0, 0}};
	struct utimbuf buf;

	if (!utimes)
		return utimes_at(AT_FDCWD, name, NULL, 0);
	if (copy_from_user(&buf, utimes, sizeof(buf)))
		return -EFAULT;
	times[0].tv_sec = buf.actime;
	times[1].tv_sec = buf.modtime;
	return utimes_at(AT_FDCWD, name, times, 0);
}

/* Length --------------------------------------------------------------------------------------- */

int inode_newsize_ok(const struct inode *inode, loff_t size)
{
	unsigned long limit = rlimit_of(current->signal, RLIMIT_FSIZE);

	if (limit != RLIM_INFINITY && (u64)size > limit && size > i_size_read(inode)) {
		send_sig_current(SIGXFSZ);
		return -EFBIG;
	}
	return 0;
}

int do_truncate(struct inode *inode, loff_t size)
{
	int err;

	if (!inode->i_op->truncate)
		return -EINVAL;
	err = inode_newsize_ok(inode, size);
	if (err)
		return err;
	down_write(&inode->i_rwsem);
	err = inode->i_op->truncate(inode, size);
	if (!err) {
		strip_setid(inode);
		touch_mtime(inode);
	}
	up_write(&inode->i_rwsem);
	return err;
}

static long truncate_path(const struct path *path, loff_t size)
{
	struct inode *inode = path->dentry->d_inode;
	long err;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	err = mnt_want_write(path->mnt) ?: inode_permission(inode, MAY_WRITE);
	if (!err)
		err = get_write_access(inode);
	if (!err) {
		err = do_truncate(inode, size);
		put_write_access(inode);
	}
	if (!err)
		notify_dentry(path->dentry, IN_MODIFY);
	return err;
}

SYSCALL_DEFINE2(truncate, const char __user *, name, loff_t, size)
{
	struct path path;
	long err;

	if (size < 0)
		return -EINVAL;
	err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = truncate_path(&path, size);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(ftruncate, unsigned int, fd, loff_t, size)
{
	struct fd f;
	long err = -EINVAL;

	if (size < 0)
		return -EINVAL;
	f = fdget(fd);
	if (!f.file)
		return -EBADF;
	if (S_ISREG(f.file->f_inode->i_mode) && f.file->f_mode & FMODE_WRITE)
		err = do_truncate(f.file->f_inode, size);
	if (!err)
		notify_file(f.file, IN_MODIFY);
	fdput(f);
	return err;
}

long file_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file->f_inode;
	long err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~0x7f)
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) == FALLOC_FL_PUNCH_HOLE)
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (S_ISFIFO(inode->i_mode))
		return -ESPIPE;
	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(inode->i_mode))
		return -ENODEV;
	if (offset + len < 0)
		return -EFBIG;
	if (!inode->i_op->fallocate)
		return -EOPNOTSUPP;
	down_write(&inode->i_rwsem);
	err = inode->i_op->fallocate(inode, mode, offset, len);
	if (!err)
		touch_mtime(inode);
	up_write(&inode->i_rwsem);
	if (!err)
		notify_file(file, IN_MODIFY);
	return err;
}

SYSCALL_DEFINE4(fallocate, unsigned int, fd, int, mode, loff_t, offset, loff_t, len)
{
	struct fd f = fdget(fd);
	long err;

	if (!f.file)
		return -EBADF;
	err = file_fallocate(f.file, mode, offset, len);
	fdput(f);
	return err;
}

/* access(2) ------------------------------------------------------------------------------------ */

static long ask_access(int dfd, const char __user *name, int mode, int flags)
{
	struct inode *inode;
	struct path path;
	long err;

	err = user_path_at(dfd, name,
			   (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				   (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			   &path);
	if (err)
		return err;
	inode = path.dentry->d_inode;
	if (mode & MAY_EXEC && S_ISREG(inode->i_mode) && path.mnt &&
	    path.mnt->mnt_flags & MS_NOEXEC)
		err = -EACCES;
	else if (mode)
		err = inode_permission(inode, mode);
	if (!err && mode & MAY_WRITE && !S_ISCHR(inode->i_mode) && !S_ISFIFO(inode->i_mode))
		err = mnt_want_write(path.mnt);
	path_put(&path);
	return err;
}

/*
 * The real user asks, not the effective one, also on the way there: with a copy of the credentials
 * for the time of the question.
 */
static long ask_access_as_real(int dfd, const char __user *name, int mode, int flags)
{
	struct cred *cred = prepare_creds(), *saved = current->cred;
	long err;

	if (!cred)
		return -ENOMEM;
	cred->fsuid = cred->uid;
	cred->fsgid = cred->gid;
	cred->cap_effective = cred->uid ? 0 : cred->cap_permitted;
	rcu_assign_pointer(current->cred, cred);
	err = ask_access(dfd, name, mode, flags);
	rcu_assign_pointer(current->cred, saved);
	put_cred(cred);
	return err;
}

/* Would it make a difference who asks? */
static bool is_real(const struct cred *cred)
{
	return cred->uid == cred->fsuid && cred->gid == cred->fsgid &&
	       cred->cap_effective == (cred->uid ? 0 : cred->cap_permitted);
}

static long do_faccessat(int dfd, const char __user *name, int mode, int flags)
{
	if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EACCESS || is_real(current_cred()))
		return ask_access(dfd, name, mode, flags);
	return ask_access_as_real(dfd, name, mode, flags);
}

SYSCALL_DEFINE2(access, const char __user *, name, int, mode)
{
	return do_faccessat(AT_FDCWD, name, mode, 0);
}

SYSCALL_DEFINE3(faccessat, int, dfd, const char __user *, name, int, mode)
{
	return do_faccessat(dfd, name, mode, 0);
}

SYSCALL_DEFINE4(faccessat2, int, dfd, const char __user *, name, int, mode, int, flags)
{
	return do_faccessat(dfd, name, mode, flags);
}
