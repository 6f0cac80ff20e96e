/* SPDX-License-Identifier: MIT */
/*
 * The life of an anon_vma.
 *
 * The problem. An anonymous page has no file whose tree of mappings could be searched, and it may
 * be mapped by many processes: fork shares it. Storing all its PTEs in each page would cost more
 * than it gives; storing one VMA fails as soon as the VMA is split, moved or forked. So a page
 * points to an anon_vma, an object that outlives all of that and knows the VMAs that may map the
 * page.
 *
 * One anon_vma for a whole fork family would make each walk visit every relative. Therefore every
 * process gets an anon_vma of its own at fork, for the pages it will write from then on, and keeps
 * links to its ancestors', whose pages it has inherited. A link is an anon_vma_chain (AVC):
 *
 *	parent P forks child C, C forks grandchild G		(one VMA each)
 *
 *		    anon_vma A(P)      anon_vma A(C)	  anon_vma A(G)
 *	vma P	    [avc]				          	chain: A(P)
 *	vma C	    [avc]  <---------- [avc]			     	chain: A(C), A(P)
 *	vma G	    [avc]  <---------- [avc] <----------- [avc]		chain: A(G), A(C), A(P)
 *
 *	columns: the interval tree of each anon_vma; rows: the same_vma list of each VMA
 *
 * A page that P wrote before the fork points to A(P), and its walk visits P, C and G. A page that
 * G wrote points to A(G): its walk visits G alone.
 *
 * Rules of the chain
 *   CHAIN-ORDER     newest first, the family's root last: unlinking goes from the young to the old,
 *		     so a child never outlives the parent that it counts in
 *   CHAIN-EQUAL     two VMAs with the same vma->anon_vma have the same anon_vmas in their chains.
 *		     Merging keeps one of two chains and relies on it
 *   OWN-IN-CHAIN    vma->anon_vma is one of the chain; vma->anon_vma is NULL if and only if the chain
 *		     is empty ("unfaulted"), and then anon_pgoff is the virtual page number
 *   ANON_VMA-LIVE   while a page is mapped, the anon_vma it points to is not freed: it is in the chain
 *		     of every VMA that maps it, and its AVC goes after the PTEs
 *
 * fork is anon_vma_fork.c: what a child links to, and when it need not have an anon_vma of its own.
 * How a page's anon_vma is got when nothing keeps it alive is anon_vma_lookup.c.
 *
 * References and the lock. All AVCs together hold one reference of their anon_vma; outside users
 * (a walk, a migration) hold others; each anon_vma holds one of its root. There is one lock for the
 * family, root->rwsem. Nothing is allocated while it is held: reclaim takes it.
 *
 *	alloc --> AVCs come and go --> tree empty: put_anon_vma() --> refcount 0 --> slab
 *							^			 |
 *	     page_get_anon_vma() from a stale pointer: refcount 0? then NULL <---+ (RCU: still an anon_vma)
 */
#include "mm/anon_vma_internal.h"
#include "kernel/sync_point.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/mm.h"
#include "mm/sabotage.h"
#include "mm/slab.h"
#include "mm/vma_internal.h"

static struct kmem_cache *anon_vma_cachep;
static struct kmem_cache *anon_vma_chain_cachep;

#ifndef CONFIG_DEBUG
BUILD_BUG_ON(sizeof(struct anon_vma_chain) > 64);
BUILD_BUG_ON(sizeof(struct anon_vma) > 104);
#endif

/* Runs once for each object, not at each allocation: a stale reader may be looking at the lock. */
static void anon_vma_ctor(void *object)
{
	struct anon_vma *anon_vma = object;

	init_rwsem(&anon_vma->rwsem);
	atomic_set(&anon_vma->refcount, 0);
	anon_vma->root = anon_vma;
}

void anon_vma_caches_init(void)
{
	anon_vma_cachep = kmem_cache_create("anon_vma", sizeof(struct anon_vma), 0,
					    SLAB_TYPESAFE_BY_RCU | SLAB_PANIC, anon_vma_ctor);
	anon_vma_chain_cachep = kmem_cache_create("anon_vma_chain", sizeof(struct anon_vma_chain),
						  0, SLAB_PANIC, NULL);
}

/* ------------------------------------------------------------------- objects and references */

struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(anon_vma_cachep, GFP_KERNEL);

	if (!anon_vma)
		return NULL;
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 0;
	anon_vma->parent = anon_vma;
	anon_vma->root = anon_vma;
	if (unlikely(anon_rmap_list))
		INIT_LIST_HEAD(&anon_vma->head);
	else
		anon_vma->rb_root = RB_ROOT_CACHED;
	/*
	 * From here on page_get_anon_vma() with a stale pointer may succeed: last, after all else.
	 */
	smp_wmb();
	atomic_set(&anon_vma->refcount, 1);
	return anon_vma;
}

static bool anon_vma_is_empty(struct anon_vma *anon_vma)
{
	if (unlikely(anon_rmap_list))
		return list_empty(&anon_vma->head);
	return RB_EMPTY_ROOT(&anon_vma->rb_root.rb_root);
}

/*
 * Whoever holds or waits for the root lock has a reference of an anon_vma of the family, or a VMA
 * in it, until he is out of the lock: also unlink_anon_vmas(), which takes its VMA out of the family
 * under the lock. So nobody is in the lock when its memory goes.
 */
void put_anon_vma(struct anon_vma *anon_vma)
{
	struct anon_vma *root;

	if (!atomic_dec_and_test(&anon_vma->refcount))
		return;
	/* Only now is it final: a lookup by a stale pointer may have had it while it was set up. */
	root = anon_vma->root;
	VM_BUG_ON(!anon_vma_is_empty(anon_vma));
	kmem_cache_free(anon_vma_cachep, anon_vma);
	if (root != anon_vma && atomic_dec_and_test(&root->refcount))
		kmem_cache_free(anon_vma_cachep, root);
}

static struct anon_vma_chain *anon_vma_chain_alloc(void)
{
	return kmem_cache_alloc(anon_vma_chain_cachep, GFP_KERNEL);
}

static void anon_vma_chain_free(struct anon_vma_chain *avc)
{
	kmem_cache_free(anon_vma_chain_cachep, avc);
}

/*
 * Links on their way back to the allocator, many at a time. nr starts as 0; ends with bin_empty().
 */
struct avc_bin {
	unsigned int nr;
	void *avcs[SLAB_BULK_MAX];
};

static void bin_empty(struct avc_bin *bin)
{
	kmem_cache_free_bulk(anon_vma_chain_cachep, bin->nr, bin->avcs);
	bin->nr = 0;
}

static void bin_add(struct avc_bin *bin, struct anon_vma_chain *avc)
{
	bin->avcs[bin->nr++] = avc;
	if (bin->nr == SLAB_BULK_MAX)
		bin_empty(bin);
}

int anon_vma_chain_reserve(struct list_head *list, unsigned int nr)
{
	void *avcs[SLAB_BULK_MAX];

	INIT_LIST_HEAD(list);
	while (nr) {
		unsigned int n = min_t(unsigned int, nr, SLAB_BULK_MAX);

		if (!kmem_cache_alloc_bulk(anon_vma_chain_cachep, GFP_KERNEL, n, avcs)) {
			anon_vma_chain_release(list);
			return -ENOMEM;
		}
		nr -= n;
		while (n--)
			list_add(&((struct anon_vma_chain *)avcs[n])->same_vma, list);
	}
	return 0;
}

void anon_vma_chain_release(struct list_head *list)
{
	struct anon_vma_chain *avc, *next;
	struct avc_bin bin;

	bin.nr = 0;
	list_for_each_entry_safe (avc, next, list, same_vma)
		bin_add(&bin, avc);
	INIT_LIST_HEAD(list);
	bin_empty(&bin);
}

struct anon_vma_chain *anon_vma_chain_take(struct list_head *reserve)
{
	struct anon_vma_chain *avc = list_first_entry(reserve, struct anon_vma_chain, same_vma);

	VM_BUG_ON(list_empty(reserve));
	__list_del_entry(&avc->same_vma);
	return avc;
}

unsigned int anon_vma_chain_length(struct vm_area *vma)
{
	struct anon_vma_chain *avc;
	unsigned int nr = 0;

	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma)
		nr++;
	return nr;
}

/* ---------------------------------------------------------------------- links and the index */

void anon_vma_chain_add(struct vm_area *vma, struct anon_vma *anon_vma, struct anon_vma_chain *avc)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	if (sabotaged(chain_reversed))
		list_add_tail(&avc->same_vma, &vma->anon_vma_chain);
	else
		list_add(&avc->same_vma, &vma->anon_vma_chain);
}

void anon_vma_index_insert(struct vm_area *vma)
{
	struct anon_vma_chain *avc;

	if (vma->anon_vma)
		anon_vma_assert_write_locked(vma->anon_vma);
	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_insert(avc, &avc->anon_vma->rb_root);
}

void anon_vma_index_remove(struct vm_area *vma)
{
	struct anon_vma_chain *avc;

	anon_vma_assert_write_locked(vma->anon_vma);
	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_remove(avc, &avc->anon_vma->rb_root);
}

/* From the root's end, each link in front of the one before: the copy has the same order. */
void anon_vma_chain_copy(struct vm_area *dst, struct vm_area *src, struct list_head *reserve)
{
	struct anon_vma_chain *avc;

	VM_BUG_ON_VMA(!list_empty(&dst->anon_vma_chain), dst);
	VM_BUG_ON_VMA(dst->vm_mm != src->vm_mm, dst);
	anon_vma_assert_write_locked(src->anon_vma);
	list_for_each_entry_reverse (avc, &src->anon_vma_chain, same_vma)
		anon_vma_chain_add(dst, avc->anon_vma, anon_vma_chain_take(reserve));
	dst->anon_vma = src->anon_vma;
	if (!sabotaged(users_not_counted))
		dst->anon_vma->num_active_vmas++;
}

void anon_vma_chain_move(struct vm_area *dst, struct vm_area *src)
{
	struct anon_vma_chain *avc;

	VM_BUG_ON_VMA(!list_empty(&dst->anon_vma_chain), dst);
	anon_vma_assert_write_locked(src->anon_vma);
	list_for_each_entry (avc, &src->anon_vma_chain, same_vma)
		avc->vma = dst;
	list_splice_init(&src->anon_vma_chain, &dst->anon_vma_chain);
	dst->anon_vma = src->anon_vma;
	src->anon_vma = NULL;
}

void anon_vma_chain_drop(struct vm_area *vma)
{
	if (!vma->anon_vma)
		return;
	anon_vma_assert_write_locked(vma->anon_vma);
	vma->anon_vma->num_active_vmas--;
	vma->anon_vma = NULL;
	if (sabotaged(avc_leaked))
		INIT_LIST_HEAD(&vma->anon_vma_chain);
	anon_vma_chain_release(&vma->anon_vma_chain);
}

void anon_vma_clone(struct vm_area *dst, struct vm_area *src, struct list_head *reserve)
{
	mmap_assert_write_locked(src->vm_mm);
	VM_BUG_ON_VMA(dst->anon_vma, dst);
	if (!src->anon_vma)
		return;
	anon_vma_lock_write(src->anon_vma);
	anon_vma_chain_copy(dst, src, reserve);
	if (!sabotaged(index_not_mremap))
		anon_vma_index_insert(dst);
	anon_vma_unlock_write(src->anon_vma);
}

/* ---------------------------------------------------------------------------------- prepare */

/*
 * Could a and b, b right above a, be one VMA but for what mprotect changes back and forth? Then
 * they should have one anon_vma, so that they can merge when it does.
 */
static bool anon_vma_compatible(struct vm_area *a, struct vm_area *b)
{
	return a->vm_end == b->vm_start && a->vm_file == b->vm_file &&
	       !((a->vm_flags ^ b->vm_flags) & ~VM_ACCESS_FLAGS) &&
	       a->anon_pgoff + vma_pages(a) == b->anon_pgoff &&
	       (!a->vm_file || a->vm_pgoff + vma_pages(a) == b->vm_pgoff);
}

/*
 * The anon_vma of a neighbour, if vma may use it. Only from a chain of one: sharing more would need
 * the neighbour's whole chain (CHAIN-EQUAL), and would tie vma to a family it has nothing to do
 * with. The neighbour may be getting its anon_vma right now, from another fault: it is published
 * after its chain is complete, hence the acquire.
 */
static struct anon_vma *reusable_anon_vma(struct vm_area *lower, struct vm_area *upper,
					  struct vm_area *from)
{
	struct anon_vma *anon_vma;

	if (!anon_vma_compatible(lower, upper))
		return NULL;
	anon_vma = vma_anon_vma(from);
	if (anon_vma && (list_is_singular(&from->anon_vma_chain) || sabotaged(borrow_forked)))
		return anon_vma;
	return NULL;
}

static struct anon_vma *find_mergeable_anon_vma(struct vm_area *vma)
{
	struct vm_area *next = vma_next(vma), *prev = vma_prev(vma);
	struct anon_vma *anon_vma = NULL;

	if (next)
		anon_vma = reusable_anon_vma(vma, next, next);
	if (!anon_vma && prev)
		anon_vma = reusable_anon_vma(prev, vma, prev);
	return anon_vma;
}

/* Two threads may fault in the same VMA: page_table_lock decides who gives it its anon_vma. */
static bool anon_vma_publish(struct vm_area *vma, struct anon_vma *anon_vma,
			     struct anon_vma_chain *avc)
{
	struct mm *mm = vma->vm_mm;
	bool first;

	anon_vma_lock_write(anon_vma);
	spin_lock(&mm->page_table_lock);
	first = !vma->anon_vma || sabotaged(publish_twice);
	if (first && sabotaged(publish_early))
		smp_store_release(&vma->anon_vma, anon_vma);
	if (first) {
		anon_vma_chain_add(vma, anon_vma, avc);
		anon_vma_interval_tree_insert(avc, &anon_vma->rb_root);
		anon_vma->num_active_vmas++;
		SYNC_POINT(prepare_before_publish);
		/* Whoever sees it sees a chain, and an anon_vma with a root and a lock. */
		smp_store_release(&vma->anon_vma, anon_vma);
	}
	spin_unlock(&mm->page_table_lock);
	anon_vma_unlock_write(anon_vma);
	return first;
}

int __anon_vma_prepare(struct vm_area *vma)
{
	struct anon_vma_chain *avc;
	struct anon_vma *anon_vma, *allocated = NULL;

	mmap_assert_locked(vma->vm_mm);
	might_sleep();
	avc = anon_vma_chain_alloc();
	if (!avc)
		return -ENOMEM;
	anon_vma = find_mergeable_anon_vma(vma);
	if (!anon_vma) {
		anon_vma = allocated = anon_vma_alloc();
		if (!anon_vma) {
			anon_vma_chain_free(avc);
			return -ENOMEM;
		}
		anon_vma->num_children++; /* a root is its own parent */
	}
	SYNC_POINT(prepare_before_lock);
	if (!anon_vma_publish(vma, anon_vma, avc)) {
		anon_vma_chain_free(avc);
		if (allocated)
			put_anon_vma(allocated);
	}
	return 0;
}

/* ----------------------------------------------------------------------------------- unlink */

/*
 * Under the lock every link leaves its tree. An anon_vma that becomes empty leaves its parent's
 * count, which it could not after this: the parent is further down the same list, alive until then.
 * Its reference is dropped after the lock, of which it may be the last user. When a relative keeps
 * the root alive we need a reference of our own: he may leave as soon as he can have the lock, and
 * unlocking touches it once more to wake him.
 */
void unlink_anon_vmas(struct vm_area *vma)
{
	struct anon_vma *root;
	struct anon_vma_chain *avc, *next;
	struct avc_bin bin;
	bool stays;

	if (!vma->anon_vma) {
		VM_BUG_ON_VMA(!list_empty(&vma->anon_vma_chain), vma);
		return;
	}
	root = vma->anon_vma->root;
	bin.nr = 0;
	anon_vma_lock_write(root);
	list_for_each_entry_safe (avc, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = avc->anon_vma;

		VM_BUG_ON_VMA(anon_vma->root != root, vma);
		if (!sabotaged(avc_not_unlinked))
			anon_vma_interval_tree_remove(avc, &anon_vma->rb_root);
		if (anon_vma_is_empty(anon_vma)) {
			anon_vma->parent->num_children--;
			continue;
		}
		__list_del_entry(&avc->same_vma);
		bin_add(&bin, avc);
	}
	vma->anon_vma->num_active_vmas--;
	vma->anon_vma = NULL;
	stays = !anon_vma_is_empty(root) && !sabotaged(unlink_unpinned);
	if (stays)
		get_anon_vma(root);
	anon_vma_unlock_write(root);

	list_for_each_entry_safe (avc, next, &vma->anon_vma_chain, same_vma) {
		VM_BUG_ON_VMA(avc->anon_vma->num_children, vma);
		VM_BUG_ON_VMA(avc->anon_vma->num_active_vmas, vma);
		__list_del_entry(&avc->same_vma);
		put_anon_vma(avc->anon_vma);
		bin_add(&bin, avc);
	}
	if (stays)
		put_anon_vma(root);
	bin_empty(&bin);
}

/* ----------------------------------------------------------------------------------- checks */

#ifdef CONFIG_DEBUG
void anon_vma_chain_verify(struct vm_area *vma)
{
	struct anon_vma_chain *avc, *last = NULL;
	bool own_found = false;

	VM_BUG_ON_VMA(!vma->anon_vma != list_empty(&vma->anon_vma_chain), vma);
	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma) {
		VM_BUG_ON_VMA(avc->vma != vma, vma);
		VM_BUG_ON_VMA(avc->anon_vma->root != vma->anon_vma->root, vma);
		VM_BUG_ON_VMA(atomic_read(&avc->anon_vma->refcount) <= 0, vma);
		anon_vma_interval_tree_verify(avc);
		own_found |= avc->anon_vma == vma->anon_vma;
		last = avc;
	}
	VM_BUG_ON_VMA(vma->anon_vma && !own_found, vma);
	VM_BUG_ON_VMA(vma->anon_vma && !vma->anon_vma->num_active_vmas, vma);
	VM_BUG_ON_VMA(last && last->anon_vma != vma->anon_vma->root, vma);
}
#endif
