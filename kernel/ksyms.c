/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own symbol table: function addresses in ascending order, as offsets from
 * KERNEL_BASE, and their names. tools/ksyms.py makes it from a first link of the kernel.
 */
#include "kernel/ksyms.h"
#include "arch/x86_64/layout.h"
#include "lib/printf.h"
#include "lib/string.h"

extern const u32 ksym_count, ksym_addresses[], ksym_names[];
extern const char ksym_strings[];

const char *ksym_lookup(unsigned long addr, unsigned long *offset)
{
	u32 low = 0, high = ksym_count;

	if (addr < (unsigned long)_stext || addr >= (unsigned long)_etext)
		return NULL;
	/* The last symbol at or before addr lies in [low, high). */
	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (KERNEL_BASE + ksym_addresses[mid] <= addr)
			low = mid;
		else
			high = mid;
	}
	if (!ksym_count || KERNEL_BASE + ksym_addresses[low] > addr)
		return NULL;
	*offset = addr - (KERNEL_BASE + ksym_addresses[low]);
	return ksym_strings + ksym_names[low];
}

unsigned long ksym_address(const char *name)
{
	u32 i;

	for (i = 0; i < ksym_count; i++) {
		if (!strcmp(ksym_strings + ksym_names[i], name))
			return KERNEL_BASE + ksym_addresses[i];
	}
	return 0;
}

static int ksym_print(char *buf, size_t size, unsigned long addr)
{
	unsigned long offset;
	const char *name = ksym_lookup(addr, &offset);

	if (!name)
		return snprintf(buf, size, "0x%lx", addr);
	return snprintf(buf, size, "%s+0x%lx", name, offset);
}

void ksyms_init(void)
{
	printf_symbol = ksym_print;
}
