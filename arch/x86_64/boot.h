/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_BOOT_H
#define ARCH_X86_64_BOOT_H

/*
 * Between the files that take over from the boot loader. Physical memory below this is what the
 * boot tables map.
 */

#include "lib/types.h"
#include "lib/compiler.h"

#define BOOT_MAPPED_END 0x100000000UL

/* Kinds of loader, as boot/start.asm names them. */
#define BOOT_BY_MULTIBOOT2 1
#define BOOT_BY_PVH	   2

/* Fill boot_info from what the loader left at physical address @info; boot_tables.c. */
void parse_multiboot2(u64 info);
void parse_pvh(u64 info);

/* Helpers of both: */
void boot_add_memory(u64 base, u64 size, u32 type);
void boot_set_cmdline(const char *text, size_t max);

/* A page below 1 MiB for the start of further CPUs, taken from memblock early. smp.c */
void smp_reserve_trampoline(void);

/* The first 64-bit C code, called by boot/start.asm with the kind of loader and its information. */
void __noreturn x86_64_start(unsigned int loader, u64 info);

/* boot/start.asm */
extern char init_stack[];
extern u64 boot_pml4[];

#endif
