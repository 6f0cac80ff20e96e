/* SPDX-License-Identifier: MIT */
/*
 * What mremap() must do, as a function of a small arena and the arguments, without an address space.
 *
 * It knows no VMAs, no anon_vmas and no order of steps: a page of the arena has a number that tells
 * which mapping it belongs to, and a mark that tells what is written in it. The same table of cases
 * is run against the kernel's mm/ on the host (tests/host), on Verso and on Linux
 * (mremap_table.c): on Linux it tests the oracle.
 *
 *	page	0        8    12   16   20   24       32              64
 *		AAAAAAAA .... SSSS RRRR .... UUUUUUUU ................
 *
 *	A private, written	S shared, written	R private, written, then read-only
 *	U private, never touched	. free, like all around the arena
 */
#ifndef USER_TESTS_MREMAP_ORACLE_H
#define USER_TESTS_MREMAP_ORACLE_H

#define ORACLE_PAGE    4096UL
#define ORACLE_PAGES   64
#define ORACLE_BASE    0x200000000UL
#define ORACLE_LIMIT   0x7ffffffff000UL /* the end of user addresses */
#define ORACLE_ANY     1L		/* an address that is not in the arena */
#define ORACLE_STRANGE 255		/* mark: not to be read (behind the end of shared memory) */

#define ORACLE_MAYMOVE	 1
#define ORACLE_FIXED	 2
#define ORACLE_DONTUNMAP 4

struct oracle_page {
	char vma;	    /* a letter of the picture; 0: free */
	unsigned char mark; /* 0: reads as zero */
};

struct oracle_call {
	unsigned long addr, old_len, new_len, flags, new_addr;
};

static inline void oracle_arena(struct oracle_page *page)
{
	static const char picture[] = "AAAAAAAA....SSSSRRRR....UUUUUUUU";

	for (int i = 0; i < ORACLE_PAGES; i++)
		page[i].vma = page[i].mark = 0;
	for (int i = 0; picture[i]; i++) {
		page[i].vma = picture[i] == '.' ? 0 : picture[i];
		page[i].mark = picture[i] == '.' || picture[i] == 'U' ? 0 : i + 1;
	}
}

/* ---- the cases: every combination of these ---- */

#define ORACLE_P(old, new)                               \
	{                                                \
		(old) * ORACLE_PAGE, (new) * ORACLE_PAGE \
	}

static const unsigned long oracle_lengths[][2] = {
	ORACLE_P(8, 8),
	ORACLE_P(8, 4),
	ORACLE_P(4, 8),
	ORACLE_P(8, 12),
	ORACLE_P(8, 13),
	ORACLE_P(4, 4),
	ORACLE_P(2, 1),
	ORACLE_P(0, 4),
	ORACLE_P(4, 0),
	ORACLE_P(12, 4),
	ORACLE_P(16, 12),
	ORACLE_P(20, 20),
	ORACLE_P(24, 8),
	ORACLE_P(1, 600),
	ORACLE_P(4, ORACLE_LIMIT / ORACLE_PAGE - 4),
	ORACLE_P(4, ORACLE_LIMIT / ORACLE_PAGE + 1),
	ORACLE_P(1UL << 16, 4),
	ORACLE_P((1UL << 52) - 1, 4),
	{8 * ORACLE_PAGE - 5, 8 * ORACLE_PAGE - 4000},
	{5, 5000},
	{~0UL, 4 * ORACLE_PAGE},
	{4 * ORACLE_PAGE, ~0UL},
};
static const unsigned long oracle_addrs[] = {
	0,
	5,
	4 * ORACLE_PAGE,
	7 * ORACLE_PAGE,
	9 * ORACLE_PAGE,
	12 * ORACLE_PAGE,
	16 * ORACLE_PAGE,
	18 * ORACLE_PAGE,
	24 * ORACLE_PAGE,
};
static const unsigned char oracle_flags[] = {0, 1, 2, 3, 4, 5, 7, 9};
static const unsigned long oracle_targets[] = {
	ORACLE_BASE + 40 * ORACLE_PAGE, /* free */
	ORACLE_BASE + 8 * ORACLE_PAGE,	/* between A and S, and over S */
	ORACLE_BASE + 12 * ORACLE_PAGE, /* S itself */
	ORACLE_BASE + 13 * ORACLE_PAGE, /* over S but for its first page */
	ORACLE_BASE + 26 * ORACLE_PAGE, /* in the middle of U */
	ORACLE_BASE + 40 * ORACLE_PAGE + 7, ORACLE_LIMIT - ORACLE_PAGE, ~0UL << 12,
};

#define ORACLE_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ORACLE_LENGTHS	    ORACLE_COUNT(oracle_lengths)
#define ORACLE_CASES                                                                \
	(ORACLE_LENGTHS * ORACLE_COUNT(oracle_addrs) * ORACLE_COUNT(oracle_flags) * \
	 ORACLE_COUNT(oracle_targets))

static inline struct oracle_call oracle_case(unsigned long n)
{
	struct oracle_call call;

	call.old_len = oracle_lengths[n % ORACLE_LENGTHS][0];
	call.new_len = oracle_lengths[n % ORACLE_LENGTHS][1];
	n /= ORACLE_LENGTHS;
	call.addr = ORACLE_BASE + oracle_addrs[n % ORACLE_COUNT(oracle_addrs)];
	n /= ORACLE_COUNT(oracle_addrs);
	call.flags = oracle_flags[n % ORACLE_COUNT(oracle_flags)];
	n /= ORACLE_COUNT(oracle_flags);
	call.new_addr = oracle_targets[n];
	return call;
}

/* ---- the answer ---- */

static inline unsigned long oracle_index(unsigned long addr)
{
	return (addr - ORACLE_BASE) / ORACLE_PAGE;
}

/* Pages from i on that belong to the mapping of page i. */
static inline unsigned long oracle_run(const struct oracle_page *page, unsigned long i)
{
	unsigned long n = 0;

	while (i + n < ORACLE_PAGES && page[i + n].vma == page[i].vma)
		n++;
	return n;
}

/* Is [addr, addr + pages) without a mapping? Outside the arena all is free. */
static inline int oracle_free(const struct oracle_page *page, unsigned long addr,
			      unsigned long pages)
{
	for (unsigned long i = 0; i < ORACLE_PAGES; i++) {
		unsigned long at = ORACLE_BASE + i * ORACLE_PAGE;

		if (page[i].vma && at >= addr && (at - addr) / ORACLE_PAGE < pages)
			return 0;
	}
	return 1;
}

static inline void oracle_set(struct oracle_page *page, unsigned long addr, char vma,
			      unsigned char mark)
{
	if (addr >= ORACLE_BASE && oracle_index(addr) < ORACLE_PAGES) {
		page[oracle_index(addr)].vma = vma;
		page[oracle_index(addr)].mark = mark;
	}
}

/* The arguments alone. */
static inline long oracle_arguments(const struct oracle_call *c, unsigned long old,
				    unsigned long new)
{
	if ((c->flags & ~7UL) || c->addr % ORACLE_PAGE || !new || new > ORACLE_LIMIT / ORACLE_PAGE)
		return -EINVAL;
	if (!(c->flags & (ORACLE_FIXED | ORACLE_DONTUNMAP)))
		return 0;
	if (c->new_addr % ORACLE_PAGE || c->new_addr > ORACLE_LIMIT - new *ORACLE_PAGE)
		return -EINVAL;
	if (!(c->flags & ORACLE_MAYMOVE))
		return -EINVAL;
	if ((c->flags & ORACLE_DONTUNMAP) && old != new)
		return -EINVAL;
	if (c->addr + old * ORACLE_PAGE > c->new_addr && c->new_addr + new *ORACLE_PAGE > c->addr)
		return -EINVAL;
	return 0;
}

/* Where the mapping will be, or why not. Says in *moves whether that is a new place. */
static inline long oracle_place(const struct oracle_page *page, const struct oracle_call *c,
				unsigned long old, unsigned long new, int *moves)
{
	unsigned long i = oracle_index(c->addr), run = oracle_run(page, i);
	unsigned long end = c->addr + run * ORACLE_PAGE;
	int placed = (c->flags & (ORACLE_FIXED | ORACLE_DONTUNMAP)) != 0;

	*moves = placed;
	if (!page[i].vma)
		return -EFAULT;
	if ((c->flags & ORACLE_FIXED) && old == new)
		return c->new_addr;
	if (placed || old < new) {
		if (!old && page[i].vma != 'S')
			return -EINVAL;
		if ((old < new ? old : new) > run)
			return -EFAULT;
	}
	if ((c->flags & ORACLE_FIXED) && c->addr - c->new_addr < new *ORACLE_PAGE)
		return -EFAULT; /* nothing is left to move */
	if (old > new &&old > (ORACLE_LIMIT - c->addr) / ORACLE_PAGE)
		return -EINVAL; /* no such range to cut off */
	if (!placed && old >= new)
		return c->addr;
	if (c->flags & ORACLE_FIXED)
		return c->new_addr;
	if (placed) /* the address is a hint */
		return c->new_addr && oracle_free(page, c->new_addr, new) ? (long)c->new_addr
									  : ORACLE_ANY;
	if (old == run && oracle_free(page, end, new - old) &&
	    new - old <= (ORACLE_LIMIT - end) / ORACLE_PAGE &&
	    (page[i].vma == 'S' || page[i].vma == 'R' || new < 1UL << 24))
		return c->addr;
	*moves = 1;
	if (!(c->flags & ORACLE_MAYMOVE) || new >= 1UL << 24)
		return -ENOMEM;
	return ORACLE_ANY;
}

/* The whole range moves as it is, mapping by mapping; what is free in it stays as it was. */
static inline void oracle_move_all(struct oracle_page *page, const struct oracle_call *c,
				   unsigned long pages)
{
	struct oracle_page before[ORACLE_PAGES];
	unsigned long i = oracle_index(c->addr);

	for (int k = 0; k < ORACLE_PAGES; k++)
		before[k] = page[k];
	for (unsigned long n = 0; n < pages && i + n < ORACLE_PAGES; n++) {
		struct oracle_page p = before[i + n];

		if (!p.vma)
			continue;
		oracle_set(page, c->new_addr + n * ORACLE_PAGE, p.vma, p.mark);
		if (!(c->flags & ORACLE_DONTUNMAP))
			oracle_set(page, c->addr + n * ORACLE_PAGE, 0, 0);
		else if (p.vma != 'S')
			page[i + n].mark = 0;
	}
}

/* One mapping moves, or stays and changes its size. */
static inline void oracle_move_one(struct oracle_page *page, const struct oracle_call *c,
				   unsigned long old, unsigned long new, long to, int moves)
{
	struct oracle_page before[ORACLE_PAGES];
	unsigned long i = oracle_index(c->addr);
	char vma = page[i].vma;

	for (int k = 0; k < ORACLE_PAGES; k++)
		before[k] = page[k];
	for (unsigned long n = moves ? 0 : new; n < old &&i + n < ORACLE_PAGES; n++) {
		if (!(c->flags & ORACLE_DONTUNMAP))
			oracle_set(page, c->addr + n * ORACLE_PAGE, 0, 0);
		else if (vma != 'S')
			page[i + n].mark = 0;
	}
	for (unsigned long n = moves ? 0 : old; n < new &&to != ORACLE_ANY &&n < 1024; n++) {
		unsigned long from = i + n;
		int had = n < old || (vma == 'S' && from < 16);

		oracle_set(page, to + n * ORACLE_PAGE, vma,
			   had		? before[from].mark
			   : vma == 'S' ? ORACLE_STRANGE
					: 0);
	}
}

/* The value of the call; the arena becomes what it is afterwards. */
static inline long oracle_answer(struct oracle_page *page, const struct oracle_call *c)
{
	unsigned long old = (c->old_len + ORACLE_PAGE - 1) / ORACLE_PAGE;
	unsigned long new = (c->new_len + ORACLE_PAGE - 1) / ORACLE_PAGE;
	long to = oracle_arguments(c, old, new);
	int moves = 0;

	if (!to)
		to = oracle_place(page, c, old, new, &moves);
	if (to < 0)
		return to;
	if ((c->flags & ORACLE_FIXED) && old == new)
		oracle_move_all(page, c, new);
	else
		oracle_move_one(page, c, old, new, to, moves);
	return to;
}

#endif
