/* SPDX-License-Identifier: MIT */
/*
 * Swap-in read-ahead, by virtual neighbourhood.
 *
 * A disk needs about as long for eight pages as for one. A process that misses one page in swap
 * often misses its neighbours next, and neighbours in the address space are what it goes through,
 * wherever in the device they lie. So a fault looks at the PTEs around its address, and begins to
 * read those that are swap entries of such a device too; it waits for its own page only.
 *
 *	PTEs:  ... | S | P | S | F | S | - | S | S | ...	F: the fault; S: in swap; P: present
 *	             \___________ window ____________/		aligned, inside the VMA and the page table
 *
 * How many. Pages that were read ahead carry PG_readahead until a fault finds them in the cache: a
 * hit. The window grows with the hits since the last read, up to 2^page_cluster, and shrinks to
 * half at a time when there are none; a fault next to the last one counts as a sign of order when
 * nothing was read ahead to hit. (The measure is Linux's; there it is kept for each VMA, here for
 * all: programs that are swapping at the same time are few.)
 *
 * Compressed RAM gets no read-ahead: a page costs the same whenever it is unpacked, and one that is
 * not wanted takes the frame of one that is.
 */
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

#define MAX_CLUSTER 5 /* page_cluster: at most so large */
#define MAX_WINDOW  (1U << MAX_CLUSTER)

int sysctl_page_cluster = 3;

static struct {
	atomic_t hits;	     /* since the last window was chosen */
	unsigned int window; /* the last one */
	unsigned long addr;  /* of the last fault */
} ra;

void swap_count_hit(struct page *page)
{
	if (!PageReadahead(page) || !TestClearPageReadahead(page))
		return;
	count_vm_event(SWAP_RA_HIT);
	atomic_inc(&ra.hits);
}

static unsigned int roundup_pow2(unsigned int n)
{
	unsigned int pow = 4;

	while (pow < n)
		pow *= 2;
	return pow;
}

/* Pages to read around a fault at addr, itself among them. Races make it a worse guess, no more. */
static unsigned int choose_window(unsigned long addr)
{
	unsigned int limit = 1U << clamp(READ_ONCE(sysctl_page_cluster), 0, MAX_CLUSTER);
	unsigned int hits = atomic_xchg(&ra.hits, 0), window = 1;
	unsigned long last = READ_ONCE(ra.addr);

	WRITE_ONCE(ra.addr, addr);
	if (hits)
		window = roundup_pow2(hits + 2);
	else if (addr == last + PAGE_SIZE || addr + PAGE_SIZE == last)
		window = 2;
	window = min(max(window, READ_ONCE(ra.window) / 2), limit);
	WRITE_ONCE(ra.window, window);
	return window;
}

/* Is the PTE an entry of a device where read-ahead pays? */
static bool worth_reading(pte_t pte, swp_entry_t *entry)
{
	if (!is_swap_pte(pte))
		return false;
	*entry = pte_to_swp_entry(pte);
	return is_swap_entry(*entry) && !swap_entry_device(*entry)->ops->in_memory;
}

/* The entries around addr. One that is stale when it is used reads a page in vain, no worse. */
static unsigned int neighbours(struct vm_area *vma, unsigned long addr, unsigned int window,
			       swp_entry_t *entries)
{
	unsigned long start = addr & ~(window * PAGE_SIZE - 1);
	unsigned long end = min(start + window * PAGE_SIZE, vma->vm_end);
	struct pgwalk walk;
	unsigned int n = 0;

	start = max(start, vma->vm_start);
	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		spinlock_t *ptl;
		pte_t *pte, *first;

		if (!pmd_table(pmdp_get(walk.pmd)))
			continue;
		first = pte = pte_lock_table(walk.pmd, walk.addr, &ptl);
		for (unsigned long at = walk.addr; at < walk.next; at += PAGE_SIZE, pte++)
			if (at != addr && worth_reading(ptep_get(pte), &entries[n]))
				n++;
		pte_unmap_unlock(first, ptl);
	}
	return n;
}

void swapin_begin(swp_entry_t entry)
{
	bool begun;
	struct page *page =
		swap_cache_get(entry, GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN, &begun);

	if (IS_ERR_OR_NULL(page))
		return;
	if (begun) {
		SetPageReadahead(page);
		count_vm_event(SWAP_RA);
	}
	put_page(page);
}

/* Begin to read what lies around addr. */
static void read_around(struct vm_area *vma, unsigned long addr, unsigned int window)
{
	swp_entry_t entries[MAX_WINDOW];
	unsigned int n = neighbours(vma, addr, window, entries);

	for (unsigned int i = 0; i < n; i++)
		swapin_begin(entries[i]);
}

struct page *swapin_readahead(swp_entry_t entry, struct vm_area *vma, unsigned long addr)
{
	struct page *page;
	unsigned int window;
	bool begun;

	if (swap_entry_device(entry)->ops->in_memory)
		return swapin(entry, GFP_HIGHUSER);
	page = swap_cache_get(entry, GFP_HIGHUSER, &begun);
	if (begun) {
		window = choose_window(addr);
		if (window > 1)
			read_around(vma, addr, window);
		swap_submit();
	}
	if (!IS_ERR_OR_NULL(page) && !PageUptodate(page))
		wait_on_page_locked(page);
	return page;
}
