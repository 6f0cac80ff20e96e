/* SPDX-License-Identifier: MIT */
/*
 * RCU: one thread watches the CPUs.
 *
 * A read-side section is code with preemption disabled (kernel/rcu.h). A grace period that begins
 * now may end when every CPU has since been outside of any section, once. Three things show that of
 * a CPU:
 *
 *	it switched tasks			__schedule() runs rcu_note_qs()
 *	an interrupt hit preemptible code	irq_exit() does, user mode included
 *	it idles				rcu_idle is 1 from before the halt to after it
 *
 * rcu_note_qs() copies the number of the current grace period, rcu_gp_seq, into the CPU's
 * rcu_qs_seen. The thread begins a period by raising the number, and looks at each CPU until it has
 * seen the number or idles. A CPU that does neither within a millisecond gets a reschedule
 * interrupt. Reporting costs the CPUs a load and a store per switch; all else is the thread's.
 *
 *	callbacks:  call_rcu() -> per-CPU list --collect--> batch --grace period--> invoked by the
 *	thread
 *
 * Batches are numbered. The thread sleeps RCU_BATCH_NS after the first callback so that a batch is
 * worth its grace period, unless somebody waits (synchronize_rcu) or RCU_HURRY callbacks have piled
 * up.
 *
 * Memory order. The CPU reads rcu_gp_seq, then stores it: x86 keeps earlier loads before the store,
 * so the old section is over when the number is seen; and later loads come after the load of the
 * number, so they see what the writer unpublished before raising it. Going idle needs no barrier;
 * leaving needs a full one between the store to rcu_idle and the next section's loads, against the
 * thread's barrier between raising the number and reading rcu_idle.
 */
#include "kernel/rcu.h"
#include "kernel/kthread.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"

#define RCU_BATCH_NS (10 * NSEC_PER_MSEC)
#define RCU_POLL_NS  NSEC_PER_MSEC
#define RCU_HURRY    512

DEFINE_PER_CPU(unsigned long, rcu_qs_seen);
unsigned long rcu_gp_seq;

enum { RCU_NOT_IDLE, RCU_IDLE, RCU_IDLE_IN_IRQ };
static DEFINE_PER_CPU(unsigned int, rcu_idle);

struct rcu_list {
	struct raw_spinlock lock;      /* interrupts off */
	struct rcu_head *first, **end; /* end NULL: empty */
};
static DEFINE_PER_CPU(struct rcu_list, rcu_lists);

static long nr_pending;		   /* callbacks queued and not yet invoked */
static bool hurry;		   /* somebody waits for the next batch */
static unsigned long batch_begun;  /* batches that have collected their callbacks */
static unsigned long batch_waited; /* of those, past their grace period */
static unsigned long batch_done;   /* of those, with all callbacks invoked */
static DECLARE_WAIT_QUEUE_HEAD(rcu_thread_wait);
static DECLARE_WAIT_QUEUE_HEAD(rcu_done_wait);

/* ---- the CPUs' side ---- */

void rcu_idle_enter(void)
{
	this_cpu_write(rcu_idle, RCU_IDLE);
}

void rcu_idle_exit(void)
{
	this_cpu_write(rcu_idle, RCU_NOT_IDLE);
	smp_mb();
}

void rcu_irq_enter(void)
{
	if (this_cpu_read(rcu_idle) != RCU_IDLE)
		return;
	this_cpu_write(rcu_idle, RCU_IDLE_IN_IRQ);
	smp_mb();
}

void rcu_irq_exit(void)
{
	if (this_cpu_read(rcu_idle) == RCU_IDLE_IN_IRQ)
		this_cpu_write(rcu_idle, RCU_IDLE);
}

bool rcu_read_lock_held(void)
{
	return in_atomic() || irqs_disabled();
}

/* ---- queueing ---- */

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_list *list;
	unsigned long flags;
	long pending;

	head->func = func;
	head->next = NULL;
	local_irq_save(flags);
	list = this_cpu_ptr(&rcu_lists);
	raw_spin_lock(&list->lock);
	if (list->end)
		*list->end = head;
	else
		list->first = head;
	list->end = &head->next;
	raw_spin_unlock(&list->lock);
	local_irq_restore(flags);
	pending = __atomic_add_fetch(&nr_pending, 1, __ATOMIC_RELAXED);
	if (pending == 1 || pending == RCU_HURRY)
		wake_up(&rcu_thread_wait);
}

/* A "function" below 4096 is the offset of the rcu_head in memory that is to be kfree()d. */
void kfree_call_rcu(struct rcu_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

static void invoke(struct rcu_head *head)
{
	unsigned long func = (unsigned long)head->func;

	if (func < 4096)
		kfree((char *)head - func);
	else
		head->func(head);
}

/* All callbacks of all CPUs, as one list. */
static struct rcu_head *collect(void)
{
	struct rcu_head *batch = NULL, **end = &batch;
	unsigned int cpu;

	for_each_possible_cpu (cpu) {
		struct rcu_list *list = &per_cpu(rcu_lists, cpu);
		unsigned long flags;

		local_irq_save(flags);
		raw_spin_lock(&list->lock);
		if (list->end) {
			*end = list->first;
			end = list->end;
			list->first = NULL;
			list->end = NULL;
		}
		raw_spin_unlock(&list->lock);
		local_irq_restore(flags);
	}
	return batch;
}

/* ---- the grace period ---- */

static bool cpu_passed(unsigned int cpu, unsigned long seq)
{
	return (long)(READ_ONCE(per_cpu(rcu_qs_seen, cpu)) - seq) >= 0 ||
	       READ_ONCE(per_cpu(rcu_idle, cpu)) == RCU_IDLE;
}

/* Those of @waiting that have not passed yet. */
static u64 still_waiting(u64 waiting, unsigned long seq)
{
	unsigned int cpu;

	for_each_cpu_in_mask(cpu, waiting)
	{
		if (cpu_passed(cpu, seq))
			waiting &= ~BIT_ULL(cpu);
	}
	return waiting;
}

static void nudge(u64 waiting)
{
	unsigned int cpu;

	for_each_cpu_in_mask(cpu, waiting)
	{
		per_cpu(cpu_need_resched, cpu) = 1;
		send_reschedule_ipi(cpu);
	}
}

static void wait_for_grace_period(void)
{
	unsigned long seq = rcu_gp_seq + 1;
	u64 waiting = READ_ONCE(cpu_online_mask);
	bool first = true;

	smp_mb();
	WRITE_ONCE(rcu_gp_seq, seq);
	smp_mb();
	preempt_disable();
	rcu_note_qs(); /* this thread is in no section */
	preempt_enable();
	while ((waiting = still_waiting(waiting, seq))) {
		if (!first)
			nudge(waiting);
		first = false;
		set_current_state(TASK_UNINTERRUPTIBLE | TASK_WAKEKILL);
		schedule_timeout_ns(RCU_POLL_NS);
	}
	smp_mb();
}

static bool in_a_hurry(void)
{
	return READ_ONCE(hurry) || READ_ONCE(nr_pending) >= RCU_HURRY;
}

static void run_batch(void)
{
	struct rcu_head *batch, *next;

	WRITE_ONCE(hurry, false);
	smp_mb();
	WRITE_ONCE(batch_begun, batch_begun + 1);
	smp_mb();
	batch = collect();
	wait_for_grace_period();
	WRITE_ONCE(batch_waited, batch_begun);
	wake_up_all(&rcu_done_wait);
	for (; batch; batch = next) {
		next = batch->next;
		invoke(batch);
		__atomic_sub_fetch(&nr_pending, 1, __ATOMIC_RELAXED);
		cond_resched();
	}
	WRITE_ONCE(batch_done, batch_begun);
	wake_up_all(&rcu_done_wait);
}

static int __noreturn rcu_thread(void *arg)
{
	for (;;) {
		___wait_event(&rcu_thread_wait, READ_ONCE(nr_pending) || READ_ONCE(hurry),
			      TASK_KILLABLE, false, schedule());
		if (!in_a_hurry())
			wait_event_killable_timeout_ns(&rcu_thread_wait, in_a_hurry(),
						       RCU_BATCH_NS);
		run_batch();
	}
}

void rcu_start(void)
{
	struct task *thread = kthread_run(rcu_thread, NULL, "rcu");

	if (IS_ERR(thread))
		panic("no memory for the RCU thread");
}

/* ---- waiting ---- */

/* Wait until *@counter has reached a batch that begins from now on. */
static void wait_for_batch(unsigned long *counter)
{
	unsigned long target;

	if (system_state == SYSTEM_BOOTING) /* one CPU, one context: no readers */
		return;
	smp_mb();
	target = READ_ONCE(batch_begun) + 1;
	WRITE_ONCE(hurry, true);
	wake_up(&rcu_thread_wait);
	wait_event(&rcu_done_wait, (long)(READ_ONCE(*counter) - target) >= 0);
}

void synchronize_rcu(void)
{
	wait_for_batch(&batch_waited);
}

void rcu_barrier(void)
{
	wait_for_batch(&batch_done);
}

unsigned long rcu_gp_count(void)
{
	return READ_ONCE(rcu_gp_seq);
}

unsigned long rcu_nr_pending(void)
{
	return (unsigned long)READ_ONCE(nr_pending);
}
