/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_MCE_H
#define ARCH_X86_64_MCE_H

struct pt_regs;

/* Every CPU: let its error banks report. */
void mce_cpu_setup(void);
/*
 * The machine-check exception: prints what the banks hold and stops the machine. On its own stack.
 */
void do_machine_check(struct pt_regs *regs);

#endif
