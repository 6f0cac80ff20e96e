/* SPDX-License-Identifier: MIT */
/*
 * Sockets, which are pairs: what socketpair.c and sockopt.c share.
 */
#ifndef KERNEL_FS_SOCKET_H
#define KERNEL_FS_SOCKET_H

#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"

#define AF_UNIX	    1
#define SOCK_STREAM 1

struct pipe;

struct ucred {
	pid_t pid;
	u32 uid, gid;
};

struct sock_pair {
	atomic_t ends; /* open files */
	struct pipe *pipe[2];
	struct ucred maker;
};

/* One end: file->private. Bits of `shut` are set once, atomically. */
struct sock_end {
	struct sock_pair *pair;
	struct pipe *rx, *tx;
	unsigned long shut;    /* BIT(SHUT_RD), BIT(SHUT_WR) */
	unsigned long options; /* BIT(SO_*) of those that are on; atomic */
	u64 timeout[2];	       /* SO_RCVTIMEO, SO_SNDTIMEO in ns; 0: none. No lock */
};

/** sock_get() - a descriptor that is a socket, or .file NULL with the reason in *err. fdput() it. */
struct fd sock_get(unsigned int fd, long *err);

#endif
