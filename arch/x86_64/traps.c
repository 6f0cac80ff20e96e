/* SPDX-License-Identifier: MIT */
/*
 * CPU exceptions other than page faults.
 *
 * In user mode an exception is the program's own doing and becomes a signal. In kernel mode it is
 * either expected, and the exception table says where to go on, or a bug, and the machine stops
 * with a report.
 *
 *   double fault   nearly always a kernel stack that ran into its guard page
 *   NMI            another CPU panics and wants this one to stop, or somebody pressed a button
 *   debug          single-stepping by a program that set its own trap flag
 */

#include "arch/x86_64/traps.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/smp.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "mm/vmalloc.h"

static const struct {
	const char *name;
	u8 signal;
	int code;
} exceptions[32] = {
	[X86_TRAP_DE] = {"divide error", SIGFPE, FPE_INTDIV},
	[X86_TRAP_DB] = {"debug exception", SIGTRAP, TRAP_TRACE},
	[X86_TRAP_NMI] = {"NMI", 0, 0},
	[X86_TRAP_BP] = {"breakpoint", SIGTRAP, SI_KERNEL},
	[X86_TRAP_OF] = {"overflow", SIGSEGV, SI_KERNEL},
	[X86_TRAP_BR] = {"bound range exceeded", SIGSEGV, SI_KERNEL},
	[X86_TRAP_UD] = {"invalid opcode", SIGILL, ILL_ILLOPN},
	[X86_TRAP_NM] = {"device not available", SIGFPE, SI_KERNEL},
	[X86_TRAP_DF] = {"double fault", 0, 0},
	[X86_TRAP_TS] = {"invalid TSS", SIGSEGV, SI_KERNEL},
	[X86_TRAP_NP] = {"segment not present", SIGBUS, SI_KERNEL},
	[X86_TRAP_SS] = {"stack segment fault", SIGBUS, SI_KERNEL},
	[X86_TRAP_GP] = {"general protection fault", SIGSEGV, SI_KERNEL},
	[X86_TRAP_MF] = {"x87 floating-point error", SIGFPE, 0},
	[X86_TRAP_AC] = {"alignment check", SIGBUS, BUS_ADRALN},
	[X86_TRAP_MC] = {"machine check", 0, 0},
	[X86_TRAP_XF] = {"SIMD floating-point error", SIGFPE, 0},
};

static const char *exception_name(unsigned long vector)
{
	if (vector < ARRAY_SIZE(exceptions) && exceptions[vector].name)
		return exceptions[vector].name;
	return "unknown exception";
}

/*
 * Which floating-point error: @status has the x87 and SSE exception bits that are raised and not
 * masked.
 */
static int fpe_code(unsigned int status)
{
	if (status & 0x01)
		return FPE_FLTINV;
	if (status & 0x04)
		return FPE_FLTDIV;
	if (status & 0x08)
		return FPE_FLTOVF;
	if (status & 0x12)
		return FPE_FLTUND;
	return FPE_FLTRES;
}

static int floating_point_code(unsigned long vector)
{
	u16 control, status;
	u32 mxcsr;

	if (vector == X86_TRAP_MF) {
		asm volatile("fnstcw %0\n\tfnstsw %1" : "=m"(control), "=m"(status));
		return fpe_code(status & ~control & 0x3f);
	}
	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	return fpe_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

/* Only these signals carry the address of the instruction. */
static unsigned long signal_address(const struct pt_regs *regs, int sig, int code)
{
	return code == SI_KERNEL || sig == SIGBUS ? 0 : regs->ip;
}

static void user_exception(struct pt_regs *regs, unsigned long error_code, unsigned long vector)
{
	int sig = vector < ARRAY_SIZE(exceptions) ? exceptions[vector].signal : 0;
	int code = sig ? exceptions[vector].code : 0;

	if (!sig) {
		sig = SIGSEGV;
		code = SI_KERNEL;
	}
	if (vector == X86_TRAP_MF || vector == X86_TRAP_XF)
		code = floating_point_code(vector);
	current->thread.trap_nr = vector;
	current->thread.error_code = error_code;
	local_irq_enable();
	force_sig_fault(sig, code, signal_address(regs, sig, code));
	local_irq_disable();
}

void handle_exception(struct pt_regs *regs, unsigned long error_code, unsigned long vector)
{
	if (user_mode(regs)) {
		user_exception(regs, error_code, vector);
		return;
	}
	if (fixup_exception(regs))
		return;
	panic_regs(regs, "%s in the kernel (vector %lu, error code %lx)", exception_name(vector),
		   vector, error_code);
}

static void handle_nmi(struct pt_regs *regs)
{
	nmi_enter();
	smp_handle_nmi_stop(regs);
	pr_warn("CPU %u: unexpected NMI, ignored\n", smp_processor_id());
	nmi_exit();
}

void handle_paranoid_exception(struct pt_regs *regs, unsigned long error_code, unsigned long vector)
{
	switch (vector) {
	case X86_TRAP_NMI:
		handle_nmi(regs);
		return;
	case X86_TRAP_MC:
		do_machine_check(regs);
		return;
	case X86_TRAP_DB:
		/*
		 * A trap flag that slipped into the kernel, or a stray debug register: clear it, go
		 * on.
		 */
		regs->flags &= ~X86_EFLAGS_TF;
		asm volatile("mov %0, %%dr7\n\tmov %1, %%dr6" : : "r"(0x400UL), "r"(0xffff0ff0UL));
		return;
	}
	if (kstack_is_guard(read_cr2()))
		panic_regs(regs, "kernel stack overflow: address %lx is in the guard page",
			   read_cr2());
	panic_regs(regs, "double fault in the kernel (stack pointer %lx)", regs->sp);
}

void handle_bad_user_ip(struct pt_regs *regs)
{
	current->thread.trap_nr = X86_TRAP_GP;
	current->thread.error_code = 0;
	regs->orig_ax = -1UL;
	local_irq_enable();
	force_sig_fault(SIGSEGV, SI_KERNEL, 0);
	local_irq_disable();
}
