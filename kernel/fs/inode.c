/* SPDX-License-Identifier: MIT */
/*
 * Inodes: the objects that names lead to.
 *
 * Every inode here lives exactly as long as somebody holds it: its dentries, and through them open
 * files, mappings and working directories. There is no inode cache, because there is no disk to
 * read an inode from a second time. i_nlink only tells user space how many names there are; it
 * decides nothing.
 *
 * i_writecount keeps programs that run from being written, and files being written from being run:
 *
 *        > 0   so many writers        execve: ETXTBSY
 *          0
 *        < 0   so many executions     open for writing: ETXTBSY
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/mount.h"
#include "kernel/cred.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/time.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

static struct kmem_cache *inode_cache;

fstime_t fs_now(void)
{
	return (fstime_t)ktime_get_real_ns();
}

struct inode *new_inode(struct super_block *sb, umode_t mode, dev_t rdev)
{
	struct inode *inode = kmem_cache_zalloc(inode_cache, GFP_KERNEL);

	if (!inode)
		return NULL;
	inode->i_mode = mode;
	inode->i_uid = current_fsuid();
	inode->i_gid = current_fsgid();
	inode->i_nlink = 1;
	inode->i_rdev = rdev;
	atomic_set(&inode->i_count, 1);
	inode->i_btime = inode->i_atime = inode->i_mtime = inode->i_ctime = fs_now();
	inode->i_sb = sb;
	init_rwsem(&inode->i_rwsem);
	address_space_init(&inode->i_data, NULL, inode);
	spin_lock(&sb->s_lock);
	inode->i_ino = sb->s_next_ino++;
	spin_unlock(&sb->s_lock);
	return inode;
}

void ihold(struct inode *inode)
{
	atomic_inc(&inode->i_count);
}

void iput(struct inode *inode)
{
	if (!atomic_dec_and_test(&inode->i_count))
		return;
	if (inode->i_sb->s_op->evict)
		inode->i_sb->s_op->evict(inode);
	free_lock_context(inode);
	address_space_destroy(&inode->i_data);
	kmem_cache_free(inode_cache, inode);
}

static int no_open(struct inode *inode, struct file *file)
{
	return -ENXIO;
}

static const struct file_operations no_open_fops = {.open = no_open};

void init_special_inode(struct inode *inode)
{
	if (S_ISCHR(inode->i_mode))
		inode->i_fop = &chrdev_open_fops;
	else if (S_ISFIFO(inode->i_mode))
		inode->i_fop = &fifo_open_fops;
	else if (S_ISBLK(inode->i_mode))
		inode->i_fop = &blkdev_open_fops;
	else
		inode->i_fop = &no_open_fops;
}

void touch_mtime(struct inode *inode)
{
	inode->i_mtime = inode->i_ctime = fs_now();
}

void touch_ctime(struct inode *inode)
{
	inode->i_ctime = fs_now();
}

/* relatime: only the first read after a change, and once a day, is worth a store. */
void inode_accessed(struct inode *inode)
{
	fstime_t atime = READ_ONCE(inode->i_atime);

	if (atime > inode->i_mtime && atime > inode->i_ctime &&
	    fs_now() - atime < 86400 * NSEC_PER_SEC)
		return;
	WRITE_ONCE(inode->i_atime, fs_now());
}

static bool keeps_atime(const struct inode *inode, unsigned int mnt_flags)
{
	return mnt_flags & (MS_NOATIME | MS_RDONLY) ||
	       (mnt_flags & MS_NODIRATIME && S_ISDIR(inode->i_mode));
}

void file_accessed(struct file *file)
{
	const struct mount *mnt = file->f_path.mnt;
	unsigned int flags = mnt ? mnt->mnt_flags : MS_RELATIME;

	if (file->f_flags & O_NOATIME || keeps_atime(file->f_inode, flags))
		return;
	if (flags & MS_RELATIME)
		inode_accessed(file->f_inode);
	else
		WRITE_ONCE(file->f_inode->i_atime, fs_now());
}

int inode_permission(struct inode *inode, int mask)
{
	umode_t mode = inode->i_mode;

	if (current_fsuid() == inode->i_uid)
		mode >>= 6;
	else if (in_group_p(inode->i_gid))
		mode >>= 3;
	if ((mode & mask & 7) == mask)
		return 0;
	if (!capable(CAP_DAC_OVERRIDE))
		return -EACCES;
	if (mask & MAY_EXEC && !S_ISDIR(inode->i_mode) && !(inode->i_mode & 0111))
		return -EACCES;
	return 0;
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return current_fsuid() == inode->i_uid || capable(CAP_FOWNER);
}

void fill_kstat(struct inode *inode, struct kstat *stat)
{
	struct address_space *mapping = &inode->i_data;

	stat->ino = inode->i_ino;
	stat->dev = inode->i_sb->s_dev;
	stat->rdev = inode->i_rdev;
	stat->mode = inode->i_mode;
	stat->nlink = inode->i_nlink;
	stat->uid = inode->i_uid;
	stat->gid = inode->i_gid;
	stat->size = i_size_read(inode);
	stat->blksize = PAGE_SIZE;
	stat->blocks =
		(READ_ONCE(mapping->nrpages) + READ_ONCE(mapping->nrswapped)) * (PAGE_SIZE / 512);
	stat->atime = inode->i_atime;
	stat->mtime = inode->i_mtime;
	stat->ctime = inode->i_ctime;
	stat->btime = inode->i_btime;
}

int get_write_access(struct inode *inode)
{
	int old = atomic_read(&inode->i_writecount);

	do {
		if (old < 0)
			return -ETXTBSY;
	} while (!try_cmpxchg(&inode->i_writecount.counter, &old, old + 1));
	return 0;
}

void put_write_access(struct inode *inode)
{
	atomic_dec(&inode->i_writecount);
}

int deny_write_access(struct inode *inode)
{
	int old = atomic_read(&inode->i_writecount);

	do {
		if (old > 0)
			return -ETXTBSY;
	} while (!try_cmpxchg(&inode->i_writecount.counter, &old, old - 1));
	return 0;
}

void allow_write_access(struct inode *inode)
{
	atomic_inc(&inode->i_writecount);
}

void inode_init(void)
{
	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 0, SLAB_PANIC, NULL);
}
