/* SPDX-License-Identifier: MIT */
/*
 * Where are we, and how did we get here? For reports of the kernel's own errors.
 *
 * The kernel is compiled with frame pointers: rbp points to the caller's rbp, above which lies the
 * return address. The chain is followed while it stays on one stack and goes up, through memory
 * that is read with care, since a report about a broken stack must not break on it. entry.asm links
 * an interrupted context into the chain.
 */

#include "arch/x86_64/backtrace.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/printk.h"

#define MAX_FRAMES 32

struct frame {
	unsigned long next;
	unsigned long return_address;
};

static bool is_kernel_text(unsigned long addr)
{
	return addr >= (unsigned long)_stext && addr < (unsigned long)_etext;
}

static void walk_frames(unsigned long bp)
{
	unsigned int depth;
	struct frame frame;

	for (depth = 0; depth < MAX_FRAMES; depth++) {
		if (copy_from_kernel_nofault(&frame, (void *)bp, sizeof(frame)) ||
		    !is_kernel_text(frame.return_address))
			return;
		pr_emerg("  [<%016lx>] %pS\n", frame.return_address, (void *)frame.return_address);
		if (frame.next <= bp || frame.next - bp > THREAD_SIZE)
			return;
		bp = frame.next;
	}
	pr_emerg("  ...\n");
}

void dump_backtrace(const struct pt_regs *regs)
{
	pr_emerg("Call trace:\n");
	if (!regs) {
		walk_frames((unsigned long)__builtin_frame_address(0));
		return;
	}
	if (user_mode(regs)) {
		pr_emerg("  user mode at %016lx\n", regs->ip);
		return;
	}
	pr_emerg("  [<%016lx>] %pS\n", regs->ip, (void *)regs->ip);
	walk_frames(regs->bp);
}

void show_regs(const struct pt_regs *regs)
{
	if (user_mode(regs))
		pr_emerg("RIP %016lx (user mode)\n", regs->ip);
	else
		pr_emerg("RIP %016lx %pS\n", regs->ip, (void *)regs->ip);
	pr_emerg("RSP %016lx  CS %02lx  SS %02lx  RFLAGS %08lx  ORIG_RAX %016lx\n", regs->sp,
		 regs->cs, regs->ss, regs->flags, regs->orig_ax);
	pr_emerg("RAX %016lx  RBX %016lx  RCX %016lx\n", regs->ax, regs->bx, regs->cx);
	pr_emerg("RDX %016lx  RSI %016lx  RDI %016lx\n", regs->dx, regs->si, regs->di);
	pr_emerg("RBP %016lx  R08 %016lx  R09 %016lx\n", regs->bp, regs->r8, regs->r9);
	pr_emerg("R10 %016lx  R11 %016lx  R12 %016lx\n", regs->r10, regs->r11, regs->r12);
	pr_emerg("R13 %016lx  R14 %016lx  R15 %016lx\n", regs->r13, regs->r14, regs->r15);
	pr_emerg("CR2 %016lx  CR3 %016lx  CR4 %016lx\n", read_cr2(), read_cr3(), read_cr4());
}

static void print_entry(const char *level, u64 entry)
{
	if (!(entry & _PAGE_PRESENT)) {
		pr_emerg("  %s %016llx not present\n", level, (unsigned long long)entry);
		return;
	}
	pr_emerg("  %s %016llx frame %09llx %s %s %s%s%s%s%s\n", level, (unsigned long long)entry,
		 (unsigned long long)((entry & PTE_PFN_MASK) >> PAGE_SHIFT),
		 entry & _PAGE_USER ? "user" : "kernel", entry & _PAGE_RW ? "rw" : "ro",
		 entry & _PAGE_NX ? "nx" : "x", entry & _PAGE_ACCESSED ? " accessed" : "",
		 entry & _PAGE_DIRTY ? " dirty" : "", entry & _PAGE_GLOBAL ? " global" : "",
		 entry & _PAGE_PSE ? " large" : "");
}

void dump_page_walk(unsigned long addr)
{
	static const char *const names[] = {"PGD", "PUD", "PMD", "PTE"};
	static const u8 shifts[] = {PGDIR_SHIFT, PUD_SHIFT, PMD_SHIFT, PAGE_SHIFT};
	u64 entry, table = read_cr3() & PTE_PFN_MASK;
	unsigned int level;

	pr_emerg("Page table walk for %016lx, CR3 %016lx:\n", addr, read_cr3());
	for (level = 0; level < ARRAY_SIZE(names); level++) {
		const u64 *slot = (u64 *)__va(table) + (addr >> shifts[level] & 511);

		if (copy_from_kernel_nofault(&entry, slot, sizeof(entry))) {
			pr_emerg("  %s at %p cannot be read\n", names[level], (const void *)slot);
			return;
		}
		print_entry(names[level], entry);
		if (!(entry & _PAGE_PRESENT) || (level > 0 && (entry & _PAGE_PSE)))
			return;
		table = entry & PTE_PFN_MASK;
	}
}
