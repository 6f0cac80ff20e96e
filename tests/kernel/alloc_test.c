/* SPDX-License-Identifier: MIT */
/*
 * The allocators where only the machine can test them: several CPUs and interrupts at once, real
 * guard pages, real permissions. Their logic is tested on the host (tests/host/test_memory.c).
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/sched.h"
#include "lib/atomic.h"
#include "lib/random.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "mm/vmstat.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"

#define THREADS 4
#define SLOTS	512
#define ROUNDS	4000

/* Where the threads leave their allocations: any thread may take and free any of them. */
struct exchange {
	void *slots[SLOTS];
	atomic_t wrong, made, seed;
};

static struct exchange exchange;

/* The first words of an allocation say how long it is, and the rest repeats its mark. */
struct lump {
	u32 words;
	u32 order; /* pages, or NO_ORDER from kmalloc */
	u64 mark[];
};

#define NO_ORDER 99u

static struct lump *make_lump(struct prng *prng)
{
	bool pages = prng_below(prng, 4) == 0;
	u32 order = pages ? (u32)prng_below(prng, 3) : NO_ORDER;
	size_t bytes = pages ? PAGE_SIZE << order : 32 + prng_below(prng, 2000);
	struct lump *lump;

	lump = pages ? (void *)__get_free_pages(GFP_KERNEL, order) : kmalloc(bytes, GFP_KERNEL);
	if (!lump)
		return NULL;
	lump->order = order;
	lump->words = (u32)((bytes - sizeof(*lump)) / 8);
	for (u32 i = 0; i < lump->words; i++)
		lump->mark[i] = (u64)(uintptr_t)lump ^ i;
	atomic_inc(&exchange.made);
	return lump;
}

static void end_lump(struct lump *lump)
{
	for (u32 i = 0; i < lump->words; i++) {
		if (lump->mark[i] != ((u64)(uintptr_t)lump ^ i)) {
			atomic_inc(&exchange.wrong);
			break;
		}
	}
	if (lump->order == NO_ORDER)
		kfree(lump);
	else
		free_pages((unsigned long)lump, lump->order);
}

static void trade(void *arg)
{
	struct prng prng;

	prng_seed(&prng, (u64)atomic_inc_return(&exchange.seed));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct lump *lump = prng_below(&prng, 2) ? make_lump(&prng) : NULL;

		lump = xchg(&exchange.slots[prng_below(&prng, SLOTS)], lump);
		if (lump)
			end_lump(lump);
		if (i % 64 == 0)
			cond_resched();
	}
}

KTEST(alloc_between_cpus)
{
	memset(&exchange, 0, sizeof(exchange));
	KTEST_TRUE(run_threads(THREADS, trade, NULL));
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (exchange.slots[i])
			end_lump(exchange.slots[i]);
	}
	KTEST_EQ(atomic_read(&exchange.wrong), 0);
	KTEST_TRUE(atomic_read(&exchange.made) > THREADS * ROUNDS / 4);
#ifdef CONFIG_DEBUG
	buddy_verify();
#endif
}

static bool mapped(unsigned long addr)
{
	char byte;

	return !copy_from_kernel_nofault(&byte, (const void *)addr, 1);
}

KTEST(kstack_has_guard)
{
	char *stack = kstack_alloc();
	bool below, inside, last;

	KTEST_TRUE(stack);
	memset(stack, 0x11, THREAD_SIZE);
	below = mapped((unsigned long)stack - 1);
	inside = mapped((unsigned long)stack);
	last = mapped((unsigned long)stack + THREAD_SIZE - 1);
	kstack_free(stack);
	KTEST_TRUE(!below && inside && last);
	KTEST_TRUE(kstack_is_guard((unsigned long)stack - 1));
}

KTEST(vmalloc_maps_and_unmaps)
{
	unsigned long before = vmalloc_used();
	char *p = vzalloc(5 * PAGE_SIZE + 100);

	KTEST_TRUE(p);
	KTEST_TRUE(!memchr_inv(p, 0, 6 * PAGE_SIZE));
	memset(p, 0x77, 6 * PAGE_SIZE);
	KTEST_TRUE(mapped((unsigned long)p + 5 * PAGE_SIZE));
	KTEST_TRUE(!mapped((unsigned long)p + 6 * PAGE_SIZE));
	vfree(p);
	KTEST_TRUE(!mapped((unsigned long)p));
	KTEST_EQ(vmalloc_used(), before);
}

/* Every frame of RAM has its struct page, and the free ones add up. */
KTEST(memory_map_adds_up)
{
	unsigned long ram = 0, reserved = 0;

	for (unsigned long pfn = 0; pfn < max_pfn; pfn++) {
		if (!pfn_valid(pfn)) {
			pfn = ALIGN_DOWN(pfn, 16UL) + 15; /* holes may be large */
			continue;
		}
		ram++;
		reserved += PageReserved(pfn_to_page(pfn));
	}
	KTEST_TRUE(nr_free_pages() <= totalram_pages());
	KTEST_TRUE(totalram_pages() <= ram);
	KTEST_TRUE(ram - reserved <= totalram_pages() + 64);
}
