// SPDX-License-Identifier: MIT
/*
 * The line discipline's output: OPOST processing, and echoes.
 *
 * Echo and output meet on one screen, and both must know the column: a tab that is erased has to
 * step back to where it began. So echoes are not written where they arise. They are queued, with
 * the operations whose effect depends on the column left unresolved, and written under output_mutex
 * in front of the next output, or at once when nobody writes. The queue also lets input go on while
 * output is stopped by ^S.
 *
 * Nothing here waits: a driver says how much room it has, and what does not fit stays with the
 * caller or in the queue. An echo that finds the queue full is dropped; the input itself is not.
 */

#include "kernel/drivers/n_tty.h"
#include "lib/compiler.h"
#include "lib/ctype.h"

/* One batch for the driver: never more than it said it has room for. */
struct out_batch {
	u8 buf[256];
	size_t used;
	size_t room;
};

static void batch_start(struct tty_struct *tty, struct out_batch *b)
{
	b->used = 0;
	b->room = min_t(size_t, sizeof(b->buf), tty_output_room(tty));
}

static void batch_end(struct tty_struct *tty, struct out_batch *b)
{
	if (b->used)
		tty->ops->write(tty, b->buf, b->used);
}

static bool batch_fits(const struct out_batch *b, size_t n)
{
	return b->room - b->used >= n;
}

static void batch_put(struct out_batch *b, u8 c)
{
	b->buf[b->used++] = c;
}

static bool utf8_continuation(struct tty_struct *tty, u8 c)
{
	return (tty->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* A newline. Returns false if it does not fit. */
static bool out_newline(struct tty_struct *tty, struct out_batch *b)
{
	struct n_tty *d = tty->disc;
	tcflag_t oflag = tty->termios.c_oflag;

	if (oflag & ONLRET)
		d->column = 0;
	if (oflag & ONLCR) {
		if (!batch_fits(b, 2))
			return false;
		batch_put(b, '\r');
		d->column = 0;
	}
	batch_put(b, '\n');
	d->canon_column = d->column;
	return true;
}

static bool out_return(struct tty_struct *tty, struct out_batch *b)
{
	struct n_tty *d = tty->disc;
	tcflag_t oflag = tty->termios.c_oflag;

	if ((oflag & ONOCR) && d->column == 0)
		return true;
	if (oflag & OCRNL) {
		batch_put(b, '\n');
		if (!(oflag & ONLRET))
			return true;
	} else {
		batch_put(b, '\r');
	}
	d->column = d->canon_column = 0;
	return true;
}

static bool out_tab(struct tty_struct *tty, struct out_batch *b)
{
	struct n_tty *d = tty->disc;
	unsigned int spaces = 8 - (d->column & 7);

	if ((tty->termios.c_oflag & TABDLY) == XTABS) {
		if (!batch_fits(b, spaces))
			return false;
		for (unsigned int i = 0; i < spaces; i++)
			batch_put(b, ' ');
	} else {
		batch_put(b, '\t');
	}
	d->column += spaces;
	return true;
}

static void out_plain(struct tty_struct *tty, struct out_batch *b, u8 c, bool post)
{
	if (!iscntrl(c)) {
		if (post && (tty->termios.c_oflag & OLCUC))
			c = toupper(c);
		if (!utf8_continuation(tty, c))
			tty->disc->column++;
	}
	batch_put(b, c);
}

/*
 * One byte, with OPOST if it is set; the column is kept in either case. False: no room, nothing
 * done.
 */
static bool out_char(struct tty_struct *tty, struct out_batch *b, u8 c)
{
	struct n_tty *d = tty->disc;
	bool post = tty->termios.c_oflag & OPOST;

	if (!batch_fits(b, 1))
		return false;
	if (c == '\b') {
		if (d->column)
			d->column--;
		batch_put(b, c);
		return true;
	}
	if (post && c == '\n')
		return out_newline(tty, b);
	if (post && c == '\r')
		return out_return(tty, b);
	if (post && c == '\t')
		return out_tab(tty, b);
	out_plain(tty, b, c, post);
	return true;
}

/*
 * Steps back over a tab. `arg` counts the columns between it and the tab before, or the beginning
 * of the typed line, whose column is known only now.
 */
static bool out_erase_tab(struct tty_struct *tty, struct out_batch *b, unsigned int arg)
{
	struct n_tty *d = tty->disc;
	unsigned int columns = arg & ~ECHO_AFTER_TAB;
	unsigned int back;

	if (!(arg & ECHO_AFTER_TAB))
		columns += d->canon_column;
	back = 8 - (columns & 7);
	if (!batch_fits(b, back))
		return false;
	while (back--) {
		batch_put(b, '\b');
		if (d->column)
			d->column--;
	}
	return true;
}

static bool out_echo(struct tty_struct *tty, struct out_batch *b, u16 entry)
{
	if (entry & ECHO_SET_CANON_COL) {
		tty->disc->canon_column = tty->disc->column;
		return true;
	}
	if (entry & ECHO_ERASE_TAB)
		return out_erase_tab(tty, b, entry & 0xff);
	return out_char(tty, b, entry);
}

static void echo_out_locked(struct tty_struct *tty) __must_hold(&tty->output_mutex)
{
	struct n_tty *d = tty->disc;
	struct out_batch b;
	bool more = true;

	while (more && d->echo_tail != smp_load_acquire(&d->echo_head)) {
		batch_start(tty, &b);
		while (more && d->echo_tail != smp_load_acquire(&d->echo_head)) {
			more = out_echo(tty, &b, d->echo_buf[d->echo_tail % N_TTY_ECHO_SIZE]);
			if (more)
				smp_store_release(&d->echo_tail, d->echo_tail + 1);
		}
		batch_end(tty, &b);
		more = b.used != 0;
	}
}

bool n_tty_echo_pending(struct tty_struct *tty)
{
	struct n_tty *d = READ_ONCE(tty->disc);

	return d && READ_ONCE(d->echo_head) != READ_ONCE(d->echo_tail);
}

void n_tty_flush_echo(struct tty_struct *tty)
{
	if (!n_tty_echo_pending(tty))
		return;
	mutex_lock(&tty->output_mutex);
	echo_out_locked(tty);
	mutex_unlock(&tty->output_mutex);
}

void n_tty_forget_echo(struct tty_struct *tty)
{
	mutex_lock(&tty->output_mutex);
	tty->disc->echo_tail = tty->disc->echo_head;
	mutex_unlock(&tty->output_mutex);
}

void n_tty_echo(struct tty_struct *tty, u16 entry)
{
	struct n_tty *d = tty->disc;

	if (d->echo_head - READ_ONCE(d->echo_tail) >= N_TTY_ECHO_SIZE)
		n_tty_flush_echo(tty);
	if (d->echo_head - READ_ONCE(d->echo_tail) >= N_TTY_ECHO_SIZE)
		return;
	d->echo_buf[d->echo_head % N_TTY_ECHO_SIZE] = entry;
	smp_store_release(&d->echo_head, d->echo_head + 1);
}

size_t n_tty_output(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct out_batch b;
	size_t done = 0;

	mutex_lock(&tty->output_mutex);
	echo_out_locked(tty);
	if (n_tty_echo_pending(tty)) {
		mutex_unlock(&tty->output_mutex);
		return 0;
	}
	do {
		size_t before = done;

		batch_start(tty, &b);
		while (done < n && out_char(tty, &b, buf[done]))
			done++;
		batch_end(tty, &b);
		if (done == before)
			break;
	} while (done < n);
	mutex_unlock(&tty->output_mutex);
	return done;
}
