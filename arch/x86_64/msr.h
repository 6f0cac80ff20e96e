/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_MSR_H
#define ARCH_X86_64_MSR_H

/* Model-specific and control registers: Intel SDM volume 3 chapter 2 and volume 4. */

#include "lib/types.h"

#define MSR_APIC_BASE	   0x1b
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC_BASE	   0x800
#define MSR_PAT		   0x277
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_CSTAR	   0xc0000083
#define MSR_SYSCALL_MASK   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_MCG_CAP	   0x179
#define MSR_MCG_STATUS	   0x17a
#define MSR_MC0_CTL	   0x400
#define MSR_MC0_STATUS	   0x401
#define MSR_MC0_ADDR	   0x402
#define MSR_MC0_MISC	   0x403

#define EFER_SCE (1UL << 0)
#define EFER_LME (1UL << 8)
#define EFER_NXE (1UL << 11)

#define CR0_MP (1UL << 1)
#define CR0_EM (1UL << 2)
#define CR0_TS (1UL << 3)
#define CR0_NE (1UL << 5)
#define CR0_WP (1UL << 16)
#define CR0_AM (1UL << 18)

#define CR4_PSE	       (1UL << 4)
#define CR4_PAE	       (1UL << 5)
#define CR4_MCE	       (1UL << 6)
#define CR4_PGE	       (1UL << 7)
#define CR4_OSFXSR     (1UL << 9)
#define CR4_OSXMMEXCPT (1UL << 10)
#define CR4_UMIP       (1UL << 11)
#define CR4_LA57       (1UL << 12)
#define CR4_FSGSBASE   (1UL << 16)
#define CR4_PCIDE      (1UL << 17)
#define CR4_OSXSAVE    (1UL << 18)
#define CR4_SMEP       (1UL << 20)
#define CR4_SMAP       (1UL << 21)

#define CR3_NOFLUSH   (1UL << 63)
#define CR3_PCID_MASK 0xfffUL

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}
static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((u32)(value & 0xffffffff)), "d"((u32)(value >> 32))
		     : "memory");
}

#define DEFINE_CR_ACCESSORS(reg)                                               \
	static inline unsigned long read_##reg(void)                           \
	{                                                                      \
		unsigned long value;                                           \
		asm volatile("mov %%" #reg ", %0" : "=r"(value) : : "memory"); \
		return value;                                                  \
	}                                                                      \
	static inline void write_##reg(unsigned long value)                    \
	{                                                                      \
		asm volatile("mov %0, %%" #reg : : "r"(value) : "memory");     \
	}
DEFINE_CR_ACCESSORS(cr0)
DEFINE_CR_ACCESSORS(cr2)
DEFINE_CR_ACCESSORS(cr3)
DEFINE_CR_ACCESSORS(cr4)
#undef DEFINE_CR_ACCESSORS

#endif
