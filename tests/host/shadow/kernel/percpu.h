/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables on the host. CPU 0 uses the section itself, the others copies of it, as in the
 * kernel. host_cpu says which CPU the test pretends to be.
 */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include "arch/x86_64/layout.h"
#include "lib/compiler.h"

#define HOST_CPUS 4

#define DECLARE_PER_CPU(type, name) extern __section("percpu") __typeof__(type) name
#define DEFINE_PER_CPU(type, name)  __section("percpu") __typeof__(type) name

extern unsigned long __per_cpu_offset[HOST_CPUS];
extern unsigned int host_cpu;
extern unsigned int nr_cpu_ids;
extern u64 cpu_online_mask;

#define per_cpu_ptr(ptr, cpu)	 ((__typeof__(ptr))((unsigned long)(ptr) + __per_cpu_offset[cpu]))
#define per_cpu(var, cpu)	 (*per_cpu_ptr(&(var), cpu))
#define this_cpu_ptr(ptr)	 per_cpu_ptr(ptr, host_cpu)
#define this_cpu_read(var)	 (*this_cpu_ptr(&(var)))
#define this_cpu_write(var, val) ((void)(*this_cpu_ptr(&(var)) = (val)))
#define this_cpu_add(var, val)	 ((void)(*this_cpu_ptr(&(var)) += (val)))
#define this_cpu_sub(var, val)	 ((void)(*this_cpu_ptr(&(var)) -= (val)))
#define this_cpu_inc(var)	 this_cpu_add(var, 1)
#define this_cpu_dec(var)	 this_cpu_sub(var, 1)

#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)
#define for_each_online_cpu(cpu)   for_each_possible_cpu (cpu)

#endif
