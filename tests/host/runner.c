/* SPDX-License-Identifier: MIT */
/*
 * The test runner: a process for each test, and a summary.
 *
 *	tests [--seed=N] [--scale=N] [--sabotage=SWITCH] [--rmap=list] [--draw] [--list] [WORD...] [=NAME...]
 *
 * A WORD chooses the tests that have it in their name, =NAME the one of that name.
 */
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/lockdep.h"
#include "kernel/preempt.h"
#include "tests/host/point.h"
#include "tests/host/test.h"
#include "lib/hash.h"
#include "mm/sabotage.h"

static struct test *tests;
static u64 seed;
static unsigned long scale = 1;
static struct prng prng;
static const char *running, *program, *sabotage = "";
static char **arguments;
static char *note; /* shared with the parent, which prints it */
void (*host_failure_report)(void);
bool test_draw;

#define NOTE_SIZE 4096

void test_register(struct test *test)
{
	struct test **p = &tests;

	while (*p && (strcmp((*p)->file, test->file) < 0 ||
		      (!strcmp((*p)->file, test->file) && strcmp((*p)->name, test->name) < 0)))
		p = &(*p)->next;
	test->next = *p;
	*p = test;
}

void test_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(note, NOTE_SIZE, fmt, ap);
	va_end(ap);
}

u64 test_rand(void)
{
	return prng_next(&prng);
}

u64 test_rand_below(u64 n)
{
	return prng_below(&prng, n);
}

unsigned long test_iterations(unsigned long n)
{
	return n * scale;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: %s: ", file, line, running);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	if (host_failure_report)
		host_failure_report();
	fflush(NULL);
	_exit(1);
}

const char *test_option(const char *option)
{
	size_t n = strlen(option);

	for (char **arg = arguments; *arg; arg++)
		if ((*arg)[0] == '-' && (*arg)[1] == '-' && !strncmp(*arg + 2, option, n)) {
			if ((*arg)[2 + n] == '=')
				return *arg + 3 + n;
			if (!(*arg)[2 + n])
				return "";
		}
	return NULL;
}

const char *test_running(void)
{
	return running;
}

bool test_panics(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		fn(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static void run_here(const struct test *test)
{
	running = test->name;
	prng_seed(&prng, seed ^ hash_bytes(test->name, strlen(test->name)));
	test->fn();
	if (host_locks_held || host_preempt_count || host_rcu_depth || host_irqs_off)
		test_fail(test->file, 0, "%d locks held, preempt count %d, RCU depth %d, irqs %s",
			  host_locks_held, host_preempt_count, host_rcu_depth,
			  host_irqs_off ? "off" : "on");
}

static bool run(const struct test *test)
{
	int status;
	pid_t pid;

	note[0] = 0;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		run_here(test);
		fflush(NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: killed by signal %d\n", test->name, WTERMSIG(status));
	if (note[0])
		fprintf(stderr, "%s: %s\n", test->name, note);
	fprintf(stderr, "FAILED %s; repeat it with:\n    %s --seed=%llu --scale=%lu %s%s=%s\n",
		test->name, program, seed, scale, sabotage, *sabotage ? " " : "", test->name);
	return false;
}

static bool wanted(const struct test *test, int argc, char **argv)
{
	bool named = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		named = true;
		if (argv[i][0] == '=' ? !strcmp(test->name, argv[i] + 1)
				      : strstr(test->name, argv[i]) != NULL)
			return true;
	}
	return !named;
}

static int usage(const char *word)
{
	const char *name, *rule;

	fprintf(stderr,
		"%s: not understood: %s\n"
		"usage: %s [--seed=N] [--scale=N] [--sabotage=SWITCH] [--draw] [--list] [WORD...] [=NAME...]\n"
		"explorer (tests/host/README.md): [--schedule=SCHEDULE] [--verbose]\n"
		"switches:\n",
		program, word, program);
	for (unsigned int i = 1; sabotage_describe(i, &name, &rule); i++)
		fprintf(stderr, "    %-22s %s\n", name, rule);
	return 2;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	bool list = false;

	program = argv[0];
	arguments = argv;
	note = mmap(NULL, NOTE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (note == MAP_FAILED)
		return 1;
	seed = (u64)time(NULL);
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--seed=", 7))
			seed = strtoull(argv[i] + 7, NULL, 0);
		else if (!strncmp(argv[i], "--scale=", 8))
			scale = strtoul(argv[i] + 8, NULL, 0);
		else if (!strncmp(argv[i], "--sabotage=", 11) && !sabotage_set(argv[i] + 11, true))
			sabotage = argv[i];
		else if (!strcmp(argv[i], "--draw"))
			test_draw = true;
		else if (!strcmp(argv[i], "--list"))
			list = true;
		else if (argv[i][0] == '-' && strncmp(argv[i], "--schedule=", 11) &&
			 strcmp(argv[i], "--verbose") && strcmp(argv[i], "--rmap=list"))
			return usage(argv[i]);
	}
	if (!list)
		printf("seed %llu\n", seed);
	for (struct test *test = tests; test; test = test->next) {
		if (!wanted(test, argc, argv))
			continue;
		if (list)
			printf("%s\n", test->name);
		else if (run(test))
			passed++;
		else
			failed++;
	}
	if (!list)
		printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
