/* SPDX-License-Identifier: MIT */
/*
 * Signals, first half: from the sender to the pending set, and out of it.
 *
 *	 kill, fault, timer ...                                      get_signal (signal_deliver.c)
 *	      |                                                            ^
 *	      v                                                            | dequeue_signal
 *	 prepare_signal: SIGCONT and stop signals cancel each other        |
 *	      | ignored? done                                              |
 *	      v                                                            |
 *	 pending set of the thread (tkill, faults) or of the process (kill)
 *	      |
 *	      v
 *	 complete_signal: wake a thread that takes it; a fatal one ends them all
 *
 * A signal below SIGRTMIN is a bit: sent twice before it is taken, it arrives once, with the
 * information of the first. A real-time signal is queued every time, in order, and its sender is
 * told when that is not possible.
 *
 * Fatal signals are decided here, not at delivery: as soon as it is known that nobody can catch it,
 * the process is marked as exiting and every thread gets SIGKILL. So a process that sleeps with the
 * killable state wakes, and no thread runs on in user mode.
 */
#include "kernel/signal.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/string.h"
#include "mm/slab.h"

static struct kmem_cache *sigqueue_cache, *sighand_cache, *signal_cache;

void signal_init(void)
{
	sigqueue_cache =
		kmem_cache_create("sigqueue", sizeof(struct sigqueue), 0, SLAB_PANIC, NULL);
	sighand_cache =
		kmem_cache_create("sighand", sizeof(struct sighand_struct), 0, SLAB_PANIC, NULL);
	signal_cache =
		kmem_cache_create("signal", sizeof(struct signal_struct), 0, SLAB_PANIC, NULL);
}

struct sighand_struct *sighand_alloc(void)
{
	struct sighand_struct *sh = kmem_cache_alloc(sighand_cache, GFP_KERNEL);

	if (sh) {
		atomic_set(&sh->count, 1);
		spin_lock_init(&sh->lock);
	}
	return sh;
}

void sighand_put(struct sighand_struct *sh)
{
	if (atomic_dec_and_test(&sh->count))
		kmem_cache_free(sighand_cache, sh);
}

static void itimer_expired(struct timer *timer)
{
	struct signal_struct *sig = container_of(timer, struct signal_struct, real_timer);
	siginfo_t info = {.si_signo = SIGALRM, .si_code = SI_KERNEL};
	unsigned long flags;

	/* the timer is cancelled before the last thread leaves, so there is a task to aim at */
	spin_lock_irqsave(&sig->siglock, flags);
	if (sig->nr_threads)
		send_signal_locked(SIGALRM, &info, sig->curr_target, true);
	spin_unlock_irqrestore(&sig->siglock, flags);
}

struct signal_struct *signal_alloc(void)
{
	struct signal_struct *sig = kmem_cache_zalloc(signal_cache, GFP_KERNEL);

	if (!sig)
		return NULL;
	spin_lock_init(&sig->siglock);
	atomic_set(&sig->count, 1);
	atomic_set(&sig->live, 1);
	sig->nr_threads = 1;
	INIT_LIST_HEAD(&sig->thread_head);
	init_sigpending(&sig->shared_pending);
	init_waitqueue_head(&sig->wait_chldexit);
	init_waitqueue_head(&sig->signalfd_wqh);
	timer_setup(&sig->real_timer, itimer_expired);
	INIT_LIST_HEAD(&sig->posix_timers);
	return sig;
}

void signal_put(struct signal_struct *sig)
{
	if (atomic_dec_and_test(&sig->count))
		kmem_cache_free(signal_cache, sig);
}

/* --- queues ----------------------------------------------------------------------------------- */

void init_sigpending(struct sigpending *p)
{
	INIT_LIST_HEAD(&p->list);
	p->signal = 0;
}

static void free_sigqueue(struct sigqueue *q)
{
	if (q->preallocated)
		return; /* its timer frees it */
	atomic_dec(&q->user->sigpending);
	put_user_struct(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

/*
 * `force`: beyond RLIMIT_SIGPENDING, for signals that must not lose their information if there is
 * memory.
 */
static struct sigqueue *alloc_sigqueue(struct task *t, bool force, gfp_t gfp)
{
	struct sigqueue *q = NULL;
	struct user_struct *user;
	unsigned long limit = rlimit_of(t->signal, RLIMIT_SIGPENDING);

	rcu_read_lock();
	user = get_user_struct(rcu_dereference(t->cred)->user);
	rcu_read_unlock();
	if ((unsigned long)atomic_inc_return(&user->sigpending) <= limit || force)
		q = kmem_cache_alloc(sigqueue_cache, gfp);
	if (!q) {
		atomic_dec(&user->sigpending);
		put_user_struct(user);
		return NULL;
	}
	INIT_LIST_HEAD(&q->list);
	q->preallocated = false;
	q->user = user;
	return q;
}

void flush_sigqueue(struct sigpending *p)
{
	struct sigqueue *q, *next;

	p->signal = 0;
	list_for_each_entry_safe (q, next, &p->list, list) {
		list_del_init(&q->list);
		free_sigqueue(q);
	}
}

void flush_sigqueue_mask(sigset_t mask, struct sigpending *p)
{
	struct sigqueue *q, *next;

	if (!(p->signal & mask))
		return;
	p->signal &= ~mask;
	list_for_each_entry_safe (q, next, &p->list, list) {
		if (mask & sigmask(q->info.si_signo)) {
			list_del_init(&q->list);
			free_sigqueue(q);
		}
	}
}

/* Takes `sig` out of `p`; the bit stays when another entry of that signal is queued. */
static void collect_signal(int sig, struct sigpending *p, siginfo_t *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry (q, &p->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		p->signal &= ~sigmask(sig);
	if (first) {
		*info = first->info;
		list_del_init(&first->list);
		if (first->preallocated)
			posix_timer_delivered(first, info);
		free_sigqueue(first);
	} else {
		/* it could not be queued: all that is known is its number */
		*info = (siginfo_t){.si_signo = sig, .si_code = SI_USER};
	}
}

/* Faults first: their handler must see the state that caused them. Then by number. */
static int next_signal(const struct sigpending *p, sigset_t mask)
{
	sigset_t ready = p->signal & ~mask;

	if (!ready)
		return 0;
	if (ready & SYNCHRONOUS_MASK)
		ready &= SYNCHRONOUS_MASK;
	return (int)__ffs(ready) + 1;
}

int dequeue_signal(struct task *t, sigset_t mask, siginfo_t *info)
{
	struct signal_struct *sig = t->signal;
	struct sigpending *from = &t->pending;
	int nr = next_signal(from, mask);

	if (!nr) {
		from = &sig->shared_pending;
		nr = next_signal(from, mask);
		if (!nr) {
			/* another thread took what this one was woken for */
			recalc_sigpending();
			return 0;
		}
	}
	collect_signal(nr, from, info);
	/*
	 * a periodic timer goes on when its signal is taken: it can never send faster than the
	 * program listens
	 */
	if (nr == SIGALRM && sig->it_real_incr_ns && !timer_pending(&sig->real_timer)) {
		u64 now = ktime_get_ns(), next = sig->real_timer.expires + sig->it_real_incr_ns;

		if (next <= now)
			next += (now - next) / sig->it_real_incr_ns * sig->it_real_incr_ns +
				sig->it_real_incr_ns;
		timer_start(&sig->real_timer, next);
	}
	recalc_sigpending();
	return nr;
}

/* --- who is to know --------------------------------------------------------------------------- */

static bool has_pending(struct task *t)
{
	return ((t->pending.signal | t->signal->shared_pending.signal) & ~t->blocked) ||
	       t->jobctl & JOBCTL_STOP_PENDING;
}

void recalc_sigpending_task(struct task *t)
{
	if (has_pending(t))
		set_tsk_thread_flag(t, TIF_SIGPENDING);
}

void recalc_sigpending(void)
{
	if (has_pending(current))
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	else if (test_tsk_thread_flag(current, TIF_SIGPENDING))
		clear_tsk_thread_flag(current, TIF_SIGPENDING);
}

void signal_wake_up(struct task *t, bool fatal)
{
	set_tsk_thread_flag(t, TIF_SIGPENDING);
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL | TASK_STOPPED : 0)))
		kick_process(t);
}

static unsigned long sig_handler(struct task *t, int sig)
{
	struct sighand_struct *sh = READ_ONCE(t->sighand);

	return sh ? READ_ONCE(sh->action[sig - 1].sa_handler) : SIG_IGN;
}

static bool handler_ignores(unsigned long handler, int sig)
{
	return handler == SIG_IGN || (handler == SIG_DFL && SIG_KERNEL_IGNORE_MASK & sigmask(sig));
}

/* Would nothing come of it? A blocked signal is kept: its action may change. */
bool sig_ignored(struct task *t, int sig)
{
	unsigned long handler;

	if ((t->blocked | t->real_blocked) & sigmask(sig))
		return false;
	handler = sig_handler(t, sig);
	if (t->signal->flags & SIGNAL_UNKILLABLE && handler == SIG_DFL)
		return true;
	return handler_ignores(handler, sig);
}

bool signal_blocked_or_ignored(struct task *t, int sig)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&t->signal->siglock, flags);
	ret = t->blocked & sigmask(sig) || sig_handler(t, sig) == SIG_IGN;
	spin_unlock_irqrestore(&t->signal->siglock, flags);
	return ret;
}

static bool sig_fatal(struct task *t, int sig)
{
	return !((SIG_KERNEL_IGNORE_MASK | SIG_KERNEL_STOP_MASK) & sigmask(sig)) &&
	       sig_handler(t, sig) == SIG_DFL;
}

/* SIGCONT: all threads run on, and the parent will hear of it from the first that notices. */
static void continue_process(struct signal_struct *sig)
{
	unsigned int why = 0;
	struct task *t;

	flush_sigqueue_mask(SIG_KERNEL_STOP_MASK, &sig->shared_pending);
	list_for_each_entry (t, &sig->thread_head, thread_node) {
		flush_sigqueue_mask(SIG_KERNEL_STOP_MASK, &t->pending);
		t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME | JOBCTL_STOP_TAKEN);
		wake_up_state(t, TASK_STOPPED);
	}
	if (sig->flags & SIGNAL_STOP_STOPPED)
		why = SIGNAL_CLD_CONTINUED;
	else if (sig->group_stop_count)
		why = SIGNAL_CLD_STOPPED;
	if (why) {
		sig->flags = (sig->flags & SIGNAL_UNKILLABLE) | why | SIGNAL_STOP_CONTINUED;
		sig->group_stop_count = 0;
		sig->group_exit_code = 0;
	}
}

/* False: nothing is to be queued. */
static bool prepare_signal(int sig, struct task *t)
{
	struct signal_struct *s = t->signal;
	struct task *p;

	if (s->flags & SIGNAL_GROUP_EXIT) /* one that writes its core file can be hurried */
		return s->core_state && sig == SIGKILL;
	if (sigmask(sig) & SIG_KERNEL_STOP_MASK) {
		flush_sigqueue_mask(sigmask(SIGCONT), &s->shared_pending);
		list_for_each_entry (p, &s->thread_head, thread_node)
			flush_sigqueue_mask(sigmask(SIGCONT), &p->pending);
	} else if (sig == SIGCONT) {
		continue_process(s);
	}
	return !sig_ignored(t, sig);
}

/* Is t a good thread to take `sig` now? */
static bool wants_signal(int sig, struct task *t)
{
	if (t->blocked & sigmask(sig) || t->flags & PF_EXITING)
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & TASK_STOPPED)
		return false;
	return READ_ONCE(t->on_cpu) || !signal_pending(t);
}

static struct task *find_taker(int sig, struct task *t, bool group)
{
	struct signal_struct *s = t->signal;
	struct task *p;

	if (wants_signal(sig, t))
		return t;
	if (!group || s->nr_threads == 1)
		return NULL;
	list_for_each_entry (p, &s->thread_head, thread_node) {
		if (wants_signal(sig, p)) {
			s->curr_target = p;
			return p;
		}
	}
	return NULL;
}

static void complete_signal(int sig, struct task *t, bool group)
{
	struct signal_struct *s = t->signal;
	struct task *p, *taker = find_taker(sig, t, group);

	if (unlikely(waitqueue_active(&s->signalfd_wqh)))
		wake_up_all(&s->signalfd_wqh);
	if (!taker)
		return; /* whoever unblocks it will look */
	if (sig_fatal(taker, sig) && !(s->flags & SIGNAL_GROUP_EXIT) &&
	    !(taker->real_blocked & sigmask(sig)) && !(sigmask(sig) & SIG_KERNEL_COREDUMP_MASK)) {
		s->flags = SIGNAL_GROUP_EXIT | (s->flags & SIGNAL_UNKILLABLE);
		s->group_exit_code = sig;
		s->group_stop_count = 0;
		list_for_each_entry (p, &s->thread_head, thread_node) {
			p->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
			p->pending.signal |= sigmask(SIGKILL);
			signal_wake_up(p, true);
		}
		return;
	}
	signal_wake_up(taker, sig == SIGKILL);
}

int send_signal_locked(int sig, const siginfo_t *info, struct task *t, bool group)
{
	struct sigpending *pending = group ? &t->signal->shared_pending : &t->pending;
	struct sigqueue *q;

	lockdep_assert_held(&t->signal->siglock);
	if (!prepare_signal(sig, t))
		return 0;
	if (sig < SIGRTMIN && pending->signal & sigmask(sig))
		return 0;
	if (sig != SIGKILL) {
		q = alloc_sigqueue(t, sig < SIGRTMIN && info->si_code >= 0, GFP_ATOMIC);
		if (q) {
			q->info = *info;
			list_add_tail(&q->list, &pending->list);
		} else if (sig >= SIGRTMIN && info->si_code != SI_USER) {
			return -EAGAIN;
		}
	}
	pending->signal |= sigmask(sig);
	complete_signal(sig, t, group);
	return 0;
}

static int do_send(int sig, const siginfo_t *info, struct task *t, bool group)
{
	unsigned long flags;
	int ret = -ESRCH;

	spin_lock_irqsave(&t->signal->siglock, flags);
	if (t->sighand)
		ret = send_signal_locked(sig, info, t, group);
	spin_unlock_irqrestore(&t->signal->siglock, flags);
	return ret;
}

int send_sig_info(int sig, const siginfo_t *info, struct task *t)
{
	return do_send(sig, info, t, true);
}

int send_sig_thread(int sig, const siginfo_t *info, struct task *t)
{
	return do_send(sig, info, t, false);
}

int send_sig(int sig, struct task *t)
{
	siginfo_t info = {.si_signo = sig, .si_code = SI_KERNEL};

	return do_send(sig, &info, t, true);
}

/*
 * The thread whose call it was gets it, as if it had sent it to itself: it may have blocked the signal
 * to look for it after the call, while others of its process have not.
 */
int send_sig_current(int sig)
{
	siginfo_t info = {.si_signo = sig, .si_code = SI_USER};

	info.si_pid = current->tgid;
	info.si_uid = current_uid();
	return send_sig_thread(sig, &info, current);
}

int kill_proc(pid_t pid, int sig)
{
	struct task *t;
	int ret = -ESRCH;

	rcu_read_lock();
	t = find_task_by_pid(pid);
	if (t)
		ret = send_sig(sig, t);
	rcu_read_unlock();
	return ret;
}

int kill_pgrp(pid_t pgrp, int sig)
{
	struct signal_struct *s;
	struct pid *pid;
	unsigned long flags;
	int ret = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, flags);
	pid = find_pid(pgrp);
	if (pid) {
		list_for_each_entry (s, &pid->pgrp_members, pgrp_node) {
			send_sig(sig, s->curr_target);
			ret = 0;
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

/* --- faults of current ------------------------------------------------------------------------ */

/*
 * A fault cannot wait: if it is blocked or ignored, or `fatal`, its action becomes the default,
 * even for init.
 */
static void force_sig_info(const siginfo_t *info, bool fatal)
{
	struct signal_struct *s = current->signal;
	struct sighand_struct *sh = current->sighand;
	int sig = info->si_signo;
	struct sigaction *ka = &sh->action[sig - 1];
	bool blocked;

	spin_lock_irq(&s->siglock);
	blocked = current->blocked & sigmask(sig);
	if (blocked || ka->sa_handler == SIG_IGN || fatal) {
		spin_lock(&sh->lock);
		ka->sa_handler = SIG_DFL;
		spin_unlock(&sh->lock);
		current->blocked &= ~sigmask(sig);
	}
	if (ka->sa_handler == SIG_DFL)
		s->flags &= ~SIGNAL_UNKILLABLE;
	send_signal_locked(sig, info, current, false);
	recalc_sigpending();
	spin_unlock_irq(&s->siglock);
}

void force_sig_fault(int sig, int code, unsigned long addr)
{
	siginfo_t info = {.si_signo = sig, .si_code = code};

	info.si_addr = addr;
	force_sig_info(&info, false);
}

void force_sig_mceerr(int code, unsigned long addr, short lsb)
{
	siginfo_t info = {.si_signo = SIGBUS, .si_code = code};

	info.si_addr = addr;
	info.si_addr_lsb = lsb;
	force_sig_info(&info, false);
}

void force_sig(int sig)
{
	siginfo_t info = {.si_signo = sig, .si_code = SI_KERNEL};

	force_sig_info(&info, false);
}

void force_fatal_sig(int sig)
{
	siginfo_t info = {.si_signo = sig, .si_code = SI_KERNEL};

	force_sig_info(&info, true);
}

/* --- a timer's own entry ---------------------------------------------------------------------- */

struct sigqueue *sigqueue_alloc(void)
{
	struct sigqueue *q = alloc_sigqueue(current, false, GFP_KERNEL);

	if (q)
		q->preallocated = true;
	return q;
}

void sigqueue_cancel(struct sigqueue *q, struct sigpending *p)
{
	struct sigqueue *other;

	if (list_empty(&q->list))
		return;
	list_del_init(&q->list);
	list_for_each_entry (other, &p->list, list)
		if (other->info.si_signo == q->info.si_signo)
			return;
	p->signal &= ~sigmask(q->info.si_signo);
}

void sigqueue_free(struct sigqueue *q)
{
	q->preallocated = false;
	free_sigqueue(q);
}

/* siglock held. 0 queued or ignored, 1 it is queued already, -1 nobody is there. */
int send_sigqueue(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *pending = group ? &t->signal->shared_pending : &t->pending;
	int sig = q->info.si_signo;

	if (!t->sighand)
		return -1;
	if (!list_empty(&q->list))
		return 1;
	if (!prepare_signal(sig, t))
		return 0;
	list_add_tail(&q->list, &pending->list);
	pending->signal |= sigmask(sig);
	complete_signal(sig, t, group);
	return 0;
}
