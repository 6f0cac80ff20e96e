/* SPDX-License-Identifier: MIT */
/*
 * File locks: fcntl(2) record locks and flock(2).
 */
#ifndef KERNEL_FS_LOCKS_H
#define KERNEL_FS_LOCKS_H

#include "kernel/fs/fs.h"

/** free_lock_context() - an inode goes away. No locks are left. */
void free_lock_context(struct inode *inode);

/**
 * locks_remove_posix() - close(2) by the owner of @files drops all its record locks on the file.
 */
void locks_remove_posix(struct file *file, const void *owner);

/**
 * locks_remove_file() - the open file goes away, and its flock and open-file-description locks with
 * it.
 */
void locks_remove_file(struct file *file);

/**
 * fcntl_lock() - F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ ones. @arg: struct flock of the user.
 */
long fcntl_lock(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg);

#endif
