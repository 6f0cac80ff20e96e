/* SPDX-License-Identifier: MIT */
/*
 * A few neighbouring pages as columns: what VMAs they are, by a model and by the real thing, as text
 * that can be compared and read.
 *
 *	[aaa][bbbb][--]		three VMAs; the first has an anon_vma, the second another, the third none
 *	[aaaaaaa]..		one VMA of seven pages, and two pages of nothing
 *	[aaaA]			a letter in upper case: the index of the page is not where it was made,
 *				its VMA was moved
 *
 * The model is a cell for each page, and one rule, written once more than in mm/: may two neighbours
 * be one VMA?
 */
#ifndef TESTS_HOST_COLUMNS_H
#define TESTS_HOST_COLUMNS_H

#include "lib/types.h"

struct mm;

#define COLUMNS	    9
#define COLUMN_TEXT 64

/* A page. Pages of one VMA have the same number `vma`; 0 is a hole. */
struct cell {
	int vma;
	int attr;   /* what else must be equal for two to merge */
	int family; /* number of its anon_vma; 0: unfaulted */
	int links;  /* length of its chain: more than one came by fork */
	long moved; /* how far, in pages, it is from where it was faulted */
};

struct columns {
	struct cell cell[COLUMNS];
	int last_vma;
};

/* New memory at [from, to): a VMA like `as`, merged with its neighbours if it may be. */
void columns_fill(struct columns *c, int from, int to, struct cell as);
/* [from, to) becomes a VMA of its own with this attribute, merged if it may be. */
void columns_change(struct columns *c, int from, int to, int attr);
/* [from, to) goes. */
void columns_cut(struct columns *c, int from, int to);

/* The model as text; static storage, several at a time. */
const char *columns_text(const struct columns *c);
/* What mm has in the pages from addr on. */
const char *columns_draw(struct mm *mm, unsigned long addr);

#endif
