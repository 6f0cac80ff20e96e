/* SPDX-License-Identifier: MIT */
/* What the parts of the explorer share: running one schedule, choosing the next, telling of it. */
#ifndef TESTS_HOST_EXPLORER_INTERNAL_H
#define TESTS_HOST_EXPLORER_INTERNAL_H

#include "tests/host/explorer.h"
#include "tests/host/point.h"

#define MAX_STEPS      20000 /* points of a schedule: more is an endless loop */
#define MAX_DEVIATIONS 400

/* At decision `at` not the usual coroutine goes on but `to`. */
struct deviation {
	u16 at;
	u8 to;
};

/* A schedule is where it deviates from the usual: go on; when you cannot, the next one. */
struct schedule {
	unsigned int nr;
	struct deviation dev[MAX_DEVIATIONS];
};

/* A point at which there was a choice. */
struct decision {
	u8 options; /* bit n: coroutine n could have gone on */
	u8 chosen;
	bool forced; /* the one before could not go on: no preemption */
	const void *obj;
};

struct step {
	const void *obj;
	const char *what, *func, *file;
	int line;
	u8 kind;
	u8 thread;
	u16 decision; /* how many decisions had been made before */
};

/* The state of the search: outside the memory that is put back after each schedule. */
struct exploration {
	const struct scenario *scenario;
	struct schedule now; /* what is being run */
	unsigned int next;   /* the deviation that comes next */
	bool random;	     /* draw deviations, and write them down in `now` */
	u64 rng;

	unsigned int nr_decisions, nr_steps, runs;
	struct decision decisions[MAX_STEPS];
	struct step steps[MAX_STEPS];
};

extern struct exploration *ex;

/* ---- running (explorer.c) ---- */

/* Memory for the search of this scenario; before reset_begin(). */
void explore_init(const struct scenario *scenario);
/* Run ex->scenario's coroutines by the schedule ex->now, to their ends. */
void explore_run(void);

/* Has more than one coroutine used obj, in this schedule or an earlier one? */
bool explore_is_shared(const void *obj);
u64 explore_rand(u64 below);

/* ---- telling (explore_trace.c) ---- */

void explore_print_failure(void);
void explore_print_trace(void);
/* "at:to,at:to"; false: not that. */
bool explore_parse_schedule(const char *text, struct schedule *s);

/* ---- the machine as it was (explore_reset.c) ---- */

/* From here on remember what is written to. */
void reset_begin(void);
/* Put it all back. */
void reset_machine(void);

/* Memory that is not put back, zeroed, shared with child processes. */
void *persistent_alloc(size_t size);

#endif
