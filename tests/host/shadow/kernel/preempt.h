/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include "kernel/percpu.h"

/* How many preempt_disable() and spin locks are in force; must be 0 where code may sleep. */
extern int host_preempt_count;

static inline int preempt_count(void)
{
	return host_preempt_count;
}

static inline void preempt_disable(void)
{
	host_preempt_count++;
}

void preempt_enable(void);

static inline bool in_interrupt(void)
{
	return false;
}

static inline bool in_atomic(void)
{
	return host_preempt_count != 0;
}

static inline bool need_resched(void)
{
	return false;
}

/* Panics when preemption or interrupts are off, or inside an RCU read-side section. */
void host_might_sleep(const char *file, int line);
#define might_sleep() host_might_sleep(__FILE__, __LINE__)

#endif
