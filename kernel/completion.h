/* SPDX-License-Identifier: MIT */
/*
 * Completions: "this has happened". One side waits, the other calls complete(). Unlike a flag and a
 * wait queue, the waiter may free the completion as soon as wait_for_completion() returns.
 */
#ifndef KERNEL_COMPLETION_H
#define KERNEL_COMPLETION_H

#include "kernel/wait.h"

struct completion {
	unsigned int done; /* under wait.lock; UINT_MAX: complete_all() */
	struct wait_queue_head wait;
};

#define DECLARE_COMPLETION(name) \
	struct completion name = {.wait = __WAIT_QUEUE_HEAD_INITIALIZER(name.wait)}

#define init_completion(c)                       \
	do {                                     \
		(c)->done = 0;                   \
		init_waitqueue_head(&(c)->wait); \
	} while (0)

/* complete() lets one waiter go on, complete_all() all, now and later. Any context. */
void complete(struct completion *c);
void complete_all(struct completion *c);
/*
 * wait_for_completion() - sleeps. The killable one returns -ERESTARTSYS on a fatal signal, else
 * 0.
 */
void wait_for_completion(struct completion *c);
int __must_check wait_for_completion_killable(struct completion *c);
/* Time left (> 0), or 0 when @timeout_ns passed first. */
s64 wait_for_completion_timeout_ns(struct completion *c, s64 timeout_ns);

#endif /* KERNEL_COMPLETION_H */
