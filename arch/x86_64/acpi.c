/* SPDX-License-Identifier: MIT */
/*
 * ACPI without an interpreter: the static tables, and five bytes of the DSDT.
 *
 *   RSDP -> XSDT (64-bit pointers) or RSDT (32-bit)
 *             -> MADT "APIC"   CPUs, IOAPICs, redirected ISA interrupts
 *             -> FADT "FACP"   power registers, which old devices exist
 *             -> HPET          a clock to measure others with
 *   FADT -> DSDT               byte code; it hides the value that powers off
 *
 * Every table has a length and a checksum: all its bytes add up to 0 modulo 256. Firmware is not to
 * be trusted; a table that fails is reported in one sentence and treated as absent, and the machine
 * runs with what is left: one CPU and the PC's traditional addresses.
 *
 * To power off, two numbers are needed that ACPI keeps in the object \_S5 of the DSDT. An
 * interpreter for the byte code would be larger than this kernel's scheduler; instead its encoding
 * is looked for:
 *
 *	08 "_S5_" 12 length count  0A a  0A b ...	Name (_S5, Package {a, b, ...})
 *
 * where the numbers 0 and 1 may also be written as 00 and 01 alone.
 */

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "kernel/printk.h"
#include "lib/string.h"

struct acpi_info acpi_info;

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;

struct acpi_madt {
	struct acpi_header header;
	u32 lapic_address, flags;
	u8 entries[];
} __packed;

struct acpi_gas_raw {
	u8 space, width, offset, access;
	u64 address;
} __packed;

struct acpi_fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas_raw reset_reg;
	u8 reset_value;
	u16 arm_boot;
	u8 minor;
	u64 x_facs, x_dsdt;
} __packed;

struct acpi_hpet {
	struct acpi_header header;
	u32 id;
	struct acpi_gas_raw address;
} __packed;

#define MADT_LAPIC	    0
#define MADT_IOAPIC	    1
#define MADT_OVERRIDE	    2
#define MADT_LAPIC_OVERRIDE 5
#define MADT_X2APIC	    9
#define MADT_ENABLED	    1
#define MADT_PCAT_COMPAT    1

#define FADT_BOOT_8042	       BIT(1)
#define FADT_RESET_REG_SUP     BIT(10)
#define FADT_REVISION_BOOTARCH 3

unsigned int nr_cpu_ids = 1;
unsigned int cpu_apic_id[MAX_CPUS];

/* The memory at @phys, if the boot page tables map all @size bytes of it. */
static const void *acpi_map(u64 phys, u64 size)
{
	if (!phys || phys >= BOOT_MAPPED_END || size > BOOT_MAPPED_END - phys)
		return NULL;
	return __va(phys);
}

static bool checksum_ok(const void *table, size_t size)
{
	const u8 *p = table;
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return sum == 0;
}

const struct acpi_header *acpi_table(u64 phys)
{
	const struct acpi_header *header = acpi_map(phys, sizeof(*header));

	if (!header || header->length < sizeof(*header) || !acpi_map(phys, header->length)) {
		pr_warn("ACPI: a table at %llx lies outside of reachable memory; ignored\n",
			(unsigned long long)phys);
		return NULL;
	}
	if (!checksum_ok(header, header->length)) {
		pr_warn("ACPI: table %.4s at %llx has a bad checksum; ignored\n", header->signature,
			(unsigned long long)phys);
		return NULL;
	}
	return header;
}

static u32 boot_apic_id(void)
{
	u32 a, b, c, d;

	if (cpu_features.x2apic && cpu_features.max_leaf >= 0xb) {
		cpuid(0xb, 0, &a, &b, &c, &d);
		if (b)
			return d;
	}
	cpuid(1, 0, &a, &b, &c, &d);
	return b >> 24;
}

/* The boot CPU is number 0, wherever the table lists it. */
static void add_cpu(u32 apic_id)
{
	struct acpi_info *info = &acpi_info;
	unsigned int i;

	for (i = 0; i < info->nr_cpus; i++)
		if (info->apic_ids[i] == apic_id)
			return;
	if (info->nr_cpus == MAX_CPUS) {
		info->nr_cpus_ignored++;
		return;
	}
	info->apic_ids[info->nr_cpus++] = apic_id;
}

static void add_override(const u8 *entry)
{
	struct acpi_info *info = &acpi_info;
	struct acpi_override *o = &info->overrides[info->nr_overrides];
	u16 flags;

	if (info->nr_overrides == ACPI_MAX_OVERRIDES)
		return;
	memcpy(&o->gsi, entry + 4, 4);
	memcpy(&flags, entry + 8, 2);
	o->irq = entry[3];
	o->active_low = (flags & 3) == 3;
	o->level = (flags >> 2 & 3) == 3;
	info->nr_overrides++;
}

static void add_ioapic(const u8 *entry)
{
	struct acpi_info *info = &acpi_info;
	u32 address, gsi_base;

	if (info->nr_ioapics == ACPI_MAX_IOAPICS)
		return;
	memcpy(&address, entry + 4, 4);
	memcpy(&gsi_base, entry + 8, 4);
	info->ioapics[info->nr_ioapics++] = (struct acpi_ioapic){address, gsi_base};
}

static void madt_entry(const u8 *entry, u8 length)
{
	u32 flags, id;

	switch (entry[0]) {
	case MADT_LAPIC:
		memcpy(&flags, entry + 4, 4);
		if (length >= 8 && (flags & MADT_ENABLED))
			add_cpu(entry[3]);
		break;
	case MADT_X2APIC:
		memcpy(&id, entry + 4, 4);
		memcpy(&flags, entry + 8, 4);
		if (length >= 16 && (flags & MADT_ENABLED) && cpu_features.x2apic)
			add_cpu(id);
		break;
	case MADT_IOAPIC:
		if (length >= 12)
			add_ioapic(entry);
		break;
	case MADT_OVERRIDE:
		if (length >= 10)
			add_override(entry);
		break;
	case MADT_LAPIC_OVERRIDE:
		if (length >= 12)
			memcpy(&acpi_info.lapic_address, entry + 4, 8);
		break;
	}
}

static void parse_madt(const struct acpi_header *header)
{
	const struct acpi_madt *madt = (const struct acpi_madt *)header;
	const u8 *p = madt->entries, *end = (const u8 *)header + header->length;

	acpi_info.madt = true;
	acpi_info.madt_address = __pa(header);
	acpi_info.lapic_address = madt->lapic_address;
	acpi_info.has_pic = madt->flags & MADT_PCAT_COMPAT;
	for (; p + 2 <= end; p += p[1]) {
		if (p[1] < 2 || p + p[1] > end) {
			pr_warn("ACPI: bad entry length in the MADT; the rest is ignored\n");
			break;
		}
		madt_entry(p, p[1]);
	}
}

/* A number in a package: byte prefix, word prefix, or the constants zero and one. */
static bool aml_small_number(const u8 **p, u8 *value)
{
	switch (**p) {
	case 0x00:
	case 0x01:
		*value = *(*p)++;
		return true;
	case 0x0a:
		*value = (*p)[1];
		*p += 2;
		return true;
	}
	return false;
}

static void find_s5(const struct acpi_header *dsdt)
{
	const u8 *p = (const u8 *)(dsdt + 1), *end = (const u8 *)dsdt + dsdt->length - 16;

	for (; p < end; p++) {
		const u8 *q = p + 4;

		if (memcmp(p, "_S5_", 4) || *q++ != 0x12)
			continue;
		q += 1 + (*q >> 6); /* the package's length, 1 to 4 bytes */
		q++;		    /* its number of elements */
		if (aml_small_number(&q, &acpi_info.s5_typa) &&
		    aml_small_number(&q, &acpi_info.s5_typb)) {
			acpi_info.s5 = true;
			return;
		}
	}
}

static void parse_fadt(const struct acpi_header *header)
{
	struct acpi_info *info = &acpi_info;
	const struct acpi_header *dsdt;
	struct acpi_fadt fadt = {0};

	memcpy(&fadt, header, min_t(size_t, header->length, sizeof(fadt)));
	info->smi_cmd = fadt.smi_cmd;
	info->acpi_enable = fadt.acpi_enable;
	info->pm1a_cnt = fadt.pm1a_cnt;
	info->pm1b_cnt = fadt.pm1b_cnt;
	info->pm_timer = fadt.pm_tmr_len == 4 ? fadt.pm_tmr : 0;
	info->century = fadt.century;
	if (header->revision >= FADT_REVISION_BOOTARCH)
		info->has_8042 = fadt.boot_arch & FADT_BOOT_8042;
	if ((fadt.flags & FADT_RESET_REG_SUP) && fadt.reset_reg.address) {
		info->reset = true;
		info->reset_reg = (struct acpi_gas){fadt.reset_reg.space, fadt.reset_reg.address};
		info->reset_value = fadt.reset_value;
	}
	dsdt = acpi_table(fadt.x_dsdt ? fadt.x_dsdt : fadt.dsdt);
	if (dsdt)
		find_s5(dsdt);
}

static void parse_table(u64 phys)
{
	const struct acpi_header *header = acpi_table(phys);

	if (!header)
		return;
	if (!memcmp(header->signature, "APIC", 4)) {
		parse_madt(header);
	} else if (!memcmp(header->signature, "FACP", 4)) {
		parse_fadt(header);
	} else if (!memcmp(header->signature, "HPET", 4) &&
		   header->length >= sizeof(struct acpi_hpet)) {
		const struct acpi_hpet *hpet = (const struct acpi_hpet *)header;

		if (hpet->address.space == 0)
			acpi_info.hpet_address = hpet->address.address;
	}
}

static bool parse_root(u64 phys, size_t pointer_size)
{
	const struct acpi_header *root = acpi_table(phys);
	const u8 *p, *end;

	if (!root)
		return false;
	end = (const u8 *)root + root->length;
	for (p = (const u8 *)(root + 1); p + pointer_size <= end; p += pointer_size) {
		u64 table = 0;

		memcpy(&table, p, pointer_size);
		parse_table(table);
	}
	return true;
}

static bool rsdp_ok(const struct acpi_rsdp *rsdp)
{
	return !memcmp(rsdp->signature, "RSD PTR ", 8) && checksum_ok(rsdp, 20);
}

/*
 * Where a PC's BIOS keeps it: the first KiB of its data area, or the read-only memory below 1 MiB.
 */
static const struct acpi_rsdp *search_rsdp(void)
{
	u64 ebda = (u64) * (const u16 *)__va(0x40e) << 4, addr;

	for (addr = ebda; ebda >= 0x400 && addr < ebda + 1024; addr += 16)
		if (rsdp_ok(__va(addr)))
			return __va(addr);
	for (addr = 0xe0000; addr < 0x100000; addr += 16)
		if (rsdp_ok(__va(addr)))
			return __va(addr);
	return NULL;
}

static void number_cpus(void)
{
	struct acpi_info *info = &acpi_info;
	u32 boot_id = boot_apic_id();
	unsigned int i;

	cpu_apic_id[0] = boot_id;
	for (i = 0; i < info->nr_cpus; i++) {
		if (info->apic_ids[i] != boot_id && nr_cpu_ids < MAX_CPUS)
			cpu_apic_id[nr_cpu_ids++] = info->apic_ids[i];
	}
	if (info->nr_cpus_ignored)
		pr_warn("%u CPUs are more than the %d that Verso can use; they stay off\n",
			info->nr_cpus_ignored, MAX_CPUS);
}

void acpi_init(u64 rsdp_phys)
{
	const struct acpi_rsdp *rsdp = rsdp_phys ? acpi_map(rsdp_phys, 20) : search_rsdp();
	bool found = false;

	acpi_info.has_8042 = acpi_info.has_pic = true;
	if (rsdp && !rsdp_ok(rsdp)) {
		pr_warn("ACPI: the root pointer at %llx has a bad checksum\n",
			(unsigned long long)rsdp_phys);
		rsdp = search_rsdp();
	}
	if (rsdp && rsdp->revision >= 2 && rsdp->xsdt && checksum_ok(rsdp, sizeof(*rsdp)))
		found = parse_root(rsdp->xsdt, 8);
	if (rsdp && !found && rsdp->rsdt)
		found = parse_root(rsdp->rsdt, 4);
	if (!found)
		pr_warn("ACPI: no usable tables; going on with one CPU\n");
	else if (!acpi_info.madt)
		pr_warn("ACPI: no usable MADT; going on with one CPU\n");
	number_cpus();
}
