/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's interface. kernel/sched.c explains the algorithm, kernel/sched_entity.h the
 * states.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/preempt.h"
#include "kernel/sched_entity.h"
#include "kernel/task.h"
#include "kernel/timer.h"

/*
 * set_current_state() - the running task's state, followed by a full barrier, so that a condition
 * tested afterwards cannot have been read before. __set_current_state() is without the barrier.
 */
#define set_current_state(s) \
	((void)__atomic_exchange_n(&current->state, (long)(s), __ATOMIC_SEQ_CST))
#define __set_current_state(s) WRITE_ONCE(current->state, (long)(s))

/*
 * schedule() - give the CPU away. With a state other than TASK_RUNNING the task sleeps until a
 * wake-up; a pending signal that the state is open to makes it return at once. Preemption enabled,
 * no spinlocks.
 */
void schedule(void);
/* yield_cpu() - let the others that wait for this CPU run first. */
void yield_cpu(void);
/*
 * schedule_timeout_ns() - schedule(), for at most @timeout_ns. The caller set the state; it is
 * TASK_RUNNING on return. Returns the time that was left, 0 if it ran out.
 */
s64 schedule_timeout_ns(s64 timeout_ns);
/* schedule_until() - the same, until @clock shows @expires_ns at the latest. */
void schedule_until(enum timer_clock clock, u64 expires_ns);
/* sleep_ns() - sleep at least @ns, deaf to signals. */
void sleep_ns(u64 ns);

void __cond_resched(void);
/* cond_resched() - a point in a long loop where the CPU may be given away. May sleep. */
static inline void cond_resched(void)
{
	might_sleep();
	if (unlikely(preempt_should_schedule()))
		__cond_resched();
}

/* preempt_schedule_irq() - switch on return from an interrupt. Interrupts off on entry and exit. */
void preempt_schedule_irq(void);
/* schedule_tail() - first thing a new task does: ends the switch that @prev began. */
void schedule_tail(struct task *prev);

/*
 * wake_up_process() - make a sleeping task runnable. False when it was not asleep. Any context.
 * wake_up_state() - the same, only from one of @states.
 */
bool wake_up_process(struct task *task);
bool wake_up_state(struct task *task, unsigned int states);
/* sched_fork() - a new task's scheduling state, from its parent (current): TASK_NEW, same nice. */
void sched_fork(struct task *task);
/* wake_up_new_task() - queue a task that sched_fork() prepared, for the first time. */
void wake_up_new_task(struct task *task);
/*
 * sched_exec() - exec is a good moment to move: the task has nothing in this CPU's caches. May
 * sleep.
 */
void sched_exec(void);

/* set_need_resched() - the CPU that @task runs on is to reschedule soon. Any context. */
void set_need_resched(struct task *task);
/*
 * kick_process() - make @task, if it is running in user mode, enter the kernel and look at its
 * flags.
 */
void kick_process(struct task *task);

/*
 * sched_setaffinity() - allow @task only the CPUs in @mask. -EINVAL when none of them is online.
 * The caller itself has left a forbidden CPU on return; another running task leaves at its next
 * switch, which is asked for. May sleep.
 */
int sched_setaffinity(struct task *task, u64 mask);
/* How long a SCHED_RR task runs before an equal's turn. */
#define SCHED_RR_SLICE_NS (100 * NSEC_PER_MSEC)

/*
 * Budget of real-time tasks, sched_rt.c: of each period, in microseconds. -1: all of it. Read at
 * any time.
 */
extern int sysctl_sched_rt_period_us, sysctl_sched_rt_runtime_us;

/* sched_set_nice() - @nice is clamped to NICE_MIN..NICE_MAX. Any context. */
void sched_set_nice(struct task *task, int nice);
/*
 * sched_set_policy() - SCHED_*, checked by the caller; @rt_priority is 0 except for SCHED_FIFO and SCHED_RR. Any context.
 */
void sched_set_policy(struct task *task, int policy, int rt_priority, bool reset_on_fork);
/* task_sched_runtime() - time on a CPU so far, up to this moment, in ns. */
u64 task_sched_runtime(struct task *task);
char sched_state_letter(const struct task *task);
/*
 * signal_pending_state() - would @task in @state be woken by the signals it has pending? For
 * schedule() and whoever sleeps.
 */
bool signal_pending_state(long state, struct task *task);

/* Boot: run queues (before the first lock contention), then CPU by CPU. */
void sched_init(void);
/* idle_task() - the idle task of @cpu, made by sched_init_idle() before the CPU is started. */
struct task *idle_task(unsigned int cpu);
void sched_init_idle(void);
/* sched_cpu_online() - this CPU may be given tasks from now on. Called on that CPU. */
void sched_cpu_online(void);
/* cpu_idle_loop() - what a CPU does when there is nothing to do. kernel/idle.c */
void __noreturn cpu_idle_loop(void);
/* schedule_idle() - the idle task's schedule(): preemption stays disabled around it. */
void schedule_idle(void);

/*
 * scheduler_tick() - from the timer interrupt, every SCHED_TICK_NS of a busy CPU. @user:
 * interrupted user mode.
 */
void scheduler_tick(bool user);
/* sched_tick_next() - when this CPU needs its next tick (ktime, ns); U64_MAX while it is idle. */
u64 sched_tick_next(void);

/* Statistics for /proc. */
void sched_stat_init(void);
unsigned int nr_running(void);
unsigned long nr_context_switches(void);
struct cpu_times {
	u64 user_ns, system_ns, idle_ns;
};
void sched_cpu_times(unsigned int cpu, struct cpu_times *times);
/* Load averages over 1, 5 and 15 minutes, as fixed point with LOAD_SHIFT fractional bits. */
#define LOAD_SHIFT 11
void get_load_average(unsigned long loads[3]);

/* sched_dump() - what runs on every CPU and what waits: for panic and SysRq. Takes no lock. */
void sched_dump(void);

#endif /* KERNEL_SCHED_H */
