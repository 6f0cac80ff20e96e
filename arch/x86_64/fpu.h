/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_FPU_H
#define ARCH_X86_64_FPU_H

/*
 * The floating-point and vector registers. They belong to user programs alone: the kernel is
 * compiled not to touch them. They are saved and restored eagerly at each switch between user
 * tasks.
 */

#include "lib/types.h"
#include "lib/compiler.h"

struct task;
struct fpu_state; /* the CPU's XSAVE or FXSAVE area, 64-byte aligned */

/* arch_init(): creates the cache of states. */
void fpu_init(void);
/* Every CPU: enables the instructions and the state components. */
void fpu_cpu_setup(void);

/* A fresh state, or a copy of current's live registers. NULL when there is no memory. */
struct fpu_state *fpu_alloc(void);
struct fpu_state *fpu_dup_current(void);
void fpu_free(struct fpu_state *fpu);
/* At a switch: registers to memory, memory to registers. */
void fpu_save(struct fpu_state *fpu);
void fpu_restore(const struct fpu_state *fpu);
/* current's registers get their initial values. */
void fpu_reset_current(void);

/* The FXSAVE image of a task that stands still, or of current, for a core file. */
#define FPU_FXSAVE_SIZE 512
void fpu_get_fxsave(struct task *task, void *image);

/*
 * The part of a signal frame that holds the FPU state, in Linux's format (FXSAVE, XSAVE header,
 * magic numbers). fpu_sigframe_size(): bytes, must lie 64-byte aligned. The copies return 0 or
 * -EFAULT; a frame that a program has tampered with is refused with -EINVAL. A NULL frame resets
 * the registers.
 */
size_t fpu_sigframe_size(void);
int fpu_to_sigframe(void __user *frame);
int fpu_from_sigframe(const void __user *frame);

#endif
