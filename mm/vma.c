/* SPDX-License-Identifier: MIT */
/*
 * The VMAs of an address space: one tree by address, and the one way to change a VMA in it.
 *
 * The tree. A red-black tree ordered by address answers "which VMA holds this byte". Augmented by
 * the largest free gap below each subtree it also answers "where is a hole of this size" in O(log
 * n):
 *
 *	     gap 3	        a VMA's own gap is the free space between the VMA before and it;
 *	    /     \	        rb_subtree_gap is the largest own gap of the subtree
 *	 gap 7    gap 0
 *	 max 7    max 9	        root: max 9. A hole of 8? Not in the left subtree, so go right.
 *		    \
 *		   gap 9
 *
 * A VMA's own gap depends on the VMA before it, so each VMA knows that one (vm_prev), and whoever
 * changes the end of a VMA repairs the gap of the next. A stack that grows down keeps a guard gap
 * of 256 pages below itself: for the search it starts that much lower.
 *
 * The update primitive. A VMA is found in three ways: by its address in the tree above (under
 * mmap_lock), by a page of its file (i_mmap, under i_mmap_rwsem), and by an anonymous page (its
 * AVCs, under the root's rwsem). The latter two are searched by reclaim and migration, which do not
 * hold mmap_lock: they must never see a VMA whose start has changed and whose index has not, nor a
 * tree whose keys are stale. So every change of a linked VMA's range is bracketed:
 *
 *	vma_update_begin	lock i_mmap, lock the root; take the VMAs out of both kinds of tree
 *	  ... set the ranges, hand over chains ...
 *	vma_update_end		put them back with their new keys; link a new one, unlink those
 *				swallowed; repair the gaps; unlock
 *
 * A walk waits, and then finds each page covered by exactly the VMAs that it had: nothing is missed
 * and nothing is seen half done.
 *
 *   ADJUST-LOCKED   vm_start, vm_end, vm_pgoff and anon_pgoff of a linked VMA change only with
 *		     mmap_lock and the rmap locks held for writing. When the boundary between two VMAs
 *		     moves, both change: the root is locked if EITHER has an anon_vma
 *   INDEX-FRESH     the key of a VMA in an interval tree is its range now
 *   GAP-FRESH	     rb_subtree_gap of each VMA is the maximum over its subtree now
 */
#include "mm/vma.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/rbtree_augmented.h"
#include "mm/anon_vma.h"
#include "mm/changes.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/page.h"
#include "mm/interval_tree.h"
#include "mm/sabotage.h"
#include "mm/slab.h"
#include "mm/vma_internal.h"

static struct kmem_cache *vm_area_cachep;

#ifndef CONFIG_DEBUG
BUILD_BUG_ON(sizeof(struct vm_area) > 178);
#endif

void vma_cache_init(void)
{
	vm_area_cachep =
		kmem_cache_create("vm_area_struct", sizeof(struct vm_area), 0, SLAB_PANIC, NULL);
}

/* ----------------------------------------------------------------------------------- objects */

struct vm_area *vm_area_alloc(struct mm *mm)
{
	struct vm_area *vma = kmem_cache_zalloc(vm_area_cachep, GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	return vma;
}

/* What a copy does not share with its original: its places in trees and lists. */
void vm_area_init_copy(struct vm_area *copy, const struct vm_area *vma)
{
	*copy = *vma;
	INIT_LIST_HEAD(&copy->anon_vma_chain);
	copy->anon_vma = NULL;
	copy->vm_prev = NULL;
}

struct vm_area *vm_area_dup(const struct vm_area *vma)
{
	struct vm_area *copy = kmem_cache_alloc(vm_area_cachep, GFP_KERNEL);

	if (copy)
		vm_area_init_copy(copy, vma);
	return copy;
}

void vm_area_free(struct vm_area *vma)
{
	VM_BUG_ON_VMA(!list_empty(&vma->anon_vma_chain), vma);
	kmem_cache_free(vm_area_cachep, vma);
}

void remove_vma(struct vm_area *vma)
{
	might_sleep();
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	if (vma->vm_file)
		vm_file_put(vma->vm_file);
	vm_area_free(vma);
}

void vma_set_page_prot(struct vm_area *vma)
{
	WRITE_ONCE(vma->vm_page_prot.val, pgprot_val(vm_get_page_prot(vma->vm_flags)));
}

void vm_stat_account(struct mm *mm, unsigned long flags, long pages)
{
	mm->total_vm += pages;
	if (mm->hiwater_vm < mm->total_vm)
		mm->hiwater_vm = mm->total_vm;
	if (is_exec_mapping(flags))
		mm->exec_vm += pages;
	else if (is_stack_mapping(flags))
		mm->stack_vm += pages;
	else if (is_data_mapping(flags))
		mm->data_vm += pages;
}

/* ---------------------------------------------------------------------------------- the tree */

/* The free space between the VMA before and this one. */
static inline unsigned long vma_gap(struct vm_area *vma)
{
	unsigned long below = vma->vm_prev ? vma->vm_prev->vm_end : 0;
	unsigned long start = vm_start_gap(vma);

	return start > below ? start - below : 0;
}

RB_DECLARE_CALLBACKS_MAX(static, vma_gap_callbacks, struct vm_area, vm_rb, unsigned long,
			 rb_subtree_gap, vma_gap);

/* The own gap of vma may have changed: repair the maxima above it. NULL is allowed. */
static void vma_gap_update(struct vm_area *vma)
{
	if (vma)
		vma_gap_callbacks_propagate(&vma->vm_rb, NULL);
}

static void tree_link(struct mm *mm, struct vm_area *vma)
{
	struct rb_node **link = &mm->vma_root.rb_node, *up = NULL;
	struct vm_area *prev = NULL, *next = NULL;

	change_vma(CHANGE_VMA_LINK, vma);
	while (*link) {
		struct vm_area *here = rb_entry(*link, struct vm_area, vm_rb);

		up = *link;
		if (vma->vm_end <= here->vm_start) {
			next = here;
			link = &up->rb_left;
		} else {
			VM_BUG_ON_VMA(vma->vm_start < here->vm_end, vma);
			prev = here;
			link = &up->rb_right;
		}
	}
	vma->vm_prev = prev;
	if (next)
		next->vm_prev = vma;
	/* Gaps before rotations: those copy maxima and rely on their being right. */
	vma_gap_update(next);
	rb_link_node(&vma->vm_rb, up, link);
	vma->rb_subtree_gap = 0;
	vma_gap_update(vma);
	rb_insert_augmented(&vma->vm_rb, &mm->vma_root, &vma_gap_callbacks);
	mm->map_count++;
}

void detach_vma(struct mm *mm, struct vm_area *vma)
{
	struct vm_area *next = vma_next(vma);

	mmap_assert_write_locked(mm);
	change_vma(CHANGE_VMA_UNLINK, vma);
	if (next) {
		next->vm_prev = vma->vm_prev;
		vma_gap_update(next);
	}
	rb_erase_augmented(&vma->vm_rb, &mm->vma_root, &vma_gap_callbacks);
	mm->map_count--;
	if (mm->vma_cache == vma)
		mm->vma_cache = NULL;
}

struct vm_area *find_vma(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma = READ_ONCE(mm->vma_cache), *found = NULL;
	struct rb_node *rb = mm->vma_root.rb_node;

	if (vma && vma->vm_start <= addr && addr < vma->vm_end)
		return vma;
	while (rb) {
		vma = rb_entry(rb, struct vm_area, vm_rb);
		if (addr >= vma->vm_end) {
			rb = rb->rb_right;
			continue;
		}
		found = vma;
		if (vma->vm_start <= addr) {
			/* Readers race here, but only with one another: any answer is a VMA. */
			WRITE_ONCE(mm->vma_cache, vma);
			break;
		}
		rb = rb->rb_left;
	}
	return found;
}

struct vm_area *find_vma_prev(struct mm *mm, unsigned long addr, struct vm_area **prev)
{
	struct vm_area *vma = find_vma(mm, addr);

	*prev = vma ? vma->vm_prev : vma_last(mm);
	return vma;
}

/* ----------------------------------------------------------------------- searching for a gap */

/* The part of [gap_start, gap_end) that the search may use, if it is long enough. */
static unsigned long gap_fit(const struct unmapped_area *info, unsigned long gap_start,
			     unsigned long gap_end)
{
	unsigned long low = max(gap_start, info->low), high = min(gap_end, info->high);

	if (high < low || high - low < info->length)
		return -ENOMEM;
	return info->topdown ? high - info->length : low;
}

static unsigned long gap_own(struct vm_area *vma, const struct unmapped_area *info)
{
	return gap_fit(info, vma->vm_prev ? vma->vm_prev->vm_end : 0, vm_start_gap(vma));
}

/*
 * The highest, or lowest, fit in a subtree. Subtrees without a long enough gap are left out, and so
 * are those wholly outside [low, high): of the rest only one can disappoint, at the border of that
 * range, so this takes O(log n). It recurses no deeper than the tree is high.
 */
static unsigned long gap_search(struct rb_node *rb, const struct unmapped_area *info)
{
	struct vm_area *vma = rb_entry_safe(rb, struct vm_area, vm_rb);
	bool left, right;
	unsigned long addr;

	if (!vma || vma->rb_subtree_gap < info->length)
		return -ENOMEM;
	left = vma->vm_prev && vma->vm_prev->vm_end > info->low;
	right = vma->vm_end < info->high;
	if (info->topdown ? right : left) {
		addr = gap_search(info->topdown ? rb->rb_right : rb->rb_left, info);
		if (!IS_ERR_VALUE(addr))
			return addr;
	}
	addr = gap_own(vma, info);
	if (!IS_ERR_VALUE(addr))
		return addr;
	if (info->topdown ? left : right)
		return gap_search(info->topdown ? rb->rb_left : rb->rb_right, info);
	return -ENOMEM;
}

unsigned long vm_unmapped_area(struct mm *mm, const struct unmapped_area *info)
{
	struct vm_area *last = vma_last(mm);
	unsigned long end = last ? last->vm_end : 0, addr;

	mmap_assert_locked(mm);
	if (info->topdown) {
		addr = gap_fit(info, end, ~0UL);
		if (!IS_ERR_VALUE(addr))
			return addr;
		return gap_search(mm->vma_root.rb_node, info);
	}
	addr = gap_search(mm->vma_root.rb_node, info);
	if (!IS_ERR_VALUE(addr))
		return addr;
	return gap_fit(info, end, ~0UL);
}

/* ---------------------------------------------------------------------------- a file's index */

struct address_space *vma_written_mapping(struct vm_area *vma)
{
	return vma->vm_flags & VM_SHARED && vma->vm_flags & VM_MAYWRITE ? vma_mapping(vma) : NULL;
}

/* Cannot fail: whoever made the VMA holds such a count already. */
static void file_count(struct vm_area *vma)
{
	struct address_space *mapping = vma_written_mapping(vma);
	int err = mapping ? mapping_map_writable(mapping) : 0;

	VM_BUG_ON_VMA(err, vma);
	(void)err;
}

static void file_uncount(struct vm_area *vma)
{
	struct address_space *mapping = vma_written_mapping(vma);

	if (mapping)
		mapping_unmap_writable(mapping);
}

/* Right after `parent` in the order of the tree, or, without one, behind its equals. */
static void file_link(struct vm_area *vma, struct vm_area *parent)
{
	struct address_space *mapping = vma_mapping(vma);

	if (!mapping)
		return;
	file_count(vma);
	down_write(&mapping->i_mmap_rwsem);
	if (parent)
		vma_interval_tree_insert_after(vma, parent, &mapping->i_mmap);
	else
		vma_interval_tree_insert(vma, &mapping->i_mmap);
	up_write(&mapping->i_mmap_rwsem);
}

void unlink_file_vma(struct vm_area *vma)
{
	struct address_space *mapping = vma_mapping(vma);

	if (!mapping)
		return;
	down_write(&mapping->i_mmap_rwsem);
	vma_interval_tree_remove(vma, &mapping->i_mmap);
	up_write(&mapping->i_mmap_rwsem);
	file_uncount(vma);
}

void insert_vma(struct mm *mm, struct vm_area *vma)
{
	mmap_assert_write_locked(mm);
	file_link(vma, NULL);
	tree_link(mm, vma);
}

void insert_vma_fork(struct mm *mm, struct vm_area *vma, struct vm_area *parent)
{
	mmap_assert_write_locked(mm);
	file_link(vma, parent);
	tree_link(mm, vma);
}

/* ---------------------------------------------------------------------- the update primitive */

#define for_each_updated(u, i) for ((i) = 0; (i) < (int)ARRAY_SIZE((u)->vma) && (u)->vma[i]; (i)++)

static bool is_removed(const struct vma_update *u, const struct vm_area *vma)
{
	return vma == u->remove[0] || vma == u->remove[1];
}

/* Never, but for the switches reindex_not_*: does the VMA stay in the trees under its old key? */
static bool keeps_index(const struct vma_update *u, const struct vm_area *vma)
{
	return vma_update_spoiled(u) && vma != u->insert && !is_removed(u, vma);
}

/*
 * Any of them may be the one that has an anon_vma: also only the second (ADJUST-LOCKED). Which
 * locks are held between begin and end depends on the VMAs, so sparse is told to count none.
 */
static void update_lock_anon(struct vma_update *u)
{
	int i;

	for_each_updated(u, i)
	{
		struct anon_vma *anon_vma = u->vma[i]->anon_vma;

		VM_BUG_ON_VMA(u->anon_vma && anon_vma && u->anon_vma != anon_vma, u->vma[i]);
		if (!u->anon_vma)
			u->anon_vma = anon_vma;
		if (sabotaged(lock_not_second))
			break;
	}
	if (u->anon_vma) {
		anon_vma_lock_write(u->anon_vma);
		__release(&u->anon_vma->root->rwsem);
	}
}

void vma_update_begin(struct vma_update *u)
{
	int i;

	mmap_assert_write_locked(u->vma[0]->vm_mm);
	u->mapping = vma_mapping(u->vma[0]);
	if (u->mapping) {
		down_write(&u->mapping->i_mmap_rwsem);
		__release(&u->mapping->i_mmap_rwsem);
	}
	update_lock_anon(u);
	for_each_updated(u, i)
	{
		if (u->mapping)
			vma_interval_tree_remove(u->vma[i], &u->mapping->i_mmap);
		if (u->vma[i]->anon_vma && !keeps_index(u, u->vma[i]))
			anon_vma_index_remove(u->vma[i]);
	}
}

static void update_index(struct vma_update *u, struct vm_area *vma)
{
	if (u->mapping)
		vma_interval_tree_insert(vma, &u->mapping->i_mmap);
	if (!keeps_index(u, vma))
		anon_vma_index_insert(vma);
}

/*
 * The tree of the mm. Gaps first, all of them: erasing and linking rotate, and rotations copy
 * maxima. Only the own gaps of the VMAs changed and of those right behind them can have changed.
 */
static void update_tree(struct vma_update *u)
{
	struct mm *mm = u->vma[0]->vm_mm;
	int i;

	for_each_updated(u, i)
	{
		vma_gap_update(u->vma[i]);
		vma_gap_update(vma_next(u->vma[i]));
	}
	for (i = 0; i < (int)ARRAY_SIZE(u->remove) && u->remove[i]; i++)
		detach_vma(mm, u->remove[i]);
	if (u->insert)
		tree_link(mm, u->insert);
}

void vma_update_end(struct vma_update *u)
{
	int i;

	update_tree(u);
	for_each_updated(u, i)
	{
		if (is_removed(u, u->vma[i]))
			anon_vma_chain_drop(u->vma[i]);
		else
			update_index(u, u->vma[i]);
	}
	if (u->insert)
		update_index(u, u->insert);
	if (u->anon_vma) {
		__acquire(&u->anon_vma->root->rwsem);
		anon_vma_unlock_write(u->anon_vma);
	}
	if (u->mapping) {
		__acquire(&u->mapping->i_mmap_rwsem);
		up_write(&u->mapping->i_mmap_rwsem);
	}
	for (i = 0; i < (int)ARRAY_SIZE(u->remove) && u->remove[i]; i++)
		file_uncount(u->remove[i]);
	if (u->insert)
		file_count(u->insert);
}
