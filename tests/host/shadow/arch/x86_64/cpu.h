/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_CPU_H
#define ARCH_X86_64_CPU_H

#include "kernel/percpu.h"
#include "tests/host/point.h"

static inline unsigned int smp_processor_id(void)
{
	return host_cpu;
}

static inline void cpu_relax(void)
{
	host_spin();
}

static inline unsigned int num_online_cpus(void)
{
	return nr_cpu_ids;
}

#endif
