/* SPDX-License-Identifier: MIT */
/*
 * abi - docs/abi/syscalls.txt, held against the kernel that this runs on.
 *
 * tools/abi.py makes build/user/tables/calls.h and probes.h from that file: which calls there are, and for
 * flags and other choices a C function that makes the call with the flag, and the answers that the
 * file promises. Linux is the measure: what the file promises must hold there too, but for the calls
 * that Verso does not have, and for flags that are younger than Linux 6.1.
 *
 * A call's number is tried with arguments of -1 throughout, in a child of its own: all that counts is
 * whether the answer is ENOSYS. On Linux that is left out; some calls would do harm, and nothing would
 * be learned.
 *
 * What a probe finds, made anew for each: a folder of its own to be in (dir), with two files of two
 * pages (file, other); a memfd; a pipe; a socket; an epoll set; a timerfd; a pidfd of itself (self); and,
 * made anew for each number tried, a page of memory among fifteen others, and vec, which describes
 * its first bytes.
 */
#include "user/tests/test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sched.h>

#define PAGE	       4096L
#define PAGES	       16
#define PLACE	       0x10000000UL
#define LAST_NUMBER    520
#define BLOCKED_MS     300
#define MAX_LINE       160
#define SCHED_DEADLINE 6

struct call {
	int number;
	const char *name;
	bool supported;
	const char *kinds; /* for helper_fuzz.c */
};
#include "build/user/tables/calls.h"

/* kind: + accepted, - refused with one of errors, ? not tried; younger than Linux 6.1: & accepted, ^ as the others;
 * 0 ends a list. */
struct choice {
	char kind;
	const char *name;
	unsigned long value;
	int errors[2];
};

/* others: the errors of every number that choices does not name; 0: accepted. */
struct probe {
	const char *call, *what;
	long (*try)(long x);
	const struct choice *choices;
	bool bits;
	long first, last;
	bool alone;
	int others[2];
};

static char *page;
static int dir, file, other, memfd, pipe_r, pipe_w, sock, epoll, timer, self;
static struct iovec vec;
static const struct timespec zero[1];

/* The raw call: the result, or the error as a negative number. */
#define call(...)                                   \
	({                                          \
		long result = syscall(__VA_ARGS__); \
		result == -1 ? -errno : result;     \
	})

#include "build/user/tables/probes.h"

static bool on_verso(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "verso");
}

/* ---- which calls there are ---- */

/* The answer of a call with nonsense, as seen by a child; 1 when it blocked or ended the child. */
static long answer_of(int number)
{
	volatile long *answer =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct itimerval limit = {.it_value = {0, BLOCKED_MS * 1000}};
	long result;
	pid_t pid;

	CHECK(answer != MAP_FAILED);
	*answer = 1;
	pid = fork();
	if (pid == 0) {
		setitimer(ITIMER_REAL, &limit, NULL);
		*answer = call(number, -1L, -1L, -1L, -1L, -1L, -1L);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
	result = *answer;
	munmap((void *)answer, PAGE);
	return result;
}

/* Calls that answer ENOSYS to arguments of -1 on Linux too. */
static bool asks_for_enosys(int number)
{
	return number == SYS_futex /* an operation that there is not */ || number == 334 /* rseq */;
}

static void test_numbers(void)
{
	size_t next = 0, count = sizeof calls / sizeof *calls;

	if (!on_verso())
		return;
	for (int number = 0; number <= LAST_NUMBER; number++) {
		const struct call *c =
			next < count && calls[next].number == number ? calls + next++ : NULL;
		bool promised = c && c->supported && !asks_for_enosys(number);

		if ((answer_of(number) == -ENOSYS) == promised) {
			printf("FAILED test_numbers: %s (%d) %s ENOSYS\n",
			       c ? c->name : "a number without a call", number,
			       promised ? "gives" : "does not give");
			fflush(stdout);
			_exit(1);
		}
	}
	CHECK(next == count);
}

/* ---- flags and choices ---- */

static void make_file(const char *name, int *fd)
{
	*fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(*fd >= 0 && ftruncate(*fd, 2 * PAGE) == 0);
}

static void make_folder(void)
{
	char name[] = "/tmp/abi.XXXXXX";

	CHECK(mkdtemp(name) && chdir(name) == 0);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	make_file("file", &file);
	make_file("other", &other);
}

static void remove_folder(void)
{
	char name[64], path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	unlinkat(dir, "file", 0);
	unlinkat(dir, "other", 0);
	ssize_t n = readlink(path, name, sizeof name - 1);
	CHECK(n > 0);
	name[n] = '\0';
	CHECK(rmdir(name) == 0);
}

static void make_descriptors(void)
{
	int ends[2];

	memfd = syscall(SYS_memfd_create, "m", 2);
	CHECK(memfd >= 0 && pipe(ends) == 0);
	pipe_r = ends[0];
	pipe_w = ends[1];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	sock = ends[0];
	epoll = epoll_create1(0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	self = syscall(SYS_pidfd_open, getpid(), 0);
	CHECK(epoll >= 0 && timer >= 0 && self >= 0);
}

static void make_page(void)
{
	page = mmap((void *)PLACE, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(page != MAP_FAILED);
	vec = (struct iovec){page, 8};
}

static const struct choice *choice_of(const struct probe *p, unsigned long x)
{
	const struct choice *c = p->choices;

	while (c->kind && c->value != x)
		c++;
	return c->kind ? c : NULL;
}

static bool is_accepted(long result)
{
	return result != -ENOSYS && result != -EINVAL && result != -EOPNOTSUPP;
}

static bool is_as(long result, const int *errors)
{
	if (!errors[0])
		return is_accepted(result);
	return result == -errors[0] || (errors[1] && result == -errors[1]);
}

/* Try one number; false, and a line about it, when the answer is not the one promised. */
static bool try_one(const struct probe *p, unsigned long x)
{
	const struct choice *c = choice_of(p, x);
	char kind = c ? c->kind : 0;
	long result;

	if (kind == '?' || ((kind == '^' || kind == '&') && !on_verso()))
		return true;
	make_page();
	result = p->try(x);
	if (kind == '+' || kind == '-' || kind == '&' ? is_as(result, c->errors)
						      : is_as(result, p->others))
		return true;
	printf("FAILED %s: %s, %s %s (%#lx): the answer is %ld\n", test_name, p->call, p->what,
	       c ? c->name : "without a name", x, result);
	fflush(stdout);
	return false;
}

static bool try_alone(const struct probe *p, unsigned long x)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_one(p, x) ? 0 : 1);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const struct probe *chosen;

static void run_probe(void)
{
	const struct probe *p = chosen;
	bool good = true;

	make_folder();
	make_descriptors();
	for (long i = p->first; i <= p->last; i++) {
		unsigned long x = p->bits ? 1UL << i : (unsigned long)i;

		good &= p->alone ? try_alone(p, x) : try_one(p, x);
	}
	remove_folder();
	if (!good)
		_exit(1);
}

int main(void)
{
	char name[MAX_LINE];

	TEST(test_numbers);
	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
		chosen = probes + i;
		snprintf(name, sizeof name, "%s: %s", chosen->call, chosen->what);
		test_run(name, run_probe);
	}
	return test_done();
}
