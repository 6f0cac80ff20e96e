// SPDX-License-Identifier: MIT
/*
 * Partition tables: the old PC's (MBR) and UEFI's (GPT). Only read, never mended.
 *
 *	MBR	sector 0:  ... | 4 entries at 446: type, first sector, count | 55 aa
 *		an extended entry leads to a chain of sectors of the same form, each with one
 *		logical partition and the link to the next: numbers 5, 6, ...
 *
 *	GPT	sector 0:  an MBR with one entry of type ee, so that old programs keep away
 *		sector 1:  header: CRC, where the entries are, their CRC   <--- my_lba says where it
 *		sector 2:  entries of 128 bytes: type GUID, first and last sector	     stands
 *		last sector: the header once more, before it the entries
 *
 * A GPT counts only when both its CRCs are right, first the one in front, then the one at the end.
 * Sectors in both tables are the disk's own. A partition that does not lie within the disk is left
 * out, with a line in the log; so is all of a table that does not make sense. A sector 0 that ends
 * in 55 aa may also be the boot sector of a file system on the bare disk: its "entries" are then
 * code, and are recognised by their status byte, which must be 00 or 80.
 */
#include "kernel/drivers/block/block.h"

#include "kernel/drivers/block/disk.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/crc32.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"

#define MBR_ENTRIES    446
#define MBR_MAGIC      510
#define MBR_PROTECTIVE 0xee
#define FIRST_LOGICAL  5

#define GPT_MAGIC      "EFI PART"
#define GPT_HEADER_MIN 92
#define GPT_MAX_BYTES  65536u
#define GPT_ENTRY_MIN  128u

struct mbr_entry {
	u8 status, chs_first[3], type, chs_last[3];
	u32 start, count;
} __packed;

struct gpt_header {
	char magic[8];
	u32 revision, header_bytes, header_crc, reserved;
	u64 my_lba, other_lba, first_usable, last_usable;
	u8 guid[16];
	u64 entries_lba;
	u32 nr_entries, entry_bytes, entries_crc;
} __packed;

struct gpt_entry {
	u64 type[2], guid[2];
	u64 first, last;
} __packed;

/* What a scan carries: the disk, a page to read into, and the disk's sector in units of 512. */
struct scan {
	struct disk *disk;
	struct page *page;
	unsigned int unit;
};

/* Read `bytes` from sector lba (the disk's own) on. NULL: beyond the end, or an I/O error. */
static void *read_lba(const struct scan *scan, u64 lba, unsigned int bytes)
{
	if (lba >= scan->disk->sectors / scan->unit ||
	    blk_read_page(scan->disk->parts[0], lba * scan->unit, scan->page, bytes))
		return NULL;
	return page_address(scan->page);
}

static void *read_sector(const struct scan *scan, u64 lba)
{
	return read_lba(scan, lba, scan->disk->sector_size);
}

/* A partition of the disk's own sectors [first, first + count). */
static void add(const struct scan *scan, unsigned int number, u64 first, u64 count)
{
	u64 all = scan->disk->sectors / scan->unit;

	if (number > BLK_MAX_PARTS) {
		pr_warn("%s: more than %u partitions: the others are not used\n", scan->disk->name,
			BLK_MAX_PARTS);
	} else if (!first || first >= all || !count || count > all - first) {
		pr_warn("%s: partition %u (sectors %llu to %llu) is not within the disk: not used\n",
			scan->disk->name, number, first, first + count - 1);
	} else if (blk_make_part(scan->disk, number, first * scan->unit, count * scan->unit)) {
		pr_warn("%s: no memory for partition %u\n", scan->disk->name, number);
	}
}

/* ---- MBR ---- */

static bool is_extended(const struct mbr_entry *entry)
{
	return entry->type == 0x05 || entry->type == 0x0f || entry->type == 0x85;
}

/* The table of a sector that was read, copied out of it. False: there is none. */
static bool mbr_table(const u8 *sector, struct mbr_entry table[4])
{
	if (sector[MBR_MAGIC] != 0x55 || sector[MBR_MAGIC + 1] != 0xaa)
		return false;
	memcpy(table, sector + MBR_ENTRIES, 4 * sizeof(*table));
	for (int i = 0; i < 4; i++)
		if (table[i].status & 0x7f)
			return false;
	return true;
}

/*
 * The chain of logical partitions. Links count from the beginning of the extended one. It is
 * followed only as far as there are numbers, so a chain that is a ring ends too.
 */
static void scan_logical(const struct scan *scan, u64 base)
{
	struct mbr_entry table[4];
	unsigned int number = FIRST_LOGICAL;
	u64 here = base;

	while (number <= BLK_MAX_PARTS) {
		const u8 *sector = read_sector(scan, here);

		if (!sector || !mbr_table(sector, table))
			return;
		if (table[0].type && table[0].count)
			add(scan, number++, here + table[0].start, table[0].count);
		if (!is_extended(&table[1]) || !table[1].start || base + table[1].start == here)
			return;
		here = base + table[1].start;
	}
}

static void scan_mbr(const struct scan *scan, const struct mbr_entry table[4])
{
	for (unsigned int i = 0; i < 4; i++) {
		if (!table[i].type || !table[i].count)
			continue;
		if (is_extended(&table[i]))
			scan_logical(scan, table[i].start);
		else
			add(scan, i + 1, table[i].start, table[i].count);
	}
}

/* ---- GPT ---- */

static bool header_valid(const struct scan *scan, u64 lba, struct gpt_header *out)
{
	struct gpt_header *header = read_sector(scan, lba);
	u32 crc;

	if (!header || memcmp(header->magic, GPT_MAGIC, sizeof(header->magic)) ||
	    header->header_bytes < GPT_HEADER_MIN || header->header_bytes > scan->disk->sector_size)
		return false;
	*out = *header;
	header->header_crc = 0;
	crc = crc32(0, header, out->header_bytes);
	return crc == out->header_crc && out->my_lba == lba && out->nr_entries &&
	       out->entry_bytes >= GPT_ENTRY_MIN && out->entry_bytes <= PAGE_SIZE &&
	       !(out->entry_bytes & (out->entry_bytes - 1)) &&
	       out->nr_entries <= GPT_MAX_BYTES / out->entry_bytes;
}

/*
 * Go through the table of entries, a page at a time; each used one is added when `use` is set.
 * Returns the CRC of all of it, or of nothing when it cannot be read.
 */
static u32 walk_entries(const struct scan *scan, const struct gpt_header *header, bool use)
{
	unsigned int left = header->nr_entries * header->entry_bytes, number = 1;
	u64 lba = header->entries_lba;
	u32 crc = 0;

	while (left) {
		unsigned int bytes = min(left, (unsigned int)PAGE_SIZE);
		const u8 *data = read_lba(scan, lba, ALIGN(bytes, scan->disk->sector_size));

		if (!data)
			return 0;
		crc = crc32(crc, data, bytes);
		for (unsigned int at = 0; at < bytes; at += header->entry_bytes, number++) {
			const struct gpt_entry *entry = (const struct gpt_entry *)(data + at);

			if (use && (entry->type[0] || entry->type[1]))
				add(scan, number, entry->first, entry->last - entry->first + 1);
		}
		lba += PAGE_SIZE / scan->disk->sector_size;
		left -= bytes;
	}
	return crc;
}

static bool gpt_at(const struct scan *scan, u64 lba)
{
	struct gpt_header header;

	if (!header_valid(scan, lba, &header) ||
	    walk_entries(scan, &header, false) != header.entries_crc)
		return false;
	walk_entries(scan, &header, true);
	return true;
}

static void scan_gpt(const struct scan *scan)
{
	if (gpt_at(scan, 1))
		return;
	if (gpt_at(scan, scan->disk->sectors / scan->unit - 1))
		pr_warn("%s: the first GPT is damaged, the one at the end is used\n",
			scan->disk->name);
	else
		pr_warn("%s: both GPTs are damaged: no partitions\n", scan->disk->name);
}

void blk_scan_partitions(struct disk *disk)
{
	struct scan scan = {
		.disk = disk,
		.page = alloc_page(GFP_KERNEL),
		.unit = disk->sector_size / SECTOR_SIZE,
	};
	struct mbr_entry table[4];
	const u8 *sector;

	if (!scan.page)
		return;
	sector = read_sector(&scan, 0);
	if (!sector)
		pr_warn("%s: the first sector cannot be read\n", disk->name);
	else if (mbr_table(sector, table)) {
		if (table[0].type == MBR_PROTECTIVE)
			scan_gpt(&scan);
		else
			scan_mbr(&scan, table);
	}
	__free_page(scan.page);
}
