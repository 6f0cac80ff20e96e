/* SPDX-License-Identifier: MIT */
/*
 * The oracle of the random tests of mm/: what a few processes should see, by arrays.
 *
 * For each process an element for each page of a window of addresses: is it mapped, with which
 * protection, and what 8 bytes does it hold? Every operation of the real mm/ is done to the arrays
 * as well, in a line or two: fork copies an array, mremap moves elements. What reclaim and
 * migration do, they do not know.
 */
#ifndef TESTS_HOST_MM_ORACLE_H
#define TESTS_HOST_MM_ORACLE_H

#include "arch/x86_64/layout.h"
#include "lib/types.h"

struct mm;
struct vm_file;

#define PROCS  50
#define WINDOW 0x40000000UL /* 2 MiB aligned */
#define PAGES  (4 * 512)    /* the window: four page tables */

#define FILES	   6
#define FILE_PAGES 40

/*
 * One that a file stands behind has the file's value; a private one until it is written to. A page
 * given back with MADV_FREE holds its value or zero.
 */
struct model_page {
	bool mapped;
	bool lazy;
	bool shared;
	bool own;    /* the value is the page's own, not the file's */
	bool locked; /* by mlock, on fault: reclaim leaves it alone */
	bool dontfork, wipeonfork;
	bool guard; /* nobody may touch it */
	u8 prot;
	u8 file; /* 0: anonymous; else 1 + index in files[] */
	u32 pgoff;
	u64 value;
};

struct model_file {
	struct vm_file *vmf;
	u64 value[FILE_PAGES];
};

struct model {
	struct mm *mm; /* NULL: no such process */
	struct model_page page[PAGES];
};

extern struct model procs[PROCS];
extern struct model_file files[FILES];

extern unsigned long step;    /* for messages */
extern const char *operation; /* the last one */
extern bool memory_fails;     /* allocations are made to fail in this step */

static inline unsigned long address_of(unsigned int page)
{
	return WINDOW + (unsigned long)page * PAGE_SIZE;
}

/* Where the oracle keeps the page's bytes. NULL: beyond the end of the file. */
u64 *value_of(struct model_page *p);

/* What an access to the page must answer: VM_FAULT_ bits, or 0. */
unsigned int expected_fault(struct model_page *p, bool write);

/* Read a page through a simulated CPU, and compare. */
void check_page(struct model *m, unsigned int page);
void check_everything(void);

/* The VMAs say of every page whether it is mapped and with which protection. */
void check_mappings(struct model *m);

/* No stale translation, no difference in an audit; every 100 steps, in the kernel's audit too. */
void check_structures(void);

#endif
