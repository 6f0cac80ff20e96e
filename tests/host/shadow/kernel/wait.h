/* SPDX-License-Identifier: MIT */
/*
 * Wait queues on the host. One thread runs: a condition that is not true when it is waited for
 * never becomes true, which is a deadlock, and panics. Under the explorer the coroutine waits for
 * the queue to be woken, and looks again.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "lib/list.h"

struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
};

typedef struct wait_queue_head wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(name)                                                \
	{                                                                                  \
		.lock = __SPIN_LOCK_UNLOCKED(name.lock), .head = LIST_HEAD_INIT(name.head) \
	}
#define DECLARE_WAIT_QUEUE_HEAD(name) \
	struct wait_queue_head name = __WAIT_QUEUE_HEAD_INITIALIZER(name)
#define init_waitqueue_head(wq)              \
	do {                                 \
		spin_lock_init(&(wq)->lock); \
		INIT_LIST_HEAD(&(wq)->head); \
	} while (0)

#define wait_event(wq, condition)                                      \
	do {                                                           \
		might_sleep();                                         \
		host_point(POINT_WAIT, wq, "wait_event");              \
		if (condition)                                         \
			break;                                         \
		host_idle();                                           \
		while (host_prepare_to_wait(), !(condition))           \
			host_wait(wq, #condition, __FILE__, __LINE__); \
	} while (0)
#define wait_event_killable(wq, condition) \
	({                                 \
		wait_event(wq, condition); \
		0;                         \
	})
#define wait_event_interruptible(wq, condition) wait_event_killable(wq, condition)
#define wait_event_timeout_ns(wq, condition, ns) \
	({                                       \
		might_sleep();                   \
		(void)(wq);                      \
		(condition) ? (s64)1 : (s64)0;   \
	})

static inline bool waitqueue_active(const struct wait_queue_head *wq)
{
	return host_exploring || !list_empty(&wq->head);
}

static inline void wake_up(struct wait_queue_head *wq)
{
	host_wake(wq);
}

static inline void wake_up_all(struct wait_queue_head *wq)
{
	host_wake(wq);
}

static inline void wake_up_interruptible(struct wait_queue_head *wq)
{
	host_wake(wq);
}

#endif
