// SPDX-License-Identifier: MIT
/*
 * Terminals: the registry, and the life of an open terminal file.
 *
 * The files in /dev and what they open:
 *
 *	/dev/ttyS0 ...	the serial port	     /dev/tty1	  screen and keyboard
 *	/dev/tty	current's controlling terminal, ENXIO if it has none
 *	/dev/tty0	the screen that is shown: tty1
 *	/dev/console	the last console= on the command line (console.c)
 *
 * A session leader without a terminal that opens one for reading, without O_NOCTTY, gets it as its
 * controlling terminal; not through /dev/console or /dev/tty0.
 *
 * Hangup. A terminal is never taken from under its files. A hangup counts its generation up; each
 * file remembers the generation in which it was opened, and one of an earlier generation is dead:
 *
 *	read -> 0    write -> EIO    ioctl -> EIO (TIOCSPGRP: ENOTTY)    poll -> everything and POLLHUP
 *
 * Who sleeps in a read or write has tty_hung_up() in its condition, and is woken.
 */

#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/drivers/console.h"
#include "kernel/drivers/n_tty.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/chrdev.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/poll.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/bitops.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define CLOSE_DRAIN_NS 30000000000LL /* as long as Linux waits for a slow line */

#define DEV_TTY	    MKDEV(TTYAUX_MAJOR, 0)
#define DEV_CONSOLE MKDEV(TTYAUX_MAJOR, 1)
#define DEV_TTY0    MKDEV(TTY_MAJOR, 0)

const struct termios2 tty_std_termios = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 'C' & 037,
		 [VQUIT] = '\\' & 037,
		 [VERASE] = 0177,
		 [VKILL] = 'U' & 037,
		 [VEOF] = 'D' & 037,
		 [VMIN] = 1,
		 [VSTART] = 'Q' & 037,
		 [VSTOP] = 'S' & 037,
		 [VSUSP] = 'Z' & 037,
		 [VREPRINT] = 'R' & 037,
		 [VDISCARD] = 'O' & 037,
		 [VWERASE] = 'W' & 037,
		 [VLNEXT] = 'V' & 037},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* Terminals are added at boot, at the end, and never removed: readers need no lock. */
static LIST_HEAD(ttys);
static DEFINE_MUTEX(ttys_mutex);

static const struct file_operations tty_fops;

struct tty_struct *tty_next(struct tty_struct *tty)
{
	struct list_head *next = smp_load_acquire(tty ? &tty->list.next : &ttys.next);

	return next == &ttys ? NULL : container_of(next, struct tty_struct, list);
}

struct tty_struct *tty_find(const char *name)
{
	struct tty_struct *tty;

	for (tty = tty_next(NULL); tty; tty = tty_next(tty)) {
		if (!strcmp(tty->name, name))
			return tty;
	}
	return NULL;
}

static struct tty_struct *tty_find_dev(dev_t dev)
{
	struct tty_struct *tty;

	for (tty = tty_next(NULL); tty; tty = tty_next(tty)) {
		if (tty->dev == dev)
			return tty;
	}
	return NULL;
}

/* The entry is complete before the one in front of it points to it. */
static void tty_publish(struct tty_struct *tty)
{
	struct list_head *last;

	mutex_lock(&ttys_mutex);
	last = ttys.prev;
	tty->list.next = &ttys;
	tty->list.prev = last;
	ttys.prev = &tty->list;
	smp_store_release(&last->next, &tty->list);
	mutex_unlock(&ttys_mutex);
}

struct tty_struct *tty_alloc(const char *name, dev_t dev, const struct tty_operations *ops,
			     const struct termios2 *termios, void *driver_data)
{
	struct tty_struct *tty = kzalloc(sizeof(*tty), GFP_KERNEL);

	if (!tty)
		return NULL;
	strscpy(tty->name, name, sizeof(tty->name));
	tty->dev = dev;
	tty->ops = ops;
	tty->driver_data = driver_data;
	tty->termios = tty->init_termios = *termios;
	mutex_init(&tty->open_mutex);
	mutex_init(&tty->input_mutex);
	mutex_init(&tty->output_mutex);
	spin_lock_init(&tty->ring_lock);
	init_waitqueue_head(&tty->read_wait);
	init_waitqueue_head(&tty->write_wait);
	fasync_init(&tty->fasync);
	return tty;
}

struct tty_struct *tty_register(const char *name, dev_t dev, const struct tty_operations *ops,
				const struct termios2 *termios, void *driver_data)
{
	struct tty_struct *tty = tty_alloc(name, dev, ops, termios, driver_data);
	int err;

	if (!tty)
		return ERR_PTR(-ENOMEM);
	err = register_chrdev(MAJOR(dev), MINOR(dev), tty->name, 0620, &tty_fops);
	if (err) {
		kfree(tty);
		return ERR_PTR(err);
	}
	tty_publish(tty);
	return tty;
}

struct tty_struct *tty_add(const char *name, dev_t dev, const struct tty_operations *ops,
			   const struct termios2 *termios, void *driver_data)
{
	struct tty_struct *tty = tty_alloc(name, dev, ops, termios, driver_data);

	if (!tty)
		return ERR_PTR(-ENOMEM);
	tty_publish(tty);
	return tty;
}

bool tty_hung_up(const struct tty_file *tf)
{
	return READ_ONCE(tf->tty->generation) != tf->generation;
}

void tty_hangup(struct tty_struct *tty, bool leader_exits)
{
	struct termios2 old;

	mutex_lock(&tty->input_mutex);
	WRITE_ONCE(tty->generation, tty->generation + 1);
	mutex_lock(&tty->output_mutex);
	old = tty->termios;
	tty->termios = tty->init_termios;
	mutex_unlock(&tty->output_mutex);
	if (tty->disc) {
		n_tty_flush_input(tty);
		n_tty_forget_echo(tty);
		n_tty_set_termios(tty, &old);
	}
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, &old);
	if (tty->ops->flush_buffer)
		tty->ops->flush_buffer(tty);
	tty_start(tty);
	clear_bit(TTY_EXCLUSIVE, &tty->flags);
	mutex_unlock(&tty->input_mutex);

	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
	fasync_clear(&tty->fasync);
	tty_leave_session(tty, leader_exits);
}

/* --- files ----------------------------------------------------------------------------------- */

/* The terminal that an open of device `dev` means. */
static struct tty_struct *tty_lookup(dev_t dev)
{
	struct tty_struct *tty;

	if (dev == DEV_TTY)
		tty = get_current_tty();
	else if (dev == DEV_CONSOLE)
		tty = console_tty();
	else if (dev == DEV_TTY0)
		tty = tty_find("tty1");
	else
		tty = tty_find_dev(dev);
	if (!tty)
		return ERR_PTR(dev == DEV_CONSOLE ? -ENODEV : -ENXIO);
	return tty;
}

/* What a terminal needs from its first open on; kept for the next ones. */
static int tty_allocate_buffers(struct tty_struct *tty)
{
	u16 *ring;

	if (!tty->disc)
		smp_store_release(&tty->disc, n_tty_alloc());
	if (!tty->disc)
		return -ENOMEM;
	if (tty->ring)
		return 0;
	ring = kmalloc(TTY_RING_SIZE * sizeof(*ring), GFP_KERNEL);
	if (!ring)
		return -ENOMEM;
	spin_lock_irq(&tty->ring_lock);
	tty->ring = ring;
	spin_unlock_irq(&tty->ring_lock);
	return 0;
}

int tty_prepare(struct tty_struct *tty)
{
	int err;

	mutex_lock(&tty->open_mutex);
	err = tty_allocate_buffers(tty);
	mutex_unlock(&tty->open_mutex);
	return err;
}

static int tty_get(struct tty_struct *tty)
{
	int err = 0;

	mutex_lock(&tty->open_mutex);
	if (test_bit(TTY_EXCLUSIVE, &tty->flags) && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	if (!err && tty->ops->may_open)
		err = tty->ops->may_open(tty);
	if (!err)
		err = tty_allocate_buffers(tty);
	if (!err && !tty->open_count && tty->ops->activate)
		err = tty->ops->activate(tty);
	if (!err)
		tty->open_count++;
	mutex_unlock(&tty->open_mutex);
	return err;
}

static int tty_open(struct inode *inode, struct file *file)
{
	dev_t dev = inode->i_rdev;
	struct tty_struct *tty = tty_lookup(dev);
	struct tty_file *tf;
	int err;

	if (IS_ERR(tty))
		return PTR_ERR(tty);
	tf = kmalloc(sizeof(*tf), GFP_KERNEL);
	if (!tf)
		return -ENOMEM;
	tf->tty = tty;
	tf->generation = READ_ONCE(tty->generation); /* a hangup from now on ends this file */
	err = tty_get(tty);
	if (err) {
		kfree(tf);
		return err;
	}
	file->private = tf;
	if (!(file->f_flags & O_NOCTTY) && (file->f_mode & FMODE_READ) && dev != DEV_CONSOLE &&
	    dev != DEV_TTY0)
		tty_open_proc_set_tty(tty);
	return 0;
}

/* The next to open it finds nothing of those before. */
static void tty_reset(struct tty_struct *tty)
{
	mutex_lock(&tty->input_mutex);
	n_tty_flush_input(tty);
	mutex_unlock(&tty->input_mutex);
	tty_start(tty);
	clear_bit(TTY_EXCLUSIVE, &tty->flags);
}

static void tty_release(struct inode *inode, struct file *file)
{
	struct tty_file *tf = file->private;
	struct tty_struct *tty = tf->tty;

	if (READ_ONCE(tty->open_count) == 1)
		tty_drain(tty, CLOSE_DRAIN_NS);
	mutex_lock(&tty->open_mutex);
	if (--tty->open_count == 0) {
		if (!tty_is_pty(tty)) /* that lives, with all it has, as long as its master */
			tty_reset(tty);
		if (tty->ops->shutdown)
			tty->ops->shutdown(tty);
	}
	mutex_unlock(&tty->open_mutex);
	kfree(tf);
}

static ssize_t tty_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct tty_file *tf = file->private;

	return tty_hung_up(tf) ? 0 : n_tty_read(tf, file, to);
}

static ssize_t tty_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct tty_file *tf = file->private;

	return tty_hung_up(tf) ? -EIO : n_tty_write(tf, file, from);
}

static u32 tty_poll(struct file *file, struct poll_table *table)
{
	return n_tty_poll(file->private, file, table);
}

/* Who wants signals and has not said for whom: the foreground group, or the caller. */
static struct fasync_head *tty_fasync(struct file *file)
{
	struct tty_file *tf = file->private;
	struct pid *pgrp = tty_get_pgrp(tf->tty);
	int err;

	if (tty_hung_up(tf)) {
		put_pid(pgrp);
		return ERR_PTR(-ENOTTY);
	}
	err = pgrp ? file_default_owner(file, pgrp, F_OWNER_PGRP)
		   : file_default_owner(file, current->group_leader->thread_pid, F_OWNER_PID);
	put_pid(pgrp);
	return err ? ERR_PTR(err) : &tf->tty->fasync;
}

static const struct file_operations tty_fops = {
	.read_iter = tty_read_iter,
	.write_iter = tty_write_iter,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.fasync = tty_fasync,
	.open = tty_open,
	.release = tty_release,
};

static void tty_alias(dev_t dev, const char *name, umode_t mode)
{
	int err = register_chrdev(MAJOR(dev), MINOR(dev), name, mode, &tty_fops);

	if (err)
		pr_err("tty: /dev/%s: error %d\n", name, err);
}

void tty_core_init(void)
{
	tty_alias(DEV_TTY, "tty", 0666);
	tty_alias(DEV_CONSOLE, "console", 0600);
	tty_alias(DEV_TTY0, "tty0", 0620);
	tty_alias(MKDEV(PTY_MAJOR, ALL_MINORS), "pts", 0);
	tty_input_init();
}
