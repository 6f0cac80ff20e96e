/* SPDX-License-Identifier: MIT */
/*
 * A pidfd: a descriptor that names a process for good, however often its number is used again.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct mm;
struct pid;

/* A descriptor for `pid`, close-on-exec, its number stored at `uptr`. The descriptor or -E. */
int pidfd_prepare(struct pid *pid, int __user *uptr);
/* The pid behind a descriptor with a reference, NULL if it is not a pidfd. */
struct pid *pidfd_get_pid(unsigned int fd, bool *nonblock);
/* The same for the calls that also take PIDFD_SELF_THREAD and PIDFD_SELF_THREAD_GROUP, which name the
 * caller without a descriptor. ERR_PTR(-EBADF) if it is neither. */
struct pid *pidfd_or_self_get_pid(int fd);
/* The same for pidfd_send_signal(), which also takes a directory /proc/PID, open for reading. */
struct pid *signal_fd_get_pid(int fd);
/* The address space of the process behind a pidfd or PIDFD_SELF_*, with a use (mmput it), or
 * ERR_PTR(-EBADF, -ESRCH, -EACCES). */
struct mm *pidfd_get_mm(int fd);
