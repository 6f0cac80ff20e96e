/* SPDX-License-Identifier: MIT */
/*
 * Telling of a schedule: what each coroutine did, in order, and the line that repeats it.
 *
 * Printed are the points at objects that several coroutines use, and the first and last of each
 * stretch that one of them ran. For the last stretches, nearest to the failure, all points. The
 * number in front is that of the next choice: in a schedule, "at" which to deviate.
 */
#include "tests/host/explorer_internal.h"

#define FULL_STEPS 60 /* so many before the end are all shown */

static bool worth_printing(unsigned int i)
{
	const struct step *s = &ex->steps[i];

	if (i + FULL_STEPS >= ex->nr_steps || !i || s->kind == POINT_SYNC ||
	    s->kind == POINT_ACCESS)
		return true;
	return s[-1].thread != s->thread || s[1].thread != s->thread || explore_is_shared(s->obj);
}

static void print_step(const struct step *s)
{
	fprintf(stderr, "%5u %*s", s->decision, s->thread * 2, "");
	if (s->kind == POINT_SYNC) {
		fprintf(stderr, "** %s **\n", s->what);
		return;
	}
	fprintf(stderr, "%-22s %s:%d", s->what, s->file, s->line);
	if (s->func[0])
		fprintf(stderr, " %s()", s->func);
	if (s->obj)
		fprintf(stderr, " [%lx]", (unsigned long)s->obj & 0xffffffff);
	fprintf(stderr, "\n");
}

void explore_print_trace(void)
{
	unsigned int skipped = 0, thread = EXPLORE_THREADS;

	for (unsigned int i = 0; i < ex->nr_steps; i++) {
		const struct step *s = &ex->steps[i];

		if (s->thread != thread) {
			thread = s->thread;
			fprintf(stderr, "  CPU %u, %s:\n", thread,
				ex->scenario->threads[thread].name);
		}
		if (!worth_printing(i)) {
			skipped++;
			continue;
		}
		if (skipped)
			fprintf(stderr, "      %*s(%u points)\n", thread * 2, "", skipped);
		skipped = 0;
		print_step(s);
	}
}

void explore_print_failure(void)
{
	host_failure_report = NULL;
	fprintf(stderr, "the schedule, number %u of %s:\n", ex->runs, ex->scenario->name);
	explore_print_trace();
	fprintf(stderr, "repeat it with:\n    --schedule=");
	for (unsigned int i = 0; i < ex->now.nr; i++)
		fprintf(stderr, "%s%u:%u", i ? "," : "", ex->now.dev[i].at, ex->now.dev[i].to);
	fprintf(stderr, " %s\n", test_running());
}

bool explore_parse_schedule(const char *text, struct schedule *s)
{
	s->nr = 0;
	while (*text) {
		unsigned int at, to;
		int n = 0;

		if (sscanf(text, "%u:%u%n", &at, &to, &n) != 2 || s->nr == MAX_DEVIATIONS ||
		    to >= EXPLORE_THREADS)
			return false;
		s->dev[s->nr++] = (struct deviation){at, to};
		text += n;
		if (*text == ',')
			text++;
	}
	return true;
}
