/* SPDX-License-Identifier: MIT */
/* memblock, the page allocator, slab, vmalloc and kernel stacks. */
#include "tests/host/test.h"

#include "mm/buddy.h"
#include "mm/debug.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "mm/vmstat.h"

/* ---- memblock against a map of pages ---- */

#define PAGES 512
static u8 is_ram[PAGES], is_taken[PAGES];

static void check_memblock(void)
{
	phys_addr_t start, end, prev = 0;
	u8 is_free[PAGES] = {0};
	u64 cookie = 0;

	while (memblock_next_free(&cookie, &start, &end)) {
		CHECK(start < end && start >= prev);
		prev = end;
		memset(is_free + PFN_DOWN(start), 1, PFN_DOWN(end - start));
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		CHECK_EQ(memblock_is_memory(PFN_PHYS(i) + 7), is_ram[i]);
		CHECK_EQ(is_free[i], is_ram[i] && !is_taken[i]);
	}
	for (unsigned int i = 1; i < memblock_memory.cnt; i++)
		CHECK(memblock_memory.regions[i - 1].base + memblock_memory.regions[i - 1].size <
		      memblock_memory.regions[i].base);
}

TEST(memblock_against_map)
{
	for (unsigned long step = 0; step < test_iterations(4000); step++) {
		unsigned int at = test_rand_below(PAGES), n = 1 + test_rand_below(40);
		/* Unaligned edges: RAM shrinks to whole pages, what is taken grows. */
		unsigned int head = test_rand_below(3) ? 0 : 100,
			     tail = test_rand_below(3) ? 0 : 100;
		phys_addr_t base = PFN_PHYS(at);

		n = min(n, PAGES - at);
		switch (test_rand_below(4)) {
		case 0:
			memblock_add(base - head * (at > 0), PFN_PHYS(n) + head * (at > 0) + tail);
			memset(is_ram + at, 1, n);
			break;
		case 1:
			memblock_remove(base, PFN_PHYS(n));
			memset(is_ram + at, 0, n);
			break;
		case 2:
			memblock_reserve(base + head, PFN_PHYS(n) - head - tail);
			memset(is_taken + at, 1, n);
			break;
		case 3:
			memblock_phys_free(base, PFN_PHYS(n));
			memset(is_taken + at, 0, n);
			break;
		}
		check_memblock();
	}
}

TEST(memblock_alloc_is_disjoint)
{
	void *p[20];

	host_memory(8);
	memblock_add(0, 8 << 20);
	memblock_reserve(0x180000, 0x10000);
	for (unsigned int i = 0; i < 20; i++) {
		size_t size = 1 + test_rand_below(100000), align = 1UL << test_rand_below(16);

		p[i] = memblock_alloc(size, align);
		CHECK(IS_ALIGNED((unsigned long)p[i] - DIRECT_MAP_BASE, align));
		CHECK(__pa(p[i]) >= 0x100000);
		CHECK(!memchr_inv(p[i], 0, size));
		memset(p[i], (int)i, size);
		for (unsigned int k = 0; k < i; k++)
			CHECK(*(u8 *)p[k] == k);
	}
	CHECK(__pa(memblock_alloc_low(4096, 4096, 0x100000)) < 0x100000);
}

/* ---- the page allocator ---- */

struct block {
	struct page *page;
	unsigned int order;
	u64 mark;
};

static void mark_block(struct block *b)
{
	b->mark = test_rand();
	for (unsigned int i = 0; i < 1U << b->order; i++)
		((u64 *)page_address(b->page + i))[test_rand_below(512)] = 0,
					       *(u64 *)page_address(b->page + i) = b->mark + i;
}

static void check_block(const struct block *b)
{
	for (unsigned int i = 0; i < 1U << b->order; i++)
		CHECK_EQ(*(u64 *)page_address(b->page + i), b->mark + i);
}

TEST(buddy_random)
{
	static struct block blocks[2000];
	unsigned long before, out = 0;
	unsigned int nr = 0;

	host_boot(24);
	before = nr_free_pages();
	for (unsigned long step = 0; step < test_iterations(60000); step++) {
		host_set_cpu(test_rand_below(4));
		if (nr < ARRAY_SIZE(blocks) && test_rand_below(100) < 52) {
			unsigned int order = test_rand_below(8) ? 0 : test_rand_below(8);
			struct page *page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);

			if (!page)
				continue;
			CHECK_EQ(page_count(page), 1);
			CHECK(IS_ALIGNED(page_to_pfn(page), 1UL << order));
			blocks[nr].page = page;
			blocks[nr].order = order;
			out += 1UL << order;
			mark_block(&blocks[nr++]);
		} else if (nr) {
			unsigned int i = test_rand_below(nr);

			check_block(&blocks[i]);
			out -= 1UL << blocks[i].order;
			__free_pages(blocks[i].page, blocks[i].order);
			blocks[i] = blocks[--nr];
		}
		CHECK_EQ(nr_free_pages() + out, before);
		if (step % 1000 == 0)
			buddy_verify();
	}
	while (nr--) {
		check_block(&blocks[nr]);
		__free_pages(blocks[nr].page, blocks[nr].order);
	}
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		host_set_cpu(cpu);
		drain_local_pages();
	}
	buddy_verify();
	CHECK_EQ(zone_free_pages(), before);
}

/* All memory given back merges into the largest blocks again. */
TEST(buddy_coalesces)
{
	unsigned long largest;
	LIST_HEAD(all);
	struct page *page;

	host_boot(24);
	largest = zone.free_area[MAX_ORDER - 1].nr_free;
	CHECK(largest >= 4);
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN | __GFP_MEMALLOC)))
		list_add(&page->lru, &all);
	CHECK_EQ(nr_free_pages(), 0);
	list_for_each_entry (page, &all, lru)
		atomic_set(&page->_refcount, 0);
	free_page_list(&all);
	drain_local_pages();
	buddy_verify();
	CHECK_EQ(zone.free_area[MAX_ORDER - 1].nr_free, largest);
}

TEST(buddy_watermarks)
{
	struct page *page;
	unsigned long n = 0;
	LIST_HEAD(all);

	host_boot(24);
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	CHECK_EQ(zone_free_pages(), zone.watermark[WMARK_MIN]);
	while ((page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)))
		list_add(&page->lru, &all), n++;
	CHECK_EQ(n, zone.watermark[WMARK_MIN] - zone.watermark[WMARK_MIN] / 2);
	CHECK(alloc_page(GFP_NOWAIT | __GFP_MEMALLOC | __GFP_NOWARN));
}

TEST(page_holes_and_reserved)
{
	host_memory(16);
	memblock_add(0, 0x9fc00);
	memblock_add(0x100000, (12 << 20) - 0x3000);
	memblock_reserve(0x100000, 0x200000);
	page_init();
	buddy_init();
	CHECK(PageReserved(pfn_to_page(0)));
	CHECK(!pfn_valid(0xa0) && pfn_valid(0x9e) && !pfn_valid(0x9f));
	for (unsigned long pfn = 0x9f; pfn < 0x300; pfn++)
		CHECK(PageReserved(pfn_to_page(pfn)));
	CHECK(PageReserved(pfn_to_page(0x300))); /* the kinds of the pageblocks */
	CHECK(!PageReserved(pfn_to_page(0x301)));
	buddy_verify();
	free_reserved_area(__va(0x100800), __va(0x105800));
	CHECK(PageReserved(pfn_to_page(0x100)) && !PageReserved(pfn_to_page(0x101)));
	buddy_verify();
}

static void free_twice(void *page)
{
	__free_page(page);
	__free_page(page);
}

static void write_after_free(void *p)
{
	struct page *page = p;

	__free_page(page);
	((char *)page_address(page))[100] = 1;
	for (int i = 0; i < 100; i++)
		alloc_page(GFP_KERNEL);
}

static void free_mapped(void *p)
{
	struct page *page = p;

	atomic_inc(&page->_mapcount);
	__free_page(page);
}

TEST(page_misuse_panics)
{
	host_boot(24);
	CHECK_PANICS(free_twice, alloc_page(GFP_KERNEL));
	CHECK_PANICS(write_after_free, alloc_page(GFP_KERNEL));
	CHECK_PANICS(free_mapped, alloc_page(GFP_KERNEL));
}

/* ---- slab ---- */

struct object {
	u64 mark;
	u32 size;
	u8 *p;
};

TEST(slab_random)
{
	static struct object objects[3000];
	unsigned int nr = 0;

	host_boot(32);
	for (unsigned long step = 0; step < test_iterations(100000); step++) {
		host_set_cpu(test_rand_below(4));
		if (nr < ARRAY_SIZE(objects) && test_rand_below(100) < 51) {
			struct object *o = &objects[nr];

			o->size = 1 + test_rand_below(test_rand_below(20) ? 300 : 9000);
			o->p = kmalloc(o->size, GFP_KERNEL);
			CHECK(o->p && ksize(o->p) >= o->size);
			CHECK(IS_ALIGNED((unsigned long)o->p, 8));
			memset(o->p, (int)step, o->size);
			o->mark = (u8)step;
			nr++;
		} else if (nr) {
			unsigned int i = test_rand_below(nr);

			CHECK(!memchr_inv(objects[i].p, (int)objects[i].mark, objects[i].size));
			kfree(objects[i].p);
			objects[i] = objects[--nr];
		}
	}
	while (nr--)
		kfree(objects[nr].p);
}

static int constructed;

static void construct(void *object)
{
	*(u64 *)object = 0x1234;
	constructed++;
}

/* An object keeps its type, and a constructed one its contents, until a grace period is over. */
TEST(slab_typesafe_by_rcu)
{
	struct kmem_cache *cache;
	struct slabinfo info;
	u64 *o[500];

	host_boot(24);
	cache = kmem_cache_create("typesafe", 100, 0, SLAB_TYPESAFE_BY_RCU | SLAB_PANIC, construct);
	for (unsigned int i = 0; i < 500; i++) {
		o[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		CHECK_EQ(*o[i], 0x1234);
	}
	rcu_read_lock();
	for (unsigned int i = 0; i < 500; i++)
		kmem_cache_free(cache, o[i]);
	kmem_cache_shrink(cache);
	for (unsigned int i = 0; i < 500; i++)
		CHECK_EQ(*o[i], 0x1234);
	rcu_read_unlock();
	kmem_cache_info(cache, &info);
	CHECK(info.slabs < 10);
	CHECK(host_rcu_quiesce() > 0);
	kmem_cache_destroy(cache);
	host_rcu_quiesce();
}

TEST(slab_gives_memory_back)
{
	struct kmem_cache *cache;
	unsigned long before;
	void *o[2000];

	host_boot(24);
	cache = kmem_cache_create("giving", 200, 0, SLAB_PANIC, NULL);
	before = nr_free_pages();
	for (unsigned int i = 0; i < 2000; i++)
		o[i] = kmem_cache_zalloc(cache, GFP_KERNEL);
	CHECK(nr_free_pages() < before - 90);
	for (unsigned int i = 0; i < 2000; i++)
		kmem_cache_free(cache, o[i]);
	kmem_cache_destroy(cache);
	CHECK_EQ(nr_free_pages(), before);
}

TEST(slab_zero_and_align)
{
	struct kmem_cache *cache;

	host_boot(24);
	cache = kmem_cache_create("aligned", 70, 128, SLAB_PANIC, NULL);
	for (unsigned int i = 0; i < 200; i++) {
		u8 *p = kmem_cache_zalloc(cache, GFP_KERNEL);

		CHECK(IS_ALIGNED((unsigned long)p, 128));
		CHECK(!memchr_inv(p, 0, 70));
		memset(p, 0xff, 70);
		if (i % 2)
			kmem_cache_free(cache, p);
	}
	for (unsigned int size = 16; size <= 2048; size *= 2)
		CHECK(IS_ALIGNED((unsigned long)kmalloc(size, GFP_KERNEL), size));
	CHECK(!kmalloc_array(1UL << 40, 1UL << 40, GFP_KERNEL));
}

/* Memory in single pages only: a cache that prefers blocks makes do with pages. */
TEST(slab_in_fragmented_memory)
{
	struct kmem_cache *cache;
	static struct page *pages[8192];
	static u8 *objects[500];
	unsigned int nr = 0;

	host_boot(24);
	cache = kmem_cache_create("large", 1400, 0, SLAB_PANIC, NULL);
	while ((pages[nr] = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		nr++;
	for (unsigned int i = 0; i < nr; i++) {
		if (page_to_pfn(pages[i]) % 2)
			__free_page(pages[i]);
	}
	for (unsigned int i = 0; i < 500; i++) {
		objects[i] = kmem_cache_alloc(cache, GFP_NOWAIT);
		CHECK(objects[i]);
		memset(objects[i], (int)i, 1400);
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (page_to_pfn(pages[i]) % 2 == 0)
			__free_page(pages[i]);
	}
	for (unsigned int i = 0; i < 500; i++) {
		CHECK(!memchr_inv(objects[i], (int)i, 1400));
		kmem_cache_free(cache, objects[i]);
	}
	kmem_cache_destroy(cache);
}

static void slab_double_free(void *p)
{
	void *other = kmalloc(100, GFP_KERNEL);

	kfree(p);
	kfree(other);
	kfree(p);
}

static void slab_overrun(void *p)
{
	((u8 *)p)[112] = 1; /* behind the redzone's start: 100 is rounded up to 112 or less */
	memset((u8 *)p + 100, 1, 40);
	kfree(p);
}

static void slab_use_after_free(void *p)
{
	kfree(p);
	((u8 *)p)[50] = 7;
	for (int i = 0; i < 500; i++)
		kmalloc(100, GFP_KERNEL);
}

static void slab_bad_pointer(void *p)
{
	kfree((u8 *)p + 8);
}

TEST(slab_misuse_panics)
{
	host_boot(24);
	CHECK_PANICS(slab_double_free, kmalloc(100, GFP_KERNEL));
	CHECK_PANICS(slab_overrun, kmalloc(100, GFP_KERNEL));
	CHECK_PANICS(slab_use_after_free, kmalloc(100, GFP_KERNEL));
	CHECK_PANICS(slab_bad_pointer, kmalloc(100, GFP_KERNEL));
}

/* ---- vmalloc ---- */

TEST(vmalloc_random)
{
	static struct object objects[60];
	unsigned long before, used;
	unsigned int nr = 0;

	host_boot(32);
	vfree(vmalloc(1));
	before = nr_free_pages();
	used = vmalloc_used();
	for (unsigned long step = 0; step < test_iterations(2000); step++) {
		if (nr < ARRAY_SIZE(objects) && test_rand_below(2)) {
			struct object *o = &objects[nr++];

			o->size = 1 + test_rand_below(40000);
			o->p = vzalloc(o->size);
			CHECK(o->p && !memchr_inv(o->p, 0, o->size));
			memset(o->p, (int)step, o->size);
			o->mark = (u8)step;
		} else if (nr) {
			unsigned int i = test_rand_below(nr);

			CHECK(!memchr_inv(objects[i].p, (int)objects[i].mark, objects[i].size));
			vfree(objects[i].p);
			objects[i] = objects[--nr];
		}
	}
	while (nr--)
		vfree(objects[nr].p);
	slab_shrink_all();
	CHECK(nr_free_pages() + 8 >= before);
	CHECK_EQ(vmalloc_used(), used);
}

TEST(kstack_guard_and_reuse)
{
	void *stacks[50];

	host_boot(24);
	for (unsigned int i = 0; i < 50; i++) {
		stacks[i] = kstack_alloc();
		CHECK(stacks[i]);
		memset(stacks[i], (int)i, THREAD_SIZE);
		CHECK(kstack_is_guard((unsigned long)stacks[i] - 1));
		CHECK(!kstack_is_guard((unsigned long)stacks[i]));
		CHECK(!kstack_is_guard((unsigned long)stacks[i] + THREAD_SIZE - 1));
	}
	for (unsigned int i = 0; i < 50; i++) {
		CHECK(!memchr_inv(stacks[i], (int)i, THREAD_SIZE));
		kstack_free(stacks[i]);
	}
	CHECK(kstack_alloc());
	CHECK_EQ(kstack_shrink(), 46 * 4);
	CHECK_EQ(node_stat(NR_KERNEL_STACK_PAGES), 4 * 4);
}

/* ---- failing on purpose ---- */

TEST(allocation_failure_injection)
{
	unsigned long used;

	host_boot(24);
	used = vmalloc_used();
	fail_alloc_arm(2);
	CHECK(kmalloc(10, GFP_KERNEL));
	CHECK(!kmalloc(10, GFP_KERNEL));
	CHECK(alloc_page(GFP_KERNEL));
	CHECK_EQ(fail_alloc_arm(0), 3);
	for (unsigned long k = 1;; k++) {
		void *p;

		fail_alloc_arm(k);
		p = vmalloc(20000);
		fail_alloc_arm(0);
		if (p)
			break;
		CHECK_EQ(vmalloc_used(), used);
		CHECK(k < 50);
	}
}
