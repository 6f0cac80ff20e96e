// SPDX-License-Identifier: MIT
/*
 * From the interrupt to the line discipline.
 *
 * A received byte can mean a signal to a process group, an echo that must wait for other output, a
 * line to be edited: work that takes mutexes. An interrupt handler cannot; so it only puts the byte
 * into the terminal's ring, and one kernel thread, kttyd, feeds the rings to the line discipline.
 *
 *	interrupt --tty_insert_char--> ring --kttyd--> n_tty_receive() --> read_buf --> read(2)
 *	                                                  |  full: TTY_INPUT_WAITS, the ring fills,
 *	                                                  |  tty_insert_char() refuses (TTY_RING_FULL),
 *	                                                  |  the driver stops listening
 *	read(2) took some --tty_kick--> kttyd goes on, ring drains --ops->unthrottle--> driver listens
 *
 * So no byte is lost between the wire and read(2) if the wire itself can wait (a pipe behind an
 * emulated UART, hardware handshake). kttyd also writes out echoes that found no room: tty_wakeup()
 * is the driver's word that there is room now.
 *
 * One thread serves all terminals: there are a handful, and it never waits for one of them.
 */

#include "kernel/drivers/n_tty.h"
#include "kernel/drivers/tty.h"
#include "kernel/kthread.h"
#include "kernel/panic.h"
#include "lib/bitops.h"
#include "lib/err.h"

static DECLARE_WAIT_QUEUE_HEAD(kttyd_wait);
static bool kttyd_work;

void tty_kick(struct tty_struct *tty)
{
	set_bit(TTY_WORK, &tty->flags);
	smp_store_release(&kttyd_work, true);
	wake_up(&kttyd_wait);
}

bool tty_insert_char(struct tty_struct *tty, u8 c, unsigned int flag)
{
	unsigned long flags;
	bool taken = true;

	spin_lock_irqsave(&tty->ring_lock, flags);
	if (!tty->ring) {
		/* Never opened: nobody to type to. */
	} else if (tty->ring_head - tty->ring_tail < TTY_RING_SIZE) {
		tty->ring[tty->ring_head++ % TTY_RING_SIZE] = c | flag;
	} else {
		set_bit(TTY_RING_FULL, &tty->flags);
		taken = false;
	}
	spin_unlock_irqrestore(&tty->ring_lock, flags);
	return taken;
}

bool tty_input_room(const struct tty_struct *tty)
{
	return READ_ONCE(tty->ring_head) - READ_ONCE(tty->ring_tail) < TTY_RING_SIZE;
}

void tty_insert_done(struct tty_struct *tty)
{
	if (READ_ONCE(tty->ring))
		tty_kick(tty);
}

void tty_wakeup(struct tty_struct *tty)
{
	wake_up_all(&tty->write_wait);
	if (test_and_clear_bit(TTY_TELL_ROOM, &tty->flags))
		kill_fasync(&tty->fasync, FMODE_WRITE, POLL_OUT);
	if (n_tty_echo_pending(tty))
		tty_kick(tty);
}

void tty_ring_flush(struct tty_struct *tty)
{
	unsigned long flags;

	spin_lock_irqsave(&tty->ring_lock, flags);
	tty->ring_tail = tty->ring_head;
	spin_unlock_irqrestore(&tty->ring_lock, flags);
	tty_kick(tty);
}

/* The next received byte with its flag, or -1. */
static int tty_ring_next(struct tty_struct *tty)
{
	int c = -1;

	spin_lock_irq(&tty->ring_lock);
	if (tty->ring_tail != tty->ring_head)
		c = tty->ring[tty->ring_tail++ % TTY_RING_SIZE];
	spin_unlock_irq(&tty->ring_lock);
	return c;
}

static bool tty_ring_low(struct tty_struct *tty)
{
	return READ_ONCE(tty->ring_head) - READ_ONCE(tty->ring_tail) < TTY_RING_SIZE / 2;
}

static void tty_work(struct tty_struct *tty)
{
	bool got = false;
	int c;

	mutex_lock(&tty->input_mutex);
	while (n_tty_can_receive(tty)) {
		c = tty_ring_next(tty);
		if (c < 0)
			break;
		n_tty_receive(tty, c & 0xff, c & TTY_FLAG_MASK);
		got = true;
	}
	if (got)
		n_tty_tell_input(tty);
	n_tty_flush_echo(tty);
	n_tty_flow_control(tty);
	mutex_unlock(&tty->input_mutex);

	if (tty_ring_low(tty) && test_and_clear_bit(TTY_RING_FULL, &tty->flags) &&
	    tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
}

static int kttyd(void *arg)
{
	struct tty_struct *tty;

	for (;;) {
		wait_event_interruptible(&kttyd_wait, xchg(&kttyd_work, false));
		for (tty = tty_next(NULL); tty; tty = tty_next(tty)) {
			if (test_and_clear_bit(TTY_WORK, &tty->flags) && tty->disc)
				tty_work(tty);
		}
	}
	return 0;
}

void tty_input_init(void)
{
	if (IS_ERR(kthread_run(kttyd, NULL, "kttyd")))
		panic("tty: no memory for kttyd\n");
}
