/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: the hardware reports that it is broken. Intel SDM volume 3, chapter 15.
 *
 * Each error bank has a control, a status, an address and a miscellaneous register. Without CR4.MCE
 * an uncorrected error shuts the CPU down, which a person sees as an unexplained reset; so every
 * CPU enables all of its banks at start, and an error ends in a report that names the bank and the
 * address. Going on after an uncorrected error would be a gamble with the user's data.
 *
 * An emulator may announce the feature in CPUID and then lack the registers: they are read with a
 * fix-up.
 */

#include "arch/x86_64/mce.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/panic.h"
#include "kernel/printk.h"

#define MCG_CTL_PRESENT BIT(8)
#define MCG_CAP_COUNT	0xff
#define MSR_MCG_CTL	0x17b
#define BANK_STRIDE	4

#define MCI_STATUS_VALID BIT(63)
#define MCI_STATUS_UC	 BIT(61)
#define MCI_STATUS_MISCV BIT(59)
#define MCI_STATUS_ADDRV BIT(58)

static bool rdmsr_safe(u32 msr, u64 *value)
{
	u32 low = 0, high = 0;
	int err = 0;

	asm volatile("1:\trdmsr\n2:\n"
		     ".pushsection .text.fixup,\"ax\"\n"
		     "3:\tmovl $1, %0\n\tjmp 2b\n"
		     ".popsection\n" ASM_EXTABLE(1b, 3b)
		     : "+r"(err), "+a"(low), "+d"(high)
		     : "c"(msr));
	*value = low | (u64)high << 32;
	return !err;
}

static unsigned int nr_banks(u64 *cap)
{
	if (!cpu_features.mce || !cpu_features.mca || !rdmsr_safe(MSR_MCG_CAP, cap))
		return 0;
	return *cap & MCG_CAP_COUNT;
}

void mce_cpu_setup(void)
{
	u64 cap;
	unsigned int i, banks = nr_banks(&cap);

	if (banks && (cap & MCG_CTL_PRESENT))
		wrmsr(MSR_MCG_CTL, ~0UL);
	for (i = 0; i < banks; i++) {
		wrmsr(MSR_MC0_CTL + i * BANK_STRIDE, ~0UL);
		wrmsr(MSR_MC0_STATUS + i * BANK_STRIDE, 0);
	}
}

static void print_bank(unsigned int bank, u64 status)
{
	u64 address = 0, misc = 0;

	if (status & MCI_STATUS_ADDRV)
		address = rdmsr(MSR_MC0_ADDR + bank * BANK_STRIDE);
	if (status & MCI_STATUS_MISCV)
		misc = rdmsr(MSR_MC0_MISC + bank * BANK_STRIDE);
	pr_emerg("machine check: bank %u status %016llx address %llx misc %llx (%s)\n", bank,
		 (unsigned long long)status, (unsigned long long)address, (unsigned long long)misc,
		 status & MCI_STATUS_UC ? "uncorrected" : "corrected");
}

void do_machine_check(struct pt_regs *regs)
{
	u64 cap, global = 0;
	unsigned int i, banks = nr_banks(&cap);

	if (banks)
		rdmsr_safe(MSR_MCG_STATUS, &global);
	for (i = 0; i < banks; i++) {
		u64 status = rdmsr(MSR_MC0_STATUS + i * BANK_STRIDE);

		if (status & MCI_STATUS_VALID)
			print_bank(i, status);
	}
	panic_regs(regs,
		   "machine check: the hardware of this computer reports an error (status %llx)",
		   (unsigned long long)global);
}
