/* SPDX-License-Identifier: MIT */
/*
 * The counters of a process: /proc/PID/stat, status, statm, limits. One line, or a table, in
 * Linux's formats.
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/cred.h"
#include "kernel/drivers/tty.h"
#include "kernel/pid.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "kernel/uapi/time.h"
#include "arch/x86_64/smp.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/page.h"

/* The letter and what status calls it. */
static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	case 'I':
		return "I (idle)";
	default:
		return "X (dead)";
	}
}

static char task_state(const struct task *task)
{
	int exit_state = READ_ONCE(task->exit_state);

	if (exit_state)
		return exit_state == EXIT_ZOMBIE ? 'Z' : 'X';
	return sched_state_letter(task);
}

/* What both files show of a process, gathered under its locks. */
struct proc_times {
	unsigned long min_flt, maj_flt, cmin_flt, cmaj_flt;
	u64 utime, stime, cutime, cstime;
	pid_t pgrp, session;
	int threads;
};

static void gather_times(struct task *task, struct proc_times *t)
{
	struct signal_struct *sig = task->signal;
	struct task *thread;

	memset(t, 0, sizeof(*t));
	thread_group_cputime(task, &t->utime, &t->stime);
	t->min_flt = sig->min_flt;
	t->maj_flt = sig->maj_flt;
	t->cmin_flt = sig->cmin_flt;
	t->cmaj_flt = sig->cmaj_flt;
	t->cutime = sig->cutime_ns;
	t->cstime = sig->cstime_ns;
	t->pgrp = sig->pgrp;
	t->session = sig->session;
	t->threads = READ_ONCE(sig->nr_threads);
	rcu_read_lock();
	for_each_thread (task, thread) {
		t->min_flt += READ_ONCE(thread->min_flt);
		t->maj_flt += READ_ONCE(thread->maj_flt);
	}
	rcu_read_unlock();
}

static unsigned long long ticks(u64 ns)
{
	return ns / NSEC_PER_TICK;
}

static void stat_signals(struct seq_file *m, struct task *task)
{
	sigset_t ignored, caught, pending, shared;

	task_signal_sets(task, &ignored, &caught, &pending, &shared);
	/* 31 signals each, as they were before there were more */
	seq_printf(m, " %llu %llu %llu %llu", pending & S32_MAX, task->blocked & S32_MAX,
		   ignored & S32_MAX, caught & S32_MAX);
}

int proc_pid_stat_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);
	char comm[TASK_COMM_LEN];
	struct proc_times t;
	pid_t tty_pgrp = -1;
	dev_t tty = 0;

	gather_times(task, &t);
	task_tty_numbers(task, &tty, &tty_pgrp);
	task_lock(task);
	memcpy(comm, task->comm, sizeof(comm));
	task_unlock(task);
	seq_printf(m, "%d (%s) %c %d %d %d %u %d %u", task->pid, comm, task_state(task),
		   task_ppid(task), t.pgrp, t.session, (MINOR(tty) & 0xff) | MAJOR(tty) << 8,
		   tty_pgrp, task->flags);
	seq_printf(m, " %lu %lu %lu %lu %llu %llu %llu %llu", t.min_flt, t.cmin_flt, t.maj_flt,
		   t.cmaj_flt, ticks(t.utime), ticks(t.stime), ticks(t.cutime), ticks(t.cstime));
	seq_printf(m, " %d %d %d 0 %llu",
		   task->rt_priority ? -1 - task->rt_priority : 20 + task->nice, task->nice,
		   t.threads, ticks(task->start_time_ns));
	seq_printf(m, " %lu %lu %lu", mm ? mm->total_vm << PAGE_SHIFT : 0, mm ? get_mm_rss(mm) : 0,
		   rlimit_of(task->signal, RLIMIT_RSS));
	seq_printf(m, " %lu %lu %lu 0 0", mm ? mm->start_code : 0, mm ? mm->end_code : 0,
		   mm ? mm->start_stack : 0);
	stat_signals(m, task);
	seq_printf(m, " 0 0 0 %d %d %d %d 0 0 0", task->exit_signal, task->cpu, task->rt_priority,
		   task->policy);
	if (mm)
		seq_printf(m, " %lu %lu %lu %lu %lu %lu %lu", mm->start_data, mm->end_data,
			   mm->start_brk, mm->arg_start, mm->arg_end, mm->env_start, mm->env_end);
	else
		seq_puts(m, " 0 0 0 0 0 0 0");
	seq_printf(m, " %d\n", READ_ONCE(task->exit_code));
	if (mm)
		mmput(mm);
	return 0;
}

static unsigned long text_pages(const struct mm *mm)
{
	return (ALIGN(mm->end_code, PAGE_SIZE) - ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >>
	       PAGE_SHIFT;
}

int proc_pid_statm_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);
	unsigned long shared;

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	shared = get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_SHMEMPAGES);
	seq_printf(m, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, get_mm_rss(mm), shared,
		   text_pages(mm), mm->data_vm + mm->stack_vm);
	mmput(mm);
	return 0;
}

static void kb_line(struct seq_file *m, const char *name, unsigned long pages)
{
	seq_printf(m, "%s:\t%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

static void status_memory(struct seq_file *m, struct mm *mm)
{
	unsigned long text = text_pages(mm);
	unsigned long rss = get_mm_rss(mm);

	kb_line(m, "VmPeak", max(mm->hiwater_vm, mm->total_vm));
	kb_line(m, "VmSize", mm->total_vm);
	kb_line(m, "VmLck", mm->locked_vm);
	kb_line(m, "VmPin", 0);
	kb_line(m, "VmHWM", max(mm->hiwater_rss, rss));
	kb_line(m, "VmRSS", rss);
	kb_line(m, "RssAnon", get_mm_counter(mm, MM_ANONPAGES));
	kb_line(m, "RssFile", get_mm_counter(mm, MM_FILEPAGES));
	kb_line(m, "RssShmem", get_mm_counter(mm, MM_SHMEMPAGES));
	kb_line(m, "VmData", mm->data_vm);
	kb_line(m, "VmStk", mm->stack_vm);
	kb_line(m, "VmExe", text);
	kb_line(m, "VmLib", mm->exec_vm > text ? mm->exec_vm - text : 0);
	kb_line(m, "VmPTE", atomic_long_read(&mm->pgtables_bytes) >> PAGE_SHIFT);
	kb_line(m, "VmSwap", get_mm_counter(mm, MM_SWAPENTS));
}

static void status_ids(struct seq_file *m, struct task *task)
{
	const struct cred *cred;

	rcu_read_lock();
	cred = rcu_dereference(task->cred);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", cred->uid, cred->euid,
		   cred->suid, cred->fsuid, cred->gid, cred->egid, cred->sgid, cred->fsgid);
	seq_puts(m, "FDSize:\t64\nGroups:\t");
	for (int i = 0; cred->groups && i < cred->groups->ngroups; i++)
		seq_printf(m, "%u ", cred->groups->gid[i]);
	seq_puts(m, "\n");
	rcu_read_unlock();
}

static void status_signals(struct seq_file *m, struct task *task)
{
	sigset_t ignored, caught, pending, shared;
	const struct cred *cred;

	task_signal_sets(task, &ignored, &caught, &pending, &shared);
	seq_printf(m, "SigQ:\t0/%lu\n", rlimit_of(task->signal, RLIMIT_SIGPENDING));
	seq_printf(
		m,
		"SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		pending, shared, task->blocked, ignored, caught);
	rcu_read_lock();
	cred = rcu_dereference(task->cred);
	seq_printf(
		m,
		"CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
		cred->cap_inheritable, cred->cap_permitted, cred->cap_effective, cred->cap_bset,
		cred->cap_ambient);
	seq_printf(m, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", cred->no_new_privs);
	rcu_read_unlock();
}

static void status_cpus(struct seq_file *m, struct task *task)
{
	u64 mask = task->cpus_mask & READ_ONCE(cpu_online_mask);

	seq_printf(m, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", mask);
	seq_cpu_list(m, mask);
	seq_puts(m, "\n");
}

/* One line whatever it is: a program names itself as it likes. */
static void status_name(struct seq_file *m, const char *comm)
{
	seq_puts(m, "Name:\t");
	for (; *comm; comm++) {
		if (*comm == '\n' || *comm == '\\')
			seq_puts(m, *comm == '\n' ? "\\n" : "\\\\");
		else
			seq_write(m, comm, 1);
	}
	seq_puts(m, "\n");
}

int proc_pid_status_show(struct seq_file *m, struct task *task)
{
	struct mm *mm = get_task_mm(task);
	char comm[TASK_COMM_LEN];
	umode_t umask = 022;

	task_lock(task);
	memcpy(comm, task->comm, sizeof(comm));
	if (task->fs)
		umask = task->fs->umask;
	task_unlock(task);
	status_name(m, comm);
	seq_printf(m, "Umask:\t%04o\nState:\t%s\n", umask, state_name(task_state(task)));
	seq_printf(m, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", task->tgid,
		   task->pid, task_ppid(task));
	status_ids(m, task);
	if (mm) {
		status_memory(m, mm);
		mmput(mm);
	}
	seq_printf(m, "Threads:\t%d\n", READ_ONCE(task->signal->nr_threads));
	status_signals(m, task);
	status_cpus(m, task);
	seq_printf(m, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		   task->se.nvcsw, task->se.nivcsw);
	return 0;
}

static void limit_value(struct seq_file *m, unsigned long value)
{
	if (value == RLIM_INFINITY)
		seq_printf(m, "%-20s ", "unlimited");
	else
		seq_printf(m, "%-20lu ", value);
}

int proc_pid_limits_show(struct seq_file *m, struct task *task)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = {"Max cpu time", "seconds"},
		[RLIMIT_FSIZE] = {"Max file size", "bytes"},
		[RLIMIT_DATA] = {"Max data size", "bytes"},
		[RLIMIT_STACK] = {"Max stack size", "bytes"},
		[RLIMIT_CORE] = {"Max core file size", "bytes"},
		[RLIMIT_RSS] = {"Max resident set", "bytes"},
		[RLIMIT_NPROC] = {"Max processes", "processes"},
		[RLIMIT_NOFILE] = {"Max open files", "files"},
		[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
		[RLIMIT_AS] = {"Max address space", "bytes"},
		[RLIMIT_LOCKS] = {"Max file locks", "locks"},
		[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
		[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
		[RLIMIT_NICE] = {"Max nice priority", NULL},
		[RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
		[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
	};

	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		seq_printf(m, "%-25s ", names[i].name);
		limit_value(m, READ_ONCE(task->signal->rlim[i].rlim_cur));
		limit_value(m, READ_ONCE(task->signal->rlim[i].rlim_max));
		seq_printf(m, names[i].unit ? "%-10s\n" : "\n", names[i].unit);
	}
	return 0;
}
