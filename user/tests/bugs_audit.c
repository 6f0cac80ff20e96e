/* SPDX-License-Identifier: MIT */
/*
 * bugs_audit - the audit beside everything else, and migrations that others wait for. Needs the
 * instruments of a debug kernel.
 */
#include "instruments.h"

#define AREA_PAGES 64UL
#define STEPS	   3000
#define AUDITS	   12

static unsigned int rand_state;

static unsigned int random_below(unsigned int n)
{
	rand_state = rand_state * 1103515245 + 12345;
	return (rand_state >> 16) % n;
}

static void step(char *area)
{
	char *at = area + random_below(AREA_PAGES - 8) * PAGE;
	size_t len = (1 + random_below(8)) * PAGE;
	pid_t child;

	switch (random_below(10)) {
	case 0:
		mprotect(at, len, PROT_READ);
		break;
	case 1:
	case 2:
		mprotect(area, AREA_PAGES * PAGE, RW);
		break;
	case 3:
		CHECK(mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, area + 4096 * PAGE) !=
		      MAP_FAILED);
		CHECK(mremap(area + 4096 * PAGE, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, at) ==
		      at);
		break;
	case 4:
		madvise(at, len, 21 /* MADV_PAGEOUT */);
		break;
	case 5:
		CHECK(mmap(at, len, RW, ANON | MAP_FIXED, -1, 0) == at);
		break;
	case 6:
		child = fork();
		if (!child) {
			if (!mprotect(at, len, RW))
				memset(at, 3, len);
			_exit(0);
		}
		CHECK_CHILD(child);
		break;
	default:
		if (!mprotect(at, len, RW))
			memset(at, 5, len);
	}
}

static pid_t start_stress(unsigned int seed)
{
	pid_t pid = fork();
	char *area;

	if (pid)
		return pid;
	rand_state = seed;
	area = mmap(NULL, 8192 * PAGE, PROT_NONE, ANON, -1, 0);
	CHECK(area != MAP_FAILED);
	CHECK(mmap(area, AREA_PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0) == area);
	for (int i = 0; i < STEPS; i++)
		step(area);
	_exit(0);
}

/* It may find processes busy, never a difference; and it stops nobody. */
static void b42_audit_beside_everything(void)
{
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = start_stress(i + 1);
	for (int i = 0; i < AUDITS; i++) {
		CHECK_ANSWER("0 differences", "audit");
		sleep_ms(20);
	}
	for (int i = 0; i < 3; i++)
		CHECK_CHILD(pid[i]);
	AUDIT();
}

/* ---- who waits for a page in migration does not keep it from moving ---- */

static char *page;
static atomic_int touched;

static void migrate_it(void *unused)
{
	CHECK_ANSWER("migrated", "migrate %d %p", getpid(), page);
}

static void touch_it(void *unused)
{
	atomic_store(&touched, 1 + (page[0] == 7));
}

static void migration_is_not_stopped_by_waiters(void)
{
	struct worker migrator, toucher[4];
	unsigned long before;

	page = mmap(NULL, PAGE, RW, ANON, -1, 0);
	CHECK(page != MAP_FAILED);
	page[0] = 7;
	before = page_frame(page);
	/* Made beforehand: who waits for the page keeps others from mapping a stack. */
	for (int i = 0; i < 4; i++)
		worker_start(&toucher[i], -1, touch_it, NULL);
	WORKER_AT(&migrator, -1, migrate_it, NULL, "migrate_after_unmap");
	for (int i = 0; i < 4; i++)
		worker_go(&toucher[i]);
	sleep_ms(200);
	CHECK(!atomic_load(&touched));
	WORKER_FINISH(&migrator, "migrate_after_unmap");
	for (int i = 0; i < 4; i++)
		worker_join(&toucher[i]);
	CHECK(atomic_load(&touched) == 2);
	CHECK(page_frame(page) != before);
	AUDIT();
}

int main(void)
{
	INSTRUMENT_TEST(b42_audit_beside_everything, 1);
	INSTRUMENT_TEST(migration_is_not_stopped_by_waiters, 1);
	return test_done();
}
