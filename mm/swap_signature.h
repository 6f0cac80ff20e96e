/* SPDX-License-Identifier: MIT */
/*
 * The first page of a swap area as mkswap writes it.
 */
#ifndef MM_SWAP_SIGNATURE_H
#define MM_SWAP_SIGNATURE_H

#include "arch/x86_64/layout.h"
#include "lib/types.h"

#define SWAP_MAGIC	     "SWAPSPACE2"
#define SWAP_MAGIC_OLD	     "SWAP-SPACE"
#define SWAP_MAGIC_LEN	     10
#define SWAP_VERSION	     1u
#define SWAP_BAD_OFFSET	     1536
#define SWAP_MAX_BAD_PAGES   ((PAGE_SIZE - SWAP_BAD_OFFSET - SWAP_MAGIC_LEN) / sizeof(u32))
#define SWAP_LABEL_LEN	     16
#define SWAP_MAGIC_OFFSET(p) ((p)-SWAP_MAGIC_LEN) /* at the end of a page of p bytes */

struct swap_header {
	u8 boot[1024]; /* a boot loader's, or a disk label */
	u32 version;
	u32 last_page;
	u32 nr_bad;
	u8 uuid[16];
	char label[SWAP_LABEL_LEN];
	u32 reserved[117];
	u32 bad[SWAP_MAX_BAD_PAGES];
};

/*
 * swap_check_header() - is this page the header of a swap area that can be used on a disk of so
 * many pages? NULL: yes. Else the reason, to be put behind the device's name in the log. Pure.
 */
const char *swap_check_header(const struct swap_header *header, unsigned long disk_pages);

/* swap_magic_at() - is there a signature at the end of this page? Pure. */
bool swap_magic_at(const void *page);

#endif
