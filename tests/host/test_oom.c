/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: who is ended, for whom it is waited, and who is left alone.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "mm/access.h"
#include "mm/buddy.h"
#include "mm/copy.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/mman.h"
#include "mm/oom.h"
#include "mm/shmem.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

static struct mm *killed;

static void remember_victim(struct mm *mm, const char *why)
{
	killed = mm;
}

static void boot(void)
{
	host_boot(32);
	sim_cpu_init();
	oom_kill_hook = remember_victim;
}

/* A process that has written to so many pages. */
static struct mm *process_of(unsigned long pages)
{
	struct mm *mm = test_mm();

	map_anon(mm, TEST_BASE, PAGE(pages), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < pages; i++)
		poke(mm, TEST_BASE + PAGE(i), i + 1);
	return mm;
}

/* A page's bytes, by its number, that no compression makes smaller. */
static void noise(u64 *words, u64 number)
{
	struct prng prng;

	prng_seed(&prng, number);
	for (unsigned int i = 0; i < 512; i++)
		words[i] = prng_next(&prng);
}

static bool write_noise(struct mm *mm, unsigned long page)
{
	u64 words[512];

	noise(words, page);
	return !sim_write(mm, 0, TEST_BASE + PAGE(page), words[0]) &&
	       access_remote_vm(mm, TEST_BASE + PAGE(page), words, PAGE_SIZE, true) == PAGE_SIZE;
}

/* Among those that are protected more than they are large, the less protected one is worse. */
TEST(oom_compares_protected_ones)
{
	struct mm *most, *less, *never;

	boot();
	most = process_of(300);
	less = process_of(100);
	never = process_of(300);
	most->oom_score_adj = -900;
	less->oom_score_adj = -500;
	never->oom_score_adj = OOM_SCORE_ADJ_MIN;
	CHECK(oom_badness(less) < 0 && oom_badness(most) < oom_badness(less));
	CHECK(oom_badness(never) < oom_badness(most));
	mmput(most);
	mmput(less);
	mmput(never);
}

/*
 * Memory that cannot be compressed runs out: the larger process is chosen, the smaller keeps its
 * bytes.
 */
TEST(oom_takes_the_largest)
{
	struct mm *small, *large;
	u64 words[512], got[512];

	boot();
	small = test_mm();
	large = test_mm();
	map_anon(small, TEST_BASE, PAGE(1000), PROT_READ | PROT_WRITE);
	map_anon(large, TEST_BASE, PAGE(20000), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < 1000; i++)
		CHECK(write_noise(small, i));
	for (unsigned long i = 0; i < 20000 && !killed; i++)
		if (!write_noise(large, i))
			break;
	CHECK(killed == large);
	CHECK_EQ(vm_event_sum(OOM_KILL), 1);
	for (unsigned long i = 0; i < 1000; i++) {
		noise(words, i);
		CHECK_EQ(access_remote_vm(small, TEST_BASE + PAGE(i), got, PAGE_SIZE, false),
			 PAGE_SIZE);
		CHECK(!memcmp(got, words, PAGE_SIZE));
	}
	CHECK(nr_free_pages() > 3000);
	test_mm_end(large);
	test_mm_end(small);
}

/* Take free pages until fewer than the high watermark are left. Linked by private. */
static struct page *take_memory(void)
{
	struct page *taken = NULL, *page;

	while (zone_watermark_ok(WMARK_HIGH)) {
		page = alloc_page(GFP_ATOMIC);
		CHECK(page);
		page->private = (unsigned long)taken;
		taken = page;
		drain_local_pages();
	}
	return taken;
}

static void give_memory_back(struct page *taken)
{
	while (taken) {
		struct page *next = (struct page *)taken->private;

		taken->private = 0;
		put_page(taken);
		taken = next;
	}
	drain_local_pages();
}

/*
 * LAST-LOOK: an allocation that failed gets the OOM killer's lock when another's victim has been
 * killed and reaped. There is memory again, so nobody else is killed.
 */
TEST(oom_looks_at_memory_once_more)
{
	struct page *taken;
	struct mm *mm;

	boot();
	mm = process_of(10);
	taken = take_memory();
	give_memory_back(taken);
	CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(!killed);
	CHECK_EQ(vm_event_sum(OOM_KILL), 0);
	taken = take_memory();
	CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(killed == mm);
	give_memory_back(taken);
	test_mm_end(mm);
}

/* A victim whose address space is locked is reaped later; until then nobody else is killed. */
TEST(oom_reaps_a_busy_victim_later)
{
	struct mm *busy, *other;
	struct page *taken;

	boot();
	busy = process_of(200);
	other = process_of(100);
	taken = take_memory();
	mmap_write_lock(busy);
	CHECK(out_of_memory(GFP_KERNEL, 0) && killed == busy);
	killed = NULL;
	CHECK(out_of_memory(GFP_KERNEL, 0) && get_mm_counter(busy, MM_ANONPAGES) == 200);
	mmap_write_unlock(busy);
	CHECK(out_of_memory(GFP_KERNEL, 0) && get_mm_counter(busy, MM_ANONPAGES) == 0);
	CHECK(!killed);
	give_memory_back(taken);
	test_mm_end(busy);
	test_mm_end(other);
}

/* One whose address space stays locked for good is given up: the next is killed. */
TEST(oom_gives_up_a_victim_that_hangs)
{
	struct mm *stuck, *other;
	struct page *taken;
	unsigned int calls = 0;

	boot();
	stuck = process_of(200);
	other = process_of(100);
	taken = take_memory();
	mmap_write_lock(stuck);
	while (killed != other && calls++ < 2000)
		CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(killed == other && calls > 100);
	mmap_write_unlock(stuck);
	give_memory_back(taken);
	test_mm_end(stuck);
	test_mm_end(other);
}

/* The last user of the largest has just gone, and takes it down: nobody is killed meanwhile. */
TEST(oom_waits_for_an_exit)
{
	struct mm *leaving, *other;
	struct page *taken;

	boot();
	leaving = process_of(100);
	other = process_of(50);
	taken = take_memory();
	atomic_dec(&leaving->mm_users);
	CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(!killed);
	atomic_inc(&leaving->mm_users);
	give_memory_back(taken);
	test_mm_end(leaving);
	test_mm_end(other);
}

/*
 * A process has ended, and kswapd has not come to taking its memory down: nobody else is killed for
 * it.
 */
TEST(oom_waits_for_ended_memory)
{
	struct mm *ended, *living;
	struct page *taken;

	boot();
	ended = process_of(100);
	living = process_of(200);
	mmget(ended);
	test_mm_end(ended);
	mmput_async(ended);
	CHECK(mm_end_pending());
	taken = take_memory();
	CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(!killed);
	give_memory_back(taken);
	mm_end_queued();
	CHECK(!mm_end_pending());
	taken = take_memory();
	CHECK(out_of_memory(GFP_KERNEL, 0));
	CHECK(killed == living);
	give_memory_back(taken);
	test_mm_end(living);
}

/*
 * A private copy of a file's page that was taken does not turn back into the file's page, and neither
 * does a page become zeroes: a system call of the victim's must not carry either on. What is shared
 * is still what it was.
 */
TEST(oom_shows_nothing_in_place_of_what_it_took)
{
	struct vm_file *file;
	struct mm *mm;
	u64 value;

	boot();
	mm = process_of(1);
	file = shmem_vm_file(PAGE(2), 0);
	CHECK_EQ(vm_mmap(mm, file, TEST_BASE + PAGE(8), PAGE(1), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED, 0),
		 TEST_BASE + PAGE(8));
	CHECK_EQ(vm_mmap(mm, file, TEST_BASE + PAGE(16), PAGE(1), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, 1),
		 TEST_BASE + PAGE(16));
	poke(mm, TEST_BASE + PAGE(8), 7);
	poke(mm, TEST_BASE + PAGE(16), 8);
	CHECK_EQ(reap_dying_mm(mm), 0);
	CHECK_EQ(get_mm_counter(mm, MM_ANONPAGES), 0);
	CHECK_EQ(sim_read(mm, 0, TEST_BASE, &value), VM_FAULT_SIGBUS);
	CHECK_EQ(sim_read(mm, 0, TEST_BASE + PAGE(8), &value), VM_FAULT_SIGBUS);
	expect(mm, TEST_BASE + PAGE(16), 8);
	vm_file_put(file);
	test_mm_end(mm);
}

/* Memory that the victim has locked is given back as any other: nobody else need be killed. */
TEST(oom_reaps_locked_memory)
{
	struct mm *mm;

	boot();
	mm = process_of(100);
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(50), 0), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 50);
	CHECK_EQ(reap_dying_mm(mm), 0);
	CHECK_EQ(get_mm_counter(mm, MM_ANONPAGES), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 0);
	check_all(mm);
	test_mm_end(mm);
}

/* The address space of a child that fork is still making is nobody's: another is chosen. */
TEST(oom_leaves_an_unfinished_child_alone)
{
	struct mm *parent, *child, *other;
	struct page *taken;

	boot();
	parent = process_of(200);
	other = process_of(100);
	child = mm_dup(parent);
	CHECK(!IS_ERR(child));
	CHECK_EQ(vm_munmap(parent, TEST_BASE, PAGE(200)), 0);
	taken = take_memory();
	CHECK(out_of_memory(GFP_KERNEL, 0) && killed == other);
	CHECK_EQ(get_mm_counter(child, MM_ANONPAGES), 200);
	give_memory_back(taken);
	test_mm_end(child);
	test_mm_end(other);
	test_mm_end(parent);
}
