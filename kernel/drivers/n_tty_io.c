// SPDX-License-Identifier: MIT
/*
 * The line discipline as processes see it: read, write, poll.
 *
 * When a read is done:
 *
 *	canonical            a line is there: it, or as much of it as is wanted
 *	MIN > 0, TIME = 0    min(MIN, wanted) bytes are there
 *	MIN > 0, TIME > 0    as above, or TIME tenths of a second after the last byte, if there is
 *	one
 *	MIN = 0, TIME > 0    a byte is there, or after TIME tenths of a second (returns 0)
 *	MIN = 0, TIME = 0    at once
 *	O_NONBLOCK           at once; EAGAIN if there is nothing
 *	hangup               at once: 0
 *
 * A write waits until the driver has taken all. One write at a time is under way on a terminal, so
 * lines of two processes do not mix; TTY_WRITING is that turn. It is a bit and no mutex, since who
 * waits for it must be able to be interrupted: the writer ahead may be stopped by ^S for ever.
 */

#include "kernel/drivers/n_tty.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define NSEC_PER_DECISECOND 100000000LL
#define IO_CHUNK	    256

struct n_tty *n_tty_alloc(void)
{
	return kzalloc(sizeof(struct n_tty), GFP_KERNEL);
}

/* Bytes (and end-of-file marks) that a reader could have now. */
static unsigned int readable(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;
	bool canon = READ_ONCE(tty->termios.c_lflag) & ICANON;
	unsigned int end = canon ? smp_load_acquire(&d->canon_head) : smp_load_acquire(&d->head);

	return end - READ_ONCE(d->tail);
}

unsigned int n_tty_chars(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;
	unsigned int n, i, marks = 0;

	mutex_lock(&tty->input_mutex);
	n = readable(tty);
	for (i = d->tail; i != d->tail + n; i++)
		marks += !!(d->read_buf[i % N_TTY_BUF_SIZE] & RB_EOF);
	mutex_unlock(&tty->input_mutex);
	return n - marks;
}

/* The other side may go on sending when there is room again. */
static void input_made_room(struct tty_struct *tty)
{
	if (test_and_clear_bit(TTY_INPUT_WAITS, &tty->flags) ||
	    test_bit(TTY_XOFF_SENT, &tty->flags))
		tty_kick(tty);
}

/*
 * Moves up to `size` bytes out of read_buf, in canonical mode not past the end of a line, which
 * sets
 * *line_end.
 */
static unsigned int take_input(struct tty_struct *tty, u8 *buf, unsigned int size, bool *line_end)
{
	struct n_tty *d = tty->disc;
	unsigned int n = 0;
	bool canon;

	mutex_lock(&tty->input_mutex);
	canon = tty->termios.c_lflag & ICANON;
	while (readable(tty) && !*line_end) {
		u16 entry = d->read_buf[d->tail % N_TTY_BUF_SIZE];

		/*
		 * A full buffer still swallows the end-of-file mark that follows: it ends this
		 * line.
		 */
		if (n == size && !(canon && (entry & RB_EOF)))
			break;
		d->tail++;
		if (!(entry & RB_EOF))
			buf[n++] = entry;
		*line_end = canon && (entry & (RB_EOL | RB_EOF));
	}
	input_made_room(tty);
	mutex_unlock(&tty->input_mutex);
	return n;
}

/* Copies what is there, up to a line's end. Bytes copied, or -EFAULT. */
static ssize_t copy_input(struct tty_struct *tty, struct iov_iter *to, bool *line_end)
{
	u8 buf[IO_CHUNK];
	ssize_t done = 0;

	while (iov_iter_count(to) && !*line_end) {
		size_t want = min_t(size_t, sizeof(buf), iov_iter_count(to));
		unsigned int n = take_input(tty, buf, want, line_end);
		size_t copied = copy_to_iter(buf, n, to);

		done += copied;
		if (copied < n)
			return done ? done : -EFAULT;
		if (n < want)
			break;
	}
	return done;
}

/* Waits for input: 0; -ERESTARTSYS; or 1 when the terminal was hung up or `timeout` ns are over. */
static int wait_for_input(struct tty_file *tf, s64 timeout)
{
	struct tty_struct *tty = tf->tty;
	s64 left;

	if (timeout < 0)
		return wait_event_interruptible(&tty->read_wait, readable(tty) || tty_hung_up(tf));
	left = wait_event_interruptible_timeout_ns(&tty->read_wait,
						   readable(tty) || tty_hung_up(tf), timeout);
	return left < 0 ? left : left == 0;
}

/* How long the next wait of a read may be, -1: no limit. `done` bytes have been read. */
static s64 read_timeout(struct tty_struct *tty, ssize_t done)
{
	const struct termios2 *t = &tty->termios;

	if ((t->c_lflag & ICANON) || !t->c_cc[VTIME] || (t->c_cc[VMIN] && !done))
		return -1;
	return t->c_cc[VTIME] * NSEC_PER_DECISECOND;
}

static bool read_done(struct tty_struct *tty, ssize_t done, bool line_end)
{
	const struct termios2 *t = &tty->termios;

	if (t->c_lflag & ICANON)
		return line_end || done;
	if (!t->c_cc[VMIN])
		return done || !t->c_cc[VTIME];
	return done >= t->c_cc[VMIN];
}

ssize_t n_tty_read(struct tty_file *tf, struct file *file, struct iov_iter *to)
{
	struct tty_struct *tty = tf->tty;
	bool line_end = false;
	ssize_t done = 0, n;
	int err = 0;

	if (!iov_iter_count(to))
		return 0;
	while (!tty_hung_up(tf)) {
		err = tty_check_read(tty);
		if (err)
			break;
		n = copy_input(tty, to, &line_end);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (!iov_iter_count(to) || read_done(tty, done, line_end))
			break;
		err = -EAGAIN;
		if (file->f_flags & O_NONBLOCK)
			break;
		err = wait_for_input(tf, read_timeout(tty, done));
		if (err) {
			err = min(err, 0);
			break;
		}
	}
	return done ? done : err;
}

/* Room for any byte to be written, or no use in waiting for it. */
static bool writable(struct tty_file *tf)
{
	return tty_output_room(tf->tty) >= N_TTY_EXPANSION || tty_hung_up(tf);
}

/* Writes a chunk: bytes written in *done. 0 or why not all. */
static int write_chunk(struct tty_file *tf, struct file *file, const u8 *buf, size_t n,
		       size_t *done)
{
	int err;

	for (;;) {
		size_t taken;

		if (tty_hung_up(tf))
			return -EIO;
		taken = n_tty_output(tf->tty, buf, n);
		*done += taken;
		buf += taken;
		n -= taken;
		if (!n)
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&tf->tty->write_wait, writable(tf));
		if (err)
			return err;
	}
}

static int write_begin(struct tty_struct *tty, struct file *file)
{
	if (!test_and_set_bit(TTY_WRITING, &tty->flags))
		return 0;
	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event_interruptible(&tty->write_wait,
					!test_and_set_bit(TTY_WRITING, &tty->flags));
}

static void write_end(struct tty_struct *tty)
{
	clear_bit(TTY_WRITING, &tty->flags);
	wake_up_all(&tty->write_wait);
}

ssize_t n_tty_write(struct tty_file *tf, struct file *file, struct iov_iter *from)
{
	struct tty_struct *tty = tf->tty;
	u8 buf[IO_CHUNK];
	size_t done = 0;
	int err = 0;

	if (READ_ONCE(tty->termios.c_lflag) & TOSTOP) {
		err = tty_check_change(tty);
		if (err)
			return err;
	}
	if (!iov_iter_count(from))
		return 0;
	err = write_begin(tty, file);
	if (err)
		return err;
	while (!err && iov_iter_count(from)) {
		size_t n = min_t(size_t, sizeof(buf), iov_iter_count(from));

		n = copy_from_iter(buf, n, from);
		err = n ? write_chunk(tf, file, buf, n, &done) : -EFAULT;
	}
	write_end(tty);
	if (err == -EAGAIN)
		set_bit(TTY_TELL_ROOM, &tty->flags);
	return done ? (ssize_t)done : err;
}

/* A raw reader that wants MIN bytes and has no clock is not woken for fewer. */
static bool poll_readable(struct tty_struct *tty)
{
	const struct termios2 *t = &tty->termios;
	unsigned int want = 1;

	if (!(t->c_lflag & ICANON) && t->c_cc[VMIN] && !t->c_cc[VTIME])
		want = t->c_cc[VMIN];
	return readable(tty) >= want;
}

u32 n_tty_poll(struct tty_file *tf, struct file *file, struct poll_table *table)
{
	struct tty_struct *tty = tf->tty;
	u32 mask = 0;

	poll_wait(file, &tty->read_wait, table);
	poll_wait(file, &tty->write_wait, table);
	if (poll_readable(tty))
		mask |= POLLIN | POLLRDNORM;
	if (tty_hung_up(tf))
		mask |= POLLHUP | POLLERR | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	if (writable(tf))
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}
