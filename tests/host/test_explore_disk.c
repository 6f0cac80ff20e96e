/* SPDX-License-Identifier: MIT */
/*
 * Explored: swap on a disk, which takes its time: pages under write-back or on their way in while
 * programs write, fork, unmap, and swapoff wants them all.
 *
 * The disk is a coroutine of its own: it ends one request whenever it is its turn. Outside the
 * schedules, when nobody else is there, requests end as soon as somebody waits.
 */
#include "kernel/sched.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/reclaim_internal.h"
#include "mm/swap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define CHILD	 x_mm[1]
#define SLOTS	 8
#define REQUESTS 16
#define USERS	 2 /* coroutines beside the disk's */

struct request {
	struct page *page;
	unsigned long slot;
	bool write;
};

static u8 bytes[SLOTS][PAGE_SIZE];
static struct request requests[REQUESTS];
static unsigned int nr_requests, users_done;
static bool write_fails; /* the next one */
static struct page *page;

extern int (*const host_param_set_swap)(const char *value);

static int begin(unsigned long slot, struct page *p, bool write)
{
	CHECK(slot && slot < SLOTS && nr_requests < REQUESTS);
	CHECK(PageLocked(p));
	requests[nr_requests++] = (struct request){p, slot, write};
	return SWAP_IO_PENDING;
}

static int disk_write(struct swap_device *dev, unsigned long slot, struct page *p)
{
	return begin(slot, p, true);
}

static int disk_read(struct swap_device *dev, unsigned long slot, struct page *p)
{
	return begin(slot, p, false);
}

/* Requests end without it as well. It must not come when the device has been released. */
static bool released;

static void disk_submit(struct swap_device *dev)
{
	host_point(POINT_SYNC, NULL, "submit");
	CHECK(!released);
}

static void disk_release(struct swap_device *dev)
{
	released = true;
}

static const struct swap_ops disk_ops = {
	.write_page = disk_write,
	.read_page = disk_read,
	.submit = disk_submit,
	.release = disk_release,
};

static void end_oldest(void)
{
	struct request r = requests[0];
	int err = 0;

	memmove(requests, requests + 1, --nr_requests * sizeof(r));
	if (!r.write) {
		memcpy(page_address(r.page), bytes[r.slot], PAGE_SIZE);
		swap_end_read(r.page, 0);
		return;
	}
	if (write_fails)
		err = -EIO;
	else
		memcpy(bytes[r.slot], page_address(r.page), PAGE_SIZE);
	write_fails = false;
	swap_end_write(r.page, err);
}

static void end_all(void)
{
	while (!host_exploring && nr_requests)
		end_oldest();
}

static bool disk_wanted(const void *unused)
{
	return nr_requests || users_done == USERS;
}

static void disk(void)
{
	for (;;) {
		host_block(disk_wanted, NULL, "requests", __FILE__, __LINE__);
		if (!nr_requests)
			return;
		host_point(POINT_SYNC, NULL, "the disk ends a request");
		end_oldest();
	}
}

/* ---- on the way out ---- */

static void prepare_disk(void)
{
	host_param_set_swap("off");
	x_machine();
	CHECK(swap_device_add("disk", &disk_ops, NULL, SLOTS, 0, NULL, 0) >= 0);
	host_idle_hook = end_all;
	x_map(BASE, 2);
	page = x_isolate(MM, BASE);
}

static void finish(void)
{
	end_all();
	reap_laundry();
	x_finish();
}

static void reclaim(void)
{
	x_reclaim(page);
	users_done++;
}

static void write_twice(void)
{
	x_poke(MM, BASE, 20);
	x_poke(MM, BASE, 21);
	x_expect(MM, BASE, 21);
	users_done++;
}

static void check_written(void)
{
	x_expect(MM, BASE, 21);
	x_check_pages(MM, BASE + PAGE(1), 1);
	finish();
}

EXPLORE(write_out_vs_writer, prepare_disk, check_written, THREAD(reclaim), THREAD(write_twice),
	THREAD(disk));

static void prepare_broken_disk(void)
{
	prepare_disk();
	write_fails = true;
}

EXPLORE(failed_write_out_vs_writer, prepare_broken_disk, check_written, THREAD(reclaim),
	THREAD(write_twice), THREAD(disk));

static void unmap(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(1)), 0);
	users_done++;
}

static void check_unmapped(void)
{
	x_check_pages(MM, BASE + PAGE(1), 1);
	finish();
}

EXPLORE(write_out_vs_munmap, prepare_disk, check_unmapped, THREAD(reclaim), THREAD(unmap),
	THREAD(disk));

static void fork_and_write(void)
{
	x_fork(MM, 1);
	x_poke(CHILD, BASE, 30);
	users_done++;
}

static void check_forked(void)
{
	x_check_pages(MM, BASE, 2);
	x_expect(CHILD, BASE, 30);
	x_check_pages(CHILD, BASE + PAGE(1), 1);
	finish();
}

EXPLORE(write_out_vs_fork, prepare_disk, check_forked, THREAD(reclaim), THREAD(fork_and_write),
	THREAD(disk));

/* Who has been reclaimed is wanted again, and reclaimed again, and the first write still runs. */
static void reclaim_again(void)
{
	struct page *again;

	x_reclaim(page);
	x_check_pages(MM, BASE, 1);
	again = x_try_isolate(MM, BASE);
	if (again)
		x_reclaim(again);
	users_done++;
}

static void reap(void)
{
	reap_laundry();
	reap_laundry();
	users_done++;
}

static void check_two(void)
{
	x_check_pages(MM, BASE, 2);
	finish();
}

EXPLORE(write_out_twice_vs_reaping, prepare_disk, check_two, THREAD(reclaim_again), THREAD(reap),
	THREAD(disk));

/* ---- on the way in ---- */

static void prepare_on_disk(void)
{
	prepare_disk();
	x_fork(MM, 1);
	x_reclaim(page);
	end_all();
	reap_laundry();
	CHECK(!x_present(MM, BASE) && !x_present(CHILD, BASE));
}

static void parent_reads(void)
{
	x_check_pages(MM, BASE, 1);
	users_done++;
}

static void child_writes(void)
{
	x_poke(CHILD, BASE, 30);
	x_expect(CHILD, BASE, 30);
	users_done++;
}

EXPLORE(read_in_by_two, prepare_on_disk, check_forked, THREAD(parent_reads), THREAD(child_writes),
	THREAD(disk));

static void child_unmaps(void)
{
	CHECK_EQ(vm_munmap(CHILD, BASE, PAGE(1)), 0);
	users_done++;
}

EXPLORE(read_in_vs_munmap, prepare_on_disk, check_two, THREAD(parent_reads), THREAD(child_unmaps),
	THREAD(disk));

static void swap_off(void)
{
	CHECK_EQ(swap_device_remove("disk"), 0);
	users_done++;
}

EXPLORE(swapoff_disk_vs_fault, prepare_on_disk, check_forked, THREAD(swap_off),
	THREAD(child_writes), THREAD(disk));

static void prepare_swapoff(void)
{
	prepare_disk();
	x_fork(MM, 1);
}

static void check_both(void)
{
	x_check_pages(CHILD, BASE, 2);
	check_two();
}

EXPLORE(swapoff_disk_vs_write_out, prepare_swapoff, check_both, THREAD(swap_off), THREAD(reclaim),
	THREAD(disk));

/* ---- MADV_FREE: what was written afterwards is there, whatever copies the disk has ---- */

static void free_and_write(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_FREE), 0);
	x_poke(MM, BASE, 20);
	x_poke(MM, BASE, 21);
	users_done++;
}

EXPLORE(write_out_vs_lazyfree, prepare_disk, check_written, THREAD(reclaim), THREAD(free_and_write),
	THREAD(disk));
EXPLORE(failed_write_out_vs_lazyfree, prepare_broken_disk, check_written, THREAD(reclaim),
	THREAD(free_and_write), THREAD(disk));

/* It is in memory again, and its copy on the disk is good: clean, in the swap cache. */
static void prepare_clean_copy(void)
{
	prepare_disk();
	x_reclaim(page);
	end_all();
	reap_laundry();
	CHECK(!x_present(MM, BASE));
	x_check_pages(MM, BASE, 1);
	page = x_isolate(MM, BASE);
}

EXPLORE(clean_copy_vs_writer, prepare_clean_copy, check_written, THREAD(reclaim),
	THREAD(write_twice), THREAD(disk));
EXPLORE(clean_copy_vs_lazyfree, prepare_clean_copy, check_written, THREAD(reclaim),
	THREAD(free_and_write), THREAD(disk));
EXPLORE(clean_copy_vs_fork, prepare_clean_copy, check_forked, THREAD(reclaim),
	THREAD(fork_and_write), THREAD(disk));

static void migrate(void)
{
	x_migrate(page);
	users_done++;
}

EXPLORE(clean_copy_migrates_vs_writer, prepare_clean_copy, check_written, THREAD(migrate),
	THREAD(write_twice), THREAD(disk));

static void migrate_and_reclaim(void)
{
	struct page *again;

	x_migrate(page);
	again = x_try_isolate(MM, BASE);
	if (again)
		x_reclaim(again);
	users_done++;
}

EXPLORE(clean_copy_migrates_and_goes_vs_fork, prepare_clean_copy, check_forked,
	THREAD(migrate_and_reclaim), THREAD(fork_and_write), THREAD(disk));
EXPLORE(clean_copy_migrates_and_goes_vs_lazyfree, prepare_clean_copy, check_written,
	THREAD(migrate_and_reclaim), THREAD(free_and_write), THREAD(disk));
