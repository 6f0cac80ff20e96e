/* SPDX-License-Identifier: MIT */
/* What the two files of epoll share. The picture, and the locks, are in epoll.c. */
#ifndef KERNEL_EVENTS_EPOLL_INTERNAL_H
#define KERNEL_EVENTS_EPOLL_INTERNAL_H

#include "kernel/events/epoll.h"
#include "kernel/mutex.h"
#include "kernel/wait.h"
#include "lib/rbtree.h"

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET	       (1u << 31)

#define EP_OPTIONS (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

struct epoll_event {
	u32 events;
	u64 data;
} __packed;

/* Lock keys: (m) ep->mtx; (l) ep->lock; (c) constant; (e) epoll_mutex. */
struct eventpoll {
	struct mutex mtx;
	spinlock_t lock;
	struct list_head ready;		/* (l) */
	bool asking;			/* (l) items that may be ready are off the list for now */
	struct wait_queue_head wait;	/* epoll_wait() sleeps here */
	struct wait_queue_head pollers; /* and here who polls the epoll file */
	struct rb_root items;		/* (m) */
	struct file *file;		/* (c) */
	u64 visit;			/* (e) the search that was here last, */
	int below;			/* (e) and what nesting() found */
};

struct epitem {
	struct rb_node node;	  /* (m) */
	struct eventpoll *ep;	  /* (c) */
	struct file *file;	  /* (c) not counted */
	int fd;			  /* (c) */
	struct list_head ready;	  /* (l) READY-LINKED */
	struct list_head watch;	  /* (e) in file->f_watches */
	struct ep_wake *wakes;	  /* (m) */
	struct epoll_event event; /* (m to write, with (l)) */
};

/* The entry in one wait queue of the watched file. */
struct ep_wake {
	struct wait_queue_entry wait;
	struct wait_queue_head *wq; /* NULL once the queue has gone (POLLFREE) */
	struct epitem *item;
	struct ep_wake *next;
};

extern struct mutex epoll_mutex;
extern const struct file_operations eventpoll_fops;

static inline bool is_epoll(const struct file *file)
{
	return file->f_op == &eventpoll_fops;
}

/* All with ep->mtx held. ep_poll_item() - what is true of its file that it wants to know. */
struct epitem *ep_find(struct eventpoll *ep, const struct file *file, int fd);
int ep_add(struct eventpoll *ep, const struct epoll_event *event, struct file *file, int fd);
int ep_modify(struct eventpoll *ep, struct epitem *item, const struct epoll_event *event);
/* Also with epoll_mutex, if the file is a set, or its release or the set's is why. */
void ep_remove(struct eventpoll *ep, struct epitem *item);
u32 ep_poll_item(struct epitem *item, struct poll_table *table, unsigned int depth);

/*
 * The first item of the list, taken off it; back to the ready list. Take ep->lock. Whoever asks items
 * says so (ep->asking) until they are back, so that ep_ready() of others is not told "no" meanwhile.
 */
struct epitem *ep_take_ready(struct eventpoll *ep, struct list_head *list);
void ep_put_ready(struct eventpoll *ep, struct epitem *item, bool front);

#endif
