/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_PTY_H
#define KERNEL_DRIVERS_PTY_H

#include "lib/types.h"

struct dentry;

/* pty_init - make /dev/ptmx and the file system of /dev/pts. Process context, after vfs_init(). */
void pty_init(void);

/* Most pairs that may be open at a time, and how many are: /proc/sys/kernel/pty */
extern int pty_limit;
unsigned int pty_count(void);

/*
 * devpts.c: mount /dev/pts; make and remove the node of a pair. 0 or -errno. May sleep, take the
 * directory's i_rwsem. *node gets a reference, which devpts_remove_node() drops.
 */
int devpts_init(void);
int devpts_make_node(unsigned int index, dev_t dev, struct dentry **node);
void devpts_remove_node(struct dentry *node);

#endif
