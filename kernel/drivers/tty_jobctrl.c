// SPDX-License-Identifier: MIT
/*
 * Job control: sessions, their terminal, and who may use it.
 *
 *	session ------- controlling terminal --------> foreground process group
 *	   |              tty->session, tty->pgrp          reads, writes, gets ^C ^\ ^Z
 *	   +-- other process groups: background
 *	          read: SIGTTIN     change settings (or write, with TOSTOP): SIGTTOU
 *
 * Both ends of the relation are stored: signal->tty of every process, and tty->session.
 * CTTY-IS-SESSION: signal->tty counts only while tty->session is the process's session. A fork that
 * runs against a hangup may copy a pointer that is being cleared in its parent; it then means
 * nothing.
 *
 * ctty_lock guards signal->tty, signal->tty_old_pgrp, tty->session and tty->pgrp. It nests inside
 * tasklist_lock (which is held to walk a session) and is a leaf; signals are sent after both are
 * dropped. A terminal holds references to its two struct pids, so the numbers stay its own.
 *
 * When a session leader exits, its terminal is hung up: the foreground group gets SIGHUP, the next
 * session starts with a clean terminal. A pseudo terminal stays: who has it open and survives
 * SIGHUP goes on writing to it. When the terminal goes first, the leader gets SIGHUP, and the
 * foreground group when the leader, having understood, exits (tty_old_pgrp).
 */

#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/fs.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/errno.h"

static DEFINE_SPINLOCK(ctty_lock);

/* CTTY-IS-SESSION. */
static struct tty_struct *process_tty(const struct signal_struct *sig) __must_hold(&ctty_lock)
{
	struct tty_struct *tty = sig->tty;

	return tty && tty->session && tty->session->nr == READ_ONCE(sig->session) ? tty : NULL;
}

struct tty_struct *get_current_tty(void)
{
	struct tty_struct *tty;

	spin_lock(&ctty_lock);
	tty = process_tty(current->signal);
	spin_unlock(&ctty_lock);
	return tty;
}

void proc_clear_tty(struct task *t)
{
	spin_lock(&ctty_lock);
	t->signal->tty = NULL;
	spin_unlock(&ctty_lock);
}

void task_tty_numbers(struct task *t, dev_t *dev, pid_t *pgrp)
{
	struct tty_struct *tty;

	spin_lock(&ctty_lock);
	tty = process_tty(t->signal);
	*dev = tty ? tty->dev : 0;
	*pgrp = tty && tty->pgrp ? tty->pgrp->nr : -1;
	spin_unlock(&ctty_lock);
}

pid_t tty_pgrp_nr(struct tty_struct *tty)
{
	pid_t nr;

	spin_lock(&ctty_lock);
	nr = tty->pgrp ? tty->pgrp->nr : 0;
	spin_unlock(&ctty_lock);
	return nr;
}

struct pid *tty_get_pgrp(struct tty_struct *tty)
{
	struct pid *pgrp;

	spin_lock(&ctty_lock);
	pgrp = get_pid(tty->pgrp);
	spin_unlock(&ctty_lock);
	return pgrp;
}

pid_t tty_session_nr(struct tty_struct *tty)
{
	pid_t nr;

	spin_lock(&ctty_lock);
	nr = tty->session ? tty->session->nr : 0;
	spin_unlock(&ctty_lock);
	return nr;
}

void tty_signal_pgrp(struct tty_struct *tty, int sig)
{
	pid_t pgrp = tty_pgrp_nr(tty);

	if (pgrp)
		kill_pgrp(pgrp, sig);
}

/* --- may current use it? --------------------------------------------------------------------- */

/* Is current in the background of its controlling terminal, and this is it? */
static bool in_background(struct tty_struct *tty)
{
	pid_t pgrp;

	if (get_current_tty() != tty)
		return false;
	pgrp = tty_pgrp_nr(tty);
	return pgrp && pgrp != task_pgrp_nr(current);
}

/* The signal stops the group; the call is made again when it is continued. */
static int stop_background(int sig)
{
	if (is_orphaned_pgrp(task_pgrp_nr(current)))
		return -EIO;
	kill_pgrp(task_pgrp_nr(current), sig);
	return -ERESTARTSYS;
}

int tty_check_change(struct tty_struct *tty)
{
	if (!in_background(tty) || signal_blocked_or_ignored(current, SIGTTOU))
		return 0;
	return stop_background(SIGTTOU);
}

int tty_check_read(struct tty_struct *tty)
{
	if (!in_background(tty))
		return 0;
	return signal_blocked_or_ignored(current, SIGTTIN) ? -EIO : stop_background(SIGTTIN);
}

/* --- getting one ----------------------------------------------------------------------------- */

/* put_pid() may free; both pids may be NULL. */
static void set_tty_pids(struct tty_struct *tty, struct pid *session, struct pid *pgrp)
	__must_hold(&ctty_lock)
{
	swap(tty->session, session);
	swap(tty->pgrp, pgrp);
	put_pid(session);
	put_pid(pgrp);
}

/* tasklist_lock keeps current's session and group as they are. */
static void proc_set_tty(struct tty_struct *tty) __must_hold(&ctty_lock)
{
	struct signal_struct *sig = current->signal;

	set_tty_pids(tty, get_pid(sig->session_pid), get_pid(sig->pgrp_pid));
	sig->tty = tty;
	sig->tty_old_pgrp = 0;
}

static void ctty_lock_tasks(void) __acquires(&tasklist_lock) __acquires(&ctty_lock)
{
	spin_lock_irq(&tasklist_lock);
	spin_lock(&ctty_lock);
}

static void ctty_unlock_tasks(void) __releases(&ctty_lock) __releases(&tasklist_lock)
{
	spin_unlock(&ctty_lock);
	spin_unlock_irq(&tasklist_lock);
}

void tty_open_proc_set_tty(struct tty_struct *tty)
{
	struct signal_struct *sig = current->signal;

	if (!READ_ONCE(sig->leader))
		return;
	ctty_lock_tasks();
	if (!process_tty(sig) && !tty->session && sig->session_pid)
		proc_set_tty(tty);
	ctty_unlock_tasks();
}

/* No process of the session has a terminal. */
static void clear_session(struct pid *session) __must_hold(&ctty_lock)
{
	struct signal_struct *sig;

	if (!session)
		return;
	list_for_each_entry (sig, &session->session_members, session_node)
		sig->tty = NULL;
}

/* TIOCSCTTY: 0 or -EPERM. `steal`: also if another session has it. */
static int set_controlling_tty(struct tty_struct *tty, struct file *file, bool steal)
{
	struct signal_struct *sig = current->signal;
	bool admin = capable(CAP_SYS_ADMIN);
	int err = 0;

	ctty_lock_tasks();
	if (sig->leader && process_tty(sig) == tty)
		goto out;
	err = -EPERM;
	if (!sig->leader || process_tty(sig) || !sig->session_pid)
		goto out;
	if (tty->session && !(steal && admin))
		goto out;
	if (!(file->f_mode & FMODE_READ) && !admin)
		goto out;
	clear_session(tty->session);
	proc_set_tty(tty);
	err = 0;
out:
	ctty_unlock_tasks();
	return err;
}

/* --- losing it ------------------------------------------------------------------------------- */

/* The session's leader and the terminal's group remember each other until the leader exits. */
static void note_old_pgrp(struct pid *session, pid_t pgrp) __must_hold(&ctty_lock)
{
	struct signal_struct *sig;

	list_for_each_entry (sig, &session->session_members, session_node) {
		if (sig->leader)
			sig->tty_old_pgrp = pgrp;
	}
}

void tty_leave_session(struct tty_struct *tty, bool leader_exits)
{
	pid_t session = 0, pgrp = 0;

	ctty_lock_tasks();
	if (tty->pgrp)
		pgrp = tty->pgrp->nr;
	if (tty->session) {
		session = tty->session->nr;
		clear_session(tty->session);
		note_old_pgrp(tty->session, leader_exits ? 0 : pgrp);
	}
	set_tty_pids(tty, NULL, NULL);
	ctty_unlock_tasks();

	if (session) {
		kill_proc(session, SIGHUP);
		kill_proc(session, SIGCONT);
	}
	if (pgrp && leader_exits)
		kill_pgrp(pgrp, SIGHUP);
}

/* A leader whose terminal was hung up before exits: its last foreground group is told. */
static void hangup_old_pgrp(void)
{
	pid_t pgrp;

	spin_lock(&ctty_lock);
	pgrp = current->signal->tty_old_pgrp;
	current->signal->tty_old_pgrp = 0;
	spin_unlock(&ctty_lock);
	if (!pgrp || session_of_pgrp(pgrp) != task_session_nr(current))
		return;
	kill_pgrp(pgrp, SIGHUP);
	kill_pgrp(pgrp, SIGCONT);
}

void disassociate_ctty(bool on_exit)
{
	struct tty_struct *tty = get_current_tty();
	pid_t pgrp;

	if (!READ_ONCE(current->signal->leader))
		return;
	if (!tty) {
		if (on_exit)
			hangup_old_pgrp();
		return;
	}
	if (on_exit && !tty_is_pty(tty)) {
		tty_hangup(tty, true);
		return;
	}
	pgrp = tty_pgrp_nr(tty);
	ctty_lock_tasks();
	if (tty->session == current->signal->session_pid) {
		clear_session(tty->session);
		set_tty_pids(tty, NULL, NULL);
	}
	ctty_unlock_tasks();
	if (!pgrp)
		return;
	kill_pgrp(pgrp, SIGHUP);
	if (!on_exit)
		kill_pgrp(pgrp, SIGCONT);
}

SYSCALL_DEFINE0(vhangup)
{
	struct tty_struct *tty = get_current_tty();

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (tty)
		tty_hangup(tty, false);
	return 0;
}

/* --- ioctls ---------------------------------------------------------------------------------- */

/* The group exists, and is of current's session: then it is the foreground. */
static int set_foreground(struct tty_struct *tty, pid_t nr)
{
	struct pid *pgrp = find_get_pid(nr);
	int err = 0;

	if (!pgrp)
		return -ESRCH;
	if (session_of_pgrp(nr) != task_session_nr(current)) {
		put_pid(pgrp);
		return -EPERM;
	}
	spin_lock(&ctty_lock);
	if (process_tty(current->signal) == tty)
		swap(tty->pgrp, pgrp);
	else
		err = -ENOTTY;
	spin_unlock(&ctty_lock);
	put_pid(pgrp);
	return err;
}

static int tiocspgrp(struct tty_struct *tty, const pid_t __user *arg)
{
	int err = tty_check_change(tty);
	pid_t nr;

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(nr, arg))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	if (get_current_tty() != tty)
		return -ENOTTY;
	return set_foreground(tty, nr);
}

static int tiocnotty(struct tty_struct *tty)
{
	if (get_current_tty() != tty)
		return -ENOTTY;
	disassociate_ctty(false);
	proc_clear_tty(current);
	return 0;
}

long tty_jobctrl_ioctl(struct tty_struct *tty, struct file *file, unsigned int cmd,
		       unsigned long arg)
{
	pid_t __user *p = (pid_t __user *)arg;
	pid_t session;

	switch (cmd) {
	case TIOCGPGRP:
		if (get_current_tty() != tty)
			return -ENOTTY;
		return put_user(tty_pgrp_nr(tty), p);
	case TIOCSPGRP:
		return tiocspgrp(tty, p);
	case TIOCGSID:
		session = tty_session_nr(tty);
		if (get_current_tty() != tty || !session)
			return -ENOTTY;
		return put_user(session, p);
	case TIOCSCTTY:
		return set_controlling_tty(tty, file, arg == 1);
	case TIOCNOTTY:
		return tiocnotty(tty);
	}
	return -ENOIOCTLCMD;
}
