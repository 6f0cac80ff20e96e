/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables.
 *
 * DEFINE_PER_CPU() puts a variable into the section .data..percpu. CPU 0 uses that section as it
 * was linked, from the first instruction on: its GS base is 0. Every other CPU owns a copy of the
 * section, and its GS base is the distance from the section to the copy. So "%gs:variable" is
 * always this CPU's instance, in one instruction that an interrupt or a migration cannot tear:
 *
 *	            .data..percpu (CPU 0)             copy for CPU 1
 *	            |  x  |  y  |                     |  x' |  y' |
 *	            ^ &x                              ^ &x + this_cpu_off
 *	            |<------------- __per_cpu_offset[1] ------------->|
 *
 * this_cpu_read/write/add/inc are safe at any time. A pointer from this_cpu_ptr() is this CPU's
 * only as long as the caller cannot be moved: with preemption or interrupts disabled.
 */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/layout.h"

struct task;

#define DECLARE_PER_CPU(type, name) extern __section(".data..percpu") __typeof__(type) name
#define DEFINE_PER_CPU(type, name)  __section(".data..percpu") __typeof__(type) name

/* Distance from the linked section to CPU n's copy; 0 for CPU 0. */
extern unsigned long __per_cpu_offset[MAX_CPUS];

DECLARE_PER_CPU(unsigned long, this_cpu_off);
DECLARE_PER_CPU(unsigned int, cpu_number);
DECLARE_PER_CPU(struct task *, current_task);

#define this_cpu_read(var)                                                \
	({                                                                \
		__typeof__(var) __pcv;                                    \
		asm volatile("mov %%gs:%1, %0" : "=r"(__pcv) : "m"(var)); \
		__pcv;                                                    \
	})

/* As this_cpu_read(), for a value that is the same wherever the task runs: may be cached. */
#define this_cpu_read_stable(var)                                    \
	({                                                           \
		__typeof__(var) __pcv;                               \
		asm("mov %%gs:%c1, %0" : "=r"(__pcv) : "i"(&(var))); \
		__pcv;                                               \
	})

/* One instruction on the variable in memory, with the suffix for its size. */
#define __this_cpu_op(op, var, val)                                                        \
	do {                                                                               \
		unsigned long __pcv = (unsigned long)(val);                                \
		switch (sizeof(var)) {                                                     \
		case 1:                                                                    \
			asm volatile(op "b %1, %%gs:%0"                                    \
				     : "+m"(var)                                           \
				     : "qi"((u8)(__pcv & 0xff))                            \
				     : "cc");                                              \
			break;                                                             \
		case 2:                                                                    \
			asm volatile(op "w %1, %%gs:%0"                                    \
				     : "+m"(var)                                           \
				     : "ri"((u16)(__pcv & 0xffff))                         \
				     : "cc");                                              \
			break;                                                             \
		case 4:                                                                    \
			asm volatile(op "l %1, %%gs:%0"                                    \
				     : "+m"(var)                                           \
				     : "ri"((u32)(__pcv & U32_MAX))                        \
				     : "cc");                                              \
			break;                                                             \
		default:                                                                   \
			asm volatile(op "q %1, %%gs:%0" : "+m"(var) : "re"(__pcv) : "cc"); \
		}                                                                          \
	} while (0)

#define this_cpu_write(var, val)                  \
	do {                                      \
		__typeof__(var) __pcw = (val);    \
		__this_cpu_op("mov", var, __pcw); \
	} while (0)
#define this_cpu_add(var, val) __this_cpu_op("add", var, val)
#define this_cpu_sub(var, val) __this_cpu_op("sub", var, val)
#define this_cpu_and(var, val) __this_cpu_op("and", var, val)
#define this_cpu_or(var, val)  __this_cpu_op("or", var, val)
#define this_cpu_inc(var)      this_cpu_add(var, 1)
#define this_cpu_dec(var)      this_cpu_sub(var, 1)

#define per_cpu_ptr(ptr, cpu) ((__typeof__(ptr))((unsigned long)(ptr) + __per_cpu_offset[cpu]))
#define per_cpu(var, cpu)     (*per_cpu_ptr(&(var), cpu))

#define this_cpu_ptr(ptr) ((__typeof__(ptr))((unsigned long)(ptr) + this_cpu_read(this_cpu_off)))

/* The running task. */
#define current this_cpu_read_stable(current_task)

/*
 * CPUs that may ever run (from the firmware's tables, at most MAX_CPUS); set before
 * percpu_alloc_areas().
 */
extern unsigned int nr_cpu_ids;
/* CPUs that run now. */
extern u64 cpu_online_mask;

/*
 * next_cpu() - the first CPU >= @cpu in @mask, MAX_CPUS when there is none.
 */
static inline unsigned int next_cpu(u64 mask, unsigned int cpu)
{
	if (cpu >= MAX_CPUS || !(mask >> cpu))
		return MAX_CPUS;
	return cpu + (unsigned int)__builtin_ctzll(mask >> cpu);
}

#define for_each_cpu_in_mask(cpu, mask) \
	for ((cpu) = next_cpu(mask, 0); (cpu) < MAX_CPUS; (cpu) = next_cpu(mask, (cpu) + 1))
#define for_each_online_cpu(cpu)   for_each_cpu_in_mask(cpu, READ_ONCE(cpu_online_mask))
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)

/*
 * percpu_alloc_areas() - give every possible CPU but the first its copy of the per-CPU section.
 *
 * Once, at boot, on CPU 0, with interrupts off; memory comes from memblock. The copies start from
 * what CPU 0's variables hold at that moment, so it runs before anything counts or queues per CPU.
 */
void percpu_alloc_areas(void);

#endif /* KERNEL_PERCPU_H */
