/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_ACPI_H
#define ARCH_X86_64_ACPI_H

/*
 * What the kernel wants to know from the firmware's tables, read once at boot (acpi.c) while the
 * boot page tables still map all memory below 4 GiB. No table is looked at afterwards. A table with
 * a bad checksum is named in one sentence and ignored; the defaults then describe a PC of the old
 * kind with one CPU.
 */

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/layout.h"

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 32

struct acpi_ioapic {
	u64 address;
	u32 gsi_base;
};
struct acpi_override {
	u8 irq; /* ISA interrupt */
	u32 gsi;
	bool level, active_low;
};
struct acpi_gas { /* generic address: a register somewhere */
	u8 space; /* 0 memory, 1 port */
	u64 address;
};

struct acpi_info {
	bool madt;
	u64 madt_address;
	u64 lapic_address;
	unsigned int nr_cpus, nr_cpus_ignored;
	u32 apic_ids[MAX_CPUS];
	unsigned int nr_ioapics;
	struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
	unsigned int nr_overrides;
	struct acpi_override overrides[ACPI_MAX_OVERRIDES];
	u64 hpet_address;
	bool has_8042, has_pic;
	u32 pm1a_cnt, pm1b_cnt, pm_timer, smi_cmd;
	u8 acpi_enable;
	bool s5;
	u8 s5_typa, s5_typb;
	bool reset;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u8 century; /* CMOS index, 0 none */
};
extern struct acpi_info acpi_info;

struct acpi_header;

/*
 * The table at @phys, which must lie below 4 GiB and be mapped: checks its length and checksum.
 * NULL after a sentence in the log about what is wrong with it.
 */
const struct acpi_header *acpi_table(u64 phys);

/* Boot CPU, boot page tables. @rsdp is a physical address, 0 to search the BIOS areas. */
void acpi_init(u64 rsdp);

#endif
