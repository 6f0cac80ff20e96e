/* SPDX-License-Identifier: MIT */
/*
 * Telling what a file is: the stat family, statx, statfs.
 *
 * There is one set of attributes (struct kstat) and three shapes in which user space wants it.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/syscall.h"
#include "kernel/uapi/time.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"

/* struct stat of the x86-64 ABI */
struct user_stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	struct timespec st_atim, st_mtim, st_ctim;
	s64 unused[3];
};
BUILD_BUG_ON(sizeof(struct user_stat) != 144);

struct statx_timestamp {
	s64 tv_sec;
	u32 tv_nsec;
	s32 pad;
};

struct statx {
	u32 stx_mask, stx_blksize;
	u64 stx_attributes;
	u32 stx_nlink, stx_uid, stx_gid;
	u16 stx_mode, pad0;
	u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	u64 stx_mnt_id;
	u64 spare[13];
};
BUILD_BUG_ON(sizeof(struct statx) != 256);

#define STATX_BASIC_STATS     0x07ffu
#define STATX_BTIME	      0x0800u
#define STATX_MNT_ID	      0x1000u
#define STATX__RESERVED	      0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u

struct user_statfs {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};

/* The device number as user space packs it: 12 bits of major around the low 8 of minor. */
static u32 encode_dev(dev_t dev)
{
	return (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (MINOR(dev) & ~0xffu) << 12;
}

/* Floor division: times before 1970 have a positive nanosecond part too. */
static struct timespec to_timespec(fstime_t t)
{
	struct timespec ts = {t / (s64)NSEC_PER_SEC, t % (s64)NSEC_PER_SEC};

	if (ts.tv_nsec < 0) {
		ts.tv_sec--;
		ts.tv_nsec += NSEC_PER_SEC;
	}
	return ts;
}

static long put_stat(const struct kstat *k, struct user_stat __user *ubuf)
{
	struct user_stat st = {
		.st_dev = encode_dev(k->dev),
		.st_ino = k->ino,
		.st_nlink = k->nlink,
		.st_mode = k->mode,
		.st_uid = k->uid,
		.st_gid = k->gid,
		.st_rdev = encode_dev(k->rdev),
		.st_size = k->size,
		.st_blksize = k->blksize,
		.st_blocks = k->blocks,
		.st_atim = to_timespec(k->atime),
		.st_mtim = to_timespec(k->mtime),
		.st_ctim = to_timespec(k->ctime),
	};

	return copy_to_user(ubuf, &st, sizeof(st)) ? -EFAULT : 0;
}

/* Find the attributes by name or descriptor; also the mount, for statx. */
static int stat_path(int dfd, const char __user *name, int flags, struct path *path)
{
	unsigned int lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	return user_path_at(dfd, name, lookup, path);
}

static long do_stat(int dfd, const char __user *name, int flags, struct user_stat __user *ubuf)
{
	struct kstat stat;
	struct path path;
	long err = stat_path(dfd, name, flags, &path);

	if (err)
		return err;
	fill_kstat(path.dentry->d_inode, &stat);
	path_put(&path);
	return put_stat(&stat, ubuf);
}

static long do_fstat(unsigned int fd, struct user_stat __user *ubuf)
{
	struct fd f = fdget_raw(fd);
	struct kstat stat;

	if (!f.file)
		return -EBADF;
	fill_kstat(f.file->f_inode, &stat);
	fdput(f);
	return put_stat(&stat, ubuf);
}

SYSCALL_DEFINE2(stat, const char __user *, name, struct user_stat __user *, buf)
{
	return do_stat(AT_FDCWD, name, 0, buf);
}

SYSCALL_DEFINE2(lstat, const char __user *, name, struct user_stat __user *, buf)
{
	return do_stat(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, buf);
}

SYSCALL_DEFINE2(fstat, unsigned int, fd, struct user_stat __user *, buf)
{
	return do_fstat(fd, buf);
}

SYSCALL_DEFINE4(newfstatat, int, dfd, const char __user *, name, struct user_stat __user *, buf,
		int, flags)
{
	char c = 1;

	/* What fstat() of a libc is today: an empty name and AT_EMPTY_PATH. */
	if (flags == AT_EMPTY_PATH && dfd >= 0 && !get_user(c, name) && !c)
		return do_fstat(dfd, buf);
	return do_stat(dfd, name, flags, buf);
}

static struct statx_timestamp to_statx_time(fstime_t t)
{
	struct timespec ts = to_timespec(t);

	return (struct statx_timestamp){ts.tv_sec, ts.tv_nsec, 0};
}

SYSCALL_DEFINE5(statx, int, dfd, const char __user *, name, unsigned int, flags, unsigned int, mask,
		struct statx __user *, ubuf)
{
	struct statx stx;
	struct kstat k;
	struct path path;
	long err;

	if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_path(dfd, name, flags, &path);
	if (err)
		return err;
	fill_kstat(path.dentry->d_inode, &k);
	memset(&stx, 0, sizeof(stx));
	stx.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
	stx.stx_blksize = k.blksize;
	stx.stx_nlink = k.nlink;
	stx.stx_uid = k.uid;
	stx.stx_gid = k.gid;
	stx.stx_mode = k.mode;
	stx.stx_ino = k.ino;
	stx.stx_size = k.size;
	stx.stx_blocks = k.blocks;
	stx.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	if (path.mnt && path.dentry == path.mnt->mnt_root)
		stx.stx_attributes = STATX_ATTR_MOUNT_ROOT;
	stx.stx_mnt_id = path.mnt ? path.mnt->mnt_id : 0;
	stx.stx_atime = to_statx_time(k.atime);
	stx.stx_btime = to_statx_time(k.btime);
	stx.stx_ctime = to_statx_time(k.ctime);
	stx.stx_mtime = to_statx_time(k.mtime);
	stx.stx_rdev_major = MAJOR(k.rdev);
	stx.stx_rdev_minor = MINOR(k.rdev);
	stx.stx_dev_major = MAJOR(k.dev);
	stx.stx_dev_minor = MINOR(k.dev);
	path_put(&path);
	return copy_to_user(ubuf, &stx, sizeof(stx)) ? -EFAULT : 0;
}

/* File systems --------------------------------------------------------------------------------- */

#define ST_VALID       0x20
#define ST_RELATIME    0x1000
#define ST_NOSYMFOLLOW 0x2000
#define PIPEFS_MAGIC   0x50495045

/* The flags of a mount as statfs tells them: those of mount(2), with two that moved. */
static long mount_flags(const struct mount *mnt)
{
	unsigned int flags = mnt->mnt_flags;

	return (flags & ~(MS_RELATIME | MS_NOSYMFOLLOW)) | (flags & MS_RELATIME ? ST_RELATIME : 0) |
	       (flags & MS_NOSYMFOLLOW ? ST_NOSYMFOLLOW : 0);
}

static long put_statfs(const struct path *path, struct user_statfs __user *ubuf)
{
	struct super_block *sb = path->dentry->d_inode->i_sb;
	struct kstatfs k = {.f_type = PIPEFS_MAGIC, .f_bsize = 4096};
	struct user_statfs st;

	if (sb->s_op->statfs)
		sb->s_op->statfs(sb, &k);
	memset(&st, 0, sizeof(st));
	st.f_type = k.f_type;
	st.f_bsize = st.f_frsize = k.f_bsize;
	st.f_blocks = k.f_blocks;
	st.f_bfree = k.f_bfree;
	st.f_bavail = k.f_bavail;
	st.f_files = k.f_files;
	st.f_ffree = k.f_ffree;
	st.f_fsid[0] = sb->s_dev;
	st.f_namelen = NAME_MAX;
	st.f_flags = ST_VALID | (path->mnt ? mount_flags(path->mnt) : 0);
	return copy_to_user(ubuf, &st, sizeof(st)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(statfs, const char __user *, name, struct user_statfs __user *, buf)
{
	struct path path;
	long err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = put_statfs(&path, buf);
	path_put(&path);
	return err;
}

SYSCALL_DEFINE2(fstatfs, unsigned int, fd, struct user_statfs __user *, buf)
{
	struct fd f = fdget_raw(fd);
	long err;

	if (!f.file)
		return -EBADF;
	err = put_statfs(&f.file->f_path, buf);
	fdput(f);
	return err;
}
