/* SPDX-License-Identifier: MIT */
/*
 * Sockets, which are pairs: what socketpair.c, sock_queue.c and sockopt.c share.
 */
#ifndef KERNEL_FS_SOCKET_H
#define KERNEL_FS_SOCKET_H

#include "kernel/fs/fasync.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"

#define AF_UNIX	       1
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3 /* on AF_UNIX another name for SOCK_DGRAM */
#define SOCK_SEQPACKET 5
#define SOCK_MAX       11

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_WAITALL	 0x100
#define MSG_NOSIGNAL	 0x4000
#define MSG_WAITFORONE	 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RD	  0
#define SHUT_WR	  1
#define SHUT_RDWR 2

#define SOCK_DEF_BUF 212992 /* bytes on their way that one end may have sent */
#define SOCK_MAX_BUF \
	4194304 /* the most that SO_SNDBUF and SO_RCVBUF ask for; they get twice that */
#define SOCK_MIN_SND 4608
#define SOCK_MIN_RCV 2304

struct poll_table;

struct ucred {
	pid_t pid;
	u32 uid, gid;
};

/*
 * One end: file->private. Lock key: l = pair->lock; r = read_mutex to take messages, l to look;
 * a = atomic bit operations; - = single words, read and written without a lock.
 */
struct sock_end {
	struct sock_pair *pair;
	struct sock_end *peer;
	struct mutex read_mutex; /* who holds it owns the oldest message */
	struct list_head queue;	 /* l, r  what has come, oldest first */
	size_t bytes;		 /* l  in the queue */
	size_t charged;		 /* l  for what this end has sent and nobody has read */
	unsigned int shut;	 /* l  BIT(SHUT_RD), BIT(SHUT_WR) */
	int err;		 /* l  told once: ECONNRESET */
	bool closed;		 /* l */
	bool no_room;		 /* l  somebody wanted to send and could not: tell when it can */
	bool connected; /* l  false: a datagram end that has learnt that its peer is gone */
	struct wait_queue_head rd_wait, wr_wait;
	struct fasync_head fasync;
	int sndbuf, rcvbuf, rcvlowat; /* - */
	unsigned long options;	      /* a  BIT(SO_*) of those that are on */
	u64 timeout[2];		      /* -  SO_RCVTIMEO, SO_SNDTIMEO in ns; 0: none */
};

struct sock_pair {
	spinlock_t lock;
	atomic_t ends; /* open files */
	int type;      /* c */
	struct ucred maker;
	struct sock_end end[2];
};

/** sock_get() - a descriptor that is a socket, or .file NULL with the reason in *err. fdput() it. */
struct fd sock_get(unsigned int fd, long *err);

/** sock_init_end() - an end with nothing in its queue. */
void sock_init_end(struct sock_end *end, struct sock_pair *pair, struct sock_end *peer);

/**
 * sock_send() - one message, or the bytes of a stream. Sleeps for room, unless the file or
 * MSG_DONTWAIT says no. Bytes, -EAGAIN, -EPIPE, -EMSGSIZE, -ECONNRESET, -ECONNREFUSED, -ENOTCONN,
 * -ERESTARTSYS, -EFAULT, -ENOBUFS.
 */
ssize_t sock_send(struct file *file, struct iov_iter *from, unsigned int flags);

/**
 * sock_recv() - one message, or the bytes that there are of a stream.
 * @msg_flags: MSG_TRUNC is set in it when the message was longer.
 * Bytes (with MSG_TRUNC in @flags the length of the message), 0 at the end, -EAGAIN, -ECONNRESET,
 * -ERESTARTSYS, -EFAULT.
 */
ssize_t sock_recv(struct file *file, struct iov_iter *to, unsigned int flags,
		  unsigned int *msg_flags);

u32 sock_poll(struct file *file, struct poll_table *table);
/** sock_inq() - what FIONREAD says: bytes that wait; of datagrams, those of the oldest. */
int sock_inq(struct sock_end *end);
/** sock_take_error() - the pending error, positive, which is told once. */
int sock_take_error(struct sock_end *end);
/** sock_shutdown() - @how: BIT(SHUT_RD), BIT(SHUT_WR). */
void sock_shutdown(struct sock_end *end, unsigned int how);
/** sock_close_end() - the end's file is gone: the peer is told, what was not read is forgotten. */
void sock_close_end(struct sock_end *end);

#endif
