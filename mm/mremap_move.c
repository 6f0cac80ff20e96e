/* SPDX-License-Identifier: MIT */
/*
 * mremap: moving a mapping.
 *
 *	r->addr					r->new_addr
 *	   [ A | aaaa ]  hole  [ bbb ]	  ->	   [ aaaa ]  hole  [ bbb ]
 *		part		 part
 *
 * Moving does not touch a page: its anon_vma and index stay, the VMA takes its anonymous index
 * along. An unfaulted VMA has no page, so it takes the index of where it comes to, and can merge
 * there.
 *
 * All or nothing. A move has many steps, each of which wants memory: unmapping what is at the new
 * place, cutting off what is to shrink, a VMA with its chain at the new place, page tables there,
 * cutting out the old range (which may turn out to be the middle of a VMA, when the copy merged
 * with its own source). All of it is reserved for all parts before the first thing changes:
 *
 *	reserve		per part: VMAs and chain links for three cuts and a copy; page tables
 *			at last, what stays (DONTUNMAP) and is locked is cut out of its VMA, to be
 *			unlocked; until then the pieces can merge again, which needs no memory
 *	commit		unlock what stays; then per part: unmap the new place, cut the tail, copy
 *			the VMA, move the page-table entries, unmap the old place. Nothing can fail
 *
 * A reserve must fit although the layout changes between: earlier parts leave, arrive, and merge
 * with neighbours. What holds is that a VMA only gets a chain by a merge if it had none, and then
 * one of a single link; and that new places are in order, so that no part arrives above one that is
 * still to come.
 */
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/mremap.h"
#include "mm/pgmove.h"
#include "mm/sabotage.h"
#include "mm/slab.h"
#include "mm/vma_internal.h"

/* What moves of one VMA. Not yet got: zero. */
struct move_part {
	struct move_part *next;
	unsigned long addr, old_len, new_addr, new_len; /* old_len may be 0: a second mapping */
	unsigned long flags;				/* vm_flags of the new VMA */
	struct vma_unmap target, tail, source;		/* of these, what must go */
	struct vma_split copy;
	bool cut_out; /* the old VMA is of this part alone, to become unlocked */
};

struct move {
	struct mremap *r;
	struct move_part *parts;
	bool replaces; /* something is mapped at a new place */
	struct list_head tables;
	unsigned long promised; /* pages, for all parts */
};

/* Is the old mapping unmapped when all is done? */
static bool source_goes(const struct move *m, const struct move_part *p)
{
	return p->old_len && !(m->r->flags & MREMAP_DONTUNMAP);
}

/* ----------------------------------------------------------------------------------- reserve */

/* The range of a part, in vma. */
static void part_init(struct move_part *p, const struct mremap *r, const struct vm_area *vma)
{
	p->addr = max(r->addr, vma->vm_start);
	p->new_addr = p->addr - r->addr + r->new_addr;
	p->old_len = r->old_len;
	p->new_len = r->new_len;
	if (mremap_keeps_size(r))
		p->old_len = p->new_len = min(r->addr + r->old_len, vma->vm_end) - p->addr;
	p->flags = vma->vm_flags;
}

/*
 * Will something be unmapped before the page-table entries of a part move, maybe together with
 * tables that are at the new place now?
 */
static bool tables_may_go(const struct move *m)
{
	return m->replaces || m->parts->next || m->r->old_len > m->r->new_len;
}

/*
 * What is at the new place. A VMA there may come to reach over both its ends, and then has to be cut
 * in two: when the part before arrives and merges with it, and when the old VMA beside the new place
 * is unlocked (DONTUNMAP) and merges with it:
 *
 *	[ aaaaaaaaa ][ old, locked ]   ->   [ aaaaaaaaaaaaaaaaaaaaaa ]
 *	      [ new ]				  [ new ]
 *
 * Nothing arrives above the new place. So whatever such a VMA is made of, what is mapped right behind
 * it now is part of it, and has its chain, or one of a single link.
 */
static int reserve_target(struct move *m, struct move_part *p)
{
	unsigned long end = p->new_addr + p->new_len;
	struct vm_area *vma = vma_lookup(m->r->mm, end);
	int err = 0;

	p->target.mm = m->r->mm;
	if (range_is_sealed(m->r->mm, p->new_addr, end))
		return -EPERM;
	if (vma)
		err = vma_unmap_reserve(&p->target, vma);
	p->target.start = p->new_addr;
	p->target.end = end;
	return err;
}

static int reserve_part(struct move *m, struct move_part *p)
{
	struct mm *mm = m->r->mm;
	struct vm_area *vma = vma_lookup(mm, p->addr);
	unsigned long moving = min(p->old_len, p->new_len), end = p->addr + p->old_len;
	int err = 0;

	if (m->replaces)
		err = reserve_target(m, p);
	if (!err && moving < p->old_len)
		err = vma_unmap_prepare(&p->tail, mm, p->addr + moving, end);
	if (!err && source_goes(m, p))
		err = vma_unmap_reserve(&p->source, vma);
	if (!err)
		err = copy_vma_reserve(&p->copy, vma);
	if (!err)
		err = move_tables_reserve(vma, p->addr, p->new_addr, moving, tables_may_go(m),
					  &m->tables);
	return err;
}

/* For the time of the move there are both mappings; unmapping the old one pays back. */
static int reserve_promise(struct move *m)
{
	unsigned long pages = 0, ending = 0;

	for (struct move_part *p = m->parts; p; p = p->next) {
		if (p->flags & VM_ACCOUNT)
			pages += p->new_len >> PAGE_SHIFT;
		if (m->replaces)
			ending += vma_promised_pages(m->r->mm, p->new_addr, p->new_len);
	}
	if (vm_enough_memory_instead(m->r->mm, pages, ending))
		return -ENOMEM;
	m->promised = pages;
	return 0;
}

/*
 * An old VMA that stays loses its pages, and so what it was locked for. The part that moves is cut
 * out of it: a VMA of its own changes its flags without memory, whatever it merges with then.
 */
static int cut_out_source(struct move *m, struct move_part *p)
{
	struct vm_area *vma;

	if (source_goes(m, p) || !p->old_len || !(p->flags & VM_LOCKED))
		return 0;
	vma = vma_isolate(vma_lookup(m->r->mm, p->addr), p->addr, p->addr + p->old_len);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	p->cut_out = true;
	return 0;
}

static void set_source_flags(struct move *m, struct move_part *p, unsigned long flags)
{
	struct vm_area *vma = vma_lookup(m->r->mm, p->addr);

	/* When the parts merge again, the one before may have taken this one along. */
	if (vma->vm_start != p->addr || vma->vm_end != p->addr + p->old_len)
		return;
	vma = vma_modify_flags(vma, p->addr, p->addr + p->old_len, flags);
	VM_BUG_ON(IS_ERR(vma));
}

/* What was just split merges again. */
static void rejoin_source(struct move *m, struct move_part *p)
{
	if (p->cut_out)
		set_source_flags(m, p, p->flags);
}

/* The flags of the others differ until it is their turn: it is still a VMA of its own. */
static void unlock_source(struct move *m, struct move_part *p)
{
	if (!p->cut_out)
		return;
	set_source_flags(m, p, p->flags & ~VM_LOCKED_MASK);
	VM_BUG_ON(vma_lookup(m->r->mm, p->addr)->vm_flags & VM_LOCKED);
	m->r->mm->locked_vm -= p->old_len >> PAGE_SHIFT;
}

static void release_part(struct move *m, struct move_part *p)
{
	rejoin_source(m, p);
	vma_unmap_abort(&p->target);
	vma_unmap_abort(&p->tail);
	vma_unmap_abort(&p->source);
	vma_split_abort(&p->copy);
}

static int reserve_all(struct move *m)
{
	int err = 0;

	for (struct move_part *p = m->parts; p && !err; p = p->next)
		err = reserve_part(m, p);
	if (!err)
		err = reserve_promise(m);
	for (struct move_part *p = m->parts; p && !err; p = p->next)
		err = cut_out_source(m, p);
	if (!err)
		return 0;
	for (struct move_part *p = m->parts; p; p = p->next)
		release_part(m, p);
	vm_unacct_memory(m->promised);
	return err;
}

/* ------------------------------------------------------------------------------------ commit */

/* What the new place has, beside the promise. */
static void account_new(struct mremap *r, const struct move_part *p)
{
	vm_stat_account(r->mm, p->flags, p->new_len >> PAGE_SHIFT);
	if (!(p->flags & VM_LOCKED))
		return;
	r->mm->locked_vm += p->new_len >> PAGE_SHIFT;
	if (p->new_len > p->old_len) {
		r->populate_start = p->new_addr + p->old_len;
		r->populate_len = p->new_len - p->old_len;
	}
}

/*
 * The old VMA stays, without a page. If all of it moved, it has nothing to do with its anon_vma any
 * more. It is unfaulted then, and its index is free again.
 */
static void leave_empty(const struct move_part *p, struct vm_area *vma, struct vm_area *new)
{
	if (vma == new || vma->vm_start != p->addr || vma->vm_end != p->addr + p->old_len ||
	    !vma->anon_vma)
		return;
	if (sabotaged(dontunmap_linked))
		return;
	unlink_anon_vmas(vma);
	vma->anon_pgoff = vma->vm_start >> PAGE_SHIFT;
	validate_mm(vma->vm_mm);
}

static void commit_part(struct move *m, struct move_part *p)
{
	struct mm *mm = m->r->mm;
	bool need_rmap_locks;
	struct vm_area *vma, *new;

	if (m->replaces)
		vma_unmap_commit(&p->target);
	if (p->new_len < p->old_len) {
		vma_unmap_commit(&p->tail);
		p->old_len = p->new_len;
	}
	vma = vma_lookup(mm, p->addr);
	new = copy_vma(&p->copy, &vma, p->addr, p->new_addr, p->new_len, p->flags,
		       &need_rmap_locks);
	move_page_tables(vma, p->addr, new, p->new_addr, p->old_len, need_rmap_locks, &m->tables);
	account_new(m->r, p);
	if (source_goes(m, p)) {
		p->source.start = p->addr;
		p->source.end = p->addr + p->old_len;
		vma_unmap_commit(&p->source);
	} else if (p->old_len) {
		leave_empty(p, vma, new);
	}
}

/*
 * While a part moves it counts twice, at the old and at the new place, which nobody shall take for
 * the most that the process ever had.
 */
static void commit_all(struct move *m)
{
	struct mm *mm = m->r->mm;
	unsigned long hiwater = mm->hiwater_vm;

	for (struct move_part *p = m->parts; p; p = p->next)
		commit_part(m, p);
	mm->hiwater_vm = max(hiwater, mm->total_vm);
}

/* --------------------------------------------------------------------------------- the parts */

/* A part for each VMA; the first has its memory already. */
static int list_parts(struct move *m, struct move_part *first)
{
	struct mremap *r = m->r;
	struct vm_area *vma = vma_lookup(r->mm, r->addr);
	struct move_part *p = first;

	m->parts = first;
	part_init(first, r, vma);
	if (!mremap_keeps_size(r))
		return 0;
	while (vma->vm_end < r->addr + r->old_len && (vma = vma_next(vma)) &&
	       vma->vm_start < r->addr + r->old_len) {
		p->next = kzalloc(sizeof(*p), GFP_KERNEL);
		if (!p->next)
			return -ENOMEM;
		p = p->next;
		part_init(p, r, vma);
	}
	return 0;
}

int mremap_move(struct mremap *r)
{
	struct move_part first = {NULL}, *p, *next;
	struct move m = {.r = r};
	int err;

	mmap_assert_write_locked(r->mm);
	INIT_LIST_HEAD(&m.tables);
	m.replaces = (r->flags & MREMAP_FIXED) &&
		     find_vma_intersection(r->mm, r->new_addr, r->new_addr + r->new_len);
	err = list_parts(&m, &first);
	if (!err)
		err = reserve_all(&m);
	for (p = m.parts; p && !err; p = p->next)
		unlock_source(&m, p);
	if (!err)
		commit_all(&m);
	move_tables_release(r->mm, &m.tables);
	for (p = first.next; p; p = next) {
		next = p->next;
		kfree(p);
	}
	return err;
}
