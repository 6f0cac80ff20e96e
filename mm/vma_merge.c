/* SPDX-License-Identifier: MIT */
/*
 * Splitting and merging VMAs.
 *
 * Neighbours that could be one VMA should be one: the number of VMAs is limited, and each costs
 * memory and time at every fork. Whether two may become one is a question of their attributes, and
 * of their anonymous pages: page->index must stay right without touching a page. The cases, where P
 * and N are the VMAs before and after a range and r is the range that is to get the attributes
 * asked for:
 *
 *	the range is free (mmap, brk, mremap's new place)
 *
 *	  F1	PPPP rrrr NNNN	->  PPPPPPPPPPPPPP	P grows over r and N, N goes
 *	  F2	PPPP rrrr ....	->  PPPPPPPPP		P grows
 *	  F3	.... rrrr NNNN	->       NNNNNNNNN	N grows downward
 *
 *	the range is part of a VMA V that changes its attributes (mprotect, madvise, mlock)
 *
 *	  C1	PPPP [rr] NNNN	->  PPPPPPPPPPPPPP	all of V; P takes all, V and N go
 *	  C2	PPPP [rr] ....	->  PPPPPPPPP		all of V; V goes
 *	  C3	.... [rr] NNNN	->       NNNNNNNNN	all of V; V goes
 *	  C4	PPPP [rr|VVV]	->  PPPPPPPPP [VV]	the boundary moves up
 *	  C5	[VVV|rr] NNNN	->  [VVV] NNNNNNNNN	the boundary moves down
 *
 * The VMA that grows is called the target. What anonymous pages demand:
 *
 *   - Both faulted: the same anon_vma (so the same chain, CHAIN-EQUAL), and anonymous indices that
 *     run on from one to the other.
 *   - One unfaulted: it has no pages, so its index is free to be anything. It is re-based to run on
 *     from the faulted one. But only if that one's chain is a single anon_vma: otherwise the
 *     unfaulted part would be tied to a family of processes that never saw it. And the index must
 *     not fall below 0.
 *   - Both unfaulted: always; the index of the result is its virtual page number.
 *
 * A target that is unfaulted gets the chain of a faulted part: the AVCs of a VMA that goes are
 * handed over; if the faulted part stays (C4, C5, and mremap's source), they are copied, out of
 * memory got before the locks. A merge that forgets this leaves pages in a VMA that their anon_vma
 * does not know, and the anon_vma is freed under them (CVE-2026-23077).
 *
 * Merging is an optimisation: when memory for it is short, it is simply not done.
 */
#include "kernel/sync_point.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/changes.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/sabotage.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"

/* Indices travel with vm_start. */
void vma_set_range(struct vm_area *vma, unsigned long start, unsigned long end)
{
	long delta = ((long)start - (long)vma->vm_start) >> PAGE_SHIFT;

	VM_BUG_ON_VMA(start >= end, vma);
	change_vma(CHANGE_VMA_WAS, vma);
	vma->anon_pgoff += delta;
	if (vma->vm_file)
		vma->vm_pgoff += delta;
	SYNC_POINT(update_between_start_and_pgoff);
	WRITE_ONCE(vma->vm_start, start);
	WRITE_ONCE(vma->vm_end, end);
	change_vma(CHANGE_VMA_IS, vma);
}

/* ------------------------------------------------------------------------------------- split */

int vma_split_reserve(struct vma_split *s, struct mm *mm, unsigned int links)
{
	s->new = NULL;
	if (anon_vma_chain_reserve(&s->avcs, links))
		return -ENOMEM;
	s->new = vm_area_alloc(mm);
	if (s->new)
		return 0;
	anon_vma_chain_release(&s->avcs);
	return -ENOMEM;
}

int vma_split_prepare(struct vma_split *s, struct vm_area *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
	return vma_split_reserve(s, vma->vm_mm, anon_vma_chain_length(vma));
}

void vma_split_abort(struct vma_split *s)
{
	if (!s->new)
		return;
	anon_vma_chain_release(&s->avcs);
	vm_area_free(s->new);
	s->new = NULL;
}

struct vm_area *vma_split_commit(struct vma_split *s, struct vm_area *vma, unsigned long addr)
{
	struct vm_area *new = s->new;
	struct vma_update u = {.vma = {vma}, .insert = new};

	VM_BUG_ON_VMA(addr <= vma->vm_start || addr >= vma->vm_end, vma);
	vm_area_init_copy(new, vma);
	vma_set_range(new, addr, vma->vm_end);
	if (new->vm_file)
		vm_file_get(new->vm_file);

	vma_update_spoil(&u, sabotaged(reindex_not_split));
	vma_update_begin(&u);
	vma_set_range(vma, vma->vm_start, addr);
	if (vma->anon_vma && !sabotaged(chain_not_split))
		anon_vma_chain_copy(new, vma, &s->avcs);
	vma_update_end(&u);

	if (new->vm_ops &&new->vm_ops->open)
		new->vm_ops->open(new);
	anon_vma_chain_release(&s->avcs);
	s->new = NULL;
	return new;
}

int split_vma(struct vm_area *vma, unsigned long addr)
{
	struct vma_split s;

	if (vma->vm_mm->map_count >= sysctl_max_map_count)
		return -ENOMEM;
	if (vma_split_prepare(&s, vma))
		return -ENOMEM;
	vma_split_commit(&s, vma, addr);
	return 0;
}

static bool resize_sabotaged(struct vm_area *vma, unsigned long start, unsigned long end)
{
	if (start < vma->vm_start)
		return sabotaged(reindex_not_stack);
	if (end > vma->vm_end)
		return sabotaged(reindex_not_expand);
	return sabotaged(reindex_not_shrink);
}

void vma_resize(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct vma_update u = {.vma = {vma}};

	vma_update_spoil(&u, resize_sabotaged(vma, start, end));
	vma_update_begin(&u);
	vma_set_range(vma, start, end);
	SYNC_POINT(expand_between_start_and_index);
	vma_update_end(&u);
}

/* ------------------------------------------------------------------------ may two be merged? */

/* One side of a possible seam: where its pages' chain is, and how its indices run. */
struct anon_side {
	struct vm_area *chain; /* VMA with the chain, NULL: unfaulted */
	unsigned long start;   /* address, and its anonymous index */
	unsigned long pgoff;
};

static struct anon_side side_of_vma(struct vm_area *vma)
{
	return (struct anon_side){vma->anon_vma ? vma : NULL, vma->vm_start, vma->anon_pgoff};
}

static struct anon_side side_of_range(const struct vma_merge *m)
{
	return (struct anon_side){m->anon_vma ? (m->vma ? m->vma : m->copied_from) : NULL, m->start,
				  m->anon_pgoff};
}

/* CHAIN-EQUAL: the anon_vma tells the whole chain. */
static bool same_chain(struct vm_area *a, struct vm_area *b)
{
	return a->anon_vma == b->anon_vma || sabotaged(merge_any_chain);
}

/*
 * Nobody's pages are in it but the process's own: it was not forked, or the VMA is new since then.
 * That it has children itself does not matter, they do not know of what is mapped now.
 */
static bool chain_is_private(struct vm_area *vma)
{
	return list_is_singular(&vma->anon_vma_chain) || sabotaged(merge_forked_chain);
}

/* May the two be one, lower and upper side of a seam or of two seams with something between? */
static bool sides_compatible(struct anon_side lower, struct anon_side upper)
{
	unsigned long distance = (upper.start - lower.start) >> PAGE_SHIFT;

	if (lower.chain && upper.chain)
		return same_chain(lower.chain, upper.chain) &&
		       (lower.pgoff + distance == upper.pgoff || sabotaged(merge_any_index));
	if (lower.chain)
		return chain_is_private(lower.chain);
	if (upper.chain)
		return chain_is_private(upper.chain) && upper.pgoff >= distance;
	return true;
}

/* `at` is where the neighbour meets the range, `pgoff` the file index there. */
static bool attributes_match(const struct vma_merge *m, struct vm_area *neighbour, unsigned long at,
			     unsigned long pgoff)
{
	return !((neighbour->vm_flags ^ m->flags) & ~VM_STICKY) && neighbour->vm_file == m->file &&
	       neighbour->vm_ops == m->ops && !(m->ops && m->ops->close) &&
	       (!m->file || linear_page_index(neighbour, at) == pgoff);
}

static bool can_merge_prev(const struct vma_merge *m)
{
	return m->prev && m->prev->vm_end == m->start &&
	       attributes_match(m, m->prev, m->start, m->pgoff) &&
	       sides_compatible(side_of_vma(m->prev), side_of_range(m));
}

static bool can_merge_next(const struct vma_merge *m)
{
	unsigned long pages = (m->end - m->start) >> PAGE_SHIFT;

	return m->next && m->next->vm_start == m->end &&
	       attributes_match(m, m->next, m->end, m->pgoff + pages) &&
	       sides_compatible(side_of_range(m), side_of_vma(m->next));
}

/* ------------------------------------------------------------------------------------- merge */

/* What is going to be done, decided before anything is. */
struct merge_plan {
	struct vm_area *target;
	unsigned long start, end;   /* of the target, afterwards */
	unsigned long anon_pgoff;   /* of the target, afterwards */
	unsigned long sticky;	    /* VM_STICKY flags of its parts */
	struct vm_area *shrink;	    /* V when it loses the range to the target (C4, C5), or NULL */
	struct vm_area *chain_from; /* whose chain the target gets, or NULL */
	bool chain_moves;	    /* ... which goes, so that its AVCs are handed over */
	struct list_head avcs;
	struct vma_update u;
};

/*
 * The index of the target follows from any faulted part; without one it is the virtual page number.
 */
static void plan_index(struct merge_plan *p, struct anon_side side)
{
	if (side.chain)
		p->anon_pgoff = side.pgoff - ((side.start - p->start) >> PAGE_SHIFT);
}

static void plan_chain(struct merge_plan *p, struct vm_area *from, bool goes)
{
	if (p->target->anon_vma || !from || !from->anon_vma || from == p->target)
		return;
	if (sabotaged(chain_not_merged))
		return;
	if (p->chain_from && (p->chain_moves || !goes))
		return;
	p->chain_from = from;
	p->chain_moves = goes;
}

static bool plan_merge(struct vma_merge *m, struct merge_plan *p)
{
	bool prev = can_merge_prev(m), next = can_merge_next(m);
	bool whole = m->vma && m->start == m->vma->vm_start && m->end == m->vma->vm_end;
	int nr = 0, gone = 0;

	if (prev && next && !sides_compatible(side_of_vma(m->prev), side_of_vma(m->next)) &&
	    !sabotaged(merge_over_gap))
		next = false;
	if (m->vma && !whole && prev && m->end != m->vma->vm_end)
		next = false;
	if (!prev && !next)
		return false;

	*p = (struct merge_plan){.target = prev ? m->prev : m->next,
				 .sticky = m->flags & VM_STICKY};
	p->start = prev ? m->prev->vm_start : m->start;
	p->end = next ? m->next->vm_end : m->end;
	p->anon_pgoff = p->start >> PAGE_SHIFT;
	if (prev)
		plan_index(p, side_of_vma(m->prev));
	if (next)
		plan_index(p, side_of_vma(m->next));
	plan_index(p, side_of_range(m));

	p->u.vma[nr++] = p->target;
	if (m->vma) {
		p->u.vma[nr++] = m->vma;
		if (whole)
			p->u.remove[gone++] = m->vma;
		else
			p->shrink = m->vma;
		plan_chain(p, m->vma, whole);
	}
	if (prev && next) {
		p->u.vma[nr++] = m->next;
		p->u.remove[gone++] = m->next;
		p->sticky |= m->next->vm_flags & VM_STICKY;
		plan_chain(p, m->next, true);
	}
	plan_chain(p, m->copied_from, false);
	return true;
}

static void commit_ranges(const struct vma_merge *m, struct merge_plan *p)
{
	if (p->shrink) {
		if (m->start == p->shrink->vm_start)
			vma_set_range(p->shrink, m->end, p->shrink->vm_end);
		else
			vma_set_range(p->shrink, p->shrink->vm_start, m->start);
	}
	vma_set_range(p->target, p->start, p->end);
	p->target->anon_pgoff = p->anon_pgoff;
	if (p->sticky & ~p->target->vm_flags && !sabotaged(guard_not_sticky))
		WRITE_ONCE(p->target->vm_flags, p->target->vm_flags | p->sticky);
}

/* Which of the switches would leave the keys of this merge as they are? */
static bool merge_sabotaged(const struct merge_plan *p)
{
	if (p->shrink)
		return sabotaged(reindex_not_adjust);
	return p->u.remove[0] ? sabotaged(reindex_not_merge) : sabotaged(reindex_not_expand);
}

static void commit_merge(const struct vma_merge *m, struct merge_plan *p)
{
	/* The source of mremap is not in the update, but its root is the one that matters. */
	if (p->chain_from && !sabotaged(lock_not_second))
		p->u.anon_vma = p->chain_from->anon_vma;
	if (!p->chain_from)
		vma_update_spoil(&p->u, merge_sabotaged(p));
	vma_update_begin(&p->u);
	commit_ranges(m, p);
	if (p->chain_from && p->chain_moves)
		anon_vma_chain_move(p->target, p->chain_from);
	else if (p->chain_from)
		anon_vma_chain_copy(p->target, p->chain_from, m->avcs ? m->avcs : &p->avcs);
	SYNC_POINT(merge_after_set_anon_vma);
	vma_update_end(&p->u);
}

static void free_removed(struct merge_plan *p)
{
	for (int i = 0; i < (int)ARRAY_SIZE(p->u.remove) && p->u.remove[i]; i++) {
		if (p->u.remove[i]->vm_file)
			vm_file_put(p->u.remove[i]->vm_file);
		vm_area_free(p->u.remove[i]);
	}
}

struct vm_area *vma_merge(struct vma_merge *m)
{
	struct merge_plan p;
	unsigned int links = 0;

	mmap_assert_write_locked(m->mm);
	if (m->flags & VM_SPECIAL)
		return NULL;
	if (!plan_merge(m, &p))
		return NULL;
	if (p.chain_from && !p.chain_moves && !m->avcs)
		links = anon_vma_chain_length(p.chain_from);
	if (anon_vma_chain_reserve(&p.avcs, links))
		return NULL;
	commit_merge(m, &p);
	free_removed(&p);
	validate_mm(m->mm);
	return p.target;
}

/* --------------------------------------------------------------------------- change of flags */

/* Up to two splits, both prepared before the first is made. */
struct vm_area *vma_isolate(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct vma_split below = {NULL}, above = {NULL};
	int splits = (start > vma->vm_start) + (end < vma->vm_end);

	if (splits && vma->vm_mm->map_count + splits > sysctl_max_map_count)
		return ERR_PTR(-ENOMEM);
	if (start > vma->vm_start && vma_split_prepare(&below, vma))
		return ERR_PTR(-ENOMEM);
	if (end < vma->vm_end && vma_split_prepare(&above, vma)) {
		vma_split_abort(&below);
		return ERR_PTR(-ENOMEM);
	}
	if (start > vma->vm_start)
		vma = vma_split_commit(&below, vma, start);
	if (end < vma->vm_end)
		vma_split_commit(&above, vma, end);
	return vma;
}

struct vm_area *vma_modify_flags(struct vm_area *vma, unsigned long start, unsigned long end,
				 unsigned long flags)
{
	struct vma_merge m = {
		.mm = vma->vm_mm,
		.prev = start == vma->vm_start ? vma_prev(vma) : NULL,
		.vma = vma,
		.next = end == vma->vm_end ? vma_next(vma) : NULL,
		.start = start,
		.end = end,
		.flags = flags,
		.pgoff = linear_page_index(vma, start),
		.anon_pgoff = linear_anon_index(vma, start),
		.file = vma->vm_file,
		.ops = vma->vm_ops,
		.anon_vma = vma->anon_vma,
	};
	struct vm_area *merged = vma_merge(&m);

	if (merged)
		return merged;
	vma = vma_isolate(vma, start, end);
	if (IS_ERR(vma))
		return vma;
	WRITE_ONCE(vma->vm_flags, flags);
	change_vma(CHANGE_VMA_FLAGS, vma);
	vma_set_page_prot(vma);
	validate_mm(vma->vm_mm);
	return vma;
}

/* ------------------------------------------------------------------------ mremap's new place */

/*
 * OLD-BEFORE-NEW: a walk goes up the order of (index, insertion). A new VMA has an index not below
 * the old one's and is inserted after it, so a walk comes to it later. One that grew by merging has
 * been there before; it comes first if its index is lower, or if it is the same VMA. The list of
 * `rmap=list` has no such order at all.
 */
static bool new_comes_first(struct vm_area *old, struct vm_area *new)
{
	if (sabotaged(mremap_never_locks))
		return false;
	if (anon_rmap_list)
		return true;
	return new->anon_pgoff <= old->anon_pgoff ||
	       (old->vm_file && new->vm_pgoff <= old->vm_pgoff);
}

static struct vm_area *copy_vma_new(struct vm_area *vma, const struct vma_merge *m,
				    struct vma_split *memory)
{
	struct vm_area *new = memory->new;

	memory->new = NULL;
	vm_area_init_copy(new, vma);
	new->vm_start = m->start;
	new->vm_end = m->end;
	new->vm_flags = m->flags; /* VM_LOCKED may differ: no change of vm_page_prot */
	new->vm_pgoff = m->pgoff;
	new->anon_pgoff = m->anon_pgoff;
	anon_vma_clone(new, vma, m->avcs);
	if (new->vm_file)
		vm_file_get(new->vm_file);
	if (new->vm_ops &&new->vm_ops->open)
		new->vm_ops->open(new);
	insert_vma(vma->vm_mm, new);
	validate_mm(vma->vm_mm);
	return new;
}

int copy_vma_reserve(struct vma_split *memory, struct vm_area *vma)
{
	return vma_split_reserve(memory, vma->vm_mm, max(anon_vma_chain_length(vma), 1u));
}

struct vm_area *copy_vma(struct vma_split *memory, struct vm_area **vmap, unsigned long old_addr,
			 unsigned long addr, unsigned long len, unsigned long flags,
			 bool *need_rmap_locks)
{
	struct vm_area *vma = *vmap, *new;
	struct vma_merge m = {
		.mm = vma->vm_mm,
		.start = addr,
		.end = addr + len,
		.flags = flags,
		.pgoff = vma->vm_file ? linear_page_index(vma, old_addr) : 0,
		.anon_pgoff = linear_anon_index(vma, old_addr),
		.file = vma->vm_file,
		.ops = vma->vm_ops,
		.anon_vma = vma->anon_vma,
		.copied_from = vma,
		.avcs = &memory->avcs,
	};

	/*
	 * No page has the old index yet: the copy starts anew, and can merge with where it comes
	 * to.
	 */
	if (!vma->anon_vma && !sabotaged(rebase_not_unfaulted))
		m.anon_pgoff = addr >> PAGE_SHIFT;
	if (sabotaged(rebase_faulted))
		m.anon_pgoff = addr >> PAGE_SHIFT;
	m.next = find_vma_prev(vma->vm_mm, addr, &m.prev);

	new = vma_merge(&m);
	if (!new) {
		*need_rmap_locks = anon_rmap_list;
		new = copy_vma_new(vma, &m, memory);
		anon_vma_chain_release(&memory->avcs);
		return new;
	}
	vma_split_abort(memory);
	/* Did the source itself grow, or was it swallowed? */
	if (old_addr >= new->vm_start && old_addr < new->vm_end)
		*vmap = vma = new;
	*need_rmap_locks = new_comes_first(vma, new);
	return new;
}
