/* SPDX-License-Identifier: MIT */
/*
 * Timers: per CPU and clock a red-black tree by expiry, and one hardware timer that is programmed
 * for the earliest event, which is the first timer of a tree or the scheduler's tick.
 *
 * The hardware is programmed lazily. base->programmed is when the next interrupt will come; it is
 * set anew only for an event that is earlier. A cancelled timer's interrupt still comes, finds
 * nothing to do, and programs the next event: cheaper than programming at every cancel.
 *
 * The hardware knows time since boot only. When a clock is set, every CPU gets a timer interrupt
 * between: it runs what has become due and programs its hardware by the new distance of the clock.
 * What is due later now finds nothing to do at its old time, like a cancelled timer.
 *
 *	timer's life:	idle --timer_start()--> queued --interrupt--> running fn --> idle
 *	                  ^----timer_cancel()------'                   `--timer_start()--> queued
 *
 * A timer stays on the base where it is queued or whose CPU runs its function (base->running);
 * otherwise timer_start() brings it to the caller's CPU. timer->cpu therefore always names the base
 * whose lock guards the timer, and timer_cancel_sync() knows where to look for a running function.
 */
#include "kernel/timer.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"

/* Under lock, which is taken with interrupts off. */
struct timer_base {
	struct raw_spinlock lock;
	struct rb_root_cached trees[NR_TIMER_CLOCKS];
	struct timer *running;
	u64 programmed; /* when the hardware will interrupt; 0: it will not */
};

static DEFINE_PER_CPU(struct timer_base, timer_bases);

#define NOT_PROGRAMMED 0ULL

static bool expires_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timer, node)->expires <
	       rb_entry(b, const struct timer, node)->expires;
}

/* When a clock shows @expires, in time since boot. */
static u64 ktime_of(enum timer_clock clock, u64 expires)
{
	u64 offset = timer_clock_offset(clock);

	return expires > offset ? expires - offset : 0;
}

/* The timer that expires first, NULL: there is none, and when, in time since boot. */
static struct timer *first_timer(const struct timer_base *base, u64 *when)
{
	struct timer *found = NULL;

	*when = U64_MAX;
	for (unsigned int clock = 0; clock < NR_TIMER_CLOCKS; clock++) {
		struct rb_node *node = rb_first_cached(&base->trees[clock]);
		struct timer *timer = node ? rb_entry(node, struct timer, node) : NULL;
		u64 expires = timer ? ktime_of(clock, timer->expires) : U64_MAX;

		if (timer && (!found || expires < *when)) {
			*when = expires;
			found = timer;
		}
	}
	return found;
}

/* Program the hardware for @when unless it comes earlier anyway. This CPU's base. */
static void program(struct timer_base *base, u64 when)
{
	u64 now;

	if (when == U64_MAX || (base->programmed != NOT_PROGRAMMED && base->programmed <= when))
		return;
	now = ktime_get_ns();
	base->programmed = max_t(u64, when, 1);
	arch_timer_program(when > now ? when - now : 0);
}

void timer_reprogram(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);
	u64 when;

	first_timer(base, &when);
	program(base, min_t(u64, when, sched_tick_next()));
}

void timer_setup(struct timer *timer, void (*fn)(struct timer *timer))
{
	*timer = (struct timer){.fn = fn};
}

static struct timer_base *lock_base(struct timer *timer, unsigned long *flags)
{
	local_irq_save(*flags);
	for (;;) {
		unsigned int cpu = READ_ONCE(timer->cpu);
		struct timer_base *base = &per_cpu(timer_bases, cpu);

		raw_spin_lock(&base->lock);
		if (likely(cpu == READ_ONCE(timer->cpu)))
			return base;
		raw_spin_unlock(&base->lock);
	}
}

static void dequeue(struct timer_base *base, struct timer *timer)
{
	rb_erase_cached(&timer->node, &base->trees[timer->clock]);
	timer->queued = false;
}

void timer_start_on(struct timer *timer, enum timer_clock clock, u64 expires_ns)
{
	struct timer_base *base, *here;
	unsigned long flags;

	base = lock_base(timer, &flags);
	if (timer->queued)
		dequeue(base, timer);
	here = this_cpu_ptr(&timer_bases);
	if (base != here && base->running != timer) {
		WRITE_ONCE(timer->cpu, (u16)smp_processor_id());
		raw_spin_unlock(&base->lock);
		base = here;
		raw_spin_lock(&base->lock);
	}
	timer->expires = expires_ns;
	timer->clock = (u8)clock;
	rb_add_cached(&timer->node, &base->trees[clock], expires_less);
	timer->queued = true;
	/* Elsewhere it is running now, and that CPU programs the hardware when it is done. */
	if (base == here && !base->running)
		program(base, ktime_of(clock, expires_ns));
	raw_spin_unlock(&base->lock);
	local_irq_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
	unsigned long flags;
	struct timer_base *base;
	bool queued;

	if (!READ_ONCE(timer->queued))
		return false;
	base = lock_base(timer, &flags);
	queued = timer->queued;
	if (queued)
		dequeue(base, timer);
	raw_spin_unlock(&base->lock);
	local_irq_restore(flags);
	return queued;
}

bool timer_cancel_sync(struct timer *timer)
{
	bool cancelled = false;

	for (;;) {
		unsigned long flags;
		struct timer_base *base = lock_base(timer, &flags);
		bool running = base->running == timer;

		if (timer->queued) {
			dequeue(base, timer);
			cancelled = true;
		}
		raw_spin_unlock(&base->lock);
		local_irq_restore(flags);
		if (!running)
			return cancelled;
		cpu_relax();
	}
}

/* Run what has expired. The lock is dropped around each function. */
static void run_expired(struct timer_base *base)
{
	struct timer *timer;
	u64 when;

	raw_spin_lock(&base->lock);
	while ((timer = first_timer(base, &when)) && when <= ktime_get_ns()) {
		dequeue(base, timer);
		base->running = timer;
		raw_spin_unlock(&base->lock);
		timer->fn(timer);
		raw_spin_lock(&base->lock);
		base->running = NULL;
	}
	raw_spin_unlock(&base->lock);
}

void timer_interrupt(bool user)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);

	base->programmed = NOT_PROGRAMMED;
	run_expired(base);
	if (sched_tick_next() <= ktime_get_ns())
		scheduler_tick(user);
	timer_reprogram();
}

void timer_clocks_were_set(void)
{
	unsigned int cpu;

	for_each_online_cpu (cpu)
		send_timer_ipi(cpu);
}

/* ---- sleeping ---- */

struct sleep_timer {
	struct timer timer;
	struct task *task;
};

static void wake_sleeper(struct timer *timer)
{
	wake_up_process(container_of(timer, struct sleep_timer, timer)->task);
}

void schedule_until(enum timer_clock clock, u64 expires_ns)
{
	struct sleep_timer sleeper = {.task = current};

	timer_setup(&sleeper.timer, wake_sleeper);
	timer_start_on(&sleeper.timer, clock, expires_ns);
	schedule();
	timer_cancel_sync(&sleeper.timer);
	__set_current_state(TASK_RUNNING);
}

s64 schedule_timeout_ns(s64 timeout_ns)
{
	u64 now, expires;

	if (timeout_ns <= 0) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	now = ktime_get_ns();
	expires = (u64)timeout_ns > U64_MAX / 2 - now ? U64_MAX / 2 : now + (u64)timeout_ns;
	schedule_until(TIMER_MONOTONIC, expires);
	now = ktime_get_ns();
	return now < expires ? (s64)(expires - now) : 0;
}

void sleep_ns(u64 ns)
{
	s64 left = (s64)min_t(u64, ns, S64_MAX);

	might_sleep();
	while (left > 0) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		left = schedule_timeout_ns(left);
	}
}
