/* SPDX-License-Identifier: MIT */
/* Clocks go forward, timers fire in order and not early, and cancelled ones do not. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/completion.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "lib/atomic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"

static void clock_worker(void *arg)
{
	atomic_t *backwards = arg;
	u64 last = ktime_get_ns();
	int i;

	for (i = 0; i < 100000; i++) {
		u64 now = ktime_get_ns();

		if (now < last)
			atomic_inc(backwards);
		last = now;
	}
}

KTEST(time_does_not_go_back)
{
	atomic_t backwards = ATOMIC_INIT(0);

	KTEST_TRUE(run_threads(num_online_cpus(), clock_worker, &backwards));
	KTEST_EQ(atomic_read(&backwards), 0);
}

KTEST(time_real_can_be_set)
{
	u64 before = ktime_get_real_ns();

	ktime_set_real_ns(1000 * NSEC_PER_SEC);
	KTEST_EQ(ktime_get_real_ns() / NSEC_PER_SEC, 1000);
	ktime_set_real_ns(before);
}

struct order {
	struct timer timer[5];
	volatile int fired[5];
	volatile u64 when[5];
	atomic_t n;
};

static struct order order;

static void note_order(struct timer *timer)
{
	int n = atomic_fetch_add(1, &order.n);

	order.fired[n] = (int)(timer - order.timer);
	order.when[n] = ktime_get_ns();
}

KTEST(timers_fire_in_order)
{
	static const int ms[5] = {9, 3, 12, 1, 6};
	static const int expected[5] = {3, 1, 4, 0, 2};
	u64 base;
	int i;

	atomic_set(&order.n, 0);
	local_irq_disable(); /* none fires before all are started */
	base = ktime_get_ns();
	for (i = 0; i < 5; i++) {
		timer_setup(&order.timer[i], note_order);
		timer_start(&order.timer[i], base + (u64)ms[i] * NSEC_PER_MSEC);
	}
	local_irq_enable();
	while (atomic_read(&order.n) < 5)
		sleep_ns(NSEC_PER_MSEC);
	for (i = 0; i < 5; i++) {
		KTEST_EQ(order.fired[i], expected[i]);
		KTEST_TRUE(order.when[i] >= base + (u64)ms[expected[i]] * NSEC_PER_MSEC);
	}
}

static atomic_t fired;

static void note_fired(struct timer *timer)
{
	atomic_inc(&fired);
}

KTEST(timer_cancelled_does_not_fire)
{
	struct timer timer;
	bool was_pending, cancelled;

	atomic_set(&fired, 0);
	timer_setup(&timer, note_fired);
	local_irq_disable(); /* it cannot fire before it is cancelled */
	timer_start(&timer, ktime_get_ns() + 5 * NSEC_PER_MSEC);
	was_pending = timer_pending(&timer);
	cancelled = timer_cancel_sync(&timer);
	local_irq_enable();
	KTEST_TRUE(was_pending && cancelled);
	KTEST_TRUE(!timer_cancel(&timer));
	sleep_ns(10 * NSEC_PER_MSEC);
	KTEST_EQ(atomic_read(&fired), 0);
	timer_start(&timer, 0);
	while (!atomic_read(&fired))
		sleep_ns(NSEC_PER_MSEC);
	KTEST_EQ(atomic_read(&fired), 1);
	KTEST_TRUE(!timer_cancel_sync(&timer));
}

static void restart(struct timer *timer)
{
	if (atomic_inc_return(&fired) < 20)
		timer_start(timer, timer->expires + 100000);
}

KTEST(timer_restarts_itself)
{
	struct timer timer;

	atomic_set(&fired, 0);
	timer_setup(&timer, restart);
	timer_start(&timer, ktime_get_ns());
	while (atomic_read(&fired) < 20)
		sleep_ns(NSEC_PER_MSEC);
	timer_cancel_sync(&timer);
	KTEST_EQ(atomic_read(&fired), 20);
}

/* Start and cancel from every CPU, each its own, while they fire. */
static void timer_worker(void *arg)
{
	struct timer timer;
	int i;

	timer_setup(&timer, note_fired);
	for (i = 0; i < 300; i++) {
		timer_start(&timer, ktime_get_ns() + (u64)(i % 7) * 20000);
		if (i % 3 == 0)
			sleep_ns(50000);
		timer_cancel_sync(&timer);
	}
}

KTEST(timer_start_and_cancel_race)
{
	KTEST_TRUE(run_threads(8, timer_worker, NULL));
}

KTEST(sleep_is_long_enough)
{
	u64 begin = ktime_get_ns();
	s64 left;

	sleep_ns(3 * NSEC_PER_MSEC);
	KTEST_TRUE(ktime_get_ns() - begin >= 3 * NSEC_PER_MSEC);
	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout_ns(NSEC_PER_MSEC);
	KTEST_EQ(left, 0);
}
