/* SPDX-License-Identifier: MIT */
/* Kernel threads: tasks without an address space of their own. */
#ifndef KERNEL_KTHREAD_H
#define KERNEL_KTHREAD_H

#include "lib/types.h"
#include "lib/compiler.h"

struct task;

/*
 * kthread_create() - a thread that will call @fn(@arg), asleep until wake_up_new_task() or
 * kthread_start(). ERR_PTR(-ENOMEM...). The name is cut to 15 characters. May sleep.
 */
struct task *kthread_create(int (*fn)(void *arg), void *arg, const char *namefmt, ...)
	__printf(3, 4);
void kthread_start(struct task *task);
/* kthread_run() - kthread_create() and kthread_start(). */
#define kthread_run(fn, arg, ...)                                         \
	({                                                                \
		struct task *__kt = kthread_create(fn, arg, __VA_ARGS__); \
		if (!IS_ERR(__kt))                                        \
			kthread_start(__kt);                              \
		__kt;                                                     \
	})
/* kthread_should_stop() - for the running kernel thread: has somebody called kthread_stop()? */
bool kthread_should_stop(void);
/*
 * kthread_stop() - ask, wake and wait until @fn has returned; gives what it returned. Once per
 * thread, and only for threads whose function ends no other way. Sleeps.
 */
int kthread_stop(struct task *task);

#endif /* KERNEL_KTHREAD_H */
