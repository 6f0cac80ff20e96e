// SPDX-License-Identifier: MIT
/*
 * The line discipline's input: what a typed byte does.
 *
 * A byte passes these questions in order, and the first that answers yes ends its way:
 *
 *	was ^V before it?            it is itself                        (IEXTEN)
 *	does it stop or start?       output is held back or goes on      (IXON)
 *	does it signal?              INTR, QUIT, SUSP to the foreground  (ISIG)
 *	CR or NL, to be turned?      ICRNL, IGNCR, INLCR
 *	does it edit the line?       ERASE, WERASE, KILL, REPRINT, LNEXT (ICANON)
 *	does it end the line?        NL, EOF, EOL, EOL2                  (ICANON)
 *	nothing of this              it enters read_buf
 *
 * In canonical mode a reader sees only whole lines: read_buf up to canon_head. What follows can
 * still be edited. In raw mode all of read_buf is there for the reader.
 *
 * A line holds 4095 bytes with its newline (LINE-ENDS: the last slot of read_buf is kept for what
 * ends a line, so that a line that is too long can still be ended, and read, and input never locks
 * up).
 *
 * Echoing is queued (n_tty_out.c): here it is only decided what the echo is.
 */

#include "kernel/drivers/n_tty.h"
#include "kernel/uapi/signal.h"
#include "lib/bitops.h"
#include "lib/ctype.h"

#define I(tty, bit) ((tty)->termios.c_iflag & (bit))
#define L(tty, bit) ((tty)->termios.c_lflag & (bit))
#define CC(tty, i)  ((tty)->termios.c_cc[i])

static bool is_cc(struct tty_struct *tty, u8 c, int index)
{
	return CC(tty, index) != _POSIX_VDISABLE && c == CC(tty, index);
}

static u16 *slot(struct n_tty *d, unsigned int i)
{
	return &d->read_buf[i % N_TTY_BUF_SIZE];
}

static bool utf8_continuation(struct tty_struct *tty, u8 c)
{
	return I(tty, IUTF8) && (c & 0xc0) == 0x80;
}

/* --- echo ------------------------------------------------------------------------------------ */

/* As it is. */
static void echo_raw(struct tty_struct *tty, u8 c)
{
	n_tty_echo(tty, c);
}

/* Control characters as ^X if ECHOCTL. */
static void echo_char(struct tty_struct *tty, u8 c)
{
	if (L(tty, ECHOCTL) && iscntrl(c) && c != '\t') {
		n_tty_echo(tty, '^');
		n_tty_echo(tty, c ^ 0100);
	} else {
		n_tty_echo(tty, c);
	}
}

static void echo_rubout(struct tty_struct *tty)
{
	n_tty_echo(tty, '\b');
	n_tty_echo(tty, ' ');
	n_tty_echo(tty, '\b');
}

static void finish_erasing(struct tty_struct *tty)
{
	if (tty->disc->erasing) {
		echo_raw(tty, '/');
		tty->disc->erasing = false;
	}
}

/* --- the read buffer ------------------------------------------------------------------------- */

static unsigned int used(const struct n_tty *d)
{
	return d->head - d->tail;
}

static void put(struct n_tty *d, u16 entry)
{
	*slot(d, d->head) = entry;
	smp_store_release(&d->head, d->head + 1);
}

/* LINE-ENDS: the last slot is left free. */
static void put_byte(struct tty_struct *tty, u8 c)
{
	struct n_tty *d = tty->disc;

	if (used(d) < N_TTY_BUF_SIZE - 1)
		put(d, c);
	else if (I(tty, IMAXBEL))
		echo_raw(tty, '\a');
}

/* With PARMRK a real 0xff is told from a mark by being doubled. */
static void put_marked(struct tty_struct *tty, u8 c)
{
	if (I(tty, PARMRK) && c == 0xff)
		put_byte(tty, c);
	put_byte(tty, c);
}

/* `entry` ends the line: readers may have it. */
static void put_line_end(struct tty_struct *tty, u16 entry)
{
	struct n_tty *d = tty->disc;

	if (used(d) == N_TTY_BUF_SIZE)
		return;
	put(d, entry);
	smp_store_release(&d->canon_head, d->head);
	wake_up_all(&tty->read_wait);
	kill_fasync(&tty->fasync, FMODE_READ, POLL_IN);
}

bool n_tty_can_receive(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;

	/* Two slots: with PARMRK a byte may take them. A line being typed ends in any case. */
	if (used(d) < N_TTY_BUF_SIZE - 2 || (L(tty, ICANON) && d->canon_head == d->tail))
		return true;
	set_bit(TTY_INPUT_WAITS, &tty->flags);
	return false;
}

void n_tty_flow_control(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;

	if (!I(tty, IXOFF) || !tty->ops->send_xchar)
		return;
	if (used(d) > N_TTY_BUF_SIZE * 3 / 4) {
		if (!test_and_set_bit(TTY_XOFF_SENT, &tty->flags))
			tty->ops->send_xchar(tty, CC(tty, VSTOP));
	} else if (used(d) < N_TTY_BUF_SIZE / 4) {
		if (test_and_clear_bit(TTY_XOFF_SENT, &tty->flags))
			tty->ops->send_xchar(tty, CC(tty, VSTART));
	}
}

static void forget_input(struct n_tty *d)
{
	d->tail = d->canon_head = d->head;
	d->lnext = d->erasing = false;
}

void n_tty_flush_input(struct tty_struct *tty)
{
	forget_input(tty->disc);
	tty_ring_flush(tty);
	if (tty->ops->input_flushed)
		tty->ops->input_flushed(tty);
}

/*
 * Canonical <-> raw. What is unread stays: raw bytes become one line for a canonical reader (with
 * no newline: it is what came), and lines become bytes.
 */
void n_tty_set_termios(struct tty_struct *tty, const struct termios2 *old)
{
	struct n_tty *d = tty->disc;

	if ((old->c_lflag ^ tty->termios.c_lflag) & ICANON) {
		if (L(tty, ICANON) && d->head != d->tail)
			*slot(d, d->head - 1) |= RB_EOL;
		smp_store_release(&d->canon_head, L(tty, ICANON) ? d->head : d->tail);
		d->lnext = d->erasing = false;
	}
	if ((old->c_iflag & IXON) && !I(tty, IXON))
		tty_start(tty);
	tty_kick(tty);
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

/* --- editing --------------------------------------------------------------------------------- */

/*
 * Columns that the line shows between its tab before `end` (or its beginning) and `end`, as the
 * argument of ECHO_ERASE_TAB.
 */
static u8 columns_since_tab(struct tty_struct *tty, unsigned int end)
{
	struct n_tty *d = tty->disc;
	unsigned int columns = 0;
	u8 after_tab = 0;

	while (end != d->canon_head) {
		u8 c = *slot(d, --end) & RB_BYTE;

		if (c == '\t') {
			after_tab = ECHO_AFTER_TAB;
			break;
		}
		if (iscntrl(c))
			columns += L(tty, ECHOCTL) ? 2 : 0;
		else if (!utf8_continuation(tty, c))
			columns++;
	}
	return (columns & 7) | after_tab;
}

/* What the screen shows of a byte that has just been taken from the line's end goes. */
static void echo_erased(struct tty_struct *tty, u8 c)
{
	if (c == '\t') {
		n_tty_echo(tty, ECHO_ERASE_TAB | columns_since_tab(tty, tty->disc->head));
		return;
	}
	if (iscntrl(c) && !L(tty, ECHOCTL))
		return;
	if (iscntrl(c))
		echo_rubout(tty);
	echo_rubout(tty);
}

/* ECHOPRT, for paper: \cba/ shows the erased characters backwards. */
static void echo_printed(struct tty_struct *tty, u8 c, unsigned int from, unsigned int to)
{
	struct n_tty *d = tty->disc;

	if (!d->erasing) {
		echo_raw(tty, '\\');
		d->erasing = true;
	}
	echo_char(tty, c);
	while (++from != to)
		echo_raw(tty, *slot(d, from) & RB_BYTE);
}

/* Takes the last character, which in UTF-8 may be several bytes, from the line. Its first byte. */
static u8 erase_one(struct tty_struct *tty, u8 key_index)
{
	struct n_tty *d = tty->disc;
	unsigned int end = d->head, at = end;
	u8 c;

	do {
		c = *slot(d, --at) & RB_BYTE;
	} while (utf8_continuation(tty, c) && at != d->canon_head);
	d->head = at;
	if (!L(tty, ECHO))
		return c;
	if (L(tty, ECHOPRT))
		echo_printed(tty, c, at, end);
	else if (key_index == VERASE && !L(tty, ECHOE))
		echo_char(tty, CC(tty, VERASE));
	else
		echo_erased(tty, c);
	return c;
}

static bool word_byte(u8 c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

/* ^W: what is no word at the line's end, then the word before it. */
static void erase_word(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;
	bool seen = false;

	while (d->head != d->canon_head) {
		bool word = word_byte(*slot(d, d->head - 1) & RB_BYTE);

		if (seen && !word)
			return;
		seen = word;
		erase_one(tty, VWERASE);
	}
}

static void kill_line(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;

	if (L(tty, ECHO) && L(tty, ECHOK) && L(tty, ECHOKE) && L(tty, ECHOE)) {
		while (d->head != d->canon_head)
			erase_one(tty, VKILL);
		return;
	}
	d->head = d->canon_head;
	if (!L(tty, ECHO))
		return;
	finish_erasing(tty);
	echo_char(tty, CC(tty, VKILL));
	if (L(tty, ECHOK))
		echo_raw(tty, '\n');
}

static void reprint_line(struct tty_struct *tty)
{
	struct n_tty *d = tty->disc;
	unsigned int i;

	finish_erasing(tty);
	echo_char(tty, CC(tty, VREPRINT));
	echo_raw(tty, '\n');
	for (i = d->canon_head; i != d->head; i++)
		echo_char(tty, *slot(d, i) & RB_BYTE);
}

static bool edit_key(struct tty_struct *tty, u8 c)
{
	bool extended = L(tty, IEXTEN);
	bool empty = tty->disc->head == tty->disc->canon_head;

	if (is_cc(tty, c, VERASE)) {
		if (!empty)
			erase_one(tty, VERASE);
	} else if (is_cc(tty, c, VKILL)) {
		if (!empty)
			kill_line(tty);
	} else if (extended && is_cc(tty, c, VWERASE)) {
		erase_word(tty);
	} else if (extended && is_cc(tty, c, VLNEXT)) {
		tty->disc->lnext = true;
		if (L(tty, ECHO)) {
			finish_erasing(tty);
			if (L(tty, ECHOCTL)) {
				echo_raw(tty, '^');
				echo_raw(tty, '\b');
			}
		}
	} else if (extended && L(tty, ECHO) && is_cc(tty, c, VREPRINT)) {
		reprint_line(tty);
	} else {
		return false;
	}
	return true;
}

/* --- what ends a line, what is a signal ------------------------------------------------------ */

static void echo_in_line(struct tty_struct *tty, u8 c)
{
	if (tty->disc->canon_head == tty->disc->head)
		n_tty_echo(tty, ECHO_SET_CANON_COL);
	echo_char(tty, c);
}

static void echo_typed(struct tty_struct *tty, u8 c)
{
	finish_erasing(tty);
	if (c == '\n')
		echo_raw(tty, c);
	else
		echo_in_line(tty, c);
}

/* The '/' that ends what ECHOPRT shows of an erasure is left to the next line, as in Linux. */
static bool line_end_key(struct tty_struct *tty, u8 c)
{
	if (c == '\n') {
		if (L(tty, ECHO) || L(tty, ECHONL))
			echo_raw(tty, c);
		put_line_end(tty, c | RB_EOL);
		return true;
	}
	if (is_cc(tty, c, VEOF)) {
		put_line_end(tty, RB_EOF);
		return true;
	}
	if (is_cc(tty, c, VEOL) || (L(tty, IEXTEN) && is_cc(tty, c, VEOL2))) {
		if (L(tty, ECHO))
			echo_in_line(tty, c);
		if (I(tty, PARMRK) && c == 0xff)
			put_byte(tty, c);
		put_line_end(tty, c | RB_EOL);
		return true;
	}
	return false;
}

static void signal_typed(struct tty_struct *tty, int sig)
{
	if (!L(tty, NOFLSH)) {
		n_tty_forget_echo(tty);
		if (tty->ops->flush_buffer)
			tty->ops->flush_buffer(tty);
		n_tty_flush_input(tty);
	}
	tty_signal_pgrp(tty, sig);
}

static bool signal_key(struct tty_struct *tty, u8 c)
{
	int sig;

	if (is_cc(tty, c, VINTR))
		sig = SIGINT;
	else if (is_cc(tty, c, VQUIT))
		sig = SIGQUIT;
	else if (is_cc(tty, c, VSUSP))
		sig = SIGTSTP;
	else
		return false;
	signal_typed(tty, sig);
	if (I(tty, IXON))
		tty_start(tty);
	if (L(tty, ECHO))
		echo_char(tty, c);
	return true;
}

static bool flow_key(struct tty_struct *tty, u8 c)
{
	if (is_cc(tty, c, VSTART))
		tty_start(tty);
	else if (is_cc(tty, c, VSTOP))
		tty_stop(tty);
	else
		return false;
	return true;
}

/* --- entry ----------------------------------------------------------------------------------- */

static void receive_plain(struct tty_struct *tty, u8 c)
{
	if (L(tty, ECHO))
		echo_typed(tty, c);
	put_marked(tty, c);
	if (!L(tty, ICANON))
		wake_up_all(&tty->read_wait);
}

static void receive_normal(struct tty_struct *tty, u8 c)
{
	if (I(tty, ISTRIP))
		c &= 0x7f;
	if (I(tty, IUCLC) && L(tty, IEXTEN))
		c = tolower(c);
	if (tty->disc->lnext) {
		tty->disc->lnext = false;
		receive_plain(tty, c);
		return;
	}
	if (I(tty, IXON) && flow_key(tty, c))
		return;
	if (L(tty, ISIG) && signal_key(tty, c))
		return;
	if (I(tty, IXON) && I(tty, IXANY))
		tty_start(tty);
	if (c == '\r') {
		if (I(tty, IGNCR))
			return;
		if (I(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I(tty, INLCR)) {
		c = '\r';
	}
	if (L(tty, ICANON) && (edit_key(tty, c) || line_end_key(tty, c)))
		return;
	receive_plain(tty, c);
}

static void receive_break(struct tty_struct *tty)
{
	if (I(tty, IGNBRK))
		return;
	if (I(tty, BRKINT)) {
		signal_typed(tty, SIGINT);
		return;
	}
	if (I(tty, PARMRK)) {
		put_byte(tty, 0xff);
		put_byte(tty, 0);
	}
	put_byte(tty, 0);
	wake_up_all(&tty->read_wait);
}

static void receive_error(struct tty_struct *tty, u8 c)
{
	if (!I(tty, INPCK)) {
		receive_normal(tty, c);
		return;
	}
	if (I(tty, IGNPAR))
		return;
	if (I(tty, PARMRK)) {
		put_byte(tty, 0xff);
		put_byte(tty, 0);
		put_byte(tty, c);
	} else {
		put_byte(tty, 0);
	}
	wake_up_all(&tty->read_wait);
}

void n_tty_tell_input(struct tty_struct *tty)
{
	if (!L(tty, ICANON) && used(tty->disc))
		kill_fasync(&tty->fasync, FMODE_READ, POLL_IN);
}

void n_tty_receive(struct tty_struct *tty, u8 c, unsigned int flag)
{
	switch (flag) {
	case TTY_NORMAL:
		receive_normal(tty, c);
		break;
	case TTY_BREAK:
		receive_break(tty);
		break;
	case TTY_FRAME:
	case TTY_PARITY:
		receive_error(tty, c);
		break;
	case TTY_OVERRUN: /* what was lost is lost */
		break;
	}
}
