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
/*
 * The address space of a pidfd's process with a use (mmput it), or ERR_PTR(-EBADF, -ESRCH, -EPERM).
 */
struct mm *pidfd_get_mm(int fd);
