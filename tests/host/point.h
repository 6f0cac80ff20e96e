/* SPDX-License-Identifier: MIT */
/*
 * Scheduling points: where the explorer (explorer.h) may let another simulated CPU run.
 *
 * The shadow headers and the machine mark with host_point() what one CPU does that another can see:
 * taking a lock, touching a page-table entry, a conditional atomic operation, a TLB flush. Outside
 * the explorer a point costs one test of a variable.
 */
#ifndef TESTS_HOST_POINT_H
#define TESTS_HOST_POINT_H

#include <stdbool.h>

enum point_kind {
	POINT_LOCK,   /* is about to take a lock, or to try */
	POINT_PTE,    /* is about to read or write an entry of a page table */
	POINT_ATOMIC, /* is about to do a conditional atomic operation */
	POINT_FLUSH,  /* is about to flush TLBs */
	POINT_WAIT,   /* is about to look whether it has to wait */
	POINT_ACCESS, /* a user program is about to read or write memory */
	POINT_SYNC,   /* a named place of kernel/sync_point.h */
};

/* The coroutines of a schedule are running. */
extern bool host_exploring;

/*
 * The point itself. obj: the lock, entry or counter, by which the explorer tells who shares what
 * with whom; NULL: with everybody.
 */
void explore_point(enum point_kind kind, const void *obj, const char *what, const char *func,
		   const char *file, int line);

#define host_point(kind, obj, what) \
	((void)(host_exploring &&   \
		(explore_point(kind, obj, what, __func__, __FILE__, __LINE__), true)))

/* No point, but remember that the running coroutine uses obj. */
void explore_touch(const void *obj);

/*
 * Go on only when ready(arg) is true: other coroutines run until it is. Without the explorer nobody
 * else could make it true: a deadlock, and panic.
 */
void host_block(bool (*ready)(const void *arg), const void *arg, const char *what, const char *file,
		int line);

/* For the locks: a coroutine's own, and whether anybody is in an RCU read-side section. */
struct host_lock;
void explore_lock_taken(const struct host_lock *lock, bool write);
void explore_lock_dropped(const struct host_lock *lock, bool write, const char *file, int line);
bool explore_lock_is_mine(const struct host_lock *lock);
/* A lock has been dropped, and others wait for it: they may have it before they are woken, which
 * needs the lock once more. */
void explore_wake_waiters(const struct host_lock *lock, const char *file, int line);
bool explore_lock_in_use(const void *mem, unsigned long size);
bool explore_no_rcu_readers(const void *unused);

/* A loop that waits for others to move on: let them. */
void host_spin(void);

/*
 * Sleepers of a wait queue: who is woken between host_prepare_to_wait(), after which it looks at its
 * condition, and host_wait() does not sleep.
 */
void host_prepare_to_wait(void);
void host_wait(const void *wq, const char *what, const char *file, int line);
void host_wake(const void *wq);

/* Called before a failing test ends, by whoever ends it. NULL: nothing to add. */
extern void (*host_failure_report)(void);

#endif
