/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

/*
 * What the boot loader said, in one form for all loaders. arch/x86_64/boot.c fills it in before
 * kernel_main(); all of it is copied out of the loader's memory, but for the initramfs, whose
 * memory is reserved in memblock.
 */

#include "lib/types.h"

#define BOOT_CMDLINE_SIZE 2048
#define BOOT_MAP_SIZE	  256

enum boot_mem_type {
	BOOT_MEM_USABLE = 1,
	BOOT_MEM_RESERVED = 2,
	BOOT_MEM_ACPI = 3,
	BOOT_MEM_NVS = 4,
	BOOT_MEM_BAD = 5,
};

enum boot_fb_type { BOOT_FB_NONE, BOOT_FB_RGB, BOOT_FB_TEXT };

/* A linear framebuffer, or the VGA text buffer (width and height in characters). */
struct fb_info {
	u64 addr; /* physical; may lie above 4 GiB */
	u32 width, height;
	u32 pitch; /* bytes per line */
	u32 bpp;   /* 16, 24 or 32; 16 for text cells */
	enum boot_fb_type type;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_info {
	char cmdline[BOOT_CMDLINE_SIZE];
	bool cmdline_truncated;
	struct {
		u64 base, size;
		u32 type; /* enum boot_mem_type; unknown types of the loader are RESERVED */
	} map[BOOT_MAP_SIZE];
	int nr_map;
	u64 initrd_start, initrd_end; /* physical; equal: there is none */
	u64 rsdp;		      /* physical, 0 unknown */
	bool efi;
	struct fb_info fb;
	const char *loader; /* name for the log */
};

extern struct boot_info boot_info;

#endif
