/* SPDX-License-Identifier: MIT */
/*
 * The lock validator's interface. It exists in debug kernels only; in a release kernel every macro
 * here is empty. kernel/lockdep.c explains what is checked and how.
 *
 * A lock belongs to a class: all locks initialised by the same line are one class (spin_lock_init()
 * and its kin define a static key there). Taking a second lock of the class that is already held
 * needs a subclass (spin_lock_nested()), which is a class of its own with an order after the first.
 */
#ifndef KERNEL_LOCKDEP_H
#define KERNEL_LOCKDEP_H

#include "lib/types.h"
#include "lib/compiler.h"

struct task;

#define LOCKDEP_SUBCLASSES   8
#define SINGLE_DEPTH_NESTING 1

/* How a lock is held, and what lockdep_assert_held() asks for. */
enum lockdep_mode { LOCKDEP_ANY, LOCKDEP_READ, LOCKDEP_WRITE };

#ifdef CONFIG_DEBUG

#define LOCKDEP_MAX_HELD 48

struct lock_class_key {
	const char *name;
	u16 class[LOCKDEP_SUBCLASSES]; /* index into lockdep's classes, 0: not seen yet */
};

struct held_lock {
	const void *lock;
	unsigned long ip; /* who took it */
	u16 class;
	u8 mode;   /* LOCKDEP_READ or LOCKDEP_WRITE */
	u8 in_irq; /* taken by an interrupt handler that runs on this task's stack */
};

/*
 * What lockdep keeps in struct task. Zero is the right initial value. Only the task itself writes
 * it.
 */
struct lockdep_task {
	int depth;
	struct held_lock held[LOCKDEP_MAX_HELD];
};

/*
 * lockdep_acquire() - the running task is about to take @lock (for a trylock: has taken it).
 *
 * Checks the order against all that was ever seen, and panics with both chains on the first
 * inversion.
 * @trylock: cannot wait, so it adds no order; it is only noted as held.
 */
void lockdep_acquire(const void *lock, struct lock_class_key *key, unsigned int subclass,
		     enum lockdep_mode mode, bool trylock, unsigned long ip);
/*
 * lockdep_release() - @lock is about to be released. Panics if the running task does not hold it.
 */
void lockdep_release(const void *lock, unsigned long ip);
/* lockdep_downgrade() - a lock held for writing is from now on held for reading. */
void lockdep_downgrade(const void *lock);
bool lockdep_is_held(const void *lock, enum lockdep_mode mode);
void lockdep_assert_failed(const void *lock, const char *what, const char *file, int line);
/* lockdep_dump_held() - print the locks that @task holds. */
void lockdep_dump_held(struct task *task);
/*
 * lockdep_check_freed() - memory is being given back: panics if the running task holds a lock that
 * lies in it.
 */
void lockdep_check_freed(const void *mem, size_t size);
/*
 * lockdep_assert_none_held() - the running task holds no lock at all: asked on return to user
 * mode.
 */
void lockdep_assert_none_held(const char *where);
/*
 * lockdep_expect_failure() - a test is about to lock wrongly on purpose: the next report is kept
 * silent and noted instead of panicking. lockdep_take_failure() ends that and tells whether there
 * was one.
 */
void lockdep_expect_failure(void);
bool lockdep_take_failure(void);

/*
 * Reclaim is treated as a lock: who allocates may have to wait for it, and it takes locks itself. So
 * an allocation under a lock that reclaim takes is found, though memory may never have been short.
 * lockdep_reclaim_begin() and _end() stand around reclaim; lockdep_might_reclaim() where an
 * allocation begins that may come to it.
 */
void lockdep_reclaim_begin(void);
void lockdep_reclaim_end(void);
void lockdep_might_reclaim(void);

#define lockdep_assert_held(l)                                                     \
	do {                                                                       \
		if (unlikely(!lockdep_is_held(l, LOCKDEP_ANY)))                    \
			lockdep_assert_failed(l, "held: " #l, __FILE__, __LINE__); \
	} while (0)
#define lockdep_assert_held_write(l)                                                           \
	do {                                                                                   \
		if (unlikely(!lockdep_is_held(l, LOCKDEP_WRITE)))                              \
			lockdep_assert_failed(l, "held for writing: " #l, __FILE__, __LINE__); \
	} while (0)
#define lockdep_assert_not_held(l)                                                     \
	do {                                                                           \
		if (unlikely(lockdep_is_held(l, LOCKDEP_ANY)))                         \
			lockdep_assert_failed(l, "not held: " #l, __FILE__, __LINE__); \
	} while (0)

#else /* !CONFIG_DEBUG */

struct lock_class_key {
};

#define lockdep_assert_held(l) \
	do {                   \
		(void)(l);     \
	} while (0)
#define lockdep_assert_held_write(l) \
	do {                         \
		(void)(l);           \
	} while (0)
#define lockdep_assert_not_held(l) \
	do {                       \
		(void)(l);         \
	} while (0)

static inline void lockdep_reclaim_begin(void)
{
}

static inline void lockdep_reclaim_end(void)
{
}

static inline void lockdep_might_reclaim(void)
{
}

static inline void lockdep_dump_held(struct task *task)
{
}

static inline void lockdep_check_freed(const void *mem, size_t size)
{
}

static inline void lockdep_assert_none_held(const char *where)
{
}

#endif /* CONFIG_DEBUG */

#endif /* KERNEL_LOCKDEP_H */
