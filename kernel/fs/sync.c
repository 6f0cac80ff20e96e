/* SPDX-License-Identifier: MIT */
/*
 * fsync and its relatives, and advice about files.
 *
 * Everything is in memory, so nothing has to be brought to a disk; what remains is to say no in the
 * right cases.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/syscall.h"
#include "lib/errno.h"

static long do_fsync(unsigned int fd)
{
	struct fd f = fdget(fd);
	long err;

	if (!f.file)
		return -EBADF;
	if (f.file->f_op->fsync)
		err = f.file->f_op->fsync(f.file);
	else
		err = S_ISDIR(f.file->f_inode->i_mode) ? 0 : -EINVAL;
	fdput(f);
	return err;
}

SYSCALL_DEFINE1(fsync, unsigned int, fd)
{
	return do_fsync(fd);
}

SYSCALL_DEFINE1(fdatasync, unsigned int, fd)
{
	return do_fsync(fd);
}

SYSCALL_DEFINE0(sync)
{
	return 0;
}

SYSCALL_DEFINE1(syncfs, unsigned int, fd)
{
	struct fd f = fdget(fd);
	bool open = f.file != NULL;

	fdput(f);
	return open ? 0 : -EBADF;
}

SYSCALL_DEFINE4(sync_file_range, unsigned int, fd, loff_t, offset, loff_t, len, unsigned int, flags)
{
	struct fd f = fdget(fd);
	long err = 0;

	if (!f.file)
		return -EBADF;
	if (flags & ~7u || offset < 0 || len < 0 || len > S64_MAX - offset)
		err = -EINVAL;
	else if (!S_ISREG(f.file->f_inode->i_mode) && !S_ISDIR(f.file->f_inode->i_mode) &&
		 !S_ISLNK(f.file->f_inode->i_mode))
		err = -ESPIPE;
	fdput(f);
	return err;
}

/* The page cache is the file: there is nothing to read ahead and nothing to drop. */
SYSCALL_DEFINE4(fadvise64, unsigned int, fd, loff_t, offset, loff_t, len, int, advice)
{
	struct fd f = fdget(fd);
	long err = 0;

	if (!f.file)
		return -EBADF;
	if (S_ISFIFO(f.file->f_inode->i_mode))
		err = -ESPIPE;
	else if (len < 0 || advice < 0 || advice > 5)
		err = -EINVAL;
	fdput(f);
	return err;
}

SYSCALL_DEFINE3(readahead, unsigned int, fd, loff_t, offset, size_t, count)
{
	struct fd f = fdget(fd);
	long err = 0;

	if (!f.file || !(f.file->f_mode & FMODE_READ))
		err = -EBADF;
	else if (!S_ISREG(f.file->f_inode->i_mode))
		err = -EINVAL;
	fdput(f);
	return err;
}
