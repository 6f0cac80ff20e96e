/* SPDX-License-Identifier: MIT */
/* Where the arch code enters the kernel proper. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "lib/types.h"
#include "lib/compiler.h"

#ifdef CONFIG_DEBUG
#define DEBUG_OR_RELEASE "debug"
#else
#define DEBUG_OR_RELEASE "release"
#endif

/* The TSC at the kernel's first instruction (boot/start.asm). */
extern u64 boot_entry_tsc;

/*
 * kernel_main() - the boot CPU, on the boot stack: descriptor tables loaded, memblock filled,
 * boot_info parsed, interrupts off.
 */
void __noreturn kernel_main(void);
/*
 * secondary_main() - every further CPU, set up by the arch code, on its idle task's stack,
 * interrupts off.
 */
void __noreturn secondary_main(unsigned int cpu);
/* Task 1 until it becomes a program. */
int init_task_main(void *unused);

#endif /* KERNEL_MAIN_H */
