/* SPDX-License-Identifier: MIT */
/*
 * Reaching into an address space as a debugger does. What must never happen is that a write meant
 * for one process's copy lands in a page that others see (Dirty COW).
 */
#include "kernel/sync_point.h"
#include "lib/err.h"
#include "mm/access.h"
#include "mm/copy.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "mm/vma.h"
#include "mm/zap.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

#define BASE 0x40000000UL

static struct mm *start(void)
{
	struct mm *mm;

	host_boot(32);
	sim_cpu_init();
	mm = mm_alloc();
	CHECK(mm);
	return mm;
}

static void map(struct mm *mm, struct vm_file *vmf, unsigned int pages, int prot, int flags)
{
	CHECK_EQ(vm_mmap(mm, vmf, BASE, pages * PAGE_SIZE, prot, flags | MAP_FIXED, 0), BASE);
}

static long poke(struct mm *mm, unsigned long addr, u64 value)
{
	return access_remote_vm(mm, addr, &value, sizeof(value), true);
}

static u64 peek(struct mm *mm, unsigned long addr)
{
	u64 value = ~0UL;

	CHECK_EQ(access_remote_vm(mm, addr, &value, sizeof(value), false), sizeof(value));
	return value;
}

/* A breakpoint in a read-only private mapping of a file: in the process's copy, not in the file. */
TEST(mm_access_private_file_is_copied)
{
	struct mm *mm = start(), *other = mm_alloc();
	struct vm_file *vmf = shmem_vm_file(PAGE_SIZE, 0);
	u64 value;

	map(other, vmf, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_EQ(sim_write(other, 0, BASE, 1234), 0);
	map(mm, vmf, 1, PROT_READ, MAP_PRIVATE);
	CHECK_EQ(sim_read(mm, 0, BASE, &value), 0);
	CHECK_EQ(value, 1234);
	CHECK_EQ(poke(mm, BASE, 0xcc), 8);
	CHECK_EQ(sim_read(mm, 0, BASE, &value), 0);
	CHECK_EQ(value, 0xcc);
	CHECK_EQ(peek(other, BASE), 1234);
	CHECK_EQ(sim_write(mm, 0, BASE, 1), VM_FAULT_BADACCESS);

	/* The copy dropped, the original shows again; a second write makes a second copy. */
	CHECK_EQ(do_madvise(mm, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	CHECK_EQ(peek(mm, BASE), 1234);
	CHECK_EQ(poke(mm, BASE, 0xcd), 8);
	CHECK_EQ(peek(other, BASE), 1234);
}

static struct mm *discarding;

/* Another thread's MADV_DONTNEED, once, when the copy has just been made. */
static void discard_the_copy(int point)
{
	if (point != SP_access_after_cow_before_retry || !discarding)
		return;
	zap_page_range(vma_lookup(discarding, BASE), BASE, PAGE_SIZE);
	discarding = NULL;
}

TEST(b10_forced_write_looks_again)
{
	struct mm *mm = start(), *other = mm_alloc();
	struct vm_file *vmf = shmem_vm_file(PAGE_SIZE, 0);

	map(other, vmf, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_EQ(sim_write(other, 0, BASE, 1234), 0);
	map(mm, vmf, 1, PROT_READ, MAP_PRIVATE);
	discarding = mm;
	host_sync_point = discard_the_copy;
	CHECK_EQ(poke(mm, BASE, 1), 8);
	host_sync_point = NULL;
	CHECK(!discarding);
	CHECK_EQ(peek(mm, BASE), 1);
	CHECK_EQ(peek(other, BASE), 1234);
}

TEST(b30_forced_write_leaves_zero_page)
{
	struct mm *mm = start();
	u64 *zero = page_address(pfn_to_page(zero_pfn));
	u64 value;

	map(mm, NULL, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK_EQ(sim_read(mm, 0, BASE, &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(poke(mm, BASE, 7), 8);
	CHECK_EQ(peek(mm, BASE), 7);
	CHECK_EQ(peek(mm, BASE + PAGE_SIZE), 0);
	CHECK_EQ(*zero, 0);
}

TEST(mm_access_forked_page_is_copied)
{
	struct mm *mm = start(), *child;

	map(mm, NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK_EQ(sim_write(mm, 0, BASE, 1), 0);
	CHECK_EQ(do_mprotect(mm, BASE, PAGE_SIZE, PROT_NONE), 0);
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	CHECK_EQ(poke(child, BASE, 2), 8);
	CHECK_EQ(peek(mm, BASE), 1);
	CHECK_EQ(peek(child, BASE), 2);
	CHECK_EQ(poke(mm, BASE, 3), 8);
	CHECK_EQ(peek(child, BASE), 2);
}

/* A shared mapping that may not be written is not written, by nobody. */
TEST(mm_access_shared_read_only_is_refused)
{
	struct mm *mm = start();
	struct vm_file *vmf = shmem_vm_file(PAGE_SIZE, 0);

	map(mm, vmf, 1, PROT_READ, MAP_SHARED);
	CHECK_EQ(poke(mm, BASE, 1), 0);
	CHECK_EQ(peek(mm, BASE), 0);
}

/* It ends where the memory ends, also in the middle of a word and at the end of a file. */
TEST(mm_access_ends_at_a_hole)
{
	struct mm *mm = start();
	static char buf[3 * PAGE_SIZE];

	map(mm, NULL, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK_EQ(access_remote_vm(mm, BASE + 100, buf, sizeof(buf), true), 2 * PAGE_SIZE - 100);
	CHECK_EQ(access_remote_vm(mm, BASE + 2 * PAGE_SIZE - 3, buf, 8, false), 3);
	CHECK_EQ(access_remote_vm(mm, BASE - 1, buf, 8, false), 0);
	map(mm, shmem_vm_file(PAGE_SIZE, 0), 2, PROT_READ, MAP_PRIVATE);
	CHECK_EQ(access_remote_vm(mm, BASE, buf, sizeof(buf), false), PAGE_SIZE);
}
