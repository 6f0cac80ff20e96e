/* SPDX-License-Identifier: MIT */
/*
 * Page faults, as the CPU reports them.
 *
 *   address  mode     what it means
 *   user     user     the everyday case: handle_user_fault(), then perhaps a signal
 *   user     kernel   a user copy (an instruction in the exception table): the same, but what would
 *                     be a signal is an error code. Not in the table: the kernel is broken
 *   kernel   user     SIGSEGV
 *   kernel   kernel   in the table (a careful read): error code. Else the kernel is broken
 *
 * A context that may not sleep (preemption off, an interrupt, pagefault_disable()) cannot resolve a
 * fault: the copy fails at once.
 *
 * The exception table has one entry per instruction that may fault, two 32-bit distances: to the
 * instruction and to where to go on. It is sorted once at boot (the linker nearly has it in order)
 * and searched by halving.
 */

#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/oom.h"
#include "mm/vmalloc.h"

struct exception_entry {
	s32 insn, fixup;
};
extern struct exception_entry __ex_table_start[], __ex_table_end[];

static unsigned long entry_insn(const struct exception_entry *e)
{
	return (unsigned long)&e->insn + (unsigned long)e->insn;
}

static unsigned long entry_fixup(const struct exception_entry *e)
{
	return (unsigned long)&e->fixup + (unsigned long)e->fixup;
}

static void swap_entries(struct exception_entry *a, struct exception_entry *b)
{
	s32 distance = (s32)((unsigned long)b - (unsigned long)a);
	struct exception_entry old = *a;

	a->insn = b->insn + distance;
	a->fixup = b->fixup + distance;
	b->insn = old.insn - distance;
	b->fixup = old.fixup - distance;
}

/* Insertion sort: linear on a table that is nearly in order. The image is still writable. */
void sort_exception_table(void)
{
	struct exception_entry *e, *p;

	for (e = __ex_table_start + 1; e < __ex_table_end; e++)
		for (p = e; p > __ex_table_start && entry_insn(p - 1) > entry_insn(p); p--)
			swap_entries(p - 1, p);
}

unsigned long search_exception_table(unsigned long ip)
{
	const struct exception_entry *low = __ex_table_start, *high = __ex_table_end;

	while (low < high) {
		const struct exception_entry *middle = low + (high - low) / 2;

		if (entry_insn(middle) == ip)
			return entry_fixup(middle);
		if (entry_insn(middle) < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

int fixup_exception(struct pt_regs *regs)
{
	unsigned long fixup = search_exception_table(regs->ip);

	if (!fixup)
		return 0;
	regs->ip = fixup;
	return 1;
}

static void __noreturn kernel_fault(struct pt_regs *regs, unsigned long error_code,
				    unsigned long addr)
{
	const char *access = error_code & X86_PF_INSTR	 ? "execute"
			     : error_code & X86_PF_WRITE ? "write to"
							 : "read from";
	const char *why = "nothing is mapped there";

	if (error_code & X86_PF_RSVD)
		why = "a page table entry has a reserved bit set";
	else if (kstack_is_guard(addr))
		why = "that is the guard page of a kernel stack: stack overflow";
	else if (addr < PAGE_SIZE)
		why = "a NULL pointer";
	else if (error_code & X86_PF_PROT)
		why = addr < TASK_SIZE ? "user memory, outside of the user copy functions"
				       : "the page does not permit it";
	dump_page_walk(addr);
	panic_regs(regs, "the kernel tried to %s address %lx: %s (error code %lx)", access, addr,
		   why, error_code);
}

static void user_fault_signal(unsigned long error_code, unsigned long addr, int sig, int code)
{
	current->thread.cr2 = addr;
	current->thread.trap_nr = X86_TRAP_PF;
	current->thread.error_code = error_code;
	if (addr >= TASK_SIZE) /* do not tell what is mapped in the kernel */
		current->thread.error_code |= X86_PF_PROT;
	force_sig_fault(sig, code, addr);
}

/* handle_user_fault() could not make the page accessible. Interrupts on. */
static void fault_failed(struct pt_regs *regs, unsigned long error_code, unsigned long addr,
			 vm_fault_t fault)
{
	if (!user_mode(regs)) {
		if (!fixup_exception(regs))
			kernel_fault(regs, error_code, addr);
		return;
	}
	if (fault & VM_FAULT_OOM)
		pagefault_out_of_memory();
	else if (fault & VM_FAULT_BADMAP)
		user_fault_signal(error_code, addr, SIGSEGV, SEGV_MAPERR);
	else if (fault & VM_FAULT_BADACCESS)
		user_fault_signal(error_code, addr, SIGSEGV, SEGV_ACCERR);
	else if (fault & VM_FAULT_HWPOISON)
		force_sig_mceerr(BUS_MCEERR_AR, addr, PAGE_SHIFT);
	else if (fault & VM_FAULT_SIGBUS)
		user_fault_signal(error_code, addr, SIGBUS, BUS_ADRERR);
}

/*
 * A fault that must not be resolved: bad for the kernel unless it expected it, bad for the program
 * always.
 */
static void bad_fault(struct pt_regs *regs, unsigned long error_code, unsigned long addr)
{
	if (user_mode(regs)) {
		local_irq_enable();
		user_fault_signal(error_code, addr, SIGSEGV, SEGV_MAPERR);
		local_irq_disable();
	} else if (!fixup_exception(regs)) {
		kernel_fault(regs, error_code, addr);
	}
}

void do_page_fault(struct pt_regs *regs, unsigned long error_code)
{
	unsigned long addr = read_cr2();
	struct mm *mm = current->mm;
	unsigned int flags = 0;
	vm_fault_t fault;

	if (unlikely(addr >= TASK_SIZE || !mm || (error_code & X86_PF_RSVD))) {
		bad_fault(regs, error_code, addr);
		return;
	}
	if (user_mode(regs)) {
		flags |= FAULT_FLAG_USER;
	} else if (unlikely(in_atomic() || pagefault_disabled() || !(regs->flags & X86_EFLAGS_IF) ||
			    !search_exception_table(regs->ip))) {
		bad_fault(regs, error_code, addr);
		return;
	}
	if (error_code & X86_PF_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (error_code & X86_PF_INSTR)
		flags |= FAULT_FLAG_INSTRUCTION;

	local_irq_enable();
	fault = handle_user_fault(mm, addr, flags);
	if (unlikely(fault & VM_FAULT_ERROR))
		fault_failed(regs, error_code, addr, fault);
	else if (fault & VM_FAULT_MAJOR)
		current->maj_flt++;
	else
		current->min_flt++;
	local_irq_disable();
}
