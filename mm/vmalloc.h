/* SPDX-License-Identifier: MIT */
/*
 * Kernel virtual memory that is not the direct map: contiguous addresses over scattered pages,
 * kernel stacks with a guard page, device registers.
 *
 * The area [VMALLOC_START, VMALLOC_END) is handed out in address order. Process context; may sleep.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "arch/x86_64/pgtable.h"
#include "lib/types.h"

/* Boot, after slab_init(). */
void vmalloc_init(void);

/* size bytes, rounded up to pages, contents undefined / zero. NULL when out of memory. */
void *vmalloc(size_t size);
void *vzalloc(size_t size);
/* Free what vmalloc() gave; NULL does nothing. Not in interrupts. */
void vfree(const void *addr);

/*
 * A kernel stack of THREAD_SIZE bytes, below which lies a page that is never mapped: running over
 * it is a page fault, not silent corruption. Returns the lowest usable address, or NULL. Freed
 * stacks are kept for reuse, a few per CPU. kstack_free(): process context, or preemption off.
 */
void *kstack_alloc(void);
void kstack_free(void *stack);
/* Give kept stacks back to the page allocator. Returns pages freed. Process context. */
unsigned long kstack_shrink(void);
/* Is addr in the guard page below some kernel stack? Any context, for the double-fault report. */
bool kstack_is_guard(unsigned long addr);

/*
 * Address space alone, for ioremap(): size bytes at a page boundary, nothing mapped, a guard page
 * behind. 0 when there is none. free_vm_range() takes what get_vm_range() returned; the caller
 * has unmapped and flushed it.
 */
unsigned long get_vm_range(size_t size);
void free_vm_range(unsigned long addr);

/* Bytes in use, for /proc/meminfo. */
unsigned long vmalloc_used(void);

#endif
