/* SPDX-License-Identifier: MIT */
/*
 * /proc/verso/mm: commands about pages and mappings.
 *
 * Most name a page: by a process and an address in it, or by the frame (of /proc/PID/pagemap), for
 * which no lock of the process is needed. The work is done by mm/, as reclaim and move_pages(2)
 * would do it.
 */
#ifdef CONFIG_DEBUG

#include "kernel/fs/proc_verso.h"
#include "kernel/sync_point.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/audit.h"
#include "mm/changes.h"
#include "mm/forced.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmstat.h"

#define CHANGES_SHOWN 64

/* The address space of a process, with a reference (mmput), or NULL after an error was answered. */
static struct mm *take_mm(struct verso_file *vf, const char *word)
{
	unsigned long pid;
	struct task *task;
	struct mm *mm;

	if (!verso_number(vf, word, &pid))
		return NULL;
	task = pid <= PID_MAX ? find_get_task_by_pid((pid_t)pid) : NULL;
	mm = task ? get_task_mm(task) : NULL;
	if (task)
		put_task_struct(task);
	if (!mm)
		verso_error(vf, "%s is no process with an address space\n", word);
	return mm;
}

/* What an operation on one page came to. */
static void answer_result(struct verso_file *vf, int err, const char *done)
{
	if (!err)
		verso_answer(vf, "%s\n", done);
	else if (err == -EFAULT)
		verso_error(vf, "nothing is mapped at that address\n");
	else if (err == -ENOENT)
		verso_error(vf, "no page is there\n");
	else if (err == -EBUSY || err == -EAGAIN)
		verso_answer(vf, "not %s: it is in use, locked, or there is no room for it\n",
			     done);
	else
		verso_error(vf, "not %s: error %d\n", done, -err);
}

/* `PID ADDR` or `frame PFN`: the page, with a reference, or NULL after an answer was given. */
static struct page *take_page(struct verso_file *vf, int argc, char **argv)
{
	struct page *page;
	unsigned long where;
	struct mm *mm;

	if (argc != 3) {
		verso_usage(vf, argv[0]);
		return NULL;
	}
	if (!verso_number(vf, argv[2], &where))
		return NULL;
	if (!strcmp(argv[1], "frame")) {
		page = forced_frame(where);
	} else {
		mm = take_mm(vf, argv[1]);
		if (!mm)
			return NULL;
		page = forced_page(mm, where);
		mmput(mm);
	}
	if (!IS_ERR(page))
		return page;
	answer_result(vf, PTR_ERR(page), "found");
	return NULL;
}

static void cmd_reclaim(struct verso_file *vf, int argc, char **argv)
{
	struct page *page = take_page(vf, argc, argv);

	if (page)
		answer_result(vf, forced_reclaim(page), "reclaimed");
}

static void cmd_migrate(struct verso_file *vf, int argc, char **argv)
{
	struct page *page = take_page(vf, argc, argv);

	if (page)
		answer_result(vf, forced_migrate(page), "migrated");
}

static void cmd_walk(struct verso_file *vf, int argc, char **argv)
{
	struct page *page = take_page(vf, argc, argv);
	struct rmap_visits v;
	int err;

	if (!page)
		return;
	err = rmap_count_visits(page, &v);
	if (err)
		answer_result(vf, err, "walked");
	else
		verso_answer(vf, "vmas %lu nodes %lu mappings %d mapcount %d\n", v.vmas, v.nodes,
			     v.mappings, v.mapcount);
	put_page(page);
}

/* A task that stands may hold any lock that the audit needs: its controller would wait for itself.
 */
static bool all_points_idle(struct verso_file *vf)
{
	for (int i = 0; i < NR_SYNC_POINTS; i++) {
		unsigned int passed;
		int tid;

		if (sync_point_state(i, &tid, &passed) == SYNC_POINT_IDLE)
			continue;
		verso_error(vf, "%s is armed: release it first\n", sync_point_names[i]);
		return false;
	}
	return true;
}

static void cmd_audit(struct verso_file *vf, int argc, char **argv)
{
	struct rmap_audit audit = {.counters = true};

	if (!all_points_idle(vf))
		return;
	rmap_audit(&audit);
	verso_answer(vf,
		     "%lu differences, %lu processes, %lu ptes, %lu swapped, %lu migrating, "
		     "%lu busy pages, %lu busy processes\n",
		     audit.differences, audit.mms, audit.ptes, audit.swap_ptes,
		     audit.migration_ptes, audit.skipped, audit.busy);
}

/* What the query finds, the last change first. */
static void answer_changes(struct verso_file *vf, struct change_query *q)
{
	char line[CHANGE_LINE];
	struct change c;

	for (int i = 0; i < CHANGES_SHOWN && change_query_next(q, &c); i++) {
		change_text(&c, line, sizeof(line));
		verso_answer(vf, "%s\n", line);
	}
}

static void cmd_changes(struct verso_file *vf, int argc, char **argv)
{
	struct change_query q;
	unsigned long addr;
	struct mm *mm;

	if (argc == 1) {
		change_query_init(&q, NULL, 0);
		answer_changes(vf, &q);
		return;
	}
	if (argc != 3) {
		verso_usage(vf, argv[0]);
		return;
	}
	if (!verso_number(vf, argv[2], &addr))
		return;
	mm = take_mm(vf, argv[1]);
	if (!mm)
		return;
	if (!mmap_read_lock_killable(mm)) {
		change_query_init(&q, mm, addr);
		mmap_read_unlock(mm);
		answer_changes(vf, &q);
	}
	mmput(mm);
}

static bool slab_counter(const struct slabinfo *s, void *arg)
{
	if (!strcmp(s->name, "anon_vma") || !strcmp(s->name, "anon_vma_chain") ||
	    !strcmp(s->name, "vm_area_struct"))
		verso_answer((struct verso_file *)arg, "slab_%s %lu\n", s->name, s->active);
	return true;
}

static void cmd_counters(struct verso_file *vf, int argc, char **argv)
{
	for (int i = 0; i < NR_VM_EVENTS; i++)
		verso_answer(vf, "%s %lu\n", vm_event_name(i), vm_event_sum(i));
	for (int i = 0; i < NR_NODE_STATS; i++)
		verso_answer(vf, "%s %lu\n", node_stat_name(i), node_stat(i));
	slabinfo_for_each(slab_counter, vf);
}

const struct verso_command verso_mm_commands[] = {
	{"audit", "", "compare the reverse map with all page tables", cmd_audit},
	{"reclaim", "PID ADDR | frame PFN", "evict the page that is mapped there", cmd_reclaim},
	{"migrate", "PID ADDR | frame PFN", "move it to another frame", cmd_migrate},
	{"walk", "PID ADDR | frame PFN", "what a reverse-map walk for it visits and finds",
	 cmd_walk},
	{"changes", "[PID ADDR]", "who changed that mapping, or any, the last change first",
	 cmd_changes},
	{"counters", "", "what the memory manager counts", cmd_counters},
	{NULL, NULL, NULL, NULL},
};

#endif /* CONFIG_DEBUG */
