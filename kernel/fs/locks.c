/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks on files.
 *
 * Three kinds, one structure. A lock covers a range of bytes and belongs to an owner; two locks
 * conflict if their ranges overlap, their owners differ and at least one is exclusive.
 *
 *   kind                   owner                  range       ends with
 *   fcntl F_SETLK (POSIX)  the descriptor table   bytes       any close() of the file by its owner
 *   fcntl F_OFD_SETLK      the open file          bytes       last close of the open file
 *   flock                  the open file          the whole   last close of the open file
 *
 * POSIX and OFD locks see each other; flock locks live in a list of their own and see only each
 * other.
 *
 * Setting a byte-range lock replaces what the same owner had in that range, so an older lock may be
 * cut at either end or in two:
 *          old   |---------- R ----------|                 new lists:   R      W       R
 *          set          |-- W --|                                     |----||-------||----|
 * All memory that a change can need (the new lock and one more for a cut) is got before anything is
 * changed.
 *
 * A waiter sleeps on the inode's queue and tries again whenever a lock on the file goes. Before a
 * POSIX lock waits, the chain "he waits for him, who waits for ..." is followed; if it leads back,
 * EDEADLK. WAITER-TRUE: what the chain is made of is true at every moment. Who lets go of a lock
 * takes the file's waiters off the list in the same section of locks_lock, so none of them is said
 * to wait for somebody that he no longer waits for; each finds out anew when he tries again.
 */
#include "kernel/fs/locks.h"
#include "kernel/fs/fcntl.h"
#include "kernel/fs/file.h"
#include "kernel/signal.h"
#include "kernel/fs/super.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/wait.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

struct file_lock {
	struct list_head list; /* locks_lock */
	const void *owner;
	pid_t pid;	   /* for F_GETLK; -1: open-file-description lock */
	u8 type;	   /* F_RDLCK, F_WRLCK */
	loff_t start, end; /* inclusive */
};

struct file_lock_context {
	struct list_head posix; /* locks_lock; those of one owner do not overlap */
	struct list_head flock; /* locks_lock */
	struct wait_queue_head wait;
};

/* Who waits for whom. On the waiter's stack. */
struct lock_waiter {
	struct list_head list;	       /* locks_lock; empty: not waiting */
	const struct list_head *locks; /* which of whose he waits for */
	const void *owner;
	const void *blocked_by; /* locks_lock to write; NULL: try again */
	bool detect;		/* refuse to wait in a circle */
};

static DEFINE_SPINLOCK(locks_lock);
static LIST_HEAD(lock_waiters);
static struct kmem_cache *lock_cache;

static struct file_lock_context *get_context(struct inode *inode)
{
	struct file_lock_context *ctx = smp_load_acquire(&inode->i_flctx), *old;

	if (ctx)
		return ctx;
	ctx = kmalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return NULL;
	INIT_LIST_HEAD(&ctx->posix);
	INIT_LIST_HEAD(&ctx->flock);
	init_waitqueue_head(&ctx->wait);
	old = cmpxchg(&inode->i_flctx, NULL, ctx);
	if (old) {
		kfree(ctx);
		ctx = old;
	}
	return ctx;
}

void free_lock_context(struct inode *inode)
{
	kfree(inode->i_flctx);
}

static bool overlap(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct list_head *locks, const struct file_lock *want)
	__must_hold(&locks_lock)
{
	struct file_lock *l;

	list_for_each_entry (l, locks, list) {
		if (l->owner != want->owner && overlap(l, want) &&
		    (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	}
	return NULL;
}

/* Would waiting for @blocker close a circle? */
static bool deadlock(const void *owner, const void *blocker) __must_hold(&locks_lock)
{
	struct lock_waiter *w;

	for (int depth = 0; depth < 16; depth++) {
		bool found = false;

		if (blocker == owner)
			return true;
		list_for_each_entry (w, &lock_waiters, list) {
			if (w->owner == blocker) {
				blocker = w->blocked_by;
				found = true;
				break;
			}
		}
		if (!found)
			return false;
	}
	return false;
}

/*
 * Cut the owner's locks in [new->start, new->end]; *spare serves for a lock cut in two. True:
 * something was unlocked.
 */
static bool cut_range(struct list_head *locks, const struct file_lock *new,
		      struct file_lock **spare, struct list_head *dead) __must_hold(&locks_lock)
{
	struct file_lock *l, *next;
	bool changed = false;

	list_for_each_entry_safe (l, next, locks, list) {
		if (l->owner != new->owner || !overlap(l, new))
			continue;
		changed = true;
		if (l->start < new->start && l->end > new->end) {
			struct file_lock *upper = *spare;

			*spare = NULL;
			*upper = *l;
			upper->start = new->end + 1;
			l->end = new->start - 1;
			list_add(&upper->list, &l->list);
		} else if (l->start < new->start) {
			l->end = new->start - 1;
		} else if (l->end > new->end) {
			l->start = new->end + 1;
		} else {
			list_move(&l->list, dead);
		}
	}
	return changed;
}

/* Put the lock in, joined with the owner's neighbours of the same type. */
static void insert_lock(struct list_head *locks, struct file_lock *new, struct list_head *dead)
	__must_hold(&locks_lock)
{
	struct file_lock *l, *next;

	list_for_each_entry_safe (l, next, locks, list) {
		if (l->owner != new->owner || l->type != new->type)
			continue;
		if (l->end + 1 == new->start) {
			new->start = l->start;
			list_move(&l->list, dead);
		} else if (new->end != S64_MAX && l->start == new->end + 1) {
			new->end = l->end;
			list_move(&l->list, dead);
		}
	}
	list_add_tail(&new->list, locks);
}

static void free_dead(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct file_lock *l = list_first_entry(dead, struct file_lock, list);

		list_del(&l->list);
		kmem_cache_free(lock_cache, l);
	}
}

/* Can @want be had? 0, -EAGAIN, -EDEADLK. With EAGAIN @waiter, if not NULL, waits from here on. */
static int check_conflict(struct list_head *locks, const struct file_lock *want,
			  struct lock_waiter *waiter) __must_hold(&locks_lock)
{
	const struct file_lock *conflict = find_conflict(locks, want);

	if (!conflict)
		return 0;
	if (waiter && waiter->detect && deadlock(want->owner, conflict->owner))
		return -EDEADLK;
	if (waiter) {
		waiter->blocked_by = conflict->owner;
		list_add(&waiter->list, &lock_waiters);
	}
	return -EAGAIN;
}

/* WAITER-TRUE. The caller wakes them when it has dropped the lock. */
static void release_waiters(const struct list_head *locks) __must_hold(&locks_lock)
{
	struct lock_waiter *w, *next;

	list_for_each_entry_safe (w, next, &lock_waiters, list) {
		if (w->locks != locks)
			continue;
		list_del_init(&w->list);
		WRITE_ONCE(w->blocked_by, NULL);
	}
}

/* One attempt: check_conflict()'s answer. *newp and *spare are used up when needed. */
static int try_lock(struct file_lock_context *ctx, struct list_head *locks,
		    const struct file_lock *want, struct file_lock **newp, struct file_lock **spare,
		    struct lock_waiter *waiter)
{
	LIST_HEAD(dead);
	bool freed = false;
	int err = 0;

	spin_lock(&locks_lock);
	/*
	 * flock: a change of kind gives up the old lock first, also if the new one cannot be had. Two
	 * that both hold it shared would otherwise wait for each other for ever.
	 */
	if (locks == &ctx->flock)
		freed = cut_range(locks, want, spare, &dead);
	if (want->type != F_UNLCK)
		err = check_conflict(locks, want, waiter);
	if (!err) {
		freed |= cut_range(locks, want, spare, &dead);
		if (want->type != F_UNLCK) {
			**newp = *want;
			insert_lock(locks, *newp, &dead);
			*newp = NULL;
		}
	}
	if (freed)
		release_waiters(locks);
	spin_unlock(&locks_lock);
	free_dead(&dead);
	if (freed)
		wake_up_all(&ctx->wait);
	return err;
}

/* Until there is a reason to try again: 0, or -ERESTARTSYS. */
static int wait_for_lock(struct file_lock_context *ctx, struct lock_waiter *waiter)
{
	int err = wait_event_interruptible(&ctx->wait, !READ_ONCE(waiter->blocked_by));

	spin_lock(&locks_lock);
	list_del_init(&waiter->list);
	spin_unlock(&locks_lock);
	return err;
}

static int set_lock(struct file_lock_context *ctx, struct list_head *locks,
		    const struct file_lock *want, bool wait, bool detect)
{
	struct file_lock *new = kmem_cache_alloc(lock_cache, GFP_KERNEL);
	struct file_lock *spare = kmem_cache_alloc(lock_cache, GFP_KERNEL);
	struct lock_waiter waiter = {.locks = locks, .owner = want->owner, .detect = detect};
	int err = -ENOLCK;

	while (new &&spare) {
		err = try_lock(ctx, locks, want, &new, &spare, wait ? &waiter : NULL);
		if (err != -EAGAIN || !wait)
			break;
		err = wait_for_lock(ctx, &waiter);
		if (err)
			break;
	}
	if (new)
		kmem_cache_free(lock_cache, new);
	if (spare)
		kmem_cache_free(lock_cache, spare);
	return err;
}

static void remove_owner(struct file_lock_context *ctx, struct list_head *locks, const void *owner)
{
	struct file_lock *l, *next;
	LIST_HEAD(dead);

	spin_lock(&locks_lock);
	list_for_each_entry_safe (l, next, locks, list) {
		if (l->owner == owner)
			list_move(&l->list, &dead);
	}
	if (!list_empty(&dead))
		release_waiters(locks);
	spin_unlock(&locks_lock);
	if (!list_empty(&dead)) {
		free_dead(&dead);
		wake_up_all(&ctx->wait);
	}
}

/* fcntl ---------------------------------------------------------------------------------------- */

static int flock_to_lock(struct file *file, const struct flock *fl, struct file_lock *l)
{
	loff_t start;

	switch (fl->l_whence) {
	case SEEK_SET:
		start = 0;
		break;
	case SEEK_CUR:
		start = file->f_pos;
		break;
	case SEEK_END:
		start = i_size_read(file->f_inode);
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(start, fl->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	l->start = start;
	l->end = S64_MAX;
	if (fl->l_len > 0) {
		if (start > S64_MAX - (fl->l_len - 1))
			return -EOVERFLOW;
		l->end = start + fl->l_len - 1;
	} else if (fl->l_len < 0) {
		if (start + fl->l_len < 0)
			return -EINVAL;
		l->start = start + fl->l_len;
		l->end = start - 1;
	}
	if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && fl->l_type != F_UNLCK)
		return -EINVAL;
	l->type = fl->l_type;
	return 0;
}

static long get_lock(struct file_lock_context *ctx, const struct file_lock *want, struct flock *fl)
{
	struct file_lock *l;

	if (want->type == F_UNLCK)
		return -EINVAL;
	spin_lock(&locks_lock);
	l = find_conflict(&ctx->posix, want);
	if (l) {
		fl->l_type = l->type;
		fl->l_whence = SEEK_SET;
		fl->l_start = l->start;
		fl->l_len = l->end == S64_MAX ? 0 : l->end - l->start + 1;
		fl->l_pid = l->pid;
	} else {
		fl->l_type = F_UNLCK;
	}
	spin_unlock(&locks_lock);
	return 0;
}

/*
 * CLOSE-UNLOCKS: no lock is left of a descriptor that was closed, also if another thread closed it
 * while this one was about to lock. close() empties the slot, then looks for locks; we have set the
 * lock, and look at the slot: one of the two sees the other. 0, or -EBADF and the lock is gone.
 */
static int check_still_open(unsigned int fd, struct file *file, struct file_lock_context *ctx,
			    struct file_lock *lock)
{
	if (fd_refers_to(fd, file))
		return 0;
	lock->type = F_UNLCK;
	if (set_lock(ctx, &ctx->posix, lock, false, false))
		remove_owner(ctx, &ctx->posix, lock->owner); /* no memory to cut one */
	return -EBADF;
}

static bool lock_mode_ok(const struct file *file, int type)
{
	return (type != F_RDLCK || file->f_mode & FMODE_READ) &&
	       (type != F_WRLCK || file->f_mode & FMODE_WRITE);
}

long fcntl_lock(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg)
{
	struct flock __user *ufl = (struct flock __user *)arg;
	bool ofd = cmd >= F_OFD_GETLK, get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct file_lock_context *ctx;
	struct file_lock want;
	struct flock fl;
	long err;

	if (copy_from_user(&fl, ufl, sizeof(fl)))
		return -EFAULT;
	if (ofd && fl.l_pid)
		return -EINVAL;
	err = flock_to_lock(file, &fl, &want);
	if (err)
		return err;
	if (!get && !lock_mode_ok(file, want.type))
		return -EBADF;
	want.owner = ofd ? (const void *)file : (const void *)current->files;
	want.pid = ofd ? -1 : current->tgid;
	ctx = get_context(file->f_inode);
	if (!ctx)
		return -ENOLCK;
	if (get) {
		err = get_lock(ctx, &want, &fl);
		return err ?: (copy_to_user(ufl, &fl, sizeof(fl)) ? -EFAULT : 0);
	}
	err = set_lock(ctx, &ctx->posix, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW, !ofd);
	if (err || ofd || want.type == F_UNLCK)
		return err;
	return check_still_open(fd, file, ctx, &want);
}

/* flock ---------------------------------------------------------------------------------------- */

/* F_RDLCK, F_WRLCK, F_UNLCK, or -EINVAL. */
static int flock_type(unsigned int op)
{
	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		return F_RDLCK;
	case LOCK_EX:
		return F_WRLCK;
	case LOCK_UN:
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

static long do_flock(struct file *file, u8 type, unsigned int op)
{
	struct file_lock want = {
		.owner = file, .pid = current->tgid, .type = type, .start = 0, .end = S64_MAX};
	struct file_lock_context *ctx;

	if (type != F_UNLCK && !(file->f_mode & (FMODE_READ | FMODE_WRITE)))
		return -EBADF;
	ctx = get_context(file->f_inode);
	if (!ctx)
		return -ENOLCK;
	return set_lock(ctx, &ctx->flock, &want, !(op & LOCK_NB), false);
}

SYSCALL_DEFINE2(flock, unsigned int, fd, unsigned int, op)
{
	int type = flock_type(op);
	struct fd f;
	long err;

	if (op & LOCK_MAND) /* a share mode of long ago: taken, and without effect */
		return 0;
	if (type < 0)
		return type;
	f = fdget(fd);
	if (!f.file)
		return -EBADF;
	err = do_flock(f.file, (u8)type, op);
	fdput(f);
	return err;
}

/* Ends ----------------------------------------------------------------------------------------- */

void locks_remove_posix(struct file *file, const void *owner)
{
	struct file_lock_context *ctx = smp_load_acquire(&file->f_inode->i_flctx);

	if (ctx && !list_empty(&ctx->posix))
		remove_owner(ctx, &ctx->posix, owner);
}

void locks_remove_file(struct file *file)
{
	struct file_lock_context *ctx = smp_load_acquire(&file->f_inode->i_flctx);

	if (!ctx)
		return;
	remove_owner(ctx, &ctx->posix, file);
	remove_owner(ctx, &ctx->flock, file);
}

void locks_init(void)
{
	lock_cache = kmem_cache_create("file_lock", sizeof(struct file_lock), 0, SLAB_PANIC, NULL);
}
