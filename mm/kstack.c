/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks.
 *
 * A stack that overflows must not run into somebody else's data. Each lies in a slot of twice its
 * size, of which only the upper half is ever mapped:
 *
 *	slot n     | guard, never mapped | stack, THREAD_SIZE |   slot n+1 ...
 *	                                 ^lowest usable address
 *
 * so that any overflow of up to THREAD_SIZE is a page fault (a double fault, which has a stack of
 * its own), and so that an address alone tells whether it is in a guard.
 *
 * Mapping and unmapping cost far more than the rest of a fork, so a freed stack stays mapped: a few
 * on a list of the CPU, more on a common list. kstack_shrink() gives those of the common list back
 * when memory is short. Freeing itself does nothing but link: the scheduler does it with interrupts
 * off, for a task that has just been left.
 *
 * The link of a free stack is in its first word.
 */
#include "arch/x86_64/irq.h"
#include "arch/x86_64/kmap.h"
#include "arch/x86_64/tlb.h"
#include "kernel/percpu.h"
#include "kernel/spinlock.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/vmalloc.h"
#include "mm/vmalloc_internal.h"
#include "mm/vmstat.h"

#define SLOT_SIZE   (2 * THREAD_SIZE)
#define NR_SLOTS    (KSTACK_AREA / SLOT_SIZE)
#define STACK_PAGES (THREAD_SIZE / PAGE_SIZE)
#define CPU_KEEP    4

struct free_stack {
	struct free_stack *next;
};

struct stack_cache {
	struct free_stack *list;
	unsigned int count;
};

static DEFINE_PER_CPU(struct stack_cache, stack_cache);

/* Lock key: (k) kstack_lock, taken with interrupts off */
static DEFINE_SPINLOCK(kstack_lock);
static struct free_stack *spare;	/* (k) */
static DECLARE_BITMAP(slots, NR_SLOTS); /* (k) */
static unsigned long next_slot;		/* (k) no free slot below */

static unsigned long slot_stack(unsigned long slot)
{
	return VMALLOC_START + slot * SLOT_SIZE + THREAD_SIZE;
}

static unsigned long get_slot(void)
{
	unsigned long flags, slot;

	spin_lock_irqsave(&kstack_lock, flags);
	slot = find_next_zero_bit(slots, NR_SLOTS, next_slot);
	if (slot < NR_SLOTS) {
		__set_bit(slot, slots);
		next_slot = slot + 1;
	}
	spin_unlock_irqrestore(&kstack_lock, flags);
	return slot;
}

static void put_slot(unsigned long slot)
{
	unsigned long flags;

	spin_lock_irqsave(&kstack_lock, flags);
	__clear_bit(slot, slots);
	next_slot = min(next_slot, slot);
	spin_unlock_irqrestore(&kstack_lock, flags);
}

static void free_stack_pages(struct page **pages, unsigned long n)
{
	while (n--)
		__free_page(pages[n]);
}

static void *new_stack(void)
{
	struct page *pages[STACK_PAGES];
	unsigned long slot, n;

	for (n = 0; n < STACK_PAGES; n++) {
		pages[n] = alloc_page(GFP_KERNEL);
		if (!pages[n])
			goto no_memory;
	}
	slot = get_slot();
	if (slot == NR_SLOTS)
		goto no_memory;
	if (map_pages(slot_stack(slot), pages, STACK_PAGES)) {
		put_slot(slot);
		goto no_memory;
	}
	mod_node_stat(NR_KERNEL_STACK_PAGES, STACK_PAGES);
	return (void *)slot_stack(slot);

no_memory:
	free_stack_pages(pages, n);
	return NULL;
}

static void destroy_stack(struct free_stack *stack)
{
	unsigned long addr = (unsigned long)stack;
	struct page *pages[STACK_PAGES];

	for (unsigned long i = 0; i < STACK_PAGES; i++)
		pages[i] = phys_to_page(unmap_kernel_page(addr + i * PAGE_SIZE));
	flush_tlb_kernel_range(addr, addr + THREAD_SIZE);
	free_stack_pages(pages, STACK_PAGES);
	put_slot((addr - VMALLOC_START) / SLOT_SIZE);
	mod_node_stat(NR_KERNEL_STACK_PAGES, -(long)STACK_PAGES);
}

static struct free_stack *pop_cpu(void)
{
	struct stack_cache *c;
	struct free_stack *stack;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(&stack_cache);
	stack = c->list;
	if (stack) {
		c->list = stack->next;
		c->count--;
	}
	local_irq_restore(flags);
	return stack;
}

static struct free_stack *pop_spare(void)
{
	struct free_stack *stack;
	unsigned long flags;

	spin_lock_irqsave(&kstack_lock, flags);
	stack = spare;
	if (stack)
		spare = stack->next;
	spin_unlock_irqrestore(&kstack_lock, flags);
	return stack;
}

void *kstack_alloc(void)
{
	void *stack;

	might_sleep();
	stack = pop_cpu();
	if (!stack)
		stack = pop_spare();
	if (!stack)
		stack = new_stack();
#ifdef CONFIG_DEBUG
	if (stack)
		memset(stack, STACK_POISON, THREAD_SIZE);
#endif
	return stack;
}

void kstack_free(void *ptr)
{
	struct free_stack *stack = ptr;
	struct stack_cache *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(&stack_cache);
	if (c->count < CPU_KEEP) {
		stack->next = c->list;
		c->list = stack;
		c->count++;
	} else {
		spin_lock(&kstack_lock);
		stack->next = spare;
		spare = stack;
		spin_unlock(&kstack_lock);
	}
	local_irq_restore(flags);
}

unsigned long kstack_shrink(void)
{
	struct free_stack *stack;
	unsigned long pages = 0;

	while ((stack = pop_spare())) {
		destroy_stack(stack);
		pages += STACK_PAGES;
	}
	return pages;
}

bool kstack_is_guard(unsigned long addr)
{
	return addr >= VMALLOC_START && addr < VMALLOC_START + KSTACK_AREA &&
	       (addr - VMALLOC_START) % SLOT_SIZE < THREAD_SIZE;
}
