/* SPDX-License-Identifier: MIT */
#ifndef MM_ANON_VMA_H
#define MM_ANON_VMA_H

/*
 * anon_vma: from an anonymous page to the VMAs that may map it. anon_vma.c tells its life,
 * anon_vma_fork.c what fork does to it, anon_vma_lookup.c how a page's is got.
 */

#include "kernel/rwsem.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "mm/interval_tree.h"
#include "mm/page.h"
#include "mm/vma.h"

/*
 * Lock key:
 *  (r) root->rwsem for writing
 *  (a) atomic
 *  (c) constant while refcount > 0
 */
struct anon_vma {
	struct anon_vma *root;	    /* (c) of the fork family; the root points to itself */
	struct rw_semaphore rwsem;  /* the root's is used: it guards the whole family */
	atomic_t refcount;	    /* (a) one for all AVCs together, one for each outside user */
	unsigned long num_children; /* (r) anon_vmas whose parent is this; a root counts itself */
	unsigned long num_active_vmas; /* (r) VMAs whose vma->anon_vma is this */
	struct anon_vma *parent;       /* (c) */
	union {
		struct rb_root_cached rb_root; /* (r) AVCs by interval of anonymous indices */
		struct list_head head;	       /* (r) the same with rmap=list */
	};
};

/*
 * One link: this VMA may hold pages of that anon_vma.
 * Lock key: (r) root->rwsem, (m) mmap_lock for writing, or for reading with page_table_lock.
 */
struct anon_vma_chain {
	struct vm_area *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma; /* (m) and (r): in vma->anon_vma_chain */
	union {
		struct rb_node rb;		/* (r) in anon_vma->rb_root */
		struct list_head same_anon_vma; /* (r) in anon_vma->head with rmap=list */
	};
	unsigned long rb_subtree_last; /* (r) */
#ifdef CONFIG_DEBUG
	unsigned long cached_first, cached_last; /* (r) key at insertion: INDEX-FRESH */
#endif
};

void anon_vma_caches_init(void);

/* ---- locks ----------------------------------------------------------------------------------- */

static inline void anon_vma_lock_write(struct anon_vma *anon_vma)
{
	down_write(&anon_vma->root->rwsem);
}

static inline bool anon_vma_trylock_write(struct anon_vma *anon_vma)
{
	return down_write_trylock(&anon_vma->root->rwsem);
}

static inline void anon_vma_unlock_write(struct anon_vma *anon_vma)
{
	up_write(&anon_vma->root->rwsem);
}

static inline void anon_vma_lock_read(struct anon_vma *anon_vma)
{
	down_read(&anon_vma->root->rwsem);
}

static inline bool anon_vma_trylock_read(struct anon_vma *anon_vma)
{
	return down_read_trylock(&anon_vma->root->rwsem);
}

static inline void anon_vma_unlock_read(struct anon_vma *anon_vma)
{
	up_read(&anon_vma->root->rwsem);
}

#define anon_vma_assert_locked(av)	 lockdep_assert_held(&(av)->root->rwsem)
#define anon_vma_assert_write_locked(av) lockdep_assert_held_write(&(av)->root->rwsem)

/* ---- references ------------------------------------------------------------------------------ */

static inline void get_anon_vma(struct anon_vma *anon_vma)
{
	atomic_inc(&anon_vma->refcount);
}

/* Drop a reference; the last frees. The root lock must not be held. May sleep. */
void put_anon_vma(struct anon_vma *anon_vma);

/* ---- life ------------------------------------------------------------------------------------ */

/* Give a VMA its anon_vma before its first anonymous page, a neighbour's if they could merge.
 * 0 or -ENOMEM. mmap_lock held (reading is enough); no PTL held; may sleep. */
int __anon_vma_prepare(struct vm_area *vma);

static inline int anon_vma_prepare(struct vm_area *vma)
{
	if (likely(vma_anon_vma(vma)))
		return 0;
	return __anon_vma_prepare(vma);
}

/* Give dst, which has no chain, links to every anon_vma of src, out of reserved AVCs (mremap,
 * fork), and index them. dst's range must be set and stay. mmap_lock held for writing; may sleep. */
void anon_vma_clone(struct vm_area *dst, struct vm_area *src, struct list_head *reserve);

/* Give `vma`, the child's copy of `pvma`, links to every anon_vma of the parent and one of its
 * own (or an idle one of the chain, or the one of the copy before it). 0, or -ENOMEM with vma
 * unchanged. vma is not linked yet, and the VMAs of its mm are those below it. Both mmap_locks
 * held for writing; may sleep. */
int anon_vma_fork(struct vm_area *vma, struct vm_area *pvma);

/* Take the VMA out of every anon_vma and free those that become empty. Its page-table entries
 * must be gone. mmap_lock held for writing (or last user); takes the root lock; may sleep. */
void unlink_anon_vmas(struct vm_area *vma);

/* Take the AVCs of a VMA out of, and put them back into, the interval trees. Root lock held for
 * writing. For the update primitive only. */
void anon_vma_index_remove(struct vm_area *vma);
void anon_vma_index_insert(struct vm_area *vma);

/* AVCs got before a lock is taken, linked by same_vma: `nr` of them. 0 or -ENOMEM (list empty).
 * May sleep. */
int anon_vma_chain_reserve(struct list_head *list, unsigned int nr);
void anon_vma_chain_release(struct list_head *list);

/* Length of a VMA's chain. mmap_lock held for writing. */
unsigned int anon_vma_chain_length(struct vm_area *vma);

/* Build dst's chain as a copy of src's out of reserved AVCs. They are not indexed yet: that is
 * vma_update_end()'s. Root lock held for writing. */
void anon_vma_chain_copy(struct vm_area *dst, struct vm_area *src, struct list_head *reserve);

/* Give src's chain to dst, which has none: src is being merged into dst. Both out of the index;
 * root lock held for writing. */
void anon_vma_chain_move(struct vm_area *dst, struct vm_area *src);

/* Forget the chain of a VMA that is being merged away into one with the same chain. Out of the
 * index; root lock held for writing. */
void anon_vma_chain_drop(struct vm_area *vma);

/* ---- from a page ----------------------------------------------------------------------------- */

/*
 * The anon_vma of an anonymous page, or NULL. For those who know it stays (page locked and mapped).
 */
static inline struct anon_vma *page_anon_vma(struct page *page)
{
	unsigned long mapping = (unsigned long)READ_ONCE(page->mapping);

	if (!(mapping & PAGE_MAPPING_ANON))
		return NULL;
	return (struct anon_vma *)(mapping & ~PAGE_MAPPING_ANON);
}

/* The anon_vma of a page with a reference, or NULL when the page is not mapped any more or not
 * anonymous. Any context that may use RCU. Drop with put_anon_vma(). */
struct anon_vma *page_get_anon_vma(struct page *page);

/* The anon_vma of a page with its root locked for reading, or NULL as above. May sleep. Undo with
 * page_unlock_anon_vma_read(). The page should be locked by the caller, so that it cannot be
 * re-homed to another anon_vma meanwhile. */
struct anon_vma *__page_lock_anon_vma_read(struct page *page);
static inline struct anon_vma *page_lock_anon_vma_read(struct page *page)
{
	struct anon_vma *anon_vma = __page_lock_anon_vma_read(page);

	if (anon_vma)
		__acquire(&anon_vma->root->rwsem);
	return anon_vma;
}

void page_unlock_anon_vma_read(struct anon_vma *anon_vma) __releases(&anon_vma->root->rwsem);

#ifdef CONFIG_DEBUG
/* Panic unless the chain of the VMA obeys its rules. Root lock held. */
void anon_vma_chain_verify(struct vm_area *vma);
#endif

#endif
