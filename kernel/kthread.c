/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads. The creator fills in a struct kthread, which the thread's task points to with
 * worker_private; it lives until the thread's function has returned and, if somebody called
 * kthread_stop(), until that has read the result.
 *
 *	creator: kthread_create()     thread: kthread_main() -> fn() -> returns
 *	stopper: kthread_stop(): should_stop := true, wake, wait for `exited`
 *
 * Two references: the thread's own, and one for whoever may call kthread_stop(). The second is
 * given up by kthread_stop(), or never: threads that live as long as the kernel keep it.
 */
#include "kernel/kthread.h"
#include "kernel/completion.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/slab.h"

struct kthread {
	int (*fn)(void *arg);
	void *arg;
	bool should_stop;
	int result;
	struct completion exited;
};

static int kthread_main(void *arg)
{
	struct kthread *kthread = arg;

	kthread->result = kthread->fn(kthread->arg);
	complete(&kthread->exited);
	return 0;
}

struct task *kthread_create(int (*fn)(void *arg), void *arg, const char *namefmt, ...)
{
	struct kthread *kthread = kzalloc(sizeof(*kthread), GFP_KERNEL);
	char name[TASK_COMM_LEN];
	struct task *task;
	va_list args;

	if (!kthread)
		return ERR_PTR(-ENOMEM);
	kthread->fn = fn;
	kthread->arg = arg;
	init_completion(&kthread->exited);
	task = fork_kernel_thread(kthread_main, kthread);
	if (IS_ERR(task)) {
		kfree(kthread);
		return task;
	}
	va_start(args, namefmt);
	vsnprintf(name, sizeof(name), namefmt, args);
	va_end(args);
	set_task_comm(task, name);
	task->worker_private = kthread;
	return task;
}

void kthread_start(struct task *task)
{
	wake_up_new_task(task);
}

bool kthread_should_stop(void)
{
	struct kthread *kthread = current->worker_private;

	return READ_ONCE(kthread->should_stop);
}

int kthread_stop(struct task *task)
{
	struct kthread *kthread = task->worker_private;
	int result;

	get_task_struct(task);
	WRITE_ONCE(kthread->should_stop, true);
	wake_up_process(task);
	wait_for_completion(&kthread->exited);
	result = kthread->result;
	kfree(kthread);
	put_task_struct(task);
	return result;
}
