/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Time since boot is the TSC, scaled:
 *
 *	ns = (tsc - tsc_at_boot) * mult / 2^32		mult = 10^9 * 2^32 / tsc_hz
 *
 * The product is 96 bits wide, so no precision is lost and nothing overflows for 584 years. The
 * TSCs of all CPUs are taken to run together, as firmware leaves them. Wall-clock time is time
 * since boot plus an offset, read once from the battery clock, and set by settimeofday and its
 * like.
 */
#include "kernel/timer.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/rtc.h"

static u64 tsc_at_boot;
static u64 tsc_mult; /* 0: no clock yet */
static u64 real_offset_ns;

u64 cycles_to_ns(u64 cycles)
{
	return (u64)((unsigned __int128)cycles * tsc_mult >> 32);
}

u64 ktime_get_ns(void)
{
	return cycles_to_ns(rdtsc() - tsc_at_boot);
}

u64 ktime_get_real_ns(void)
{
	return ktime_get_ns() + READ_ONCE(real_offset_ns);
}

void ktime_set_real_ns(u64 real_ns)
{
	WRITE_ONCE(real_offset_ns, real_ns - ktime_get_ns());
}

void time_init(void)
{
	tsc_at_boot = rdtsc();
	tsc_mult = (NSEC_PER_SEC << 32) / tsc_hz; /* 10^9 * 2^32 fits 62 bits */
	ktime_set_real_ns(rtc_read_seconds() * NSEC_PER_SEC);
	pr_info("clock: TSC at %llu kHz\n", tsc_hz / 1000);
}
