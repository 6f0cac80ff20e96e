/* SPDX-License-Identifier: MIT */
/*
 * pidfds. The descriptor holds a reference to the struct pid, so the number cannot be given to
 * another process while it is open. It becomes readable when the process has ended (is a zombie, or
 * gone).
 */
#include "kernel/pidfd.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/fs/super.h"
#include "kernel/oom_kill.h"
#include "kernel/pid.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/oom.h"

#define PIDFD_NONBLOCK O_NONBLOCK

/* In place of a descriptor: the caller itself, and the leader of its thread group. */
#define PIDFD_SELF_THREAD	-10000
#define PIDFD_SELF_THREAD_GROUP -10001

static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
	struct pid *pid = file->private;
	struct task *t;
	bool ended;

	poll_wait(file, &pid->wait_pidfd, table);
	rcu_read_lock();
	t = READ_ONCE(pid->task);
	ended = !t || (READ_ONCE(t->exit_state) && READ_ONCE(t->signal->nr_threads) <= 1);
	rcu_read_unlock();
	return ended ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct inode *inode, struct file *file)
{
	put_pid(file->private);
}

static void pidfd_fdinfo(struct seq_file *m, struct file *file)
{
	struct pid *pid = file->private;
	int nr = READ_ONCE(pid->task) ? pid->nr : -1;

	seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_operations pidfd_fops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.llseek = noop_llseek,
	.fdinfo = pidfd_fdinfo,
};

static int pidfd_create(struct pid *pid, unsigned int flags)
{
	struct file *file = anon_inode_file("[pidfd]", &pidfd_fops, get_pid(pid), O_RDWR | flags);

	if (IS_ERR(file)) {
		put_pid(pid);
		return (int)PTR_ERR(file);
	}
	return fd_install_new(file, O_CLOEXEC);
}

int pidfd_prepare(struct pid *pid, int __user *uptr)
{
	int fd = pidfd_create(pid, 0);

	if (fd >= 0 && put_user(fd, uptr)) {
		close_fd((unsigned int)fd);
		return -EFAULT;
	}
	return fd;
}

struct pid *pidfd_get_pid(unsigned int fd, bool *nonblock)
{
	struct fd f = fdget(fd);
	struct pid *pid = NULL;

	*nonblock = false;
	if (f.file && f.file->f_op == &pidfd_fops) {
		pid = get_pid(f.file->private);
		*nonblock = f.file->f_flags & O_NONBLOCK;
	}
	fdput(f);
	return pid;
}

SYSCALL_DEFINE2(pidfd_open, pid_t, nr, unsigned int, flags)
{
	struct task *t;
	struct pid *pid;
	int ret;

	if (flags & ~PIDFD_NONBLOCK || nr <= 0)
		return -EINVAL;
	pid = find_get_pid(nr);
	if (!pid)
		return -ESRCH;
	rcu_read_lock();
	t = READ_ONCE(pid->task);
	ret = !t ? -ESRCH : thread_group_leader(t) ? 0 : -EINVAL;
	rcu_read_unlock();
	if (!ret)
		ret = pidfd_create(pid, flags);
	put_pid(pid);
	return ret;
}

struct pid *pidfd_or_self_get_pid(int fd)
{
	bool nonblock;
	struct pid *pid;

	if (fd == PIDFD_SELF_THREAD)
		return get_pid(current->thread_pid);
	/* The leader is there as long as any of its threads, if only as a zombie. */
	if (fd == PIDFD_SELF_THREAD_GROUP)
		return get_pid(current->group_leader->thread_pid);
	pid = pidfd_get_pid((unsigned int)fd, &nonblock);
	return pid ? pid : ERR_PTR(-EBADF);
}

struct pid *signal_fd_get_pid(int fd)
{
	struct pid *pid = pidfd_or_self_get_pid(fd);
	struct fd f;

	if (pid != ERR_PTR(-EBADF))
		return pid;
	f = fdget((unsigned int)fd);
	pid = f.file ? proc_pid_of_directory(f.file) : NULL;
	fdput(f);
	return pid ? pid : ERR_PTR(-EBADF);
}

/* The process behind a pidfd or PIDFD_SELF_*, counted, or ERR_PTR(-EBADF, -ESRCH). */
static struct task *pidfd_get_task(int fd)
{
	struct pid *pid = pidfd_or_self_get_pid(fd);
	struct task *t;

	if (IS_ERR(pid))
		return ERR_CAST(pid);
	t = pid_get_task(pid);
	put_pid(pid);
	return t ? t : ERR_PTR(-ESRCH);
}

SYSCALL_DEFINE3(pidfd_getfd, int, pidfd, int, fd, unsigned int, flags)
{
	struct task *t;
	struct file *file;

	if (flags)
		return -EINVAL;
	if (pidfd < 0)
		return -EBADF; /* PIDFD_SELF_* are not for this call */
	t = pidfd_get_task(pidfd);
	if (IS_ERR(t))
		return PTR_ERR(t);
	file = ptrace_may_access(t, PTRACE_REALCREDS) ? fget_task(t, (unsigned int)fd)
						      : ERR_PTR(-EPERM);
	put_task_struct(t);
	if (IS_ERR_OR_NULL(file))
		return file ? PTR_ERR(file) : -EBADF;
	return fd_install_new(file, O_CLOEXEC);
}

struct mm *pidfd_get_mm(int fd)
{
	struct task *t = pidfd_get_task(fd);
	struct mm *mm;

	if (IS_ERR(t))
		return ERR_CAST(t);
	mm = ptrace_may_access(t, PTRACE_FSCREDS) ? get_task_mm(t) : ERR_PTR(-EACCES);
	put_task_struct(t);
	return mm ? mm : ERR_PTR(-ESRCH);
}

/* The address space of a process, whose leader may have left it already; NULL: nobody is in it. */
static struct mm *get_process_mm(struct task *leader)
{
	struct mm *mm = NULL;
	struct task *t;

	rcu_read_lock();
	for_each_thread (leader, t) {
		mm = get_task_mm(t);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/*
 * Free the memory of a process that is being killed. Its exit will do that, when it comes to run:
 * here the caller does the work, at his own pace and priority.
 */
SYSCALL_DEFINE2(process_mrelease, int, pidfd, unsigned int, flags)
{
	struct task *t;
	struct mm *mm;
	int err = -ESRCH;

	if (flags)
		return -EINVAL;
	t = pidfd_get_task(pidfd);
	if (IS_ERR(t))
		return PTR_ERR(t);
	mm = get_process_mm(t);
	if (mm) {
		/* An exec may have left the mm since: that nobody uses it says nothing of t. */
		err = process_is_dying(t) && mm_users_are_dying(mm) ? reap_dying_mm(mm) : -EINVAL;
		mmput(mm);
	}
	put_task_struct(t);
	return err;
}
