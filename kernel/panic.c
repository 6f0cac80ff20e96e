/* SPDX-License-Identifier: MIT */
/*
 * Panic: the kernel's last words.
 *
 * The first CPU that panics has the word. It stops the others with an NMI (each prints its own
 * backtrace on the way), then the machine ends: under a test (panic=-1 or test=) through QEMU's
 * debug-exit device with code 127, with panic=SECONDS by a restart, else it stays halted so that
 * the screen can be read.
 *
 * A second CPU that panics meanwhile waits to be stopped. A panic inside a panic says so and ends
 * at once.
 */
#include "kernel/panic.h"
#include "kernel/cmdline.h"
#include "kernel/lockdep.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/printf.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/smp.h"
#include "mm/changes.h"

#define PANIC_EXIT_CODE 0x3f /* QEMU ends with 127 */

static int panicking_cpu = -1;
int panic_timeout; /* seconds to restart; -1: end the emulator; 0: halt */
static bool under_test;
static unsigned int warnings;

static int set_panic(const char *value)
{
	unsigned long seconds;
	bool negative = *value == '-';

	if (kstrtoul(value + negative, 10, &seconds) || seconds > 86400)
		return -EINVAL;
	panic_timeout = negative ? -1 : (int)seconds;
	return 0;
}
CMDLINE_PARAM("panic", set_panic);

static int note_test(const char *value)
{
	under_test = *value != '\0';
	return 0;
}
CMDLINE_PARAM("test", note_test);

bool panic_in_progress(void)
{
	return READ_ONCE(panicking_cpu) >= 0;
}

static void __noreturn end_machine(void)
{
	if (panic_timeout < 0 || under_test)
		qemu_exit(PANIC_EXIT_CODE);
	if (panic_timeout > 0) {
		long i;

		pr_emerg("restart in %d seconds\n", panic_timeout);
		for (i = 0; i < panic_timeout * 1000L; i++)
			udelay(1000);
		machine_restart();
	}
	pr_emerg("halted\n");
	halt();
}

/* One CPU goes on; the others never return. False: this CPU was panicking already. */
static bool claim_panic(void)
{
	int expected = -1, cpu = (int)smp_processor_id();

	if (__atomic_compare_exchange_n(&panicking_cpu, &expected, cpu, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		return true;
	if (expected == cpu)
		return false;
	for (;;)
		cpu_relax();
}

/* The registers at the call of panic(), as far as the compiler has not used them since. */
static __always_inline void capture_regs(struct pt_regs *regs)
{
	asm volatile("mov %%r15, 0(%0)\n\t"
		     "mov %%r14, 8(%0)\n\t"
		     "mov %%r13, 16(%0)\n\t"
		     "mov %%r12, 24(%0)\n\t"
		     "mov %%rbx, 40(%0)\n\t"
		     "mov %%r11, 48(%0)\n\t"
		     "mov %%r10, 56(%0)\n\t"
		     "mov %%r9, 64(%0)\n\t"
		     "mov %%r8, 72(%0)\n\t"
		     "mov %%rcx, 88(%0)\n\t"
		     "mov %%rdx, 96(%0)\n\t"
		     "mov %%rsi, 104(%0)\n\t"
		     "mov %%rdi, 112(%0)\n\t"
		     "mov %%rsp, 152(%0)\n\t"
		     "pushfq\n\t"
		     "popq 144(%0)"
		     :
		     : "a"(regs)
		     : "memory");
	regs->ax = 0;
	regs->orig_ax = 0;
	regs->ip = (unsigned long)__builtin_return_address(0);
	regs->bp = *(unsigned long *)__builtin_frame_address(0); /* the caller's */
	regs->cs = KERNEL_CS;
	regs->ss = KERNEL_DS;
}

static void __noreturn do_panic(const struct pt_regs *regs, bool report, const char *fmt,
				va_list args)
{
	char text[512];

	local_irq_disable();
	vscnprintf(text, sizeof(text), fmt, args);
	if (!claim_panic()) {
		pr_emerg("panic during panic: %s\n", text);
		end_machine();
	}
	system_state = SYSTEM_PANIC;
	console_panic_mode();
	if (console_loglevel <= LOGLEVEL_DEFAULT)
		console_loglevel = LOGLEVEL_DEFAULT + 1;
	pr_emerg("Kernel panic: %s\n", text);
	if (report) {
		pr_emerg("CPU %u, task %s/%d, preempt count %x\n", smp_processor_id(),
			 current->comm, current->pid, preempt_count());
		if (regs)
			show_regs(regs);
		dump_backtrace(regs);
		lockdep_dump_held(current);
		changes_dump_last();
		panic_stop_other_cpus();
		sched_dump();
		pr_emerg("end of panic: %s\n", text);
	}
	end_machine();
}

void panic(const char *fmt, ...)
{
	struct pt_regs regs;
	va_list args;

	capture_regs(&regs);
	va_start(args, fmt);
	do_panic(&regs, true, fmt, args);
}

void panic_regs(struct pt_regs *regs, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	do_panic(regs, true, fmt, args);
}

void panic_user(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	do_panic(NULL, false, fmt, args);
}

void dump_stack(void)
{
	dump_backtrace(NULL);
}

void __bug(const struct bug_site *site)
{
	panic("BUG: %s, at %s:%d in %s()", site->what, site->file, site->line, site->func);
}

bool __warn(const struct bug_site *site)
{
	__atomic_add_fetch(&warnings, 1, __ATOMIC_RELAXED);
	pr_warn("WARNING: %s, at %s:%d in %s(), CPU %u, task %s/%d\n", site->what, site->file,
		site->line, site->func, smp_processor_id(), current->comm, current->pid);
	dump_stack();
	return true;
}

unsigned int warn_count(void)
{
	return READ_ONCE(warnings);
}
