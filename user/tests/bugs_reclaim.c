/* SPDX-License-Identifier: MIT */
/*
 * bugs_reclaim - races of reclaim and migration with whoever uses the page at that instant.
 *
 * The catalogue (docs/catalogue.md) names them; bugs_move.c says how these tests work.
 */
#include "bugs.h"

#ifndef MADV_FREE
#define MADV_FREE 8
#endif

/* ---- b05: the PTE is gone, the TLB entry is not, and somebody relies on the PTE ---- */

#define UNFLUSHED "reclaim_before_batch_flush"

/* A page that reclaim has unmapped, whose translation is in the TLB of the toucher's CPU. */
static unsigned char *unflushed_page(struct worker *w, struct toucher *t)
{
	unsigned char *p = map_pages(1, 0x11);

	pin(0);
	toucher_start(t, 1);
	worker_start(w, 0, reclaim_page, p);
	ARM(UNFLUSHED, w->tid);
	touch_write(t, p, 0x22);
	worker_go(w);
	AWAIT(UNFLUSHED);
	return p;
}

static void end_unflushed(struct worker *w, struct toucher *t)
{
	toucher_end(t);
	WORKER_FINISH(w, UNFLUSHED);
	AUDIT();
}

static void b05_mprotect_flushes_for_reclaim(void)
{
	struct worker w;
	struct toucher t;
	unsigned char *p = unflushed_page(&w, &t);

	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	touch(&t, p, true, 0x33);
	CHECK(!touch_end(&t));
	end_unflushed(&w, &t);
	CHECK(p[0] == 0x22 && p[1] == 0x11);
}

static void b05_munmap_flushes_for_reclaim(void)
{
	struct worker w;
	struct toucher t;
	unsigned char *p = unflushed_page(&w, &t);

	CHECK(munmap(p, PAGE) == 0);
	CHECK(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	touch_write(&t, p + 1, 0x33);
	end_unflushed(&w, &t);
	CHECK(p[0] == 0 && p[1] == 0x33);
}

static void b05_mremap_flushes_for_reclaim(void)
{
	unsigned char *to = (unsigned char *)0x200000000000;
	struct worker w;
	struct toucher t;
	unsigned char *p = unflushed_page(&w, &t);

	CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	touch(&t, p, true, 0x33);
	CHECK(!touch_end(&t));
	end_unflushed(&w, &t);
	CHECK(to[0] == 0x22 && to[1] == 0x11);
}

static void b05_dontneed_flushes_for_reclaim(void)
{
	struct worker w;
	struct toucher t;
	unsigned char *p = unflushed_page(&w, &t);

	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
	CHECK(touch_read(&t, p) == 0);
	end_unflushed(&w, &t);
	CHECK(p[0] == 0);
}

/* What reclaim took away without a trace: the page that a write puts there is the one that all see. */
static void b05_new_page_flushes_for_reclaim(void)
{
	unsigned char *p = map_pages(1, 0x11);
	struct worker w;
	struct toucher t;

	pin(0);
	toucher_start(&t, 1);
	CHECK(madvise(p, PAGE, MADV_FREE) == 0);
	worker_start(&w, 0, reclaim_page, p);
	ARM(UNFLUSHED, w.tid);
	CHECK(touch_read(&t, p) == 0x11);
	worker_go(&w);
	AWAIT(UNFLUSHED);
	p[0] = 0x33;
	CHECK(touch_read(&t, p) == 0x33);
	end_unflushed(&w, &t);
	CHECK(p[0] == 0x33 && p[1] == 0);
}

/* ---- b12: the swap entry looks the same, the page is another ---- */

static void read_into(void *arg)
{
	unsigned char **p = arg;

	p[1] = (unsigned char *)(unsigned long)**(volatile unsigned char **)p;
}

/* The page is swapped in, changed, and swapped out again while a fault has the old one in hand. */
static void swap_in_and_out_meanwhile(bool drop)
{
	unsigned char *seen[2] = {map_pages(1, 0x11), NULL};
	volatile unsigned char *p = seen[0];
	struct worker w;

	reclaim_page((void *)p);
	CHECK(page_swapped((void *)p));
	WORKER_AT(&w, 0, read_into, seen, "swapin_after_read_before_ptl");
	if (drop)
		CHECK(madvise((void *)p, PAGE, MADV_DONTNEED) == 0);
	p[0] = 0x22;
	reclaim_page((void *)p);
	CHECK(!page_present((void *)p));
	WORKER_FINISH(&w, "swapin_after_read_before_ptl");
	CHECK((unsigned long)seen[1] == 0x22 && p[0] == 0x22);
	CHECK(p[1] == (drop ? 0 : 0x11));
	AUDIT();
}

static void b12_swapin_of_a_page_that_came_back(void)
{
	swap_in_and_out_meanwhile(false);
}

static void b12_swapin_of_an_entry_used_again(void)
{
	for (int i = 0; i < 8; i++)
		swap_in_and_out_meanwhile(true);
}

/* ---- b13: a write at the last moment ---- */

/* MADV_FREE: a page that may vanish, unless its PTE turns dirty. In this CPU's TLB it is clean. */
static unsigned char *lazy_page(void)
{
	unsigned char *p = map_pages(1, 0x11);

	CHECK(madvise(p, PAGE, MADV_FREE) == 0);
	CHECK(*(volatile unsigned char *)p == 0x11);
	return p;
}

static void b13_write_before_the_pte_is_cleared(void)
{
	unsigned char *p = lazy_page();
	struct worker w;

	pin(1);
	WORKER_AT(&w, 0, reclaim_page, p, "unmap_before_clear");
	p[0] = 0x22;
	WORKER_FINISH(&w, "unmap_before_clear");
	CHECK(p[0] == 0x22 && p[1] == 0x11);
	AUDIT();
}

/*
 * A kernel that clears a PTE in two steps can be stopped between them, and the write comes there.
 * This one has no between: the write comes before or after, and is found.
 */
static void b13_pte_is_cleared_in_one_step(void)
{
	unsigned char *p = lazy_page();
	struct worker w;

	pin(1);
	worker_start(&w, 0, reclaim_page, p);
	ARM("between_load_and_store", w.tid);
	worker_go(&w);
	while (!w.done && !arrives("between_load_and_store", 5))
		;
	p[0] = 0x22;
	instrument("release between_load_and_store");
	worker_join(&w);
	CHECK(p[0] == 0x22);
	AUDIT();
}

/* While the bytes are written, and after that: the write waits, and is not lost. */
static void write_during_writeout(const char *point)
{
	unsigned char *p = map_pages(1, 0x11);
	struct worker w;
	struct toucher t;

	toucher_start(&t, 1);
	touch_write(&t, p + 1, 0x33);
	WORKER_AT(&w, 0, reclaim_page, p, point);
	touch(&t, p, true, 0x22);
	touched(&t);
	WORKER_FINISH(&w, point);
	CHECK(touch_end(&t));
	reclaim_page(p);
	CHECK(p[0] == 0x22 && p[1] == 0x33 && p[2] == 0x11);
	toucher_end(&t);
	AUDIT();
}

static void b13_write_before_writeout(void)
{
	write_during_writeout("writeout_before_write");
}

static void b13_write_after_writeout(void)
{
	write_during_writeout("writeout_after_write");
}

/* ---- b14: lazily freed pages ---- */

/* Written to again: reclaim must not drop it. Not written to: it may. */
static void b14_lazyfree_keeps_what_was_written(void)
{
	unsigned char *p = lazy_page(), *q = lazy_page();

	p[0] = 0x22;
	reclaim_page(p);
	reclaim_page(q);
	CHECK(p[0] == 0x22 && p[1] == 0x11);
	CHECK(!page_present(q) && q[0] == 0);
	AUDIT();
}

/* The PTE is cleared; now a write comes, by a CPU that knew the page. It is not lost. */
static void b14_write_before_the_dirty_check(void)
{
	unsigned char *p;
	struct worker w;
	struct toucher t;

	pin(3);
	p = map_pages(1, 0x11);
	toucher_start(&t, 1);
	CHECK(madvise(p, PAGE, MADV_FREE) == 0);
	CHECK(touch_read(&t, p) == 0x11);
	WORKER_AT(&w, 0, reclaim_page, p, "lazyfree_before_dirty_check");
	touch(&t, p, true, 0x22);
	touched(&t);
	WORKER_FINISH(&w, "lazyfree_before_dirty_check");
	CHECK(touch_end(&t) && p[0] == 0x22);
	CHECK(p[1] == 0x11 || p[1] == 0);
	toucher_end(&t);
	AUDIT();
}

/* Shared with a child after MADV_FREE: whatever reclaim does, neither writes to the other's. */
static void b14_lazyfree_shared_by_fork(void)
{
	unsigned char *p = lazy_page();
	int ready[2];
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(read(ready[0], &c, 1) == 1);
		CHECK(p[0] == 0x11 || p[0] == 0);
		_exit(0);
	}
	p[1] = 0x22;
	reclaim_page(p);
	p[0] = 0x33;
	CHECK(p[1] == 0x22);
	CHECK_ANSWER("", "reclaim %d %p", pid, p);
	CHECK(write(ready[1], "", 1) == 1);
	CHECK_CHILD(pid);
	CHECK(p[0] == 0x33 && p[1] == 0x22);
	AUDIT();
}

/* ---- b20, b28, b40: the page changes its state under the walk ---- */

/* A walk has read page->mapping; then the last mapping goes, and its anon_vma is used anew. */
static void b20_anon_vma_freed_before_it_is_locked(void)
{
	unsigned char *p = map_pages(1, 0x11), *q[64];
	struct worker w;

	pin(1);
	worker_start(&w, 0, migrate_frame, (void *)page_frame(p));
	ARM("rmap_after_mapping_before_lock", w.tid);
	worker_go(&w);
	AWAIT("rmap_after_mapping_before_lock");
	CHECK(munmap(p, PAGE) == 0);
	for (int i = 0; i < 64; i++)
		q[i] = map_pages(1, 0x40 + i);
	WORKER_FINISH(&w, "rmap_after_mapping_before_lock");
	for (int i = 0; i < 64; i++)
		CHECK(q[i][0] == 0x40 + i && q[i][PAGE - 1] == 0x40 + i);
	AUDIT();
}

static void drop_page(void *p)
{
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
}

/* A zap has cleared the PTE and not yet counted; a migration comes and must not be confused. */
static void b28_walk_while_a_zap_is_half_done(void)
{
	unsigned char *p = map_pages(1, 0x11);
	struct worker zapper, migrator;

	pin(3);
	worker_start(&migrator, 1, migrate_frame, (void *)page_frame(p));
	WORKER_AT(&zapper, 0, drop_page, p, "zap_between_clear_and_mapcount");
	worker_go(&migrator);
	worker_done(&migrator);
	RELEASE("zap_between_clear_and_mapcount");
	worker_join(&zapper);
	worker_join(&migrator);
	CHECK(p[0] == 0);
	AUDIT();
}

/* The child is alone with a page of its parent's; a walk holds it while it wants to write. */
static void b40_reuse_while_a_walk_is_on_its_way(void)
{
	unsigned char *p = map_pages(1, 0x11);
	struct worker w;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(0);
	CHECK_CHILD(pid);
	WORKER_AT(&w, 0, migrate_page, p, "rmap_after_lock_before_walk");
	p[0] = 0x22; /* may not make the page its own now: copies it */
	WORKER_FINISH(&w, "rmap_after_lock_before_walk");
	CHECK(p[0] == 0x22 && p[1] == 0x11);
	reclaim_page(p);
	CHECK(p[0] == 0x22 && p[1] == 0x11);
	AUDIT();
}

/* ---- b35: locked in memory ---- */

static void lock_pages(void *p)
{
	CHECK(mlock(p, 4 * PAGE) == 0);
}

static void b35_locked_before_its_pages_are_there(void)
{
	unsigned char *p = map_pages(4, 0);
	struct worker w;

	memset(p, 0x11, PAGE);
	WORKER_AT(&w, 0, lock_pages, p, "mlock_after_flag_before_pages");
	CHECK_ANSWER("not reclaimed", "reclaim %d %p", getpid(), p);
	p[PAGE] = 0x22;
	CHECK_ANSWER("not reclaimed", "reclaim %d %p", getpid(), p + PAGE);
	WORKER_FINISH(&w, "mlock_after_flag_before_pages");
	CHECK(page_present(p + 3 * PAGE));
	CHECK(munlock(p, 4 * PAGE) == 0);
	CHECK_ANSWER("reclaimed", "reclaim %d %p", getpid(), p);
	CHECK(p[0] == 0x11 && p[PAGE] == 0x22);
	AUDIT();
}

/* Two processes lock one page: when one unlocks it, or ends, it is locked still. */
static void b35_unlocked_by_one_of_two(void)
{
	unsigned char *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2];
	pid_t pid;
	char c;

	CHECK(p != MAP_FAILED && pipe(ready) == 0);
	p[0] = 0x11;
	pid = fork();
	if (!pid) {
		CHECK(mlock(p, PAGE) == 0);
		p[1] = 1;
		CHECK(read(ready[0], &c, 1) == 1);
		_exit(0);
	}
	while (!((volatile unsigned char *)p)[1])
		sched_yield();
	CHECK(mlock(p, PAGE) == 0 && munlock(p, PAGE) == 0);
	CHECK_ANSWER("not reclaimed", "reclaim %d %p", getpid(), p);
	CHECK(write(ready[1], "", 1) == 1);
	CHECK_CHILD(pid);
	CHECK(p[0] == 0x11);
	CHECK_ANSWER("reclaimed", "reclaim %d %p", getpid(), p);
	CHECK(p[0] == 0x11);
	AUDIT();
}

int main(void)
{
	INSTRUMENT_TEST(b05_mprotect_flushes_for_reclaim, 1);
	INSTRUMENT_TEST(b05_munmap_flushes_for_reclaim, 1);
	INSTRUMENT_TEST(b05_mremap_flushes_for_reclaim, 1);
	INSTRUMENT_TEST(b05_dontneed_flushes_for_reclaim, 1);
	INSTRUMENT_TEST(b05_new_page_flushes_for_reclaim, 1);
	INSTRUMENT_TEST(b12_swapin_of_a_page_that_came_back, 1);
	INSTRUMENT_TEST(b12_swapin_of_an_entry_used_again, 1);
	INSTRUMENT_TEST(b13_write_before_the_pte_is_cleared, 2);
	INSTRUMENT_TEST(b13_pte_is_cleared_in_one_step, 2);
	INSTRUMENT_TEST(b13_write_before_writeout, 1);
	INSTRUMENT_TEST(b13_write_after_writeout, 1);
	INSTRUMENT_TEST(b14_lazyfree_keeps_what_was_written, 1);
	INSTRUMENT_TEST(b14_write_before_the_dirty_check, 4);
	INSTRUMENT_TEST(b14_lazyfree_shared_by_fork, 1);
	INSTRUMENT_TEST(b20_anon_vma_freed_before_it_is_locked, 2);
	INSTRUMENT_TEST(b28_walk_while_a_zap_is_half_done, 4);
	INSTRUMENT_TEST(b35_locked_before_its_pages_are_there, 1);
	INSTRUMENT_TEST(b35_unlocked_by_one_of_two, 1);
	INSTRUMENT_TEST(b40_reuse_while_a_walk_is_on_its_way, 1);
	return test_done();
}
