/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: a terminal whose other end is a program.
 *
 *	     write                                                            read
 *	master ----> slave's ring --kttyd--> line discipline --> read_buf ----------> slave
 *	(/dev/ptmx)                              | echo                              (/dev/pts/N)
 *	     <---- output ring <-----------------+---- output processing <---- write
 *	     read
 *
 * The slave is a terminal like any other; its "hardware" is this driver. The master is no terminal
 * itself, only a file: what a terminal's ioctl means on it is done to the slave.
 *
 *	                open(ptmx)           unlock, open(pts/N)         last close of pts/N
 *	(free, N) ------------------> open ----------------------> used -------------------> vacant
 *	    ^                          |                             |  <------------------    |
 *	    |                          |        close of the master  |     open(pts/N)         |
 *	    |                          +-----------------------------+-------------------------+
 *	    |   the slave has no file                                v
 *	    +---------------------------------------------------- hung up: pts/N is gone, its files dead
 *
 * While vacant, the master reads what was written before, then gets EIO, and poll says POLLHUP.
 *
 * A tty_struct lives for ever (tty.h), so a pair is kept when it is free and used again: there are
 * never more than were once open at the same time.
 *
 * /dev/pts is a file system of its own: devpts.c.
 *
 * Locks: pty_mutex (which pairs are free), then the tty's; pty->lock guards the output ring and the
 * flags, and is taken by the driver operations.
 */
#include "kernel/drivers/pty.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/chrdev.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define PTMX_MINOR    2
#define PTY_MAX	      4096
#define PTY_RING_SIZE 4096u
#define IO_CHUNK      256

/* Lock key: l = lock; c = constant; p = pty_mutex. */
struct pty {
	unsigned int index;	  /* c */
	struct tty_struct *slave; /* c */
	struct dentry *node;	  /* p: /dev/pts/N while the master is open */
	spinlock_t lock;
	u8 *ring;		     /* c: what the slave has written */
	unsigned int head, tail;     /* l */
	bool master_open;	     /* l */
	bool locked;		     /* l: the slave cannot be opened */
	bool vacant;		     /* l: the slave was open, and is not */
	bool packet;		     /* l: TIOCPKT */
	bool held;		     /* l: TCOOFF: what the master writes waits */
	u8 status;		     /* l: TIOCPKT_* not yet told */
	struct fasync_head fasync;   /* files of the master */
	struct wait_queue_head wait; /* the master's reads, writes and polls */
};

/* file->private of a master: begins like that of a slave, for tty_ioctl(). */
struct pty_file {
	struct tty_file tf;
	struct pty *pty;
};

static DEFINE_MUTEX(pty_mutex);
static struct pty *ptys[PTY_MAX]; /* pty_mutex; entries stay for ever */
int pty_limit = PTY_MAX;

unsigned int pty_count(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PTY_MAX && READ_ONCE(ptys[i]); i++)
		n += ptys[i]->master_open;
	return n;
}

/* The slave's driver --------------------------------------------------------------------------- */

static struct pty *pty_of(const struct tty_struct *tty)
{
	return tty->driver_data;
}

static void wake_master(struct pty *pty)
{
	wake_up_all(&pty->wait);
}

static size_t ring_room(const struct pty *pty)
{
	return PTY_RING_SIZE - (pty->head - pty->tail);
}

static size_t pty_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct pty *pty = pty_of(tty);
	unsigned long flags;

	spin_lock_irqsave(&pty->lock, flags);
	if (pty->master_open) {
		n = min(n, ring_room(pty));
		for (size_t i = 0; i < n; i++)
			pty->ring[pty->head++ % PTY_RING_SIZE] = buf[i];
	}
	spin_unlock_irqrestore(&pty->lock, flags);
	if (n) {
		wake_master(pty);
		kill_fasync(&pty->fasync, FMODE_READ, POLL_IN);
	}
	return n;
}

static size_t pty_write_room(struct tty_struct *tty)
{
	struct pty *pty = pty_of(tty);

	return READ_ONCE(pty->master_open) ? ring_room(pty) : PTY_RING_SIZE;
}

/* Something for a master in packet mode to be told. */
static void note_status(struct pty *pty, u8 set, u8 clear)
{
	unsigned long flags;

	spin_lock_irqsave(&pty->lock, flags);
	if (pty->packet)
		pty->status = (pty->status & ~clear) | set;
	spin_unlock_irqrestore(&pty->lock, flags);
	wake_master(pty);
}

static void pty_flush_buffer(struct tty_struct *tty)
{
	struct pty *pty = pty_of(tty);
	unsigned long flags;

	spin_lock_irqsave(&pty->lock, flags);
	pty->tail = pty->head;
	spin_unlock_irqrestore(&pty->lock, flags);
	note_status(pty, TIOCPKT_FLUSHWRITE, 0);
}

static void pty_stop(struct tty_struct *tty)
{
	note_status(pty_of(tty), TIOCPKT_STOP, TIOCPKT_START);
}

static void pty_start(struct tty_struct *tty)
{
	note_status(pty_of(tty), TIOCPKT_START, TIOCPKT_STOP);
}

static void pty_unthrottle(struct tty_struct *tty)
{
	wake_master(pty_of(tty));
}

/* The slave's unread input was thrown away. */
static void pty_input_flushed(struct tty_struct *tty)
{
	note_status(pty_of(tty), TIOCPKT_FLUSHREAD, 0);
}

/* Does the terminal stop at ^S and go on at ^Q? A master that knows can do it itself. */
static bool usual_flow_keys(const struct termios2 *t)
{
	return t->c_iflag & IXON && t->c_cc[VSTOP] == ('S' & 037) && t->c_cc[VSTART] == ('Q' & 037);
}

/* There is no line whose bytes could be shorter, or have a parity. */
static void pty_limit_termios(struct termios2 *new)
{
	new->c_cflag = (new->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
}

static void pty_set_termios(struct tty_struct *tty, const struct termios2 *old)
{
	bool usual = usual_flow_keys(&tty->termios);

	/* whoever does the line editing at the other end wants to hear of every change */
	if ((old->c_lflag | tty->termios.c_lflag) & EXTPROC)
		note_status(pty_of(tty), TIOCPKT_IOCTL, 0);
	if (usual == usual_flow_keys(old))
		return;
	if (usual)
		note_status(pty_of(tty), TIOCPKT_DOSTOP, TIOCPKT_NOSTOP);
	else
		note_status(pty_of(tty), TIOCPKT_NOSTOP, TIOCPKT_DOSTOP);
}

static int pty_may_open(struct tty_struct *tty)
{
	const struct pty *pty = pty_of(tty);

	return READ_ONCE(pty->master_open) && !READ_ONCE(pty->locked) ? 0 : -EIO;
}

static int pty_activate(struct tty_struct *tty)
{
	struct pty *pty = pty_of(tty);

	spin_lock_irq(&pty->lock);
	pty->vacant = false;
	spin_unlock_irq(&pty->lock);
	return 0;
}

static void pty_shutdown(struct tty_struct *tty)
{
	struct pty *pty = pty_of(tty);

	spin_lock_irq(&pty->lock);
	pty->vacant = true;
	spin_unlock_irq(&pty->lock);
	wake_master(pty);
}

static const struct tty_operations pty_ops = {
	.may_open = pty_may_open,
	.activate = pty_activate,
	.shutdown = pty_shutdown,
	.write = pty_write,
	.write_room = pty_write_room,
	.flush_buffer = pty_flush_buffer,
	.input_flushed = pty_input_flushed,
	.stop = pty_stop,
	.start = pty_start,
	.unthrottle = pty_unthrottle,
	.limit_termios = pty_limit_termios,
	.set_termios = pty_set_termios,
};

/* Reading and writing the master --------------------------------------------------------------- */

/* Bytes of the slave's output into @buf. */
static size_t take_output(struct pty *pty, u8 *buf, size_t size)
{
	size_t n = 0;

	spin_lock_irq(&pty->lock);
	while (n < size && pty->tail != pty->head)
		buf[n++] = pty->ring[pty->tail++ % PTY_RING_SIZE];
	spin_unlock_irq(&pty->lock);
	return n;
}

/* Packet mode: 1 and the status, once; 0: there is none. */
static int take_status(struct pty *pty, u8 *status)
{
	int taken = 0;

	spin_lock_irq(&pty->lock);
	if (pty->packet && pty->status) {
		*status = pty->status;
		pty->status = 0;
		taken = 1;
	}
	spin_unlock_irq(&pty->lock);
	return taken;
}

static bool master_readable(const struct pty *pty)
{
	return READ_ONCE(pty->head) != READ_ONCE(pty->tail) ||
	       (READ_ONCE(pty->packet) && READ_ONCE(pty->status));
}

/* Moves what is there. In packet mode a byte that says "data" goes ahead. */
static ssize_t copy_output(struct pty *pty, struct iov_iter *to)
{
	u8 buf[IO_CHUNK];
	ssize_t done = 0;
	size_t n;

	if (READ_ONCE(pty->packet)) {
		u8 status = TIOCPKT_DATA;
		int control = take_status(pty, &status);

		if (copy_to_iter(&status, 1, to) != 1)
			return -EFAULT;
		done = 1;
		if (control)
			return done;
	}
	while (iov_iter_count(to)) {
		n = take_output(pty, buf, min_t(size_t, sizeof(buf), iov_iter_count(to)));
		if (!n)
			break;
		if (copy_to_iter(buf, n, to) != n)
			return done ? done : -EFAULT;
		done += (ssize_t)n;
	}
	tty_wakeup(pty->slave);
	return done;
}

static ssize_t ptmx_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct pty *pty = ((struct pty_file *)file->private)->pty;
	int err;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		if (master_readable(pty))
			return copy_output(pty, to);
		if (READ_ONCE(pty->vacant))
			return -EIO;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&pty->wait,
					       master_readable(pty) || READ_ONCE(pty->vacant));
		if (err)
			return err;
	}
}

static bool master_writable(const struct pty *pty)
{
	return !READ_ONCE(pty->held) && tty_input_room(pty->slave);
}

/* As if typed: how many bytes found room. */
static size_t type(struct tty_struct *slave, const u8 *buf, size_t n)
{
	size_t done = 0;

	while (done < n && tty_insert_char(slave, buf[done], TTY_NORMAL))
		done++;
	tty_insert_done(slave);
	return done;
}

static ssize_t ptmx_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct pty *pty = ((struct pty_file *)file->private)->pty;
	u8 buf[IO_CHUNK];
	ssize_t done = 0;
	size_t n, typed;
	int err = 0;

	while (iov_iter_count(from) && !err) {
		n = copy_from_iter(buf, min_t(size_t, sizeof(buf), iov_iter_count(from)), from);
		if (!n)
			return done ? done : -EFAULT;
		for (typed = 0; !err;) {
			size_t more = 0;

			if (!READ_ONCE(pty->held))
				more = type(pty->slave, buf + typed, n - typed);
			typed += more;
			done += (ssize_t)more;
			if (typed == n)
				break;
			if (file->f_flags & O_NONBLOCK)
				err = -EAGAIN;
			else
				err = wait_event_interruptible(&pty->wait, master_writable(pty));
		}
	}
	return done ? done : err;
}

static u32 ptmx_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = ((struct pty_file *)file->private)->pty;
	u32 mask = 0;

	poll_wait(file, &pty->wait, table);
	if (master_readable(pty))
		mask |= POLLIN | POLLRDNORM;
	if (READ_ONCE(pty->packet) && READ_ONCE(pty->status))
		mask |= POLLPRI;
	if (READ_ONCE(pty->vacant))
		mask |= POLLHUP;
	return master_writable(pty) ? mask | POLLOUT | POLLWRNORM : mask;
}

/* The master's ioctls -------------------------------------------------------------------------- */

static long set_flag(struct pty *pty, bool *flag, const int __user *arg)
{
	int on = 0;

	if (get_user(on, arg))
		return -EFAULT;
	spin_lock_irq(&pty->lock);
	if (flag == &pty->packet && on && !pty->packet)
		pty->status = 0;
	*flag = on;
	spin_unlock_irq(&pty->lock);
	return 0;
}

/* TIOCGPTPEER: a descriptor of the slave, without a need for its name. */
static long open_peer(const struct pty *pty, unsigned int flags)
{
	char name[32];
	struct file *file;

	if (flags & ~(O_ACCMODE | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	snprintf(name, sizeof(name), "/dev/pts/%u", pty->index);
	file = kernel_open(name, flags & ~O_CLOEXEC, 0);
	return IS_ERR(file) ? PTR_ERR(file) : fd_install_new(file, flags & O_CLOEXEC);
}

/* TCFLSH on the master: its input is what the slave wrote, its output what no one has looked at yet. */
static long flush_master(struct pty *pty, unsigned long which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which != TCOFLUSH) {
		spin_lock_irq(&pty->lock);
		pty->tail = pty->head;
		spin_unlock_irq(&pty->lock);
		tty_wakeup(pty->slave);
	}
	if (which != TCIFLUSH)
		tty_ring_flush(pty->slave);
	return 0;
}

/* TCXONC on the master holds back what it writes, or types ^S and ^Q. */
static long flow_master(struct pty *pty, unsigned long action)
{
	u8 c = action == TCION ? 'Q' & 037 : 'S' & 037;

	switch (action) {
	case TCOOFF:
	case TCOON:
		spin_lock_irq(&pty->lock);
		pty->held = action == TCOOFF;
		spin_unlock_irq(&pty->lock);
		wake_master(pty);
		return 0;
	case TCIOFF:
	case TCION:
		type(pty->slave, &c, 1);
		return 0;
	}
	return -EINVAL;
}

/* TIOCSIG: what could be typed, and no more: who runs on the slave may be another user. */
static long signal_slave(struct pty *pty, unsigned long sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal_pgrp(pty->slave, (int)sig);
	return 0;
}

static long ptmx_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pty_file *pf = file->private;
	struct pty *pty = pf->pty;
	int __user *p = (int __user *)arg;
	pid_t session;

	switch (cmd) {
	case TIOCGPTN:
		return put_user((int)pty->index, p);
	case TIOCSPTLCK:
		return set_flag(pty, &pty->locked, p);
	case TIOCGPTLCK:
		return put_user((int)READ_ONCE(pty->locked), p);
	case TIOCPKT:
		return set_flag(pty, &pty->packet, p);
	case TIOCGPKT:
		return put_user((int)READ_ONCE(pty->packet), p);
	case TIOCGPTPEER:
		return open_peer(pty, (unsigned int)arg);
	case TIOCSIG:
		return signal_slave(pty, arg);
	case TCFLSH:
		return flush_master(pty, arg);
	case TCXONC:
		return flow_master(pty, arg);
	case FIONREAD:
		return put_user((int)(READ_ONCE(pty->head) - READ_ONCE(pty->tail)), p);
	case TIOCOUTQ:
		return put_user(0, p);
	case TIOCGPGRP: /* whoever has the master may ask */
		return put_user(tty_pgrp_nr(pty->slave), p);
	case TIOCGSID:
		session = tty_session_nr(pty->slave);
		return session ? put_user(session, p) : -ENOTTY;
	}
	/* a hangup of the slave does not end the master's file */
	pf->tf.generation = READ_ONCE(pty->slave->generation);
	return tty_ioctl(file, cmd, arg);
}

/* Life of a pair ------------------------------------------------------------------------------- */

static struct pty *new_pty(unsigned int index)
{
	struct pty *pty = kzalloc(sizeof(*pty), GFP_KERNEL);
	struct termios2 termios = tty_std_termios;
	char name[16];

	if (!pty)
		return ERR_PTR(-ENOMEM);
	/* no line to hang up, and whoever shows the output says if that is UTF-8 */
	termios.c_iflag &= ~IUTF8;
	termios.c_cflag &= ~(HUPCL | CLOCAL);
	pty->index = index;
	spin_lock_init(&pty->lock);
	init_waitqueue_head(&pty->wait);
	fasync_init(&pty->fasync);
	pty->vacant = true;
	pty->ring = kmalloc(PTY_RING_SIZE, GFP_KERNEL);
	snprintf(name, sizeof(name), "pts/%u", index);
	if (pty->ring)
		pty->slave = tty_add(name, MKDEV(PTY_MAJOR, index), &pty_ops, &termios, pty);
	if (IS_ERR_OR_NULL(pty->slave)) {
		kfree(pty->ring);
		kfree(pty);
		return ERR_PTR(-ENOMEM);
	}
	return pty;
}

/* The lowest pair that nobody has open. pty_mutex held. */
static struct pty *free_pty(void)
{
	for (unsigned int i = 0; i < (unsigned int)READ_ONCE(pty_limit); i++) {
		if (!ptys[i]) {
			struct pty *pty = new_pty(i);

			if (!IS_ERR(pty))
				WRITE_ONCE(ptys[i], pty);
			return pty;
		}
		if (!ptys[i]->master_open && !READ_ONCE(ptys[i]->slave->open_count))
			return ptys[i];
	}
	return ERR_PTR(-ENOSPC);
}

/* A free pair becomes an open one. pty_mutex held. */
static int begin_pair(struct pty *pty)
{
	struct tty_struct *tty = pty->slave;
	int err = tty_prepare(tty);

	if (!err)
		err = devpts_make_node(pty->index, pty->slave->dev, &pty->node);
	if (err)
		return err;
	mutex_lock(&tty->input_mutex);
	tty->winsize = (struct winsize){0};
	mutex_unlock(&tty->input_mutex);
	spin_lock_irq(&pty->lock);
	pty->head = pty->tail = 0;
	pty->locked = pty->master_open = true;
	pty->vacant = pty->packet = pty->held = false;
	pty->status = 0;
	spin_unlock_irq(&pty->lock);
	return 0;
}

static int ptmx_open(struct inode *inode, struct file *file)
{
	struct pty_file *pf = kmalloc(sizeof(*pf), GFP_KERNEL);
	struct pty *pty;
	int err;

	if (!pf)
		return -ENOMEM;
	mutex_lock(&pty_mutex);
	pty = free_pty();
	err = IS_ERR(pty) ? (int)PTR_ERR(pty) : begin_pair(pty);
	mutex_unlock(&pty_mutex);
	if (err) {
		kfree(pf);
		return err;
	}
	pf->tf.tty = pty->slave;
	pf->pty = pty;
	file->private = pf;
	return 0;
}

static void ptmx_release(struct inode *inode, struct file *file)
{
	struct pty_file *pf = file->private;
	struct pty *pty = pf->pty;

	mutex_lock(&pty_mutex);
	spin_lock_irq(&pty->lock);
	pty->master_open = false; /* from here on nobody opens the slave */
	spin_unlock_irq(&pty->lock);
	tty_hangup(pty->slave, false);
	devpts_remove_node(pty->node);
	pty->node = NULL;
	mutex_unlock(&pty_mutex);
	kfree(pf);
}

static struct fasync_head *ptmx_fasync(struct file *file)
{
	struct pty_file *pf = file->private;

	return &pf->pty->fasync;
}

static const struct file_operations ptmx_fops = {
	.open = ptmx_open,
	.release = ptmx_release,
	.read_iter = ptmx_read,
	.write_iter = ptmx_write,
	.poll = ptmx_poll,
	.ioctl = ptmx_ioctl,
	.fasync = ptmx_fasync,
};

/* Boot ----------------------------------------------------------------------------------------- */

void pty_init(void)
{
	int err;

	err = devpts_init();
	if (!err)
		err = register_chrdev(TTYAUX_MAJOR, PTMX_MINOR, "ptmx", 0666, &ptmx_fops);
	if (err)
		pr_err("pty: no pseudo terminals: error %d\n", err);
}
