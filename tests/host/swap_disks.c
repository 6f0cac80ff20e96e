/* SPDX-License-Identifier: MIT */
#include "tests/host/swap_disks.h"

#include "kernel/sched.h"
#include "lib/errno.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/reclaim_internal.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

/* ---- the disk ---- */

struct disk disks[NR_DISKS];

static void end_request(struct disk *disk, struct request *r)
{
	int err = disk->dead || test_rand_below(100) < disk->error_percent ? -EIO : 0;

	disk->errors += err != 0;
	if (r->write) {
		if (!err)
			memcpy(disk->bytes + r->slot * PAGE_SIZE, page_address(r->page), PAGE_SIZE);
		swap_end_write(r->page, err);
	} else {
		if (!err)
			memcpy(page_address(r->page), disk->bytes + r->slot * PAGE_SIZE, PAGE_SIZE);
		swap_end_read(r->page, err);
	}
}

void end_some(struct disk *disk, unsigned int n)
{
	while (n-- && disk->submitted) {
		unsigned int i = test_rand_below(disk->submitted);
		struct request r = disk->queue[i];

		disk->queue[i] = disk->queue[--disk->submitted];
		disk->queue[disk->submitted] = disk->queue[--disk->queued];
		end_request(disk, &r);
	}
}

void idle(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(disks); i++)
		end_some(&disks[i], MAX_REQUESTS);
}

static int begin(struct swap_device *dev, unsigned long slot, struct page *page, bool write)
{
	struct disk *disk = dev->private;

	CHECK(slot && slot < disk->slots);
	CHECK(PageLocked(page));
	CHECK_EQ(PageWriteback(page), write);
	if (disk->queued == MAX_REQUESTS) {
		disk->submitted = disk->queued;
		end_some(disk, MAX_REQUESTS);
	}
	disk->queue[disk->queued++] = (struct request){page, slot, write};
	*(write ? &disk->writes : &disk->reads) += 1;
	if (test_rand_below(4) == 0)
		end_some(disk, 3);
	return SWAP_IO_PENDING;
}

static int disk_write(struct swap_device *dev, unsigned long slot, struct page *page)
{
	return begin(dev, slot, page, true);
}

static int disk_read(struct swap_device *dev, unsigned long slot, struct page *page)
{
	return begin(dev, slot, page, false);
}

static void disk_submit(struct swap_device *dev)
{
	struct disk *disk = dev->private;

	disk->submitted = disk->queued;
}

static void disk_release(struct swap_device *dev)
{
	struct disk *disk = dev->private;

	CHECK_EQ(disk->queued, 0);
	disk->released = true;
}

const struct swap_ops disk_ops = {
	.write_page = disk_write,
	.read_page = disk_read,
	.submit = disk_submit,
	.release = disk_release,
};

static const char *const names[NR_DISKS] = {"disk0", "disk1", "disk2"};

struct swap_device *add_disk(unsigned int i, unsigned long slots, int prio)
{
	struct disk *disk = &disks[i];
	int type;

	disk->bytes = calloc(slots, PAGE_SIZE);
	disk->slots = slots;
	type = swap_device_add(names[i], &disk_ops, disk, slots, prio, NULL, 0);
	CHECK(type >= 0);
	host_idle_hook = idle;
	return swap_device(type);
}

/* ---- processes ---- */

u64 word_of(unsigned long i, u32 version, unsigned int k)
{
	return (i * 1000003 + version * 7919 + k + 1) * 0x9e3779b97f4a7c15ULL;
}

bool write_page(struct mm *mm, unsigned long i, u32 version)
{
	for (unsigned int k = 0; k < 8; k++)
		if (sim_write(mm, k % SIM_CPUS, TEST_BASE + PAGE(i) + k * 512,
			      word_of(i, version, k)))
			return false;
	return true;
}

bool page_holds(struct mm *mm, unsigned long i, u32 version)
{
	for (unsigned int k = 0; k < 8; k++) {
		u64 word;

		if (sim_read(mm, k % SIM_CPUS, TEST_BASE + PAGE(i) + k * 512, &word))
			return false;
		CHECK_EQ(word, word_of(i, version, k));
	}
	return true;
}

struct mm *process_with(unsigned long pages)
{
	struct mm *mm = test_mm();

	map_anon(mm, TEST_BASE, PAGE(pages), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(write_page(mm, i, 0));
	return mm;
}

void pageout(struct mm *mm, unsigned long first, unsigned long pages)
{
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(first), PAGE(pages), MADV_PAGEOUT), 0);
	idle();
	reap_laundry();
}

void boot(unsigned int mib)
{
	host_boot(mib);
	sim_cpu_init();
}

void boot_without_ram_swap(unsigned int mib)
{
	boot(mib);
	CHECK_EQ(swap_device_remove("zram"), 0);
	CHECK_EQ(total_swap_pages(), 0);
}
