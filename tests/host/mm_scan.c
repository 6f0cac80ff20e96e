/* SPDX-License-Identifier: MIT */
/*
 * The quick audit. See mm_scan.h.
 *
 * mm/audit.c walks the reverse map once for each PTE, because it runs beside others and may keep no
 * list. Here nothing else runs, so the same is proved with one walk for each page, by counting:
 *
 *	scan all page tables	  F(page): PTEs that map it
 *	walk once for each page	  R(page): PTEs that the walk finds, each in another VMA, each looked at
 *
 * What a walk finds is among what the scan saw; so if R equals F, and both the mapcount, the two sets
 * are equal. A page that fifty processes share costs one walk instead of fifty. Swap slots are counted
 * the same way: as many entries as the swap map says.
 *
 * It is written independently of mm/audit.c; the random tests use both.
 */
#include "tests/host/mm_scan.h"
#include "arch/x86_64/pgtable.h"
#include "mm/anon_vma.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "tests/host/test.h"

#define SLOTS	   (1u << 16)  /* of the table; a power of two */
#define SWAP_TALLY (1UL << 63) /* this bit tells a swap entry's key from a frame number */

struct tally {
	unsigned long key;
	unsigned int scan; /* the scan that wrote it: older ones are empty */
	int count;
};

static struct tally tallies[SLOTS];
static unsigned int used[SLOTS / 2], nr_used, this_scan;

/* A test has failed: what, and where. */
static void differ(const struct vm_area *vma, unsigned long addr, const char *what)
{
	test_fail(__FILE__, __LINE__, "%s: VMA [%lx, %lx), address %lx", what, vma->vm_start,
		  vma->vm_end, addr);
}

static void count_one(unsigned long key)
{
	unsigned int i = (unsigned int)(key * 0x9e3779b97f4a7c15UL >> 40) % SLOTS;

	while (tallies[i].scan == this_scan && tallies[i].key != key)
		i = (i + 1) % SLOTS;
	if (tallies[i].scan != this_scan) {
		CHECK(nr_used < SLOTS / 2);
		used[nr_used++] = i;
		tallies[i] = (struct tally){.key = key, .scan = this_scan};
	}
	tallies[i].count++;
}

/* ---- the scan ---- */

static bool chain_has(struct vm_area *vma, struct anon_vma *anon_vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == anon_vma)
			return true;
	return false;
}

static void scan_page(struct vm_area *vma, unsigned long addr, pte_t pte, struct page *page)
{
	if (!PageAnon(page)) {
		if (!vma->vm_file || vma->vm_file->mapping != page->mapping)
			differ(vma, addr, "a page of another file");
		if (page->index != linear_page_index(vma, addr))
			differ(vma, addr, "a page of another place in the file");
		return;
	}
	if (!chain_has(vma, page_anon_vma(page)))
		differ(vma, addr, "PAIR: the page's anon_vma is not in the VMA's chain");
	if (page->index != linear_anon_index(vma, addr))
		differ(vma, addr, "PAIR: the page has another index than its address");
	if (pte_write(pte) && !PageAnonExclusive(page))
		differ(vma, addr, "EXCLUSIVE: a page that is not exclusive can be written");
	if (PageAnonExclusive(page) && page_mapcount(page) != 1)
		differ(vma, addr, "EXCLUSIVE: an exclusive page has several mappings");
}

static void scan_pte(struct vm_area *vma, unsigned long addr, pte_t pte, long *rss)
{
	struct page *page;

	if (is_guard_pte(pte)) {
		if (!(vma->vm_flags & VM_MAYBE_GUARD))
			differ(vma, addr, "a guard that fork would not find");
		return;
	}
	if (!pte_present(pte)) {
		if (!is_swap_entry(pte_to_swp_entry(pte)))
			differ(vma, addr, "a migration entry is left");
		count_one(pte_to_swp_entry(pte).val | SWAP_TALLY);
		rss[MM_SWAPENTS]++;
		return;
	}
	page = vm_normal_page(pte);
	if (!page)
		return;
	rss[mm_counter_of(page)]++;
	count_one(page_to_pfn(page));
	scan_page(vma, addr, pte, page);
}

static void scan_vma(struct vm_area *vma, long *rss)
{
	struct pgwalk walk;

	for_each_pmd(&walk, vma->vm_mm, vma->vm_start, vma->vm_end)
	{
		pte_t *pte = pte_offset(walk.pmd, walk.addr);

		for (; walk.addr < walk.next; walk.addr += PAGE_SIZE, pte++)
			if (!pte_none(ptep_get(pte)))
				scan_pte(vma, walk.addr, ptep_get(pte), rss);
	}
}

static void scan_mm(struct mm *mm)
{
	long rss[NR_MM_COUNTERS] = {0};
	struct vm_area *vma;

	mmap_read_lock(mm);
	validate_mm(mm);
	for_each_vma (mm, vma)
		scan_vma(vma, rss);
	mmap_read_unlock(mm);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		CHECK_EQ(atomic_long_read(&mm->rss_stat[i]), rss[i]);
}

/* ---- the walks ---- */

static bool found_one(struct page *page, struct vm_area *vma, unsigned long addr, void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);

	if (pte) {
		pte_unmap_unlock(pte, ptl);
		++*(int *)arg;
	}
	return true;
}

static void check_page_tally(struct page *page, int mapped)
{
	int found = 0;
	struct rmap_walk_control rwc = {.rmap_one = found_one, .arg = &found};

	CHECK_EQ(page_mapcount(page), mapped);
	CHECK(page_count(page) >= mapped);
	CHECK(trylock_page(page));
	rmap_walk(page, &rwc);
	unlock_page(page);
	if (found != mapped)
		test_fail(__FILE__, __LINE__,
			  "RMAP-COMPLETE: %d PTEs map a page (index %lx), the walk finds %d",
			  mapped, page->index, found);
}

void scan_everything(void)
{
	struct mm *mm;

	this_scan++;
	nr_used = 0;
	list_for_each_entry (mm, &mmlist, mmlist)
		scan_mm(mm);
	for (unsigned int i = 0; i < nr_used; i++) {
		struct tally *t = &tallies[used[i]];

		if (t->key & SWAP_TALLY)
			CHECK_EQ(swap_entry_count((swp_entry_t){t->key & ~SWAP_TALLY}), t->count);
		else
			check_page_tally(pfn_to_page(t->key), t->count);
	}
}
