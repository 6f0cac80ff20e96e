/* SPDX-License-Identifier: MIT */
/* One task runs on the host, and no clock. */
#ifndef KERNEL_WITNESS_H
#define KERNEL_WITNESS_H

#include "kernel/percpu.h"
#include "lib/types.h"

struct witness {
	u64 time_ns;
	int task;
	unsigned int cpu;
};

static inline int witness_task(void)
{
	return 1;
}

static inline void witness(struct witness *w)
{
	*w = (struct witness){.task = witness_task(), .cpu = host_cpu};
}

#endif
