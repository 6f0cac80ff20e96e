/* SPDX-License-Identifier: MIT */
/*
 * Sync points: places in mm/ where a test can make a task stand still.
 *
 * A race is a window of a few instructions between two steps of one CPU, in which another CPU does
 * something. SYNC_POINT(name) marks such a window. A test arms it, waits until a task stands in it,
 * does the other side's part, and releases the task: an interleaving that would need luck happens
 * every time. The names, and what is true at each, are in kernel/sync_point_list.h; tests use them
 * through /proc/verso/mm (docs/instruments.md).
 *
 * In a release kernel SYNC_POINT() is nothing. In a debug kernel it is one load while nothing is
 * armed.
 */
#ifndef KERNEL_SYNC_POINT_H
#define KERNEL_SYNC_POINT_H

#include "kernel/sync_point_list.h"
#include "lib/compiler.h"
#include "lib/types.h"

#ifdef CONFIG_DEBUG

extern unsigned int sync_points_armed;

void __sync_point(enum sync_point point);

#define SYNC_POINT(name)                                    \
	do {                                                \
		if (unlikely(READ_ONCE(sync_points_armed))) \
			__sync_point(SP_##name);            \
	} while (0)

/* How a point is referred to in /proc/verso/mm. Both indexed by enum sync_point. */
extern const char *const sync_point_names[NR_SYNC_POINTS];
extern const char *const sync_point_meanings[NR_SYNC_POINTS];

/* What stands at a point. */
enum sync_point_state {
	SYNC_POINT_IDLE,   /* nothing asked for: tasks pass */
	SYNC_POINT_ARMED,  /* the task asked for has not come, or not often enough */
	SYNC_POINT_PARKED, /* it stands there */
};

/**
 * sync_point_arm() - let the next task that comes to a point stand there
 *
 * - tid: only this task; 0: any but the caller
 * - hit: when it comes for the hit-th time (from 1), counted from now
 * - owner: through what it was armed (sync_point_release_owner()); not NULL
 * - any context; 0, or -EBUSY: it is armed or a task stands there, whoever armed it
 */
int sync_point_arm(enum sync_point point, int tid, unsigned int hit, const void *owner);

/**
 * sync_point_wait() - wait until a task stands at a point, for timeout_ns at most
 *
 * - may sleep; a fatal signal ends the wait
 * - returns the task's number, 0: no task has come, or the point is not armed
 */
int sync_point_wait(enum sync_point point, s64 timeout_ns);

/**
 * sync_point_release() - let the task that stands there go on; without one, disarm the point
 *
 * - any context; returns the state that the point was in
 */
enum sync_point_state sync_point_release(enum sync_point point);

/**
 * sync_point_release_owner() - the same for all points that were armed for owner: it goes away
 */
void sync_point_release_owner(const void *owner);

/**
 * sync_points_exit() - the same for all points that the running task armed: it ends
 *
 * - before it waits for any lock that a parked task may hold
 */
void sync_points_exit(void);

/**
 * sync_point_state() - now; *passed: tasks that it did not park though it should (see the essay)
 */
enum sync_point_state sync_point_state(enum sync_point point, int *tid, unsigned int *passed);

#else

#define SYNC_POINT(name) \
	do {             \
	} while (0)

static inline void sync_points_exit(void)
{
}

#endif
#endif
