/* SPDX-License-Identifier: MIT */
/*
 * Swap devices that take their time and fail, for tests: disks of the host's memory, whose requests
 * end when the machine is idle or the driver feels like it, in any order. And processes whose pages
 * go there.
 */
#ifndef TESTS_HOST_SWAP_DISKS_H
#define TESTS_HOST_SWAP_DISKS_H

#include "lib/types.h"
#include "mm/mm.h"
#include "mm/swap.h"

#define NR_DISKS     3
#define MAX_REQUESTS 4096

struct request {
	struct page *page;
	unsigned long slot;
	bool write;
};

struct disk {
	u8 *bytes;
	unsigned long slots, reads, writes, errors;
	struct request queue[MAX_REQUESTS];
	unsigned int queued, submitted; /* of the queue; the first so many of them may end */
	unsigned int error_percent;	/* requests that fail */
	bool dead;			/* all fail */
	bool released;			/* swapoff is done with it */
};

extern struct disk disks[NR_DISKS];
extern const struct swap_ops disk_ops;

/* Swap on disks[i], which is "disk0" and so on. */
struct swap_device *add_disk(unsigned int i, unsigned long slots, int prio);

/* End n of the submitted requests, in any order. */
void end_some(struct disk *disk, unsigned int n);
/* End all of them, of all disks. */
void idle(void);

/* A machine of so much memory, with compressed RAM to swap to. */
void boot(unsigned int mib);
/* Compressed RAM leaves the field to the disks. */
void boot_without_ram_swap(unsigned int mib);

/* A page's words follow from its number and version; every one differs. */
u64 word_of(unsigned long i, u32 version, unsigned int k);

/* Page i of a process from TEST_BASE on: write a version of it, or check that it holds that. False:
 * SIGBUS, or no memory. */
bool write_page(struct mm *mm, unsigned long i, u32 version);
bool page_holds(struct mm *mm, unsigned long i, u32 version);

/* A process with version 0 of so many pages. */
struct mm *process_with(unsigned long pages);
/* Its pages leave memory, and the writing of them ends. */
void pageout(struct mm *mm, unsigned long first, unsigned long pages);

#endif
