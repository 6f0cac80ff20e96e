/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine's day: power off and restart.
 *
 * ACPI powers off by writing SLP_TYP (from the DSDT's \_S5 object) and SLP_EN to a control
 * register; on a machine that was not yet switched to ACPI mode, that is done first. Restarting has
 * had many doors over the years; they are tried from the most polite to the one that no CPU can
 * refuse, a triple fault.
 */

#include "arch/x86_64/power.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "kernel/printk.h"

#define PM1_SCI_EN	  BIT(0)
#define PM1_SLP_TYP(t)	  ((u16)((t) << 10))
#define PM1_SLP_EN	  BIT(13)
#define ACPI_ENABLE_TRIES 3000
#define WAIT_US		  20000

#define QEMU_PM1A_CNT	 0x604 /* PIIX4 and ICH9 under SeaBIOS */
#define QEMU_OLD_PM1_CNT 0xb004
#define QEMU_DEBUG_EXIT	 0xf4

#define KBD_COMMAND	0x64
#define KBD_PULSE_RESET 0xfe
#define RESET_CONTROL	0xcf9

static void acpi_enter_acpi_mode(void)
{
	unsigned int tries = ACPI_ENABLE_TRIES;

	if (!acpi_info.smi_cmd || !acpi_info.acpi_enable ||
	    (inw((u16)acpi_info.pm1a_cnt) & PM1_SCI_EN))
		return;
	outb(acpi_info.acpi_enable, (u16)acpi_info.smi_cmd);
	while (!(inw((u16)acpi_info.pm1a_cnt) & PM1_SCI_EN) && --tries)
		udelay(1000);
}

static void acpi_poweroff(void)
{
	if (!acpi_info.s5 || !acpi_info.pm1a_cnt)
		return;
	acpi_enter_acpi_mode();
	outw(PM1_SLP_TYP(acpi_info.s5_typa) | PM1_SLP_EN, (u16)acpi_info.pm1a_cnt);
	if (acpi_info.pm1b_cnt)
		outw(PM1_SLP_TYP(acpi_info.s5_typb) | PM1_SLP_EN, (u16)acpi_info.pm1b_cnt);
	udelay(WAIT_US);
}

void machine_poweroff(void)
{
	local_irq_disable();
	acpi_poweroff();
	if (cpu_features.hypervisor) { /* an emulator whose tables could not be used */
		outw(PM1_SLP_EN, QEMU_PM1A_CNT);
		outw(PM1_SLP_EN, QEMU_OLD_PM1_CNT);
		udelay(WAIT_US);
	}
	pr_emerg("This computer does not switch itself off; you may do it now.\n");
	halt();
}

static void acpi_reset(void)
{
	const struct acpi_gas *reg = &acpi_info.reset_reg;

	if (acpi_info.reset && reg->space == 1 && reg->address <= 0xffff)
		outb(acpi_info.reset_value, (u16)reg->address);
	udelay(WAIT_US);
}

static void __noreturn triple_fault(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed nothing = {0, 0};

	asm volatile("lidt %0\n\tint3" : : "m"(nothing));
	halt();
}

void machine_restart(void)
{
	local_irq_disable();
	acpi_reset();
	if (acpi_info.has_8042) {
		outb(KBD_PULSE_RESET, KBD_COMMAND);
		udelay(WAIT_US);
	}
	outb(0x02, RESET_CONTROL);
	udelay(50);
	outb(0x06, RESET_CONTROL);
	udelay(WAIT_US);
	triple_fault();
}

void machine_halt(void)
{
	pr_emerg("System halted.\n");
	halt();
}

void qemu_exit(u8 code)
{
	outb(code, QEMU_DEBUG_EXIT);
}
