/* SPDX-License-Identifier: MIT */
/*
 * bugs_calls - bugs that Linux had, by the numbers of docs/catalogue.md: those that a sequence of
 * system calls shows. They pass on any Linux that has been repaired.
 */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE  4096UL
#define RW    (PROT_READ | PROT_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)
#define ARENA ((char *)0x230000000000)

/* <linux/futex.h> is not there with every C library. */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static char *map_at(char *at, unsigned long pages, int prot)
{
	CHECK(mmap(at, pages * PAGE, prot, ANON | MAP_FIXED, -1, 0) == at);
	return at;
}

static sigjmp_buf fault_jump;

static void on_fault(int sig)
{
	siglongjmp(fault_jump, sig);
}

static bool write_faults(volatile char *at)
{
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(fault_jump, 1))
		return true;
	*at = 1;
	return false;
}

/* Write as a debugger does, whatever the mapping allows. */
static bool forced_write(const void *at, const void *bytes, size_t n)
{
	int fd = open("/proc/self/mem", O_RDWR);
	ssize_t done;

	CHECK(fd >= 0);
	done = pwrite(fd, bytes, n, (off_t)(uintptr_t)at);
	close(fd);
	return done == (ssize_t)n;
}

/*
 * A child gives a page of its parent's to a pipe and unmaps it. The page is mapped once now, but it
 * is not the parent's alone: what the parent writes must not come out of the pipe.
 */
static void b11_page_in_a_pipe_is_not_reused(void)
{
	char *p = map_at(ARENA, 1, RW), seen[16] = "";
	struct iovec iov = {p, 16};
	int pipe_fd[2], go[2];
	pid_t child;

	strcpy(p, "old");
	CHECK(pipe(pipe_fd) == 0 && pipe(go) == 0);
	child = fork();
	if (!child) {
		CHECK(vmsplice(pipe_fd[1], &iov, 1, 0) == 16);
		CHECK(munmap(p, PAGE) == 0);
		CHECK(write(go[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(read(go[0], seen, 1) == 1);
	CHECK_CHILD(child);
	strcpy(p, "secret");
	CHECK(read(pipe_fd[0], seen, 16) == 16);
	CHECK(!strcmp(seen, "old") && !strcmp(p, "secret"));
}

/*
 * A mapping of three pages of a file, private and written. The middle is cut out, and the first page
 * grows over it and merges with the third: each page keeps what was in it. (The rpm database broke
 * on this in Linux 6.3.)
 */
static void b18_grown_mapping_keeps_its_pages(void)
{
	char name[] = "b18-XXXXXX", *p;
	int fd = mkstemp(name);

	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 8 * PAGE) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pwrite(fd, &(char){'a' + i}, 1, i * PAGE) == 1);
	for (int written = 0; written < 8; written++) {
		p = mmap(ARENA, 3 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 2 * PAGE);
		CHECK(p == ARENA);
		for (int i = 0; i < 3; i++)
			if (written & 1 << i)
				p[i * PAGE] = 'A' + i;
		CHECK(munmap(p + PAGE, PAGE) == 0);
		CHECK(mremap(p, PAGE, 2 * PAGE, 0) == p);
		for (int i = 0; i < 3; i++)
			CHECK(p[i * PAGE] == (written & 1 << i && i != 1 ? 'A' + i : 'c' + i));
		/* Moved and looked at once more: by the index of each page, not by its address. */
		CHECK(mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 64 * PAGE) ==
		      p + 64 * PAGE);
		madvise(p + 64 * PAGE, 3 * PAGE, 21 /* MADV_PAGEOUT */);
		for (int i = 0; i < 3; i++)
			CHECK(p[(64 + i) * PAGE] ==
			      (written & 1 << i && i != 1 ? 'A' + i : 'c' + i));
		CHECK(munmap(p + 64 * PAGE, 3 * PAGE) == 0);
	}
}

/* A forced write into memory that was only read breaks the sharing of the zero page, not the page. */
static void b30_forced_write_leaves_the_zero_page(void)
{
	char *p = map_at(ARENA, 4, PROT_READ), *fresh = map_at(ARENA + 16 * PAGE, 4, PROT_READ);

	CHECK(p[0] == 0 && p[PAGE] == 0);
	CHECK(forced_write(p, "ouch", 4));
	CHECK(forced_write(p + PAGE, "ouch", 4));
	CHECK(!strcmp(p, "ouch") && write_faults(p));
	/* Discarded, and written anew: the first copy does not count for the second. */
	CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
	CHECK(p[0] == 0 && forced_write(p, "again", 5));
	for (int i = 0; i < 4; i++)
		CHECK(*(int *)(fresh + i * PAGE) == 0);
	CHECK(p[2 * PAGE] == 0 && p[3 * PAGE] == 0);
}

/* A mapping below the stack: the stack stops 256 pages above it. */
static void b31_stack_keeps_its_guard_gap(void)
{
	char *low = map_at(ARENA, 1, RW), *stack = low + 512 * PAGE;

	CHECK(mmap(stack, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == stack);
	stack[0] = 1;
	for (char *at = stack - PAGE; at > low + 260 * PAGE; at -= PAGE)
		CHECK(!write_faults(at));
	CHECK(write_faults(low + 200 * PAGE));
	CHECK(write_faults(low + PAGE));
	low[0] = 7;
	/* A mapping that is looked for does not come into the gap either. */
	for (int i = 0; i < 32; i++) {
		char *q = mmap(low + 100 * PAGE, 8 * PAGE, RW, ANON, -1, 0);

		CHECK(q != MAP_FAILED);
		CHECK(q + 8 * PAGE <= low + 16 * PAGE || q > stack || q + 8 * PAGE <= low);
	}
}

/* Nobody's memory reaches below mmap_min_addr: not by a fault, not by a write from outside. */
static void b32_nothing_below_min_addr(void)
{
	unsigned long min = 65536;
	FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "r");
	char *lowest;

	CHECK(!f || fscanf(f, "%lu", &min) == 1);
	if (f)
		fclose(f);
	lowest = (char *)(min ?: PAGE);
	CHECK(mmap(lowest, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == lowest);
	lowest[0] = 1;
	CHECK(write_faults(lowest - 1));
	CHECK(!forced_write(lowest - 8, "12345678", 8));
	CHECK(!forced_write((void *)16, "12345678", 8));
	CHECK(lowest[0] == 1);
}

/* ---- B38: what MREMAP_DONTUNMAP leaves ---- */

static void b38_emptied_mapping_is_used_again(void)
{
	for (int order = 0; order < 8; order++) {
		char *p = map_at(ARENA, 4, RW), *q;
		pid_t child = 0;

		for (int i = 0; i < 4; i++)
			p[i * PAGE] = 'a' + i;
		q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, NULL);
		if (q == MAP_FAILED) {
			CHECK(errno == EINVAL); /* before Linux 5.7 */
			return;
		}
		if (order & 1)
			p[PAGE] = 'x';
		if (order & 2) {
			child = fork();
			if (!child) {
				CHECK(munmap(order & 4 ? p : q, 4 * PAGE) == 0);
				CHECK((order & 4 ? q[PAGE] : p[PAGE]) == (order & 4   ? 'b'
									  : order & 1 ? 'x'
										      : 0));
				_exit(0);
			}
		}
		for (int i = 0; i < 4; i++)
			CHECK(q[i * PAGE] == 'a' + i);
		CHECK(munmap(order & 4 ? q : p, 4 * PAGE) == 0);
		if (child)
			CHECK_CHILD(child);
		CHECK((order & 4 ? p[0] : q[0]) == (order & 4 ? 0 : 'a'));
		munmap(order & 4 ? p : q, 4 * PAGE);
	}
}

/* ---- B43: a private futex is an address of a process, whatever frame is there ---- */

static long futex(atomic_int *at, int op, int value)
{
	return syscall(SYS_futex, at, op, value, NULL, NULL, 0);
}

static atomic_int *word;
static atomic_int waiting;

static void *wait_for_word(void *unused)
{
	atomic_store(&waiting, 1);
	while (!atomic_load(word))
		futex(word, FUTEX_WAIT_PRIVATE, 0);
	return NULL;
}

/* The page is shared by a fork, copied by a write, discarded and moved while somebody waits on it. */
static void b43_private_futex_follows_the_address(void)
{
	pthread_t thread;
	pid_t child;
	void *page;
	int node = 0, status;

	page = map_at(ARENA, 1, RW);
	word = page;
	CHECK(pthread_create(&thread, NULL, wait_for_word, NULL) == 0);
	while (!atomic_load(&waiting))
		sleep_ms(1);
	sleep_ms(50);
	child = fork();
	if (!child) {
		/* The same address in another process has no waiter. */
		atomic_store(word, 5);
		_exit(futex(word, FUTEX_WAKE_PRIVATE, INT_MAX) != 0);
	}
	CHECK_CHILD(child);
	word[4] = 1; /* a copy, or not: the frame may be another one now */
	madvise(page, PAGE, 21 /* MADV_PAGEOUT */);
	syscall(SYS_move_pages, 0, 1L, &page, &node, &status, 2);
	atomic_store(word, 1);
	CHECK(futex(word, FUTEX_WAKE_PRIVATE, INT_MAX) <= 1);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* What lies before the hole has changed, what lies behind has not. */
static void b44_mprotect_over_a_hole(void)
{
	char *p = map_at(ARENA, 9, RW);

	memset(p, 1, 9 * PAGE);
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(munmap(p + 6 * PAGE, PAGE) == 0);
	CHECK_ERRNO(mprotect(p + PAGE, 7 * PAGE, PROT_READ), ENOMEM);
	for (int i = 0; i < 9; i++)
		CHECK(write_faults(p + i * PAGE) == (i >= 1 && i <= 6));
	CHECK_ERRNO(mprotect(p, 9 * PAGE, RW), ENOMEM);
	for (int i = 0; i < 9; i++)
		CHECK(write_faults(p + i * PAGE) == (i == 6));
	/* The tail of a mapping joins the next: that one stays as it is (LTP mprotect05). */
	map_at(p, 6, RW);
	CHECK(mprotect(p + 3 * PAGE, 3 * PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + PAGE, 3 * PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + 2 * PAGE, 4 * PAGE, RW) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(write_faults(p + i * PAGE) == (i == 1));
}

int main(void)
{
	TEST(b11_page_in_a_pipe_is_not_reused);
	TEST(b18_grown_mapping_keeps_its_pages);
	TEST(b30_forced_write_leaves_the_zero_page);
	TEST(b31_stack_keeps_its_guard_gap);
	TEST(b32_nothing_below_min_addr);
	TEST(b38_emptied_mapping_is_used_again);
	TEST(b43_private_futex_follows_the_address);
	TEST(b44_mprotect_over_a_hole);
	return test_done();
}
