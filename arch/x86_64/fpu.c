/* SPDX-License-Identifier: MIT */
/*
 * Floating-point state: saved and restored whole, at every switch between user tasks.
 *
 * The alternative, to leave the registers to the last task and take a fault when another one
 * touches them, saves an instruction or two and has leaked registers between processes on real
 * CPUs. Eager it is.
 *
 *   XSAVE area:  0..511 x87, SSE (FXSAVE)  | 512..575 header: what is valid  | AVX, AVX-512 ...
 *
 * A CPU without XSAVE has the first part only. The kernel enables x87, SSE, AVX and AVX-512;
 * protection keys stay off (they would need more than a register switch), and so do components that
 * need the supervisor's help.
 *
 * FPU-OWNED: while a user task runs, the registers hold its state, and task->thread.fpu is stale.
 * Code that reads the memory saves first; code that writes it changes the registers, too, with
 * preemption off in between.
 */

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/preempt.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/slab.h"

#define XFEATURE_X87	BIT(0)
#define XFEATURE_SSE	BIT(1)
#define XFEATURE_AVX	BIT(2)
#define XFEATURE_AVX512 (BIT(5) | BIT(6) | BIT(7))

#define FXSAVE_SIZE	   FPU_FXSAVE_SIZE
#define XSAVE_HEADER_SIZE  64
#define FCW_DEFAULT	   0x37f
#define MXCSR_DEFAULT	   0x1f80
#define MXCSR_MASK_DEFAULT 0xffbf

/* Linux's marks in a signal frame. */
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U

struct fpu_state {
	u16 control, status, tag, opcode;
	u64 ip, data;
	u32 mxcsr, mxcsr_mask;
	u8 registers[416];
	u8 reserved[16];
	struct { /* the bytes that the CPU leaves to software; used in signal frames only */
		u32 magic1;
		u32 extended_size;
		u64 xfeatures;
		u32 xstate_size;
		u32 padding[7];
	} software;
	u64 xstate_bv, xcomp_bv;
	u64 header_reserved[6];
	u8 extended[];
} __packed __aligned(64);

static struct kmem_cache *fpu_cache;
static u32 mxcsr_mask = MXCSR_MASK_DEFAULT;

static inline void xsetbv(u64 value)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

void fpu_save(struct fpu_state *fpu)
{
	if (likely(cpu_features.xsave))
		asm volatile("xsave64 %0" : "+m"(*fpu) : "a"(-1), "d"(-1) : "memory");
	else
		asm volatile("fxsave64 %0" : "=m"(*fpu) : : "memory");
}

void fpu_get_fxsave(struct task *task, void *image)
{
	if (task == current) {
		preempt_disable();
		fpu_save(task->thread.fpu);
		preempt_enable();
	}
	memcpy(image, task->thread.fpu, FPU_FXSAVE_SIZE);
}

void fpu_restore(const struct fpu_state *fpu)
{
	if (likely(cpu_features.xsave))
		asm volatile("xrstor64 %0" : : "m"(*fpu), "a"(-1), "d"(-1) : "memory");
	else
		asm volatile("fxrstor64 %0" : : "m"(*fpu) : "memory");
}

static void fpu_state_init(struct fpu_state *fpu)
{
	memset(fpu, 0, cpu_features.xsave_size);
	fpu->control = FCW_DEFAULT;
	fpu->mxcsr = MXCSR_DEFAULT;
}

void fpu_cpu_setup(void)
{
	struct cpu_features *f = &cpu_features;
	u32 a, b, c, d;

	asm volatile("fninit");
	if (!f->xsave) {
		f->xsave_size = FXSAVE_SIZE;
		return;
	}
	cpuid(0xd, 0, &a, &b, &c, &d);
	f->xcr0 = a & (XFEATURE_X87 | XFEATURE_SSE | XFEATURE_AVX | XFEATURE_AVX512);
	if ((f->xcr0 & XFEATURE_AVX512) != XFEATURE_AVX512 || !(f->xcr0 & XFEATURE_AVX))
		f->xcr0 &= ~XFEATURE_AVX512;
	xsetbv(f->xcr0);
	cpuid(0xd, 0, &a, &b, &c, &d);
	f->xsave_size = b; /* for what is enabled now */
}

void fpu_init(void)
{
	struct fpu_state *fpu;

	BUILD_BUG_ON(offsetof(struct fpu_state, software) != 464);
	BUILD_BUG_ON(offsetof(struct fpu_state, xstate_bv) != FXSAVE_SIZE);
	BUILD_BUG_ON(offsetof(struct fpu_state, extended) != FXSAVE_SIZE + XSAVE_HEADER_SIZE);
	fpu_cache = kmem_cache_create(
		"fpu_state", max_t(size_t, cpu_features.xsave_size, sizeof(struct fpu_state)), 64,
		SLAB_PANIC, NULL);
	fpu = fpu_alloc();
	if (!fpu)
		return;
	asm volatile("fxsave64 %0" : "=m"(*fpu) : : "memory");
	if (fpu->mxcsr_mask)
		mxcsr_mask = fpu->mxcsr_mask;
	fpu_free(fpu);
}

struct fpu_state *fpu_alloc(void)
{
	struct fpu_state *fpu = kmem_cache_alloc(fpu_cache, GFP_KERNEL);

	if (fpu)
		fpu_state_init(fpu);
	return fpu;
}

struct fpu_state *fpu_dup_current(void)
{
	struct fpu_state *fpu;

	if (!current->thread.fpu)
		return fpu_alloc();
	fpu = kmem_cache_alloc(fpu_cache, GFP_KERNEL);
	if (!fpu)
		return NULL;
	memset(&fpu->xstate_bv, 0, XSAVE_HEADER_SIZE);
	fpu_save(fpu);
	return fpu;
}

void fpu_free(struct fpu_state *fpu)
{
	if (fpu)
		kmem_cache_free(fpu_cache, fpu);
}

void fpu_reset_current(void)
{
	preempt_disable();
	fpu_state_init(current->thread.fpu);
	fpu_restore(current->thread.fpu);
	preempt_enable();
}

size_t fpu_sigframe_size(void)
{
	return cpu_features.xsave ? cpu_features.xsave_size + sizeof(u32) : FXSAVE_SIZE;
}

int fpu_to_sigframe(void __user *frame)
{
	struct fpu_state *fpu = current->thread.fpu;
	u32 size = cpu_features.xsave_size, magic2 = FP_XSTATE_MAGIC2;

	preempt_disable();
	fpu_save(fpu);
	preempt_enable();
	memset(&fpu->software, 0, sizeof(fpu->software));
	if (cpu_features.xsave) {
		fpu->software.magic1 = FP_XSTATE_MAGIC1;
		fpu->software.extended_size = size + sizeof(magic2);
		fpu->software.xfeatures = cpu_features.xcr0;
		fpu->software.xstate_size = size;
		if (copy_to_user((char __user *)frame + size, &magic2, sizeof(magic2)))
			return -EFAULT;
	}
	return copy_to_user(frame, fpu, size) ? -EFAULT : 0;
}

/* A state from user memory: make it one that the CPU will load without a fault. */
static int sanitize_state(struct fpu_state *fpu)
{
	unsigned int i;

	fpu->mxcsr &= mxcsr_mask;
	if (!cpu_features.xsave)
		return 0;
	if (fpu->software.magic1 != FP_XSTATE_MAGIC1) {
		memset(&fpu->xstate_bv, 0, XSAVE_HEADER_SIZE);
		fpu->xstate_bv = XFEATURE_X87 | XFEATURE_SSE;
		return 0;
	}
	if ((fpu->xstate_bv & ~cpu_features.xcr0) || fpu->xcomp_bv)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(fpu->header_reserved); i++)
		if (fpu->header_reserved[i])
			return -EINVAL;
	return 0;
}

int fpu_from_sigframe(const void __user *frame)
{
	struct fpu_state *fpu, *old;
	int error;

	if (!frame) {
		fpu_reset_current();
		return 0;
	}
	fpu = fpu_alloc();
	if (!fpu)
		return -EFAULT;
	error = copy_from_user(fpu, frame, cpu_features.xsave_size) ? -EFAULT : sanitize_state(fpu);
	if (error) {
		fpu_free(fpu);
		return error;
	}
	preempt_disable();
	old = current->thread.fpu;
	current->thread.fpu = fpu;
	fpu_restore(fpu);
	preempt_enable();
	fpu_free(old);
	return 0;
}
