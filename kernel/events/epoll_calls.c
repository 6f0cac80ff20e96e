/* SPDX-License-Identifier: MIT */
/*
 * The calls on a set: epoll_ctl(2), which changes it, and epoll_wait(2) and its forms, which ask those
 * who are said to be ready. The picture is in epoll.c.
 */
#include "kernel/events/epoll_internal.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/file.h"
#include "kernel/fs/poll.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EP_EXCLUSIVE_OK \
	(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

#define MAX_NESTS  4   /* sets that a set may have below it, one in another */
#define MAX_WAYS   100 /* sets that a wake-up of a set reaches, each as often as it does */
#define MAX_EVENTS ((int)(INT_MAX / sizeof(struct epoll_event)))

/* epoll_ctl ------------------------------------------------------------------------------------ */

static u64 this_visit; /* number of the search that goes on; epoll_mutex */

/*
 * How many sets lie below @file, one in another, itself counted; -ELOOP if @top is among them. Each
 * set is gone through once, however many ways lead to it. epoll_mutex held: nobody else nests sets,
 * and none that is watched goes away.
 */
static int nesting(struct file *file, const struct file *top, int depth)
{
	struct eventpoll *ep = file->private;
	struct rb_node *node;
	int below = 0;

	if (file == top || depth > MAX_NESTS)
		return -ELOOP;
	if (ep->visit == this_visit)
		return ep->below;
	ep->visit = this_visit;
	mutex_lock_nested(&ep->mtx, (unsigned int)depth);
	for (node = rb_first(&ep->items); node && below >= 0; node = rb_next(node)) {
		struct epitem *item = rb_entry(node, struct epitem, node);
		int n = is_epoll(item->file) ? nesting(item->file, top, depth + 1) : 0;

		below = n < 0 ? n : max(below, n);
	}
	mutex_unlock(&ep->mtx);
	ep->below = below < 0 ? below : below + 1;
	return ep->below;
}

/* The longest chain of sets that watch @file. epoll_mutex held. */
static int height(struct file *file)
{
	struct list_head *watches = READ_ONCE(file->f_watches);
	struct epitem *item;
	int most = 0;

	if (!watches)
		return 0;
	list_for_each_entry (item, watches, watch)
		most = max(most, height(item->ep->file) + 1);
	return most;
}

/* @sum and the ways that lead from @file up to sets; it stops where there are too many. */
static int ways_up(struct file *file, int sum)
{
	struct list_head *watches = READ_ONCE(file->f_watches);
	struct epitem *item;

	if (!watches)
		return sum;
	list_for_each_entry (item, watches, watch) {
		if (sum > MAX_WAYS)
			break;
		sum = ways_up(item->ep->file, sum + 1);
	}
	return sum;
}

/* Has neither the set @file nor any below it too many ways up? epoll_mutex held. */
static bool ways_ok(struct file *file, int depth)
{
	struct eventpoll *ep = file->private;
	struct rb_node *node;
	bool ok;

	if (ep->visit == this_visit)
		return true;
	ep->visit = this_visit;
	ok = ways_up(file, 0) <= MAX_WAYS;
	mutex_lock_nested(&ep->mtx, (unsigned int)depth);
	for (node = rb_first(&ep->items); node && ok; node = rb_next(node)) {
		struct epitem *item = rb_entry(node, struct epitem, node);

		ok = !is_epoll(item->file) || ways_ok(item->file, depth + 1);
	}
	mutex_unlock(&ep->mtx);
	return ok;
}

/* May the set @file watch the set @target? */
static int check_nesting(struct file *file, struct file *target)
{
	int below;

	this_visit++;
	below = nesting(target, file, 0);
	if (below < 0)
		return below;
	return below + height(file) > MAX_NESTS ? -ELOOP : 0;
}

static int check_ctl(struct file *file, struct file *target, int op,
		     const struct epoll_event *event)
{
	if (!target->f_op->poll)
		return -EPERM;
	if (file == target || !is_epoll(file))
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (op == EPOLL_CTL_ADD && (is_epoll(target) || event->events & ~EP_EXCLUSIVE_OK))
			return -EINVAL;
	}
	return 0;
}

/* ep->mtx held. */
static int ctl_item(struct eventpoll *ep, int op, int fd, struct file *target,
		    struct epoll_event *event)
{
	struct epitem *item = ep_find(ep, target, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		if (item)
			return -EEXIST;
		event->events |= POLLERR | POLLHUP;
		return ep_add(ep, event, target, fd);
	case EPOLL_CTL_DEL:
		if (!item)
			return -ENOENT;
		ep_remove(ep, item);
		return 0;
	case EPOLL_CTL_MOD:
		if (!item)
			return -ENOENT;
		if (item->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		event->events |= POLLERR | POLLHUP;
		return ep_modify(ep, item, event);
	}
	return -EINVAL;
}

static int ctl_locked(struct eventpoll *ep, int op, int fd, struct file *target,
		      struct epoll_event *event)
{
	int err;

	mutex_lock(&ep->mtx);
	err = ctl_item(ep, op, fd, target, event);
	mutex_unlock(&ep->mtx);
	return err;
}

/* The target is a set: the tree of sets changes, or is looked at from above. */
static int ctl_set(struct file *file, int op, int fd, struct file *target,
		   struct epoll_event *event)
{
	int err;

	mutex_lock(&epoll_mutex);
	err = op == EPOLL_CTL_ADD ? check_nesting(file, target) : 0;
	if (!err)
		err = ctl_locked(file->private, op, fd, target, event);
	this_visit++;
	if (!err && op == EPOLL_CTL_ADD && !ways_ok(target, 0)) {
		ctl_locked(file->private, EPOLL_CTL_DEL, fd, target, event);
		err = -EINVAL;
	}
	mutex_unlock(&epoll_mutex);
	return err;
}

static int do_epoll_ctl(struct file *file, struct file *target, int op, int fd,
			struct epoll_event *event)
{
	int err = check_ctl(file, target, op, event);

	if (err)
		return err;
	return is_epoll(target) ? ctl_set(file, op, fd, target, event)
				: ctl_locked(file->private, op, fd, target, event);
}

SYSCALL_DEFINE4(epoll_ctl, int, epfd, int, op, int, fd, struct epoll_event __user *, uevent)
{
	struct epoll_event event = {0, 0};
	struct file *file, *target;
	long err = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, uevent, sizeof(event)))
		return -EFAULT;
	file = fget((unsigned int)epfd);
	target = fget((unsigned int)fd);
	if (file && target)
		err = do_epoll_ctl(file, target, op, fd, &event);
	if (target)
		fput(target);
	if (file)
		fput(file);
	return err;
}

/* epoll_wait ----------------------------------------------------------------------------------- */

/* Reports one item that may be ready. 1: reported; 0: nothing there; -EFAULT. */
static int report(struct eventpoll *ep, struct epitem *item, struct epoll_event __user *uevent)
{
	struct epoll_event event = {ep_poll_item(item, NULL, 0), item->event.data};

	if (!event.events)
		return 0;
	if (copy_to_user(uevent, &event, sizeof(event))) {
		ep_put_ready(ep, item, true);
		return -EFAULT;
	}
	if (item->event.events & EPOLLONESHOT) {
		spin_lock_irq(&ep->lock);
		item->event.events &= EP_OPTIONS;
		spin_unlock_irq(&ep->lock);
	} else if (!(item->event.events & EPOLLET)) {
		ep_put_ready(ep, item, false);
	}
	return 1;
}

/* Up to @max events to the user: how many, or -EFAULT if not even one could be told. */
static int send_events(struct eventpoll *ep, struct epoll_event __user *uevents, int max)
{
	LIST_HEAD(list);
	struct epitem *item;
	bool more;
	int n = 0, ret = 0;

	mutex_lock(&ep->mtx);
	spin_lock_irq(&ep->lock);
	list_splice_init(&ep->ready, &list);
	ep->asking = true;
	spin_unlock_irq(&ep->lock);
	while (n < max && ret >= 0 && (item = ep_take_ready(ep, &list)) != NULL) {
		ret = report(ep, item, uevents + n);
		n += ret > 0;
	}
	spin_lock_irq(&ep->lock);
	list_splice(&list, &ep->ready);
	ep->asking = false;
	more = !list_empty(&ep->ready);
	spin_unlock_irq(&ep->lock);
	mutex_unlock(&ep->mtx);
	if (more)
		__wake_up(&ep->wait, TASK_NORMAL, 1, NULL);
	return n ? n : min(ret, 0);
}

/* May something be ready? Also while another thread asks: what it does not take comes back. */
static bool ep_ready(struct eventpoll *ep)
{
	bool ready;

	if (READ_ONCE(ep->ready.next) != &ep->ready)
		return true;
	spin_lock_irq(&ep->lock);
	ready = ep->asking || !list_empty(&ep->ready);
	spin_unlock_irq(&ep->lock);
	return ready;
}

/* Sleep until something is on the ready list. 1, 0 after the deadline, -EINTR. */
static int wait_ready(struct eventpoll *ep, u64 deadline)
{
	DEFINE_WAIT(wait);
	int ret = 0;

	for (;;) {
		int err = prepare_to_wait_event(&ep->wait, &wait, TASK_INTERRUPTIBLE, true);
		u64 now = ktime_get_ns();

		ret = ep_ready(ep) ? 1 : err ? -EINTR : 0;
		if (ret || now >= deadline)
			break;
		if (deadline == U64_MAX)
			schedule();
		else
			schedule_timeout_ns((s64)(deadline - now));
	}
	finish_wait(&ep->wait, &wait);
	return ret;
}

static long do_epoll_wait(int epfd, struct epoll_event __user *uevents, int max, u64 deadline)
{
	struct eventpoll *ep;
	struct fd f;
	int ret = -EINVAL;

	if (max <= 0 || max > MAX_EVENTS)
		return -EINVAL;
	if (!access_ok(uevents, (size_t)max * sizeof(*uevents)))
		return -EFAULT;
	f = fdget((unsigned int)epfd);
	if (!f.file)
		return -EBADF;
	if (is_epoll(f.file)) {
		ep = f.file->private;
		do {
			ret = ep_ready(ep) ? send_events(ep, uevents, max) : 0;
			if (ret || (deadline != U64_MAX && ktime_get_ns() >= deadline))
				break;
			ret = signal_pending(current) ? -EINTR : wait_ready(ep, deadline);
		} while (ret > 0);
	}
	fdput(f);
	return ret;
}

/* When a timeout in ms ends; negative: never. */
static u64 deadline_of_ms(int ms)
{
	if (ms < 0)
		return U64_MAX;
	return ms ? ktime_get_ns() + (u64)ms * NSEC_PER_MSEC : 0;
}

SYSCALL_DEFINE4(epoll_wait, int, epfd, struct epoll_event __user *, events, int, max, int, timeout)
{
	return do_epoll_wait(epfd, events, max, deadline_of_ms(timeout));
}

static long wait_with_mask(int epfd, struct epoll_event __user *events, int max, u64 deadline,
			   const sigset_t __user *mask, size_t size)
{
	long ret = set_user_sigmask(mask, size);

	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}

SYSCALL_DEFINE6(epoll_pwait, int, epfd, struct epoll_event __user *, events, int, max, int, timeout,
		const sigset_t __user *, mask, size_t, size)
{
	return wait_with_mask(epfd, events, max, deadline_of_ms(timeout), mask, size);
}

SYSCALL_DEFINE6(epoll_pwait2, int, epfd, struct epoll_event __user *, events, int, max,
		const struct timespec __user *, uts, const sigset_t __user *, mask, size_t, size)
{
	u64 deadline = U64_MAX, ns;
	int err;

	if (uts) {
		err = get_timespec(&ns, uts);
		if (err)
			return err;
		deadline = ns ? ktime_get_ns() + min_t(u64, ns, S64_MAX) : 0;
	}
	return wait_with_mask(epfd, events, max, deadline, mask, size);
}
