/* SPDX-License-Identifier: MIT */
/*
 * Segments and the task-state segment.
 *
 * Long mode has no use for segments, but the CPU insists: code segments say which mode their code
 * runs in, SYSCALL and SYSRET compute selectors from one number, and the TSS says where the stacks
 * are. Each CPU has its own table, because each has its own TSS and the CPU writes into the
 * descriptors.
 *
 *   0x00 null
 *   0x08 32-bit kernel code, for the trampoline only
 *   0x10 kernel code     SYSCALL:  CS = STAR[47:32],      SS = STAR[47:32] + 8
 *   0x18 kernel data
 *   0x20 32-bit user code: not present, 32-bit programs are not supported
 *   0x28 user data       SYSRETQ:  SS = STAR[63:48] + 8,  CS = STAR[63:48] + 16
 *   0x30 user code                 with STAR[63:48] = 0x23
 *   0x40 TSS, 16 bytes
 *
 * A stack overflow or a fault at the very start of the system-call entry must not be handled on the
 * stack that is broken. So double fault, NMI, machine check and debug exceptions have stacks of
 * their own, named in the TSS:
 *
 *        IST stack i      (IST_STACK_SIZE, aligned to it)
 *        +-------------------------------+----------------+---------------+
 *        | grows down                    | 8 bytes unused | GS base       |
 *        +-------------------------------+----------------+---------------+
 *                                        ^ tss.ist[i]
 *
 * Such an exception may interrupt the kernel at a moment when GS is still, or already, the user's.
 * The entry code cannot tell from the value (CPU 0's own GS base is 0), so it reads the right one
 * from the top of the stack it is on.
 */

#include "arch/x86_64/gdt.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/ptrace_regs.h"
#include "lib/string.h"

#define NR_GDT	10
#define GDT_TSS 8

#define SEG_CODE64 0x00af9b000000ffffUL
#define SEG_CODE32 0x00cf9b000000ffffUL
#define SEG_DATA   0x00cf93000000ffffUL
#define SEG_DPL3   (3UL << 45)

DEFINE_PER_CPU(struct cpu_tss, cpu_tss);
static DEFINE_PER_CPU(u64, cpu_gdt[NR_GDT]) __aligned(64);

char boot_ist_stacks[NR_IST * IST_STACK_SIZE] __section(".bss.page_aligned")
	__aligned(IST_STACK_SIZE);

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static void tss_setup(struct tss *tss, char *ist_stacks)
{
	unsigned int i;

	memset(tss, 0, sizeof(*tss));
	tss->io_bitmap = sizeof(*tss);
	for (i = 0; i < NR_IST; i++) {
		char *top = ist_stacks + (i + 1) * IST_STACK_SIZE;

		*(u64 *)(top - 8) = this_cpu_read(this_cpu_off);
		tss->ist[i] = (u64)(top - 16);
	}
}

static void gdt_setup(u64 *gdt, struct tss *tss)
{
	u64 base = (u64)tss;

	gdt[1] = SEG_CODE32;
	gdt[KERNEL_CS / 8] = SEG_CODE64;
	gdt[KERNEL_DS / 8] = SEG_DATA;
	gdt[USER_DS / 8] = SEG_DATA | SEG_DPL3;
	gdt[USER_CS / 8] = SEG_CODE64 | SEG_DPL3;
	gdt[GDT_TSS] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 |
		       (base >> 24 & 0xff) << 56;
	gdt[GDT_TSS + 1] = base >> 32;
}

void gdt_load(void *ist_stacks)
{
	u64 *gdt = this_cpu_ptr(&cpu_gdt[0]);
	struct tss *tss = &this_cpu_ptr(&cpu_tss)->tss;
	struct table_register gdtr = {.limit = NR_GDT * 8 - 1, .base = (u64)gdt};
	u64 gs_base = rdmsr(MSR_GS_BASE);

	/* entry.asm and layout.inc rely on these. */
	BUILD_BUG_ON(offsetof(struct cpu_tss, tss.sp0) != 8);
	BUILD_BUG_ON(IST_STACK_SIZE != 8192);
	BUILD_BUG_ON(sizeof(struct pt_regs) != 168 || offsetof(struct pt_regs, orig_ax) != 120);
	tss_setup(tss, ist_stacks);
	gdt_setup(gdt, tss);
	asm volatile("lgdt %0" : : "m"(gdtr));
	asm volatile("pushq %0\n\t"
		     "leaq 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n"
		     "1:\tmovl %1, %%ds\n\t"
		     "movl %1, %%es\n\t"
		     "movl %1, %%ss\n\t"
		     "movl %2, %%fs\n\t"
		     "movl %2, %%gs"
		     :
		     : "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(0)
		     : "rax", "memory");
	wrmsr(MSR_GS_BASE, gs_base);
	asm volatile("ltr %w0" : : "r"(GDT_TSS * 8));
}
