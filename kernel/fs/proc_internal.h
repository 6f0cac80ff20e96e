/* SPDX-License-Identifier: MIT */
/*
 * /proc: what its files share.
 */
#ifndef KERNEL_FS_PROC_INTERNAL_H
#define KERNEL_FS_PROC_INTERNAL_H

#include "kernel/fs/fs.h"
#include "kernel/fs/seq_file.h"

struct mm;
struct pid;
struct task;
struct vm_area;

/*
 * One name in /proc. What it is follows from which member is set: a directory of the table
 * `children`, a text file (show, and store if it can be written), a file with operations of its
 * own, a link to text (readlink) or to an object (follow), or a directory that is filled on demand
 * (dir).
 *
 * @task is the task that the path goes through, referenced; NULL outside of /proc/PID.
 */
struct proc_entry {
	const char *name;
	umode_t mode; /* permissions; the type follows */
	bool inside;  /* of a text file: for who may look into the process (ptrace_may_access()) */
	const struct proc_entry *children;
	int (*show)(struct seq_file *m, struct task *task);
	/* @text: NUL-terminated, without the newline at its end. 0 or -E. */
	int (*store)(const struct proc_entry *entry, struct task *task, char *text, size_t len);
	/* of a text file; may be NULL */
	long (*ioctl)(struct task *task, unsigned int cmd, unsigned long arg);
	const struct file_operations *fops;
	int (*readlink)(struct task *task, char *buf, int size);
	int (*follow)(struct task *task, unsigned int id, struct path *path);
	const struct proc_dir *dir;
	void *data; /* of show (m->data) and store (entry->data) */
};

/* A directory filled on demand: /proc itself, task/, fd/, fdinfo/. */
struct proc_dir {
	const struct proc_entry *children; /* fixed names beside the others; may be NULL */
	/*
	 * The entry called @name, its number in *id, and in *pid whose it is (a reference). NULL:
	 * none.
	 */
	const struct proc_entry *(*find)(struct task *task, const char *name, u32 len,
					 struct pid **pid, unsigned int *id);
	/* The first number at or after *id that exists. */
	bool (*next)(struct task *task, unsigned int *id);
	const char *prefix; /* what stands before the number; may be NULL */
};

/* What a /proc inode carries in i_private. */
struct proc_inode {
	const struct proc_entry *entry;
	struct pid *pid; /* the task, counted; NULL outside /proc/PID */
	unsigned int id; /* fd/N: N; and of what is below */
};

static inline struct proc_inode *proc_i(const struct inode *inode)
{
	return inode->i_private;
}

/**
 * proc_task() - the task behind a /proc inode with a reference (put_task_struct), or NULL: it has
 * gone.
 */
struct task *proc_task(const struct inode *inode);
/** proc_may_look_inside() - may current look into the process? 0, -EACCES, -ESRCH. */
int proc_may_look_inside(const struct inode *inode);
/** proc_mm() - its address space (mmput), or ERR_PTR(-ESRCH); NULL for a kernel thread. */
struct mm *proc_mm(const struct inode *inode);

/** parse_decimal() - "123" as a number. False: something else. */
bool parse_decimal(const char *s, u32 len, unsigned int *value);

extern const struct proc_entry proc_root_entries[];	   /* proc_root.c */
extern const struct proc_entry sysfs_root_entries[];	   /* sysfs.c */
extern const struct proc_entry proc_sys_entries[];	   /* proc_sys.c */
extern const struct proc_entry proc_pid_entries[];	   /* proc_pid.c */
extern const struct proc_entry proc_tid_entries[];	   /* the same without task/ */
extern const struct proc_dir proc_fd_dir, proc_fdinfo_dir; /* proc_pid.c */
extern const struct proc_dir proc_task_dir;		   /* proc.c */

int proc_text_open(struct inode *inode, struct file *file);
extern const struct file_operations proc_mounts_fops;
int proc_mounts_open(struct inode *inode, struct file *file);
u32 proc_mounts_poll(struct file *file, struct poll_table *table);
int proc_mounts_show(struct seq_file *m, struct task *task);
int proc_mountinfo_show(struct seq_file *m, struct task *task);

/* proc_maps.c */
int proc_maps_show(struct seq_file *m, struct task *task);
/* What maps calls the VMA: a text in @buf (PATH_MAX bytes), a constant, or NULL. mmap_lock held. */
const char *proc_vma_name(const struct vm_area *vma, char *buf);
long proc_maps_ioctl(struct task *task, unsigned int cmd, unsigned long arg); /* proc_mapquery.c */
int proc_smaps_show(struct seq_file *m, struct task *task);
int proc_smaps_rollup_show(struct seq_file *m, struct task *task);
int proc_clear_refs_store(const struct proc_entry *entry, struct task *task, char *text,
			  size_t len);
extern const struct file_operations proc_pagemap_fops, proc_mem_fops, proc_kpagecount_fops,
	proc_kpageflags_fops;

/* proc_verso.c: /proc/verso, in debug kernels */
#ifdef CONFIG_DEBUG
extern const struct proc_entry proc_verso_entries[];
#define PROC_VERSO_ENTRY {.name = "verso", .mode = 0555, .children = proc_verso_entries},
#else
#define PROC_VERSO_ENTRY
#endif

/* proc_stat.c */
int proc_pid_stat_show(struct seq_file *m, struct task *task);
int proc_pid_status_show(struct seq_file *m, struct task *task);
int proc_pid_statm_show(struct seq_file *m, struct task *task);
int proc_pid_limits_show(struct seq_file *m, struct task *task);

#endif
