/* SPDX-License-Identifier: MIT */
/*
 * Swap and reclaim: what is written comes back, whatever the order of events, and memory does not
 * leak.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/buddy.h"
#include "mm/copy.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

enum kind { ZEROS, ONE_WORD, SHORT_HEAD, TEXT, HALF, NOISE, NR_KINDS };

/* A page's bytes, from its kind and a number. */
static void fill(u64 *words, enum kind kind, u64 number)
{
	struct prng prng;

	prng_seed(&prng, number);
	for (unsigned int i = 0; i < 512; i++) {
		switch (kind) {
		case ZEROS:
			words[i] = 0;
			break;
		case ONE_WORD:
			words[i] = number;
			break;
		case SHORT_HEAD:
			words[i] = i < 20 ? prng_next(&prng) : 7;
			break;
		case TEXT:
			words[i] = 0x6f20656874206e69ULL + prng_below(&prng, 4);
			break;
		case HALF:
			words[i] = i / 16 % 2 ? prng_next(&prng) : number;
			break;
		default:
			words[i] = prng_next(&prng);
		}
	}
}

/* ---- the device and the cache, without an address space ---- */

/* Put a page into swap as reclaim does. False: refused, the page is the caller's again. */
static bool page_out(struct page *page, swp_entry_t *entry)
{
	CHECK(trylock_page(page));
	CHECK(add_to_swap(page));
	*entry = page_swp_entry(page);
	CHECK_EQ(swap_duplicate(*entry), 0);
	if (swap_writepage(page)) {
		CHECK(PageDirty(page));
		swap_free(*entry);
		CHECK(try_to_free_swap(page));
		unlock_page(page);
		return false;
	}
	CHECK(freeze_and_leave_swap_cache(page, 2));
	__ClearPageLocked(page);
	__ClearPageSwapBacked(page);
	page_ref_unfreeze(page, 1);
	__free_page(page);
	return true;
}

static struct page *new_page(enum kind kind, u64 number)
{
	struct page *page = alloc_page(GFP_KERNEL);

	CHECK(page);
	__SetPageSwapBacked(page);
	fill(page_address(page), kind, number);
	return page;
}

static void check_contents(swp_entry_t entry, enum kind kind, u64 number)
{
	struct page *page = swapin(entry, GFP_KERNEL);
	u64 expect[512];

	CHECK(page && PageUptodate(page));
	CHECK(lookup_swap_cache(entry) == page);
	put_page(page);
	fill(expect, kind, number);
	CHECK(!memcmp(page_address(page), expect, PAGE_SIZE));
	CHECK(trylock_page(page));
	CHECK_EQ(swap_entry_count(entry), 1);
	CHECK(!try_to_free_swap(page));
	swap_free(entry);
	CHECK(try_to_free_swap(page));
	CHECK(!PageSwapCache(page) && PageDirty(page));
	unlock_page(page);
	put_page(page);
}

TEST(swap_round_trip)
{
	static struct {
		swp_entry_t entry;
		enum kind kind;
		u64 number;
	} slots[1500];
	unsigned long free_slots, before, nr = 0;

	host_boot(32);
	free_slots = nr_free_swap_pages();
	before = nr_free_pages();
	for (unsigned long step = 0; step < test_iterations(12000); step++) {
		if (nr < ARRAY_SIZE(slots) && test_rand_below(100) < 55) {
			enum kind kind = test_rand_below(NR_KINDS);
			u64 number = test_rand();
			struct page *page = new_page(kind, number);

			if (page_out(page, &slots[nr].entry)) {
				CHECK(kind != NOISE);
				slots[nr].kind = kind;
				slots[nr++].number = number;
			} else {
				CHECK(kind == NOISE);
				__ClearPageSwapBacked(page);
				__free_page(page);
			}
		} else if (nr) {
			unsigned int i = test_rand_below(nr);

			check_contents(slots[i].entry, slots[i].kind, slots[i].number);
			slots[i] = slots[--nr];
		}
	}
	while (nr) {
		nr--;
		check_contents(slots[nr].entry, slots[nr].kind, slots[nr].number);
	}
	CHECK_EQ(nr_free_swap_pages(), free_slots);
	CHECK_EQ(node_stat(NR_SWAPCACHE), 0);
	lru_add_drain_all();
	slab_shrink_all();
	CHECK(nr_free_pages() + 16 >= before);
}

/* Half-compressible data takes little more than half the frames. */
/*
 * Compressed RAM without memory for one more object refuses the page. That is no error of the
 * device: it is asked again when there is memory.
 */
TEST(swap_ram_is_full_for_a_while)
{
	struct page *pages[100], *page;
	LIST_HEAD(taken);

	host_boot(32);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = new_page(HALF, i);
		CHECK(trylock_page(pages[i]));
		CHECK(add_to_swap(pages[i]));
	}
	while ((page = alloc_page(GFP_NOWAIT | __GFP_MEMALLOC | __GFP_NOWARN)))
		list_add(&page->lru, &taken);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		CHECK_EQ(swap_writepage(pages[i]), -ENOSPC);
	CHECK_EQ(vm_event_sum(SWAP_WRITE_ERROR), 0);
	while (!list_empty(&taken)) {
		page = list_first_entry(&taken, struct page, lru);
		list_del(&page->lru);
		__free_page(page);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		CHECK_EQ(swap_writepage(pages[i]), 0);
	CHECK_EQ(vm_event_sum(PSWPOUT), ARRAY_SIZE(pages));
}

TEST(swap_saves_memory)
{
	static swp_entry_t entries[2000];
	unsigned long before;

	host_boot(32);
	before = nr_free_pages();
	for (unsigned int i = 0; i < 2000; i++)
		CHECK(page_out(new_page(HALF, i), &entries[i]));
	CHECK(before - nr_free_pages() < 2000 * 6 / 10);
	for (unsigned int i = 0; i < 2000; i++)
		check_contents(entries[i], HALF, i);
}

/* ---- through address spaces ---- */

/* Write 8 words of a page with a CPU, all of it as a debugger would, check it with both. */
static void write_page(struct mm *mm, unsigned long addr, enum kind kind, u64 number)
{
	u64 words[512];

	fill(words, kind, number);
	for (unsigned int i = 0; i < 8; i++)
		CHECK_EQ(sim_write(mm, i % SIM_CPUS, addr + i * 512, words[i * 64]), 0);
	CHECK_EQ(access_remote_vm(mm, addr, words, PAGE_SIZE, true), PAGE_SIZE);
}

static void check_page(struct mm *mm, unsigned long addr, enum kind kind, u64 number)
{
	u64 words[512], got[512], word;

	fill(words, kind, number);
	for (unsigned int i = 0; i < 8; i++) {
		CHECK_EQ(sim_read(mm, i % SIM_CPUS, addr + i * 512, &word), 0);
		CHECK_EQ(word, words[i * 64]);
	}
	CHECK_EQ(access_remote_vm(mm, addr, got, PAGE_SIZE, false), PAGE_SIZE);
	CHECK(!memcmp(got, words, PAGE_SIZE));
}

static enum kind kind_of(u64 number)
{
	return number % 16 == 0 ? ZEROS : number % 16 == 1 ? NOISE : HALF;
}

/* A process with half as much again as there is memory, read and written at random. */
TEST(reclaim_under_pressure)
{
	unsigned long pages = (24UL << 20) * 3 / 2 / PAGE_SIZE;
	u32 *version = calloc(pages, sizeof(*version));
	struct mm *mm;

	host_boot(24);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, pages * PAGE_SIZE, PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < pages; i++)
		write_page(mm, TEST_BASE + PAGE(i), kind_of(i), i);
	CHECK(vm_event_sum(PSWPOUT) > pages / 4);
	for (unsigned long step = 0; step < test_iterations(8000); step++) {
		unsigned long i = test_rand_below(pages);
		u64 number = i + pages * version[i];

		check_page(mm, TEST_BASE + PAGE(i), kind_of(number), number);
		if (test_rand_below(2)) {
			number = i + pages * ++version[i];
			write_page(mm, TEST_BASE + PAGE(i), kind_of(number), number);
		}
	}
	check_all(mm);
	for (unsigned long i = 0; i < pages; i++)
		check_page(mm, TEST_BASE + PAGE(i), kind_of(i + pages * version[i]),
			   i + pages * version[i]);
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
	free(version);
}

/* Compressed memory that would not fit beside its pages: it need not, it goes as they come. */
TEST(swapoff_of_compressed_memory)
{
	unsigned long pages;
	struct mm *mm;

	host_boot(16);
	sim_cpu_init();
	mm = test_mm();
	pages = nr_free_pages() * 3 / 4;
	map_anon(mm, TEST_BASE, PAGE(pages), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < pages; i++)
		write_page(mm, TEST_BASE + PAGE(i), HALF, i);
	CHECK_EQ(do_madvise(mm, TEST_BASE, PAGE(pages), MADV_PAGEOUT), 0);
	CHECK(get_mm_counter(mm, MM_SWAPENTS) > (long)nr_free_pages());
	CHECK_EQ(swap_device_remove("zram"), 0);
	CHECK_EQ(node_stat(NR_SWAP_STORED), 0);
	for (unsigned long i = 0; i < pages; i++)
		check_page(mm, TEST_BASE + PAGE(i), HALF, i);
	test_mm_end(mm);
}

/*
 * Four children, each with its own 16 MiB beside 8 MiB that it inherits and partly rewrites; 64
 * MiB.
 */
TEST(reclaim_four_children)
{
	const unsigned long shared = 2048, own = 4096;
	struct mm *parent, *child[4];

	host_boot(64);
	sim_cpu_init();
	parent = test_mm();
	map_anon(parent, TEST_BASE, PAGE(shared), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < shared; i++)
		write_page(parent, TEST_BASE + PAGE(i), HALF, i);
	for (unsigned int c = 0; c < 4; c++) {
		child[c] = mm_dup(parent);
		CHECK(!IS_ERR(child[c]));
		map_anon(child[c], 2 * TEST_BASE, PAGE(own), PROT_READ | PROT_WRITE);
	}
	for (unsigned long i = 0; i < own; i++) {
		for (unsigned int c = 0; c < 4; c++) {
			write_page(child[c], 2 * TEST_BASE + PAGE(i), HALF, i * 4 + c);
			if (i < shared && i % 4 == c)
				write_page(child[c], TEST_BASE + PAGE(i), HALF, i * 100 + c);
		}
	}
	CHECK(vm_event_sum(PSWPOUT) > 1000);
	CHECK_EQ(vm_event_sum(OOM_KILL), 0);
	for (unsigned int c = 0; c < 4; c++) {
		for (unsigned long i = 0; i < own; i++)
			check_page(child[c], 2 * TEST_BASE + PAGE(i), HALF, i * 4 + c);
		for (unsigned long i = 0; i < shared; i++)
			check_page(child[c], TEST_BASE + PAGE(i), HALF,
				   i % 4 == c ? i * 100 + c : i);
	}
	for (unsigned long i = 0; i < shared; i++)
		check_page(parent, TEST_BASE + PAGE(i), HALF, i);
	for (unsigned int c = 0; c < 4; c++)
		test_mm_end(child[c]);
	test_mm_end(parent);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/* ---- mlock ---- */

/*
 * Locked pages are on a list of their own, whichever way they came, and return when the last locker
 * goes.
 */
TEST(mlock_unevictable)
{
	struct mm *mm, *child;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(300), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < 100; i++)
		write_page(mm, TEST_BASE + PAGE(i), HALF, i);
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(200), 0), 0);
	CHECK_EQ(do_mlock(mm, TEST_BASE + PAGE(200), PAGE(100), MLOCK_ONFAULT), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 200);
	for (unsigned long i = 100; i < 250; i++)
		write_page(mm, TEST_BASE + PAGE(i), HALF, i);
	lru_add_drain_all();
	CHECK_EQ(node_stat(NR_MLOCK), 250);
	CHECK_EQ(node_stat(NR_UNEVICTABLE), 250);
	CHECK_EQ(do_madvise(mm, TEST_BASE, PAGE(300), MADV_PAGEOUT), -EINVAL);
	CHECK_EQ(do_munlock(mm, TEST_BASE, PAGE(50)), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 200);
	CHECK_EQ(node_stat(NR_UNEVICTABLE), 200);
	/* The child has not locked them; what it throws away stays locked for the parent. */
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	CHECK_EQ(child->locked_vm, 0);
	write_page(child, TEST_BASE + PAGE(100), HALF, 7);
	test_mm_end(child);
	CHECK_EQ(node_stat(NR_MLOCK), 200);
	/* The parent forgets them while the child has them: nobody locks them any more. */
	child = mm_dup(mm);
	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(150)), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 100);
	CHECK_EQ(node_stat(NR_UNEVICTABLE), 100);
	for (unsigned long i = 50; i < 150; i++)
		check_page(child, TEST_BASE + PAGE(i), HALF, i);
	test_mm_end(child);
	test_mm_end(mm);
	CHECK_EQ(node_stat(NR_MLOCK), 0);
	CHECK_EQ(node_stat(NR_UNEVICTABLE), 0);
}

/* One of two sharers unlocks: reclaim finds the other, and leaves the page. */
TEST(mlock_by_two)
{
	struct mm *mm;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	CHECK_EQ(vm_mmap(mm, NULL, TEST_BASE, PAGE(32), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0),
		 TEST_BASE);
	for (unsigned long i = 0; i < 32; i++)
		write_page(mm, TEST_BASE + PAGE(i), HALF, i);
	CHECK_EQ(
		do_mremap(mm, TEST_BASE, 0, PAGE(32), MREMAP_MAYMOVE | MREMAP_FIXED, 2 * TEST_BASE),
		2 * TEST_BASE);
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(32), 0), 0);
	CHECK_EQ(do_mlock(mm, 2 * TEST_BASE, PAGE(32), 0), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 32);
	CHECK_EQ(do_munlock(mm, TEST_BASE, PAGE(32)), 0);
	for (unsigned int i = 0; i < 20; i++)
		try_to_free_pages(GFP_KERNEL, 0);
	CHECK_EQ(node_stat(NR_MLOCK), 32);
	CHECK_EQ(node_stat(NR_UNEVICTABLE), 32);
	CHECK_EQ(get_mm_counter(mm, MM_SHMEMPAGES), 64);
	CHECK_EQ(do_munlock(mm, 2 * TEST_BASE, PAGE(32)), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 0);
	test_mm_end(mm);
}

/* A page of one word takes no memory in swap, whatever can be said of the word in 60 bits. */
TEST(swap_same_pages)
{
	static const u64 words[] = {0,
				    1,
				    ~0UL,
				    0x5a5a5a5a5a5a5a5aUL,
				    0xdeadbeefdeadbeefUL,
				    (1UL << 59) - 1,
				    -(1UL << 59),
				    0x123456789abcdef0UL};
	swp_entry_t entries[ARRAY_SIZE(words)];

	host_boot(32);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		unsigned long stored = node_stat(NR_SWAP_STORED);

		CHECK(page_out(new_page(ONE_WORD, words[i]), &entries[i]));
		CHECK_EQ(node_stat(NR_SWAP_STORED) == stored, i < ARRAY_SIZE(words) - 1);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		check_contents(entries[i], ONE_WORD, words[i]);
}
