/* SPDX-License-Identifier: MIT */
/*
 * epoll: a set of files to be waited for, that remembers who has become ready.
 *
 *	struct file (epoll)                                struct file (watched)
 *	     |                                                  |  f_watches
 *	     v                                                  v
 *	 eventpoll --items (tree by file, fd)--> epitem <-------+
 *	     |                                     |  wakes: one ep_wake for each wait queue
 *	     +--ready (list)-------> epitem        v
 *	                                        wait queue of the watched file
 *
 * A wake-up of the watched file runs ep_wake_fn(), which puts the item on the ready list and wakes
 * who sleeps in epoll_wait(). Being on that list is a rumour: epoll_wait() asks the file itself
 * and drops the item if there is nothing. A level-triggered item that did have events goes back to
 * the end of the list, so the next epoll_wait() asks it again; an edge-triggered one stays off
 * until the next wake-up. EPOLLONESHOT clears the item's events, until EPOLL_CTL_MOD sets them.
 *
 * READY-LINKED: an item is taken off the list before its file is asked. A wake-up that comes after
 * the question finds it unlinked and links it again: no event between question and answer is lost.
 *
 * An item does not hold its file. When the file's last reference goes, epoll_release_file() takes
 * the items away before the file's release is called; so under ep->mtx, with the item still in the
 * tree, the file and its wait queues exist. The one exception is a signalfd, whose queue belongs to
 * the process that made the watch: as that process ends, wake_up_pollfree() takes the entries off,
 * and RCU keeps the queue's memory until who was about to take them off himself has seen that.
 *
 * An epoll file can itself be watched by another, not in circles and not more than MAX_NESTS deep.
 *
 * Locks, outermost first: epoll_mutex (the ends of files and sets, and nesting), ep->mtx of the
 * outer set, of the inner set (subclass = depth); then, with interrupts off: the wait queue of the
 * file, ep->lock, ep->wait or ep->pollers. A wake-up of ep->pollers can run ep_wake_fn() of an outer
 * set, so such locks nest by depth (ep_wake_pollers).
 */
#include "kernel/events/epoll.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/file.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/percpu.h"
#include "kernel/proc_internal.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/rbtree.h"
#include "mm/slab.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET	       (1u << 31)

#define EP_OPTIONS (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EP_EXCLUSIVE_OK \
	(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

#define MAX_NESTS  4 /* sets that a set may have below it, one in another */
#define MAX_EVENTS ((int)(INT_MAX / sizeof(struct epoll_event)))

struct epoll_event {
	u32 events;
	u64 data;
} __packed;

/* Lock keys: (m) ep->mtx; (l) ep->lock; (c) constant; (e) epoll_mutex. */
struct eventpoll {
	struct mutex mtx;
	spinlock_t lock;
	struct list_head ready;		/* (l) */
	struct wait_queue_head wait;	/* epoll_wait() sleeps here */
	struct wait_queue_head pollers; /* and here who polls the epoll file */
	struct rb_root items;		/* (m) */
	struct file *file;		/* (c) */
};

struct epitem {
	struct rb_node node;	  /* (m) */
	struct eventpoll *ep;	  /* (c) */
	struct file *file;	  /* (c) not counted */
	int fd;			  /* (c) */
	struct list_head ready;	  /* (l) READY-LINKED */
	struct list_head watch;	  /* (e) in file->f_watches */
	struct ep_wake *wakes;	  /* (m) */
	struct epoll_event event; /* (m to write, with (l)) */
};

/* The entry in one wait queue of the watched file. */
struct ep_wake {
	struct wait_queue_entry wait;
	struct wait_queue_head *wq; /* NULL once the queue has gone (POLLFREE) */
	struct epitem *item;
	struct ep_wake *next;
};

/* What poll_wait() needs while a watch is made. */
struct ep_queue {
	struct poll_table table;
	struct epitem *item;
	int error;
};

static DEFINE_MUTEX(epoll_mutex);
static atomic_long_t nr_watches;
int epoll_max_watches = 1 << 20;

/* How deep wake-ups of pollers are nested on this CPU; interrupts are off all the while. */
static DEFINE_PER_CPU(unsigned int, wake_depth);

static const struct file_operations eventpoll_fops;

static bool is_epoll(const struct file *file)
{
	return file->f_op == &eventpoll_fops;
}

/* Wake-ups ------------------------------------------------------------------------------------- */

/* Wakes who polls the epoll file; each may be another set, and its pollers others again. */
static void ep_wake_pollers(struct eventpoll *ep)
{
	unsigned long flags;
	unsigned int depth;

	smp_mb();
	if (!waitqueue_active(&ep->pollers))
		return;
	local_irq_save(flags);
	depth = this_cpu_read(wake_depth);
	this_cpu_write(wake_depth, depth + 1);
	spin_lock_nested(&ep->pollers.lock, depth);
	__wake_up_locked(&ep->pollers, TASK_NORMAL, 0, (void *)(unsigned long)POLLIN);
	spin_unlock(&ep->pollers.lock);
	this_cpu_write(wake_depth, depth);
	local_irq_restore(flags);
}

/* An exclusive watch uses up the wake-up only if it was for an event that somebody waits for. */
static int used_up(const struct epitem *item, u32 key, bool woken)
{
	u32 want = item->event.events;

	if (!(want & EPOLLEXCLUSIVE))
		return 1;
	if (!woken)
		return 0;
	if (!(key & (POLLIN | POLLOUT)))
		return 1;
	return (want & key & (POLLIN | POLLOUT)) != 0;
}

static int ep_wake_fn(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct ep_wake *wake = container_of(wait, struct ep_wake, wait);
	struct epitem *item = wake->item;
	struct eventpoll *ep = item->ep;
	u32 events = (u32)(unsigned long)key;
	unsigned long irq;
	bool woken = false, wanted;

	spin_lock_irqsave(&ep->lock, irq);
	wanted = item->event.events & ~EP_OPTIONS && (!events || events & item->event.events);
	if (wanted && list_empty(&item->ready))
		list_add_tail(&item->ready, &ep->ready);
	if (wanted && waitqueue_active(&ep->wait)) {
		woken = true;
		__wake_up(&ep->wait, TASK_NORMAL, 1, NULL);
	}
	wanted = wanted && used_up(item, events, woken || waitqueue_active(&ep->pollers));
	spin_unlock_irqrestore(&ep->lock, irq);
	if (wanted)
		ep_wake_pollers(ep);
	if (events & POLLFREE) {
		list_del_init(&wait->entry);
		smp_store_release(&wake->wq, NULL); /* from here on *wake may be freed */
	}
	return wanted;
}

void wake_up_pollfree(struct wait_queue_head *wq)
{
	__wake_up(wq, TASK_NORMAL, 0, (void *)(unsigned long)(POLLHUP | POLLFREE));
}

/* Something is on the ready list: tell one sleeper and the pollers. */
static void ep_announce(struct eventpoll *ep)
{
	__wake_up(&ep->wait, TASK_NORMAL, 1, NULL);
	ep_wake_pollers(ep);
}

/* Items ---------------------------------------------------------------------------------------- */

static int compare(const struct file *file, int fd, const struct epitem *item)
{
	if (file != item->file)
		return file < item->file ? -1 : 1;
	return fd - item->fd;
}

static struct epitem *ep_find(struct eventpoll *ep, const struct file *file, int fd)
{
	struct rb_node *node = ep->items.rb_node;

	while (node) {
		struct epitem *item = rb_entry(node, struct epitem, node);
		int c = compare(file, fd, item);

		if (!c)
			return item;
		node = c < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void ep_insert_node(struct eventpoll *ep, struct epitem *item)
{
	struct rb_node **link = &ep->items.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare(item->file, item->fd, rb_entry(parent, struct epitem, node)) < 0
			       ? &parent->rb_left
			       : &parent->rb_right;
	}
	rb_link_node(&item->node, parent, link);
	rb_insert_color(&item->node, &ep->items);
}

static u32 ep_poll_set(struct file *file, struct poll_table *table, unsigned int depth);

/* What is true of the item's file that the item wants to know. ep->mtx held at @depth. */
static u32 item_poll(struct epitem *item, struct poll_table *table, unsigned int depth)
{
	u32 now = is_epoll(item->file) ? ep_poll_set(item->file, table, depth + 1)
				       : vfs_poll(item->file, table);

	return now & item->event.events;
}

static void ep_queue_fn(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct ep_queue *queue = container_of(table, struct ep_queue, table);
	struct epitem *item = queue->item;
	struct ep_wake *wake = kmalloc(sizeof(*wake), GFP_KERNEL);

	if (!wake) {
		queue->error = -ENOMEM;
		return;
	}
	init_waitqueue_func_entry(&wake->wait, ep_wake_fn);
	wake->wq = wq;
	wake->item = item;
	wake->next = item->wakes;
	item->wakes = wake;
	if (item->event.events & EPOLLEXCLUSIVE)
		add_wait_queue_exclusive(wq, &wake->wait);
	else
		add_wait_queue(wq, &wake->wait);
}

/* After this no wake-up reaches the item. */
static void drop_wakes(struct epitem *item)
{
	while (item->wakes) {
		struct ep_wake *wake = item->wakes;
		struct wait_queue_head *wq;

		item->wakes = wake->next;
		rcu_read_lock();
		wq = smp_load_acquire(&wake->wq);
		if (wq)
			remove_wait_queue(wq, &wake->wait);
		rcu_read_unlock();
		kfree(wake);
	}
}

/* ep->mtx held, and epoll_mutex if the file is a set, or its release or the set's is why. */
static void ep_remove(struct eventpoll *ep, struct epitem *item)
{
	struct file *file = item->file;

	drop_wakes(item);
	spin_lock(&file->f_lock);
	list_del(&item->watch);
	if (list_empty(file->f_watches)) {
		kfree(file->f_watches);
		WRITE_ONCE(file->f_watches, NULL);
	}
	spin_unlock(&file->f_lock);
	rb_erase(&item->node, &ep->items);
	spin_lock_irq(&ep->lock);
	list_del_init(&item->ready);
	spin_unlock_irq(&ep->lock);
	kfree(item);
	atomic_long_dec(&nr_watches);
}

/* The item joins the list of its file's watches, which the first one makes. */
static int add_watch(struct file *file, struct epitem *item)
{
	struct list_head *head = kmalloc(sizeof(*head), GFP_KERNEL);

	if (!head)
		return -ENOMEM;
	INIT_LIST_HEAD(head);
	spin_lock(&file->f_lock);
	if (!file->f_watches) {
		WRITE_ONCE(file->f_watches, head);
		head = NULL;
	}
	list_add_tail(&item->watch, file->f_watches);
	spin_unlock(&file->f_lock);
	kfree(head);
	return 0;
}

static int ep_add(struct eventpoll *ep, const struct epoll_event *event, struct file *file, int fd)
{
	struct ep_queue queue = {.table = {ep_queue_fn, ~0u}};
	struct epitem *item;
	bool ready;
	int err;

	if (atomic_long_read(&nr_watches) >= READ_ONCE(epoll_max_watches))
		return -ENOSPC;
	item = kzalloc(sizeof(*item), GFP_KERNEL);
	if (!item)
		return -ENOMEM;
	*item = (struct epitem){.ep = ep, .file = file, .fd = fd, .event = *event};
	INIT_LIST_HEAD(&item->ready);
	err = add_watch(file, item);
	if (err) {
		kfree(item);
		return err;
	}
	atomic_long_inc(&nr_watches);
	ep_insert_node(ep, item);
	queue.item = item;
	ready = item_poll(item, &queue.table, 0);
	if (queue.error) {
		ep_remove(ep, item);
		return queue.error;
	}
	spin_lock_irq(&ep->lock);
	if (ready && list_empty(&item->ready))
		list_add_tail(&item->ready, &ep->ready);
	spin_unlock_irq(&ep->lock);
	if (ready)
		ep_announce(ep);
	return 0;
}

static int ep_modify(struct eventpoll *ep, struct epitem *item, const struct epoll_event *event)
{
	bool ready;

	spin_lock_irq(&ep->lock);
	item->event = *event;
	spin_unlock_irq(&ep->lock);
	/* against a wake-up that looked at the old events: the file is asked after the new ones are set */
	smp_mb();
	ready = item_poll(item, NULL, 0);
	spin_lock_irq(&ep->lock);
	if (ready && list_empty(&item->ready))
		list_add_tail(&item->ready, &ep->ready);
	spin_unlock_irq(&ep->lock);
	if (ready)
		ep_announce(ep);
	return 0;
}

/* The epoll file -------------------------------------------------------------------------------- */

/* Takes the first item off the ready list. ep->mtx held. */
static struct epitem *take_ready(struct eventpoll *ep, struct list_head *list)
{
	struct epitem *item;

	spin_lock_irq(&ep->lock);
	item = list_first_entry_or_null(list, struct epitem, ready);
	if (item)
		list_del_init(&item->ready);
	spin_unlock_irq(&ep->lock);
	return item;
}

static void put_ready(struct eventpoll *ep, struct epitem *item, bool front)
{
	spin_lock_irq(&ep->lock);
	if (list_empty(&item->ready)) {
		if (front)
			list_add(&item->ready, &ep->ready);
		else
			list_add_tail(&item->ready, &ep->ready);
	}
	spin_unlock_irq(&ep->lock);
}

/* Is anything in the set ready? Drops the rumours that are not true. */
static u32 ep_poll_set(struct file *file, struct poll_table *table, unsigned int depth)
{
	struct eventpoll *ep = file->private;
	struct epitem *item;
	u32 mask = 0;

	poll_wait(file, &ep->pollers, table);
	mutex_lock_nested(&ep->mtx, depth);
	while (!mask && (item = take_ready(ep, &ep->ready)) != NULL) {
		if (item_poll(item, NULL, depth)) {
			put_ready(ep, item, true);
			mask = POLLIN | POLLRDNORM;
		}
	}
	mutex_unlock(&ep->mtx);
	return mask;
}

static u32 ep_poll(struct file *file, struct poll_table *table)
{
	return ep_poll_set(file, table, 0);
}

static void ep_release(struct inode *inode, struct file *file)
{
	struct eventpoll *ep = file->private;
	struct rb_node *node;

	mutex_lock(&epoll_mutex);
	mutex_lock(&ep->mtx);
	while ((node = rb_first(&ep->items)) != NULL)
		ep_remove(ep, rb_entry(node, struct epitem, node));
	mutex_unlock(&ep->mtx);
	mutex_unlock(&epoll_mutex);
	kfree(ep);
}

void epoll_forget_file(struct file *file)
{
	struct list_head *watches;

	mutex_lock(&epoll_mutex);
	while ((watches = READ_ONCE(file->f_watches)) != NULL) {
		struct epitem *item = list_first_entry(watches, struct epitem, watch);
		struct eventpoll *ep = item->ep;

		mutex_lock(&ep->mtx);
		ep_remove(ep, item);
		mutex_unlock(&ep->mtx);
	}
	mutex_unlock(&epoll_mutex);
}

static void ep_fdinfo(struct seq_file *m, struct file *file)
{
	struct eventpoll *ep = file->private;
	struct rb_node *node;

	mutex_lock(&ep->mtx);
	for (node = rb_first(&ep->items); node; node = rb_next(node)) {
		struct epitem *item = rb_entry(node, struct epitem, node);
		struct inode *inode = item->file->f_inode;

		seq_printf(m, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%llx\n",
			   item->fd, item->event.events, item->event.data, item->file->f_pos,
			   inode->i_ino, (u64)inode->i_sb->s_dev);
	}
	mutex_unlock(&ep->mtx);
}

static const struct file_operations eventpoll_fops = {
	.poll = ep_poll,
	.release = ep_release,
	.llseek = noop_llseek,
	.fdinfo = ep_fdinfo,
};

static long do_epoll_create(unsigned int flags)
{
	struct eventpoll *ep;
	struct file *file;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->mtx);
	spin_lock_init(&ep->lock);
	INIT_LIST_HEAD(&ep->ready);
	init_waitqueue_head(&ep->wait);
	init_waitqueue_head(&ep->pollers);
	file = anon_inode_file("[eventpoll]", &eventpoll_fops, ep, O_RDWR);
	if (IS_ERR(file)) {
		kfree(ep);
		return PTR_ERR(file);
	}
	ep->file = file;
	return fd_install_new(file, flags);
}

SYSCALL_DEFINE1(epoll_create1, int, flags)
{
	return do_epoll_create((unsigned int)flags);
}

SYSCALL_DEFINE1(epoll_create, int, size)
{
	return size > 0 ? do_epoll_create(0) : -EINVAL;
}

/* epoll_ctl ------------------------------------------------------------------------------------ */

/*
 * How many sets lie below @file, one in another, itself counted; -ELOOP if @top is among them.
 * epoll_mutex held: nobody else nests sets, and none that is watched goes away.
 */
static int nesting(struct file *file, const struct file *top, int depth)
{
	struct eventpoll *ep = file->private;
	struct rb_node *node;
	int below = 0;

	if (file == top || depth > MAX_NESTS)
		return -ELOOP;
	mutex_lock_nested(&ep->mtx, (unsigned int)depth);
	for (node = rb_first(&ep->items); node && below >= 0; node = rb_next(node)) {
		struct epitem *item = rb_entry(node, struct epitem, node);
		int n = is_epoll(item->file) ? nesting(item->file, top, depth + 1) : 0;

		below = n < 0 ? n : max(below, n);
	}
	mutex_unlock(&ep->mtx);
	return below < 0 ? below : below + 1;
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

/* May the set @file watch the set @target? */
static int check_nesting(struct file *file, struct file *target)
{
	int below = nesting(target, file, 0);

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
	struct epoll_event event = {item_poll(item, NULL, 0), item->event.data};

	if (!event.events)
		return 0;
	if (copy_to_user(uevent, &event, sizeof(event))) {
		put_ready(ep, item, true);
		return -EFAULT;
	}
	if (item->event.events & EPOLLONESHOT) {
		spin_lock_irq(&ep->lock);
		item->event.events &= EP_OPTIONS;
		spin_unlock_irq(&ep->lock);
	} else if (!(item->event.events & EPOLLET)) {
		put_ready(ep, item, false);
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
	spin_unlock_irq(&ep->lock);
	while (n < max && ret >= 0 && (item = take_ready(ep, &list)) != NULL) {
		ret = report(ep, item, uevents + n);
		n += ret > 0;
	}
	spin_lock_irq(&ep->lock);
	list_splice(&list, &ep->ready);
	more = !list_empty(&ep->ready);
	spin_unlock_irq(&ep->lock);
	mutex_unlock(&ep->mtx);
	if (more)
		__wake_up(&ep->wait, TASK_NORMAL, 1, NULL);
	return n ? n : min(ret, 0);
}

static bool ep_ready(struct eventpoll *ep)
{
	return READ_ONCE(ep->ready.next) != &ep->ready;
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
