/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/mounts and mountinfo: the mount tree as the process sees it, from its root.
 */
#include "kernel/fs/poll.h"
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

struct mounts_arg {
	struct seq_file *m;
	struct path root;
	char *buf; /* PATH_MAX */
};

static void show_mount_flags(struct seq_file *m, const struct mount *mnt)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{MS_NOSUID, ",nosuid"},		  {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},		  {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"},	  {MS_RELATIME, ",relatime"},
		{MS_NOSYMFOLLOW, ",nosymfollow"},
	};

	seq_puts(m, mnt->mnt_flags & MS_RDONLY ? "ro" : "rw");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (mnt->mnt_flags & names[i].flag)
			seq_puts(m, names[i].name);
	}
}

static void show_super_options(struct seq_file *m, struct super_block *sb)
{
	char options[64] = "";

	if (sb->s_op->show_options)
		sb->s_op->show_options(sb, options, sizeof(options));
	seq_puts(m, options);
}

static int show_one(struct mount *mnt, void *arg)
{
	struct mounts_arg *a = arg;
	struct path path = {mnt, mnt->mnt_root};
	char *where = d_path_root(&path, &a->root, a->buf, PATH_MAX);

	if (IS_ERR(where))
		return 0;
	seq_escape_path(a->m, mnt->mnt_devname);
	seq_puts(a->m, " ");
	seq_escape_path(a->m, where);
	seq_printf(a->m, " %s ", mnt->mnt_sb->s_type->name);
	show_mount_flags(a->m, mnt);
	show_super_options(a->m, mnt->mnt_sb);
	seq_puts(a->m, " 0 0\n");
	return 0;
}

static int show_one_info(struct mount *mnt, void *arg)
{
	struct mounts_arg *a = arg;
	struct path path = {mnt, mnt->mnt_root};
	char *where = d_path_root(&path, &a->root, a->buf, PATH_MAX);
	dev_t dev = mnt->mnt_sb->s_dev;

	if (IS_ERR(where))
		return 0;
	seq_printf(a->m, "%d %d %u:%u / ", mnt->mnt_id,
		   mnt->mnt_parent ? mnt->mnt_parent->mnt_id : mnt->mnt_id, MAJOR(dev), MINOR(dev));
	seq_escape_path(a->m, where);
	seq_puts(a->m, " ");
	show_mount_flags(a->m, mnt);
	seq_printf(a->m, " - %s ", mnt->mnt_sb->s_type->name);
	seq_escape_path(a->m, mnt->mnt_devname);
	seq_puts(a->m, mnt->mnt_flags & MS_RDONLY ? " ro" : " rw");
	show_super_options(a->m, mnt->mnt_sb);
	seq_puts(a->m, "\n");
	return 0;
}

static int show_mounts(struct seq_file *m, struct task *task,
		       int (*fn)(struct mount *mnt, void *arg))
{
	struct mounts_arg a = {.m = m};
	int err = task_fs_path(task, true, &a.root);

	if (err)
		return -EINVAL; /* a zombie has no root */
	a.buf = kmalloc(PATH_MAX, GFP_KERNEL);
	err = a.buf ? for_each_mount(fn, &a) : -ENOMEM;
	kfree(a.buf);
	path_put(&a.root);
	return err;
}

int proc_mounts_show(struct seq_file *m, struct task *task)
{
	return show_mounts(m, task, show_one);
}

int proc_mountinfo_show(struct seq_file *m, struct task *task)
{
	return show_mounts(m, task, show_one_info);
}

int proc_mounts_open(struct inode *inode, struct file *file)
{
	int err = proc_text_open(inode, file);
	struct seq_file *m = file->private;

	if (!err)
		m->event = READ_ONCE(mount_event);
	return err;
}

/* Always readable; POLLERR and POLLPRI once after each change. */
u32 proc_mounts_poll(struct file *file, struct poll_table *table)
{
	struct seq_file *m = file->private;
	unsigned int event;

	poll_wait(file, &mount_wait, table);
	event = READ_ONCE(mount_event);
	return POLLIN | POLLRDNORM | (xchg(&m->event, event) != event ? POLLERR | POLLPRI : 0);
}
