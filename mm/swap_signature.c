/* SPDX-License-Identifier: MIT */
/*
 * What mkswap wrote, and whether to believe it.
 *
 *	0	1024			   1536			      4086	 4096
 *	| boot	| version last_page nr_bad | list of bad pages ...  | SWAPSPACE2 |
 *		  uuid label
 *
 * This page is all that stands between a disk full of somebody's files and being written over, so
 * everything in it must be as mkswap makes it. Numbers are in the byte order of the machine that
 * made it: a version that is 1 backwards was made on the other kind. The signature stands at the
 * end of a page of the machine that made it, so one that is found elsewhere is for another page
 * size: the slots would not be where its header says.
 *
 * An area that is smaller than its disk is fine, what lies behind it is not touched. One that is
 * larger is not: the disk is not the one that was signed, or has lost its end.
 */
#include "mm/swap_signature.h"

#include "lib/compiler.h"
#include "lib/string.h"

BUILD_BUG_ON(offsetof(struct swap_header, bad) != SWAP_BAD_OFFSET);
BUILD_BUG_ON(sizeof(struct swap_header) > SWAP_MAGIC_OFFSET(PAGE_SIZE));

bool swap_magic_at(const void *page)
{
	return !memcmp((const char *)page + SWAP_MAGIC_OFFSET(PAGE_SIZE), SWAP_MAGIC,
		       SWAP_MAGIC_LEN);
}

static const char *check_bad_pages(const struct swap_header *header)
{
	if (header->nr_bad > SWAP_MAX_BAD_PAGES)
		return "its header is broken: more bad pages than there is room for";
	for (u32 i = 0; i < header->nr_bad; i++)
		if (!header->bad[i] || header->bad[i] > header->last_page)
			return "its header is broken: a bad page that is not in the area";
	return header->nr_bad < header->last_page ? NULL : "all of its pages are bad";
}

const char *swap_check_header(const struct swap_header *header, unsigned long disk_pages)
{
	if (!memcmp((const char *)header + SWAP_MAGIC_OFFSET(PAGE_SIZE), SWAP_MAGIC_OLD,
		    SWAP_MAGIC_LEN))
		return "a swap area of the old kind: make a new one with mkswap";
	if (!swap_magic_at(header))
		return "no swap signature: make one with mkswap";
	if (header->version == __builtin_bswap32(SWAP_VERSION))
		return "made on a machine of the other byte order: make a new one with mkswap";
	if (header->version != SWAP_VERSION)
		return "a swap area of an unknown version";
	if (!header->last_page)
		return "an empty swap area";
	if (header->last_page >= disk_pages)
		return "the disk is smaller than its swap area says";
	return check_bad_pages(header);
}
