/* SPDX-License-Identifier: MIT */
/*
 * Wait queues and completions (kernel/wait.h has the protocol between sleeper and waker).
 *
 * The queue is a list: non-exclusive entries at the front, exclusive ones at the back, so that a
 * wake-up of one exclusive sleeper has passed all that want every wake-up.
 */
#include "kernel/wait.h"
#include "kernel/completion.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/errno.h"

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	return wake_up_state(entry->private, mode);
}

int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags,
			     void *key)
{
	int woken = default_wake_function(entry, mode, flags, key);

	if (woken)
		list_del_init(&entry->entry);
	return woken;
}

void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	entry->flags &= ~WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq->lock, flags);
	list_add(&entry->entry, &wq->head);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void add_wait_queue_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	entry->flags |= WQ_FLAG_EXCLUSIVE;
	spin_lock_irqsave(&wq->lock, flags);
	list_add_tail(&entry->entry, &wq->head);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void remove_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void __wake_up_locked(struct wait_queue_head *wq, unsigned int mode, int nr_exclusive, void *key)
{
	struct wait_queue_entry *entry, *next;

	list_for_each_entry_safe (entry, next, &wq->head, entry) {
		unsigned int flags = entry->flags;

		if (entry->func(entry, mode, 0, key) && (flags & WQ_FLAG_EXCLUSIVE) &&
		    !--nr_exclusive)
			break;
	}
}

void __wake_up(struct wait_queue_head *wq, unsigned int mode, int nr_exclusive, void *key)
{
	unsigned long flags;

	smp_mb();
	if (!waitqueue_active(wq))
		return;
	spin_lock_irqsave(&wq->lock, flags);
	__wake_up_locked(wq, mode, nr_exclusive, key);
	spin_unlock_irqrestore(&wq->lock, flags);
}

static void __prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry,
			      long state, bool exclusive)
{
	if (list_empty(&entry->entry)) {
		if (exclusive) {
			entry->flags |= WQ_FLAG_EXCLUSIVE;
			list_add_tail(&entry->entry, &wq->head);
		} else {
			entry->flags &= ~WQ_FLAG_EXCLUSIVE;
			list_add(&entry->entry, &wq->head);
		}
	}
	set_current_state(state);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry, long state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	__prepare_to_wait(wq, entry, state, false);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void prepare_to_wait_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *entry,
			       long state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	__prepare_to_wait(wq, entry, state, true);
	spin_unlock_irqrestore(&wq->lock, flags);
}

int prepare_to_wait_event(struct wait_queue_head *wq, struct wait_queue_entry *entry, long state,
			  bool exclusive)
{
	unsigned long flags;
	int ret = 0;

	spin_lock_irqsave(&wq->lock, flags);
	if (signal_pending_state(state, current)) {
		/*
		 * Off the queue: an exclusive wake-up from now on must go to somebody who uses
		 * it.
		 */
		list_del_init(&entry->entry);
		__set_current_state(TASK_RUNNING);
		ret = -ERESTARTSYS;
	} else {
		__prepare_to_wait(wq, entry, state, exclusive);
	}
	spin_unlock_irqrestore(&wq->lock, flags);
	return ret;
}

void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	/*
	 * Off the queue already: the waker that did it still holds the lock, but touches the
	 * entry no more.
	 */
	if (READ_ONCE(entry->entry.next) == &entry->entry &&
	    READ_ONCE(entry->entry.prev) == &entry->entry)
		return;
	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void complete(struct completion *c)
{
	unsigned long flags;

	spin_lock_irqsave(&c->wait.lock, flags);
	if (c->done != UINT_MAX)
		c->done++;
	__wake_up_locked(&c->wait, TASK_NORMAL, 1, NULL);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void complete_all(struct completion *c)
{
	unsigned long flags;

	spin_lock_irqsave(&c->wait.lock, flags);
	c->done = UINT_MAX;
	__wake_up_locked(&c->wait, TASK_NORMAL, 0, NULL);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

/*
 * Everything is looked at under the lock that complete() holds until its last access, so the
 * completion may be freed when this returns. Time left, 0 after the timeout, or -ERESTARTSYS.
 */
static s64 wait_for_completion_common(struct completion *c, long state, s64 timeout_ns)
{
	s64 left = timeout_ns;
	DEFINE_WAIT(entry);

	might_sleep();
	spin_lock_irq(&c->wait.lock);
	while (!c->done && left > 0) {
		if (signal_pending_state(state, current)) {
			left = -ERESTARTSYS;
			break;
		}
		__prepare_to_wait(&c->wait, &entry, state, true);
		spin_unlock_irq(&c->wait.lock);
		if (timeout_ns == S64_MAX)
			schedule();
		else
			left = schedule_timeout_ns(left);
		spin_lock_irq(&c->wait.lock);
	}
	__set_current_state(TASK_RUNNING);
	list_del_init(&entry.entry);
	if (left >= 0 && c->done) {
		left = max_t(s64, left, 1);
		if (c->done != UINT_MAX)
			c->done--;
	}
	spin_unlock_irq(&c->wait.lock);
	return left;
}

void wait_for_completion(struct completion *c)
{
	(void)wait_for_completion_common(c, TASK_UNINTERRUPTIBLE, S64_MAX);
}

int wait_for_completion_killable(struct completion *c)
{
	s64 left = wait_for_completion_common(c, TASK_KILLABLE, S64_MAX);

	return left < 0 ? (int)left : 0;
}

s64 wait_for_completion_timeout_ns(struct completion *c, s64 timeout_ns)
{
	return wait_for_completion_common(c, TASK_UNINTERRUPTIBLE, timeout_ns);
}
