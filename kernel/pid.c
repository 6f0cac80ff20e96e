/* SPDX-License-Identifier: MIT */
/*
 * Process identifiers.
 *
 *	          pid_hash[nr % 512]
 *	               |
 *	               v
 *	          struct pid 42 -----> next in the chain
 *	          |    |     \
 *	     task |    |      \ session_members
 *	          v    v       v
 *	       thread  pgrp_members: signal_struct of every process in group 42
 *	        42
 *
 * A number must not be given out again while anything still bears it: a process group outlives its
 * first member, and a terminal may remember a group that has just emptied. So the number is an
 * object of its own with a reference count, and its bit in the map is cleared when the last
 * reference goes:
 *
 *	PID-UNIQUE	a bit is set in pid_map exactly while a struct pid with that number exists.
 *
 * Numbers are handed out in increasing order and wrap, so that a number just freed stays unused for
 * as long as possible: a stale kill(2) then hits nothing rather than a stranger. After the first
 * wrap the first 300 are left to the system's long-lived processes, as on Linux.
 */
#include "kernel/pid.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "lib/bitops.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define PID_HASH_SIZE 512
#define RESERVED_PIDS 300

static unsigned long pid_map[PID_MAX / BITS_PER_LONG]; /* pid_lock */
static pid_t last_pid;				       /* pid_lock */
static struct hlist_head pid_hash[PID_HASH_SIZE];      /* pid_lock to write, RCU to read */
static DEFINE_SPINLOCK(pid_lock);
static struct kmem_cache *pid_cache;

void pid_init(void)
{
	pid_cache = kmem_cache_create("pid", sizeof(struct pid), 0, SLAB_PANIC, NULL);
	pid_map[0] = 1;
}

/* The first clear bit in [from, to), or -1. */
static pid_t find_free(pid_t from, pid_t to)
{
	while (from < to) {
		unsigned long word = ~pid_map[BIT_WORD(from)] & (~0UL << (from % BITS_PER_LONG));

		if (word) {
			pid_t nr = (pid_t)ALIGN_DOWN((unsigned long)from, BITS_PER_LONG) +
				   (pid_t)__ffs(word);

			return nr < to ? nr : -1;
		}
		from = (pid_t)ALIGN_DOWN((unsigned long)from, BITS_PER_LONG) + BITS_PER_LONG;
	}
	return -1;
}

static pid_t next_number(void) __must_hold(&pid_lock)
{
	pid_t nr = find_free(last_pid + 1, PID_MAX);

	if (nr < 0)
		nr = find_free(RESERVED_PIDS, last_pid + 1);
	if (nr < 0)
		return -EAGAIN;
	last_pid = nr;
	return nr;
}

/* A wanted number does not move the place where the next one is looked for. */
static pid_t alloc_number(pid_t wanted) __must_hold(&pid_lock)
{
	pid_t nr = wanted ? wanted : next_number();

	if (wanted && test_bit(wanted, pid_map))
		return -EEXIST;
	if (nr > 0)
		__set_bit(nr, pid_map);
	return nr;
}

struct pid *alloc_pid(pid_t wanted)
{
	struct pid *pid = kmem_cache_alloc(pid_cache, GFP_KERNEL);
	unsigned long flags;
	pid_t nr;

	if (!pid)
		return ERR_PTR(-ENOMEM);
	atomic_set(&pid->count, 1);
	pid->task = NULL;
	INIT_LIST_HEAD(&pid->pgrp_members);
	INIT_LIST_HEAD(&pid->session_members);
	init_waitqueue_head(&pid->wait_pidfd);

	spin_lock_irqsave(&pid_lock, flags);
	pid->nr = nr = alloc_number(wanted);
	if (nr > 0)
		hlist_add_head_rcu(&pid->hash, &pid_hash[nr % PID_HASH_SIZE]);
	spin_unlock_irqrestore(&pid_lock, flags);
	if (nr < 0) {
		kmem_cache_free(pid_cache, pid);
		return ERR_PTR(nr);
	}
	return pid;
}

struct pid *get_pid(struct pid *pid)
{
	if (pid)
		atomic_inc(&pid->count);
	return pid;
}

static void free_pid_rcu(struct rcu_head *head)
{
	kmem_cache_free(pid_cache, container_of(head, struct pid, rcu));
}

void put_pid(struct pid *pid)
{
	unsigned long flags;

	if (!pid || !atomic_dec_and_test(&pid->count))
		return;
	spin_lock_irqsave(&pid_lock, flags);
	hlist_del_rcu(&pid->hash);
	__clear_bit(pid->nr, pid_map);
	spin_unlock_irqrestore(&pid_lock, flags);
	call_rcu(&pid->rcu, free_pid_rcu);
}

struct pid *find_pid(pid_t nr)
{
	struct pid *pid;

	hlist_for_each_entry_rcu(pid, &pid_hash[(unsigned int)nr % PID_HASH_SIZE],
				 hash) if (pid->nr == nr) return pid;
	return NULL;
}

struct pid *find_get_pid(pid_t nr)
{
	struct pid *pid;

	rcu_read_lock();
	pid = find_pid(nr);
	if (pid && !atomic_inc_not_zero(&pid->count))
		pid = NULL;
	rcu_read_unlock();
	return pid;
}

struct task *find_task_by_pid(pid_t nr)
{
	struct pid *pid = find_pid(nr);

	return pid ? READ_ONCE(pid->task) : NULL;
}

/* A task whose last reference is gone may still be found until the grace period is over. */
static struct task *get_unless_gone(struct task *t)
{
	return t && atomic_inc_not_zero(&t->usage) ? t : NULL;
}

struct task *pid_get_task(struct pid *pid)
{
	struct task *t;

	rcu_read_lock();
	t = pid ? get_unless_gone(READ_ONCE(pid->task)) : NULL;
	rcu_read_unlock();
	return t;
}

struct task *find_get_task_by_pid(pid_t nr)
{
	struct task *t;

	rcu_read_lock();
	t = get_unless_gone(find_task_by_pid(nr));
	rcu_read_unlock();
	return t;
}

/*
 * The thread now bears this number; its own reference was made by alloc_pid(). tasklist_lock held.
 */
void task_attach_pid(struct task *t, struct pid *pid)
{
	t->thread_pid = pid;
	smp_store_release(&pid->task, t);
}

void change_pgrp(struct task *leader, struct pid *pgrp)
{
	struct signal_struct *sig = leader->signal;
	struct pid *old = sig->pgrp_pid;

	if (old)
		list_del(&sig->pgrp_node);
	sig->pgrp_pid = get_pid(pgrp);
	WRITE_ONCE(sig->pgrp, pgrp ? pgrp->nr : 0);
	if (pgrp)
		list_add_tail_rcu(&sig->pgrp_node, &pgrp->pgrp_members);
	put_pid(old);
}

void change_session(struct task *leader, struct pid *session)
{
	struct signal_struct *sig = leader->signal;
	struct pid *old = sig->session_pid;

	if (old)
		list_del(&sig->session_node);
	sig->session_pid = get_pid(session);
	WRITE_ONCE(sig->session, session ? session->nr : 0);
	if (session)
		list_add_tail_rcu(&sig->session_node, &session->session_members);
	put_pid(old);
}
