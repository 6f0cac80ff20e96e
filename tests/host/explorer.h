/* SPDX-License-Identifier: MIT */
/*
 * The explorer: the real mm/ under every interleaving.
 *
 * A scenario prepares a machine, and names up to four functions that run at the same time, each on
 * a simulated CPU of its own. The explorer runs them as coroutines: one executes until it comes to
 * a scheduling point (point.h), and there the explorer decides who goes on. A run from start to end
 * is a schedule; after each the scenario's check looks at the outcome, and the machine is put back
 * to what it was before.
 *
 *	prepare ---> [machine] --+--> T0 T0 T0 T1 T1 T1  check
 *			 ^	 |
 *			 +-reset-+--> T0 T1 T1 T1 T0 T0  check
 *			 ^	 |
 *			 +-reset-+--> ...
 *
 * Which schedules: all without a preemption, then all with one, then two ... A preemption takes the
 * CPU from a coroutine that could have gone on; when one waits for a lock the choice is free. Few
 * races need more than two, and the number of schedules is polynomial with the bound for its degree
 * (Musuvathi and Qadeer, "Iterative context bounding for systematic testing of multithreaded
 * programs", PLDI 2007). Where there are more than the budget allows, they are drawn at random.
 *
 * What fails a schedule: a panic or warning of the kernel, ASan, UBSan, a failed CHECK, a deadlock,
 * coroutines that do not come to an end. The failure is printed with the trace of the schedule and
 * a line that repeats it.
 *
 * What is not explored: a CPU's reordering of memory accesses, and plain code between two points.
 */
#ifndef TESTS_HOST_EXPLORER_H
#define TESTS_HOST_EXPLORER_H

#include "lib/types.h"
#include "tests/host/test.h"

#define EXPLORE_THREADS 4

struct explore_thread {
	const char *name;
	void (*fn)(void);
};

struct scenario {
	const char *name;
	void (*prepare)(void); /* the machine and its processes; called once */
	void (*check)(void);   /* after every schedule; may take the processes down */
	struct explore_thread threads[EXPLORE_THREADS];
	bool random; /* too long to be searched: random schedules only */
};

#define THREAD(fn)      \
	{               \
#fn, fn \
	}

/* A test that explores:  EXPLORE(b05_batch, prepare, check, THREAD(reclaim), THREAD(protect)); */
#define EXPLORE(testname, prepare_fn, check_fn, ...) \
	EXPLORE_HOW(testname, false, prepare_fn, check_fn, __VA_ARGS__)
#define EXPLORE_RANDOM(testname, prepare_fn, check_fn, ...) \
	EXPLORE_HOW(testname, true, prepare_fn, check_fn, __VA_ARGS__)
#define EXPLORE_HOW(testname, only_random, prepare_fn, check_fn, ...) \
	const struct scenario testname = {                            \
		.name = #testname,                                    \
		.prepare = prepare_fn,                                \
		.check = check_fn,                                    \
		.random = only_random,                                \
		.threads = {__VA_ARGS__},                             \
	};                                                            \
	TEST(testname)                                                \
	{                                                             \
		explore(&testname);                                   \
	}                                                             \
	struct scenario

/*
 * explore() - run the scenario's schedules; the first that fails ends the test. Once per process.
 * --schedule=S runs only the schedule S, as a failure has printed it.
 */
void explore(const struct scenario *scenario);

/*
 * explore_finds() - explore in a process of its own, in which arm() has broken a rule of the kernel.
 * Returns the number of the schedule that failed, 0 when none did.
 */
unsigned int explore_finds(const struct scenario *scenario, void (*arm)(void));

/* The number of the running coroutine, which is also its CPU. */
unsigned int explore_self(void);

#endif
