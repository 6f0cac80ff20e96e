/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: files in memory.
 *
 * Nothing here stores anything. Names are dentries that stay (dcache.c), contents are page-cache
 * pages (mm/shmem.c), and an inode holds the rest. What is left to do for a file system is to make
 * inodes, keep link counts, and know its limits: size= (pages, in memory and in swap) and
 * nr_inodes=.
 *
 *     create, mkdir, mknod, symlink     a new inode, d_add()
 *     link                              one more dentry for an inode, i_nlink + 1
 *     unlink, rmdir                     i_nlink - 1; the caller drops the dentry; the last holder's
 *                                       iput() evicts
 *     rename                            link counts only; the caller moves the dentries
 *
 * A directory has i_nlink 2 and one for each directory in it.
 *
 * Root, /tmp, /dev/shm, /dev (called devtmpfs then) and memfds are all tmpfs.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "mm/slab.h"

#define TMPFS_MAGIC	0x01021994
#define RENAME_EXCHANGE 2u
#define ENTRY_SIZE	20 /* what an entry of a directory takes in stat()'s eyes, as on Linux */

struct tmpfs_info {
	struct shmem_limit blocks;
	bool size_given; /* on the mount command line */
	atomic_long_t inodes;
	long max_inodes;
	umode_t mode; /* of the root directory */
	u32 uid, gid;
};

static const struct inode_operations tmpfs_dir_inode_operations;
static const struct inode_operations tmpfs_file_inode_operations;
static const struct inode_operations tmpfs_link_inode_operations = {.lookup = NULL};
static struct super_block *kernel_sb; /* memfds live here */

static struct tmpfs_info *tmpfs_info(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* Inodes --------------------------------------------------------------------------------------- */

/* Nobody makes a set-id program of a group that is not his by making it in that group's directory. */
static umode_t inherited_mode(const struct inode *dir, umode_t mode)
{
	const umode_t set_id = S_ISGID | S_IXGRP;

	if (!dir || !(dir->i_mode & S_ISGID) || S_ISDIR(mode) || (mode & set_id) != set_id)
		return mode;
	return in_group_p(dir->i_gid) || capable(CAP_FSETID) ? mode : mode & ~S_ISGID;
}

static struct inode *tmpfs_new_inode(struct super_block *sb, const struct inode *dir, umode_t mode,
				     dev_t rdev)
{
	struct tmpfs_info *info = tmpfs_info(sb);
	struct inode *inode;

	if (atomic_long_inc_return(&info->inodes) > info->max_inodes) {
		atomic_long_dec(&info->inodes);
		return ERR_PTR(-ENOSPC);
	}
	inode = new_inode(sb, inherited_mode(dir, mode), rdev);
	if (!inode) {
		atomic_long_dec(&info->inodes);
		return ERR_PTR(-ENOMEM);
	}
	if (dir && dir->i_mode & S_ISGID) {
		inode->i_gid = dir->i_gid;
		if (S_ISDIR(mode))
			inode->i_mode |= S_ISGID;
	}
	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->i_op = &tmpfs_file_inode_operations;
		inode->i_fop = &tmpfs_file_operations;
		inode->i_seals = F_SEAL_SEAL; /* only memfd_create() may allow more */
		shmem_mapping_init(&inode->i_data, inode, &info->blocks);
		break;
	case S_IFDIR:
		inode->i_op = &tmpfs_dir_inode_operations;
		inode->i_fop = &simple_dir_operations;
		inode->i_nlink = 2;
		inode->i_data.i_size = 2 * ENTRY_SIZE; /* "." and ".." */
		break;
	default:
		inode->i_op = &tmpfs_link_inode_operations;
		init_special_inode(inode);
	}
	return inode;
}

struct inode *tmpfs_anon_inode(umode_t mode)
{
	struct inode *inode = tmpfs_new_inode(kernel_sb, NULL, S_IFREG | mode, 0);

	if (!IS_ERR(inode))
		inode->i_nlink = 0;
	return inode;
}

static void tmpfs_evict(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	atomic_long_dec(&tmpfs_info(inode->i_sb)->inodes);
}

/* Directories ---------------------------------------------------------------------------------- */

/*
 * A file's names are in several directories: no i_rwsem guards their number. Each but the first counts
 * as an inode: names take memory too. 0, -ENOSPC.
 */
static int add_name(struct inode *inode)
{
	struct tmpfs_info *info = tmpfs_info(inode->i_sb);
	int err = 0;

	spin_lock(&inode->i_sb->s_lock);
	if (inode->i_nlink && atomic_long_inc_return(&info->inodes) > info->max_inodes) {
		atomic_long_dec(&info->inodes);
		err = -ENOSPC;
	} else {
		inode->i_nlink++;
	}
	spin_unlock(&inode->i_sb->s_lock);
	return err;
}

static void drop_name(struct inode *inode)
{
	spin_lock(&inode->i_sb->s_lock);
	if (--inode->i_nlink && !S_ISDIR(inode->i_mode))
		atomic_long_dec(&tmpfs_info(inode->i_sb)->inodes);
	spin_unlock(&inode->i_sb->s_lock);
}

static void dir_changed(struct inode *dir, int entries)
{
	dir->i_data.i_size += entries * ENTRY_SIZE;
	touch_mtime(dir);
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	struct inode *inode = tmpfs_new_inode(dir->i_sb, dir, mode, rdev);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (S_ISDIR(mode))
		dir->i_nlink++;
	dir_changed(dir, 1);
	d_add(dentry, inode);
	return 0;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	char *copy = kstrdup(target, GFP_KERNEL);
	struct inode *inode;

	if (!copy)
		return -ENOMEM;
	inode = tmpfs_new_inode(dir->i_sb, dir, S_IFLNK | 0777, 0);
	if (IS_ERR(inode)) {
		kfree(copy);
		return PTR_ERR(inode);
	}
	inode->i_link = copy;
	inode->i_data.i_size = strlen(copy);
	dir_changed(dir, 1);
	d_add(dentry, inode);
	return 0;
}

static int tmpfs_link(struct inode *dir, struct dentry *old, struct dentry *dentry)
{
	struct inode *inode = old->d_inode;
	int err = add_name(inode);

	if (err)
		return err;
	ihold(inode);
	touch_ctime(inode);
	dir_changed(dir, 1);
	d_add(dentry, inode);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	drop_name(inode);
	touch_ctime(inode);
	dir_changed(dir, -1);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	dir->i_nlink--;
	dentry->d_inode->i_nlink -= 1; /* its own "." */
	return tmpfs_unlink(dir, dentry);
}

static void exchange_counts(struct inode *old_dir, bool isdir, struct inode *new_dir,
			    bool target_isdir)
{
	if (old_dir == new_dir || isdir == target_isdir)
		return;
	old_dir->i_nlink += target_isdir ? 1 : -1;
	new_dir->i_nlink += target_isdir ? -1 : 1;
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *dentry, struct inode *new_dir,
			struct dentry *target, unsigned int flags)
{
	bool isdir = S_ISDIR(dentry->d_inode->i_mode);

	if (flags & RENAME_EXCHANGE) {
		exchange_counts(old_dir, isdir, new_dir, S_ISDIR(target->d_inode->i_mode));
		touch_ctime(target->d_inode);
	} else {
		if (target && isdir && !d_empty(target))
			return -ENOTEMPTY;
		if (target && isdir)
			tmpfs_rmdir(new_dir, target);
		else if (target)
			tmpfs_unlink(new_dir, target);
		if (isdir) {
			old_dir->i_nlink--;
			new_dir->i_nlink++;
		}
		dir_changed(old_dir, -1);
		dir_changed(new_dir, 1);
	}
	touch_mtime(old_dir);
	touch_mtime(new_dir);
	touch_ctime(dentry->d_inode);
	return 0;
}

static struct inode *tmpfs_tmpfile(struct inode *dir, umode_t mode)
{
	struct inode *inode = tmpfs_new_inode(dir->i_sb, dir, mode, 0);

	if (!IS_ERR(inode))
		inode->i_nlink = 0;
	return inode;
}

static const struct inode_operations tmpfs_dir_inode_operations = {
	.create = tmpfs_create,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
};

const struct file_operations simple_dir_operations = {
	.llseek = dcache_dir_lseek,
	.readdir = dcache_readdir,
};

/* Files ---------------------------------------------------------------------------------------- */

static int tmpfs_truncate(struct inode *inode, loff_t size)
{
	loff_t old = i_size_read(inode);

	if ((size < old && inode->i_seals & F_SEAL_SHRINK) ||
	    (size > old && inode->i_seals & F_SEAL_GROW))
		return -EPERM;
	truncate_pagecache(&inode->i_data, size);
	return 0;
}

#define FALLOC_FL_ZERO_RANGE 16

static int tmpfs_punch(struct inode *inode, loff_t offset, loff_t end)
{
	if (inode->i_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	truncate_pagecache_range(&inode->i_data, offset, end);
	return 0;
}

static int tmpfs_reserve(struct address_space *mapping, unsigned long index)
{
	struct page *page;
	int err;

	if (signal_pending(current))
		return -EINTR;
	err = mapping->a_ops->get_page(mapping, index, GETPAGE_RESERVE, &page);
	if (err)
		return err;
	unlock_page(page);
	put_page(page);
	return 0;
}

/* Fill the holes. On failure what was filled before, and not used since, is given back. */
static int tmpfs_populate(struct inode *inode, loff_t offset, loff_t end)
{
	struct address_space *mapping = &inode->i_data;
	unsigned long first = offset >> PAGE_SHIFT, index = first;
	int err = 0;

	while (!err && index < filemap_pages(end))
		err = tmpfs_reserve(mapping, index++);
	if (err && --index > first)
		shmem_unreserve(mapping, first, index - 1);
	return err;
}

static int tmpfs_fallocate(struct inode *inode, int mode, loff_t offset, loff_t len)
{
	struct tmpfs_info *info = tmpfs_info(inode->i_sb);
	loff_t end = offset + len;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return tmpfs_punch(inode, offset, end);
	/* A length that is kept is checked like one that grows. */
	err = inode_newsize_ok(inode, end);
	if (err)
		return err;
	if (end > i_size_read(inode) && inode->i_seals & F_SEAL_GROW)
		return -EPERM;
	if (len >> PAGE_SHIFT > info->blocks.max)
		return -ENOSPC;
	strip_setid(inode);
	err = tmpfs_populate(inode, offset, end);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i_size_read(inode))
		WRITE_ONCE(inode->i_data.i_size, end);
	touch_ctime(inode);
	return err;
}

static int tmpfs_fsync(struct file *file)
{
	return 0; /* memory is all there is */
}

static const struct inode_operations tmpfs_file_inode_operations = {
	.truncate = tmpfs_truncate,
	.fallocate = tmpfs_fallocate,
};

const struct file_operations tmpfs_file_operations = {
	.read_iter = pagecache_read_iter,
	.write_iter = pagecache_write_iter,
	.llseek = pagecache_llseek,
	.mmap = pagecache_mmap,
	.open = generic_file_open,
	.fsync = tmpfs_fsync,
};

/* Instances ------------------------------------------------------------------------------------ */

static void tmpfs_statfs(struct super_block *sb, struct kstatfs *buf)
{
	struct tmpfs_info *info = tmpfs_info(sb);

	buf->f_type = TMPFS_MAGIC;
	buf->f_bsize = PAGE_SIZE;
	buf->f_blocks = info->blocks.max;
	buf->f_bfree = buf->f_bavail =
		max(info->blocks.max - atomic_long_read(&info->blocks.used), 0L);
	buf->f_files = info->max_inodes;
	buf->f_ffree = max(info->max_inodes - atomic_long_read(&info->inodes), 0L);
}

/* "50%", "64m", "0": in pages; 0 is no limit. */
static int parse_size(const char *value, long *pages)
{
	char *end;
	u64 size = memparse(value, &end);

	if (*end == '%') {
		size = size * totalram_pages() / 100 << PAGE_SHIFT;
		end++;
	}
	if (end == value || *end)
		return -EINVAL;
	*pages = size ? DIV_ROUND_UP(size, PAGE_SIZE) : LONG_MAX;
	return 0;
}

static int parse_option(struct tmpfs_info *info, char *key)
{
	char *value = strchr(key, '=');
	unsigned long number = 0;

	if (!value)
		return strcmp(key, "huge") && strcmp(key, "rootfs") ? -EINVAL : 0;
	*value++ = '\0';
	if (!strcmp(key, "size")) {
		info->size_given = true;
		return parse_size(value, &info->blocks.max);
	}
	if (!strcmp(key, "huge") || !strcmp(key, "mpol"))
		return 0;
	if (kstrtoul(value, !strcmp(key, "mode") ? 8 : 0, &number)) {
		char *end;

		number = memparse(value, &end);
		if (*end)
			return -EINVAL;
	}
	if (!strcmp(key, "mode"))
		info->mode = number & 07777;
	else if (!strcmp(key, "uid"))
		info->uid = number;
	else if (!strcmp(key, "gid"))
		info->gid = number;
	else if (!strcmp(key, "nr_blocks"))
		info->blocks.max = number ?: LONG_MAX;
	else if (!strcmp(key, "nr_inodes"))
		info->max_inodes = number ?: LONG_MAX;
	else
		return -EINVAL;
	return 0;
}

static int parse_options(struct tmpfs_info *info, const char *data)
{
	char *copy, *next;
	int err = 0;

	if (!data || !*data)
		return 0;
	copy = kstrdup(data, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	for (char *key = copy; key && !err; key = next) {
		next = strchr(key, ',');
		if (next)
			*next++ = '\0';
		if (*key)
			err = parse_option(info, key);
	}
	kfree(copy);
	return err;
}

static int tmpfs_remount(struct super_block *sb, const char *data)
{
	struct tmpfs_info new = *tmpfs_info(sb);
	int err = parse_options(&new, data);

	if (err)
		return err;
	if (new.blocks.max < atomic_long_read(&tmpfs_info(sb)->blocks.used) ||
	    new.max_inodes < atomic_long_read(&tmpfs_info(sb)->inodes))
		return -EINVAL;
	WRITE_ONCE(tmpfs_info(sb)->blocks.max, new.blocks.max);
	tmpfs_info(sb)->max_inodes = new.max_inodes;
	tmpfs_info(sb)->size_given = new.size_given;
	return 0;
}

static int tmpfs_show_options(struct super_block *sb, char *buf, size_t size)
{
	struct tmpfs_info *info = tmpfs_info(sb);
	int n = 0;

	if (info->size_given && info->blocks.max != LONG_MAX)
		n += scnprintf(buf + n, size - n, ",size=%ldk",
			       info->blocks.max << (PAGE_SHIFT - 10));
	if (info->mode != 01777)
		n += scnprintf(buf + n, size - n, ",mode=%o", info->mode);
	return n;
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->s_fs_info);
}

static const struct super_operations tmpfs_super_operations = {
	.evict = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.show_options = tmpfs_show_options,
	.remount = tmpfs_remount,
	.put_super = tmpfs_put_super,
};

static struct tmpfs_info *tmpfs_alloc_info(const char *data)
{
	struct tmpfs_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	int err;

	if (!info)
		return ERR_PTR(-ENOMEM);
	info->blocks.max = info->max_inodes = totalram_pages() / 2;
	info->mode = 01777;
	/* The root holds all programs: an initramfs may be most of a small machine. */
	if (data && !strcmp(data, "rootfs")) {
		info->blocks.max = totalram_pages() / 8 * 7;
		info->mode = 0755;
	}
	info->uid = current_fsuid();
	info->gid = current_fsgid();
	err = parse_options(info, data);
	if (err) {
		kfree(info);
		return ERR_PTR(err);
	}
	return info;
}

struct super_block *tmpfs_get_sb(const struct file_system_type *type, const char *data)
{
	struct tmpfs_info *info = tmpfs_alloc_info(data);
	struct super_block *sb;
	struct inode *root;

	if (IS_ERR(info))
		return ERR_CAST(info);
	sb = alloc_super(type, &tmpfs_super_operations);
	if (!sb) {
		kfree(info);
		return ERR_PTR(-ENOMEM);
	}
	sb->s_fs_info = info;
	root = tmpfs_new_inode(sb, NULL, S_IFDIR | info->mode, 0);
	if (!IS_ERR(root)) {
		root->i_uid = info->uid;
		root->i_gid = info->gid;
		sb->s_root = d_alloc_root(root);
	}
	if (!sb->s_root) {
		deactivate_super(sb);
		return IS_ERR(root) ? ERR_CAST(root) : ERR_PTR(-ENOMEM);
	}
	return sb;
}

/* There is one devtmpfs, however often it is mounted. */
static struct super_block *devtmpfs_get_sb(const struct file_system_type *type, const char *data)
{
	static struct super_block *the_one; /* mount_mutex */

	if (!the_one) {
		struct super_block *sb = tmpfs_get_sb(type, "mode=0755");

		if (IS_ERR(sb))
			return sb;
		the_one = sb;
	}
	atomic_inc(&the_one->s_active);
	return the_one;
}

static struct file_system_type devtmpfs_type = {
	.name = "devtmpfs", .flags = FS_NODEV, .get_sb = devtmpfs_get_sb};
static struct file_system_type tmpfs_type = {
	.name = "tmpfs", .flags = FS_NODEV, .get_sb = tmpfs_get_sb};

void tmpfs_init(void)
{
	register_filesystem(&tmpfs_type);
	register_filesystem(&devtmpfs_type);
	kernel_sb = tmpfs_get_sb(&tmpfs_type, "size=0,nr_inodes=0");
	if (IS_ERR(kernel_sb))
		panic("no memory for the first file system");
}
