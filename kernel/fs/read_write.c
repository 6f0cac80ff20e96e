/* SPDX-License-Identifier: MIT */
/*
 * read, write and their family; lseek.
 *
 * All of them end in file_operations.read_iter or write_iter with an iterator over the user's
 * buffers and a position: the file's own (locked when the open file is shared), or one given with
 * the call. Streams (pipes, terminals) ignore it.
 */
#include "kernel/events/inotify.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* Positions ------------------------------------------------------------------------------------ */

loff_t fixed_size_llseek(struct file *file, loff_t offset, int whence, loff_t size)
{
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		offset += file->f_pos;
		break;
	case SEEK_END:
		offset += size;
		break;
	default:
		return -EINVAL;
	}
	if (offset < 0)
		return -EINVAL;
	file->f_pos = offset;
	return offset;
}

loff_t generic_file_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, i_size_read(file->f_inode));
}

loff_t noop_llseek(struct file *file, loff_t offset, int whence)
{
	return file->f_pos;
}

SYSCALL_DEFINE3(lseek, unsigned int, fd, loff_t, offset, unsigned int, whence)
{
	struct fd f = fdget_pos(fd);
	loff_t ret = -EINVAL;

	if (!f.file)
		return -EBADF;
	if (whence <= SEEK_HOLE)
		ret = f.file->f_mode & FMODE_LSEEK ? f.file->f_op->llseek(f.file, offset, whence)
						   : -ESPIPE;
	fdput_pos(f);
	return ret;
}

/* One transfer --------------------------------------------------------------------------------- */

ssize_t vfs_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!file->f_op->read_iter)
		return file->f_op->readdir ? -EISDIR : -EINVAL;
	ret = file->f_op->read_iter(file, to, pos);
	current->io.syscr++;
	if (ret > 0) {
		current->io.rchar += (u64)ret;
		notify_file(file, IN_ACCESS);
	}
	return ret;
}

ssize_t vfs_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	ssize_t ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!file->f_op->write_iter)
		return -EINVAL;
	ret = file->f_op->write_iter(file, from, pos);
	current->io.syscw++;
	if (ret > 0) {
		current->io.wchar += (u64)ret;
		notify_file(file, IN_MODIFY);
	}
	return ret;
}

ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t pos)
{
	struct iov_iter iter;

	iov_iter_kernel(&iter, buf, min_t(size_t, count, MAX_RW_COUNT));
	return vfs_read_iter(file, &iter, &pos);
}

ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t pos)
{
	struct iov_iter iter;

	iov_iter_kernel(&iter, buf, min_t(size_t, count, MAX_RW_COUNT));
	return vfs_write_iter(file, &iter, &pos);
}

int rw_verify_area(loff_t pos, size_t count)
{
	if (unlikely((ssize_t)count < 0))
		return -EINVAL;
	return likely(pos < 0 || (loff_t)((u64)pos + count) >= 0) ? 0 : -EINVAL;
}

static inline ssize_t transfer(struct file *file, struct iov_iter *iter, loff_t *pos, bool write)
{
	return write ? vfs_write_iter(file, iter, pos) : vfs_read_iter(file, iter, pos);
}

/* One buffer to or from *pos. A bad range is an error before anything moves, as Linux checks it. */
static inline ssize_t rw_buffer(struct file *file, const void __user *buf, size_t count,
				loff_t *pos, bool write)
{
	struct iov_iter iter;
	int err;

	if (unlikely(!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ))))
		return -EBADF;
	if (unlikely(!access_ok(buf, count)))
		return -EFAULT;
	err = rw_verify_area(*pos, count);
	if (unlikely(err))
		return err;
	iov_iter_user(&iter, buf, min_t(size_t, count, MAX_RW_COUNT));
	return transfer(file, &iter, pos, write);
}

static inline long do_rw(unsigned int fd, const void __user *buf, size_t count, bool write)
{
	struct fd f = fdget_pos(fd);
	ssize_t ret;

	if (unlikely(!f.file))
		return -EBADF;
	ret = rw_buffer(f.file, buf, count, &f.file->f_pos, write);
	fdput_pos(f);
	return ret;
}

SYSCALL_DEFINE3(read, unsigned int, fd, char __user *, buf, size_t, count)
{
	return do_rw(fd, buf, count, false);
}

SYSCALL_DEFINE3(write, unsigned int, fd, const char __user *, buf, size_t, count)
{
	return do_rw(fd, buf, count, true);
}

static long do_prw(unsigned int fd, const void __user *buf, size_t count, loff_t pos, bool write)
{
	struct fd f;
	ssize_t ret = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fdget(fd);
	if (!f.file)
		return -EBADF;
	if (file_has_positions(f.file))
		ret = rw_buffer(f.file, buf, count, &pos, write);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE4(pread64, unsigned int, fd, char __user *, buf, size_t, count, loff_t, pos)
{
	return do_prw(fd, buf, count, pos, false);
}

SYSCALL_DEFINE4(pwrite64, unsigned int, fd, const char __user *, buf, size_t, count, loff_t, pos)
{
	return do_prw(fd, buf, count, pos, true);
}

/* Vectors -------------------------------------------------------------------------------------- */

#define RWF_HIPRI  0x01
#define RWF_DSYNC  0x02
#define RWF_SYNC   0x04
#define RWF_NOWAIT 0x08
#define RWF_APPEND 0x10

/*
 * RWF_NOWAIT is EOPNOTSUPP, as for any file of Linux that cannot promise it; but for RWF_APPEND, the
 * others ask for what memory does anyway.
 */
#define RWF_TAKEN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)

/* @flags: RWF_*. */
static long do_vec(struct file *file, const struct iovec __user *uvec, unsigned long nr,
		   loff_t *pos, bool write, int flags)
{
	struct iovec fast[UIO_FASTIOV], *alloc;
	struct iov_iter iter;
	ssize_t ret;

	if (!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	ret = import_iovec(&iter, uvec, nr, fast, &alloc);
	iter.append = flags & RWF_APPEND;
	if (ret > 0 && rw_verify_area(*pos, ret))
		ret = -EINVAL;
	if (ret > 0)
		ret = flags & ~RWF_TAKEN ? -EOPNOTSUPP : transfer(file, &iter, pos, write);
	kfree(alloc);
	return ret;
}

static long do_rwv(unsigned int fd, const struct iovec __user *uvec, unsigned long nr, bool write,
		   int flags)
{
	struct fd f = fdget_pos(fd);
	long ret;

	if (!f.file)
		return -EBADF;
	ret = do_vec(f.file, uvec, nr, &f.file->f_pos, write, flags);
	fdput_pos(f);
	return ret;
}

static long do_prwv(unsigned int fd, const struct iovec __user *uvec, unsigned long nr, loff_t pos,
		    bool write, int flags)
{
	struct fd f;
	long ret;

	if (pos < 0)
		return -EINVAL;
	f = fdget(fd);
	if (!f.file)
		return -EBADF;
	ret = file_has_positions(f.file) ? do_vec(f.file, uvec, nr, &pos, write, flags) : -ESPIPE;
	fdput(f);
	return ret;
}

SYSCALL_DEFINE3(readv, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr)
{
	return do_rwv(fd, vec, nr, false, 0);
}

SYSCALL_DEFINE3(writev, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr)
{
	return do_rwv(fd, vec, nr, true, 0);
}

/* The position comes in two registers; on 64 bits the low one holds it all. */
SYSCALL_DEFINE4(preadv, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr,
		loff_t, pos)
{
	return do_prwv(fd, vec, nr, pos, false, 0);
}

SYSCALL_DEFINE4(pwritev, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr,
		loff_t, pos)
{
	return do_prwv(fd, vec, nr, pos, true, 0);
}

SYSCALL_DEFINE6(preadv2, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr,
		loff_t, pos, unsigned long, pos_high, int, flags)
{
	return pos == -1 ? do_rwv(fd, vec, nr, false, flags)
			 : do_prwv(fd, vec, nr, pos, false, flags);
}

SYSCALL_DEFINE6(pwritev2, unsigned long, fd, const struct iovec __user *, vec, unsigned long, nr,
		loff_t, pos, unsigned long, pos_high, int, flags)
{
	return pos == -1 ? do_rwv(fd, vec, nr, true, flags)
			 : do_prwv(fd, vec, nr, pos, true, flags);
}
