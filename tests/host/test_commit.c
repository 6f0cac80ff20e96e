/* SPDX-License-Identifier: MIT */
/*
 * What memory is promised (mm/commit.c): to address spaces, to shared memory, with and without swap.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "tests/host/mm_helpers.h"

static long map_pages(struct mm *mm, unsigned long pages)
{
	return vm_mmap(mm, NULL, 0, PAGE(pages), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/* The three ways to promise memory: what cannot be, anything, and no more than there is. */
TEST(overcommit_modes)
{
	unsigned long all, limit;
	struct mm *mm;
	long addr;

	host_boot(32);
	mm = test_mm();
	all = totalram_pages() + total_swap_pages();
	CHECK_EQ(map_pages(mm, all + 1), -ENOMEM);
	CHECK(map_pages(mm, all) > 0 && map_pages(mm, all) > 0);
	sysctl_overcommit_memory = 1;
	CHECK(map_pages(mm, 4 * all) > 0);
	test_mm_end(mm);
	CHECK_EQ(vm_committed_pages(), 0);
	sysctl_overcommit_memory = 2;
	limit = vm_commit_limit();
	CHECK_EQ(limit, totalram_pages() / 2 + total_swap_pages());
	mm = test_mm();
	CHECK_EQ(map_pages(mm, limit + 1), -ENOMEM);
	addr = map_pages(mm, limit / 2);
	CHECK(addr > 0);
	CHECK_EQ(vm_committed_pages(), limit / 2);
	/* What is replaced is not promised twice. */
	CHECK_EQ(vm_mmap(mm, NULL, addr, PAGE(limit / 2), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0),
		 addr);
	CHECK_EQ(vm_committed_pages(), limit / 2);
	CHECK_EQ(map_pages(mm, limit / 2 + 1), -ENOMEM);
	CHECK_EQ(vm_committed_pages(), limit / 2);
	sysctl_overcommit_kbytes = 4096;
	CHECK_EQ(vm_commit_limit(), 1024 + total_swap_pages());
	test_mm_end(mm);
	CHECK_EQ(vm_committed_pages(), 0);
}

/* What mode 2 keeps back: for the administrator, and of each process a 32nd of its own size. */
TEST(overcommit_reserves)
{
	unsigned long limit;
	struct mm *mm, *admin;

	host_boot(32);
	CHECK_EQ(sysctl_admin_reserve_kbytes, sysctl_user_reserve_kbytes);
	sysctl_overcommit_memory = 2;
	sysctl_admin_reserve_kbytes = 400;
	limit = vm_commit_limit();
	mm = test_mm();
	admin = test_mm();
	mm->limits.admin = false;
	CHECK_EQ(map_pages(mm, limit - 100), -ENOMEM);
	CHECK(map_pages(mm, limit - 101) > 0);
	CHECK(map_pages(admin, 90) > 0);
	/* 11 are left; of 90 pages of its own two are kept back, and the limit is not reached. */
	CHECK_EQ(map_pages(admin, 9), -ENOMEM);
	sysctl_user_reserve_kbytes = 4;
	CHECK_EQ(map_pages(admin, 10), -ENOMEM);
	CHECK(map_pages(admin, 9) > 0);
	CHECK_EQ(vm_committed_pages(), limit - 2);
	test_mm_end(admin);
	test_mm_end(mm);
	CHECK_EQ(vm_committed_pages(), 0);
}

static void fill_file(struct vm_file *file, unsigned long index, int result)
{
	struct page *page;

	CHECK_EQ(file->mapping->a_ops->get_page(file->mapping, index, GETPAGE_ALLOC, &page),
		 result);
	if (!result) {
		unlock_page(page);
		put_page(page);
	}
}

/* Shared memory is promised with the object; without a reserve page by page. */
TEST(overcommit_shared_memory)
{
	struct vm_file *all, *paged;

	host_boot(32);
	CHECK_EQ(PTR_ERR(shmem_vm_file(PAGE(totalram_pages() + total_swap_pages() + 1), 0)),
		 -ENOMEM);
	CHECK_EQ(vm_committed_pages(), 0);
	all = shmem_vm_file(PAGE(1000), 0);
	CHECK_EQ(vm_committed_pages(), 1000);
	fill_file(all, 5, 0);
	CHECK_EQ(vm_committed_pages(), 1000);
	paged = shmem_vm_file(1UL << 40, VM_NORESERVE);
	CHECK_EQ(vm_committed_pages(), 1000);
	fill_file(paged, 7, 0);
	fill_file(paged, 7, 0);
	CHECK_EQ(vm_committed_pages(), 1001);
	sysctl_overcommit_memory = 2;
	sysctl_overcommit_kbytes = 4;
	/* With the swap the promises can be kept, without it not. */
	CHECK_EQ(swap_device_remove("zram"), -ENOMEM);
	sysctl_overcommit_memory = 0;
	CHECK_EQ(swap_device_remove("zram"), 0);
	sysctl_overcommit_memory = 2;
	fill_file(paged, 8, -ENOSPC);
	fill_file(all, 8, 0);
	CHECK_EQ(vm_committed_pages(), 1001);
	vm_file_put(paged);
	vm_file_put(all);
	CHECK_EQ(vm_committed_pages(), 0);
}

static struct mm *caller;

static struct mm *get_caller(void)
{
	return caller;
}

/* Shared memory, and what swapoff takes away, is asked for by somebody as well: the reserves are his. */
TEST(overcommit_reserves_of_the_caller)
{
	struct vm_file *all;
	struct mm *mm, *admin;
	unsigned long limit;

	host_boot(32);
	mm = test_mm();
	admin = test_mm();
	mm->limits.admin = false;
	mm_of_caller = get_caller;
	sysctl_overcommit_memory = 2;
	sysctl_admin_reserve_kbytes = 400;
	limit = vm_commit_limit();
	caller = mm;
	CHECK_EQ(PTR_ERR(shmem_vm_file(PAGE(limit - 50), 0)), -ENOMEM);
	caller = admin;
	all = shmem_vm_file(PAGE(limit - total_swap_pages() - 50), 0);
	CHECK(!IS_ERR(all));
	caller = mm;
	CHECK_EQ(swap_device_remove("zram"), -ENOMEM);
	caller = admin;
	CHECK_EQ(swap_device_remove("zram"), 0);
	vm_file_put(all);
	test_mm_end(admin);
	test_mm_end(mm);
}
