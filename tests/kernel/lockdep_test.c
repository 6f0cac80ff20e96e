/* SPDX-License-Identifier: MIT */
/* The lock validator sees what it must see, and only that. */
#include "tests/kernel/ktest.h"

#ifdef CONFIG_DEBUG

#include "kernel/completion.h"
#include "kernel/lockdep.h"
#include "kernel/mutex.h"
#include "kernel/rwsem.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "mm/page.h"

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_MUTEX(third);
static DEFINE_MUTEX(fourth);

static void take_in_order(struct mutex *a, struct mutex *b)
{
	mutex_lock(a);
	mutex_lock(b);
	mutex_unlock(b);
	mutex_unlock(a);
}

KTEST(lockdep_finds_inversion)
{
	take_in_order(&first, &second);
	lockdep_expect_failure();
	take_in_order(&first, &second);
	KTEST_TRUE(!lockdep_take_failure());
	lockdep_expect_failure();
	take_in_order(&second, &first);
	KTEST_TRUE(lockdep_take_failure());
}

KTEST(lockdep_finds_inversion_over_three)
{
	take_in_order(&first, &second);
	take_in_order(&second, &third);
	lockdep_expect_failure();
	take_in_order(&third, &first);
	KTEST_TRUE(lockdep_take_failure());
}

/* B22: an allocation may wait for reclaim, so it must not come under a lock that reclaim takes. */
KTEST(b22_allocation_under_a_lock_of_reclaim)
{
	struct page *page;

	lockdep_reclaim_begin();
	mutex_lock(&fourth);
	mutex_unlock(&fourth);
	lockdep_reclaim_end();
	lockdep_expect_failure();
	mutex_lock(&fourth);
	page = alloc_page(GFP_NOWAIT);
	mutex_unlock(&fourth);
	KTEST_TRUE(!lockdep_take_failure() && page);
	put_page(page);
	lockdep_expect_failure();
	mutex_lock(&fourth);
	page = alloc_page(GFP_KERNEL);
	mutex_unlock(&fourth);
	KTEST_TRUE(lockdep_take_failure() && page);
	put_page(page);
}

KTEST(lockdep_wants_subclass_for_two_of_a_kind)
{
	spinlock_t locks[2];
	int i;

	for (i = 0; i < 2; i++)
		spin_lock_init(&locks[i]);
	lockdep_expect_failure();
	spin_lock(&locks[0]);
	spin_lock_nested(&locks[1], SINGLE_DEPTH_NESTING);
	spin_unlock(&locks[1]);
	spin_unlock(&locks[0]);
	KTEST_TRUE(!lockdep_take_failure());
	lockdep_expect_failure();
	spin_lock(&locks[0]);
	spin_lock(&locks[1]);
	spin_unlock(&locks[1]);
	spin_unlock(&locks[0]);
	KTEST_TRUE(lockdep_take_failure());
}

static DECLARE_RWSEM(sem);

KTEST(lockdep_knows_what_is_held)
{
	bool as_writer, as_reader, still_writer;

	KTEST_TRUE(!lockdep_is_held(&sem, LOCKDEP_ANY));
	down_write(&sem);
	as_writer = lockdep_is_held(&sem, LOCKDEP_WRITE);
	as_reader = lockdep_is_held(&sem, LOCKDEP_READ);
	lockdep_assert_held_write(&sem);
	downgrade_write(&sem);
	still_writer = lockdep_is_held(&sem, LOCKDEP_WRITE);
	lockdep_assert_held(&sem);
	up_read(&sem);
	lockdep_assert_not_held(&sem);
	KTEST_TRUE(as_writer && !as_reader && !still_writer);
}

static DEFINE_SPINLOCK(irq_lock);
static DEFINE_SPINLOCK(plain_lock);
static DECLARE_COMPLETION(irq_lock_taken);

static void take_in_interrupt(struct timer *timer)
{
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
	complete(&irq_lock_taken);
}

/* LOCK-IRQ and LOCK-IRQ-PATH. */
KTEST(lockdep_finds_interrupt_misuse)
{
	struct timer timer;

	timer_setup(&timer, take_in_interrupt);
	timer_start(&timer, 0);
	wait_for_completion(&irq_lock_taken);
	timer_cancel_sync(&timer);

	lockdep_expect_failure();
	spin_lock_irq(&irq_lock);
	spin_unlock_irq(&irq_lock);
	KTEST_TRUE(!lockdep_take_failure());
	lockdep_expect_failure();
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
	KTEST_TRUE(lockdep_take_failure());

	spin_lock(&plain_lock);
	spin_unlock(&plain_lock);
	lockdep_expect_failure();
	spin_lock_irq(&irq_lock);
	spin_lock(&plain_lock);
	spin_unlock(&plain_lock);
	spin_unlock_irq(&irq_lock);
	KTEST_TRUE(lockdep_take_failure());
}

#else

KTEST(lockdep_costs_nothing)
{
	ktest_skip("release kernel");
}

#endif
