/* SPDX-License-Identifier: MIT */
/*
 * Calling functions on other CPUs, on the host: the test pretends to be each of them in turn.
 */
#ifndef ARCH_X86_64_SMP_H
#define ARCH_X86_64_SMP_H

#include "kernel/percpu.h"
#include "lib/bitops.h"
#include "lib/types.h"

static inline void smp_call_function_mask(u64 mask, void (*fn)(void *), void *arg, bool wait)
{
	unsigned int self = host_cpu;

	for (host_cpu = 0; host_cpu < nr_cpu_ids; host_cpu++)
		if (host_cpu != self && (mask & BIT(host_cpu)))
			fn(arg);
	host_cpu = self;
}

#endif
