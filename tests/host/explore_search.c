/* SPDX-License-Identifier: MIT */
/*
 * Which schedules to run.
 *
 * A schedule is a list of deviations from the usual course. Running it shows all the points at
 * which there was a choice; each choice that was not taken, after the last deviation, is a new
 * schedule, which has one deviation more. So from the one with none all others are reached, each
 * once: the runs are the nodes of a tree, and nothing has to be remembered but those that are still
 * to be run.
 *
 *	{}  --run-->  {3:T1} {5:T1} {9:T1} ...
 *			 |
 *			 run --> {3:T1, 7:T0} {3:T1, 8:T0} ...
 *
 * Those with fewer preemptions come first. A preemption is considered before an operation on
 * something that several coroutines use: to wait with any other one changes nothing that another
 * coroutine could see. Who uses what is learned as the schedules run, those without a preemption
 * twice, so that it is known for the others. Those with one preemption are run in order; of those
 * with more, where the budget is too small for all, a random choice. What is left of it when the
 * search is complete goes to schedules with a random switch at every eighth point.
 */
#include <sanitizer/common_interface_defs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/explorer_internal.h"

#define BOUND	       3
#define USUAL_BUDGET   3000
#define RANDOM_BUDGET  4000
#define MAX_NODES      400000
#define NODE_DEVIATION 12

struct node {
	u8 nr, cost;
	struct deviation dev[NODE_DEVIATION];
};

/* Nodes to run, by their number of preemptions. In persistent memory. */
struct queue {
	unsigned int first, nr;
	struct node node[MAX_NODES];
};

struct search {
	unsigned int bound;
	unsigned int left; /* of the budget */
	unsigned int dropped;
	struct queue queue[];
};

static struct search *search;
static unsigned int *runs_shown; /* to the parent process, by explore_finds() */

static void add_node(const struct decision *d, unsigned int at, unsigned int to, unsigned int cost)
{
	struct queue *q;
	struct node *n;

	if (cost > search->bound || ex->now.nr >= NODE_DEVIATION)
		return;
	if (!d->forced && !explore_is_shared(d->obj))
		return;
	q = &search->queue[cost];
	if (q->nr == MAX_NODES) {
		search->dropped++;
		return;
	}
	n = &q->node[q->nr++];
	n->nr = ex->now.nr + 1;
	n->cost = cost;
	for (unsigned int i = 0; i < ex->now.nr; i++)
		n->dev[i] = ex->now.dev[i];
	n->dev[ex->now.nr] = (struct deviation){at, to};
}

/* The schedules that have one deviation more than the one that has just run. */
static void add_children(unsigned int cost)
{
	unsigned int first = ex->now.nr ? ex->now.dev[ex->now.nr - 1].at + 1u : 0;

	for (unsigned int at = first; at < ex->nr_decisions; at++) {
		const struct decision *d = &ex->decisions[at];

		for (unsigned int to = 0; to < EXPLORE_THREADS; to++)
			if (d->options & (1u << to) && to != d->chosen)
				add_node(d, at, to, cost + !d->forced);
	}
}

/* Run ex->now, look at the outcome, put the machine back. */
static void run_one(void)
{
	if (runs_shown)
		++*runs_shown;
	explore_run();
	ex->scenario->check();
	reset_machine();
	search->left -= search->left > 0;
}

static void run_node(const struct node *n)
{
	ex->now.nr = n->nr;
	for (unsigned int i = 0; i < n->nr; i++)
		ex->now.dev[i] = n->dev[i];
	run_one();
	add_children(n->cost);
}

/* The next one of a queue: in order up to one preemption, else any. */
static struct node take_node(struct queue *q, unsigned int cost)
{
	unsigned int i = q->first;
	struct node n;

	if (cost > 1)
		i += explore_rand(q->nr - q->first);
	n = q->node[i];
	q->node[i] = q->node[q->first++];
	return n;
}

/* All schedules with so many preemptions, or as many as the budget allows. Returns: all? */
static bool run_queue(unsigned int cost)
{
	struct queue *q = &search->queue[cost];

	while (q->first < q->nr && search->left) {
		struct node n = take_node(q, cost);

		run_node(&n);
	}
	return q->first == q->nr;
}

/* Once through those without a preemption, only to see who uses what. */
static void learn(void)
{
	struct queue *q = &search->queue[0];

	search->bound = 0;
	run_queue(0);
	q->first = 0;
	q->nr = 1;
	q->node[0] = (struct node){0};
	search->bound = BOUND;
}

/* Returns up to which number of preemptions the search is complete, plus one. */
static unsigned int run_queues(void)
{
	unsigned int complete = 0;

	learn();
	while (complete <= BOUND && run_queue(complete))
		complete++;
	return complete;
}

static void run_random(void)
{
	ex->random = true;
	while (search->left) {
		ex->now.nr = 0;
		run_one();
	}
	ex->random = false;
}

static void run_replay(const char *text)
{
	if (!explore_parse_schedule(text, &ex->now))
		test_fail(__FILE__, __LINE__, "no schedule: %s", text);
	run_one();
	printf("%s: the schedule passes\n", ex->scenario->name);
	if (test_option("verbose"))
		explore_print_trace();
}

static void begin(const struct scenario *scenario)
{
	explore_init(scenario);
	search = persistent_alloc(sizeof(*search) + (BOUND + 1) * sizeof(struct queue));
	search->bound = BOUND;
	search->left = test_iterations(scenario->random ? RANDOM_BUDGET : USUAL_BUDGET);
	search->queue[0].nr = 1;
	ex->rng = test_rand();
	scenario->prepare();
	host_failure_report = explore_print_failure;
	__sanitizer_set_death_callback(explore_print_failure);
	reset_begin();
}

void explore(const struct scenario *scenario)
{
	const char *replay = test_option("schedule");
	unsigned int complete = 0;

	begin(scenario);
	if (replay) {
		run_replay(replay);
	} else {
		if (!scenario->random)
			complete = run_queues();
		run_random();
	}
	host_failure_report = NULL;
	if (test_option("verbose"))
		printf("%s: %u schedules, complete to %d preemptions, %u points in the last\n",
		       scenario->name, ex->runs, (int)complete - 1, ex->nr_steps);
}

unsigned int explore_finds(const struct scenario *scenario, void (*arm)(void))
{
	unsigned int *runs = persistent_alloc(sizeof(*runs));
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (!test_option("verbose") && !freopen("/dev/null", "w", stderr))
			_exit(0);
		runs_shown = runs;
		arm();
		explore(scenario);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : *runs;
}
