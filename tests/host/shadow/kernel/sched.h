/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/preempt.h"
#include "tests/host/point.h"

#define TASK_RUNNING	     0
#define TASK_INTERRUPTIBLE   1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_KILLABLE	     (2 | 32)

static inline void cond_resched(void)
{
	might_sleep();
}

/* There is nobody to switch to: whoever calls this waits for ever. */
void __noreturn host_deadlock(const char *what, const char *file, int line);
#define schedule() host_deadlock("schedule()", __FILE__, __LINE__)

/* What the rest of the machine does while the one thread waits (end I/O); NULL: nothing. */
extern void (*host_idle_hook)(void);

static inline void host_idle(void)
{
	if (host_idle_hook)
		host_idle_hook();
}

static inline void sleep_ns(u64 ns)
{
	might_sleep();
	host_idle();
	host_spin();
}

static inline s64 schedule_timeout_ns(s64 timeout_ns)
{
	might_sleep();
	return 0;
}

#endif
