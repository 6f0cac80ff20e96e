/* SPDX-License-Identifier: MIT */
/*
 * /proc/verso/mm for test programs (docs/instruments.md is the manual of its commands).
 *
 *	static void b05_...(void) { arm("unmap_before_clear", w.tid); ... }
 *	int main(void) { INSTRUMENT_TEST(b05_..., 1); return test_done(); }
 *
 * Where the file is missing (Linux, a release kernel) or there are fewer CPUs than a test asks for,
 * the test prints `ok NAME # skip` with the reason, and is not run.
 *
 * Each thread that gives commands has the file open for itself: a command that is carried out holds
 * up no other thread's.
 */
#ifndef USER_TESTS_INSTRUMENTS_H
#define USER_TESTS_INSTRUMENTS_H

#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define INSTRUMENTS "/proc/verso/mm"
#define PAGE	    4096UL
#define ANON	    (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	    (PROT_READ | PROT_WRITE)

/* ------------------------------------------------------------------------------- commands */

static inline int instruments_fd(void)
{
	static _Thread_local int fd = -1, opener;

	/* A forked child opens its own: the answers are the open file's. */
	if (fd < 0 || opener != getpid())
		fd = open(INSTRUMENTS, O_RDWR | O_CLOEXEC);
	opener = getpid();
	return fd;
}

static _Thread_local char instrument_answer[32768];

/* Give a command and return the answer, which stays until the thread's next command. */
__attribute__((format(printf, 1, 2))) static inline const char *instrument(const char *format, ...)
{
	char *answer = instrument_answer;
	char command[256];
	size_t have = 0;
	ssize_t n;
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	CHECK(write(instruments_fd(), command, strlen(command)) == (ssize_t)strlen(command));
	while ((n = read(instruments_fd(), answer + have, sizeof(instrument_answer) - 1 - have)) >
	       0)
		have += (size_t)n;
	CHECK(n == 0);
	answer[have] = 0;
	return answer;
}

/*
 * What a thread uses while another stands with mmap_lock must be in memory: a fault would wait for
 * the one who waits for it.
 */
static inline void be_present(void)
{
	volatile char stack[65536];

	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
	memset(instrument_answer, 0, sizeof(instrument_answer));
	CHECK(instruments_fd() >= 0);
}

static inline bool answers(const char *answer, const char *start)
{
	return !strncmp(answer, start, strlen(start));
}

/* The command answers with this text at its start; else the test fails and shows both. */
#define CHECK_ANSWER(start, ...)                                                     \
	do {                                                                         \
		const char *check_answer = instrument(__VA_ARGS__);                  \
		if (!answers(check_answer, start))                                   \
			printf("asked: %s, answer: %s", #__VA_ARGS__, check_answer); \
		CHECK(answers(check_answer, start));                                 \
	} while (0)

#define ARM(point, tid)	       CHECK_ANSWER("armed", "arm %s task %d", point, tid)
#define ARM_HIT(point, tid, n) CHECK_ANSWER("armed", "arm %s task %d hit %d", point, tid, n)
#define AWAIT(point)	       CHECK_ANSWER("parked", "wait %s 60000", point)
#define RELEASE(point)	       CHECK_ANSWER("released", "release %s", point)

/* The reverse map is whole, and no migration is half done. */
#define AUDIT()                                                      \
	do {                                                         \
		CHECK_ANSWER("0 differences", "audit");              \
		CHECK(strstr(instrument("audit"), ", 0 migrating")); \
	} while (0)

/* Does the task come to the point within ms milliseconds? For tasks that may be blocked instead. */
static inline bool arrives(const char *point, int ms)
{
	return answers(instrument("wait %s %d", point, ms), "parked");
}

/* ------------------------------------------------------------------------------- a page's frame */

static inline uint64_t pagemap_entry(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	CHECK(fd >= 0);
	CHECK(pread(fd, &entry, 8, (long)((unsigned long)addr / PAGE * 8)) == 8);
	close(fd);
	return entry;
}

static inline bool page_present(const void *addr)
{
	return pagemap_entry(addr) >> 63;
}

static inline bool page_swapped(const void *addr)
{
	return pagemap_entry(addr) >> 62 & 1;
}

static inline unsigned long page_frame(const void *addr)
{
	CHECK(page_present(addr));
	return pagemap_entry(addr) & ((1UL << 55) - 1);
}

/* ------------------------------------------------------------------------------- the other side */

/*
 * A thread that does one side of a race: it says who it is, waits for worker_go(), and calls fn. So
 * a point can be armed for it before it starts.
 */
struct worker {
	void (*fn)(void *arg);
	void *arg;
	int cpu; /* where it runs; -1: anywhere */
	pthread_t thread;
	atomic_int tid, go, done;
};

/* Counted before anybody is pinned: sysconf() counts the CPUs that the caller may use. */
static int online_cpus;

static inline void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu % online_cpus, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static inline void *worker_main(void *arg)
{
	struct worker *w = arg;

	pin(w->cpu);
	be_present();
	atomic_store(&w->tid, (int)syscall(SYS_gettid));
	while (!atomic_load(&w->go))
		sched_yield();
	w->fn(w->arg);
	atomic_store(&w->done, 1);
	return NULL;
}

/* Makes the thread, and waits until its number is known. attr may be NULL. */
static inline void worker_make(struct worker *w, int cpu, void (*fn)(void *), void *arg,
			       const pthread_attr_t *attr)
{
	memset(w, 0, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	w->cpu = cpu;
	CHECK(pthread_create(&w->thread, attr, worker_main, w) == 0);
	while (!atomic_load(&w->tid))
		sched_yield();
}

static inline void worker_start(struct worker *w, int cpu, void (*fn)(void *), void *arg)
{
	worker_make(w, cpu, fn, arg, NULL);
}

static inline void worker_go(struct worker *w)
{
	atomic_store(&w->go, 1);
}

/* Wait until fn has returned. */
static inline void worker_wait(struct worker *w)
{
	while (!atomic_load(&w->done))
		sched_yield();
}

/* The thread's end needs mmap_lock: nobody may stand with it. */
static inline void worker_join(struct worker *w)
{
	CHECK(pthread_join(w->thread, NULL) == 0);
	CHECK(atomic_load(&w->done));
}

/* Start it, and let it come to a point and stand there. */
#define WORKER_AT(w, cpu, fn, arg, point)           \
	do {                                        \
		worker_start(w, cpu, fn, arg);      \
		ARM(point, atomic_load(&(w)->tid)); \
		worker_go(w);                       \
		AWAIT(point);                       \
	} while (0)

/* Let it go on from there, and wait until it is done. */
#define WORKER_FINISH(w, point) \
	do {                    \
		RELEASE(point); \
		worker_join(w); \
	} while (0)

/* ------------------------------------------------------------------------------- running them */

static void (*instrument_fn)(void);

/* The program and its data are locked in memory: be_present(). What a test maps is not. */
static inline void instrument_body(void)
{
	be_present();
	CHECK(mlockall(MCL_CURRENT) == 0);
	instrument_fn();
}

static inline void instrument_run(const char *name, void (*fn)(void))
{
	instrument_fn = fn;
	test_run(name, instrument_body);
}

static inline void instrument_test(const char *name, void (*fn)(void), int cpus)
{
	online_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (access(INSTRUMENTS, R_OK | W_OK))
		printf("ok %s # skip: no " INSTRUMENTS "\n", name);
	else if (!cpus && online_cpus > 1)
		printf("ok %s # skip: needs a single CPU\n", name);
	else if (online_cpus < cpus)
		printf("ok %s # skip: needs %d CPUs\n", name, cpus);
	else
		instrument_run(name, fn);
}

/*
 * cpus: how many must be there; 0: not more than one. A task that stands under a spinlock takes a
 * CPU for itself.
 */
#define INSTRUMENT_TEST(fn, cpus) instrument_test(#fn, fn, cpus)

#endif
