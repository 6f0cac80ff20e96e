/* SPDX-License-Identifier: MIT */
/*
 * From a page to its anon_vma, when nothing keeps either in place.
 *
 * Reclaim comes to a page from an LRU list, and holds no lock of any process that maps it. The page
 * may be unmapped by the last of them at any moment, and its anon_vma freed: there is no lock to
 * take first, since the lock is in the very thing that may go.
 *
 *	this CPU				another CPU
 *	reads page->mapping: A
 *						unmaps the page, unlinks the VMA
 *						A: refcount 0, to the slab
 *						fork: A is another family's anon_vma
 *	takes a reference of A			... and this is what we would lock
 *
 * The slab is type-stable (SLAB_TYPESAFE_BY_RCU): under RCU, freed memory is still some anon_vma.
 * So:
 * read page->mapping, take a reference unless the count is zero, then look again. If the page is
 * still mapped, and still points there, then it was mapped all the time (ANON_VMA-LIVE), and what
 * we have a reference of is the right one.
 *
 * The loop: a page whose first user wrote to it while it was shared moves from the family's
 * anon_vma to the user's own (page_move_anon_rmap()). Who finds another home on the second look
 * asks again; one who found none has his answer, NULL.
 */
#include "kernel/rcu.h"
#include "kernel/sync_point.h"
#include "mm/anon_vma.h"
#include "mm/page.h"
#include "mm/sabotage.h"

static bool take_reference(struct anon_vma *anon_vma)
{
	if (sabotaged(lookup_dead)) {
		atomic_inc(&anon_vma->refcount);
		return true;
	}
	return atomic_inc_not_zero(&anon_vma->refcount);
}

/* Does the page still say what it said when the reference was taken? */
static bool still_at_home(struct page *page, struct anon_vma *anon_vma)
{
	if (sabotaged(lookup_once))
		return true;
	return page_mapped(page) && page_anon_vma(page) == anon_vma;
}

struct anon_vma *page_get_anon_vma(struct page *page)
{
	for (;;) {
		struct anon_vma *anon_vma;
		bool got;

		rcu_read_lock();
		anon_vma = page_anon_vma(page);
		got = anon_vma && page_mapped(page);
		SYNC_POINT(rmap_after_mapping_before_lock);
		got = got && take_reference(anon_vma);
		rcu_read_unlock();
		/* The reference orders: what is true now was true when we took it. */
		if (got && still_at_home(page, anon_vma))
			return anon_vma;
		if (got)
			put_anon_vma(anon_vma);
		/* Did the page find another home meanwhile? Then ask again. */
		if (!anon_vma || !page_mapped(page) || page_anon_vma(page) == anon_vma)
			return NULL;
	}
}

/* The lock is counted by the caller's half, in the header: it depends on what is returned. */
struct anon_vma *__page_lock_anon_vma_read(struct page *page)
{
	struct anon_vma *anon_vma = page_get_anon_vma(page);

	if (anon_vma) {
		anon_vma_lock_read(anon_vma);
		__release(&anon_vma->root->rwsem);
	}
	return anon_vma;
}

void page_unlock_anon_vma_read(struct anon_vma *anon_vma) __releases(&anon_vma->root->rwsem)
{
	anon_vma_unlock_read(anon_vma);
	put_anon_vma(anon_vma);
}
