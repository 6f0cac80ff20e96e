/* SPDX-License-Identifier: MIT */
#ifndef MM_VMA_H
#define MM_VMA_H

/*
 * struct vm_area: one mapping, a range of pages with the same rights and the same backing.
 * vma.c holds the tree and the update primitive, vma_merge.c split and merge.
 */

#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "mm/mm.h"

struct address_space;
struct anon_vma;
struct anon_vma_chain;
struct vm_area;
struct vm_fault;
struct vm_file;

/* vm_flags: Linux's values. */
#define VM_NONE	       0x00000000UL
#define VM_READ	       0x00000001UL
#define VM_WRITE       0x00000002UL
#define VM_EXEC	       0x00000004UL
#define VM_SHARED      0x00000008UL
#define VM_MAYREAD     0x00000010UL /* mprotect may set VM_READ, and so on */
#define VM_MAYWRITE    0x00000020UL
#define VM_MAYEXEC     0x00000040UL
#define VM_MAYSHARE    0x00000080UL /* made by MAP_SHARED, even if not writable */
#define VM_GROWSDOWN   0x00000100UL
#define VM_PFNMAP      0x00000400UL /* frames without struct page behind them */
#define VM_MAYBE_GUARD 0x00000800UL /* has, or had, guard regions (guard.c) */
#define VM_LOCKED      0x00002000UL
#define VM_IO	       0x00004000UL
#define VM_SEQ_READ    0x00008000UL /* madvise(MADV_SEQUENTIAL) */
#define VM_RAND_READ   0x00010000UL /* madvise(MADV_RANDOM) */
#define VM_DONTCOPY    0x00020000UL /* not inherited by fork */
#define VM_DONTEXPAND  0x00040000UL /* mremap may not grow it */
#define VM_LOCKONFAULT 0x00080000UL
#define VM_ACCOUNT     0x00100000UL /* counted in vm_enough_memory() */
#define VM_NORESERVE   0x00200000UL
#define VM_WIPEONFORK  0x02000000UL /* the child gets zeroes */
#define VM_DONTDUMP    0x04000000UL
#define VM_MIXEDMAP    0x10000000UL
#define VM_HUGEPAGE    0x20000000UL
#define VM_NOHUGEPAGE  0x40000000UL
#define VM_MERGEABLE   0x80000000UL
/* The policy of mbind(2), which mm/ keeps and does not look into (kernel/sys_numa.c). */
#define VM_POLICY_SHIFT 32
#define VM_POLICY_MASK	(0x3fUL << VM_POLICY_SHIFT)
#define VM_SEALED	(1UL << 42) /* mseal(2) */

#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_STICKY	VM_MAYBE_GUARD /* no obstacle to a merge: it has what its parts had */
#define VM_LOCKED_MASK	(VM_LOCKED | VM_LOCKONFAULT)
#define VM_SPECIAL	(VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)
#define VM_STACK_FLAGS \
	(VM_GROWSDOWN | VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT)

typedef unsigned int vm_fault_t;

/* What a mapping's backing does. All may be NULL; a VMA without vm_ops is anonymous. */
struct vm_operations {
	void (*open)(struct vm_area *vma);  /* a copy of the VMA came to be (fork, split, move) */
	void (*close)(struct vm_area *vma); /* a VMA goes */
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*page_mkwrite)(struct vm_fault *vmf); /* first write to a shared page */
	const char *(*name)(struct vm_area *vma);	  /* for /proc/PID/maps */
};

/*
 * Lock key:
 *  (m) the mm's mmap_lock: read to look, write to change
 *  (u) changed only between vma_update_begin() and vma_update_end(): mmap_lock for writing, and,
 *      where the VMA is indexed, the anon_vma root lock and the mapping's i_mmap lock for writing;
 *      any one of these, held for reading, makes it stable
 *  (f) mmap_lock for writing. Walks of the reverse map read them with the rmap lock and a PTL: who
 *      changes them then goes over the PTEs, under their PTLs, and corrects what a walk did before
 *  (r) anon_vma root lock
 *  (i) mapping's i_mmap_rwsem
 *  (p) published under mm->page_table_lock with mmap_lock held: smp_store_release(), read with
 *      vma_anon_vma()
 *  (c) constant
 */
struct vm_area {
	unsigned long vm_start; /* (u) first byte */
	unsigned long vm_end;	/* (u) first byte after */
	union {
		struct rb_node vm_rb;	     /* (m) in mm->vma_root */
		struct list_head unmap_list; /* (m) out of the tree: on the list of an unmap */
	};
	unsigned long rb_subtree_gap;	    /* (m) largest free gap before a VMA of the subtree */
	struct vm_area *vm_prev;	    /* (m) the VMA before in the tree, NULL for the first */
	struct mm *vm_mm;		    /* (c) */
	unsigned long vm_flags;		    /* (f) */
	pgprot_t vm_page_prot;		    /* (f) what a new PTE gets */
	const struct vm_operations *vm_ops; /* (c) NULL: anonymous */
	struct vm_file *vm_file;	    /* (c) backing, counted; NULL: anonymous */
	unsigned long vm_pgoff;		 /* (u) page index in vm_file of vm_start; 0 without file */
	unsigned long anon_pgoff;	 /* (u) anonymous index of vm_start */
	struct anon_vma *anon_vma;	 /* (p) newest of the chain; NULL: unfaulted */
	struct list_head anon_vma_chain; /* (m) and (r): AVCs, newest first, root last */
	struct {
		struct rb_node rb;	       /* (i) in mapping->i_mmap */
		unsigned long rb_subtree_last; /* (i) */
	} shared;
	void *vm_private; /* the backing's */
};

/* ---- arithmetic ----------------------------------------------------------------------------- */

static inline unsigned long vma_pages(const struct vm_area *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* Index in the file of the page at addr. */
static inline unsigned long linear_page_index(const struct vm_area *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

/* Anonymous index of the page at addr: what page->index of an anonymous page there holds. */
static inline unsigned long linear_anon_index(const struct vm_area *vma, unsigned long addr)
{
	return vma->anon_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

/* Last anonymous index and last file index of the VMA (closed intervals). */
static inline unsigned long vma_last_anon_pgoff(const struct vm_area *vma)
{
	return vma->anon_pgoff + vma_pages(vma) - 1;
}

static inline unsigned long vma_last_pgoff(const struct vm_area *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

static inline bool vma_is_anonymous(const struct vm_area *vma)
{
	return !vma->vm_ops;
}

/* The VMA's anon_vma, safe to follow (acquire pairs with the publication in
 * anon_vma_prepare()). NULL while no private page of the VMA has been faulted in. */
static inline struct anon_vma *vma_anon_vma(const struct vm_area *vma)
{
	return smp_load_acquire(&vma->anon_vma);
}

static inline bool vma_is_accessible(const struct vm_area *vma)
{
	return vma->vm_flags & VM_ACCESS_FLAGS;
}

/* Private and potentially writable: a write makes an anonymous copy. */
static inline bool is_cow_mapping(unsigned long flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* Pages between a stack VMA and what lies below it that nothing may use. */
#define STACK_GUARD_PAGES 256UL
#define STACK_GUARD_GAP	  (STACK_GUARD_PAGES << PAGE_SHIFT)

/* vm_start including the guard gap below a stack. */
static inline unsigned long vm_start_gap(const struct vm_area *vma)
{
	unsigned long start = vma->vm_start;

	if (unlikely(vma->vm_flags & VM_GROWSDOWN))
		start = start > STACK_GUARD_GAP ? start - STACK_GUARD_GAP : 0;
	return start;
}

/* ---- looking (mmap_lock held, reading is enough) --------------------------------------------- */

/* First VMA whose end is above addr (it may start above addr too), or NULL. */
struct vm_area *find_vma(struct mm *mm, unsigned long addr);

/* The VMA that contains addr, or NULL. */
static inline struct vm_area *vma_lookup(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}

/* First VMA that overlaps [start, end), or NULL. */
static inline struct vm_area *find_vma_intersection(struct mm *mm, unsigned long start,
						    unsigned long end)
{
	struct vm_area *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* As find_vma(); *prev is the VMA before it (the last of all when the result is NULL). */
struct vm_area *find_vma_prev(struct mm *mm, unsigned long addr, struct vm_area **prev);

static inline struct vm_area *vma_first(struct mm *mm)
{
	return rb_entry_safe(rb_first(&mm->vma_root), struct vm_area, vm_rb);
}

static inline struct vm_area *vma_next(struct vm_area *vma)
{
	return rb_entry_safe(rb_next(&vma->vm_rb), struct vm_area, vm_rb);
}

static inline struct vm_area *vma_prev(struct vm_area *vma)
{
	return vma->vm_prev;
}

/* Every VMA of an mm by address. The body must not unlink `vma`. */
#define for_each_vma(mm, vma) for ((vma) = vma_first(mm); (vma); (vma) = vma_next(vma))

/* What a search for free address space wants. */
struct unmapped_area {
	unsigned long length; /* bytes, whole pages */
	unsigned long low;    /* lowest address allowed */
	unsigned long high;   /* first address not allowed */
	bool topdown;	      /* highest fit, else lowest */
};

/* The start of a free range as wanted, or -ENOMEM (test with IS_ERR_VALUE()). O(log n).
 * mmap_lock held. */
unsigned long vm_unmapped_area(struct mm *mm, const struct unmapped_area *info);

/* ---- making, linking ------------------------------------------------------------------------- */

/* A VMA with all fields zero but vm_mm, its lists empty. May sleep; NULL when memory is short. */
struct vm_area *vm_area_alloc(struct mm *mm);

/* A copy of vma, not linked, without anon_vma and chain, without taking references. fork sets
 * its vm_mm. May sleep; NULL when memory is short. */
struct vm_area *vm_area_dup(const struct vm_area *vma);

/* Give back a VMA that is in no tree. */
void vm_area_free(struct vm_area *vma);

/* Give back a VMA that lived: vm_ops->close, its reference of the file, the memory. It must
 * have left every tree. mmap_lock held for writing (or last user). May sleep. */
void remove_vma(struct vm_area *vma);

/* Link a new VMA into the mm's tree and, if it maps a file, into the file's interval tree.
 * Counts it in map_count (not in total_vm: vm_stat_account()). mmap_lock held for writing. */
void insert_vma(struct mm *mm, struct vm_area *vma);

/* Link a fork's copy: `vma` lies above every VMA of mm; `parent` is what it was copied from, and
 * in the file's interval tree it comes right after it. Child's mmap_lock held for writing. */
void insert_vma_fork(struct mm *mm, struct vm_area *vma, struct vm_area *parent);

/* Take a VMA out of the mm's tree (not out of the interval trees: rmap walks still see it until
 * unlink_anon_vmas() and unlink_file_vma()). mmap_lock held for writing. */
void detach_vma(struct mm *mm, struct vm_area *vma);

/* Take a VMA out of its file's interval tree. Takes i_mmap_rwsem for writing. */
void unlink_file_vma(struct vm_area *vma);

/* Count (pages > 0) or discount (pages < 0) in total_vm, data_vm, exec_vm, stack_vm.
 * mmap_lock held for writing. */
void vm_stat_account(struct mm *mm, unsigned long flags, long pages);

/* Set vm_page_prot to what vm_flags ask for. */
void vma_set_page_prot(struct vm_area *vma);

/* ---- the update primitive -------------------------------------------------------------------- */

/*
 * Every change of vm_start, vm_end, vm_pgoff or anon_pgoff of a linked VMA happens between these
 * two. Begin locks the file's mapping and the anon_vma root of whichever of the VMAs has one
 * (ADJUST-LOCKED), and takes the VMAs out of the interval trees. End puts them back under their
 * new keys (INDEX-FRESH), links `insert`, unlinks `remove`, repairs the gaps of the VMA tree, and
 * unlocks. Neither can fail, and nothing between them may sleep on memory.
 */
struct vma_update {
	struct vm_area *vma[3];	   /* VMAs whose range changes or that go; NULL where not used */
	struct vm_area *insert;	   /* new VMA to link at the end (split), or NULL */
	struct vm_area *remove[2]; /* of vma[]: those swallowed by a neighbour, or NULL */
	struct anon_vma *anon_vma; /* whose root is locked; may be set before begin, or NULL */
	struct address_space *mapping; /* locked by begin, or NULL */
#ifdef CONFIG_DEBUG
	bool stale_index; /* sabotaged: the VMAs that stay keep their old keys */
#endif
};

/* mmap_lock held for writing. All VMAs share one mm, one file, and one anon_vma or have none.
 * Acquires i_mmap_rwsem and the anon_vma root lock for writing. */
void vma_update_begin(struct vma_update *u);

/* Releases the rmap locks. Removed VMAs are in no tree any more and have no AVC. */
void vma_update_end(struct vma_update *u);

/* ---- split and merge (vma_merge.c) ----------------------------------------------------------- */

/*
 * A split in two steps. Prepare gets all memory it needs; commit cannot fail.
 *
 *	   vma                       vma        new
 *	[ a  |  b ]    commit ->   [  a  ]    [  b  ]		vma keeps the lower part
 */
struct vma_split {
	struct vm_area *new;   /* memory for the upper part */
	struct list_head avcs; /* memory for its chain */
};

/* Get the memory to split vma once. 0 or -ENOMEM. mmap_lock held for writing; may sleep. */
int vma_split_prepare(struct vma_split *s, struct vm_area *vma);
/* The same with room for a chain of `links`. */
int vma_split_reserve(struct vma_split *s, struct mm *mm, unsigned int links);

/* Split vma at addr, inside it. Returns the upper part. Cannot fail, does not sleep on memory. */
struct vm_area *vma_split_commit(struct vma_split *s, struct vm_area *vma, unsigned long addr);

/* Give back what was not used; nothing to do after a commit. */
void vma_split_abort(struct vma_split *s);

/* Split at addr, which lies inside vma; vma keeps the lower part, the upper part is vma_next(vma).
 * 0 or -ENOMEM (nothing changed). mmap_lock held for writing; may sleep. */
int split_vma(struct vm_area *vma, unsigned long addr);

/* What is asked of a merge: the range [start, end) is to have these attributes, lies between prev
 * and next, and is either free (vma NULL) or exactly covered by, or at one end of, `vma`. */
struct vma_merge {
	struct mm *mm;
	struct vm_area *prev; /* VMA that ends at or before start, or NULL */
	struct vm_area *vma;  /* VMA that has [start, end) now, or NULL when it is free */
	struct vm_area *next; /* VMA after the range, or NULL */
	unsigned long start, end;
	unsigned long flags;
	unsigned long pgoff;	  /* file index of start */
	unsigned long anon_pgoff; /* anonymous index of start */
	struct vm_file *file;
	const struct vm_operations *ops;
	struct anon_vma *anon_vma;   /* of the range, NULL: unfaulted */
	struct vm_area *copied_from; /* mremap: whose chain the range will need ... */
	struct list_head *avcs;	     /* ... and what it is made of: then nothing can fail */
};

/* Merge the range into its neighbours if the rules allow. Returns the VMA that now covers it,
 * or NULL when nothing was merged (also for lack of memory: then nothing has changed).
 * mmap_lock held for writing; may sleep. */
struct vm_area *vma_merge(struct vma_merge *m);

/* Give [start, end), which lies inside vma, new vm_flags: by merging with neighbours, or by
 * splitting. Returns the VMA that covers exactly or more than the range, or ERR_PTR(-ENOMEM) with
 * nothing changed. vm_page_prot follows the flags. mmap_lock held for writing; may sleep. */
struct vm_area *vma_modify_flags(struct vm_area *vma, unsigned long start, unsigned long end,
				 unsigned long flags);

/* Grow vma upward or shrink it at either end, to [start, end). Frees no page and moves none.
 * The range gained must be free. Cannot fail. mmap_lock held for writing. */
void vma_resize(struct vm_area *vma, unsigned long start, unsigned long end);

/* Get the memory for one copy_vma() of vma. 0 or -ENOMEM; vma_split_abort() gives it back. What
 * happens to vma in between may make it longer, shorter, or faulted with a chain of one link. */
int copy_vma_reserve(struct vma_split *memory, struct vm_area *vma);

/* Make or find the VMA at addr, which is free, to which mremap moves `vma`'s part [old_addr,
 * old_addr + len): a merge into a neighbour or a new copy, with the chain of `vma` and with
 * `flags`.
 * *need_rmap_locks tells move_page_tables() whether a walk could visit the new VMA before the old
 * one. *vmap may change when the merge swallowed it. Uses up the memory; cannot fail. mmap_lock
 * held for writing. */
struct vm_area *copy_vma(struct vma_split *memory, struct vm_area **vmap, unsigned long old_addr,
			 unsigned long addr, unsigned long len, unsigned long flags,
			 bool *need_rmap_locks);

/* ---- checks (debug builds) ------------------------------------------------------------------- */

#ifdef CONFIG_DEBUG
/* Verify the VMA tree (order, gaps, counts), every AVC (INDEX-FRESH, chain) and panic with the
 * object printed if one is wrong. mmap_lock held; takes the rmap locks. */
void validate_mm(struct mm *mm);
#else
static inline void validate_mm(struct mm *mm)
{
}
#endif

#endif
