/* SPDX-License-Identifier: MIT */
/*
 * Futexes: "sleep if this word still has that value", and "wake those who sleep on it".
 *
 * A lock in user space changes its word with atomic instructions and enters the kernel only to
 * sleep or to wake a sleeper. The kernel knows a word by its key:
 *
 *	private		(mm, address)			threads of one process
 *	shared		(file mapping, offset)		file and shared memory: any process, any address
 *			(mm, address)			private memory, whatever the caller said
 *
 * and hashes keys to buckets, each a lock and a list of sleepers.
 *
 *	waiter						waker
 *	lock bucket					*word = new
 *	read *word, != expected -> EAGAIN		lock bucket
 *	queue						take matching waiters off the list
 *	unlock bucket, sleep				unlock bucket, wake them
 *
 * FUTEX-ATOMIC: the word is compared under the bucket's lock. A waker that changed it before either
 * comes to the bucket first, and the waiter sees the new value, or finds the waiter queued. The
 * word is read with page faults disabled, for a fault must not sleep under the lock; if it is not
 * there, the lock is dropped, the page is brought in, and all starts over.
 *
 * A waiter learns that it was woken from its own q.bucket becoming NULL, never from having been
 * woken: wake-ups may be spurious. Requeueing moves a sleeper to another key's bucket without
 * waking it; so a waiter that wants to leave must find out under which lock it is now (futex_unqueue()).
 */
#include "kernel/futex_internal.h"
#include "kernel/futex.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/futex.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/vma.h"

#define FUTEX_HASH_BITS 8

static struct futex_bucket futex_hash[1 << FUTEX_HASH_BITS];

void futex_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(futex_hash); i++) {
		spin_lock_init(&futex_hash[i].lock);
		INIT_LIST_HEAD(&futex_hash[i].waiters);
	}
}

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
	return &futex_hash[hash_64((u64)(uintptr_t)key->object + key->offset, FUTEX_HASH_BITS)];
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* A word of a shared mapping is known by the file behind it. 0, -EFAULT. */
static int shared_key(struct mm *mm, unsigned long addr, struct futex_key *key)
{
	struct vm_area *vma;
	int err = 0;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (!vma) {
		err = -EFAULT;
	} else if (vma->vm_flags & VM_MAYSHARE && vma->vm_file && vma->vm_file->mapping) {
		key->object = vma->vm_file->mapping;
		key->offset =
			(linear_page_index(vma, addr) << PAGE_SHIFT) | (addr & (PAGE_SIZE - 1));
	}
	mmap_read_unlock(mm);
	return err;
}

static int get_futex_key(u32 __user *uaddr, bool shared, struct futex_key *key)
{
	unsigned long addr = (__force unsigned long)uaddr;

	if (addr & (sizeof(u32) - 1))
		return -EINVAL;
	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	key->object = current->mm;
	key->offset = addr;
	return shared ? shared_key(current->mm, addr, key) : 0;
}

static int read_word_nofault(u32 *val, u32 __user *uaddr)
{
	return copy_from_user_nofault(val, uaddr, sizeof(*val)) ? -EFAULT : 0;
}

/* Bring the word's page in, for writing if it is to be changed. 0, -EFAULT. */
static int fault_in_word(u32 __user *uaddr, bool write)
{
	u32 val = 0, old;

	if (get_user(val, uaddr))
		return -EFAULT;
	return write ? user_cmpxchg_u32(uaddr, val, val, &old) : 0;
}

/* --- waking ----------------------------------------------------------------------------------- */

/* q's bucket locked. The caller wakes the task after the lock is dropped; it holds a reference. */
static void dequeue_waiter(struct futex_q *q, struct list_head *wake)
{
	list_move_tail(&q->list, wake);
}

/*
 * Wake everybody on the list. The futex_q lives on its owner's stack: after bucket is NULL it may
 * be gone, so the task is pinned first. Bucket lock held.
 */
static void wake_list(struct list_head *wake)
{
	struct futex_q *q;

	while (!list_empty(wake)) {
		struct task *t;

		q = list_first_entry(wake, struct futex_q, list);
		t = get_task_struct(q->task);
		list_del_init(&q->list);
		smp_store_release(&q->bucket, NULL);
		wake_up_process(t);
		put_task_struct(t);
	}
}

static int futex_wake(u32 __user *uaddr, bool shared, int nr, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_q *q, *next;
	struct futex_key key;
	LIST_HEAD(wake);
	int woken = 0, err;

	if (!bitset)
		return -EINVAL;
	err = get_futex_key(uaddr, shared, &key);
	if (err)
		return err;
	b = bucket_of(&key);
	spin_lock(&b->lock);
	list_for_each_entry_safe (q, next, &b->waiters, list) {
		if (!same_key(&q->key, &key) || !(q->bitset & bitset))
			continue;
		dequeue_waiter(q, &wake);
		if (++woken >= nr)
			break;
	}
	wake_list(&wake);
	spin_unlock(&b->lock);
	return woken;
}

void futex_wake_addr(u32 __user *uaddr, int nr)
{
	if (!current->mm)
		return;
	futex_wake(uaddr, true, nr, FUTEX_BITSET_MATCH_ANY);
	futex_wake(uaddr, false, nr, FUTEX_BITSET_MATCH_ANY);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int futex_queue(struct futex_q *q, u32 __user *uaddr, bool shared, u32 val)
{
	struct futex_bucket *b;
	u32 cur;
	int err;

	for (;;) {
		err = get_futex_key(uaddr, shared, &q->key);
		if (err)
			return err;
		b = bucket_of(&q->key);
		spin_lock(&b->lock);
		err = read_word_nofault(&cur, uaddr);
		if (!err)
			break;
		spin_unlock(&b->lock);
		err = fault_in_word(uaddr, false);
		if (err)
			return err;
	}
	if (cur != val) {
		err = -EAGAIN;
	} else {
		q->bucket = b;
		list_add_tail(&q->list, &b->waiters);
	}
	spin_unlock(&b->lock);
	return err;
}

bool futex_unqueue(struct futex_q *q)
{
	struct futex_bucket *b;

	for (;;) {
		b = smp_load_acquire(&q->bucket);
		if (!b)
			return false;
		spin_lock(&b->lock);
		if (q->bucket == b) {
			list_del(&q->list);
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock); /* requeued meanwhile */
	}
}

bool futex_is_late(const struct futex_deadline *deadline)
{
	return deadline->ns != U64_MAX && timer_clock_now(deadline->clock) >= deadline->ns;
}

void futex_schedule(const struct futex_deadline *deadline)
{
	if (deadline->ns == U64_MAX)
		schedule();
	else
		schedule_until(deadline->clock, deadline->ns);
}

/* Sleep until woken, a signal, or the deadline. */
static void futex_sleep(struct futex_q *q, const struct futex_deadline *deadline)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (smp_load_acquire(&q->bucket) && !signal_pending(current) && !futex_is_late(deadline))
		futex_schedule(deadline);
	__set_current_state(TASK_RUNNING);
}

static int futex_wait(u32 __user *uaddr, bool shared, u32 val,
		      const struct futex_deadline *deadline, u32 bitset)
{
	struct futex_q q = {.task = current, .bitset = bitset};
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_queue(&q, uaddr, shared, val);
	if (err)
		return err;
	for (;;) {
		futex_sleep(&q, deadline);
		if (!smp_load_acquire(&q.bucket))
			return 0;
		if (signal_pending(current) || futex_is_late(deadline))
			break;
	}
	if (!futex_unqueue(&q))
		return 0;
	return signal_pending(current) ? -ERESTARTSYS : -ETIMEDOUT;
}

/* The deadline stays the same: FUTEX_WAIT with a relative time that a signal interrupted. */
static long futex_wait_restart(struct restart_block *restart)
{
	struct futex_deadline deadline = {restart->arg[3], (enum timer_clock)restart->arg[5]};
	long ret = futex_wait((u32 __user *)restart->arg[0], restart->arg[1], (u32)restart->arg[2],
			      &deadline, (u32)restart->arg[4]);

	return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static long futex_wait_timed(u32 __user *uaddr, bool shared, u32 val,
			     const struct futex_deadline *deadline, u32 bitset)
{
	long ret = futex_wait(uaddr, shared, val, deadline, bitset);

	if (ret == -ERESTARTSYS && deadline->ns != U64_MAX) {
		current->restart_block = (struct restart_block){
			.fn = futex_wait_restart,
			.arg = {(__force unsigned long)uaddr, shared, val, deadline->ns, bitset,
				deadline->clock},
		};
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* --- two words -------------------------------------------------------------------------------- */

static void lock_two(struct futex_bucket *a, struct futex_bucket *b) __acquires(&a->lock)
	__acquires(&b->lock)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	else
		__acquire(&b->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) __releases(&a->lock)
	__releases(&b->lock)
{
	if (a != b)
		spin_unlock(&b->lock);
	else
		__release(&b->lock);
	spin_unlock(&a->lock);
}

/* Wake nr_wake on the first word, move up to nr_requeue of the others to the second. */
static int futex_requeue(u32 __user *uaddr1, u32 __user *uaddr2, bool shared, int nr_wake,
			 int nr_requeue, const u32 *cmpval)
{
	struct futex_key key1, key2;
	struct futex_bucket *b1, *b2;
	struct futex_q *q, *next;
	LIST_HEAD(wake);
	int woken = 0, moved = 0, err;
	u32 cur;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
retry:
	err = get_futex_key(uaddr1, shared, &key1);
	if (!err)
		err = get_futex_key(uaddr2, shared, &key2);
	if (err)
		return err;
	b1 = bucket_of(&key1);
	b2 = bucket_of(&key2);
	lock_two(b1, b2);
	if (cmpval) {
		err = read_word_nofault(&cur, uaddr1);
		if (err) {
			unlock_two(b1, b2);
			err = fault_in_word(uaddr1, false);
			if (err)
				return err;
			goto retry;
		}
		if (cur != *cmpval) {
			unlock_two(b1, b2);
			return -EAGAIN;
		}
	}
	list_for_each_entry_safe (q, next, &b1->waiters, list) {
		if (!same_key(&q->key, &key1))
			continue;
		if (woken < nr_wake) {
			dequeue_waiter(q, &wake);
			woken++;
			continue;
		}
		if (moved == nr_requeue)
			break;
		q->key = key2;
		if (b1 != b2) {
			list_move_tail(&q->list, &b2->waiters);
			smp_store_release(&q->bucket, b2);
		}
		moved++;
	}
	wake_list(&wake);
	unlock_two(b1, b2);
	return woken + moved;
}

static int sign_extend12(u32 val)
{
	return (int)(val << 20) >> 20;
}

static bool op_holds(u32 cmp, u32 old, u32 arg, bool *ok)
{
	*ok = true;
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return (int)old < (int)arg;
	case FUTEX_OP_CMP_LE:
		return (int)old <= (int)arg;
	case FUTEX_OP_CMP_GT:
		return (int)old > (int)arg;
	case FUTEX_OP_CMP_GE:
		return (int)old >= (int)arg;
	}
	*ok = false;
	return false;
}

static int take_waiters(struct futex_bucket *b, const struct futex_key *key, int nr,
			struct list_head *wake)
{
	struct futex_q *q, *next;
	int woken = 0;

	list_for_each_entry_safe (q, next, &b->waiters, list) {
		if (!same_key(&q->key, key))
			continue;
		dequeue_waiter(q, wake);
		if (++woken >= nr)
			break;
	}
	return woken;
}

/*
 * Change the second word; wake waiters on the first, and on the second too if its old value was as
 * asked.
 */
static int futex_wake_op(u32 __user *uaddr1, u32 __user *uaddr2, bool shared, int nr1, int nr2,
			 u32 encoded)
{
	u32 op = encoded >> 28 & 7, cmp = encoded >> 24 & 15;
	u32 oparg = (u32)sign_extend12(encoded >> 12 & 0xfff),
	    cmparg = (u32)sign_extend12(encoded & 0xfff);
	struct futex_key key1, key2;
	struct futex_bucket *b1, *b2;
	LIST_HEAD(wake);
	bool cmp_ok, holds;
	int woken, err;
	u32 old;

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
		oparg = 1U << (oparg & 31);
retry:
	err = get_futex_key(uaddr1, shared, &key1);
	if (!err)
		err = get_futex_key(uaddr2, shared, &key2);
	if (err)
		return err;
	b1 = bucket_of(&key1);
	b2 = bucket_of(&key2);
	lock_two(b1, b2);
	err = user_atomic_op((int)op, uaddr2, oparg, &old);
	if (err) {
		unlock_two(b1, b2);
		if (err != -EFAULT)
			return err;
		err = fault_in_word(uaddr2, true);
		if (err)
			return err;
		goto retry;
	}
	holds = op_holds(cmp, old, cmparg, &cmp_ok);
	if (!cmp_ok) {
		unlock_two(b1, b2);
		return -ENOSYS;
	}
	woken = take_waiters(b1, &key1, nr1, &wake);
	if (holds)
		woken += take_waiters(b2, &key2, nr2, &wake);
	wake_list(&wake);
	unlock_two(b1, b2);
	return woken;
}

/* --- the call --------------------------------------------------------------------------------- */

int futex_get_deadline(const struct timespec __user *uts, enum timer_clock clock,
		       struct futex_deadline *deadline)
{
	int err;

	*deadline = (struct futex_deadline){U64_MAX, clock};
	if (!uts)
		return 0;
	err = get_timespec(&deadline->ns, uts);
	if (err)
		return err;
	deadline->ns = min_t(u64, deadline->ns, S64_MAX);
	return 0;
}

/*
 * FUTEX_WAIT's time is relative, FUTEX_WAIT_BITSET's absolute on the monotonic or the wall clock.
 */
static int wait_deadline(const struct timespec __user *uts, int cmd, bool realtime,
			 struct futex_deadline *deadline)
{
	int err = futex_get_deadline(uts, realtime ? TIMER_REALTIME : TIMER_MONOTONIC, deadline);

	if (!err && uts && cmd == FUTEX_WAIT)
		deadline->ns += ktime_get_ns();
	return err;
}

SYSCALL_DEFINE6(futex, u32 __user *, uaddr, int, op, u32, val, const struct timespec __user *, uts,
		u32 __user *, uaddr2, u32, val3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & FUTEX_CMD_MASK, nr2 = (int)(__force unsigned long)uts;
	struct futex_deadline deadline;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_MATCH_ANY;
		fallthrough;
	case FUTEX_WAIT_BITSET:
		err = wait_deadline(uts, cmd, realtime, &deadline);
		return err ?: futex_wait_timed(uaddr, shared, val, &deadline, val3);
	case FUTEX_WAKE:
		return futex_wake(uaddr, shared, (int)val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, shared, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (int)val, nr2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (int)val, nr2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, (int)val, nr2, val3);
	}
	return -ENOSYS;
}
