/* SPDX-License-Identifier: MIT */
/*
 * Explored: a file's pages, through shared and private mappings, against truncation, reclaim and
 * migration. After truncation nothing of the file's old end can be reached, nor copies of it.
 */
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define SHARED	BASE
#define PRIVATE (BASE + PAGE(16))

static struct vm_file *file;
static struct page *page;

/* Two pages of a file, mapped twice: shared, and private and writable. */
static void prepare_file(void)
{
	x_machine();
	file = shmem_vm_file(PAGE(2), 0);
	CHECK(!IS_ERR(file));
	CHECK_EQ(vm_mmap(MM, file, SHARED, PAGE(2), RW, MAP_SHARED | MAP_FIXED, 0), SHARED);
	CHECK_EQ(vm_mmap(MM, file, PRIVATE, PAGE(2), RW, MAP_PRIVATE | MAP_FIXED, 0), PRIVATE);
	for (int i = 0; i < 2; i++)
		poke(MM, SHARED + PAGE(i), 10 + i);
	expect(MM, PRIVATE + PAGE(1), 11);
	CHECK_EQ(sim_write(MM, 2, SHARED + PAGE(1), 11), 0);
	page = x_isolate(MM, SHARED + PAGE(1));
}

static void truncate_last_page(void)
{
	u64 value;

	truncate_pagecache(file->mapping, PAGE(1));
	CHECK_EQ(x_read(MM, SHARED + PAGE(1), &value), VM_FAULT_SIGBUS);
}

static void copy_last_page(void)
{
	unsigned int err = x_write(MM, PRIVATE + PAGE(1), 20);

	CHECK(!err || err == VM_FAULT_SIGBUS);
}

static void write_until_truncated(void)
{
	while (!x_write(MM, SHARED + PAGE(1), 30))
		host_spin();
}

static void reclaim(void)
{
	x_reclaim(page);
}

static void migrate(void)
{
	x_migrate(page);
}

static void check_truncated(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, SHARED + PAGE(1), &value), VM_FAULT_SIGBUS);
	CHECK_EQ(x_read(MM, PRIVATE + PAGE(1), &value), VM_FAULT_SIGBUS);
	x_expect(MM, SHARED, 10);
	x_expect(MM, PRIVATE, 10);
	vm_file_put(file);
	x_finish();
}

EXPLORE(truncate_vs_copy_on_write, prepare_file, check_truncated, THREAD(truncate_last_page),
	THREAD(copy_last_page), THREAD(reclaim));
EXPLORE(truncate_vs_stale_writer, prepare_file, check_truncated, THREAD(truncate_last_page),
	THREAD(write_until_truncated), THREAD(migrate));

/* ---- mremap: truncation, like any walk, must find what is on its way to another address ---- */

#define HALF (SHARED + PAGE(1))
#define AWAY (BASE + PAGE(64))

static void move_shared(unsigned long from, unsigned long to)
{
	CHECK_EQ(do_mremap(MM, from, PAGE(1), PAGE(1), MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
}

static void move_away(void)
{
	move_shared(HALF, AWAY);
}

static void prepare_moved(void)
{
	prepare_file();
	move_shared(HALF, AWAY);
}

/* It merges with the half that has stayed, and comes first in the order of walks. */
static void move_home(void)
{
	move_shared(AWAY, HALF);
}

static void truncate(void)
{
	truncate_pagecache(file->mapping, PAGE(1));
}

static void check_away(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, AWAY, &value), VM_FAULT_SIGBUS);
	x_expect(MM, SHARED, 10);
	vm_file_put(file);
	x_finish();
}

EXPLORE(truncate_vs_mremap_away, prepare_file, check_away, THREAD(truncate), THREAD(move_away),
	THREAD(reclaim));
EXPLORE(truncate_vs_mremap_home, prepare_moved, check_truncated, THREAD(truncate),
	THREAD(move_home), THREAD(migrate));

/* ---- a hole punched: the file's page goes, private copies stay ---- */

static void punch_hole(void)
{
	truncate_pagecache_range(file->mapping, PAGE(1), PAGE(2));
}

static void write_private(void)
{
	x_poke(MM, PRIVATE + PAGE(1), 20);
	x_expect(MM, PRIVATE + PAGE(1), 20);
}

static void check_hole(void)
{
	x_expect(MM, SHARED + PAGE(1), 0);
	x_expect(MM, PRIVATE + PAGE(1), 20);
	vm_file_put(file);
	x_finish();
}

EXPLORE(punch_hole_vs_copy_on_write, prepare_file, check_hole, THREAD(punch_hole),
	THREAD(write_private), THREAD(reclaim));
EXPLORE(punch_hole_vs_migration, prepare_file, check_hole, THREAD(punch_hole),
	THREAD(write_private), THREAD(migrate));

/* ---- without truncation: writers, a private reader, and the page moves or goes ---- */

static void write_shared(void)
{
	x_poke(MM, SHARED + PAGE(1), 30);
	x_expect(MM, SHARED + PAGE(1), 30);
}

static void read_private(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, PRIVATE + PAGE(1), &value), 0);
	CHECK(value == 11 || value == 30);
}

static void check_written(void)
{
	x_expect(MM, SHARED + PAGE(1), 30);
	x_expect(MM, PRIVATE + PAGE(1), 30);
	vm_file_put(file);
	x_finish();
}

EXPLORE(file_writer_vs_reclaim, prepare_file, check_written, THREAD(write_shared),
	THREAD(read_private), THREAD(reclaim));
EXPLORE(file_writer_vs_migration, prepare_file, check_written, THREAD(write_shared),
	THREAD(read_private), THREAD(migrate));
