/* SPDX-License-Identifier: MIT */
/*
 * Swap areas on disks: headers that mkswap would not make, and transfers on a disk of the host's
 * memory that answers late, in any order, and not always well.
 */
#include "tests/host/test.h"

#include "kernel/sched.h"
#include "lib/crc32.h"
#include "lib/errno.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/reclaim_internal.h"
#include "mm/swap.h"
#include "mm/swap_blk.h"
#include "mm/swap_signature.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

/* ---- the signature ---- */

static u8 header_page[PAGE_SIZE];

static struct swap_header *fresh_header(u32 last_page)
{
	struct swap_header *header = (struct swap_header *)header_page;

	memset(header_page, 0, sizeof(header_page));
	memcpy(header_page + SWAP_MAGIC_OFFSET(PAGE_SIZE), SWAP_MAGIC, SWAP_MAGIC_LEN);
	header->version = SWAP_VERSION;
	header->last_page = last_page;
	return header;
}

static bool says(const struct swap_header *header, unsigned long pages, const char *what)
{
	const char *why = swap_check_header(header, pages);

	return what ? why && strstr(why, what) : !why;
}

TEST(swap_signature)
{
	struct swap_header *header = fresh_header(99);

	CHECK(says(header, 100, NULL));
	CHECK(says(header, 1000, NULL));
	CHECK(says(header, 99, "smaller"));
	CHECK(says(header, 0, "smaller"));
	header->last_page = 0;
	CHECK(says(header, 100, "empty"));
	header = fresh_header(~0u);
	CHECK(says(header, 100, "smaller"));
	header = fresh_header(99);
	header->version = 2;
	CHECK(says(header, 100, "version"));
	header->version = 0x01000000;
	CHECK(says(header, 100, "byte order"));
	header = fresh_header(99);
	for (unsigned int i = 0; i < SWAP_MAGIC_LEN; i++) {
		header_page[SWAP_MAGIC_OFFSET(PAGE_SIZE) + i] ^= 1;
		CHECK(says(header, 100, "no swap signature"));
		header_page[SWAP_MAGIC_OFFSET(PAGE_SIZE) + i] ^= 1;
	}
	memcpy(header_page + SWAP_MAGIC_OFFSET(PAGE_SIZE), SWAP_MAGIC_OLD, SWAP_MAGIC_LEN);
	CHECK(says(header, 100, "old kind"));
}

TEST(swap_signature_bad_pages)
{
	struct swap_header *header = fresh_header(99);

	header->nr_bad = 2;
	header->bad[0] = 5;
	header->bad[1] = 99;
	CHECK(says(header, 100, NULL));
	header->bad[1] = 100;
	CHECK(says(header, 200, "not in the area"));
	header->bad[1] = 0;
	CHECK(says(header, 100, "not in the area"));
	header->nr_bad = SWAP_MAX_BAD_PAGES + 1;
	CHECK(says(header, 100, "more bad pages"));
	header->nr_bad = ~0u;
	CHECK(says(header, 100, "more bad pages"));
	header = fresh_header(2);
	header->nr_bad = 2;
	header->bad[0] = 1;
	header->bad[1] = 2;
	CHECK(says(header, 100, "all of its pages"));
}

/* ---- a disk ---- */

#define MAX_STARTED 64

static struct {
	u8 *bytes;
	unsigned long pages, first_writable, end_writable, bad_page;
	struct swap_io *started[MAX_STARTED];
	unsigned int nr_started, transfers, prepared;
	bool bad_read, bad_write, gone, released;
	bool slow; /* nothing is done before somebody waits */
} disk;

static int move(struct swap_io *io, unsigned int i)
{
	unsigned long slot = io->slot + i;
	u8 *at = disk.bytes + slot * PAGE_SIZE;

	if (slot == disk.bad_page && (io->write ? disk.bad_write : disk.bad_read))
		return -EIO;
	if (io->write)
		memcpy(at, page_address(io->pages[i]), PAGE_SIZE);
	else
		memcpy(page_address(io->pages[i]), at, PAGE_SIZE);
	return 0;
}

/* One of those under way, any one, is done; some of its pages may be when another fails. */
static void end_one(void)
{
	unsigned int which = test_rand_below(disk.nr_started), i;
	struct swap_io *io = disk.started[which];
	int err = disk.gone ? -ENODEV : 0;

	disk.started[which] = disk.started[--disk.nr_started];
	for (i = io->first; !err && i < io->first + io->count; i++)
		err = move(io, i);
	swap_blk_end(io, err);
}

static void idle(void)
{
	while (disk.nr_started)
		end_one();
}

static unsigned long fake_nr_pages(void *d)
{
	return disk.pages;
}

static unsigned int fake_max_pages(void *d)
{
	return 16;
}

static int fake_read(void *d, unsigned long n, struct page *page)
{
	CHECK(n < disk.pages);
	memcpy(page_address(page), disk.bytes + n * PAGE_SIZE, PAGE_SIZE);
	return 0;
}

static void fake_allow_writes(void *d, unsigned long first, unsigned long end)
{
	disk.first_writable = first;
	disk.end_writable = end;
}

static int fake_prepare(void *d, struct swap_io *io)
{
	disk.prepared++;
	io->request = io;
	return 0;
}

static void fake_unprepare(void *d, struct swap_io *io)
{
	disk.prepared--;
	io->request = NULL;
}

static void fake_start(void *d, struct swap_io *io)
{
	CHECK(io->count && io->count <= 16 && io->first + io->count <= io->nr);
	CHECK(io->slot + io->first + io->count <= disk.pages);
	CHECK(!io->write || (io->slot + io->first >= disk.first_writable &&
			     io->slot + io->first + io->count <= disk.end_writable));
	CHECK(disk.nr_started < MAX_STARTED);
	for (unsigned int i = 0; i < disk.nr_started; i++)
		CHECK(disk.started[i] != io);
	disk.transfers++;
	disk.started[disk.nr_started++] = io;
	if (!disk.slow && test_rand_below(3) == 0)
		end_one();
}

static void fake_release(void *d)
{
	CHECK_EQ(disk.prepared, 0);
	CHECK_EQ(disk.nr_started, 0);
	disk.released = true;
}

static const struct swap_disk_ops fake_ops = {
	.nr_pages = fake_nr_pages,
	.max_pages = fake_max_pages,
	.read = fake_read,
	.allow_writes = fake_allow_writes,
	.prepare = fake_prepare,
	.unprepare = fake_unprepare,
	.start = fake_start,
	.release = fake_release,
};

/* A machine that swaps to the disk alone, of so many pages. */
static void boot_with_disk(unsigned long pages)
{
	host_boot(16);
	sim_cpu_init();
	CHECK_EQ(swap_device_remove("zram"), 0);
	disk.bytes = calloc(pages, PAGE_SIZE);
	disk.pages = pages;
	fresh_header(pages - 1);
	memcpy(disk.bytes, header_page, PAGE_SIZE);
	CHECK_EQ(swap_blk_add("disk", &fake_ops, &disk, -1), 0);
	CHECK_EQ(total_swap_pages(), pages - 1);
	CHECK_EQ(disk.end_writable, pages);
	host_idle_hook = idle;
}

static u64 word_of(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL;
}

static struct mm *filled(unsigned long pages)
{
	struct mm *mm = test_mm();

	map_anon(mm, TEST_BASE, PAGE(pages), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(!sim_write(mm, 0, TEST_BASE + PAGE(i), word_of(i)));
	return mm;
}

static void pageout(struct mm *mm, unsigned long pages)
{
	CHECK_EQ(do_madvise(mm, TEST_BASE, PAGE(pages), MADV_PAGEOUT), 0);
	idle();
	reap_laundry();
}

/* How many of them are lost; the others must be right. */
static unsigned int count_lost(struct mm *mm, unsigned long pages)
{
	unsigned int lost = 0;
	u64 word;

	for (unsigned long i = 0; i < pages; i++) {
		if (sim_read(mm, 0, TEST_BASE + PAGE(i), &word))
			lost++;
		else
			CHECK_EQ(word, word_of(i));
	}
	return lost;
}

TEST(swap_blk_neighbours_travel_together)
{
	struct mm *mm;

	boot_with_disk(2000);
	mm = filled(320);
	pageout(mm, 320);
	CHECK_EQ(vm_event_sum(PSWPOUT), 320);
	/* Batches of 32, transfers of at most 16. */
	CHECK(disk.transfers <= 320 / 16 + 320 / 32);
	CHECK_EQ(count_lost(mm, 320), 0);
	test_mm_end(mm);
	idle();
	CHECK_EQ(swap_device_remove("disk"), 0);
	CHECK(disk.released);
	CHECK(!memcmp(disk.bytes, header_page, PAGE_SIZE));
	free(disk.bytes);
}

TEST(swap_blk_read_error_hits_one_page)
{
	struct mm *mm;

	boot_with_disk(2000);
	mm = filled(400);
	pageout(mm, 400);
	disk.bad_page = 100;
	disk.bad_read = true;
	CHECK_EQ(count_lost(mm, 400), 1);
	CHECK(vm_event_sum(SWAP_READ_ERROR) >= 1);
	disk.bad_read = false;
	test_mm_end(mm);
	idle();
	free(disk.bytes);
}

TEST(swap_blk_write_error_loses_nothing)
{
	struct mm *mm;

	boot_with_disk(2000);
	disk.bad_page = 100;
	disk.bad_write = true;
	mm = filled(400);
	pageout(mm, 400);
	pageout(mm, 400);
	CHECK_EQ(vm_event_sum(SWAP_WRITE_ERROR), 1);
	CHECK_EQ(count_lost(mm, 400), 0);
	test_mm_end(mm);
	idle();
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
	free(disk.bytes);
}

TEST(swap_blk_gone)
{
	struct mm *mm;

	boot_with_disk(2000);
	mm = filled(400);
	pageout(mm, 200);
	disk.gone = true;
	/* What is in memory stays there, and can still be used. */
	pageout(mm, 400);
	CHECK_EQ(count_lost(mm, 400), 200);
	test_mm_end(mm);
	idle();
	CHECK_EQ(swap_device_remove("disk"), 0);
	CHECK(disk.released);
	free(disk.bytes);
}

TEST(swap_blk_refused_is_given_back)
{
	host_boot(16);
	disk.bytes = calloc(100, PAGE_SIZE);
	disk.pages = 100;
	CHECK_EQ(swap_blk_add("disk", &fake_ops, &disk, -1), -EINVAL);
	CHECK(disk.released && !disk.end_writable);
	fresh_header(100);
	memcpy(disk.bytes, header_page, PAGE_SIZE);
	disk.released = false;
	CHECK_EQ(swap_blk_add("disk", &fake_ops, &disk, -1), -EINVAL);
	CHECK(disk.released && !disk.end_writable);
	free(disk.bytes);
}

TEST(crc32_known)
{
	CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926);
	CHECK_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
	CHECK_EQ(crc32(0, "", 0), 0);
}

/* ---- all transfers under way ---- */

#define WASHED 64

static struct page *washed[WASHED]; /* of the swap cache, locked, in slots that follow each other */
static unsigned int other_cpu_writes;

/* While one task waits for a transfer, another one gets one, for the slot beside the first one's. */
static void idle_and_overtaken(void)
{
	end_one();
	end_one();
	if (other_cpu_writes) {
		CHECK_EQ(swap_writepage(washed[other_cpu_writes]), SWAP_IO_PENDING);
		other_cpu_writes = 0;
	}
}

static void wash_pages(void)
{
	for (unsigned int i = 0; i < WASHED; i++) {
		washed[i] = alloc_page(GFP_HIGHUSER);
		CHECK(washed[i] && trylock_page(washed[i]));
		SetPageSwapBacked(washed[i]);
		SetPageUptodate(washed[i]);
		CHECK(add_to_swap(washed[i]));
	}
}

TEST(swap_blk_overtaken_while_it_waits)
{
	unsigned int i;

	boot_with_disk(2000);
	wash_pages();
	disk.slow = true;
	/* Every other slot: none joins the one before, each needs a transfer of its own. */
	for (i = 0; i < 48; i += 2)
		CHECK_EQ(swap_writepage(washed[i]), SWAP_IO_PENDING);
	CHECK_EQ(disk.nr_started, 23);
	host_idle_hook = idle_and_overtaken;
	other_cpu_writes = 50;
	CHECK_EQ(swap_writepage(washed[49]), SWAP_IO_PENDING);
	CHECK_EQ(other_cpu_writes, 0);
	swap_submit();
	CHECK_EQ(disk.transfers, 25);
	idle();
	for (i = 0; i < WASHED; i++) {
		CHECK(!PageWriteback(washed[i]));
		delete_from_swap_cache(washed[i]);
		unlock_page(washed[i]);
		put_page(washed[i]);
	}
	CHECK_EQ(swap_device_remove("disk"), 0);
	free(disk.bytes);
}

/* Writes have ended whose pages were never in the laundry, or have left it: nothing to reap. */
TEST(swap_blk_empty_laundry_is_not_ready)
{
	boot_with_disk(2000);
	laundry_wake();
	CHECK(!laundry_ready());
	CHECK_EQ(swap_device_remove("disk"), 0);
	free(disk.bytes);
}
