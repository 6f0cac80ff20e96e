/* SPDX-License-Identifier: MIT */
/*
 * instruments - the kernel's instruments, tested by themselves.
 *
 * Other tests rest on them: a sync point that does not park, or an audit that sees nothing, would
 * let those pass. Where the kernel has none (Linux, a release kernel) everything is skipped.
 */
#include "instruments.h"

static char *one_page(char fill)
{
	char *p = mmap(NULL, PAGE, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, fill, PAGE);
	return p;
}

static void reclaim_it(void *page)
{
	CHECK_ANSWER("reclaimed", "reclaim %d %p", getpid(), page);
}

/* ---- answers ---- */

static void commands_say_what_is_wrong(void)
{
	CHECK_ANSWER("error: no command", "dance");
	CHECK_ANSWER("error: no sync point", "arm nowhere");
	CHECK_ANSWER("error: usage: arm", "arm walk_between_avcs task");
	CHECK_ANSWER("error: usage: arm", "arm");
	CHECK_ANSWER("error: x is not a number", "arm walk_between_avcs hit x");
	CHECK_ANSWER("error: task and hit", "arm walk_between_avcs hit 0");
	CHECK_ANSWER("error: too many words", "a b c d e f g");
	CHECK_ANSWER("error: usage: reclaim", "reclaim 1");
	CHECK_ANSWER("error: no switch", "sabotage everything on");
	CHECK_ANSWER("error: usage: sabotage", "sabotage mlock_ignored maybe");
	CHECK_ANSWER("error: 999999 is no process", "reclaim 999999 0x1000");
	CHECK_ANSWER("error: nothing is mapped", "migrate %d 0x1000", getpid());
	CHECK_ANSWER("error: no page is there", "migrate frame 0xffffffffff");
	CHECK_ANSWER("", "\n");
	CHECK_ERRNO(write(instruments_fd(), mmap(NULL, 2 * PAGE, RW, ANON, -1, 0), PAGE), E2BIG);
}

/* Two commands in one write; the answer is read in pieces, and ends. */
static void answers_are_read_like_a_file(void)
{
	char piece[4];

	CHECK(write(instruments_fd(), "wait walk_between_avcs 0\nrelease walk_between_avcs\n",
		    51) == 51);
	CHECK(read(instruments_fd(), piece, 4) == 4 && !memcmp(piece, "not ", 4));
	CHECK(answers(instrument("help"), "arm "));
	CHECK(read(instruments_fd(), piece, 4) == 0);
}

static void only_root_may_use_them(void)
{
	pid_t pid = fork();

	if (!pid) {
		CHECK(setuid(1000) == 0);
		CHECK_ERRNO(open(INSTRUMENTS, O_RDWR), EACCES);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

/* ---- sync points ---- */

static void park_wait_release(void)
{
	char *p = one_page(1);
	struct worker w;

	CHECK_ANSWER("not parked", "wait reclaim_before_batch_flush 1");
	CHECK_ANSWER("idle", "release reclaim_before_batch_flush");
	worker_start(&w, -1, reclaim_it, p);
	ARM("reclaim_before_batch_flush", w.tid);
	CHECK_ANSWER("error: reclaim_before_batch_flush is armed",
		     "arm reclaim_before_batch_flush");
	CHECK_ANSWER("not parked", "wait reclaim_before_batch_flush 1");
	worker_go(&w);
	CHECK_ANSWER("parked", "wait reclaim_before_batch_flush");
	CHECK(strstr(instrument("points"), "parked"));
	CHECK(!w.done && !page_present(p));
	CHECK_ANSWER("error: reclaim_before_batch_flush is armed", "audit");
	WORKER_FINISH(&w, "reclaim_before_batch_flush");
	CHECK(page_swapped(p) && p[PAGE - 1] == 1);
	CHECK_ANSWER("idle", "release reclaim_before_batch_flush");
	AUDIT();
}

/* Under a spinlock a task stands spinning, and other CPUs go on. */
static void park_under_a_spinlock(void)
{
	char *p = one_page(2);
	struct worker w;

	pin(1);
	WORKER_AT(&w, 0, reclaim_it, p, "unmap_before_clear");
	CHECK(p[0] == 2 && !w.done);
	WORKER_FINISH(&w, "unmap_before_clear");
	CHECK(page_swapped(p));
}

/* With one CPU nobody could release it: it passes, and the answer says why. */
static void nobody_spins_on_the_last_cpu(void)
{
	char *p = one_page(3);
	struct worker w;

	worker_start(&w, -1, reclaim_it, p);
	ARM("unmap_before_clear", w.tid);
	worker_go(&w);
	worker_join(&w);
	CHECK_ANSWER("not parked: no CPU", "wait unmap_before_clear");
}

static void the_nth_hit_of_one_task(void)
{
	char *p = one_page(4), *q = one_page(5);
	struct worker w;

	worker_start(&w, -1, reclaim_it, p);
	ARM_HIT("writeout_before_write", w.tid, 2);
	reclaim_it(q); /* another task passes */
	worker_go(&w);
	worker_join(&w); /* its first time */
	CHECK_ANSWER("disarmed", "release writeout_before_write");
	CHECK(p[0] == 4 && q[0] == 5);
}

static void forked_reclaim(void *page)
{
	reclaim_it(page);
	_exit(0);
}

/* A child that stands: its number, in *pid. */
static void park_child(char *p, const char *point, pid_t *pid)
{
	int ready[2];
	char c;

	CHECK(pipe(ready) == 0);
	*pid = fork();
	if (!*pid) {
		pin(0);
		close(ready[1]);
		CHECK(read(ready[0], &c, 1) == 1);
		forked_reclaim(p);
	}
	ARM(point, *pid);
	CHECK(write(ready[1], "", 1) == 1);
	AWAIT(point);
	close(ready[0]);
	close(ready[1]);
}

static void a_killed_task_goes_on(const char *point)
{
	char *p = one_page(6);
	int status;
	pid_t pid;

	park_child(p, point, &pid);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK_ANSWER("idle", "release %s", point);
	CHECK(p[0] == 6);
	AUDIT();
}

static void a_killed_sleeper_goes_on(void)
{
	a_killed_task_goes_on("reclaim_before_batch_flush");
}

static void a_killed_spinner_goes_on(void)
{
	pin(1);
	a_killed_task_goes_on("unmap_after_clear");
}

/* Who armed the point is killed: the task that stands, no child of his, goes on. */
static void the_controllers_end_releases(void)
{
	char *p = one_page(7);
	int status, ready[2];
	struct worker w;
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0);
	worker_start(&w, -1, reclaim_it, p);
	pid = fork();
	if (!pid) {
		ARM("reclaim_before_batch_flush", w.tid);
		CHECK(write(ready[1], "", 1) == 1);
		pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	worker_go(&w);
	AWAIT("reclaim_before_batch_flush");
	CHECK(kill(pid, SIGKILL) == 0);
	worker_join(&w);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(p[0] == 7);
}

static void closing_the_file_releases(void)
{
	int fd = open(INSTRUMENTS, O_RDWR);
	char *p = one_page(8), command[64];
	struct worker w;

	worker_start(&w, -1, reclaim_it, p);
	snprintf(command, sizeof(command), "arm reclaim_before_batch_flush task %d", w.tid);
	CHECK(fd >= 0 && write(fd, command, strlen(command)) > 0);
	worker_go(&w);
	AWAIT("reclaim_before_batch_flush");
	CHECK(close(fd) == 0);
	worker_join(&w);
}

/* ---- pages ---- */

static void forced_reclaim_takes_any_page(void)
{
	char *p = one_page(9);
	int ready[2];
	char c;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(read(ready[0], &c, 1) == 1);
		CHECK(page_swapped(p) && p[1] == 9);
		_exit(0);
	}
	CHECK_ANSWER("vmas 2", "walk %d %p", getpid(), p);
	CHECK(strstr(instrument("walk %d %p", pid, p), "mappings 2 mapcount 2"));
	CHECK_ANSWER("reclaimed", "reclaim %d %p", pid, p);
	CHECK(page_swapped(p));
	CHECK_ANSWER("error: no page is there", "reclaim %d %p", pid, p);
	CHECK(write(ready[1], "", 1) == 1);
	CHECK_CHILD(pid);
	CHECK(p[0] == 9 && mlock(p, PAGE) == 0);
	CHECK_ANSWER("not reclaimed", "reclaim %d %p", getpid(), p);
	CHECK(page_present(p));
}

static void forced_migration_changes_the_frame(void)
{
	char *p = one_page(10);
	unsigned long frame = page_frame(p);

	CHECK_ANSWER("migrated", "migrate %d %p", getpid(), p);
	CHECK(page_frame(p) != frame && p[0] == 10);
	frame = page_frame(p);
	CHECK_ANSWER("migrated", "migrate frame %lu", frame);
	CHECK(page_frame(p) != frame && p[0] == 10);
	AUDIT();
}

static bool rmap_is_a_list(void)
{
	FILE *file = fopen("/proc/cmdline", "r");
	char line[1024] = "";

	CHECK(file && fgets(line, sizeof(line), file));
	fclose(file);
	return strstr(line, "rmap=list");
}

/* A region in k pieces: a walk for a page visits its own VMA, and not many nodes. */
static void walks_count_visits(void)
{
	char *p = mmap(NULL, 512 * PAGE, RW, ANON, -1, 0);
	unsigned long vmas, nodes;
	int mappings, mapcount;

	CHECK(p != MAP_FAILED);
	memset(p, 1, 512 * PAGE);
	for (int i = 0; i < 512; i += 2)
		CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
	CHECK(sscanf(instrument("walk %d %p", getpid(), p + 200 * PAGE),
		     "vmas %lu nodes %lu mappings %d mapcount %d", &vmas, &nodes, &mappings,
		     &mapcount) == 4);
	CHECK(vmas == 1 && mappings == 1 && mapcount == 1);
	if (rmap_is_a_list())
		CHECK(nodes >= 512);
	else
		CHECK(nodes >= 2 && nodes <= 4 * 10);
}

/* ---- allocations ---- */

static long allocations_of_mmap(void)
{
	char *p;

	CHECK_ANSWER("armed", "fail 1000000 task %ld", syscall(SYS_gettid));
	p = mmap(NULL, PAGE, RW, ANON, -1, 0);
	CHECK(p != MAP_FAILED && munmap(p, PAGE) == 0);
	return strtol(instrument("fail 0") + strlen("off after "), NULL, 10);
}

static void the_kth_allocation_of_a_task_fails(void)
{
	long count = allocations_of_mmap();
	pid_t pid;

	CHECK(count >= 1 && count < 20);
	for (long k = 1; k <= count; k++) {
		char *p;

		CHECK_ANSWER("armed", "fail %ld task %ld", k, syscall(SYS_gettid));
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0);
		CHECK(k > 1 || (p == MAP_FAILED && errno == ENOMEM));
		instrument("fail 0");
		if (p != MAP_FAILED)
			CHECK(munmap(p, PAGE) == 0);
	}
	/* Another task's allocations are not counted. */
	pid = fork();
	if (!pid) {
		CHECK_ANSWER("armed", "fail 1 task %d", getppid());
		for (int i = 0; i < 10; i++)
			one_page(1);
		instrument("fail 0");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* A rule that is broken is noticed, and kept again afterwards. */
static void sabotage_breaks_a_rule(void)
{
	char *p = one_page(11);

	CHECK(mlock(p, PAGE) == 0);
	CHECK_ANSWER("on", "sabotage mlock_ignored on");
	CHECK_ANSWER("reclaimed", "reclaim %d %p", getpid(), p);
	CHECK_ANSWER("off", "sabotage mlock_ignored off");
	CHECK(p[0] == 11);
	CHECK_ANSWER("not reclaimed", "reclaim %d %p", getpid(), p);
	CHECK(strstr(instrument("sabotage"), "mlock_ignored "));
}

/* ---- the change ring ---- */

static bool first_line_has(const char *text, const char *word)
{
	const char *end = strchr(text, '\n'), *found = strstr(text, word);

	return end && found && found < end;
}

/* Who changed this mapping last? The task that did, whatever happened elsewhere since. */
static void changes_name_who_did_it(void)
{
	char *p = one_page(12), task[32];
	struct worker w;

	worker_start(&w, -1, reclaim_it, p);
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	snprintf(task, sizeof(task), "task %d pte frame", getpid());
	CHECK(strstr(instrument("changes %d %p", getpid(), p), task));
	CHECK(strstr(instrument("changes %d %p", getpid(), p), "rw- dirty -> frame"));
	worker_go(&w);
	worker_wait(&w);
	snprintf(task, sizeof(task), "task %d pte none -> swap", w.tid);
	CHECK(first_line_has(instrument("changes %d %p", getpid(), p), task));
	CHECK(first_line_has(instrument("changes %d %p", getpid(), p), "try_to_unmap_one+0x"));
	worker_join(&w);
	/* The address's next mapping in a new table does not inherit the story. */
	CHECK(munmap(p, PAGE) == 0);
	CHECK(strstr(instrument("changes %d %p", getpid(), p), "vma unlinked"));
	CHECK_ANSWER("error: usage: changes", "changes 1");
	CHECK(strstr(instrument("changes"), " by "));
}

static void counters_are_listed(void)
{
	const char *text = instrument("counters");

	CHECK(strstr(text, "rmap_walks ") && strstr(text, "slab_anon_vma "));
	CHECK(strstr(text, "pgmigrate_success ") && strstr(text, "nr_anon_pages "));
}

int main(void)
{
	INSTRUMENT_TEST(commands_say_what_is_wrong, 1);
	INSTRUMENT_TEST(answers_are_read_like_a_file, 1);
	INSTRUMENT_TEST(only_root_may_use_them, 1);
	INSTRUMENT_TEST(park_wait_release, 1);
	INSTRUMENT_TEST(park_under_a_spinlock, 2);
	INSTRUMENT_TEST(nobody_spins_on_the_last_cpu, 0);
	INSTRUMENT_TEST(the_nth_hit_of_one_task, 1);
	INSTRUMENT_TEST(a_killed_sleeper_goes_on, 1);
	INSTRUMENT_TEST(a_killed_spinner_goes_on, 2);
	INSTRUMENT_TEST(the_controllers_end_releases, 1);
	INSTRUMENT_TEST(closing_the_file_releases, 1);
	INSTRUMENT_TEST(forced_reclaim_takes_any_page, 1);
	INSTRUMENT_TEST(forced_migration_changes_the_frame, 1);
	INSTRUMENT_TEST(walks_count_visits, 1);
	INSTRUMENT_TEST(the_kth_allocation_of_a_task_fails, 1);
	INSTRUMENT_TEST(changes_name_who_did_it, 1);
	INSTRUMENT_TEST(sabotage_breaks_a_rule, 1);
	INSTRUMENT_TEST(counters_are_listed, 1);
	return test_done();
}
