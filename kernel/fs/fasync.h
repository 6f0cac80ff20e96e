/* SPDX-License-Identifier: MIT */
/*
 * Signals about files (O_ASYNC): whom an open file has as its owner, and which files are to be told
 * when a pipe, socket or terminal has news.
 *
 *      pipe.fasync --> fown (of file 3) --> fown (of file 7)
 *                       |                    |
 *                       pid, signum, fd      pid, signum, fd
 *
 * An object that has news has a fasync_head, on which hang the owners of those of its open files
 * that have O_ASYNC. file_operations.fasync names the head; all else is done here.
 */
#ifndef KERNEL_FS_FASYNC_H
#define KERNEL_FS_FASYNC_H

#include "kernel/fs/fs.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct pid;

/* si_code of SIGIO, or of the signal that F_SETSIG has chosen. */
#define POLL_IN	 1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_ERR 4
#define POLL_PRI 5
#define POLL_HUP 6

/* Numbers of F_SETOWN_EX. */
#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2

/* Signals whose small positive si_codes say something else. */
#define OWN_CODES_MASK                                                            \
	(sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGFPE) | \
	 sigmask(SIGTRAP) | sigmask(SIGCHLD) | sigmask(SIGSYS))

struct fasync_head {
	struct list_head files; /* fasync_lock */
};

static inline void fasync_init(struct fasync_head *head)
{
	INIT_LIST_HEAD(&head->files);
}

void __kill_fasync(struct fasync_head *head, unsigned int mode, int reason);

/**
 * kill_fasync() - tell the owners of the files on @head.
 * @mode: FMODE_READ, FMODE_WRITE: only of files that are open for one of these.
 * @reason: POLL_IN …
 * Any context but NMI; not with tasklist_lock or a siglock held.
 */
static inline void kill_fasync(struct fasync_head *head, unsigned int mode, int reason)
{
	if (unlikely(READ_ONCE(head->files.next) != &head->files))
		__kill_fasync(head, mode, reason);
}

/** fasync_clear() - the files on @head are told nothing any more: a terminal's hangup. */
void fasync_clear(struct fasync_head *head);

/**
 * file_set_async() - O_ASYNC of @file, known to the caller as @fd, goes on or off. 0, -ENOMEM; and
 * -ENOTTY if the file has no news to tell.
 */
int file_set_async(struct file *file, int fd, bool on);

/** file_default_owner() - @pid owns @file from now on, unless somebody does. 0, -ENOMEM. */
int file_default_owner(struct file *file, struct pid *pid, int type);

/** fown_fcntl() - F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. */
long fown_fcntl(struct file *file, unsigned int cmd, unsigned long arg);

void __fown_release(struct file *file);

/** fown_release() - @file ends: before its release. */
static inline void fown_release(struct file *file)
{
	if (unlikely(file->f_owner))
		__fown_release(file);
}

#endif
