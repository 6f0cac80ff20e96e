/* SPDX-License-Identifier: MIT */
/*
 * Tasks: the first one, memory for the others, and looking at them.
 *
 * init_task exists before any allocator: it is what the boot CPU runs as from its first C
 * instruction on, and it becomes that CPU's idle task. It is also the head of the list of
 * processes, and the ancestor that `parent` of process 1 points to.
 *
 * A task's two halves die at different times. The stack goes as soon as the scheduler has switched
 * away from it for the last time, because stacks are the large part and a CPU that forks wants a
 * warm one back. The struct stays as long as somebody may look at it: references, then one RCU
 * grace period.
 */
#include "kernel/task.h"
#include "kernel/coredump.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/ptrace_regs.h"
#include "kernel/futex.h"
#include "kernel/oom_kill.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/uapi/sched.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

DEFINE_SPINLOCK(tasklist_lock);
int nr_threads;
int max_threads;
unsigned long total_forks;

static struct sighand_struct init_sighand = {
	.count = ATOMIC_INIT(1),
	.lock = __SPIN_LOCK_UNLOCKED(init_sighand.lock),
	/* kernel threads are init_task's children: nobody waits for them */
	.action[SIGCHLD - 1].sa_handler = SIG_IGN,
};

static struct signal_struct init_signals = {
	.siglock = __SPIN_LOCK_UNLOCKED(init_signals.siglock),
	.count = ATOMIC_INIT(1),
	.nr_threads = 1,
	.live = ATOMIC_INIT(1),
	.thread_head = LIST_HEAD_INIT(init_task.thread_node),
	.shared_pending = {.list = LIST_HEAD_INIT(init_signals.shared_pending.list)},
	.wait_chldexit = __WAIT_QUEUE_HEAD_INITIALIZER(init_signals.wait_chldexit),
	.signalfd_wqh = __WAIT_QUEUE_HEAD_INITIALIZER(init_signals.signalfd_wqh),
	.posix_timers = LIST_HEAD_INIT(init_signals.posix_timers),
	.coredump_filter = COREDUMP_FILTER_DEFAULT,
	.rlim =
		{
			[RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_STACK] = {MB(8), RLIM_INFINITY},
			[RLIMIT_CORE] = {0, RLIM_INFINITY},
			[RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_NPROC] = {0, 0}, /* task_init() */
			[RLIMIT_NOFILE] = {1024, 4096},
			[RLIMIT_MEMLOCK] = {MB(8), MB(8)},
			[RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_LOCKS] = {RLIM_INFINITY, RLIM_INFINITY},
			[RLIMIT_SIGPENDING] = {0, 0}, /* task_init() */
			[RLIMIT_MSGQUEUE] = {819200, 819200},
			[RLIMIT_NICE] = {0, 0},
			[RLIMIT_RTPRIO] = {0, 0},
			[RLIMIT_RTTIME] = {RLIM_INFINITY, RLIM_INFINITY},
		},
};

struct task init_task = {
	.usage = ATOMIC_INIT(2),
	.state = TASK_RUNNING,
	.flags = PF_KTHREAD | PF_IDLE,
	.on_cpu = 1,
	.cpus_mask = 1,
	.active_mm = &init_mm,
	.signal = &init_signals,
	.sighand = &init_sighand,
	.cred = &init_cred,
	.alloc_lock = __SPIN_LOCK_UNLOCKED(init_task.alloc_lock),
	.pending = {.list = LIST_HEAD_INIT(init_task.pending.list)},
	.group_leader = &init_task,
	.parent = &init_task,
	.real_parent = &init_task,
	.children = LIST_HEAD_INIT(init_task.children),
	.sibling = LIST_HEAD_INIT(init_task.sibling),
	.thread_node = LIST_HEAD_INIT(init_signals.thread_head),
	.tasks = LIST_HEAD_INIT(init_task.tasks),
	.comm = "swapper/0",
	.timer_slack_ns = 50000,
};

static struct kmem_cache *task_cache;

static struct mm *mm_of_current(void)
{
	return current->mm;
}

void task_init(void)
{
	unsigned long limit = totalram_pages() / (8 * (THREAD_SIZE >> PAGE_SHIFT));

	task_cache = kmem_cache_create("task", sizeof(struct task), 64, SLAB_PANIC, NULL);
	pid_init();
	cred_init();
	signal_init();
	futex_init();
	oom_kill_init();
	mm_of_caller = mm_of_current;
	max_threads = (int)clamp_t(unsigned long, limit, 64, PID_MAX - 2);
	init_signals.rlim[RLIMIT_NPROC] = (struct rlimit){max_threads / 2, max_threads / 2};
	init_signals.rlim[RLIMIT_SIGPENDING] = init_signals.rlim[RLIMIT_NPROC];
}

/*
 * A copy of current with its own stack, usage 2, and everything that must not be inherited reset;
 * what is shared or counted still points to current's and is for the caller to replace. NULL: no
 * memory.
 */
struct task *dup_task_struct(void)
{
	struct task *p = kmem_cache_alloc(task_cache, GFP_KERNEL);
	void *stack;

	if (!p)
		return NULL;
	stack = kstack_alloc();
	if (!stack) {
		kmem_cache_free(task_cache, p);
		return NULL;
	}
	*p = *current;
	p->stack = stack;
	p->thread.fpu = NULL;
	atomic_set(&p->usage, 2);
	return p;
}

static void free_task_rcu(struct rcu_head *head)
{
	struct task *p = container_of(head, struct task, rcu);

	signal_put(p->signal);
	put_cred(p->cred);
	kmem_cache_free(task_cache, p);
}

/* For a task that never ran and was in no list: without the wait that others need. */
void free_new_task(struct task *p)
{
	arch_release_task(p);
	kstack_free(p->stack);
	kmem_cache_free(task_cache, p);
}

void put_task_struct(struct task *t)
{
	if (atomic_dec_and_test(&t->usage))
		call_rcu(&t->rcu, free_task_rcu);
}

void task_dead_put(struct task *t)
{
	arch_release_task(t);
	kstack_free(t->stack);
	t->stack = NULL;
	put_task_struct(t);
}

struct mm *get_task_mm(struct task *t)
{
	struct mm *mm;

	task_lock(t);
	mm = t->mm;
	if (mm && (t->flags & PF_KTHREAD || !mmget_not_zero(mm)))
		mm = NULL;
	task_unlock(t);
	return mm;
}

void set_task_comm(struct task *t, const char *name)
{
	task_lock(t);
	strscpy(t->comm, name, sizeof(t->comm));
	task_unlock(t);
}

pid_t task_ppid(struct task *t)
{
	pid_t pid;

	rcu_read_lock();
	pid = rcu_dereference(t->real_parent)->tgid;
	rcu_read_unlock();
	return pid;
}

/* total * part / whole without a 128-bit product; part <= whole. The halving costs less precision than the samples have. */
static u64 scale(u64 total, u64 part, u64 whole)
{
	while (whole >> 32) {
		whole >>= 1;
		part >>= 1;
	}
	return total / whole * part + total % whole * part / whole;
}

/*
 * The tick only samples who was running, user or kernel; the scheduler measures exactly, but does
 * not know which. So the exact total is divided in the ratio of the samples.
 */
void cputime_adjust(u64 total, u64 *utime, u64 *stime)
{
	u64 sampled = *utime + *stime;

	if (!*stime)
		*utime = total;
	else if (!*utime)
		*stime = total;
	else {
		*utime = scale(total, *utime, sampled);
		*stime = total - *utime;
	}
}

u64 thread_group_runtime_locked(struct signal_struct *sig)
{
	u64 total = sig->sum_exec_ns;
	struct task *t;

	list_for_each_entry (t, &sig->thread_head, thread_node)
		total += task_sched_runtime(t);
	return total;
}

u64 thread_group_runtime(struct task *p)
{
	struct signal_struct *sig = p->signal;
	unsigned long flags;
	u64 total;

	spin_lock_irqsave(&sig->siglock, flags);
	total = thread_group_runtime_locked(sig);
	spin_unlock_irqrestore(&sig->siglock, flags);
	return total;
}

void thread_group_cputime(struct task *p, u64 *utime, u64 *stime)
{
	struct signal_struct *sig = p->signal;
	u64 total = thread_group_runtime(p);
	struct task *t;
	unsigned long flags;

	spin_lock_irqsave(&sig->siglock, flags);
	*utime = sig->utime_ns;
	*stime = sig->stime_ns;
	list_for_each_entry (t, &sig->thread_head, thread_node) {
		*utime += READ_ONCE(t->utime_ns);
		*stime += READ_ONCE(t->stime_ns);
	}
	spin_unlock_irqrestore(&sig->siglock, flags);
	cputime_adjust(total, utime, stime);
}

pid_t session_of_pgrp(pid_t pgrp)
{
	struct signal_struct *sig;
	struct pid *pid;
	pid_t session = 0;
	unsigned long flags;

	spin_lock_irqsave(&tasklist_lock, flags);
	pid = find_pid(pgrp);
	if (pid && !list_empty(&pid->pgrp_members)) {
		sig = list_first_entry(&pid->pgrp_members, struct signal_struct, pgrp_node);
		session = sig->session;
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return session;
}
