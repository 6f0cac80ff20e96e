/* SPDX-License-Identifier: MIT */
/*
 * The first C code: from the loader's gifts to kernel_main().
 *
 * On entry the boot page tables map the first 4 GiB (three times: identity, direct map, kernel
 * image), interrupts are off, and the stack is init_task's. In order:
 *
 *   1. CPU features, GDT, IDT: from here on, a fault is reported and not a silent reset
 *   2. boot information copied into boot_info: the loader's memory may then be reused
 *   3. memblock: RAM from the map; the kernel image, the initramfs and the first 64 KiB (firmware
 *      may scribble there) reserved
 *   4. ACPI tables read, while everything below 4 GiB is still mapped
 *   5. kernel_main(), which calls paging_init() and later arch_init()
 */

#include "arch/x86_64/boot.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/traps.h"
#include "kernel/boot_info.h"
#include "kernel/main.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/memblock.h"

#define LOW_RESERVED 0x10000UL
#define KERNEL_PHYS  0x100000UL /* as in linker.ld */

struct boot_info boot_info;

void boot_set_cmdline(const char *text, size_t max)
{
	size_t length = strnlen(text, max);

	if (length >= BOOT_CMDLINE_SIZE) {
		boot_info.cmdline_truncated = true;
		length = BOOT_CMDLINE_SIZE - 1;
	}
	memcpy(boot_info.cmdline, text, length);
	boot_info.cmdline[length] = '\0';
}

void boot_add_memory(u64 base, u64 size, u32 type)
{
	if (boot_info.nr_map == BOOT_MAP_SIZE || !size)
		return;
	if (type == 0 || type > BOOT_MEM_BAD)
		type = BOOT_MEM_RESERVED;
	boot_info.map[boot_info.nr_map].base = base;
	boot_info.map[boot_info.nr_map].size = size;
	boot_info.map[boot_info.nr_map].type = type;
	boot_info.nr_map++;
}

/*
 * Usable regions first, then take away what any other entry claims: maps of real firmware overlap.
 */
static void feed_memblock(void)
{
	int i;

	for (i = 0; i < boot_info.nr_map; i++) {
		u64 base = boot_info.map[i].base, end = base + boot_info.map[i].size;

		if (boot_info.map[i].type != BOOT_MEM_USABLE || base >= DIRECT_MAP_SIZE)
			continue;
		memblock_add(base, min(end, (u64)DIRECT_MAP_SIZE) - base);
	}
	for (i = 0; i < boot_info.nr_map; i++) {
		if (boot_info.map[i].type != BOOT_MEM_USABLE)
			memblock_remove(boot_info.map[i].base, boot_info.map[i].size);
	}
	memblock_reserve(0, LOW_RESERVED);
	memblock_reserve(KERNEL_PHYS, __pa(_end) - KERNEL_PHYS);
	if (boot_info.initrd_end > boot_info.initrd_start)
		memblock_reserve(boot_info.initrd_start,
				 boot_info.initrd_end - boot_info.initrd_start);
	memblock_set_current_limit(BOOT_MAPPED_END);
}

static void print_boot_info(void)
{
	int i;

	if (boot_info.cmdline_truncated)
		pr_warn("the command line is longer than %d bytes, the rest is ignored\n",
			BOOT_CMDLINE_SIZE - 1);
	for (i = 0; i < boot_info.nr_map; i++)
		pr_debug("memory %012llx..%012llx type %u\n",
			 (unsigned long long)boot_info.map[i].base,
			 (unsigned long long)(boot_info.map[i].base + boot_info.map[i].size - 1),
			 boot_info.map[i].type);
}

void __noreturn x86_64_start(unsigned int loader, u64 info)
{
	init_task.stack = init_stack;
	sort_exception_table();
	cpu_detect();
	idt_init();
	gdt_load(boot_ist_stacks);
	set_kernel_stack((unsigned long)init_stack + THREAD_SIZE);
	cpu_setup();

	if (loader == BOOT_BY_MULTIBOOT2)
		parse_multiboot2(info);
	else
		parse_pvh(info);
	print_boot_info();
	feed_memblock();
	smp_reserve_trampoline();
	acpi_init(boot_info.rsdp);
	kernel_main();
}

void arch_init(void)
{
	fpu_init();
	pic_silence();
	lapic_init();
	lapic_cpu_setup();
	ioapic_init();
	tsc_init();
	arch_timer_init();
	arch_timer_cpu_setup();
}
