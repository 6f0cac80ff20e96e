/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU areas: who gets which copy of .data..percpu (kernel/percpu.h has the picture).
 *
 * CPU 0 keeps the linked section: its variables work before there is any memory to copy to. The
 * other copies are made once the number of CPUs is known, in one block of pages from memblock, and
 * each is corrected in the few variables that say whose copy it is.
 */
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/memblock.h"

extern char __percpu_start[], __percpu_end[];

unsigned long __per_cpu_offset[MAX_CPUS];
u64 cpu_online_mask = 1;

DEFINE_PER_CPU(unsigned long, this_cpu_off);
DEFINE_PER_CPU(unsigned int, cpu_number);
DEFINE_PER_CPU(struct task *, current_task) = &init_task;
DEFINE_PER_CPU(unsigned int, __preempt_count) = PREEMPT_COUNT_OF_BOOTING;
DEFINE_PER_CPU(unsigned int, cpu_need_resched);

static void percpu_init_copy(char *copy, unsigned int cpu)
{
	memcpy(copy, __percpu_start, (size_t)(__percpu_end - __percpu_start));
	__per_cpu_offset[cpu] = (unsigned long)copy - (unsigned long)__percpu_start;
	per_cpu(this_cpu_off, cpu) = __per_cpu_offset[cpu];
	per_cpu(cpu_number, cpu) = cpu;
	per_cpu(__preempt_count, cpu) = PREEMPT_COUNT_OF_BOOTING;
	per_cpu(current_task, cpu) = NULL; /* its idle task, once there is one */
}

void percpu_alloc_areas(void)
{
	size_t size = ALIGN((size_t)(__percpu_end - __percpu_start), PAGE_SIZE);
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++)
		percpu_init_copy(memblock_alloc(size, PAGE_SIZE), cpu);
}
