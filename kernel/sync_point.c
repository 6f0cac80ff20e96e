/* SPDX-License-Identifier: MIT */
/*
 * Parking tasks at sync points.
 *
 *	     arm		the task comes for the n-th time	 release
 *	IDLE -----> ARMED ------------------------------------> PARKED -----------> IDLE
 *	  ^	      | release, armer ends			  | armer ends,
 *	  +-----------+			    IDLE <----------------+ task is killed
 *
 * Each point has room for one task. It parks once for each arming: who comes later passes, so that
 * the other side of a race can go through the same code.
 *
 * How to stand still. Where sleeping is allowed the task sleeps, killable. Many of the windows
 * worth standing in are under a page-table lock, though: there the task spins with `pause`,
 * interrupts on (it answers TLB shootdowns) and preemption off. Three things would make that a dead
 * machine, and the point lets the task pass instead (and counts it in `passed`):
 *
 *	interrupts are off		other CPUs wait for its answer to a shootdown
 *	no other CPU would be left	whoever has to release it could not run. So at most one CPU
 *					less than there are may spin, and with one CPU none does
 *	the task is being killed	it is on its way out and must get there
 *
 * Nobody is parked for ever. A killed task goes on at once. When the task that armed a point ends,
 * or the file through which it did is closed, the point is released; the former first thing in
 * exit, since the way out may need a lock that the parked task holds.
 *
 * The lock is a raw spinlock, below the lock validator: a point may be reached with any lock held.
 * For the same reason the owner is woken outside of it, and through a wait queue of which nothing
 * else is known.
 */
#ifdef CONFIG_DEBUG

#include "kernel/sync_point.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "kernel/percpu.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/errno.h"

#define SYNC_POINT_NAME(name, what)    #name,
#define SYNC_POINT_MEANING(name, what) what,
const char *const sync_point_names[NR_SYNC_POINTS] = {SYNC_POINTS(SYNC_POINT_NAME)};
const char *const sync_point_meanings[NR_SYNC_POINTS] = {SYNC_POINTS(SYNC_POINT_MEANING)};

/* All under points_lock. */
struct point {
	enum sync_point_state state;
	int tid;	     /* whom to park, 0: any; once PARKED, who it is */
	int armed_by;	     /* whom `any` does not mean */
	unsigned int hit;    /* how many times it has yet to come */
	unsigned int passed; /* came for the last time but could not be parked */
	unsigned long turn;  /* counts armings: a parked task sees that its own is over */
	const void *owner;
};

static struct point points[NR_SYNC_POINTS];
static struct raw_spinlock points_lock = RAW_SPINLOCK_INIT;
static unsigned int spinners;	/* CPUs that stand still */
unsigned int sync_points_armed; /* points that are not IDLE */

static DECLARE_WAIT_QUEUE_HEAD(arrivals); /* owners wait here */
static DECLARE_WAIT_QUEUE_HEAD(parked);	  /* tasks sleep here */

static unsigned long lock_points(void)
{
	unsigned long flags;

	local_irq_save(flags);
	raw_spin_lock(&points_lock);
	return flags;
}

static void unlock_points(unsigned long flags)
{
	raw_spin_unlock(&points_lock);
	local_irq_restore(flags);
}

/* ------------------------------------------------------------------------- the task's side */

/* Is it the task and the time that the point was armed for? Lock held. */
static bool is_awaited(struct point *p)
{
	if (p->state != SYNC_POINT_ARMED)
		return false;
	if (p->tid ? p->tid != current->pid : p->armed_by == current->pid)
		return false;
	return !--p->hit;
}

static void leave_idle(struct point *p)
{
	p->state = SYNC_POINT_IDLE;
	p->owner = NULL;
	p->turn++;
	WRITE_ONCE(sync_points_armed, sync_points_armed - 1);
}

/* The point's arming, or 0: the task may pass. *spin: it must not sleep here. */
static unsigned long try_park(struct point *p, bool *spin)
{
	bool irqs_off = irqs_disabled();
	unsigned long flags = lock_points(), turn = 0;

	*spin = in_atomic();
	if (is_awaited(p)) {
		if (irqs_off || in_interrupt() || fatal_signal_pending(current) ||
		    (*spin && spinners + 1 >= num_online_cpus())) {
			p->passed++;
			leave_idle(p);
		} else {
			p->state = SYNC_POINT_PARKED;
			p->tid = current->pid;
			turn = p->turn;
			spinners += *spin;
		}
	}
	unlock_points(flags);
	return turn;
}

static bool is_over(struct point *p, unsigned long turn)
{
	return READ_ONCE(p->turn) != turn;
}

static void spin_until_over(struct point *p, unsigned long turn)
{
	unsigned long flags;

	while (!is_over(p, turn) && !fatal_signal_pending(current))
		cpu_relax();
	flags = lock_points();
	spinners--;
	unlock_points(flags);
}

void __sync_point(enum sync_point point)
{
	struct point *p = &points[point];
	unsigned long turn, flags;
	bool spin;

	if (READ_ONCE(p->state) != SYNC_POINT_ARMED)
		return;
	turn = try_park(p, &spin);
	wake_up_all(&arrivals);
	if (!turn)
		return;
	if (spin)
		spin_until_over(p, turn);
	else
		(void)wait_event_killable(&parked, is_over(p, turn));
	/* Killed: nobody has released us. */
	flags = lock_points();
	if (p->turn == turn)
		leave_idle(p);
	unlock_points(flags);
}

/* ------------------------------------------------------------------------- the owner's side */

int sync_point_arm(enum sync_point point, int tid, unsigned int hit, const void *owner)
{
	struct point *p = &points[point];
	unsigned long flags = lock_points();
	int err = -EBUSY;

	if (p->state == SYNC_POINT_IDLE) {
		p->tid = tid;
		p->armed_by = current->pid;
		p->hit = hit;
		p->passed = 0;
		p->owner = owner;
		p->turn++;
		WRITE_ONCE(p->state, SYNC_POINT_ARMED);
		WRITE_ONCE(sync_points_armed, sync_points_armed + 1);
		err = 0;
	}
	unlock_points(flags);
	return err;
}

int sync_point_wait(enum sync_point point, s64 timeout_ns)
{
	struct point *p = &points[point];
	unsigned int passed;
	int tid;

	(void)wait_event_killable_timeout_ns(&arrivals, READ_ONCE(p->state) != SYNC_POINT_ARMED,
					     timeout_ns);
	return sync_point_state(point, &tid, &passed) == SYNC_POINT_PARKED ? tid : 0;
}

/* Lock held; the parked tasks are woken by the caller. */
static enum sync_point_state release_point(struct point *p)
{
	enum sync_point_state was = p->state;

	if (was != SYNC_POINT_IDLE)
		leave_idle(p);
	return was;
}

enum sync_point_state sync_point_release(enum sync_point point)
{
	unsigned long flags = lock_points();
	enum sync_point_state was = release_point(&points[point]);

	unlock_points(flags);
	wake_up_all(&parked);
	wake_up_all(&arrivals);
	return was;
}

/* All points of an owner, or, without one, of a task. */
static void release_all(const void *owner, int armed_by)
{
	unsigned long flags = lock_points();

	for (unsigned int i = 0; i < NR_SYNC_POINTS; i++)
		if (owner ? points[i].owner == owner : points[i].armed_by == armed_by)
			release_point(&points[i]);
	unlock_points(flags);
	wake_up_all(&parked);
	wake_up_all(&arrivals);
}

void sync_point_release_owner(const void *owner)
{
	release_all(owner, 0);
}

void sync_points_exit(void)
{
	if (unlikely(READ_ONCE(sync_points_armed)))
		release_all(NULL, current->pid);
}

enum sync_point_state sync_point_state(enum sync_point point, int *tid, unsigned int *passed)
{
	struct point *p = &points[point];
	unsigned long flags = lock_points();
	enum sync_point_state state = p->state;

	*tid = p->tid;
	*passed = p->passed;
	unlock_points(flags);
	return state;
}

#endif /* CONFIG_DEBUG */
