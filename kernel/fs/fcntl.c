/* SPDX-License-Identifier: MIT */
/*
 * fcntl(2) and ioctl(2): everything about a descriptor that is not data.
 */
#include "kernel/fs/fcntl.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/pipe.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/termios.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static long do_dupfd(struct file *file, unsigned long from, unsigned int flags)
{
	int fd;

	if (from >= rlimit_of(current->signal, RLIMIT_NOFILE))
		return -EINVAL;
	fd = get_unused_fd_from(from, flags);
	if (fd >= 0)
		fd_install(fd, get_file(file));
	return fd;
}

static long setfl(unsigned int fd, struct file *file, unsigned int flags)
{
	int err = 0;

	if (flags & O_NOATIME && !(file->f_flags & O_NOATIME) &&
	    !inode_owner_or_capable(file->f_inode))
		return -EPERM;
	if (flags & O_DIRECT && !S_ISFIFO(file->f_inode->i_mode) && !S_ISBLK(file->f_inode->i_mode))
		return -EINVAL;
	/* where there is nothing to tell the flag stays off */
	if ((flags ^ file->f_flags) & O_ASYNC && file->f_op->fasync)
		err = file_set_async(file, (int)fd, flags & O_ASYNC);
	if (err)
		return err;
	spin_lock(&file->f_lock);
	file->f_flags = (flags & SETFL_MASK) | (file->f_flags & ~SETFL_MASK);
	spin_unlock(&file->f_lock);
	return 0;
}

#define F_ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static long add_seals(struct file *file, unsigned int seals)
{
	struct inode *inode = file->f_inode;
	long err = 0;

	if (file->f_op != &tmpfs_file_operations)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~F_ALL_SEALS)
		return -EINVAL;
	down_write(&inode->i_rwsem);
	if (inode->i_seals & F_SEAL_SEAL)
		err = -EPERM;
	else if (seals & F_SEAL_WRITE && !(inode->i_seals & F_SEAL_WRITE))
		err = mapping_deny_writable(&inode->i_data);
	if (!err)
		inode->i_seals |= seals;
	up_write(&inode->i_rwsem);
	return err;
}

/*
 * Leases are not given: as on Linux where somebody else has the file open, which is always to be
 * expected.
 */
static long set_lease(const struct file *file, unsigned long type)
{
	const struct inode *inode = file->f_inode;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (inode->i_uid != current_fsuid() && !capable(CAP_LEASE))
		return -EACCES;
	return S_ISREG(inode->i_mode) ? -EAGAIN : -EINVAL;
}

/* How long what is written will live: remembered with the file; there is no disk that could use it. */
static long rw_hint(struct inode *inode, unsigned int cmd, u64 __user *uhint)
{
	u64 hint = inode->i_write_hint;

	if (cmd == F_GET_RW_HINT)
		return put_user(hint, uhint);
	if (get_user(hint, uhint))
		return -EFAULT;
	if (hint > RWH_WRITE_LIFE_EXTREME)
		return -EINVAL;
	inode->i_write_hint = (u8)hint;
	return 0;
}

static long do_fcntl(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case F_DUPFD:
		return do_dupfd(file, arg, 0);
	case F_DUPFD_CLOEXEC:
		return do_dupfd(file, arg, O_CLOEXEC);
	case F_GETFD:
		return get_close_on_exec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		set_close_on_exec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return file->f_flags;
	}
	if (file->f_mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return setfl(fd, file, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fd, file, cmd, arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETSIG:
	case F_GETSIG:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return fown_fcntl(file, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_fcntl(file, cmd, arg);
	case F_SETLEASE:
		return set_lease(file, arg);
	case F_GETLEASE:
		return F_UNLCK;
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		return rw_hint(file->f_inode, cmd, (u64 __user *)arg);
	case F_ADD_SEALS:
		return add_seals(file, arg);
	case F_GET_SEALS:
		return file->f_op == &tmpfs_file_operations ? (long)file->f_inode->i_seals
							    : -EINVAL;
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE3(fcntl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget_raw(fd);
	long ret;

	if (!f.file)
		return -EBADF;
	ret = do_fcntl(fd, f.file, cmd, arg);
	fdput(f);
	return ret;
}

static long set_nonblock(struct file *file, unsigned long arg)
{
	int on = 0;

	if (get_user(on, (int __user *)arg))
		return -EFAULT;
	spin_lock(&file->f_lock);
	file->f_flags = on ? file->f_flags | O_NONBLOCK : file->f_flags & ~O_NONBLOCK;
	spin_unlock(&file->f_lock);
	return 0;
}

static long set_async(unsigned int fd, struct file *file, unsigned long arg)
{
	int on = 0;

	if (get_user(on, (int __user *)arg))
		return -EFAULT;
	return !on == !(file->f_flags & O_ASYNC) ? 0 : file_set_async(file, (int)fd, on);
}

static long file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	umode_t mode = file->f_inode->i_mode;
	long ret = -ENOIOCTLCMD;
	struct kstat stat;

	switch (cmd) {
	case FIGETBSZ:
		fill_kstat(file->f_inode, &stat);
		return put_user((int)stat.blksize, (int __user *)arg);
	case FIOQSIZE:
		if (!S_ISREG(mode) && !S_ISDIR(mode))
			return -ENOTTY;
		fill_kstat(file->f_inode, &stat);
		return put_user((s64)stat.blocks * 512, (s64 __user *)arg);
	case FIBMAP: /* no file has blocks on a device */
		if (S_ISREG(mode))
			return capable(CAP_SYS_RAWIO) ? -EINVAL : -EPERM;
		break;
	case FIONREAD:
		if (S_ISREG(mode))
			return put_user((int)(i_size_read(file->f_inode) - file->f_pos),
					(int __user *)arg);
		break;
	}
	if (file->f_op->ioctl)
		ret = file->f_op->ioctl(file, cmd, arg);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

SYSCALL_DEFINE3(ioctl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget(fd);
	long ret = 0;

	if (!f.file)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
		set_close_on_exec(fd, true);
		break;
	case FIONCLEX:
		set_close_on_exec(fd, false);
		break;
	case FIONBIO:
		ret = set_nonblock(f.file, arg);
		break;
	case FIOASYNC:
		ret = set_async(fd, f.file, arg);
		break;
	default:
		ret = file_ioctl(f.file, cmd, arg);
	}
	fdput(f);
	return ret;
}
