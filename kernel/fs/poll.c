/* SPDX-License-Identifier: MIT */
/*
 * poll, ppoll, select, pselect6.
 *
 *      ask every file, hanging an entry on each of its wait queues      (first round only)
 *      any ready? timeout over? signal?  --yes-->  take the entries off, report
 *             | no
 *             sleep until an entry's function runs, or the time is over; ask again
 *
 * The entry's function sets `triggered` before it wakes the task, and the task clears it before it
 * asks the files: a wake-up between asking and sleeping is not lost, because the sleep looks at
 * `triggered` once more.
 *
 * Entries hold a reference to their file, so that the wait queue inside it stays while somebody is
 * queued there, even if another thread closes the descriptor.
 */
#include "kernel/fs/poll.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uapi/time.h"
#include "arch/x86_64/uaccess.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

#define DEFAULT_POLLMASK (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define NO_TIMEOUT	 S64_MAX

struct poll_entry {
	struct wait_queue_entry wait;
	struct wait_queue_head *wq;
	struct file *file;
	u32 key;
	struct poll_wqueues *pwq;
};

#define INLINE_ENTRIES 6
#define CHUNK_ENTRIES  30

struct poll_chunk {
	struct poll_chunk *next;
	unsigned int nr;
	struct poll_entry entries[CHUNK_ENTRIES];
};

struct poll_wqueues {
	struct poll_table table;
	struct task *task;
	int triggered;
	int error;
	unsigned int nr_inline;
	struct poll_chunk *chunks;
	struct poll_entry entries[INLINE_ENTRIES];
};

u32 vfs_poll(struct file *file, struct poll_table *table)
{
	return file->f_op->poll ? file->f_op->poll(file, table) : DEFAULT_POLLMASK;
}

/* Waiting -------------------------------------------------------------------------------------- */

static int poll_wake(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct poll_entry *entry = container_of(wait, struct poll_entry, wait);
	struct poll_wqueues *pwq = entry->pwq;

	if (key && !((unsigned long)key & entry->key))
		return 0;
	WRITE_ONCE(pwq->triggered, 1);
	smp_mb();
	return wake_up_process(pwq->task);
}

static struct poll_entry *new_entry(struct poll_wqueues *pwq)
{
	struct poll_chunk *chunk = pwq->chunks;

	if (pwq->nr_inline < INLINE_ENTRIES)
		return &pwq->entries[pwq->nr_inline++];
	if (!chunk || chunk->nr == CHUNK_ENTRIES) {
		chunk = kmalloc(sizeof(*chunk), GFP_KERNEL);
		if (!chunk) {
			pwq->error = -ENOMEM;
			return NULL;
		}
		chunk->nr = 0;
		chunk->next = pwq->chunks;
		pwq->chunks = chunk;
	}
	return &chunk->entries[chunk->nr++];
}

static void poll_queue(struct file *file, struct wait_queue_head *wq, struct poll_table *table)
{
	struct poll_wqueues *pwq = container_of(table, struct poll_wqueues, table);
	struct poll_entry *entry = new_entry(pwq);

	if (!entry)
		return;
	entry->file = get_file(file);
	entry->wq = wq;
	entry->key = table->key | POLLERR | POLLHUP;
	entry->pwq = pwq;
	init_waitqueue_func_entry(&entry->wait, poll_wake);
	add_wait_queue(wq, &entry->wait);
}

static void poll_begin(struct poll_wqueues *pwq)
{
	pwq->table.queue = poll_queue;
	pwq->table.key = ~0u;
	pwq->task = current;
	pwq->triggered = 0;
	pwq->error = 0;
	pwq->nr_inline = 0;
	pwq->chunks = NULL;
}

static void free_entry(struct poll_entry *entry)
{
	remove_wait_queue(entry->wq, &entry->wait);
	fput(entry->file);
}

static void poll_end(struct poll_wqueues *pwq)
{
	for (unsigned int i = 0; i < pwq->nr_inline; i++)
		free_entry(&pwq->entries[i]);
	while (pwq->chunks) {
		struct poll_chunk *chunk = pwq->chunks;

		for (unsigned int i = 0; i < chunk->nr; i++)
			free_entry(&chunk->entries[i]);
		pwq->chunks = chunk->next;
		kfree(chunk);
	}
}

/* Sleep until triggered or the end of time. False: the time is over. */
static bool poll_sleep(struct poll_wqueues *pwq, u64 deadline)
{
	bool in_time = true;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(pwq->triggered)) {
		if (deadline == (u64)NO_TIMEOUT) {
			schedule();
		} else {
			s64 left = deadline - ktime_get_ns();

			in_time = left > 0 && schedule_timeout_ns(left) > 0;
		}
	}
	set_current_state(TASK_RUNNING);
	WRITE_ONCE(pwq->triggered, 0);
	smp_mb();
	return in_time;
}

/* When a relative timeout ends; < 0: never. */
static u64 poll_deadline(s64 timeout_ns)
{
	u64 now;

	if (timeout_ns < 0)
		return NO_TIMEOUT;
	now = ktime_get_ns();
	return timeout_ns < NO_TIMEOUT - (s64)now ? now + timeout_ns : (u64)NO_TIMEOUT;
}

/* The loop around all forms: @scan asks the files and returns how many are ready, or -E. */
static int poll_loop(struct poll_wqueues *pwq, int (*scan)(struct poll_wqueues *pwq, void *arg),
		     void *arg, s64 timeout_ns)
{
	u64 deadline = timeout_ns ? poll_deadline(timeout_ns) : 0;
	bool in_time = timeout_ns != 0;
	int ready;

	if (!in_time)
		pwq->table.queue = NULL;
	for (;;) {
		ready = scan(pwq, arg);
		pwq->table.queue = NULL;
		if (ready)
			return ready;
		if (pwq->error)
			return pwq->error;
		if (!in_time)
			return 0;
		if (signal_pending(current))
			return -ERESTARTNOHAND;
		in_time = poll_sleep(pwq, deadline);
	}
}

/* poll ----------------------------------------------------------------------------------------- */

struct pollfd {
	int fd;
	s16 events;
	s16 revents;
};

#define INLINE_POLLFDS 16

struct poll_set {
	struct pollfd *fds;
	unsigned int nr;
};

static u32 poll_one(struct poll_wqueues *pwq, struct pollfd *pfd)
{
	u32 want = (u16)pfd->events | POLLERR | POLLHUP, mask;
	struct fd f;

	if (pfd->fd < 0)
		return 0;
	f = fdget(pfd->fd);
	if (!f.file)
		return POLLNVAL;
	pwq->table.key = want;
	mask = vfs_poll(f.file, &pwq->table) & want;
	fdput(f);
	return mask;
}

static int poll_scan(struct poll_wqueues *pwq, void *arg)
{
	struct poll_set *set = arg;
	int ready = 0;

	for (unsigned int i = 0; i < set->nr; i++) {
		set->fds[i].revents = poll_one(pwq, &set->fds[i]);
		if (set->fds[i].revents) {
			ready++;
			pwq->table.queue = NULL;
		}
	}
	return ready;
}

/* As many as there may be descriptors: more than can be had in one piece of memory. */
static struct pollfd *alloc_pollfds(unsigned int nr)
{
	size_t size = nr * sizeof(struct pollfd);

	return size <= PAGE_SIZE ? kmalloc(size, GFP_KERNEL) : vmalloc(size);
}

static void free_pollfds(struct pollfd *fds, unsigned int nr)
{
	if (nr * sizeof(*fds) <= PAGE_SIZE)
		kfree(fds);
	else
		vfree(fds);
}

static long do_poll(struct pollfd __user *ufds, unsigned int nr, s64 timeout_ns)
{
	struct pollfd fast[INLINE_POLLFDS];
	struct poll_set set = {fast, nr};
	struct poll_wqueues pwq;
	long ret = -EFAULT;

	if (nr > rlimit_of(current->signal, RLIMIT_NOFILE))
		return -EINVAL;
	if (nr > INLINE_POLLFDS) {
		set.fds = alloc_pollfds(nr);
		if (!set.fds)
			return -ENOMEM;
	}
	if (copy_from_user(set.fds, ufds, nr * sizeof(*ufds)))
		goto out;
	poll_begin(&pwq);
	ret = poll_loop(&pwq, poll_scan, &set, timeout_ns);
	poll_end(&pwq);
	/* Also when a signal came first: then nothing was found. */
	for (unsigned int i = 0; ret != -EFAULT && i < nr; i++) {
		if (put_user(set.fds[i].revents, &ufds[i].revents))
			ret = -EFAULT;
	}
out:
	if (set.fds != fast)
		free_pollfds(set.fds, nr);
	return ret;
}

/* poll(2) goes on with the same end of time after a signal without a handler. */
static long poll_restart(struct restart_block *restart)
{
	struct pollfd __user *ufds = (struct pollfd __user *)restart->arg[0];
	s64 left =
		restart->arg[2] == (u64)NO_TIMEOUT ? -1 : (s64)(restart->arg[2] - ktime_get_ns());
	long ret = do_poll(ufds, restart->arg[1],
			   restart->arg[2] == (u64)NO_TIMEOUT ? -1 : max_t(s64, left, 0));

	return ret == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : ret;
}

SYSCALL_DEFINE3(poll, struct pollfd __user *, fds, unsigned int, nr, int, timeout_ms)
{
	s64 timeout = timeout_ms < 0 ? -1 : timeout_ms * 1000000LL;
	u64 deadline = poll_deadline(timeout);
	long ret = do_poll(fds, nr, timeout);

	if (ret == -ERESTARTNOHAND) {
		struct restart_block *restart = &current->restart_block;

		restart->fn = poll_restart;
		restart->arg[0] = (__force unsigned long)fds;
		restart->arg[1] = nr;
		restart->arg[2] = deadline;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* Timeouts of ppoll and pselect6: a timespec that is also told how much was left. */
static int get_timeout(const struct timespec __user *uts, s64 *timeout_ns)
{
	struct timespec ts;

	*timeout_ns = -1;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*timeout_ns =
		ts.tv_sec > S64_MAX / NSEC_PER_SEC - 1 ? -1 : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

static s64 time_left(u64 deadline)
{
	u64 now = ktime_get_ns();

	return deadline > now ? deadline - now : 0;
}

static void put_time_left(struct timespec __user *uts, u64 deadline)
{
	s64 left = time_left(deadline);
	struct timespec ts = {left / NSEC_PER_SEC, left % NSEC_PER_SEC};

	if (copy_to_user(uts, &ts, sizeof(ts)))
		return; /* a constant timeout in read-only memory is fine */
}

SYSCALL_DEFINE5(ppoll, struct pollfd __user *, fds, unsigned int, nr, struct timespec __user *, uts,
		const sigset_t __user *, mask, size_t, mask_size)
{
	s64 timeout;
	u64 deadline;
	long ret = get_timeout(uts, &timeout);

	if (!ret)
		ret = set_user_sigmask(mask, mask_size);
	if (ret)
		return ret;
	deadline = poll_deadline(timeout);
	ret = do_poll(fds, nr, timeout);
	restore_saved_sigmask_unless(ret == -ERESTARTNOHAND);
	if (uts && timeout >= 0)
		put_time_left(uts, deadline);
	return ret;
}

/* select --------------------------------------------------------------------------------------- */

#define SELECT_IN  (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX  (POLLPRI)

#define INLINE_SELECT_WORDS 16 /* of each of the six bitmaps: 1024 descriptors */

/* in, out, ex as asked; then as found. */
struct select_set {
	unsigned int nr;
	bool all_open; /* they were, when the call began */
	unsigned long *map[6];
};

/* POLLNVAL: not open. An O_PATH file has no data, which is news to all who ask, as on Linux. */
static u32 select_one(struct poll_wqueues *pwq, struct select_set *set, unsigned int fd)
{
	struct fd f = fdget_raw(fd);
	u32 mask;

	if (!f.file)
		return POLLNVAL;
	if (f.file->f_mode & FMODE_PATH) {
		fdput(f);
		return SELECT_IN | SELECT_OUT | SELECT_EX;
	}
	pwq->table.key = POLLERR | POLLHUP | (test_bit(fd, set->map[0]) ? SELECT_IN : 0) |
			 (test_bit(fd, set->map[1]) ? SELECT_OUT : 0) |
			 (test_bit(fd, set->map[2]) ? SELECT_EX : 0);
	mask = vfs_poll(f.file, &pwq->table);
	fdput(f);
	return mask;
}

static int select_scan(struct poll_wqueues *pwq, void *arg)
{
	static const u32 wants[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};
	struct select_set *set = arg;
	int ready = 0;

	for (unsigned int fd = 0; fd < set->nr; fd++) {
		u32 mask;

		if (!test_bit(fd, set->map[0]) && !test_bit(fd, set->map[1]) &&
		    !test_bit(fd, set->map[2]))
			continue;
		mask = select_one(pwq, set, fd);
		if (mask == POLLNVAL && !set->all_open)
			return -EBADF;
		if (mask == POLLNVAL) /* closed meanwhile: that is an answer to all who ask */
			mask = SELECT_IN | SELECT_OUT | SELECT_EX;
		for (int i = 0; i < 3; i++) {
			if (mask & wants[i] && test_bit(fd, set->map[i])) {
				__set_bit(fd, set->map[3 + i]);
				ready++;
				pwq->table.queue = NULL;
			}
		}
	}
	set->all_open = true;
	return ready;
}

static int get_sets(struct select_set *set, unsigned long __user *usets[3], size_t bytes)
{
	for (int i = 0; i < 3; i++) {
		if (!usets[i])
			memset(set->map[i], 0, bytes);
		else if (copy_from_user(set->map[i], usets[i], bytes))
			return -EFAULT;
		memset(set->map[3 + i], 0, bytes);
	}
	return 0;
}

static long do_select(int n, unsigned long __user *usets[3], s64 timeout_ns)
{
	unsigned long fast[6 * INLINE_SELECT_WORDS], *maps = fast;
	struct poll_wqueues pwq;
	struct select_set set = {.all_open = false};
	size_t words, bytes;
	long ret;

	if (n < 0)
		return -EINVAL;
	rcu_read_lock();
	set.nr = min_t(unsigned int, n, rcu_dereference(current->files->fdt)->max_fds);
	rcu_read_unlock();
	words = BITS_TO_LONGS(set.nr);
	bytes = words * sizeof(long);
	if (words > INLINE_SELECT_WORDS) {
		maps = kmalloc(6 * bytes, GFP_KERNEL);
		if (!maps)
			return -ENOMEM;
	}
	for (int i = 0; i < 6; i++)
		set.map[i] = maps + i * words;
	ret = get_sets(&set, usets, bytes);
	if (!ret) {
		poll_begin(&pwq);
		ret = poll_loop(&pwq, select_scan, &set, timeout_ns);
		poll_end(&pwq);
	}
	for (int i = 0; ret >= 0 && i < 3; i++) {
		if (usets[i] && copy_to_user(usets[i], set.map[3 + i], bytes))
			ret = -EFAULT;
	}
	if (maps != fast)
		kfree(maps);
	return ret;
}

SYSCALL_DEFINE5(select, int, n, unsigned long __user *, in, unsigned long __user *, out,
		unsigned long __user *, ex, struct timeval __user *, utv)
{
	unsigned long __user *usets[3] = {in, out, ex};
	struct timeval tv;
	s64 timeout = -1;
	u64 deadline;
	long ret;

	if (utv) {
		if (copy_from_user(&tv, utv, sizeof(tv)))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		if (tv.tv_sec < S64_MAX / NSEC_PER_SEC / 2 &&
		    tv.tv_usec < S64_MAX / NSEC_PER_USEC / 2)
			timeout = tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC;
	}
	deadline = poll_deadline(timeout);
	ret = do_select(n, usets, timeout);
	if (utv && timeout >= 0) {
		s64 left = time_left(deadline);

		tv = (struct timeval){left / NSEC_PER_SEC, left % NSEC_PER_SEC / NSEC_PER_USEC};
		if (copy_to_user(utv, &tv, sizeof(tv)))
			return ret;
	}
	return ret;
}

struct sigset_argpack {
	const sigset_t __user *mask;
	size_t size;
};

SYSCALL_DEFINE6(pselect6, int, n, unsigned long __user *, in, unsigned long __user *, out,
		unsigned long __user *, ex, struct timespec __user *, uts,
		const struct sigset_argpack __user *, usig)
{
	unsigned long __user *usets[3] = {in, out, ex};
	struct sigset_argpack sig = {NULL, 0};
	s64 timeout;
	u64 deadline;
	long ret;

	if (usig && copy_from_user(&sig, usig, sizeof(sig)))
		return -EFAULT;
	ret = get_timeout(uts, &timeout);
	if (!ret)
		ret = set_user_sigmask(sig.mask, sig.size);
	if (ret)
		return ret;
	deadline = poll_deadline(timeout);
	ret = do_select(n, usets, timeout);
	restore_saved_sigmask_unless(ret == -ERESTARTNOHAND);
	if (uts && timeout >= 0)
		put_time_left(uts, deadline);
	return ret;
}
