/* SPDX-License-Identifier: MIT */
/*
 * /proc/verso/mm: the kernel's instruments for tests, in debug kernels.
 *
 *	write one command a line  --->  it runs, in the writing task, before write() returns
 *	read			  <---  its answer, up to the end of the file; then nothing
 *
 * Each open file has its own answer, so two tests, or two threads with a file each, do not disturb
 * each other. A command that cannot be obeyed answers `error: ` and one sentence; the write has
 * succeeded all the same.
 *
 * The sync points that were armed through a file are released when it is closed for the last time,
 * and those that a task armed when the task ends: a test that fails in the middle leaves no task
 * standing, and no allocation failing.
 */
#ifdef CONFIG_DEBUG

#include "kernel/fs/proc_verso.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/proc_internal.h"
#include "kernel/sync_point.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/sabotage.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"

#define VERSO_LINE_MAX	  255
#define VERSO_ANSWER_SIZE (32 * 1024)
#define VERSO_WAIT_MS	  5000
#define VERSO_WAIT_MAX_MS 600000

/* ------------------------------------------------------------------------- words and numbers */

bool verso_number(struct verso_file *vf, const char *word, unsigned long *value)
{
	if (!kstrtoul(word, 0, value))
		return true;
	verso_error(vf, "%s is not a number\n", word);
	return false;
}

/* `task TID` and `hit N` in any order after the fixed words. */
static bool take_options(struct verso_file *vf, int argc, char **argv, int at, unsigned long *task,
			 unsigned long *hit)
{
	for (; at < argc; at += 2) {
		unsigned long *value = !strcmp(argv[at], "task") ? task : NULL;

		if (hit && !strcmp(argv[at], "hit"))
			value = hit;
		if (!value || at + 1 == argc) {
			verso_usage(vf, argv[0]);
			return false;
		}
		if (!verso_number(vf, argv[at + 1], value))
			return false;
	}
	return true;
}

/* The number of a sync point, or -1 after an error was answered. */
static int take_point(struct verso_file *vf, int argc, char **argv)
{
	if (argc < 2) {
		verso_usage(vf, argv[0]);
		return -1;
	}
	for (int i = 0; i < NR_SYNC_POINTS; i++)
		if (!strcmp(argv[1], sync_point_names[i]))
			return i;
	verso_error(vf, "no sync point is called %s: see `points`\n", argv[1]);
	return -1;
}

/* -------------------------------------------------------------------------------- sync points */

static void cmd_arm(struct verso_file *vf, int argc, char **argv)
{
	int point = take_point(vf, argc, argv);
	unsigned long task = 0, hit = 1;

	if (point < 0 || !take_options(vf, argc, argv, 2, &task, &hit))
		return;
	if (!hit || hit > UINT_MAX || task > PID_MAX)
		verso_error(vf, "task and hit are out of range\n");
	else if (sync_point_arm(point, (int)task, (unsigned int)hit, vf))
		verso_error(vf, "%s is armed already\n", argv[1]);
	else
		verso_answer(vf, "armed\n");
}

static void cmd_wait(struct verso_file *vf, int argc, char **argv)
{
	int point = take_point(vf, argc, argv), tid;
	unsigned long ms = VERSO_WAIT_MS;
	unsigned int passed;

	if (point < 0 || (argc > 2 && !verso_number(vf, argv[2], &ms)))
		return;
	tid = sync_point_wait(point,
			      (s64)(min(ms, (unsigned long)VERSO_WAIT_MAX_MS) * NSEC_PER_MSEC));
	if (tid) {
		verso_answer(vf, "parked task %d\n", tid);
		return;
	}
	sync_point_state(point, &tid, &passed);
	verso_answer(vf,
		     passed ? "not parked: no CPU would be left to release it\n" : "not parked\n");
}

static void cmd_release(struct verso_file *vf, int argc, char **argv)
{
	static const char *const was[] = {"idle\n", "disarmed\n", "released\n"};
	int point = take_point(vf, argc, argv);

	if (point >= 0)
		verso_answer(vf, "%s", was[sync_point_release(point)]);
}

static void cmd_points(struct verso_file *vf, int argc, char **argv)
{
	static const char *const states[] = {"idle", "armed", "parked"};

	for (int i = 0; i < NR_SYNC_POINTS; i++) {
		unsigned int passed;
		int tid;
		enum sync_point_state state = sync_point_state(i, &tid, &passed);

		verso_answer(vf, "%-32s %-6s %s\n", sync_point_names[i], states[state],
			     sync_point_meanings[i]);
	}
}

/* ------------------------------------------------------------------------------------ failures */

static void cmd_fail(struct verso_file *vf, int argc, char **argv)
{
	unsigned long k, task = 0, counted;

	if (argc < 2) {
		verso_usage(vf, argv[0]);
		return;
	}
	if (!verso_number(vf, argv[1], &k) || !take_options(vf, argc, argv, 2, &task, NULL))
		return;
	if (task > PID_MAX) {
		verso_error(vf, "task is out of range\n");
		return;
	}
	counted = fail_alloc_arm_task(k, (int)task);
	vf->failing = k;
	if (k)
		verso_answer(vf, "armed\n");
	else
		verso_answer(vf, "off after %lu allocations\n", counted);
}

static void cmd_io_fail(struct verso_file *vf, int argc, char **argv)
{
	bool write = argc == 3 && !strcmp(argv[1], "write");
	unsigned long n;

	if (argc != 3 || (!write && strcmp(argv[1], "read"))) {
		verso_usage(vf, argv[0]);
		return;
	}
	if (!verso_number(vf, argv[2], &n))
		return;
	swap_fail_io(write, (unsigned int)min(n, (unsigned long)UINT_MAX));
	verso_answer(vf, n ? "armed\n" : "off\n");
}

/* ------------------------------------------------------------------------------------ sabotage */

static void cmd_sabotage(struct verso_file *vf, int argc, char **argv)
{
	bool on = argc == 3 && !strcmp(argv[2], "on");
	const char *name, *rule;

	if (argc == 1) {
		for (unsigned int i = 1; sabotage_describe(i, &name, &rule); i++)
			verso_answer(vf, "%-24s %s\n", name, rule);
		return;
	}
	if (argc != 3 || (!on && strcmp(argv[2], "off")))
		verso_usage(vf, argv[0]);
	else if (sabotage_set(argv[1], on))
		verso_error(vf, "no switch is called %s: see `sabotage`\n", argv[1]);
	else
		verso_answer(vf, "%s\n", argv[2]);
}

/* ----------------------------------------------------------------------------- the commands */

static void cmd_help(struct verso_file *vf, int argc, char **argv);

static const struct verso_command commands[] = {
	{"arm", "POINT [task TID] [hit N]", "the N-th time the task comes to the point, it stands",
	 cmd_arm},
	{"wait", "POINT [MS]", "until a task stands there: `parked task TID` or `not parked`",
	 cmd_wait},
	{"release", "POINT", "let it go on, or disarm the point", cmd_release},
	{"points", "", "all sync points, their states, and what is true there", cmd_points},
	{"fail", "K [task TID]",
	 "let the task's K-th allocation fail; 0: off, and how many there were", cmd_fail},
	{"io-fail", "read|write N", "let the next N reads or writes of swap fail; 0: off",
	 cmd_io_fail},
	{"sabotage", "NAME on|off", "break one of the kernel's rules; alone: list the switches",
	 cmd_sabotage},
	{"help", "", "this", cmd_help},
	{NULL, NULL, NULL, NULL},
};

static const struct verso_command *const command_tables[] = {commands, verso_mm_commands};

static const struct verso_command *find_command(const char *name)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(command_tables); t++)
		for (const struct verso_command *c = command_tables[t]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

void verso_usage(struct verso_file *vf, const char *name)
{
	verso_error(vf, "usage: %s %s\n", name, find_command(name)->usage);
}

static void cmd_help(struct verso_file *vf, int argc, char **argv)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(command_tables); t++)
		for (const struct verso_command *c = command_tables[t]; c->name; c++)
			verso_answer(vf, "%s %s\n\t%s\n", c->name, c->usage, c->what);
}

/* Run one line. It is cut into words. */
static void run_line(struct verso_file *vf, char *line)
{
	const struct verso_command *command;
	char *argv[VERSO_MAX_WORDS];
	int argc = 0;

	for (char *at = line; *at;) {
		if (*at == ' ' || *at == '\t') {
			*at++ = 0;
			continue;
		}
		if (argc == VERSO_MAX_WORDS) {
			verso_error(vf, "too many words\n");
			return;
		}
		argv[argc++] = at;
		while (*at && *at != ' ' && *at != '\t')
			at++;
	}
	if (!argc)
		return;
	command = find_command(argv[0]);
	if (command)
		command->run(vf, argc, argv);
	else
		verso_error(vf, "no command is called %s: see `help`\n", argv[0]);
}

/* ----------------------------------------------------------------------------------- the file */

static int verso_open(struct inode *inode, struct file *file)
{
	struct verso_file *vf = kzalloc(sizeof(*vf), GFP_KERNEL);

	if (!vf)
		return -ENOMEM;
	vf->answer.buf = vmalloc(VERSO_ANSWER_SIZE);
	if (!vf->answer.buf) {
		kfree(vf);
		return -ENOMEM;
	}
	vf->answer.size = VERSO_ANSWER_SIZE;
	mutex_init(&vf->lock);
	file->private = vf;
	return nonseekable_open(inode, file);
}

static void verso_release(struct inode *inode, struct file *file)
{
	struct verso_file *vf = file->private;

	sync_point_release_owner(vf);
	if (vf->failing)
		fail_alloc_arm_task(0, 0);
	seq_free(&vf->answer);
	kfree(vf);
}

/* Each line of a write is a command. A line ends with a newline or with the write. */
static ssize_t verso_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct verso_file *vf = file->private;
	size_t len = iov_iter_count(from);
	char text[VERSO_LINE_MAX + 1], *line = text, *end;

	if (len > VERSO_LINE_MAX)
		return -E2BIG;
	if (copy_from_iter(text, len, from) != len)
		return -EFAULT;
	text[len] = 0;
	if (mutex_lock_killable(&vf->lock))
		return -EINTR;
	vf->answer.count = vf->read = 0;
	vf->answer.overflow = false;
	for (; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		run_line(vf, line);
	}
	mutex_unlock(&vf->lock);
	return (ssize_t)len;
}

static ssize_t verso_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct verso_file *vf = file->private;
	size_t len, copied;

	if (mutex_lock_killable(&vf->lock))
		return -EINTR;
	len = min(vf->answer.count - vf->read, iov_iter_count(to));
	copied = copy_to_iter(vf->answer.buf + vf->read, len, to);
	vf->read += copied;
	mutex_unlock(&vf->lock);
	return copied || !len ? (ssize_t)copied : -EFAULT;
}

static const struct file_operations verso_fops = {.open = verso_open,
						  .release = verso_release,
						  .read_iter = verso_read,
						  .write_iter = verso_write};

const struct proc_entry proc_verso_entries[] = {
	{.name = "mm", .mode = 0600, .fops = &verso_fops},
	{.name = NULL},
};

#endif /* CONFIG_DEBUG */
