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
 * An epoll file can itself be watched by another, not in circles and not more than MAX_NESTS deep. A
 * wake-up goes up every way there is, with interrupts off, and sets that watch sets in layers would
 * make ways without end: no set has more than MAX_WAYS above it (epoll_calls.c).
 *
 * Locks, outermost first: epoll_mutex (the ends of files and sets, and nesting), ep->mtx of the
 * outer set, of the inner set (subclass = depth); then, with interrupts off: the wait queue of the
 * file, ep->lock, ep->wait or ep->pollers. A wake-up of ep->pollers can run ep_wake_fn() of an outer
 * set, so such locks nest by depth (ep_wake_pollers).
 */
#include "kernel/events/epoll_internal.h"
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

DEFINE_MUTEX(epoll_mutex);
/* What poll_wait() needs while a watch is made. */
struct ep_queue {
	struct poll_table table;
	struct epitem *item;
	int error;
};

static atomic_long_t nr_watches;
int epoll_max_watches = 1 << 20;

/* How deep wake-ups of pollers are nested on this CPU; interrupts are off all the while. */
static DEFINE_PER_CPU(unsigned int, wake_depth);

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

struct epitem *ep_find(struct eventpoll *ep, const struct file *file, int fd)
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
u32 ep_poll_item(struct epitem *item, struct poll_table *table, unsigned int depth)
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
void ep_remove(struct eventpoll *ep, struct epitem *item)
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

int ep_add(struct eventpoll *ep, const struct epoll_event *event, struct file *file, int fd)
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
	ready = ep_poll_item(item, &queue.table, 0);
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

int ep_modify(struct eventpoll *ep, struct epitem *item, const struct epoll_event *event)
{
	bool ready;

	spin_lock_irq(&ep->lock);
	item->event = *event;
	spin_unlock_irq(&ep->lock);
	/* against a wake-up that looked at the old events: the file is asked after the new ones are set */
	smp_mb();
	ready = ep_poll_item(item, NULL, 0);
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
struct epitem *ep_take_ready(struct eventpoll *ep, struct list_head *list)
{
	struct epitem *item;

	spin_lock_irq(&ep->lock);
	item = list_first_entry_or_null(list, struct epitem, ready);
	if (item)
		list_del_init(&item->ready);
	spin_unlock_irq(&ep->lock);
	return item;
}

void ep_put_ready(struct eventpoll *ep, struct epitem *item, bool front)
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

static void ep_set_asking(struct eventpoll *ep, bool asking)
{
	spin_lock_irq(&ep->lock);
	ep->asking = asking;
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
	ep_set_asking(ep, true);
	while (!mask && (item = ep_take_ready(ep, &ep->ready)) != NULL) {
		if (ep_poll_item(item, NULL, depth)) {
			ep_put_ready(ep, item, true);
			mask = POLLIN | POLLRDNORM;
		}
	}
	ep_set_asking(ep, false);
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

const struct file_operations eventpoll_fops = {
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
