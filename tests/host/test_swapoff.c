/* SPDX-License-Identifier: MIT */
/*
 * swapoff of a disk, with little memory, and of shared memory; what else brings that back.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/copy.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/reclaim_internal.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/swap_disks.h"

TEST(swapoff_brings_everything_back)
{
	const unsigned long pages = 1500;
	struct mm *parent, *child;

	boot_without_ram_swap(32);
	add_disk(0, 4000, -1);
	parent = process_with(pages);
	pageout(parent, 0, pages);
	child = mm_dup(parent);
	CHECK(!IS_ERR(child));
	for (unsigned long i = 0; i < pages; i += 3)
		CHECK(write_page(child, i, 1));
	pageout(child, 0, pages);
	CHECK_EQ(do_mprotect(parent, TEST_BASE + PAGE(100), PAGE(50), PROT_NONE), 0);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK(disks[0].released);
	CHECK_EQ(total_swap_pages(), 0);
	CHECK_EQ(get_mm_counter(parent, MM_SWAPENTS), 0);
	CHECK_EQ(get_mm_counter(child, MM_SWAPENTS), 0);
	CHECK_EQ(do_mprotect(parent, TEST_BASE + PAGE(100), PAGE(50), PROT_READ), 0);
	for (unsigned long i = 0; i < pages; i++) {
		CHECK(page_holds(parent, i, 0));
		CHECK(page_holds(child, i, i % 3 == 0));
	}
	check_all(parent);
	CHECK_EQ(swap_device_remove("disk0"), -EINVAL);
	/* The same type is used again. */
	CHECK_EQ(add_disk(0, 4000, -1)->used, 0);
	pageout(child, 0, pages);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(page_holds(child, i, i % 3 == 0));
	test_mm_end(child);
	test_mm_end(parent);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/* More than fits: -ENOMEM, the device stays, and not a byte is lost. */
TEST(swapoff_without_memory)
{
	const unsigned long pages = 5500;
	struct mm *mm;

	boot_without_ram_swap(16);
	add_disk(0, 8000, -1);
	mm = process_with(pages);
	CHECK_EQ(swap_device_remove("disk0"), -ENOMEM);
	CHECK(swap_device(0)->writable && !disks[0].released);
	CHECK_EQ(vm_event_sum(OOM_KILL), 0);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(page_holds(mm, i, 0));
	/* A second disk takes what the first gives up. */
	add_disk(1, 8000, -1);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK(disks[0].released);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(page_holds(mm, i, 0));
	check_all(mm);
	test_mm_end(mm);
	idle();
	reap_laundry();
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

static struct page *shmem_page(struct vm_file *file, unsigned long i)
{
	struct page *page = NULL;

	CHECK_EQ(file->mapping->a_ops->get_page(file->mapping, i, GETPAGE_ALLOC, &page), 0);
	return page;
}

static void shmem_to_swap(struct vm_file *file, unsigned long pages)
{
	LIST_HEAD(list);

	lru_add_drain_all();
	for (unsigned long i = 0; i < pages; i++) {
		struct page *page = find_get_page(file->mapping, i);

		CHECK(page && isolate_lru_page(page));
		put_page(page);
		list_add_tail(&page->lru, &list);
	}
	reclaim_pages(&list);
	idle();
	reap_laundry();
}

TEST(swapoff_shared_memory)
{
	const unsigned long pages = 300;
	struct vm_file *file;

	boot_without_ram_swap(16);
	add_disk(0, 1000, -1);
	file = shmem_vm_file(PAGE(pages), 0);
	for (unsigned long i = 0; i < pages; i++) {
		struct page *page = shmem_page(file, i);

		*(u64 *)page_address(page) = i + 1;
		unlock_page(page);
		put_page(page);
	}
	shmem_to_swap(file, pages);
	CHECK_EQ(file->mapping->nrswapped, pages);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK_EQ(file->mapping->nrswapped, 0);
	for (unsigned long i = 0; i < pages; i++) {
		struct page *page = shmem_page(file, i);

		CHECK_EQ(*(u64 *)page_address(page), i + 1);
		unlock_page(page);
		put_page(page);
	}
	file->ops->put(file);
}

/* MADV_WILLNEED of shared memory, which has no entries in the page table. */
TEST(willneed_of_shared_memory)
{
	struct vm_file *file;
	struct mm *mm;

	boot_without_ram_swap(16);
	add_disk(0, 1000, -1);
	file = shmem_vm_file(PAGE(64), 0);
	for (unsigned long i = 0; i < 64; i++) {
		struct page *page = shmem_page(file, i);

		*(u64 *)page_address(page) = i + 1;
		unlock_page(page);
		put_page(page);
	}
	shmem_to_swap(file, 64);
	mm = test_mm();
	CHECK_EQ(vm_mmap(mm, file, TEST_BASE, PAGE(60), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, 4),
		 TEST_BASE);
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(8), PAGE(16), MADV_WILLNEED), 0);
	idle();
	CHECK_EQ(disks[0].reads, 16);
	for (unsigned long i = 8; i < 24; i++)
		expect(mm, TEST_BASE + PAGE(i), i + 5);
	CHECK_EQ(disks[0].reads, 16);
	CHECK_EQ(file->mapping->nrswapped, 48);
	test_mm_end(mm);
	file->ops->put(file);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/*
 * A page that compressed RAM has refused goes to a disk, cannot be written there, and the disk leaves.
 * The error was the disk's: the page's own slot is as good as before.
 */
TEST(swapoff_takes_its_errors_along)
{
	u64 words[512], got[512];
	struct mm *mm;

	boot(16);
	add_disk(0, 100, -1);
	disks[0].dead = true;
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(1), PROT_READ | PROT_WRITE);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = test_rand();
	poke(mm, TEST_BASE, 1);
	CHECK_EQ(access_remote_vm(mm, TEST_BASE, words, PAGE_SIZE, true), PAGE_SIZE);
	CHECK_EQ(do_madvise(mm, TEST_BASE, PAGE(1), MADV_PAGEOUT), 0);
	idle();
	CHECK_EQ(vm_event_sum(SWAP_WRITE_ERROR), 1);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	reap_laundry();
	CHECK_EQ(access_remote_vm(mm, TEST_BASE, got, PAGE_SIZE, false), PAGE_SIZE);
	CHECK(!memcmp(got, words, PAGE_SIZE));
	test_mm_end(mm);
	CHECK_EQ(swap_device(0)->bad, 0);
}

/* ---- what is left where bytes were lost ---- */

static pte_t pte_at(struct mm *mm, unsigned long addr, const pte_t *set)
{
	spinlock_t *ptl;
	pte_t *ptep = pgwalk_pte_lock(mm, addr, &ptl), pte;

	if (set)
		set_pte(ptep, *set);
	pte = ptep_get(ptep);
	pte_unmap_unlock(ptep, ptl);
	return pte;
}

/*
 * A private copy that is lost is still a private copy: it stays when the file's page goes, and goes
 * when its owner says that he does not need it, or the file ends before it.
 */
TEST(what_was_lost_stays_lost)
{
	pte_t lost = swp_entry_to_pte(make_lost_entry());
	struct vm_file *file;
	struct mm *mm;

	boot(16);
	mm = test_mm();
	file = shmem_vm_file(PAGE(4), 0);
	CHECK_EQ(vm_mmap(mm, file, TEST_BASE, PAGE(4), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED, 0),
		 TEST_BASE);
	map_anon(mm, TEST_BASE + PAGE(8), PAGE(4), PROT_READ | PROT_WRITE);
	poke(mm, TEST_BASE + PAGE(1), 1);
	poke(mm, TEST_BASE + PAGE(9), 1);
	pte_at(mm, TEST_BASE, &lost);
	pte_at(mm, TEST_BASE + PAGE(8), &lost);
	unmap_mapping_pages(file->mapping, 0, 4, false);
	CHECK(pte_same(pte_at(mm, TEST_BASE, NULL), lost));
	expect(mm, TEST_BASE + PAGE(1), 1);
	unmap_mapping_pages(file->mapping, 0, 4, true);
	CHECK(pte_none(pte_at(mm, TEST_BASE, NULL)));
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(8), PAGE(4), MADV_FREE), 0);
	expect(mm, TEST_BASE + PAGE(8), 0);
	vm_file_put(file);
	test_mm_end(mm);
}
