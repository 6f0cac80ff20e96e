/* SPDX-License-Identifier: MIT */
/*
 * Further CPUs: starting them, calling functions on them, stopping them.
 *
 * Start. A CPU that is not the boot CPU waits for an INIT message and then one with the number of
 * the page where it is to begin, in real mode. That page holds a copy of boot/trampoline.asm. One
 * CPU is started after the other:
 *
 *	boot CPU                                       new CPU
 *	parameters: stack, per-CPU area, number
 *	INIT (to all, once), STARTUP  -------------->  trampoline, ap_start()
 *	wait for `called_in`  <----------------------  sets its bit
 *	set its bit in `go`   ---------------------->  secondary_main(): online, idle
 *	wait for cpu_online_mask
 *
 * Without `go` a CPU that woke up too late would run on the stack of the next one.
 *
 * Calls. Each CPU has one request that it may have running on any number of others at a time, and
 * one word of who wants it to run something:
 *
 *	caller c, for each target t:  requests[c].pending |= t;  callers[t] |= c;  interrupt t
 *	target t, for each c in xchg(callers[t], 0):  run requests[c];  requests[c].pending &= ~t
 *
 * so no memory is allocated and nothing can fail. A caller waits until `pending` is empty. While it
 * waits with interrupts off (start-up and panic only) it serves calls to itself, so that two
 * callers cannot block each other.
 *
 * Stop. A panicking CPU sends NMIs, which arrive whatever the others do. They note their registers
 * and halt; the panicking CPU prints for all.
 */

#include "arch/x86_64/smp.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/string.h"
#include "mm/memblock.h"
#include "mm/page.h"

#define LOW_MEMORY_END	0x9f000UL
#define INIT_DELAY_US	10000
#define STARTUP_WAIT_US 200
#define CALL_IN_WAIT_US 500000
#define ONLINE_WAIT_US	2000000
#define STOP_WAIT_US	50000
#define IST_ORDER	3

/* At ap_trampoline_params. */
struct trampoline_params {
	u64 cr3, stack, gs_base, entry, cpu;
};

struct call_request {
	void (*fn)(void *);
	void *arg;
	bool wait;
	u64 pending; /* CPUs that have not run it yet */
};

extern const char ap_trampoline[], ap_trampoline_end[], ap_trampoline_params[];
void ap_start(unsigned int cpu);

static void *trampoline;
static void *ap_ist_stacks;
static u64 called_in, go;

static DEFINE_PER_CPU(struct call_request, call_request) __cacheline_aligned;
static DEFINE_PER_CPU(u64, callers);

static bool stopping;
static u64 stopped;
static const struct pt_regs *stopped_regs[MAX_CPUS];

static int set_maxcpus(const char *value)
{
	unsigned long n;

	if (kstrtoul(value, 0, &n) || n == 0)
		return -EINVAL;
	nr_cpu_ids = min_t(unsigned long, nr_cpu_ids, n);
	return 0;
}
CMDLINE_PARAM("maxcpus", set_maxcpus);

void smp_reserve_trampoline(void)
{
	trampoline = memblock_alloc_low(PAGE_SIZE, PAGE_SIZE, LOW_MEMORY_END);
}

/* ---- start ---- */

/* First C code of a further CPU, on its idle task's stack, with the boot page table. */
void ap_start(unsigned int cpu)
{
	load_kernel_pgd();
	idt_load();
	gdt_load(ap_ist_stacks);
	set_kernel_stack((unsigned long)current->stack + THREAD_SIZE);
	cpu_setup();
	lapic_cpu_setup();
	arch_timer_cpu_setup();
	__atomic_fetch_or(&called_in, BIT(cpu), __ATOMIC_SEQ_CST);
	while (!(READ_ONCE(go) >> cpu & 1))
		cpu_relax();
	secondary_main(cpu);
}

static bool wait_for_bit(const u64 *mask, unsigned int cpu, unsigned int us)
{
	u64 end = rdtsc() + (u64)us * (tsc_hz / 1000000);

	while (!(READ_ONCE(*mask) >> cpu & 1)) {
		if (rdtsc() > end)
			return false;
		cpu_relax();
	}
	return true;
}

/*
 * The boot table has the identity mapping that the trampoline runs in; give it the kernel's upper
 * half of now, so that the new CPU finds its stack and per-CPU area.
 */
static u64 trampoline_cr3(void)
{
	memcpy(boot_pml4 + PTRS_PER_TABLE / 2, swapper_pg_dir + PTRS_PER_TABLE / 2, PAGE_SIZE / 2);
	return __pa(boot_pml4);
}

static bool start_cpu(unsigned int cpu)
{
	u32 apic_id = cpu_apic_id[cpu];
	struct trampoline_params *params =
		(void *)((char *)trampoline + (ap_trampoline_params - ap_trampoline));

	ap_ist_stacks = (void *)__get_free_pages(GFP_KERNEL, IST_ORDER);
	if (!ap_ist_stacks)
		return false;
	*params = (struct trampoline_params){
		.cr3 = trampoline_cr3(),
		.stack = (u64)idle_task(cpu)->stack + THREAD_SIZE,
		.gs_base = __per_cpu_offset[cpu],
		.entry = (u64)ap_start,
		.cpu = cpu,
	};
	lapic_send_startup(apic_id, __pa(trampoline));
	if (!wait_for_bit(&called_in, cpu, STARTUP_WAIT_US))
		lapic_send_startup(apic_id, __pa(trampoline));
	if (!wait_for_bit(&called_in, cpu, CALL_IN_WAIT_US))
		return false;
	__atomic_fetch_or(&go, BIT(cpu), __ATOMIC_SEQ_CST);
	return wait_for_bit(&cpu_online_mask, cpu, ONLINE_WAIT_US);
}

void smp_start_all(void)
{
	unsigned int cpu;

	BUILD_BUG_ON(NR_IST * IST_STACK_SIZE != PAGE_SIZE << IST_ORDER);
	if (nr_cpu_ids == 1)
		return;
	if (!trampoline) {
		pr_warn("SMP: no free page below 640 KiB to start CPUs from; going on with one\n");
		return;
	}
	memcpy(trampoline, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	for (cpu = 1; cpu < nr_cpu_ids; cpu++)
		lapic_send_init(cpu_apic_id[cpu]);
	udelay(INIT_DELAY_US);
	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		if (!start_cpu(cpu)) {
			pr_warn("SMP: CPU %u (APIC id %u) does not start\n", cpu, cpu_apic_id[cpu]);
			lapic_send_init(cpu_apic_id[cpu]);
		}
	}
	pr_info("SMP: %u CPUs online\n", num_online_cpus());
}

/* ---- messages ---- */

void send_reschedule_ipi(unsigned int cpu)
{
	lapic_send_ipi(cpu_apic_id[cpu], RESCHEDULE_VECTOR);
}

void send_timer_ipi(unsigned int cpu)
{
	lapic_send_ipi(cpu_apic_id[cpu], TIMER_VECTOR);
}

void smp_call_function_interrupt(void)
{
	u64 mine = BIT(smp_processor_id());
	u64 who = __atomic_exchange_n(this_cpu_ptr(&callers), 0, __ATOMIC_SEQ_CST);
	unsigned int caller;

	for_each_cpu_in_mask(caller, who)
	{
		struct call_request *request = per_cpu_ptr(&call_request, caller);
		void (*fn)(void *) = request->fn;
		void *arg = request->arg;

		if (request->wait) {
			fn(arg);
			__atomic_fetch_and(&request->pending, ~mine, __ATOMIC_SEQ_CST);
		} else {
			__atomic_fetch_and(&request->pending, ~mine, __ATOMIC_SEQ_CST);
			fn(arg);
		}
	}
}

void smp_call_function_mask(u64 mask, void (*fn)(void *), void *arg, bool wait)
{
	struct call_request *request;
	unsigned int cpu;
	u64 mine;

	preempt_disable();
	mine = BIT(smp_processor_id());
	mask &= READ_ONCE(cpu_online_mask) & ~mine;
	request = this_cpu_ptr(&call_request);
	request->fn = fn;
	request->arg = arg;
	request->wait = wait;
	__atomic_store_n(&request->pending, mask, __ATOMIC_SEQ_CST);
	for_each_cpu_in_mask(cpu, mask)
	{
		/* A CPU that already has calls waiting has an interrupt on its way. */
		if (!__atomic_fetch_or(per_cpu_ptr(&callers, cpu), mine, __ATOMIC_SEQ_CST))
			lapic_send_ipi(cpu_apic_id[cpu], CALL_FUNCTION_VECTOR);
	}
	while (smp_load_acquire(&request->pending) && !READ_ONCE(stopping)) {
		if (irqs_disabled())
			smp_call_function_interrupt();
		cpu_relax();
	}
	preempt_enable();
}

/* ---- stop ---- */

void smp_handle_nmi_stop(const void *regs)
{
	unsigned int cpu = smp_processor_id();

	if (!READ_ONCE(stopping))
		return;
	stopped_regs[cpu] = regs;
	__atomic_fetch_or(&stopped, BIT(cpu), __ATOMIC_SEQ_CST);
	halt();
}

void panic_stop_other_cpus(void)
{
	u64 others = READ_ONCE(cpu_online_mask) & ~BIT(smp_processor_id());
	u64 end;
	unsigned int cpu;

	if (__atomic_exchange_n(&stopping, true, __ATOMIC_SEQ_CST))
		halt();
	for_each_cpu_in_mask(cpu, others) lapic_send_nmi(cpu_apic_id[cpu]);
	end = rdtsc() + STOP_WAIT_US * (tsc_hz / 1000000);
	while ((READ_ONCE(stopped) & others) != others && rdtsc() < end)
		cpu_relax();
	for_each_cpu_in_mask(cpu, others)
	{
		if (READ_ONCE(stopped) >> cpu & 1) {
			pr_emerg("CPU %u was at:\n", cpu);
			dump_backtrace(stopped_regs[cpu]);
		} else {
			pr_emerg("CPU %u does not answer\n", cpu);
		}
	}
}
