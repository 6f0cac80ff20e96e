/* SPDX-License-Identifier: MIT */
/*
 * Time: how fast is the TSC, and the one-shot timer of each CPU.
 *
 * The TSC counts at a fixed rate that nobody tells reliably. In order of trust:
 *
 *   CPUID leaf 15h       crystal and ratio, on CPUs that fill it in
 *   CPUID 40000010h      what a hypervisor says
 *   HPET                 its period is in a register
 *   ACPI PM timer        3.579545 MHz
 *   PIT channel 2        1.193182 MHz, on machines that still have one
 *
 * The last three are counters to compare with over CALIBRATION_NS. A read of the reference takes a
 * while, during which anything may happen (an SMI, the host runs another program), so each end of
 * the interval is the best of several attempts: reference read between two TSC reads, the pair
 * closest together wins. All waits are bounded by a number of reads: on a machine without the
 * device the port reads as ones for ever.
 *
 * The APIC timer counts down to an interrupt. With TSC-deadline it compares with the TSC itself;
 * else its own rate is measured against the TSC.
 */

#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kmap.h"
#include "kernel/printk.h"

#define NSEC_PER_SEC	    1000000000UL
#define CALIBRATION_NS	    4000000UL
#define APIC_CALIBRATION_NS 1000000UL
#define READ_ATTEMPTS	    5
#define MAX_READS	    2000000UL
#define TSC_GUESS_HZ \
	3000000000UL /* before calibration: no CPU is much faster, so waits are long enough */

#define HPET_CAPABILITIES  0x000
#define HPET_CONFIG	   0x010
#define HPET_COUNTER	   0x0f0
#define HPET_MAX_PERIOD_FS 100000000U
#define HPET_MIN_PERIOD_FS 100000U

#define PM_TIMER_HZ   3579545UL
#define PM_TIMER_MASK 0xffffffUL

#define PIT_HZ	      1193182UL
#define PIT_CHANNEL2  0x42
#define PIT_COMMAND   0x43
#define PIT_GATE_PORT 0x61

#define MAX_TIMER_NS 2000000000UL

u64 tsc_hz;
static u64 ns_to_tsc;  /* ticks per ns, times 2^32 */
static u64 ns_to_apic; /* the same for the APIC timer; 0: TSC-deadline */

static inline u64 mul_shift32(u64 a, u64 b)
{
	return (u64)(((unsigned __int128)a * b) >> 32);
}

static u64 scale_for(u64 hz)
{
	return mul_div(hz, 1UL << 32, NSEC_PER_SEC);
}

/* A counter to measure with. */
struct reference {
	const char *name;
	u64 (*read)(void);
	u64 mask;
	u64 hz;
};

static void __iomem *hpet;

static u64 hpet_read(void)
{
	return readl((char __iomem *)hpet + HPET_COUNTER);
}

static u64 pm_timer_read(void)
{
	return inl((u16)acpi_info.pm_timer);
}

/* Counts down; the latch command freezes the value for the two reads. */
static u64 pit_read(void)
{
	u8 low;

	outb(0x80, PIT_COMMAND);
	low = inb(PIT_CHANNEL2);
	return 0xffff - (low | (u64)inb(PIT_CHANNEL2) << 8);
}

/* One point in time on both clocks. */
static u64 read_pair(const struct reference *ref, u64 *tsc)
{
	u64 best = ~0UL, value = 0;
	unsigned int i;

	for (i = 0; i < READ_ATTEMPTS; i++) {
		u64 before = rdtsc_ordered();
		u64 now = ref->read();
		u64 after = rdtsc_ordered();

		if (after - before < best) {
			best = after - before;
			*tsc = before + best / 2;
			value = now;
		}
	}
	return value;
}

/* TSC ticks per second by @ref, 0 if it does not count as it should. */
static u64 measure(const struct reference *ref)
{
	u64 target = ref->hz * CALIBRATION_NS / NSEC_PER_SEC;
	u64 tsc_start, tsc_end, start, elapsed = 0;
	unsigned long reads;

	start = read_pair(ref, &tsc_start);
	for (reads = 0; elapsed < target; reads++) {
		if (reads == MAX_READS)
			return 0;
		cpu_relax();
		elapsed = (ref->read() - start) & ref->mask;
	}
	elapsed = (read_pair(ref, &tsc_end) - start) & ref->mask;
	return mul_div(tsc_end - tsc_start, ref->hz, elapsed);
}

static u64 tsc_from_cpuid(void)
{
	u32 a, b, c, d;

	if (cpu_features.max_leaf >= 0x15) {
		cpuid(0x15, 0, &a, &b, &c, &d);
		if (a && b && c)
			return (u64)c * b / a;
	}
	if (cpu_features.hypervisor) {
		cpuid(0x40000000, 0, &a, &b, &c, &d);
		if (a >= 0x40000010 && a < 0x40010000) {
			cpuid(0x40000010, 0, &a, &b, &c, &d);
			return (u64)a * 1000;
		}
	}
	return 0;
}

static u64 tsc_from_hpet(void)
{
	struct reference ref = {"HPET", hpet_read, 0xffffffffUL, 0};
	u32 period;
	u64 hz = 0;

	if (!acpi_info.hpet_address)
		return 0;
	hpet = ioremap(acpi_info.hpet_address, PAGE_SIZE);
	if (!hpet)
		return 0;
	period = readl((char __iomem *)hpet + HPET_CAPABILITIES + 4);
	if (period >= HPET_MIN_PERIOD_FS && period <= HPET_MAX_PERIOD_FS) {
		ref.hz = 1000000000000000UL / period;
		writel(readl((char __iomem *)hpet + HPET_CONFIG) | 1,
		       (char __iomem *)hpet + HPET_CONFIG);
		hz = measure(&ref);
	}
	iounmap(hpet);
	return hz;
}

static u64 tsc_from_pm_timer(void)
{
	struct reference ref = {"PM timer", pm_timer_read, PM_TIMER_MASK, PM_TIMER_HZ};

	return acpi_info.pm_timer ? measure(&ref) : 0;
}

static u64 tsc_from_pit(void)
{
	struct reference ref = {"PIT", pit_read, 0xffff, PIT_HZ};
	u8 gate = inb(PIT_GATE_PORT);
	u64 hz;

	outb((gate & ~2) | 1, PIT_GATE_PORT); /* gate on, speaker off */
	outb(0xb4, PIT_COMMAND);	      /* channel 2, both bytes, rate generator, binary */
	outb(0xff, PIT_CHANNEL2);
	outb(0xff, PIT_CHANNEL2);
	hz = measure(&ref);
	outb(gate, PIT_GATE_PORT);
	return hz;
}

void tsc_init(void)
{
	static const struct {
		const char *name;
		u64 (*hz)(void);
	} sources[] = {
		{"CPUID", tsc_from_cpuid},
		{"HPET", tsc_from_hpet},
		{"ACPI PM timer", tsc_from_pm_timer},
		{"PIT", tsc_from_pit},
	};
	const char *name = "guess";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sources) && !tsc_hz; i++) {
		tsc_hz = sources[i].hz();
		name = sources[i].name;
	}
	if (!tsc_hz) {
		pr_warn("TSC: nothing to measure it with; assuming %lu MHz\n",
			TSC_GUESS_HZ / 1000000);
		tsc_hz = TSC_GUESS_HZ;
		name = "guess";
	}
	ns_to_tsc = scale_for(tsc_hz);
	pr_debug("TSC: %llu Hz by %s\n", (unsigned long long)tsc_hz, name);
}

void udelay(unsigned int us)
{
	u64 start = rdtsc();
	u64 ticks = (u64)us * (tsc_hz ? tsc_hz : TSC_GUESS_HZ) / 1000000;

	while (rdtsc() - start < ticks)
		cpu_relax();
}

void arch_timer_init(void)
{
	u64 tsc_start, apic_ticks, hz;

	if (cpu_features.tsc_deadline) {
		pr_debug("timer: TSC deadline\n");
		return;
	}
	lapic_timer_oneshot(0xffffffff, true);
	tsc_start = rdtsc_ordered();
	udelay(APIC_CALIBRATION_NS / 1000);
	apic_ticks = 0xffffffff - lapic_timer_current();
	hz = mul_div(apic_ticks, tsc_hz, rdtsc_ordered() - tsc_start);
	lapic_timer_oneshot(0, true);
	ns_to_apic = max(scale_for(hz), (u64)1);
	pr_debug("timer: APIC timer at %llu kHz\n", (unsigned long long)hz / 1000);
}

void arch_timer_cpu_setup(void)
{
	if (ns_to_apic)
		lapic_timer_unmask();
	else
		lapic_timer_deadline_mode();
}

void arch_timer_program(u64 ns_delta)
{
	u64 count;

	if (ns_delta > MAX_TIMER_NS)
		ns_delta = MAX_TIMER_NS;
	if (ns_to_apic) {
		count = mul_shift32(ns_delta, ns_to_apic);
		lapic_timer_oneshot((u32)clamp_t(u64, count, 1, 0xffffffff), false);
	} else {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + mul_shift32(ns_delta, ns_to_tsc));
	}
}

void arch_timer_stop(void)
{
	if (ns_to_apic)
		lapic_timer_oneshot(0, false);
	else
		wrmsr(MSR_TSC_DEADLINE, 0);
}
