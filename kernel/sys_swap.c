/* SPDX-License-Identifier: MIT */
/*
 * swapon(2) and swapoff(2): a path becomes a block device, and what may be done with it is checked.
 *
 * A swap file would have to tell where on a disk its blocks are. The file systems here have none,
 * so a regular file is EINVAL, as it is on Linux for a file of tmpfs. Compressed memory has no
 * device node: swapoff("zram") ends it, by the name that /proc/swaps shows.
 */
#include "kernel/cred.h"
#include "kernel/drivers/block/block.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/namei.h"
#include "kernel/swap_disk.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/swap.h"

#define SWAP_FLAG_PREFER    0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAGS_DISCARD  0x70000 /* hints that disks here do not need */
#define SWAP_FLAGS_VALID    (SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK | SWAP_FLAGS_DISCARD)

/* The block device that a name leads to, or ERR_PTR. */
static struct block_device *find_device(const char *name)
{
	struct block_device *bdev = ERR_PTR(-EINVAL);
	struct path path;
	umode_t mode;
	int err = kern_path(name, LOOKUP_FOLLOW, &path);

	if (err)
		return ERR_PTR(err);
	mode = path.dentry->d_inode->i_mode;
	if (S_ISBLK(mode))
		bdev = blk_get(path.dentry->d_inode->i_rdev) ?: ERR_PTR(-ENXIO);
	else if (S_ISDIR(mode))
		bdev = ERR_PTR(-EISDIR);
	path_put(&path);
	return bdev;
}

SYSCALL_DEFINE2(swapon, const char __user *, uname, int, flags)
{
	int prio = flags & SWAP_FLAG_PREFER ? flags & SWAP_FLAG_PRIO_MASK : -1;
	struct block_device *bdev;
	char *name;

	if (flags & ~SWAP_FLAGS_VALID)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	name = getname(uname, 0);
	if (IS_ERR(name))
		return PTR_ERR(name);
	bdev = find_device(name);
	putname(name);
	return IS_ERR(bdev) ? PTR_ERR(bdev) : swap_disk_add(bdev, prio);
}

static long do_swapoff(const char *name)
{
	struct block_device *bdev = find_device(name);
	char device[SWAP_DISK_NAME];
	int err;

	if (!IS_ERR(bdev)) {
		swap_disk_name(bdev, device);
		return swap_device_remove(device);
	}
	if (PTR_ERR(bdev) != -ENOENT)
		return PTR_ERR(bdev);
	/* No node: compressed memory, or a disk that was pulled out. */
	err = swap_device_remove(name);
	return err == -EINVAL ? -ENOENT : err;
}

SYSCALL_DEFINE1(swapoff, const char __user *, uname)
{
	char *name;
	long ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	name = getname(uname, 0);
	if (IS_ERR(name))
		return PTR_ERR(name);
	ret = do_swapoff(name);
	putname(name);
	return ret;
}
