/* SPDX-License-Identifier: MIT */
/* Wait queues and completions: who sleeps is woken, once, and in time. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/completion.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/atomic.h"

#define ITEMS	  500
#define PRODUCERS 3

struct belt {
	spinlock_t lock;
	struct wait_queue_head not_empty, not_full;
	int filled; /* lock */
	atomic_t role, produced, consumed;
};

static bool belt_move(struct belt *b, int by)
{
	bool moved;

	spin_lock(&b->lock);
	moved = b->filled + by >= 0 && b->filled + by <= 4;
	if (moved)
		b->filled += by;
	spin_unlock(&b->lock);
	return moved;
}

static void belt_worker(void *arg)
{
	struct belt *b = arg;
	bool producer = atomic_fetch_add(1, &b->role) % 2;
	int i;

	for (i = 0; i < ITEMS; i++) {
		if (producer) {
			wait_event(&b->not_full, belt_move(b, 1));
			atomic_inc(&b->produced);
			wake_up(&b->not_empty);
		} else {
			KTEST_EQ(
				wait_event_interruptible_exclusive(&b->not_empty, belt_move(b, -1)),
				0);
			atomic_inc(&b->consumed);
			wake_up(&b->not_full);
		}
	}
}

KTEST(wait_queue_producers_and_consumers)
{
	struct belt b = {0};

	spin_lock_init(&b.lock);
	init_waitqueue_head(&b.not_empty);
	init_waitqueue_head(&b.not_full);
	KTEST_TRUE(run_threads(2 * PRODUCERS, belt_worker, &b));
	KTEST_EQ(atomic_read(&b.produced), PRODUCERS * ITEMS);
	KTEST_EQ(atomic_read(&b.consumed), PRODUCERS * ITEMS);
	KTEST_EQ(b.filled, 0);
	KTEST_TRUE(!waitqueue_active(&b.not_empty));
}

KTEST(wait_event_times_out)
{
	struct wait_queue_head wq;
	u64 begin = ktime_get_ns();

	init_waitqueue_head(&wq);
	KTEST_EQ(wait_event_timeout_ns(&wq, false, 3 * NSEC_PER_MSEC), 0);
	KTEST_TRUE(ktime_get_ns() - begin >= 3 * NSEC_PER_MSEC);
	KTEST_TRUE(wait_event_timeout_ns(&wq, true, NSEC_PER_MSEC) > 0);
	KTEST_TRUE(!waitqueue_active(&wq));
}

struct gate {
	struct completion open;
	atomic_t passed;
};

static void gate_worker(void *arg)
{
	struct gate *g = arg;

	if (atomic_fetch_add(1, &g->passed) == 0) {
		sleep_ns(5 * NSEC_PER_MSEC);
		complete_all(&g->open);
	} else {
		wait_for_completion(&g->open);
	}
}

KTEST(completion_opens_for_all)
{
	struct gate g = {0};

	init_completion(&g.open);
	KTEST_EQ(wait_for_completion_timeout_ns(&g.open, NSEC_PER_MSEC), 0);
	KTEST_TRUE(run_threads(6, gate_worker, &g));
	KTEST_TRUE(wait_for_completion_timeout_ns(&g.open, NSEC_PER_MSEC) > 0);
}
