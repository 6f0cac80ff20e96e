/* SPDX-License-Identifier: MIT */
/* What the files of the futex code share. The picture is in futex.c. */
#ifndef KERNEL_FUTEX_INTERNAL_H
#define KERNEL_FUTEX_INTERNAL_H

#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct task;
struct timespec;

struct futex_key {
	void *object;	      /* struct mm, or struct address_space */
	unsigned long offset; /* byte: of the address space, or in the file */
};

struct futex_bucket {
	spinlock_t lock;
	struct list_head waiters;
};

struct futex_q {
	struct list_head list;	     /* bucket->lock */
	struct futex_bucket *bucket; /* NULL once woken; changes under both buckets' locks */
	struct task *task;
	struct futex_key key;
	u32 bitset;
};

struct futex_deadline {
	u64 ns; /* U64_MAX: none */
	enum timer_clock clock;
};

/* The absolute time at uts on a clock; none if that is NULL. 0, -EFAULT, -EINVAL. */
int futex_get_deadline(const struct timespec __user *uts, enum timer_clock clock,
		       struct futex_deadline *deadline);
bool futex_is_late(const struct futex_deadline *deadline);
/* schedule(), until the deadline at the latest. The caller set the state. */
void futex_schedule(const struct futex_deadline *deadline);

/* Queue q if the word has the value. 0, -EAGAIN (it has not), -EFAULT, -EINVAL. May sleep before. */
int futex_queue(struct futex_q *q, u32 __user *uaddr, bool shared, u32 val);

/* Leave the queue. False: somebody woke us first. */
bool futex_unqueue(struct futex_q *q);

#endif
