/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_TRAPS_H
#define ARCH_X86_64_TRAPS_H

/* CPU exceptions. The handlers are called by entry.asm only, with interrupts off. */

struct pt_regs;

#define X86_TRAP_DE  0
#define X86_TRAP_DB  1
#define X86_TRAP_NMI 2
#define X86_TRAP_BP  3
#define X86_TRAP_OF  4
#define X86_TRAP_BR  5
#define X86_TRAP_UD  6
#define X86_TRAP_NM  7
#define X86_TRAP_DF  8
#define X86_TRAP_TS  10
#define X86_TRAP_NP  11
#define X86_TRAP_SS  12
#define X86_TRAP_GP  13
#define X86_TRAP_PF  14
#define X86_TRAP_MF  16
#define X86_TRAP_AC  17
#define X86_TRAP_MC  18
#define X86_TRAP_XF  19

/* Error code of a page fault. */
#define X86_PF_PROT  0x01 /* the page is present */
#define X86_PF_WRITE 0x02
#define X86_PF_USER  0x04
#define X86_PF_RSVD  0x08 /* a reserved bit is set in an entry */
#define X86_PF_INSTR 0x10

/* Ordinary exceptions, on the task's stack. */
void handle_exception(struct pt_regs *regs, unsigned long error_code, unsigned long vector);
/* NMI, double fault, machine check, and debug exceptions from kernel mode, on their own stacks. */
void handle_paranoid_exception(struct pt_regs *regs, unsigned long error_code,
			       unsigned long vector);
void do_page_fault(struct pt_regs *regs, unsigned long error_code);
/* The user's next instruction lies at an address that does not exist: SIGSEGV. */
void handle_bad_user_ip(struct pt_regs *regs);

/* fault.c: if the exception table knows regs->ip, go on there and return true. */
int fixup_exception(struct pt_regs *regs);
/* Boot: the table must be in order of address. */
void sort_exception_table(void);

#endif
