/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_TLB_H
#define ARCH_X86_64_TLB_H

/*
 * Keeping the translation caches of all CPUs true to the page tables. tlb.c has the essay.
 *
 * All flush functions: called after the page table was changed; on return no CPU uses an old
 * translation of the range for a user access. They may be called with spinlocks held, but not with
 * interrupts off once other CPUs run (they wait for an answer of the other CPUs). They do not sleep
 * and cannot fail.
 */

#include "lib/types.h"
#include "lib/atomic.h"

struct mm;

/* Part of struct mm, as mm->arch. */
struct arch_mm {
	u64 cpumask; /* CPUs that have this page table loaded, lazy ones included (atomic) */
	atomic_long_t tlb_gen; /* counts flushes; a CPU that saw an older one has stale entries */
	u64 ctx_id;	       /* never reused: tells two lives of one struct mm apart */
};

/* A new address space: nobody has loaded it yet. Cannot fail, takes no locks. */
void arch_mm_init(struct mm *mm);

/*
 * Everything of @mm. The only one that reaches CPUs which hold the page table lazily, so the one
 * that must be used before page-table pages are freed.
 */
void flush_tlb_mm(struct mm *mm);
void flush_tlb_range(struct mm *mm, unsigned long start, unsigned long end);
void flush_tlb_page(struct mm *mm, unsigned long addr);
/* Kernel mappings, on all CPUs (vmalloc, ioremap). */
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

/*
 * Unmapping many pages, maybe of many address spaces, for the price of one interrupt per CPU: add
 * each mm after its PTE was cleared, flush before the pages are freed or their contents believed
 * clean. Zero-initialised is empty.
 */
struct tlb_batch {
	u64 cpumask;
	bool pending;
};

void tlb_batch_add(struct tlb_batch *batch, struct mm *mm);
void tlb_batch_flush(struct tlb_batch *batch);
static inline bool tlb_batch_pending(const struct tlb_batch *batch)
{
	return batch->pending;
}

/*
 * The scheduler's part, with interrupts off. switch_mm() is called whenever the next task has an
 * mm, also when it is the one that is loaded (it may have been flushed while this CPU was lazy);
 * enter_lazy_tlb() when the next task has none and borrows the loaded one, whose mm_count keeps the
 * table itself alive. @prev is the loaded mm, or NULL.
 */
void switch_mm(struct mm *prev, struct mm *next);
void enter_lazy_tlb(struct mm *active_mm);

/* Load the kernel's own page table, so that this CPU holds no user mm at all (CPU start, panic). */
void load_kernel_pgd(void);

#endif
