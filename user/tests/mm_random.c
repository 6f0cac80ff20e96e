/* SPDX-License-Identifier: MIT */
/*
 * mm_random - random memory system calls against a model in the program.
 *
 * An arena of pages is mapped, unmapped, protected, moved, advised and forked at random. The model
 * knows of each page what it is, who may touch it how, and what it holds; after each step some
 * pages are read and written, and must give the value, or SIGSEGV with the right code, that the
 * model says. The same binary must pass on Linux.
 *
 * A forked child goes on with a copy of the model, and exits; then the parent must find its private
 * pages unchanged. Shared pages hold what anybody wrote last: their values are in shared memory,
 * beside the arena.
 *
 * Several of these run at once, each with its arena, one for each CPU up to four unless told
 * otherwise. Where there is /proc/verso/mm (a debug kernel of Verso), pages are also reclaimed and
 * migrated behind the program's back, and the reverse map is audited every so many steps, while the
 * others go on.
 *
 * Usage: mm_random [SEED [STEPS [JOBS]]]	STEPS in all; those of forked children come on top
 */
#include "instruments.h"

#include <setjmp.h>

#define PAGES	160
#define OBJECTS 4096 /* shared pages ever made */
#define ARENA	((char *)0x200000000000)

#define AUDIT_STEPS 250
#define MAX_DEPTH   3 /* of children of children */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

enum kind { HOLE, PRIVATE, SHARED };

struct page {
	enum kind kind;
	int prot;
	uint64_t value;	 /* PRIVATE */
	int object;	 /* SHARED: index of its value */
	bool maybe_zero; /* MADV_FREE: holds the value or zero until written */
	bool dontfork, wipeonfork, locked;
	bool guard;
};

/*
 * In shared memory, so that a kernel that mixes up the private pages of parent and child does not
 * mix up their models in the same way.
 */
struct shared_values {
	uint64_t value[OBJECTS];
	int used;
	struct page models[MAX_DEPTH + 1][PAGES];
};

static struct page *model;
static struct shared_values *shared;
static uint64_t rng;
static uint64_t seed;
static unsigned long step, depth, jobs;
static bool instruments;
static bool guards; /* does the kernel have guard regions? */
static const char *operation = "start";

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static unsigned below(unsigned n)
{
	return rnd() % n;
}

static void fail(const char *what, int page, uint64_t got, uint64_t want)
{
	printf("FAILED mm_random: %s: page %d: got %#lx, want %#lx (errno %d) after %s, depth %lu\n",
	       what, page, got, want, errno, operation, depth);
	printf("  repeat: mm_random %lu %lu 1 (of %lu at once)\n", seed, step, jobs);
	fflush(stdout);
	_exit(1);
}

/* ---- touching memory, and surviving it ---- */

static sigjmp_buf fault_jump;
static volatile int fault_code;
static void *volatile fault_address;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(fault_jump, 1);
}

/* 0, or the si_code of the SIGSEGV that an access has to end with. x86 cannot refuse to read what it
 * may write or execute. */
static int expected_code(const struct page *p, bool write)
{
	if (p->kind == HOLE)
		return SEGV_MAPERR;
	if (write ? !(p->prot & PROT_WRITE) : p->prot == PROT_NONE)
		return SEGV_ACCERR;
	return p->guard ? SEGV_MAPERR : 0;
}

/* Returns 0, or the si_code of the SIGSEGV. */
static int touch(int i, bool write, uint64_t *value)
{
	volatile uint64_t *at = (uint64_t *)(ARENA + i * PAGE);

	if (sigsetjmp(fault_jump, 1)) {
		if (fault_address != (void *)at)
			fail("si_addr", i, (uint64_t)fault_address, (uint64_t)at);
		return fault_code;
	}
	if (write)
		*at = *value;
	else
		*value = *at;
	return 0;
}

static uint64_t *value_of(struct page *p)
{
	return p->kind == SHARED ? &shared->value[p->object] : &p->value;
}

static void check_read(int i)
{
	struct page *p = &model[i];
	uint64_t got = 0;
	int code = touch(i, false, &got), want = expected_code(p, false);

	if (code != want)
		fail("read", i, code, want);
	if (code)
		return;
	if (p->maybe_zero && got == 0)
		*value_of(p) = 0;
	if (got != *value_of(p))
		fail("read", i, got, *value_of(p));
}

static void check_write(int i)
{
	struct page *p = &model[i];
	uint64_t value = rnd();
	int code = touch(i, true, &value), want = expected_code(p, true);

	if (code != want)
		fail("write", i, code, want);
	if (code)
		return;
	*value_of(p) = value;
	p->maybe_zero = false;
}

static void check_all(void)
{
	for (int i = 0; i < PAGES; i++)
		check_read(i);
}

/* ---- operations ---- */

static void expect_result(long got, long want)
{
	if (got != want)
		fail("result", -1, got, want);
}

static void random_range(int *first, int *count)
{
	*first = below(PAGES);
	*count = 1 + below(12);
	if (*first + *count > PAGES)
		*count = PAGES - *first;
}

static int mapped_run(int first, int count)
{
	int n = 0;

	while (n < count && model[first + n].kind != HOLE)
		n++;
	return n;
}

static void op_mmap(int first, int count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};
	int prot = prots[below(5)];
	bool is_shared = below(4) == 0 && shared->used + count < OBJECTS;
	int flags = MAP_ANONYMOUS | MAP_FIXED | (is_shared ? MAP_SHARED : MAP_PRIVATE);
	char *addr = ARENA + first * PAGE;

	operation = is_shared ? "mmap shared" : "mmap private";
	if (below(6) == 0)
		flags |= MAP_POPULATE;
	if (mmap(addr, count * PAGE, prot, flags, -1, 0) != addr)
		fail("mmap", first, errno, 0);
	for (int i = first; i < first + count; i++) {
		model[i] = (struct page){.kind = is_shared ? SHARED : PRIVATE, .prot = prot};
		if (is_shared)
			model[i].object = shared->used++;
	}
}

static void op_munmap(int first, int count)
{
	operation = "munmap";
	expect_result(munmap(ARENA + first * PAGE, count * PAGE), 0);
	memset(&model[first], 0, count * sizeof(model[0]));
}

static void op_mprotect(int first, int count)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};
	int prot = prots[below(5)], n = mapped_run(first, count);

	operation = "mprotect";
	expect_result(mprotect(ARENA + first * PAGE, count * PAGE, prot), n == count ? 0 : -1);
	for (int i = first; i < first + n; i++)
		model[i].prot = prot;
}

/*
 * The target is unmapped first. Pages of several mappings may be refused (EFAULT): then nothing
 * moves.
 */
static void op_mremap(int first, int count)
{
	int to = below(PAGES);
	char *from = ARENA + first * PAGE, *target = ARENA + to * PAGE;
	bool dontunmap = below(4) == 0;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (dontunmap ? MREMAP_DONTUNMAP : 0);
	void *got;

	if (to + count > PAGES || (to < first + count && first < to + count))
		return;
	op_munmap(to, count);
	operation = dontunmap ? "mremap DONTUNMAP" : "mremap";
	got = mremap(from, count * PAGE, count * PAGE, flags, target);
	if (got == MAP_FAILED) {
		if (errno == EFAULT && (mapped_run(first, count) < count || count > 1))
			return;
		if (errno == EINVAL && dontunmap)
			return; /* older kernels: only private anonymous memory */
		fail("mremap", first, errno, 0);
	}
	if (got != target)
		fail("mremap", first, (uint64_t)got, (uint64_t)target);
	for (int i = 0; i < count; i++) {
		model[to + i] = model[first + i];
		if (!dontunmap)
			model[first + i] = (struct page){0};
		else if (model[first + i].kind == PRIVATE)
			model[first + i].value = 0;
		if (dontunmap)
			model[first + i].maybe_zero = model[first + i].guard = false;
	}
}

/* Shrink and grow again, at the same place, one page at the end. */
static void op_resize(int first, int count)
{
	char *addr = ARENA + first * PAGE;
	struct page last = model[first + count - 1];

	operation = "mremap resize";
	if (count < 2 || mapped_run(first, count) < count)
		return;
	for (int i = 1; i < count; i++)
		if (model[first + i].kind != PRIVATE || model[first].kind != PRIVATE)
			return;
	expect_result(munmap(addr + (count - 1) * PAGE, PAGE), 0);
	model[first + count - 1] = (struct page){0};
	if (mremap(addr + (count - 2) * PAGE, PAGE, 2 * PAGE, 0) == MAP_FAILED) {
		if (errno != ENOMEM)
			fail("mremap grows", first, errno, 0);
		return;
	}
	(void)last;
	model[first + count - 1] = model[first + count - 2];
	model[first + count - 1].value = 0;
	model[first + count - 1].maybe_zero = model[first + count - 1].guard = false;
}

static void op_dontneed(int first, int count)
{
	int n = 0;

	operation = "madvise DONTNEED";
	for (int i = first; i < first + count; i++)
		if (model[i].locked)
			return;
	n = mapped_run(first, count);
	expect_result(madvise(ARENA + first * PAGE, count * PAGE, MADV_DONTNEED),
		      n == count ? 0 : -1);
	for (int i = first; i < first + count; i++) {
		if (model[i].kind == PRIVATE)
			model[i].value = 0;
		model[i].maybe_zero = false;
	}
}

static void op_free(int first, int count)
{
	operation = "madvise FREE";
	for (int i = first; i < first + count; i++)
		if (model[i].kind != PRIVATE || model[i].locked)
			return;
	expect_result(madvise(ARENA + first * PAGE, count * PAGE, MADV_FREE), 0);
	for (int i = first; i < first + count; i++)
		model[i].maybe_zero = true;
}

static bool any_guard(int first, int count)
{
	for (int i = first; i < first + count; i++)
		if (model[i].guard)
			return true;
	return false;
}

/* Contents go, and a touch faults until the guard goes. */
static void op_guard(int first, int count)
{
	bool install = below(3);
	int n = mapped_run(first, count);

	operation = install ? "madvise GUARD_INSTALL" : "madvise GUARD_REMOVE";
	if (!guards)
		return;
	for (int i = first; install && i < first + count; i++)
		if (model[i].locked)
			return;
	expect_result(madvise(ARENA + first * PAGE, count * PAGE,
			      install ? MADV_GUARD_INSTALL : MADV_GUARD_REMOVE),
		      n == count ? 0 : -1);
	for (int i = first; i < first + count; i++) {
		if (model[i].kind == HOLE)
			continue;
		model[i].guard = install;
		if (!install)
			continue;
		model[i].maybe_zero = false;
		if (model[i].kind == PRIVATE)
			model[i].value = 0;
	}
}

/* Advice that changes no contents; COLD and PAGEOUT send pages to swap. */
static void op_harmless(int first, int count)
{
	static const int advices[] = {MADV_NORMAL,
				      MADV_RANDOM,
				      MADV_SEQUENTIAL,
				      MADV_WILLNEED,
				      MADV_DONTDUMP,
				      MADV_DODUMP,
				      20 /* COLD */,
				      21 /* PAGEOUT */,
				      21,
				      21};
	int advice = advices[below(sizeof(advices) / sizeof(advices[0]))];
	int n = mapped_run(first, count);

	operation = "madvise";
	for (int i = first; i < first + count; i++)
		if (model[i].locked)
			return;
	expect_result(madvise(ARENA + first * PAGE, count * PAGE, advice), n == count ? 0 : -1);
}

static void op_populate(int first, int count)
{
	int want = below(2) ? PROT_WRITE : PROT_READ;

	operation = "madvise POPULATE";
	if (mapped_run(first, count) < count || any_guard(first, count))
		return;
	for (int i = first; i < first + count; i++)
		if (!(model[i].prot & want))
			return;
	if (madvise(ARENA + first * PAGE, count * PAGE,
		    want == PROT_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ)) {
		if (errno != EINVAL)
			fail("POPULATE", first, errno, 0);
	}
}

static void op_fork_advice(int first, int count)
{
	int which = below(4), n = mapped_run(first, count);
	static const int advices[] = {MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK};

	operation = "madvise FORK";
	if (n < count)
		return;
	for (int i = first; i < first + count; i++)
		if (model[i].kind != PRIVATE)
			return;
	expect_result(madvise(ARENA + first * PAGE, count * PAGE, advices[which]), 0);
	for (int i = first; i < first + count; i++) {
		if (which < 2)
			model[i].dontfork = which == 0;
		else
			model[i].wipeonfork = which == 2;
	}
}

static void op_lock(int first, int count)
{
	char *addr = ARENA + first * PAGE;
	bool lock = below(2);

	operation = lock ? "mlock" : "munlock";
	if (mapped_run(first, count) < count || any_guard(first, count))
		return;
	for (int i = first; i < first + count; i++)
		if (model[i].prot == PROT_NONE)
			return;
	expect_result(lock ? mlock(addr, count * PAGE) : munlock(addr, count * PAGE), 0);
	for (int i = first; i < first + count; i++)
		model[i].locked = lock;
}

/* Every page to another frame, or out to swap: its bytes and rights stay. */
static void op_behind(int first, int count)
{
	const char *command = below(2) ? "migrate" : "reclaim";

	operation = command;
	for (int i = first; instruments && i < first + count; i++)
		instrument("%s %d %#lx", command, getpid(), (unsigned long)(ARENA + i * PAGE));
}

static void op_mincore(int first, int count)
{
	unsigned char vec[PAGES];
	int n = mapped_run(first, count);

	operation = "mincore";
	expect_result(mincore(ARENA + first * PAGE, count * PAGE, vec), n == count ? 0 : -1);
}

static void op_msync(int first, int count)
{
	operation = "msync";
	expect_result(msync(ARENA + first * PAGE, count * PAGE, MS_ASYNC),
		      mapped_run(first, count) == count ? 0 : -1);
}

static void op_touch(int first, int count)
{
	operation = "touch";
	for (int i = first; i < first + count; i++) {
		if (below(2))
			check_write(i);
		else
			check_read(i);
	}
}

static void run(unsigned long steps);

/* What a child inherits, by the model. */
static void become_child(void)
{
	depth++;
	memcpy(shared->models[depth], model, sizeof(shared->models[depth]));
	model = shared->models[depth];
	for (int i = 0; i < PAGES; i++) {
		model[i].locked = false;
		if (model[i].dontfork)
			model[i] = (struct page){0};
		else if (model[i].wipeonfork) {
			model[i].value = 0;
			model[i].maybe_zero = model[i].guard = false;
		}
	}
}

static void op_fork(void)
{
	int status;
	pid_t pid;

	if (depth >= MAX_DEPTH)
		return;
	operation = "fork";
	/* MADV_FREE must not look different to the two. */
	check_all();
	for (int i = 0; i < PAGES; i++)
		if (model[i].maybe_zero && (model[i].prot & PROT_WRITE))
			check_write(i);
	pid = fork();
	if (!pid) {
		become_child();
		rnd();
		check_all();
		run(20 + below(60));
		_exit(0);
	}
	rnd();
	rnd();
	if (pid < 0)
		fail("fork", -1, errno, 0);
	if (below(2))
		for (int i = 0; i < 10; i++)
			if (model[below(PAGES)].kind == PRIVATE)
				check_read(below(PAGES));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		fail("child", -1, status, 0);
	check_all();
}

static void random_step(void)
{
	static void (*const ops[])(int, int) = {
		op_mmap,     op_mmap,	     op_munmap,	  op_mprotect, op_mprotect, op_mremap,
		op_mremap,   op_resize,	     op_dontneed, op_free,     op_harmless, op_harmless,
		op_populate, op_fork_advice, op_lock,	  op_mincore,  op_msync,    op_touch,
		op_touch,    op_touch,	     op_behind,	  op_behind,   op_guard,
	};
	int first, count;

	if (below(60) == 0) {
		op_fork();
		return;
	}
	random_range(&first, &count);
	ops[below(sizeof(ops) / sizeof(ops[0]))](first, count);
}

static void run(unsigned long steps)
{
	for (unsigned long i = 0; i < steps; i++) {
		if (!depth)
			step = i + 1;
		random_step();
		for (int j = 0; j < 4; j++) {
			if (below(2))
				check_write(below(PAGES));
			else
				check_read(below(PAGES));
		}
		if (i % 64 == 0)
			check_all();
		if (instruments && !depth && i % AUDIT_STEPS == AUDIT_STEPS - 1)
			CHECK_ANSWER("0 differences", "audit");
	}
	check_all();
}

/* One arena, from an empty one to the last step. */
static void run_job(unsigned long job_seed, unsigned long steps)
{
	seed = job_seed;
	rng = seed * 0x9e3779b97f4a7c15UL | 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
	model = shared->models[0];
	run(steps);
}

static void run_jobs(unsigned long steps)
{
	unsigned long first = seed;
	pid_t pids[jobs];

	for (unsigned long i = 0; i < jobs; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			run_job(first + i, steps / jobs);
			_exit(0);
		}
	}
	for (unsigned long i = 0; i < jobs; i++)
		CHECK_CHILD(pids[i]);
}

static unsigned long default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 4 ? cpus : 4;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 3000;

	seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (unsigned long)time(NULL);
	jobs = argc > 3 ? strtoul(argv[3], NULL, 0) : default_jobs();
	guards = !madvise(NULL, 0, MADV_GUARD_INSTALL);
	instruments = !access(INSTRUMENTS, R_OK | W_OK);
	test_name = "mm_random";
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	run_jobs(steps);
	if (instruments)
		AUDIT();
	printf("ok mm_random # seed %lu, %lu steps in %lu arenas\n", seed, steps, jobs);
	return 0;
}
