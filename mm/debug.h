/* SPDX-License-Identifier: MIT */
/*
 * Checks of a debug kernel, and the patterns it writes into memory that nobody should read.
 *
 * VM_BUG_ON*(cond) panics when cond is true, and prints the object. In a release kernel they cost
 * nothing: cond is compiled for its types, but not evaluated.
 *
 * A word of one of these patterns in a register or a dump tells what was done wrong:
 *
 *	pattern			where				who sees it
 *	5a5a5a5a5a5a5a5a	slab object, fresh		uses memory it did not initialise
 *	6b6b6b6b6b6b6b6b	slab object, freed		uses an object after kfree()
 *	...a5 (its last byte)	end of a freed object		as above
 *	bbbbbbbbbbbbbbbb	redzone of a free object	(intact: nothing wrong)
 *	cccccccccccccccc	redzone of an object in use	(other value: somebody wrote past it)
 *	aaaaaaaaaaaaaaaa	page, freed			uses a page after free_page()
 *	dead000000000100/122	list_head after list_del()	walks a list through a removed entry
 *	d7d7d7d7d7d7d7d7	kernel stack, unused		(how deep the stack ever was)
 *	7ab1e0ff7ab1e0ff	page table, freed		walks a page table after free_pgtables()
 */
#ifndef MM_DEBUG_H
#define MM_DEBUG_H

#include "kernel/panic.h"
#include "lib/types.h"

#define POISON_INUSE	  0x5a
#define POISON_FREE	  0x6b
#define POISON_END	  0xa5
#define PAGE_POISON	  0xaa
#define STACK_POISON	  0xd7
#define SLUB_RED_INACTIVE 0xbbbbbbbbbbbbbbbbUL
#define SLUB_RED_ACTIVE	  0xccccccccccccccccUL
#define PGTABLE_POISON	  0x7ab1e0ff7ab1e0ffUL

struct page;
struct vm_area;
struct mm;

/* Print all that is known about a page. Any context. */
void dump_page(const struct page *page, const char *reason);

#ifdef CONFIG_DEBUG

/* Print a VMA, an address space. Any context. (mm/vma_debug.c) */
void dump_vma(const struct vm_area *vma);
void dump_mm(const struct mm *mm);

#define VM_BUG_ON(cond)	 BUG_ON(cond)
#define VM_WARN_ON(cond) WARN_ON(cond)
#define VM_BUG_ON_PAGE(cond, page)                                    \
	do {                                                          \
		if (unlikely(cond)) {                                 \
			dump_page(page, "VM_BUG_ON_PAGE(" #cond ")"); \
			BUG();                                        \
		}                                                     \
	} while (0)
#define VM_BUG_ON_VMA(cond, vma)       \
	do {                           \
		if (unlikely(cond)) {  \
			dump_vma(vma); \
			BUG();         \
		}                      \
	} while (0)
#define VM_BUG_ON_MM(cond, mm)        \
	do {                          \
		if (unlikely(cond)) { \
			dump_mm(mm);  \
			BUG();        \
		}                     \
	} while (0)

#else

#define VM_BUG_ON(cond)		   ((void)sizeof((long)(cond)))
#define VM_WARN_ON(cond)	   ((void)sizeof((long)(cond)))
#define VM_BUG_ON_PAGE(cond, page) ((void)sizeof((long)(cond)), (void)sizeof(page))
#define VM_BUG_ON_VMA(cond, vma)   ((void)sizeof((long)(cond)), (void)sizeof(vma))
#define VM_BUG_ON_MM(cond, mm)	   ((void)sizeof((long)(cond)), (void)sizeof(mm))

#endif

/*
 * should_fail_alloc() - failure injection: fail the k-th allocation from now on.
 * Debug kernels; see mm/page_debug.c. In a release kernel it is constant false.
 */
#ifdef CONFIG_DEBUG
bool should_fail_alloc(gfp_t gfp);
/*
 * Fail the k-th (from 1) failable allocation from now; 0 switches off. Returns those counted. With
 * a task's number (kernel/witness.h) only its allocations count; 0: everybody's.
 */
unsigned long fail_alloc_arm_task(unsigned long k, int task);
static inline unsigned long fail_alloc_arm(unsigned long k)
{
	return fail_alloc_arm_task(k, 0);
}
/* The k-th and all that follow: what is undone then must do without memory. */
void fail_alloc_arm_rest(unsigned long k);
#else
static inline bool should_fail_alloc(gfp_t gfp)
{
	return false;
}
#endif

#endif
