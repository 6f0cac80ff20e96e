/* SPDX-License-Identifier: MIT */
/*
 * Futexes for the rest of the kernel: wake those who wait on a word of user memory.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"

struct task;

/*
 * Wake up to nr waiters on the word, whether they use a private or a shared key. Process context of
 * the mm's owner.
 */
void futex_wake_addr(u32 __user *uaddr, int nr);
void futex_init(void);
