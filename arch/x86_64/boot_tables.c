/* SPDX-License-Identifier: MIT */
/*
 * What boot loaders leave in memory.
 *
 * Multiboot2 (GRUB): a header of total size, then tags { type, size, ... }, each at a multiple of
 * 8, type 0 the last.
 *
 * PVH (QEMU -kernel): struct hvm_start_info with physical addresses of a memory map, one module and
 * a command line.
 *
 * All of it lies below 4 GiB, where the boot page tables reach. Sizes are checked against the
 * total, because a broken loader must give a sentence and not a fault.
 */

#include "arch/x86_64/boot.h"
#include "arch/x86_64/layout.h"
#include "kernel/boot_info.h"
#include "kernel/printk.h"
#include "lib/string.h"

#define MB2_TAG_END	    0
#define MB2_TAG_CMDLINE	    1
#define MB2_TAG_LOADER	    2
#define MB2_TAG_MODULE	    3
#define MB2_TAG_MMAP	    6
#define MB2_TAG_FRAMEBUFFER 8
#define MB2_TAG_EFI64	    12
#define MB2_TAG_RSDP_OLD    14
#define MB2_TAG_RSDP_NEW    15

#define MB2_FB_RGB  1
#define MB2_FB_TEXT 2

struct mb2_tag {
	u32 type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char cmdline[];
};

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
	u8 entries[];
};

struct mb2_mmap_entry {
	u64 base, size;
	u32 type, reserved;
};

struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
} __packed;

struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

struct hvm_module {
	u64 base, size, cmdline, reserved;
};

struct hvm_memmap_entry {
	u64 base, size;
	u32 type, reserved;
};

static char loader_name[64];

static void mb2_mmap(const struct mb2_mmap *tag)
{
	const u8 *p = tag->entries, *end = (const u8 *)tag + tag->tag.size;

	if (tag->entry_size < sizeof(struct mb2_mmap_entry))
		return;
	for (; p + tag->entry_size <= end; p += tag->entry_size) {
		const struct mb2_mmap_entry *entry = (const struct mb2_mmap_entry *)p;

		boot_add_memory(entry->base, entry->size, entry->type);
	}
}

static void mb2_framebuffer(const struct mb2_framebuffer *tag)
{
	struct fb_info *fb = &boot_info.fb;

	if (tag->tag.size < offsetof(struct mb2_framebuffer, red_pos))
		return;
	fb->addr = tag->addr;
	fb->width = tag->width;
	fb->height = tag->height;
	fb->pitch = tag->pitch;
	fb->bpp = tag->bpp;
	if (tag->type == MB2_FB_TEXT) {
		fb->type = BOOT_FB_TEXT;
		fb->bpp = 16;
	} else if (tag->type == MB2_FB_RGB && tag->tag.size >= sizeof(*tag) &&
		   (tag->bpp == 16 || tag->bpp == 24 || tag->bpp == 32)) {
		fb->type = BOOT_FB_RGB;
		fb->red_pos = tag->red_pos;
		fb->red_size = tag->red_size;
		fb->green_pos = tag->green_pos;
		fb->green_size = tag->green_size;
		fb->blue_pos = tag->blue_pos;
		fb->blue_size = tag->blue_size;
	}
}

static void mb2_module(const struct mb2_module *tag)
{
	if (tag->tag.size < sizeof(*tag) || tag->end <= tag->start)
		return;
	if (boot_info.initrd_end) {
		pr_warn("boot loader: more than one module, only the first is used\n");
		return;
	}
	boot_info.initrd_start = tag->start;
	boot_info.initrd_end = tag->end;
}

static void mb2_tag(const struct mb2_tag *tag)
{
	const char *data = (const char *)(tag + 1);
	size_t size = tag->size - sizeof(*tag);

	switch (tag->type) {
	case MB2_TAG_CMDLINE:
		boot_set_cmdline(data, size);
		break;
	case MB2_TAG_LOADER:
		strscpy(loader_name, data, min(size + 1, sizeof(loader_name)));
		break;
	case MB2_TAG_MODULE:
		mb2_module((const struct mb2_module *)tag);
		break;
	case MB2_TAG_MMAP:
		mb2_mmap((const struct mb2_mmap *)tag);
		break;
	case MB2_TAG_FRAMEBUFFER:
		mb2_framebuffer((const struct mb2_framebuffer *)tag);
		break;
	case MB2_TAG_EFI64:
		boot_info.efi = true;
		break;
	case MB2_TAG_RSDP_OLD:
	case MB2_TAG_RSDP_NEW: /* a copy of the table, not its address; the newer one wins */
		if (!boot_info.rsdp || tag->type == MB2_TAG_RSDP_NEW)
			boot_info.rsdp = __pa(data);
		break;
	}
}

void parse_multiboot2(u64 info)
{
	const char *start = __va(info);
	u32 total = *(const u32 *)start;
	u32 offset = 8;

	boot_info.loader = loader_name;
	while (offset + sizeof(struct mb2_tag) <= total) {
		const struct mb2_tag *tag = (const struct mb2_tag *)(start + offset);

		if (tag->type == MB2_TAG_END)
			break;
		if (tag->size < sizeof(*tag) || tag->size > total - offset) {
			pr_err("boot loader: Multiboot2 tag %u has the impossible size %u\n",
			       tag->type, tag->size);
			break;
		}
		mb2_tag(tag);
		offset += ALIGN(tag->size, 8);
	}
}

void parse_pvh(u64 info)
{
	const struct hvm_start_info *start = __va(info);
	const struct hvm_memmap_entry *map;
	const struct hvm_module *module;
	u32 i;

	boot_info.loader = "PVH";
	if (start->cmdline)
		boot_set_cmdline(__va(start->cmdline), BOOT_CMDLINE_SIZE);
	boot_info.rsdp = start->rsdp;
	module = __va(start->modlist);
	if (start->nr_modules && module->size) {
		boot_info.initrd_start = module->base;
		boot_info.initrd_end = module->base + module->size;
	}
	map = __va(start->memmap);
	for (i = 0; start->version >= 1 && i < start->memmap_entries; i++)
		boot_add_memory(map[i].base, map[i].size, map[i].type);
}
