/* SPDX-License-Identifier: MIT */
/*
 * Address spaces on the real machine: copy-on-write, swap, migration and the reverse map, alone and
 * with all CPUs at once. The address spaces have no program in them; the tests reach into them as a
 * debugger would.
 */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/mutex.h"
#include "kernel/sched.h"
#include "lib/err.h"
#include "lib/random.h"
#include "mm/access.h"
#include "mm/audit.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/copy.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/vmstat.h"

#define BASE 0x40000000UL

static unsigned long at(unsigned int page)
{
	return BASE + page * PAGE_SIZE;
}

static struct mm *mm_with(unsigned int pages)
{
	struct mm *mm = mm_alloc();

	if (mm && vm_mmap(mm, NULL, BASE, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0) < 0) {
		mmput(mm);
		return NULL;
	}
	return mm;
}

static bool put(struct mm *mm, unsigned int page, u64 value)
{
	return access_remote_vm(mm, at(page), &value, sizeof(value), true) == sizeof(value);
}

static u64 get(struct mm *mm, unsigned int page)
{
	u64 value = ~0UL;

	access_remote_vm(mm, at(page), &value, sizeof(value), false);
	return value;
}

/* Which frame; only to be compared. */
static struct page *frame(struct mm *mm, unsigned int page)
{
	struct page *found = NULL;
	spinlock_t *ptl;
	pte_t *pte;

	mmap_read_lock(mm);
	pte = pgwalk_pte_lock(mm, at(page), &ptl);
	if (pte) {
		if (pte_present(ptep_get(pte)))
			found = vm_normal_page(ptep_get(pte));
		pte_unmap_unlock(pte, ptl);
	}
	mmap_read_unlock(mm);
	return found;
}

static bool audit_is_clean(void)
{
#ifdef CONFIG_DEBUG
	struct rmap_audit audit = {.counters = true};

	rmap_audit(&audit);
	return !audit.differences && !audit.migration_ptes;
#else
	return true;
#endif
}

KTEST(mm_fork_shares_until_written)
{
	struct mm *parent = mm_with(4), *child;
	struct page *shared;

	KTEST_TRUE(parent && put(parent, 0, 11) && put(parent, 1, 12));
	child = mm_dup(parent);
	KTEST_TRUE(!IS_ERR(child));
	shared = frame(parent, 0);
	KTEST_TRUE(shared && frame(child, 0) == shared);
	KTEST_TRUE(put(child, 0, 21));
	KTEST_TRUE(frame(child, 0) != shared);
	KTEST_EQ(get(parent, 0), 11);
	KTEST_EQ(get(child, 0), 21);
	KTEST_TRUE(audit_is_clean());
	mmput(child);

	/* Nobody shares them any more: written in place. */
	KTEST_TRUE(put(parent, 0, 31) && put(parent, 1, 32));
	KTEST_TRUE(frame(parent, 0) == shared);
	mmput(parent);
}

KTEST(mm_migration_takes_every_mapping_along)
{
	struct mm *mm[5] = {mm_with(2)};
	struct page *before, *after;

	KTEST_TRUE(mm[0] && put(mm[0], 1, 77));
	for (int i = 1; i < 5; i++) {
		mm[i] = mm_dup(mm[i / 2]);
		KTEST_TRUE(!IS_ERR(mm[i]));
	}
	before = frame(mm[0], 1);
	KTEST_EQ(migrate_user_page(mm[3], at(1)), 0);
	after = frame(mm[0], 1);
	KTEST_TRUE(after && after != before);
	for (int i = 0; i < 5; i++) {
		KTEST_TRUE(frame(mm[i], 1) == after);
		KTEST_EQ(get(mm[i], 1), 77);
	}
	KTEST_EQ(page_mapcount(after), 5);
	KTEST_TRUE(audit_is_clean());
	for (int i = 0; i < 5; i++)
		mmput(mm[i]);
}

/*
 * A page that one process alone had comes back from swap as its own: the next write copies nothing.
 */
KTEST(mm_swap_keeps_exclusive)
{
	struct mm *mm = mm_with(1);
	struct page *page;
	unsigned long outs = vm_event_sum(PSWPOUT) + vm_event_sum(PSWPZERO);

	KTEST_TRUE(mm && put(mm, 0, 123456789));
	KTEST_EQ(do_madvise(mm, at(0), PAGE_SIZE, MADV_PAGEOUT), 0);
	KTEST_TRUE(!frame(mm, 0));
	KTEST_TRUE(vm_event_sum(PSWPOUT) + vm_event_sum(PSWPZERO) > outs);
	KTEST_EQ(get(mm, 0), 123456789);
	page = frame(mm, 0);
	KTEST_TRUE(put(mm, 0, 987654321) && frame(mm, 0) == page);
	KTEST_EQ(get(mm, 0), 987654321);
	KTEST_TRUE(audit_is_clean());
	mmput(mm);
}

/* Pages until kswapd has something to do; linked by private. */
static struct page *take_to_high_watermark(void)
{
	struct page *taken = NULL, *page;

	while (zone_watermark_ok(WMARK_HIGH) && (page = alloc_page(GFP_NOWAIT))) {
		page->private = (unsigned long)taken;
		taken = page;
		drain_local_pages();
	}
	return taken;
}

/*
 * The last user of an address space is the OOM killer or a walk, and memory is short: kswapd takes
 * it down between two rounds, and the lock validator has nothing to say.
 */
KTEST(mm_is_ended_by_kswapd_when_memory_is_short)
{
	struct mm *mm = mm_with(64);
	struct page *taken, *next;

	KTEST_TRUE(mm);
	for (unsigned int i = 0; i < 64; i++)
		KTEST_TRUE(put(mm, i, i));
	taken = take_to_high_watermark();
	mmput_async(mm);
	while (mm_end_pending())
		sleep_ns(1000000);
	for (; taken; taken = next) {
		next = (struct page *)taken->private;
		taken->private = 0;
		put_page(taken);
	}
}

/*
 * The seed's point: of a region cut into a thousand VMAs a walk visits the one that has the page.
 */
KTEST(mm_walk_visits_one_vma_of_many)
{
	enum { PAGES = 1024 };
	struct mm *mm = mm_with(PAGES);
	unsigned long walks, vmas;

	KTEST_TRUE(mm != NULL);
	for (unsigned int i = 0; i < PAGES; i++)
		KTEST_TRUE(put(mm, i, i));
	for (unsigned int i = 0; i < PAGES; i += 2)
		KTEST_EQ(do_mprotect(mm, at(i), PAGE_SIZE, PROT_READ), 0);
	KTEST_EQ(mm->map_count, PAGES);
	walks = vm_event_sum(RMAP_WALKS);
	vmas = vm_event_sum(RMAP_VMAS);
	for (unsigned int i = 5; i < PAGES; i += 64)
		KTEST_EQ(migrate_user_page(mm, at(i)), 0);
	walks = vm_event_sum(RMAP_WALKS) - walks;
	vmas = vm_event_sum(RMAP_VMAS) - vmas;
	KTEST_TRUE(walks >= 2 * PAGES / 64 && vmas == walks);
	KTEST_TRUE(audit_is_clean());
	mmput(mm);
}

/* ------------------------------------------------------------------------------- all at once */

#define STORM_THREADS 6
#define STORM_PAGES   48
#define STORM_STEPS   400

/* Each thread has a process, whose bytes it knows; all threads push everybody's pages around. */
static struct storm {
	struct mutex lock; /* of the pointer mm */
	struct mm *mm;
	u64 value[STORM_PAGES];
} storms[STORM_THREADS];

static atomic_t storm_next, storm_wrong;

static void storm_verify(struct storm *s, struct mm *mm)
{
	for (unsigned int i = 0; i < STORM_PAGES; i++)
		if (get(mm, i) != s->value[i])
			atomic_inc(&storm_wrong);
}

static void storm_write(struct storm *s, struct prng *r)
{
	for (int n = 0; n < 8; n++) {
		unsigned int i = prng_below(r, STORM_PAGES);

		s->value[i] = prng_next(r);
		if (!put(s->mm, i, s->value[i]))
			atomic_inc(&storm_wrong);
	}
}

/* Away and back, through another place: the pages keep their indices, the VMAs split and merge. */
static void storm_move(struct storm *s, struct prng *r)
{
	unsigned int first = prng_below(r, STORM_PAGES - 8), n = 1 + prng_below(r, 8);
	unsigned long aside = at(4096);

	if (do_mremap(s->mm, at(first), n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      aside) != aside ||
	    do_mremap(s->mm, aside, n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      at(first)) != at(first))
		atomic_inc(&storm_wrong);
}

/* The child has the same bytes; sometimes it takes the parent's place, which then exits. */
static void storm_fork(struct storm *s, struct prng *r)
{
	struct mm *child = mm_dup(s->mm), *old;

	if (IS_ERR(child)) {
		atomic_inc(&storm_wrong);
		return;
	}
	storm_verify(s, child);
	if (prng_below(r, 2)) {
		mutex_lock(&s->lock);
		old = s->mm;
		s->mm = child;
		mutex_unlock(&s->lock);
		child = old;
	} else {
		put(child, prng_below(r, STORM_PAGES), 1);
	}
	mmput(child);
}

/* Somebody's pages go to swap or to other frames. Whether it worked does not matter. */
static void storm_disturb(struct prng *r)
{
	struct storm *s = &storms[prng_below(r, STORM_THREADS)];
	unsigned int first = prng_below(r, STORM_PAGES - 8);
	struct mm *mm;

	mutex_lock(&s->lock);
	mm = s->mm;
	mmget(mm);
	mutex_unlock(&s->lock);
	if (prng_below(r, 24) == 0)
		compact_memory();
	else if (prng_below(r, 2))
		do_madvise(mm, at(first), 8 * PAGE_SIZE, MADV_PAGEOUT);
	else
		for (unsigned int i = first; i < first + 8; i++)
			migrate_user_page(mm, at(i));
	mmput(mm);
}

static void storm_thread(void *unused)
{
	unsigned int me = atomic_fetch_add(1, &storm_next);
	struct storm *s = &storms[me];
	struct prng r;

	prng_seed(&r, me);
	for (int step = 0; step < STORM_STEPS; step++) {
		unsigned int op = prng_below(&r, 16);

		if (op < 5)
			storm_write(s, &r);
		else if (op < 8)
			storm_move(s, &r);
		else if (op < 9)
			storm_fork(s, &r);
		else if (op < 15)
			storm_disturb(&r);
		else
			storm_verify(s, s->mm);
	}
	storm_verify(s, s->mm);
}

KTEST(mm_storm)
{
	atomic_set(&storm_next, 0);
	atomic_set(&storm_wrong, 0);
	for (int i = 0; i < STORM_THREADS; i++) {
		struct storm *s = &storms[i];

		*s = (struct storm){.mm = mm_with(STORM_PAGES)};
		mutex_init(&s->lock);
		KTEST_TRUE(s->mm != NULL);
	}
	KTEST_TRUE(run_threads(STORM_THREADS, storm_thread, NULL));
	KTEST_EQ(atomic_read(&storm_wrong), 0);
	KTEST_TRUE(audit_is_clean());
	for (int i = 0; i < STORM_THREADS; i++)
		mmput(storms[i].mm);
}
