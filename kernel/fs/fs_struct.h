/* SPDX-License-Identifier: MIT */
/*
 * What path names of a task start from: root and working directory, and the umask.
 */
#ifndef KERNEL_FS_FS_STRUCT_H
#define KERNEL_FS_FS_STRUCT_H

#include "lib/types.h"
#include "lib/atomic.h"
#include "kernel/fs/fs.h"
#include "kernel/spinlock.h"

struct fs_struct {
	atomic_t count; /* tasks that share it */
	spinlock_t lock;
	struct path root; /* lock */
	struct path pwd;  /* lock */
	umode_t umask;
};

/** copy_fs() - of a new task: shared with CLONE_FS, else a copy. 0, -ENOMEM. */
int copy_fs(unsigned long clone_flags, struct task *child);
void exit_fs(struct task *task);
/** unshare_fs() - the current task gets its own copy. */
int unshare_fs(void);
/** init_fs() - task 1: root and cwd are the root file system's. */
int init_fs(struct task *task);

/** get_fs_root(), get_fs_pwd() - with references. */
void get_fs_root(struct fs_struct *fs, struct path *root);
void get_fs_pwd(struct fs_struct *fs, struct path *pwd);
/** task_fs_path() - root or cwd of another task. -ENOENT when it has exited. */
int task_fs_path(struct task *task, bool root, struct path *path);

/** set_fs_root(), set_fs_pwd() - for the current task; references are taken. */
void set_fs_root(struct fs_struct *fs, const struct path *path);
void set_fs_pwd(struct fs_struct *fs, const struct path *path);

umode_t current_umask(void);

#endif
