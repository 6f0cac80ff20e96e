/* SPDX-License-Identifier: MIT */
/*
 * Who does something, and when: for records of mm/, which knows no tasks.
 */
#ifndef KERNEL_WITNESS_H
#define KERNEL_WITNESS_H

#include "lib/types.h"

struct witness {
	u64 time_ns; /* since boot */
	int task;    /* its number; 0: an idle task, or before there are tasks */
	unsigned int cpu;
};

/** witness() - here and now. Any context. */
void witness(struct witness *w);

/** witness_task() - the number of the running task. Any context. */
int witness_task(void);

#endif
