/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_N_TTY_H
#define KERNEL_DRIVERS_N_TTY_H

/* The line discipline: between the terminal's bytes and what processes read and write. */

#include "kernel/drivers/tty.h"

#define N_TTY_BUF_SIZE	4096 /* MAX_CANON and MAX_INPUT follow from it */
#define N_TTY_ECHO_SIZE 1024

/* read_buf: a byte, and what it stands for. */
#define RB_BYTE 0x0ff
#define RB_EOL	0x100 /* a line ends after it */
#define RB_EOF	0x200 /* ends a line but is no byte: what ^D leaves */

/* echo_buf: a byte, or one of these with an argument in the low byte. */
#define ECHO_ERASE_TAB	   0x100 /* columns since the tab before, ECHO_AFTER_TAB if there is one */
#define ECHO_SET_CANON_COL 0x200 /* the line that is typed starts at the present column */
#define ECHO_AFTER_TAB	   0x80

/*
 * Lock key: i = tty->input_mutex to write, anyone may look at the counters; w = tty->output_mutex;
 * iw = head under i, tail under w.
 *
 *	tail           canon_head        head        (all count up for ever, used modulo the size)
 *	  |  complete lines  |  being typed |
 *	  +------------------+--------------+
 */
struct n_tty {
	u16 read_buf[N_TTY_BUF_SIZE]; /* i */
	unsigned int head;	      /* i: next byte from the terminal goes here */
	unsigned int canon_head;      /* i: end of the last complete line */
	unsigned int tail;	      /* i: next byte to a reader */
	bool lnext;		      /* i: the next byte is literal (^V) */
	bool erasing;		      /* i: between \ and / of ECHOPRT */

	u16 echo_buf[N_TTY_ECHO_SIZE]; /* iw */
	unsigned int echo_head;	       /* iw */
	unsigned int echo_tail;	       /* iw */
	unsigned int column;	       /* w: where the cursor is, as far as output tells */
	unsigned int canon_column;     /* w: where the typed line began */
};

/* --- n_tty.c: input. All with input_mutex held, process context. ----------------------------- */

/* n_tty_receive - one byte from the terminal; flag is enum tty_flag */
void n_tty_receive(struct tty_struct *tty, u8 c, unsigned int flag) __must_hold(&tty->input_mutex);

/* n_tty_tell_input - after a batch of them: owners of O_ASYNC files hear of bytes that are no lines */
void n_tty_tell_input(struct tty_struct *tty) __must_hold(&tty->input_mutex);

/* n_tty_can_receive - is there room for any next byte? If not, TTY_INPUT_WAITS is set. */
bool n_tty_can_receive(struct tty_struct *tty) __must_hold(&tty->input_mutex);

/* n_tty_flow_control - IXOFF: tell the other side to stop or to go on, as read_buf demands */
void n_tty_flow_control(struct tty_struct *tty) __must_hold(&tty->input_mutex);

/* n_tty_flush_input - forget all unread input, in the ring too */
void n_tty_flush_input(struct tty_struct *tty) __must_hold(&tty->input_mutex);

/* n_tty_set_termios - the settings have changed from `old` */
void n_tty_set_termios(struct tty_struct *tty, const struct termios2 *old)
	__must_hold(&tty->input_mutex);

/* --- n_tty_io.c: what processes do ----------------------------------------------------------- */

/* n_tty_alloc - a fresh line discipline, or NULL */
struct n_tty *n_tty_alloc(void);

/*
 * n_tty_read, n_tty_write, n_tty_poll - read(2), write(2), poll(2) of a terminal that is not hung
 * up
 *
 * Return bytes moved, or -EAGAIN, -ERESTARTSYS, -EIO, -EFAULT. May sleep.
 */
ssize_t n_tty_read(struct tty_file *tf, struct file *file, struct iov_iter *to);
ssize_t n_tty_write(struct tty_file *tf, struct file *file, struct iov_iter *from);
u32 n_tty_poll(struct tty_file *tf, struct file *file, struct poll_table *table);

/* n_tty_chars - what FIONREAD tells */
unsigned int n_tty_chars(struct tty_struct *tty);

/* --- n_tty_out.c: output processing ---------------------------------------------------------- */

/* n_tty_echo - queue an echo_buf entry. input_mutex held. */
void n_tty_echo(struct tty_struct *tty, u16 entry) __must_hold(&tty->input_mutex);

/* n_tty_flush_echo - write out what the driver has room for. Takes output_mutex. */
void n_tty_flush_echo(struct tty_struct *tty);

/* n_tty_forget_echo - drop echoes not yet written. input_mutex held. */
void n_tty_forget_echo(struct tty_struct *tty) __must_hold(&tty->input_mutex);

/* n_tty_echo_pending - are there echoes to write? Any context. */
bool n_tty_echo_pending(struct tty_struct *tty);

/* n_tty_output - process and write n bytes; returns how many were taken. Takes output_mutex. */
size_t n_tty_output(struct tty_struct *tty, const u8 *buf, size_t n);

/* The most bytes that one byte of output can become: a tab. */
#define N_TTY_EXPANSION 8

#endif /* KERNEL_DRIVERS_N_TTY_H */
