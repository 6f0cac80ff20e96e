/* SPDX-License-Identifier: MIT */
/*
 * What the bugs_*.c programs share: memory that is touched by a thread of its own.
 *
 * A touch can be a fault, which waits for a task that stands at a sync point; and it goes through
 * the TLB of the CPU it is made on, which may hold what the page tables have no more. So a toucher
 * is a thread pinned to a CPU: touch() gives it one access to make, touched() asks whether it has
 * been made, touch_end() waits for it.
 */
#ifndef USER_TESTS_BUGS_H
#define USER_TESTS_BUGS_H

#include "instruments.h"

#include <setjmp.h>

#define POISON 0xaa /* each byte of a freed page (mm/debug.h) */

/*
 * How a touch comes back from SIGSEGV. The thread's own data only points to it: a toucher keeps it
 * on its stack.
 */
struct segv_return {
	sigjmp_buf buf;
	volatile sig_atomic_t wanted;
};

static _Thread_local struct segv_return *segv_return;

static inline void bugs_on_segv(int sig)
{
	if (segv_return && segv_return->wanted)
		siglongjmp(segv_return->buf, 1);
	signal(sig, SIG_DFL);
}

/* Before the first touch of a process: the C library writes down who handles what. */
static inline void expect_segv(void)
{
	struct sigaction act = {.sa_handler = bugs_on_segv, .sa_flags = SA_NODEFER};

	CHECK(sigaction(SIGSEGV, &act, NULL) == 0);
}

/* Read, or write, a byte: false when that is SIGSEGV. */
static inline bool try_touch(volatile unsigned char *addr, bool write, unsigned char *value)
{
	bool ok = false;

	segv_return->wanted = 1;
	if (!sigsetjmp(segv_return->buf, 1)) {
		if (write)
			*addr = *value;
		else
			*value = *addr;
		ok = true;
	}
	segv_return->wanted = 0;
	return ok;
}

static inline bool can_write(void *addr)
{
	unsigned char value = 0x77;
	struct segv_return back = {.wanted = 0};
	bool ok;

	expect_segv();
	segv_return = &back;
	ok = try_touch(addr, true, &value);
	segv_return = NULL;
	return ok;
}

struct toucher {
	struct worker worker;
	unsigned char *addr; /* the access: set before `asked` counts up */
	unsigned char value;
	bool write, ok;
	atomic_int asked, made, end;
};

static inline void toucher_main(void *arg)
{
	struct toucher *t = arg;
	struct segv_return back = {.wanted = 0};

	segv_return = &back;
	while (!atomic_load(&t->end)) {
		if (atomic_load(&t->asked) == atomic_load(&t->made)) {
			sched_yield();
			continue;
		}
		t->ok = try_touch(t->addr, t->write, &t->value);
		atomic_fetch_add(&t->made, 1);
	}
}

#define TOUCHER_STACK 262144

/* Its stack is shared memory, which fork does not write-protect: only its touches can fault. */
static inline void toucher_start(struct toucher *t, int cpu)
{
	void *stack = mmap(NULL, TOUCHER_STACK, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;

	CHECK(stack != MAP_FAILED && pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstack(&attr, stack, TOUCHER_STACK) == 0);
	expect_segv();
	memset(t, 0, sizeof(*t));
	worker_make(&t->worker, cpu, toucher_main, t, &attr);
	pthread_attr_destroy(&attr);
	worker_go(&t->worker);
}

static inline void touch(struct toucher *t, void *addr, bool write, unsigned char value)
{
	t->addr = addr;
	t->write = write;
	t->value = value;
	atomic_fetch_add(&t->asked, 1);
}

/* Has it been made, or is it waiting? Gives it some time. */
static inline bool touched(struct toucher *t)
{
	for (int i = 0; i < 30 && atomic_load(&t->asked) != atomic_load(&t->made); i++)
		sleep_ms(5);
	return atomic_load(&t->asked) == atomic_load(&t->made);
}

/* Wait for it; false: it was SIGSEGV. */
static inline bool touch_end(struct toucher *t)
{
	while (atomic_load(&t->asked) != atomic_load(&t->made))
		sched_yield();
	return t->ok;
}

/* An access made at once: from here on the CPU has the translation. */
static inline unsigned char touch_read(struct toucher *t, void *addr)
{
	touch(t, addr, false, 0);
	CHECK(touch_end(t));
	return t->value;
}

static inline void touch_write(struct toucher *t, void *addr, unsigned char value)
{
	touch(t, addr, true, value);
	CHECK(touch_end(t));
}

static inline void toucher_end(struct toucher *t)
{
	atomic_store(&t->end, 1);
	worker_join(&t->worker);
}

/* Is it done, after some time for it? It may be waiting for a task that stands. */
static inline bool worker_done(struct worker *w)
{
	for (int i = 0; i < 30 && !atomic_load(&w->done); i++)
		sleep_ms(5);
	return atomic_load(&w->done);
}

static inline unsigned char *map_pages(unsigned long pages, int fill)
{
	unsigned char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	if (fill)
		memset(p, fill, pages * PAGE);
	return p;
}

/* For workers. The answer may be either: the page may be in use by the other side. */
static inline void reclaim_page(void *page)
{
	CHECK(!answers(instrument("reclaim %d %p", getpid(), page), "error"));
}

static inline void migrate_page(void *page)
{
	CHECK(!answers(instrument("migrate %d %p", getpid(), page), "error"));
}

static inline void migrate_frame(void *frame)
{
	CHECK(!answers(instrument("migrate frame %lu", (unsigned long)frame), "error: usage"));
}

#define KPF_LRU	 (1UL << 5)
#define KPF_ANON (1UL << 12)

/* Migrate every anonymous page of the machine. */
static inline int migrate_all_anon(void)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC), moved = 0;
	static uint64_t flags[512];
	ssize_t n;

	CHECK(fd >= 0);
	for (unsigned long pfn = 0; (n = read(fd, flags, sizeof(flags))) > 0; pfn += n / 8)
		for (long i = 0; i < n / 8; i++)
			if ((flags[i] & (KPF_LRU | KPF_ANON)) == (KPF_LRU | KPF_ANON))
				moved += answers(instrument("migrate frame %lu", pfn + i),
						 "migrated");
	close(fd);
	return moved;
}

#endif
