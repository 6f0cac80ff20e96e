/* SPDX-License-Identifier: MIT */
/*
 * The directory of a process: /proc/PID, and of a thread: /proc/PID/task/TID.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/cred.h"
#include "kernel/oom_kill.h"
#include "kernel/pid.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap.h"

/* Strings of the process ----------------------------------------------------------------------- */

/* Copy [start, end) of another address space. */
static int show_memory(struct seq_file *m, struct mm *mm, unsigned long start, unsigned long end)
{
	size_t len = end > start ? min_t(size_t, end - start, 2UL << 20) : 0;
	char buf[256];

	while (len) {
		long n = access_remote_vm(mm, start, buf, min(len, sizeof(buf)), false);

		if (n <= 0)
			break;
		seq_write(m, buf, n);
		if (m->overflow)
			break;
		start += n;
		len -= n;
	}
	return 0;
}

static int cmdline_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);

	if (!mm)
		return 0;
	show_memory(m, mm, mm->arg_start, mm->arg_end);
	mmput(mm);
	return 0;
}

static int environ_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);

	if (!mm)
		return 0;
	show_memory(m, mm, mm->env_start, mm->env_end);
	mmput(mm);
	return 0;
}

static int auxv_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);
	unsigned int n = 0;

	if (!mm)
		return 0;
	while (n + 2 < AT_VECTOR_SIZE && mm->saved_auxv[n])
		n += 2;
	seq_write(m, mm->saved_auxv, (n + 2) * sizeof(long));
	mmput(mm);
	return 0;
}

static int comm_show(struct seq_file *m, struct task *task)
{
	char comm[TASK_COMM_LEN];

	task_lock(task);
	memcpy(comm, task->comm, sizeof(comm));
	task_unlock(task);
	seq_printf(m, "%s\n", comm);
	return 0;
}

static int comm_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	if (task->signal != current->signal)
		return -EINVAL;
	if (len >= TASK_COMM_LEN)
		text[TASK_COMM_LEN - 1] = '\0';
	set_task_comm(task, text);
	return 0;
}

/* Memory shortage ------------------------------------------------------------------------------ */

static int oom_score_adj_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%d\n", READ_ONCE(task->signal->oom_score_adj));
	return 0;
}

static int parse_int(const char *text, int *value)
{
	bool negative = *text == '-';
	unsigned long n;

	if (kstrtoul(text + negative, 0, &n) || n > S32_MAX)
		return -EINVAL;
	*value = negative ? -(int)n : (int)n;
	return 0;
}

static int oom_score_adj_store(const struct proc_entry *entry, struct task *task, char *text,
			       size_t len)
{
	int adj;

	return parse_int(text, &adj) ?: set_oom_score_adj(task, adj, false);
}

/* The scale of old: -17 is never, otherwise -16 … 15. */
static int oom_adj_show(struct seq_file *m, struct task *task)
{
	int adj = READ_ONCE(task->signal->oom_score_adj);

	seq_printf(m, "%d\n", adj == OOM_SCORE_ADJ_MAX ? 15 : adj * 17 / OOM_SCORE_ADJ_MAX);
	return 0;
}

static int oom_adj_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	int adj;

	if (parse_int(text, &adj) || adj < -17 || adj > 15)
		return -EINVAL;
	return set_oom_score_adj(task, adj == 15 ? OOM_SCORE_ADJ_MAX : adj * OOM_SCORE_ADJ_MAX / 17,
				 true);
}

static int oom_score_show(struct seq_file *m, struct task *task)
{
	unsigned long total = totalram_pages() + total_swap_pages(), points = 0;
	struct mm *mm = get_task_mm(task);

	if (mm) {
		points = get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS) +
			 atomic_long_read(&mm->pgtables_bytes) / PAGE_SIZE;
		mmput(mm);
		points = points * 1000 / total;
	}
	/* Linux's scale: 0 … 2000 around oom_score_adj, two thirds of it */
	seq_printf(m, "%ld\n",
		   max(0L, (1000 + (long)points + READ_ONCE(task->signal->oom_score_adj)) * 2 / 3));
	return 0;
}

static int coredump_filter_show(struct seq_file *m, struct task *task)
{
	seq_printf(m, "%08x\n", READ_ONCE(task->signal->coredump_filter));
	return 0;
}

static int coredump_filter_store(const struct proc_entry *entry, struct task *task, char *text,
				 size_t len)
{
	unsigned long filter;

	if (kstrtoul(text, 0, &filter))
		return -EINVAL;
	WRITE_ONCE(task->signal->coredump_filter, (unsigned int)filter & 0x1ff);
	return 0;
}

/* A number that programs set and nobody here looks at. */
static int ignore_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	return 0;
}

/* Where it sleeps: "0", as Linux says to those who may not know. */
static int wchan_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "0");
	return 0;
}

static int loginuid_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "4294967295");
	return 0;
}

/* No file is on a disk, so nothing is read from or written to one here. */
static void io_lines(struct seq_file *m, const struct task_io *io)
{
	seq_printf(m, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n", io->rchar, io->wchar,
		   io->syscr, io->syscw);
	seq_puts(m, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

static int thread_io_show(struct seq_file *m, struct task *task)
{
	io_lines(m, &task->io);
	return 0;
}

static int io_show(struct seq_file *m, struct task *task)
{
	struct signal_struct *sig = task->signal;
	struct task_io sum;
	unsigned long flags;
	struct task *t;

	spin_lock_irqsave(&sig->siglock, flags);
	sum = sig->io;
	list_for_each_entry (t, &sig->thread_head, thread_node)
		task_io_add(&sum, &t->io);
	spin_unlock_irqrestore(&sig->siglock, flags);
	io_lines(m, &sum);
	return 0;
}

/* Links ---------------------------------------------------------------------------------------- */

static int cwd_follow(struct task *task, unsigned int id, struct path *path)
{
	return task_fs_path(task, false, path);
}

static int root_follow(struct task *task, unsigned int id, struct path *path)
{
	return task_fs_path(task, true, path);
}

static int exe_follow(struct task *task, unsigned int id, struct path *path)
{
	struct mm *mm = get_task_mm(task);
	struct file *file;
	int err = -ENOENT;

	if (!mm)
		return err;
	mmap_read_lock(mm);
	file = vm_file_to_file(mm->exe_file);
	if (file) {
		*path = file->f_path;
		path_get(path);
		err = 0;
	}
	mmap_read_unlock(mm);
	mmput(mm);
	return err;
}

/* Open files ----------------------------------------------------------------------------------- */

static int fd_follow(struct task *task, unsigned int id, struct path *path)
{
	struct file *file = fget_task(task, id);

	if (!file)
		return -ENOENT;
	*path = file->f_path;
	path_get(path);
	fput(file);
	return 0;
}

/* The link of an open file; its permissions tell how the file was opened: [reading + 2 * writing]. */
static const struct proc_entry fd_entries[4] = {
	{.name = "", .mode = 0000, .follow = fd_follow},
	{.name = "", .mode = 0500, .follow = fd_follow},
	{.name = "", .mode = 0300, .follow = fd_follow},
	{.name = "", .mode = 0700, .follow = fd_follow},
};

/* @entry_of: which entry stands for this file. */
static const struct proc_entry *find_fd_entry(struct task *task, const char *name, u32 len,
					      struct pid **pid, unsigned int *id,
					      const struct proc_entry *(*entry_of)(struct file *))
{
	const struct proc_entry *entry;
	struct file *file;

	if (!parse_decimal(name, len, id))
		return NULL;
	file = fget_task(task, *id);
	if (!file)
		return NULL;
	entry = entry_of(file);
	fput(file);
	get_pid(*pid);
	return entry;
}

static const struct proc_entry *fd_entry(struct file *file)
{
	return &fd_entries[!!(file->f_mode & FMODE_READ) + 2 * !!(file->f_mode & FMODE_WRITE)];
}

static const struct proc_entry *find_fd(struct task *task, const char *name, u32 len,
					struct pid **pid, unsigned int *id)
{
	return find_fd_entry(task, name, len, pid, id, fd_entry);
}

static bool next_fd(struct task *task, unsigned int *id)
{
	struct file *file;
	int fd = next_fd_task(task, *id, &file);

	if (fd < 0)
		return false;
	fput(file);
	*id = fd;
	return true;
}

/* fdinfo/N does not know its N in show(): it is a file of its own with a read method. */
static int fdinfo_show(struct seq_file *m, void *arg)
{
	const struct inode *inode = arg;
	struct task *task = proc_task(inode);
	struct file *file = task ? fget_task(task, proc_i(inode)->id) : NULL;
	unsigned int flags = 0;

	if (file && close_on_exec_task(task, proc_i(inode)->id))
		flags = O_CLOEXEC; /* the descriptor's, not the file's */
	if (task)
		put_task_struct(task);
	if (!file)
		return -ENOENT;
	flags |= file->f_flags & ~O_CLOEXEC;
	seq_printf(m, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", file->f_pos, flags,
		   file->f_path.mnt ? file->f_path.mnt->mnt_id : 0, file->f_inode->i_ino);
	if (file->f_op->fdinfo)
		file->f_op->fdinfo(m, file);
	fput(file);
	return 0;
}

static int fdinfo_open(struct inode *inode, struct file *file)
{
	int err = proc_may_look_inside(inode);

	if (err)
		return err;
	file->private = kzalloc(sizeof(struct seq_file), GFP_KERNEL);
	return file->private ? 0 : -ENOMEM;
}

static void fdinfo_release(struct inode *inode, struct file *file)
{
	seq_free(file->private);
	kfree(file->private);
}

static ssize_t fdinfo_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t ret;

	down_write(&file->f_inode->i_rwsem);
	ret = seq_read(file->private, to, pos, fdinfo_show, file->f_inode);
	up_write(&file->f_inode->i_rwsem);
	return ret;
}

static const struct file_operations fdinfo_fops = {.open = fdinfo_open,
						   .release = fdinfo_release,
						   .read_iter = fdinfo_read,
						   .llseek = generic_file_llseek};
static const struct proc_entry fdinfo_entry = {.name = "", .mode = 0400, .fops = &fdinfo_fops};

static const struct proc_entry *fd_info_of(struct file *file)
{
	return &fdinfo_entry;
}

static const struct proc_entry *find_fdinfo(struct task *task, const char *name, u32 len,
					    struct pid **pid, unsigned int *id)
{
	return find_fd_entry(task, name, len, pid, id, fd_info_of);
}

const struct proc_dir proc_fd_dir = {.find = find_fd, .next = next_fd};
const struct proc_dir proc_fdinfo_dir = {.find = find_fdinfo, .next = next_fd};

/* The tables ----------------------------------------------------------------------------------- */

#define COMMON_ENTRIES                                                                            \
	{.name = "auxv", .mode = 0400, .inside = true, .show = auxv_show},                        \
		{.name = "clear_refs", .mode = 0200, .store = proc_clear_refs_store},             \
		{.name = "cmdline", .mode = 0444, .show = cmdline_show},                          \
		{.name = "comm", .mode = 0644, .show = comm_show, .store = comm_store},           \
		{.name = "coredump_filter",                                                       \
		 .mode = 0644,                                                                    \
		 .show = coredump_filter_show,                                                    \
		 .store = coredump_filter_store},                                                 \
		{.name = "cwd", .mode = 0777, .follow = cwd_follow},                              \
		{.name = "environ", .mode = 0400, .inside = true, .show = environ_show},          \
		{.name = "exe", .mode = 0777, .follow = exe_follow},                              \
		{.name = "fd", .mode = 0500, .dir = &proc_fd_dir},                                \
		{.name = "fdinfo", .mode = 0555, .dir = &proc_fdinfo_dir},                        \
		{.name = "limits", .mode = 0444, .show = proc_pid_limits_show},                   \
		{.name = "loginuid", .mode = 0644, .show = loginuid_show, .store = ignore_store}, \
		{.name = "maps",                                                                  \
		 .mode = 0444,                                                                    \
		 .inside = true,                                                                  \
		 .show = proc_maps_show,                                                          \
		 .ioctl = proc_maps_ioctl},                                                       \
		{.name = "mem", .mode = 0600, .fops = &proc_mem_fops},                            \
		{.name = "mountinfo",                                                             \
		 .mode = 0444,                                                                    \
		 .show = proc_mountinfo_show,                                                     \
		 .fops = &proc_mounts_fops},                                                      \
		{.name = "mounts",                                                                \
		 .mode = 0444,                                                                    \
		 .show = proc_mounts_show,                                                        \
		 .fops = &proc_mounts_fops},                                                      \
		{.name = "oom_adj", .mode = 0644, .show = oom_adj_show, .store = oom_adj_store},  \
		{.name = "oom_score", .mode = 0444, .show = oom_score_show},                      \
		{.name = "oom_score_adj",                                                         \
		 .mode = 0644,                                                                    \
		 .show = oom_score_adj_show,                                                      \
		 .store = oom_score_adj_store},                                                   \
		{.name = "pagemap", .mode = 0400, .fops = &proc_pagemap_fops},                    \
		{.name = "root", .mode = 0777, .follow = root_follow},                            \
		{.name = "smaps", .mode = 0444, .inside = true, .show = proc_smaps_show},         \
		{.name = "smaps_rollup",                                                          \
		 .mode = 0444,                                                                    \
		 .inside = true,                                                                  \
		 .show = proc_smaps_rollup_show},                                                 \
		{.name = "stat", .mode = 0444, .show = proc_pid_stat_show},                       \
		{.name = "statm", .mode = 0444, .show = proc_pid_statm_show},                     \
		{.name = "status", .mode = 0444, .show = proc_pid_status_show},                   \
	{                                                                                         \
		.name = "wchan", .mode = 0444, .show = wchan_show                                 \
	}

const struct proc_entry proc_pid_entries[] = {
	COMMON_ENTRIES,
	{.name = "io", .mode = 0400, .inside = true, .show = io_show},
	{.name = "task", .mode = 0555, .dir = &proc_task_dir},
	{.name = NULL},
};

const struct proc_entry proc_tid_entries[] = {
	COMMON_ENTRIES,
	{.name = "io", .mode = 0400, .inside = true, .show = thread_io_show},
	{.name = NULL},
};
