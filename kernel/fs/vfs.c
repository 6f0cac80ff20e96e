/* SPDX-License-Identifier: MIT */
/*
 * The file system's boot: caches, the root, and the two trees that every program expects, /dev and
 * /proc.
 *
 * The kernel mounts /dev itself, because the first program wants its standard streams on
 * /dev/console; /proc and the rest are init's to mount. The directories are there in any case, so
 * an initramfs need not bring them.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/namei_internal.h"
#include "kernel/fs/super.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "mm/shmem.h"

static void make_dir(const char *name, umode_t mode)
{
	int err = kernel_mkdir(name, mode);

	if (err && err != -EEXIST)
		pr_warn("%s: cannot make the directory: error %d\n", name, -err);
}

static void make_link(const char *target, const char *name)
{
	int err = kernel_symlink(target, name);

	if (err && err != -EEXIST)
		pr_warn("%s: cannot make the link: error %d\n", name, -err);
}

static void populate_dev(void)
{
	make_dir("/dev", 0755);
	if (kernel_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL))
		panic("cannot mount /dev");
	chrdev_populate_dev();
	make_dir("/dev/shm", 01777);
	make_link("/proc/self/fd", "/dev/fd");
	make_link("/proc/self/fd/0", "/dev/stdin");
	make_link("/proc/self/fd/1", "/dev/stdout");
	make_link("/proc/self/fd/2", "/dev/stderr");
}

void vfs_init(void)
{
	shmem_init();
	dcache_init();
	inode_init();
	namei_init();
	file_table_init();
	file_init();
	pipe_init();
	locks_init();
	tmpfs_init();
	proc_init();
	mount_rootfs();
	if (init_fs(current))
		panic("no memory for the root directory");
	memdev_init();
	populate_dev();
	make_dir("/proc", 0555);
	make_dir("/tmp", 01777);
}
