/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_POWER_H
#define ARCH_X86_64_POWER_H

#include "lib/types.h"
#include "lib/compiler.h"

/*
 * Each tries every way there is, in order, and in the end stops the CPU with a sentence. Any
 * context.
 */
__noreturn void machine_poweroff(void);
__noreturn void machine_restart(void);
__noreturn void machine_halt(void);

/*
 * Ends QEMU with exit status (code << 1) | 1 if it has the debug-exit device at port 0xf4; returns
 * if not.
 */
void qemu_exit(u8 code);

#endif
