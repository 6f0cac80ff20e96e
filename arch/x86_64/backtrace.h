/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_BACKTRACE_H
#define ARCH_X86_64_BACKTRACE_H

/*
 * All of these print with printk, read memory only through fault-safe copies, and may be called
 * anywhere, the NMI handler included.
 */

struct pt_regs;

/* The calls that led to @regs, or to here when @regs is NULL. */
void dump_backtrace(const struct pt_regs *regs);
/* The registers, in the order a reader looks for them. */
void show_regs(const struct pt_regs *regs);
/* The entries of all levels that translate @addr in the loaded page table. */
void dump_page_walk(unsigned long addr);

#endif
