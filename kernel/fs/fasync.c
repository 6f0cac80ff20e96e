/* SPDX-License-Identifier: MIT */
/*
 * Signals about files. See fasync.h.
 *
 * An open file gets a struct fown with its first F_SETOWN, F_SETSIG or O_ASYNC; most never do. It
 * belongs to the open file, so dup and fork share it, and it goes with the last reference. The owner
 * is a struct pid: a process that is gone is found to be gone, and no other can take its number.
 *
 * Who may be sent the signal was decided by who set the owner: its real and effective user are kept,
 * and compared with the target's at each signal.
 *
 * One lock, fasync_lock, for all lists and owners, held while the signals are sent:
 * fasync_lock -> tasklist_lock -> siglock. It is taken in interrupts (a terminal that has room).
 */
#include "kernel/fs/fasync.h"
#include "kernel/cred.h"
#include "kernel/fs/fcntl.h"
#include "kernel/fs/poll.h"
#include "kernel/pid.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "arch/x86_64/uaccess.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/slab.h"

struct fown {
	struct list_head node; /* on a fasync_head, or empty */
	struct file *file;
	int fd; /* what the caller called it that set O_ASYNC */
	int signum;
	struct pid *pid; /* counted; NULL: nobody */
	int type;	 /* F_OWNER_* */
	u32 uid, euid;	 /* of who set pid */
};

static DEFINE_SPINLOCK(fasync_lock);

/* Owners --------------------------------------------------------------------------------------- */

/* The file's fown, made if need be. NULL: memory. */
static struct fown *file_fown(struct file *file)
{
	struct fown *new, *fown = READ_ONCE(file->f_owner);

	if (fown)
		return fown;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;
	INIT_LIST_HEAD(&new->node);
	new->file = file;
	spin_lock_irq(&fasync_lock);
	fown = file->f_owner;
	if (!fown)
		WRITE_ONCE(file->f_owner, new);
	spin_unlock_irq(&fasync_lock);
	if (!fown)
		return new;
	kfree(new);
	return fown;
}

void __fown_release(struct file *file)
{
	struct fown *fown = file->f_owner;

	spin_lock_irq(&fasync_lock);
	list_del_init(&fown->node);
	spin_unlock_irq(&fasync_lock);
	put_pid(fown->pid);
	kfree(fown);
}

/* Takes over the reference to @pid. @force: even if there is an owner. */
static void set_owner(struct fown *fown, struct pid *pid, int type, bool force)
{
	struct pid *drop = pid;

	spin_lock_irq(&fasync_lock);
	if (force || !fown->pid) {
		drop = fown->pid;
		fown->pid = pid;
		fown->type = type;
		if (pid) {
			fown->uid = current_uid();
			fown->euid = current_euid();
		}
	}
	spin_unlock_irq(&fasync_lock);
	put_pid(drop);
}

int file_default_owner(struct file *file, struct pid *pid, int type)
{
	struct fown *fown = file_fown(file);

	if (!fown)
		return -ENOMEM;
	set_owner(fown, get_pid(pid), type, false);
	return 0;
}

/* Does anybody bear the number still? A reference alone keeps it from being given out again. */
static bool pid_in_use(struct pid *pid)
{
	bool used;

	spin_lock_irq(&tasklist_lock);
	used = pid->task || !list_empty(&pid->pgrp_members) || !list_empty(&pid->session_members);
	spin_unlock_irq(&tasklist_lock);
	return used;
}

static long f_setown(struct file *file, int type, pid_t nr)
{
	struct pid *pid = NULL;
	struct fown *fown;

	if (nr) {
		pid = nr > 0 ? find_get_pid(nr) : NULL;
		if (!pid || !pid_in_use(pid)) {
			put_pid(pid);
			return -ESRCH;
		}
	}
	fown = file_fown(file);
	if (!fown) {
		put_pid(pid);
		return -ENOMEM;
	}
	set_owner(fown, pid, type, true);
	return 0;
}

/* The owner, if there still is one: a process is known by its first thread. */
static struct f_owner_ex get_owner(struct file *file)
{
	struct f_owner_ex owner = {0, 0};
	const struct task *t;
	struct fown *fown = READ_ONCE(file->f_owner);
	bool alive;

	if (!fown)
		return owner;
	spin_lock_irq(&fasync_lock);
	owner.type = fown->type;
	if (fown->pid) {
		spin_lock(&tasklist_lock);
		t = fown->pid->task;
		alive = fown->type == F_OWNER_PGRP
				? !list_empty(&fown->pid->pgrp_members)
				: t && (fown->type == F_OWNER_TID || t->tgid == fown->pid->nr);
		spin_unlock(&tasklist_lock);
		owner.pid = alive ? fown->pid->nr : 0;
	}
	spin_unlock_irq(&fasync_lock);
	return owner;
}

static long f_setsig(struct file *file, unsigned long sig)
{
	struct fown *fown;

	if (!valid_signal(sig))
		return -EINVAL;
	fown = file_fown(file);
	if (!fown)
		return -ENOMEM;
	WRITE_ONCE(fown->signum, (int)sig);
	return 0;
}

long fown_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct f_owner_ex ex;
	int nr = (int)arg;

	switch (cmd) {
	case F_SETOWN:
		if (nr == INT_MIN)
			return -EINVAL;
		return f_setown(file, nr < 0 ? F_OWNER_PGRP : F_OWNER_PID, nr < 0 ? -nr : nr);
	case F_GETOWN:
		ex = get_owner(file);
		return ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid;
	case F_SETSIG:
		return f_setsig(file, arg);
	case F_GETSIG:
		return file->f_owner ? READ_ONCE(file->f_owner->signum) : 0;
	case F_SETOWN_EX:
		if (copy_from_user(&ex, (void __user *)arg, sizeof(ex)))
			return -EFAULT;
		if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
			return -EINVAL;
		return f_setown(file, ex.type, ex.pid);
	default: /* F_GETOWN_EX */
		ex = get_owner(file);
		return copy_to_user((void __user *)arg, &ex, sizeof(ex)) ? -EFAULT : 0;
	}
}

/* O_ASYNC -------------------------------------------------------------------------------------- */

int file_set_async(struct file *file, int fd, bool on)
{
	struct fasync_head *head;
	struct fown *fown;

	if (!file->f_op->fasync)
		return -ENOTTY;
	if (on) {
		fown = file_fown(file);
		if (!fown)
			return -ENOMEM;
		head = file->f_op->fasync(file);
		if (IS_ERR(head))
			return (int)PTR_ERR(head);
		spin_lock_irq(&fasync_lock);
		fown->fd = fd;
		if (list_empty(&fown->node))
			list_add(&fown->node, &head->files);
		spin_unlock_irq(&fasync_lock);
	} else if (file->f_owner) {
		spin_lock_irq(&fasync_lock);
		list_del_init(&file->f_owner->node);
		spin_unlock_irq(&fasync_lock);
	}
	spin_lock(&file->f_lock);
	file->f_flags = on ? file->f_flags | O_ASYNC : file->f_flags & ~O_ASYNC;
	spin_unlock(&file->f_lock);
	return 0;
}

void fasync_clear(struct fasync_head *head)
{
	spin_lock_irq(&fasync_lock);
	while (!list_empty(&head->files))
		list_del_init(head->files.next);
	spin_unlock_irq(&fasync_lock);
}

/* Signals -------------------------------------------------------------------------------------- */

static long band_of(int reason)
{
	static const u16 bands[] = {
		[POLL_IN] = POLLIN | POLLRDNORM,
		[POLL_OUT] = POLLOUT | POLLWRNORM | POLLWRBAND,
		[POLL_MSG] = POLLIN | POLLRDNORM | POLLMSG,
		[POLL_ERR] = POLLERR,
		[POLL_PRI] = POLLPRI | POLLRDBAND,
		[POLL_HUP] = POLLHUP | POLLERR,
	};

	return bands[reason];
}

/* RCU read lock or tasklist_lock held. */
static bool may_signal(const struct fown *fown, struct task *t)
{
	const struct cred *cred = rcu_dereference(t->cred);

	return !fown->euid || fown->euid == cred->suid || fown->euid == cred->uid ||
	       fown->uid == cred->suid || fown->uid == cred->uid;
}

/* The plain SIGIO says nothing; the chosen signal says what and where, unless none can be queued. */
static void send_sigio_to(const struct fown *fown, struct task *t, int reason)
{
	int (*send)(int, const siginfo_t *, struct task *) =
		fown->type == F_OWNER_TID ? send_sig_thread : send_sig_info;
	siginfo_t info = {.si_signo = READ_ONCE(fown->signum)};

	if (!may_signal(fown, t))
		return;
	if (info.si_signo) {
		info.si_code = sigmask(info.si_signo) & OWN_CODES_MASK ? SI_SIGIO : reason;
		info.si_band = band_of(reason);
		info.si_fd = fown->fd;
		if (send(info.si_signo, &info, t) != -EAGAIN)
			return;
	}
	info = (siginfo_t){.si_signo = SIGIO, .si_code = SI_KERNEL};
	send(SIGIO, &info, t);
}

/* fasync_lock held. */
static void send_sigio(const struct fown *fown, int reason)
{
	struct signal_struct *s;
	struct task *t;

	if (!fown->pid)
		return;
	rcu_read_lock();
	if (fown->type == F_OWNER_PGRP) {
		spin_lock(&tasklist_lock);
		list_for_each_entry (s, &fown->pid->pgrp_members, pgrp_node)
			send_sigio_to(fown, s->curr_target, reason);
		spin_unlock(&tasklist_lock);
	} else {
		t = READ_ONCE(fown->pid->task);
		if (t)
			send_sigio_to(fown, t, reason);
	}
	rcu_read_unlock();
}

void __kill_fasync(struct fasync_head *head, unsigned int mode, int reason)
{
	struct fown *fown;
	unsigned long flags;

	spin_lock_irqsave(&fasync_lock, flags);
	list_for_each_entry (fown, &head->files, node) {
		if (fown->file->f_mode & mode)
			send_sigio(fown, reason);
	}
	spin_unlock_irqrestore(&fasync_lock, flags);
}
