/* SPDX-License-Identifier: MIT */
/*
 * Locks on the host. One thread runs, so a lock that is not free when it is taken is a deadlock,
 * and one that is not held when it is released is a bug: both panic, with the lock's name. The
 * runner checks that no lock is held at the end of a test.
 *
 * Under the explorer several coroutines run: taking a lock is a scheduling point, one that is not
 * free is waited for, and "held" means by the coroutine that asks.
 */
#ifndef KERNEL_LOCKDEP_H
#define KERNEL_LOCKDEP_H

#include "lib/compiler.h"
#include "tests/host/point.h"

/* 16 bytes, so that a spinlock fits into struct page. */
struct host_lock {
	const char *name;
	int state; /* -1: held for writing; n > 0: by n readers */
	u32 taken; /* how often it was taken */
};

struct lock_class_key {
};

/* Locks held now, of all kinds; those that forbid sleeping are in host_preempt_count too. */
extern int host_locks_held;

void host_lock_acquire(struct host_lock *lock, bool write, const char *file, int line);
bool host_lock_try(struct host_lock *lock, bool write);
void host_lock_release(struct host_lock *lock, bool write, const char *file, int line);
/* The same for a lock whose sleepers must be woken: by then it may be somebody else's. */
void host_lock_leave(struct host_lock *lock, bool write, const char *file, int line);
/* From held for writing to held by one reader, with nobody in between. */
void host_lock_downgrade(struct host_lock *lock, const char *file, int line);
void host_lock_assert(const struct host_lock *lock, bool write, const char *what, const char *file,
		      int line);
void host_lock_assert_free(const struct host_lock *lock, const char *what, const char *file,
			   int line);

/* Memory is freed: nobody may hold a lock in it, or be on his way out of one. */
void lockdep_check_freed(const void *mem, size_t size);

#define lockdep_assert_held(l)	     host_lock_assert(&(l)->h, false, #l, __FILE__, __LINE__)
#define lockdep_assert_held_write(l) host_lock_assert(&(l)->h, true, #l, __FILE__, __LINE__)
#define lockdep_assert_not_held(l)   host_lock_assert_free(&(l)->h, #l, __FILE__, __LINE__)

/* On the host a lock that reclaim wants and its caller holds is a deadlock, and panics as such. */
static inline void lockdep_reclaim_begin(void)
{
}

static inline void lockdep_reclaim_end(void)
{
}

static inline void lockdep_might_reclaim(void)
{
}

#endif
