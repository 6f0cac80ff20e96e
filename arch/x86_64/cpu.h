/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_CPU_H
#define ARCH_X86_64_CPU_H

/* The CPU: identification, features, small instructions, per-CPU set-up. */

#include "lib/types.h"
#include "lib/compiler.h"
#include "lib/bitops.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/irq.h"
#include "kernel/percpu.h"

static inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}
static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (u64)high << 32;
}
/* rdtsc that does not run ahead of earlier loads. */
static inline u64 rdtsc_ordered(void)
{
	u32 low, high;

	asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}
/* rdtsc that later loads do not run ahead of. */
static inline u64 rdtsc_before_loads(void)
{
	u32 low, high;

	asm volatile("rdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}
/* a * b / divisor, exact as long as the result fits into 64 bits. */
static inline u64 mul_div(u64 a, u64 b, u64 divisor)
{
	u64 quotient, rest;

	asm("mulq %3\n\tdivq %4"
	    : "=&a"(quotient), "=&d"(rest)
	    : "0"(a), "r"(b), "r"(divisor)
	    : "cc");
	return quotient;
}
static inline void cpuid(u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(subleaf));
}

/*
 * What the boot CPU can do, after cpu_detect(). Features that are used only when all is prepared
 * for them are false when the CPU has them but the kernel does not use them.
 */
struct cpu_features {
	bool pge, pse1g, pcid, smep, smap, umip, fsgsbase, xsave, avx;
	bool x2apic, tsc_deadline, rdrand, rdseed, pat, mce, mca, hypervisor;
	u32 max_leaf, max_ext_leaf;
	u32 family, model, stepping;
	unsigned int phys_bits, virt_bits;
	u32 xsave_size; /* bytes of the whole FPU state */
	u64 xcr0;	/* its components */
	u32 feature_1c, feature_1d, feature_7b, feature_7c, feature_81c, feature_81d;
	char vendor[13];
	char model_name[49];
};
extern struct cpu_features cpu_features;

/* /proc/cpuinfo's "flags" line of the boot CPU, written to @buf; returns the length. */
int cpu_flags_string(char *buf, size_t size);

/* Number of this CPU. Stable only while the caller cannot migrate. */
static inline unsigned int smp_processor_id(void)
{
	return this_cpu_read(cpu_number);
}
static inline unsigned int num_online_cpus(void)
{
	return (unsigned int)hweight64(READ_ONCE(cpu_online_mask));
}
static inline bool cpu_online(unsigned int cpu)
{
	return READ_ONCE(cpu_online_mask) >> cpu & 1;
}

/* Stop this CPU for good. */
static inline __noreturn void halt(void)
{
	for (;;)
		asm volatile("cli\n\thlt" : : : "memory");
}

/* Everything below is called by the arch code itself. */

/* Boot CPU, before anything else in C: reads CPUID, patches stac and clac in. */
void cpu_detect(void);
/*
 * Every CPU, after its GDT and IDT: control registers, system-call MSRs, PAT, FPU, machine checks.
 */
void cpu_setup(void);

/*
 * The arch part of start-up that needs memory allocation: local APIC, IOAPICs, TSC and timer
 * calibration, FPU cache. Boot CPU, interrupts off, after vmalloc_init() and before time_init().
 */
void arch_init(void);

/* A feature word of CPUID as user programs see it in AT_HWCAP. */
static inline unsigned long cpu_hwcap(void)
{
	return cpu_features.feature_1d;
}

extern unsigned int cpu_apic_id[MAX_CPUS]; /* by CPU number */

#endif
