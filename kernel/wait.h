/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: sleep until a condition holds.
 *
 *	sleeper					waker
 *	prepare_to_wait()  queue, state := S	condition := true
 *	condition? -> finish_wait()		wake_up(): full barrier, walk the queue
 *	schedule()
 *
 * The sleeper sets its state before it looks at the condition, and the waker changes the condition
 * before it looks at the queue. Whatever the interleaving, one sees the other: no wake-up is lost.
 *
 * An entry carries a function, called under the queue's lock with interrupts off when the queue is
 * woken. The usual one wakes the task in ->private; poll and epoll-like users supply their own.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "lib/list.h"
#include "kernel/spinlock.h"
#include "kernel/sched_entity.h"

struct wait_queue_entry;

/*
 * @mode: task states to wake; @key: what happened (poll event mask cast to pointer), may be NULL.
 * Returns non-zero when it woke somebody: an exclusive entry then uses up one of the wake-ups.
 */
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry, unsigned int mode, int flags,
				 void *key);

struct wait_queue_entry {
	unsigned int flags;
	void *private; /* the task, for the usual function */
	wait_queue_func_t func;
	struct list_head entry;
};

#define WQ_FLAG_EXCLUSIVE 1u

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

/* default_wake_function() - wakes the task in ->private. */
int default_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key);
/*
 * autoremove_wake_function() - the same, and takes the entry off the queue when the task was
 * woken.
 */
int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags,
			     void *key);

#define DEFINE_WAIT_FUNC(name, function) \
	struct wait_queue_entry name = { \
		.private = current, .func = (function), .entry = LIST_HEAD_INIT(name.entry)}
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)

static inline void init_waitqueue_func_entry(struct wait_queue_entry *entry, wait_queue_func_t func)
{
	entry->flags = 0;
	entry->private = NULL;
	entry->func = func;
	INIT_LIST_HEAD(&entry->entry);
}

/* Any context; the queue's lock is taken with interrupts off. */
void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry);
void add_wait_queue_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry);
void remove_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry);

/*
 * __wake_up() - call the entries' functions: all non-exclusive ones and up to @nr_exclusive
 * exclusive ones (0: all). Any context. @mode: TASK_NORMAL or TASK_INTERRUPTIBLE. Full barrier
 * before the queue is looked at.
 */
void __wake_up(struct wait_queue_head *wq, unsigned int mode, int nr_exclusive, void *key);
/* __wake_up_locked() - the same with wq->lock held. */
void __wake_up_locked(struct wait_queue_head *wq, unsigned int mode, int nr_exclusive, void *key);

/*
 * waitqueue_active() - is anybody queued? The caller provides the barrier after changing its
 * condition.
 */
static inline bool waitqueue_active(const struct wait_queue_head *wq)
{
	return READ_ONCE(wq->head.next) != &wq->head;
}

#define wake_up(wq)		      __wake_up(wq, TASK_NORMAL, 1, NULL)
#define wake_up_nr(wq, nr)	      __wake_up(wq, TASK_NORMAL, nr, NULL)
#define wake_up_all(wq)		      __wake_up(wq, TASK_NORMAL, 0, NULL)
#define wake_up_interruptible(wq)     __wake_up(wq, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_all(wq) __wake_up(wq, TASK_INTERRUPTIBLE, 0, NULL)
#define wake_up_poll(wq, events)      __wake_up(wq, TASK_NORMAL, 1, (void *)(unsigned long)(events))

/*
 * prepare_to_wait() - queue @entry (if it is not queued) and set the task's state. Full barrier
 * after.
 * prepare_to_wait_event() - the same; -ERESTARTSYS, not queued and running, when a signal that
 * @state
 *                           is open to is pending.
 * finish_wait() - running again, and off the queue.
 */
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry, long state);
void prepare_to_wait_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry,
			       long state);
int prepare_to_wait_event(struct wait_queue_head *wq, struct wait_queue_entry *entry, long state,
			  bool exclusive);
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry);

void schedule(void);
s64 schedule_timeout_ns(s64 timeout_ns);

/* Evaluates to 0, or -ERESTARTSYS. @sleep is what to do between two looks at the condition. */
#define ___wait_event(wq, condition, state, exclusive, sleep)                            \
	({                                                                               \
		long __wret = 0;                                                         \
		DEFINE_WAIT(__wentry);                                                   \
		for (;;) {                                                               \
			__wret = prepare_to_wait_event(wq, &__wentry, state, exclusive); \
			if (condition) {                                                 \
				__wret = 0;                                              \
				break;                                                   \
			}                                                                \
			if (__wret)                                                      \
				break;                                                   \
			sleep;                                                           \
		}                                                                        \
		finish_wait(wq, &__wentry);                                              \
		__wret;                                                                  \
	})

/* wait_event() - sleep, deaf to signals, until @condition is true. May sleep; wq: by pointer. */
#define wait_event(wq, condition)                                                       \
	do {                                                                            \
		might_sleep();                                                          \
		if (!(condition))                                                       \
			(void)___wait_event(wq, condition, TASK_UNINTERRUPTIBLE, false, \
					    schedule());                                \
	} while (0)

/* 0 when the condition came true, -ERESTARTSYS when a signal came first. */
#define wait_event_interruptible(wq, condition)                                              \
	({                                                                                   \
		int __wer = 0;                                                               \
		might_sleep();                                                               \
		if (!(condition))                                                            \
			__wer = (int)___wait_event(wq, condition, TASK_INTERRUPTIBLE, false, \
						   schedule());                              \
		__wer;                                                                       \
	})

#define wait_event_interruptible_exclusive(wq, condition)                                   \
	({                                                                                  \
		int __wer = 0;                                                              \
		might_sleep();                                                              \
		if (!(condition))                                                           \
			__wer = (int)___wait_event(wq, condition, TASK_INTERRUPTIBLE, true, \
						   schedule());                             \
		__wer;                                                                      \
	})

/* 0, or -ERESTARTSYS when a fatal signal came first. */
#define wait_event_killable(wq, condition)                                              \
	({                                                                              \
		int __wer = 0;                                                          \
		might_sleep();                                                          \
		if (!(condition))                                                       \
			__wer = (int)___wait_event(wq, condition, TASK_KILLABLE, false, \
						   schedule());                         \
		__wer;                                                                  \
	})

#define __wait_event_timeout_ns(wq, condition, state, timeout_ns)                                \
	({                                                                                       \
		s64 __left = (timeout_ns);                                                       \
		long __werr = 0;                                                                 \
		bool __true;                                                                     \
		might_sleep();                                                                   \
		if (!(condition))                                                                \
			__werr = ___wait_event(wq, (__true = (condition)) || __left <= 0, state, \
					       false, __left = schedule_timeout_ns(__left));     \
		else                                                                             \
			__true = true;                                                           \
		__werr ? (s64)__werr : __true ? max_t(s64, __left, 1) : 0;                       \
	})

/*
 * Time that is left (> 0) when the condition came true, 0 after the timeout; the interruptible and
 * killable ones also -ERESTARTSYS.
 */
#define wait_event_timeout_ns(wq, condition, timeout_ns) \
	__wait_event_timeout_ns(wq, condition, TASK_UNINTERRUPTIBLE, timeout_ns)
#define wait_event_interruptible_timeout_ns(wq, condition, timeout_ns) \
	__wait_event_timeout_ns(wq, condition, TASK_INTERRUPTIBLE, timeout_ns)
#define wait_event_killable_timeout_ns(wq, condition, timeout_ns) \
	__wait_event_timeout_ns(wq, condition, TASK_KILLABLE, timeout_ns)

#endif /* KERNEL_WAIT_H */
