/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: from a small number to an open file.
 *
 * The table is read without a lock, under RCU: struct file comes from a type-stable cache, so a
 * reader may take a reference to a file that was just closed and even reused, and then looks again
 * whether the slot still holds it. A task that shares its table with nobody skips even that: nobody
 * else can close the descriptor while it is in the kernel, so fdget() borrows the table's own
 * reference.
 */
#ifndef KERNEL_FS_FILE_H
#define KERNEL_FS_FILE_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "lib/bitops.h"
#include "kernel/fs/fs.h"
#include "kernel/rcu.h"
#include "kernel/task.h"

#define NR_OPEN_INLINE 64      /* slots inside files_struct */
#define NR_OPEN_MAX    1048576 /* the most RLIMIT_NOFILE can be set to */

struct fdtable {
	unsigned int max_fds;
	struct file **fd;	      /* RCU; written under file_lock */
	unsigned long *open_fds;      /* file_lock */
	unsigned long *close_on_exec; /* file_lock */
	struct rcu_head rcu;
};

struct files_struct {
	atomic_t count; /* tasks that share it */
	spinlock_t file_lock;
	unsigned int next_fd; /* file_lock  no free slot below it */
	struct fdtable *fdt;  /* RCU; written under file_lock */
	struct fdtable fdtab; /* the first table */
	struct file *fd_array[NR_OPEN_INLINE];
	unsigned long open_fds_init[1];
	unsigned long close_on_exec_init[1];
};

struct fd {
	struct file *file;
	unsigned int flags;
};
#define FDPUT_FPUT	 1u
#define FDPUT_POS_UNLOCK 2u

static inline struct file *get_file(struct file *file)
{
	atomic_long_inc(&file->f_count);
	return file;
}

/** fput() - drop a reference. The last one releases the file, and sleeps. */
void fput(struct file *file);

/**
 * fget() - the file of a descriptor of the current task, with a reference; NULL if there is none,
 * or it is O_PATH.
 */
struct file *fget(unsigned int fd);
/** fget_raw() - also O_PATH files. */
struct file *fget_raw(unsigned int fd);
/** fget_task() - of another task. NULL also when it has exited. */
struct file *fget_task(struct task *task, unsigned int fd);
bool close_on_exec_task(struct task *task, unsigned int fd);
/**
 * next_fd_task() - the first open descriptor of @task at or after @fd, with a reference in *file;
 * or -1.
 */
int next_fd_task(struct task *task, unsigned int fd, struct file **file);

/** fdget_shared() - the slow part of fdget(): the table is shared, take a reference. */
struct fd fdget_shared(unsigned int fd);

/**
 * fdget() - the file of a descriptor for the length of one system call.
 * A table that nobody shares lends its reference. fdput() ends it. .file is NULL for EBADF.
 */
static inline struct fd fdget_raw(unsigned int fd)
{
	struct files_struct *files = current->files;
	struct fdtable *fdt;

	if (unlikely(atomic_read(&files->count) != 1))
		return fdget_shared(fd);
	fdt = files->fdt;
	if (unlikely(fd >= fdt->max_fds))
		return (struct fd){NULL, 0};
	return (struct fd){fdt->fd[fd], 0};
}

static inline void fdput(struct fd fd)
{
	if (unlikely(fd.flags & FDPUT_FPUT))
		fput(fd.file);
}

static inline struct fd fdget(unsigned int fd)
{
	struct fd f = fdget_raw(fd);

	if (f.file && unlikely(f.file->f_mode & FMODE_PATH)) {
		fdput(f);
		f.file = NULL;
	}
	return f;
}

/** fdget_pos() - and the file's position is ours until fdput_pos(). */
static inline struct fd fdget_pos(unsigned int fd)
{
	struct fd f = fdget(fd);

	if (f.file && (f.file->f_mode & FMODE_ATOMIC_POS) &&
	    atomic_long_read(&f.file->f_count) > 1) {
		f.flags |= FDPUT_POS_UNLOCK;
		mutex_lock(&f.file->f_pos_lock);
		__release(&f.file->f_pos_lock); /* sparse follows locks within one function only */
	}
	return f;
}

static inline void fdput_pos(struct fd f)
{
	if (f.flags & FDPUT_POS_UNLOCK) {
		__acquire(&f.file->f_pos_lock);
		mutex_unlock(&f.file->f_pos_lock);
	}
	fdput(f);
}

/**
 * get_unused_fd() - reserve the lowest free descriptor (>= @start). O_CLOEXEC in @flags. -EMFILE,
 * -ENOMEM.
 */
int get_unused_fd(unsigned int flags);
int get_unused_fd_from(unsigned int start, unsigned int flags);
void put_unused_fd(unsigned int fd);
/** fd_install() - the reserved descriptor becomes @file; the reference passes. */
void fd_install(unsigned int fd, struct file *file);
/** fd_install_new() - reserve and install; on failure the file is put. The descriptor or -E. */
int fd_install_new(struct file *file, unsigned int flags);
/** close_fd() - 0 or -EBADF. */
int close_fd(unsigned int fd);
/** set_close_on_exec(), get_close_on_exec() - the FD_CLOEXEC flag of an open descriptor. */
void set_close_on_exec(unsigned int fd, bool on);
bool get_close_on_exec(unsigned int fd);
/** fd_refers_to() - is @fd still @file? Ordered against close_fd() by the table's lock. */
bool fd_refers_to(unsigned int fd, const struct file *file);
/**
 * replace_fd() - make @fd refer to @file (a reference is taken), closing what it was. @fd or -EBADF
 * …
 */
int replace_fd(unsigned int fd, struct file *file, unsigned int flags);

/** close_fd_range() - close @first to @last, or only set their FD_CLOEXEC. */
int close_fd_range(unsigned int first, unsigned int last, bool cloexec_only);

/* What kernel/fork.c, exit.c and exec.c call. */

/**
 * copy_files() - the descriptors of a new task: shared with CLONE_FILES, else a copy. 0, -ENOMEM.
 */
int copy_files(unsigned long clone_flags, struct task *child);
/**
 * exit_files() - @task (current, or a child that failed to start) gives up its table; files may be
 * released. Sleeps.
 */
void exit_files(struct task *task);
/**
 * files_exec() - exec: the table becomes private and FD_CLOEXEC descriptors are closed. 0, -ENOMEM
 * (before any change).
 */
int files_exec(struct task *task);
/** unshare_files() - the current task gets its own copy. 0, -ENOMEM. */
int unshare_files(void);
/** init_files() - an empty table for task 1. */
int init_files(struct task *task);

void file_table_init(void);

#endif
