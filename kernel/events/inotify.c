/* SPDX-License-Identifier: MIT */
/*
 * inotify: being told what happens to files and folders.
 *
 *	struct file (inotify)                         struct inode
 *	     |                                             | i_watches
 *	     v                                             v
 *	inotify_group --watches--> inotify_watch { wd, mask } <--+
 *	     |
 *	     +--events--> inotify_event --> ...      what read(2) takes
 *
 * The file system calls notify_*() where something has happened (inotify.h). Who watches the object
 * is told; who watches the directory that it was reached through is told too, with its name. A
 * watch holds its inode, so the inode's address is the identity of what is watched. It ends when it
 * is removed, after one event (IN_ONESHOT), with the object itself, or with its file system; each
 * time IN_IGNORED is the last event.
 *
 * An event equal to the last one that is still unread is not queued again. When the queue is full
 * one event says so (IN_Q_OVERFLOW), and what comes after is lost; likewise when there is no memory.
 *
 * One spinlock guards all watches and queues: events are rare, and their work is short. Inodes are
 * put after it is dropped. dcache_lock is taken before it, never inside.
 */
#include "kernel/events/inotify.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/termios.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/slab.h"

#define IN_ALL_EVENTS  0xfffu
#define IN_ONLYDIR     0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD    0x20000000u
#define IN_ONESHOT     0x80000000u

#define IN_VALID                                                                                 \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
	 IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

/* As user space reads it; the name follows, with zeroes up to a multiple of this size. */
struct inotify_record {
	s32 wd;
	u32 mask, cookie, len;
};

/* Lock key: (l) inotify_lock; (c) constant. */
struct inotify_group {
	struct wait_queue_head wait;
	struct fasync_head fasync;
	struct list_head events;	/* (l) */
	unsigned int nr_events;		/* (l) */
	struct inotify_event *overflow; /* (c) kept ready; in no list, or in events */
	struct list_head watches;	/* (l) */
	int next_wd;			/* (l) */
};

struct inotify_watch {
	struct list_head in_group;   /* (l) */
	struct hlist_node on_inode;  /* (l) inode->i_watches */
	struct list_head all;	     /* (l) */
	struct inotify_group *group; /* (c) */
	struct inode *inode;	     /* (c) a reference */
	int wd;			     /* (c) */
	u32 mask;		     /* (l) */
};

struct inotify_event {
	struct list_head list;
	s32 wd;
	u32 mask, cookie, name_len; /* of the name without its end; 0: there is none */
	char name[];
};

static DEFINE_SPINLOCK(inotify_lock);
static LIST_HEAD(all_watches); /* inotify_lock */
static atomic_t nr_instances;
static atomic_t last_cookie;
int nr_inode_watches; /* inotify_lock to write */
int inotify_max_watches = 65536, inotify_max_instances = 128, inotify_max_events = 16384;

static const struct file_operations inotify_fops;

u32 notify_cookie(void)
{
	return (u32)atomic_inc_return(&last_cookie);
}

/* Events and their queues ---------------------------------------------------------------------- */

static struct inotify_event *new_event(s32 wd, u32 mask, u32 cookie, const struct qstr *name,
				       gfp_t gfp)
{
	struct inotify_event *event = kmalloc(sizeof(*event) + (name ? name->len : 0), gfp);

	if (!event)
		return NULL;
	*event = (struct inotify_event){.wd = wd, .mask = mask, .cookie = cookie};
	INIT_LIST_HEAD(&event->list);
	if (name) {
		event->name_len = name->len;
		memcpy(event->name, name->name, name->len);
	}
	return event;
}

static void free_event(struct inotify_group *group, struct inotify_event *event)
{
	if (event != group->overflow)
		kfree(event);
}

static void free_group(struct inotify_group *group)
{
	kfree(group->overflow);
	kfree(group);
}

static struct inotify_group *new_group(void)
{
	struct inotify_group *group = kzalloc(sizeof(*group), GFP_KERNEL);

	if (!group)
		return NULL;
	init_waitqueue_head(&group->wait);
	fasync_init(&group->fasync);
	INIT_LIST_HEAD(&group->events);
	INIT_LIST_HEAD(&group->watches);
	group->next_wd = 1;
	group->overflow = new_event(-1, IN_Q_OVERFLOW, 0, NULL, GFP_KERNEL);
	if (group->overflow)
		return group;
	free_group(group);
	return NULL;
}

/* Queueing: all with inotify_lock held --------------------------------------------------------- */

static bool same_as_last(const struct inotify_group *group, s32 wd, u32 mask, u32 cookie,
			 const struct qstr *name)
{
	const struct inotify_event *last;
	u32 len = name ? name->len : 0;

	if (list_empty(&group->events))
		return false;
	last = list_last_entry(&group->events, struct inotify_event, list);
	return last->wd == wd && last->mask == mask && last->cookie == cookie &&
	       last->name_len == len && (!len || !memcmp(last->name, name->name, len));
}

static void add_event(struct inotify_group *group, struct inotify_event *event)
{
	list_add_tail(&event->list, &group->events);
	group->nr_events++;
	__wake_up(&group->wait, TASK_NORMAL, 0, (void *)(unsigned long)(POLLIN | POLLRDNORM));
	kill_fasync(&group->fasync, FMODE_READ, POLL_IN);
}

static void queue_event(struct inotify_group *group, s32 wd, u32 mask, u32 cookie,
			const struct qstr *name)
{
	struct inotify_event *event = NULL;

	if (!(mask & IN_IGNORED) && same_as_last(group, wd, mask, cookie, name))
		return;
	if ((int)group->nr_events < READ_ONCE(inotify_max_events))
		event = new_event(wd, mask, cookie, name, GFP_ATOMIC);
	if (event)
		add_event(group, event);
	else if (list_empty(&group->overflow->list))
		add_event(group, group->overflow);
}

/* The watch ends: nobody finds it any more. The caller puts its inode and frees it later. */
static void unlink_watch(struct inotify_watch *watch)
{
	queue_event(watch->group, watch->wd, IN_IGNORED, 0, NULL);
	list_del(&watch->in_group);
	list_del(&watch->all);
	hlist_del(&watch->on_inode);
	WRITE_ONCE(nr_inode_watches, nr_inode_watches - 1);
}

static void free_watch(struct inotify_watch *watch)
{
	iput(watch->inode);
	kfree(watch);
}

/* Tells those who watch @inode. Watches that end by this come back as a list. */
static struct inotify_watch *tell(struct inode *inode, u32 mask, const struct qstr *name,
				  u32 cookie, bool unlinked)
{
	struct inotify_watch *watch, *ended = NULL;
	struct hlist_node *next;

	hlist_for_each_entry_safe (watch, next, &inode->i_watches, on_inode) {
		if (!(watch->mask & mask & ~IN_ISDIR) || (unlinked && watch->mask & IN_EXCL_UNLINK))
			continue;
		queue_event(watch->group, watch->wd, mask, cookie, name);
		if (watch->mask & IN_ONESHOT) {
			unlink_watch(watch);
			watch->in_group.next = (struct list_head *)ended;
			ended = watch;
		}
	}
	return ended;
}

static void free_ended(struct inotify_watch *ended)
{
	while (ended) {
		struct inotify_watch *next = (struct inotify_watch *)ended->in_group.next;

		free_watch(ended);
		ended = next;
	}
}

/* What the file system reports ----------------------------------------------------------------- */

static u32 isdir(const struct inode *inode)
{
	return S_ISDIR(inode->i_mode) ? IN_ISDIR : 0;
}

void __notify_name(struct inode *dir, u32 mask, const struct qstr *name, u32 cookie)
{
	struct inotify_watch *ended;

	spin_lock(&inotify_lock);
	ended = tell(dir, mask, name, cookie, false);
	spin_unlock(&inotify_lock);
	free_ended(ended);
}

void __notify_inode(struct inode *inode, u32 mask)
{
	__notify_name(inode, mask | isdir(inode), NULL, 0);
}

void __notify_dentry(struct dentry *dentry, u32 mask)
{
	struct inotify_watch *ended = NULL;
	struct inode *inode = dentry->d_inode;

	mask |= isdir(inode);
	spin_lock(&dcache_lock); /* the name and the parent stay */
	if (dentry->d_parent != dentry && !(dentry->d_flags & DCACHE_PSEUDO)) {
		spin_lock(&inotify_lock);
		ended = tell(dentry->d_parent->d_inode, mask, &dentry->d_name, 0,
			     dentry->d_flags & DCACHE_DELETED);
		spin_unlock(&inotify_lock);
	}
	spin_unlock(&dcache_lock);
	free_ended(ended);
	__notify_name(inode, mask, NULL, 0);
}

/* Ends every watch that @end selects, after telling it @mask. */
static void end_watches(const struct inode *inode, const struct super_block *sb, u32 mask)
{
	struct inotify_watch *watch, *found;

	do {
		found = NULL;
		spin_lock(&inotify_lock);
		list_for_each_entry (watch, &all_watches, all) {
			if (watch->inode == inode || watch->inode->i_sb == sb) {
				found = watch;
				break;
			}
		}
		if (found) {
			if (found->mask & mask || mask & IN_UNMOUNT)
				queue_event(found->group, found->wd, mask, 0, NULL);
			unlink_watch(found);
		}
		spin_unlock(&inotify_lock);
		if (found)
			free_watch(found);
	} while (found);
}

void __notify_gone(struct inode *inode)
{
	end_watches(inode, NULL, IN_DELETE_SELF);
}

void __notify_unmount(struct super_block *sb)
{
	end_watches(NULL, sb, IN_UNMOUNT);
}

/* Reading -------------------------------------------------------------------------------------- */

static size_t record_size(const struct inotify_event *event)
{
	return sizeof(struct inotify_record) +
	       (event->name_len ? ALIGN(event->name_len + 1, sizeof(struct inotify_record)) : 0);
}

/* The next event if it fits into @room: taken; NULL: there is none; -EINVAL: it does not fit. */
static struct inotify_event *take_event(struct inotify_group *group, size_t room)
{
	struct inotify_event *event;

	spin_lock(&inotify_lock);
	event = list_first_entry_or_null(&group->events, struct inotify_event, list);
	if (event && record_size(event) > room) {
		event = ERR_PTR(-EINVAL);
	} else if (event) {
		list_del_init(&event->list);
		group->nr_events--;
	}
	spin_unlock(&inotify_lock);
	return event;
}

static int copy_event(const struct inotify_event *event, struct iov_iter *to)
{
	size_t len = record_size(event) - sizeof(struct inotify_record);
	struct inotify_record record = {event->wd, event->mask, event->cookie, (u32)len};

	if (copy_to_iter(&record, sizeof(record), to) != sizeof(record))
		return -EFAULT;
	if (copy_to_iter(event->name, event->name_len, to) != event->name_len)
		return -EFAULT;
	len -= event->name_len;
	return iov_iter_zero(len, to) == len ? 0 : -EFAULT;
}

static ssize_t inotify_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct inotify_group *group = file->private;
	size_t start = iov_iter_count(to);
	struct inotify_event *event;
	int err;

	for (;;) {
		event = take_event(group, iov_iter_count(to));
		if (IS_ERR_OR_NULL(event)) {
			if (iov_iter_count(to) < start)
				return (ssize_t)(start - iov_iter_count(to));
			if (event)
				return PTR_ERR(event);
			if (file->f_flags & O_NONBLOCK)
				return -EAGAIN;
			err = wait_event_interruptible(&group->wait, READ_ONCE(group->nr_events));
			if (err)
				return err;
			continue;
		}
		err = copy_event(event, to);
		free_event(group, event);
		if (err)
			return err;
	}
}

static u32 inotify_poll(struct file *file, struct poll_table *table)
{
	struct inotify_group *group = file->private;

	poll_wait(file, &group->wait, table);
	return READ_ONCE(group->nr_events) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct inotify_group *group = file->private;
	struct inotify_event *event;
	size_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	spin_lock(&inotify_lock);
	list_for_each_entry (event, &group->events, list)
		bytes += record_size(event);
	spin_unlock(&inotify_lock);
	return put_user((int)bytes, (int __user *)arg);
}

static void inotify_fdinfo(struct seq_file *m, struct file *file)
{
	struct inotify_group *group = file->private;
	struct inotify_watch *watch;

	spin_lock(&inotify_lock);
	list_for_each_entry (watch, &group->watches, in_group)
		seq_printf(m, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n",
			   watch->wd, watch->inode->i_ino, (u64)watch->inode->i_sb->s_dev,
			   watch->mask & IN_ALL_EVENTS);
	spin_unlock(&inotify_lock);
}

static void inotify_release(struct inode *inode, struct file *file)
{
	struct inotify_group *group = file->private;
	struct inotify_event *event, *next;
	struct inotify_watch *watch;

	do {
		spin_lock(&inotify_lock);
		watch = list_first_entry_or_null(&group->watches, struct inotify_watch, in_group);
		if (watch)
			unlink_watch(watch);
		spin_unlock(&inotify_lock);
		if (watch)
			free_watch(watch);
	} while (watch);
	list_for_each_entry_safe (event, next, &group->events, list)
		free_event(group, event);
	free_group(group);
	atomic_dec(&nr_instances);
}

static struct fasync_head *inotify_fasync(struct file *file)
{
	struct inotify_group *group = file->private;

	return &group->fasync;
}

static const struct file_operations inotify_fops = {
	.read_iter = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.fasync = inotify_fasync,
	.llseek = noop_llseek,
	.release = inotify_release,
	.fdinfo = inotify_fdinfo,
};

/* The calls ------------------------------------------------------------------------------------ */

static long do_inotify_init(unsigned int flags)
{
	struct inotify_group *group;
	struct file *file;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (atomic_read(&nr_instances) >= READ_ONCE(inotify_max_instances))
		return -EMFILE;
	group = new_group();
	if (!group)
		return -ENOMEM;
	file = anon_inode_file("inotify", &inotify_fops, group, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		free_group(group);
		return PTR_ERR(file);
	}
	atomic_inc(&nr_instances);
	return fd_install_new(file, flags & O_CLOEXEC);
}

SYSCALL_DEFINE1(inotify_init1, int, flags)
{
	return do_inotify_init((unsigned int)flags);
}

SYSCALL_DEFINE0(inotify_init)
{
	return do_inotify_init(0);
}

/* inotify_lock held. */
static struct inotify_watch *find_watch(struct inotify_group *group, const struct inode *inode,
					int wd)
{
	struct inotify_watch *watch;

	list_for_each_entry (watch, &group->watches, in_group)
		if (watch->inode == inode || watch->wd == wd)
			return watch;
	return NULL;
}

/* @new takes effect, or the watch that is there already is changed: then *new stays the caller's. */
static int add_watch(struct inotify_group *group, struct inode *inode, u32 mask,
		     struct inotify_watch **new)
{
	u32 events = (mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)) | IN_UNMOUNT;
	struct inotify_watch *watch = find_watch(group, inode, -1);

	if (watch) {
		if (mask & IN_MASK_CREATE)
			return -EEXIST;
		watch->mask = mask & IN_MASK_ADD ? watch->mask | events : events;
		return watch->wd;
	}
	if (nr_inode_watches >= READ_ONCE(inotify_max_watches))
		return -ENOSPC;
	watch = *new;
	*new = NULL;
	ihold(inode);
	*watch = (struct inotify_watch){
		.group = group, .inode = inode, .wd = group->next_wd++, .mask = events};
	list_add_tail(&watch->in_group, &group->watches);
	list_add_tail(&watch->all, &all_watches);
	hlist_add_head(&watch->on_inode, &inode->i_watches);
	WRITE_ONCE(nr_inode_watches, nr_inode_watches + 1);
	return watch->wd;
}

static int watch_path(struct inotify_group *group, const char __user *name, u32 mask)
{
	unsigned int lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			      (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct inotify_watch *new;
	struct path path;
	int ret = user_path_at(AT_FDCWD, name, lookup, &path);

	if (ret)
		return ret;
	ret = inode_permission(path.dentry->d_inode, MAY_READ);
	if (!ret) {
		new = kmalloc(sizeof(*new), GFP_KERNEL);
		ret = -ENOMEM;
		if (new) {
			spin_lock(&inotify_lock);
			ret = add_watch(group, path.dentry->d_inode, mask, &new);
			spin_unlock(&inotify_lock);
			kfree(new);
		}
	}
	path_put(&path);
	return ret;
}

/* A descriptor that is an inotify, or .file NULL with the reason in *err. fdput() it. */
static struct fd inotify_get(int ufd, long *err)
{
	struct fd f = fdget((unsigned int)ufd);

	*err = f.file ? -EINVAL : -EBADF;
	if (f.file && f.file->f_op != &inotify_fops) {
		fdput(f);
		f = (struct fd){NULL, 0};
	}
	return f;
}

SYSCALL_DEFINE3(inotify_add_watch, int, ufd, const char __user *, name, u32, mask)
{
	struct fd f;
	long ret;

	if (!(mask & IN_VALID))
		return -EINVAL;
	f = inotify_get(ufd, &ret);
	if (!f.file && ret == -EBADF)
		return ret;
	if (!f.file || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
		ret = -EINVAL;
	else
		ret = watch_path(f.file->private, name, mask);
	if (f.file)
		fdput(f);
	return ret;
}

SYSCALL_DEFINE2(inotify_rm_watch, int, ufd, int, wd)
{
	struct inotify_group *group;
	struct inotify_watch *watch;
	struct fd f;
	long ret;

	f = inotify_get(ufd, &ret);
	if (!f.file)
		return ret;
	group = f.file->private;
	spin_lock(&inotify_lock);
	watch = find_watch(group, NULL, wd);
	if (watch)
		unlink_watch(watch);
	spin_unlock(&inotify_lock);
	if (watch)
		free_watch(watch);
	fdput(f);
	return watch ? 0 : -EINVAL;
}
