// SPDX-License-Identifier: MIT
/*
 * Terminal settings and the ioctls that read and change them.
 *
 * The settings are kept as termios2; the older structures are views of it. Changing them is one
 * function, set_termios(): it waits and flushes as the command's letter says (TCSETS: at once; W:
 * when the output so far is sent; F: that, and unread input is forgotten), then changes under both
 * mutexes, so that no byte is processed half under the old settings and half under the new.
 *
 * A background process that changes a terminal is stopped by SIGTTOU first (tty_check_change()).
 * Job control has its own file, tty_jobctrl.c.
 */

#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/drivers/n_tty.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/fs.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/signal.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/string.h"

#define BREAK_NS	  250000000LL
#define NSEC_PER_DSEC	  100000000LL
#define SENT_POLL_NS	  5000000LL
#define SHUTDOWN_DRAIN_NS 1000000000LL

/* --- output flow ----------------------------------------------------------------------------- */

size_t tty_output_room(struct tty_struct *tty)
{
	return test_bit(TTY_STOPPED, &tty->flags) ? 0 : tty->ops->write_room(tty);
}

void tty_stop(struct tty_struct *tty)
{
	if (!test_and_set_bit(TTY_STOPPED, &tty->flags) && tty->ops->stop)
		tty->ops->stop(tty);
}

void tty_start(struct tty_struct *tty)
{
	if (!test_and_clear_bit(TTY_STOPPED, &tty->flags))
		return;
	if (tty->ops->start)
		tty->ops->start(tty);
	tty_wakeup(tty);
}

static bool tty_sent(struct tty_struct *tty)
{
	return !n_tty_echo_pending(tty) &&
	       (!tty->ops->chars_in_buffer || !tty->ops->chars_in_buffer(tty));
}

/*
 * The driver wakes write_wait when its buffer is empty; the UART's own FIFO takes a little
 * longer.
 */
int tty_wait_until_sent(struct tty_struct *tty)
{
	s64 left = 0;

	while (!left && !tty_sent(tty))
		left = wait_event_interruptible_timeout_ns(&tty->write_wait, tty_sent(tty),
							   SENT_POLL_NS);
	return left < 0 ? left : 0;
}

/*
 * Without regard to signals, which may be why the terminal is closed; a stopped one is not waited
 * for.
 */
void tty_drain(struct tty_struct *tty, s64 limit_ns)
{
	while (limit_ns > 0 && !tty_sent(tty) && !test_bit(TTY_STOPPED, &tty->flags)) {
		wait_event_timeout_ns(&tty->write_wait, tty_sent(tty), SENT_POLL_NS);
		limit_ns -= SENT_POLL_NS;
	}
}

void tty_drain_all(void)
{
	struct tty_struct *tty;

	for (tty = tty_next(NULL); tty; tty = tty_next(tty))
		tty_drain(tty, SHUTDOWN_DRAIN_NS);
}

/* --- settings -------------------------------------------------------------------------------- */

/* Speeds that c_cflag can name; BOTHER takes c_ospeed as it stands. */
static const speed_t speeds[] = {0,   50,   75,	  110,	134,  150,  200,   300,
				 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const speed_t more_speeds[] = {57600,   115200,	230400,	 460800,  500000,
				      576000,  921600,	1000000, 1152000, 1500000,
				      2000000, 2500000, 3000000, 3500000, 4000000};

/* What `code` names: BOTHER `other`, and what is no speed the one that there was. */
static speed_t speed_of(tcflag_t code, speed_t other, speed_t old)
{
	unsigned int i = code & 017;

	if (code == BOTHER)
		return other;
	if (!(code & CBAUDEX))
		return speeds[i];
	return i - 1 < ARRAY_SIZE(more_speeds) ? more_speeds[i - 1] : old;
}

/* Input has the speed of output, unless its own field says another. */
static void fill_speeds(struct termios2 *t, const struct termios2 *old)
{
	tcflag_t output = t->c_cflag & CBAUD, input = t->c_cflag >> IBSHIFT & CBAUD;

	t->c_ospeed = speed_of(output, t->c_ospeed, old->c_ospeed);
	if (input)
		t->c_ispeed = speed_of(input, t->c_ispeed, old->c_ispeed);
	else
		t->c_ispeed = t->c_ospeed;
}

enum set_when { SET_NOW = 0, SET_DRAIN = 1, SET_FLUSH = 2 };

static int set_termios(struct tty_struct *tty, struct termios2 *new, enum set_when when)
{
	struct termios2 old;
	int err = tty_check_change(tty);

	if (!err && when != SET_NOW)
		err = tty_wait_until_sent(tty);
	if (err)
		return err;
	mutex_lock(&tty->input_mutex);
	if (when == SET_FLUSH)
		n_tty_flush_input(tty);
	mutex_lock(&tty->output_mutex);
	old = tty->termios;
	fill_speeds(new, &old);
	if (tty->ops->limit_termios)
		tty->ops->limit_termios(new);
	tty->termios = *new;
	mutex_unlock(&tty->output_mutex);
	n_tty_set_termios(tty, &old);
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, &old);
	mutex_unlock(&tty->input_mutex);
	return 0;
}

static void get_termios(struct tty_struct *tty, struct termios2 *t)
{
	mutex_lock(&tty->input_mutex);
	*t = tty->termios;
	mutex_unlock(&tty->input_mutex);
}

/* TCSETS, TCSETS2 and their W and F: `size` tells which structure the user passes. */
static int set_termios_user(struct tty_struct *tty, const void __user *arg, size_t size,
			    enum set_when when)
{
	struct termios2 t;

	get_termios(tty, &t);
	if (copy_from_user(&t, arg, size))
		return -EFAULT;
	return set_termios(tty, &t, when);
}

static int get_termios_user(struct tty_struct *tty, void __user *arg, size_t size)
{
	struct termios2 t;

	get_termios(tty, &t);
	return copy_to_user(arg, &t, size) ? -EFAULT : 0;
}

/* System V's structure knows the low half of the flags and eight characters. */
static int set_termio_user(struct tty_struct *tty, const void __user *arg, enum set_when when)
{
	struct termio io;
	struct termios2 t;

	if (copy_from_user(&io, arg, sizeof(io)))
		return -EFAULT;
	get_termios(tty, &t);
	t.c_iflag = (t.c_iflag & 0xffff0000) | io.c_iflag;
	t.c_oflag = (t.c_oflag & 0xffff0000) | io.c_oflag;
	t.c_cflag = (t.c_cflag & 0xffff0000) | io.c_cflag;
	t.c_lflag = (t.c_lflag & 0xffff0000) | io.c_lflag;
	t.c_line = io.c_line;
	memcpy(t.c_cc, io.c_cc, NCC);
	return set_termios(tty, &t, when);
}

static int get_termio_user(struct tty_struct *tty, void __user *arg)
{
	struct termio io = {0};
	struct termios2 t;

	get_termios(tty, &t);
	io.c_iflag = t.c_iflag;
	io.c_oflag = t.c_oflag;
	io.c_cflag = t.c_cflag;
	io.c_lflag = t.c_lflag;
	io.c_line = t.c_line;
	memcpy(io.c_cc, t.c_cc, NCC);
	return copy_to_user(arg, &io, sizeof(io)) ? -EFAULT : 0;
}

static long termios_ioctl(struct tty_struct *tty, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case TCGETS:
		return get_termios_user(tty, arg, sizeof(struct termios));
	case TCGETS2:
		return get_termios_user(tty, arg, sizeof(struct termios2));
	case TCGETA:
		return get_termio_user(tty, arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios_user(tty, arg, sizeof(struct termios), cmd - TCSETS);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios_user(tty, arg, sizeof(struct termios2), cmd - TCSETS2);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termio_user(tty, arg, cmd - TCSETA);
	}
	return -ENOIOCTLCMD;
}

/* --- window size ----------------------------------------------------------------------------- */

void tty_set_winsize(struct tty_struct *tty, const struct winsize *ws)
{
	bool changed;

	mutex_lock(&tty->input_mutex);
	changed = memcmp(&tty->winsize, ws, sizeof(*ws)) != 0;
	tty->winsize = *ws;
	mutex_unlock(&tty->input_mutex);
	if (changed)
		tty_signal_pgrp(tty, SIGWINCH);
}

static int winsize_ioctl(struct tty_struct *tty, unsigned int cmd, void __user *arg)
{
	struct winsize ws;

	if (cmd == TIOCSWINSZ) {
		if (copy_from_user(&ws, arg, sizeof(ws)))
			return -EFAULT;
		tty_set_winsize(tty, &ws);
		return 0;
	}
	mutex_lock(&tty->input_mutex);
	ws = tty->winsize;
	mutex_unlock(&tty->input_mutex);
	return copy_to_user(arg, &ws, sizeof(ws)) ? -EFAULT : 0;
}

/* --- flow, flush, break, modem --------------------------------------------------------------- */

static void send_flow_char(struct tty_struct *tty, u8 c)
{
	if (c == _POSIX_VDISABLE)
		return;
	if (tty->ops->send_xchar)
		tty->ops->send_xchar(tty, c);
	else
		tty->ops->write(tty, &c, 1);
}

static int flow_ioctl(struct tty_struct *tty, unsigned long arg)
{
	int err = tty_check_change(tty);

	if (err)
		return err;
	switch (arg) {
	case TCOOFF:
		tty_stop(tty);
		return 0;
	case TCOON:
		tty_start(tty);
		return 0;
	case TCIOFF:
	case TCION:
		send_flow_char(tty, tty->termios.c_cc[arg == TCION ? VSTART : VSTOP]);
		return 0;
	}
	return -EINVAL;
}

static int flush_ioctl(struct tty_struct *tty, unsigned long arg)
{
	int err = tty_check_change(tty);

	if (err)
		return err;
	if (arg > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&tty->input_mutex);
	if (arg != TCOFLUSH)
		n_tty_flush_input(tty);
	if (arg != TCIFLUSH) {
		n_tty_forget_echo(tty);
		if (tty->ops->flush_buffer)
			tty->ops->flush_buffer(tty);
	}
	mutex_unlock(&tty->input_mutex);
	if (arg != TCIFLUSH)
		tty_wakeup(tty);
	return 0;
}

static int send_break(struct tty_struct *tty, s64 ns)
{
	if (!tty->ops->break_ctl)
		return 0;
	tty->ops->break_ctl(tty, true);
	set_current_state(TASK_INTERRUPTIBLE);
	schedule_timeout_ns(ns);
	tty->ops->break_ctl(tty, false);
	return signal_pending(current) ? -EINTR : 0;
}

/* TCSBRK with an argument other than 0 is tcdrain(). */
static int break_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg)
{
	int err = tty_check_change(tty);

	if (!err)
		err = tty_wait_until_sent(tty);
	if (err)
		return err;
	switch (cmd) {
	case TCSBRK:
		return arg ? 0 : send_break(tty, BREAK_NS);
	case TCSBRKP:
		return send_break(tty, arg ? min_t(s64, arg, 100) * NSEC_PER_DSEC : BREAK_NS);
	default:
		if (tty->ops->break_ctl)
			tty->ops->break_ctl(tty, cmd == TIOCSBRK);
		return 0;
	}
}

static int modem_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned int __user *arg)
{
	unsigned int lines;

	if (!tty->ops->tiocmget)
		return -ENOTTY;
	if (cmd == TIOCMGET)
		return put_user(tty->ops->tiocmget(tty), arg);
	if (get_user(lines, arg))
		return -EFAULT;
	lines &= TIOCM_DTR | TIOCM_RTS;
	switch (cmd) {
	case TIOCMBIS:
		tty->ops->tiocmset(tty, lines, 0);
		break;
	case TIOCMBIC:
		tty->ops->tiocmset(tty, 0, lines);
		break;
	default:
		tty->ops->tiocmset(tty, lines, ~lines & (TIOCM_DTR | TIOCM_RTS));
	}
	return 0;
}

static int softcar_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned int __user *arg)
{
	struct termios2 t;
	unsigned int on;

	get_termios(tty, &t);
	if (cmd == TIOCGSOFTCAR)
		return put_user(!!(t.c_cflag & CLOCAL), arg);
	if (get_user(on, arg))
		return -EFAULT;
	t.c_cflag = on ? t.c_cflag | CLOCAL : t.c_cflag & ~CLOCAL;
	return set_termios(tty, &t, SET_NOW);
}

static unsigned int chars_in_buffer(struct tty_struct *tty)
{
	return tty->ops->chars_in_buffer ? tty->ops->chars_in_buffer(tty) : 0;
}

/* TIOCSTI: as if the byte had been typed. */
static int fake_input(struct tty_struct *tty, const u8 __user *arg)
{
	u8 c;

	if (get_current_tty() != tty && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	mutex_lock(&tty->input_mutex);
	if (n_tty_can_receive(tty)) {
		n_tty_receive(tty, c, TTY_NORMAL);
		n_tty_tell_input(tty);
	}
	n_tty_flush_echo(tty);
	mutex_unlock(&tty->input_mutex);
	return 0;
}

static int set_discipline(const int __user *arg)
{
	int number = -1;

	if (get_user(number, arg))
		return -EFAULT;
	return number == N_TTY ? 0 : -EINVAL;
}

static int set_exclusive(struct tty_struct *tty, bool on)
{
	if (on)
		set_bit(TTY_EXCLUSIVE, &tty->flags);
	else
		clear_bit(TTY_EXCLUSIVE, &tty->flags);
	return 0;
}

static int hangup_ioctl(struct tty_struct *tty)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	tty_hangup(tty, false);
	return 0;
}

/* Device number as new_encode_dev has it for user space. */
static unsigned int encode_dev(dev_t dev)
{
	return (MINOR(dev) & 0xff) | (MAJOR(dev) << 8) | ((MINOR(dev) & ~0xffu) << 12);
}

static long misc_ioctl(struct tty_struct *tty, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return winsize_ioctl(tty, cmd, p);
	case FIONREAD:
		return put_user((int)n_tty_chars(tty), (int __user *)p);
	case TIOCOUTQ:
		return put_user((int)chars_in_buffer(tty), (int __user *)p);
	case TCXONC:
		return flow_ioctl(tty, arg);
	case TCFLSH:
		return flush_ioctl(tty, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return break_ioctl(tty, cmd, arg);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem_ioctl(tty, cmd, p);
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return softcar_ioctl(tty, cmd, p);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tty, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_user((int)test_bit(TTY_EXCLUSIVE, &tty->flags), (int __user *)p);
	case TIOCSTI:
		return fake_input(tty, p);
	case TIOCGETD:
		return put_user(N_TTY, (int __user *)p);
	case TIOCSETD:
		return set_discipline(p);
	case TIOCGDEV:
		return put_user(encode_dev(tty->dev), (unsigned int __user *)p);
	case TIOCVHANGUP:
		return hangup_ioctl(tty);
	}
	return -ENOIOCTLCMD;
}

long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tty_file *tf = file->private;
	long ret;

	if (tty_hung_up(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	ret = termios_ioctl(tf->tty, cmd, (void __user *)arg);
	if (ret == -ENOIOCTLCMD)
		ret = tty_jobctrl_ioctl(tf->tty, file, cmd, arg);
	if (ret == -ENOIOCTLCMD)
		ret = misc_ioctl(tf->tty, cmd, arg);
	return ret;
}
