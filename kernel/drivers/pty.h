/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_PTY_H
#define KERNEL_DRIVERS_PTY_H

/* pty_init - make /dev/ptmx and the file system of /dev/pts. Process context, after vfs_init(). */
void pty_init(void);

/* Most pairs that may be open at a time, and how many are: /proc/sys/kernel/pty */
extern int pty_limit;
unsigned int pty_count(void);

#endif
