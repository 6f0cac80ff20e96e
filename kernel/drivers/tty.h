/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_TTY_H
#define KERNEL_DRIVERS_TTY_H

/*
 * Terminals. A byte's way through a terminal, and the file that holds each step:
 *
 *	driver's interrupt             thread "kttyd"                 process
 *	------------------             --------------                 -------
 *	tty_insert_char() -> ring -> n_tty_receive() -> read_buf -> n_tty_read()
 *	   (tty_input.c)                (n_tty.c) |                  (n_tty_io.c)
 *	                                   echo   v
 *	ops->write() <----------------- output processing <--------- n_tty_write()
 *
 * A tty_struct is made when its driver finds the device and lives for ever: a file, a session or an
 * interrupt may keep a pointer to it without counting. What ends is the time between two hangups,
 * its `generation`: a file opened in an earlier one reads end of file and fails to write.
 *
 * Locks, outermost first: open_mutex -> input_mutex -> output_mutex -> ring_lock, driver's own
 * lock. tasklist_lock -> ctty_lock (tty_jobctrl.c), which may be taken inside any of the mutexes.
 */

#include "kernel/fs/fasync.h"
#include "kernel/mutex.h"
#include "kernel/pid.h"
#include "kernel/spinlock.h"
#include "kernel/uapi/termios.h"
#include "kernel/wait.h"
#include "lib/list.h"
#include "lib/types.h"

struct file;
struct iov_iter;
struct n_tty;
struct poll_table;
struct task;
struct tty_struct;

#define TTY_MAJOR     4
#define TTYAUX_MAJOR  5
#define PTY_MAJOR     136 /* slaves of pseudo terminals */
#define TTYS_MINOR    64  /* ttyS0 */
#define TTY_RING_SIZE 2048

/* What came with a received byte. */
enum tty_flag {
	TTY_NORMAL = 0,
	TTY_BREAK = 1 << 8,
	TTY_FRAME = 2 << 8,
	TTY_PARITY = 3 << 8,
	TTY_OVERRUN = 4 << 8,
};
#define TTY_FLAG_MASK 0xff00

/*
 * A driver's side of a terminal. All but write, write_room may be NULL. `write`, `write_room`,
 * `flush_buffer`, `stop` and `start` never sleep and are called with output_mutex held or not;
 * the driver locks its own data.
 */
struct tty_operations {
	/* May it be opened now? 0 or -errno. Under open_mutex. */
	int (*may_open)(struct tty_struct *tty);
	/* First open and last close, under open_mutex; may sleep. activate: 0 or -errno. */
	int (*activate)(struct tty_struct *tty);
	void (*shutdown)(struct tty_struct *tty);

	/* Takes as many of n bytes as it has room for and returns how many. */
	size_t (*write)(struct tty_struct *tty, const u8 *buf, size_t n);
	size_t (*write_room)(struct tty_struct *tty);
	/* Bytes taken by write and not yet sent; NULL: always none. */
	size_t (*chars_in_buffer)(struct tty_struct *tty);
	void (*flush_buffer)(struct tty_struct *tty);
	/* Unread input was thrown away. */
	void (*input_flushed)(struct tty_struct *tty);

	/* ^S and ^Q, tcflow(): hold back and resume sending. */
	void (*stop)(struct tty_struct *tty);
	void (*start)(struct tty_struct *tty);
	/* The ring has room again after tty_insert_char() returned false. */
	void (*unthrottle)(struct tty_struct *tty);
	/* Puts c on the line ahead of the queue: XON, XOFF. */
	void (*send_xchar)(struct tty_struct *tty, u8 c);

	/* Takes out of settings to come what the line cannot do. */
	void (*limit_termios)(struct termios2 *new);
	/* tty->termios has changed. `old` is what it was. May sleep. */
	void (*set_termios)(struct tty_struct *tty, const struct termios2 *old);
	void (*break_ctl)(struct tty_struct *tty, bool on);
	/* TIOCM_* bits, or NULL: no modem lines (EINVAL). */
	unsigned int (*tiocmget)(struct tty_struct *tty);
	void (*tiocmset)(struct tty_struct *tty, unsigned int set, unsigned int clear);
};

/*
 * Lock key: c = constant; o = open_mutex; i = input_mutex; w = output_mutex; t = written under i
 * and w both, read under either; r = ring_lock; j = ctty_lock; a = atomic bit operations.
 */
struct tty_struct {
	char name[16];			  /* c: "ttyS0" */
	dev_t dev;			  /* c */
	const struct tty_operations *ops; /* c */
	void *driver_data;		  /* c */
	struct list_head list;		  /* c: all terminals */

	struct mutex open_mutex;
	int open_count;		 /* o */
	unsigned int generation; /* i to write: counts hangups */
	unsigned long flags;	 /* a: TTY_* bits below */

	struct mutex input_mutex;     /* the line discipline's input side */
	struct mutex output_mutex;    /* column and order of output; never held while waiting */
	struct termios2 termios;      /* t */
	struct termios2 init_termios; /* c */
	struct winsize winsize;	      /* i */
	struct n_tty *disc;	      /* c after the first open */

	spinlock_t ring_lock;		   /* taken in interrupts */
	u16 *ring;			   /* r: bytes and flags, from the first open on */
	unsigned int ring_head, ring_tail; /* r */

	struct wait_queue_head read_wait;
	struct wait_queue_head write_wait;
	struct fasync_head fasync;

	struct pid *pgrp;    /* j: foreground process group, counted reference */
	struct pid *session; /* j: whose controlling terminal it is, counted */
};

/* tty_struct.flags: bit numbers */
#define TTY_STOPPED	0 /* output is held back by ^S or TCOOFF */
#define TTY_EXCLUSIVE	1 /* TIOCEXCL */
#define TTY_WORK	2 /* kttyd has something to do for it */
#define TTY_RING_FULL	3 /* tty_insert_char() has refused a byte */
#define TTY_INPUT_WAITS 4 /* read_buf is full; the ring keeps what comes */
#define TTY_XOFF_SENT	5 /* IXOFF: the other side was told to stop */
#define TTY_WRITING	6 /* a write(2) is under way */
#define TTY_TELL_ROOM	7 /* a write was cut short: owners of O_ASYNC files wait for room */

static inline bool tty_is_pty(const struct tty_struct *tty)
{
	return MAJOR(tty->dev) == PTY_MAJOR;
}

/* One open of a terminal: file->private_data. */
struct tty_file {
	struct tty_struct *tty;
	unsigned int generation;
};

/* What a terminal starts with: sane, cooked, echoing. */
extern const struct termios2 tty_std_termios;

/* --- tty.c: registry, files ------------------------------------------------------------------ */

/*
 * tty_register - make a terminal and its file in /dev
 * @name: of the device file; @dev: its number
 * @termios: initial settings
 *
 * Process context, may sleep. Returns the terminal, or ERR_PTR: -ENOMEM, or what register_chrdev()
 * says. It stays for ever.
 */
struct tty_struct *tty_register(const char *name, dev_t dev, const struct tty_operations *ops,
				const struct termios2 *termios, void *driver_data);

/* tty_add - the same without a file in /dev: the driver has its own way to be opened */
struct tty_struct *tty_add(const char *name, dev_t dev, const struct tty_operations *ops,
			   const struct termios2 *termios, void *driver_data);

/* tty_prepare - allocate what else its first open allocates: it takes input from now on. 0, -ENOMEM */
int tty_prepare(struct tty_struct *tty);

/* tty_alloc - the same without a device file, known to nobody: NULL or a terminal to be kfree()d */
struct tty_struct *tty_alloc(const char *name, dev_t dev, const struct tty_operations *ops,
			     const struct termios2 *termios, void *driver_data);

/* tty_core_init - make /dev/tty, /dev/tty0 and /dev/console, start kttyd. Process context. */
void tty_core_init(void);

/*
 * tty_find - the terminal of this name, or NULL. tty_next(NULL) is the first, NULL after the
 * last.
 */
struct tty_struct *tty_find(const char *name);
struct tty_struct *tty_next(struct tty_struct *tty);

/* tty_hung_up - was this file opened before the terminal's last hangup? Any context. */
bool tty_hung_up(const struct tty_file *tf);

/*
 * tty_hangup - end the terminal's generation
 * @leader_exits: because its session leader exits
 *
 * Wakes all who wait on it, empties its buffers, tells its session (tty_leave_session) and puts the
 * settings back to the initial ones. Process context, may sleep.
 */
void tty_hangup(struct tty_struct *tty, bool leader_exits);

/* --- tty_input.c: from interrupt to line discipline ------------------------------------------ */

/*
 * tty_insert_char - hand in one received byte
 * @flag: enum tty_flag
 *
 * Any context. Returns false if there is no room: the byte is not taken, and ops->unthrottle is
 * called when there is. A terminal that nobody has open takes and forgets everything.
 */
bool tty_insert_char(struct tty_struct *tty, u8 c, unsigned int flag);

/* tty_input_room - would tty_insert_char() take a byte? Any context. */
bool tty_input_room(const struct tty_struct *tty);

/* tty_insert_done - after a batch of tty_insert_char(): let kttyd work on them. Any context. */
void tty_insert_done(struct tty_struct *tty);

/* tty_wakeup - the driver has room for output again, or has sent all. Any context. */
void tty_wakeup(struct tty_struct *tty);

/* tty_kick - make kttyd look at the terminal. Any context. */
void tty_kick(struct tty_struct *tty);

/* tty_ring_flush - forget what was received and not yet seen by the line discipline */
void tty_ring_flush(struct tty_struct *tty);

/* tty_input_init - start kttyd. Process context. */
void tty_input_init(void);

/* --- tty_ioctl.c ----------------------------------------------------------------------------- */

/* tty_ioctl - the ioctl of every terminal file; Linux's numbers and errors */
long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* tty_wait_until_sent - until the driver has sent all; 0 or -ERESTARTSYS */
int tty_wait_until_sent(struct tty_struct *tty);

/* tty_drain - wait until the driver has sent all, but no longer than limit_ns. May sleep. */
void tty_drain(struct tty_struct *tty, s64 limit_ns);
/* tty_drain_all - the same for every terminal: before the machine is switched off. May sleep. */
void tty_drain_all(void);

/* tty_stop, tty_start - hold back output, let it go on. Any process context. */
void tty_stop(struct tty_struct *tty);
void tty_start(struct tty_struct *tty);

/* tty_output_room - what the driver takes now: 0 while stopped */
size_t tty_output_room(struct tty_struct *tty);

/* tty_set_winsize - new size; SIGWINCH to the foreground group if it is another. May sleep. */
void tty_set_winsize(struct tty_struct *tty, const struct winsize *ws);

/* --- tty_jobctrl.c --------------------------------------------------------------------------- */

/* get_current_tty - current's controlling terminal or NULL */
struct tty_struct *get_current_tty(void);

/*
 * tty_check_change - may current change, or write to, the terminal?
 *
 * Sends SIGTTOU (sig) to its process group if it is in the background. Returns 0; -ERESTARTSYS
 * after the signal; -EIO in an orphaned group.
 */
int tty_check_change(struct tty_struct *tty);
/* tty_check_read - the same for reading: SIGTTIN, which ignored or blocked means -EIO */
int tty_check_read(struct tty_struct *tty);

/* tty_pgrp_nr, tty_session_nr - of the foreground group, of the session; 0 if there is none */
pid_t tty_pgrp_nr(struct tty_struct *tty);
pid_t tty_session_nr(struct tty_struct *tty);

/* tty_get_pgrp - the foreground group, counted, or NULL */
struct pid *tty_get_pgrp(struct tty_struct *tty);

/* tty_signal_pgrp - send sig to the foreground group, if there is one. May sleep. */
void tty_signal_pgrp(struct tty_struct *tty, int sig);

/* tty_open_proc_set_tty - a session leader without a terminal gets the one it opened */
void tty_open_proc_set_tty(struct tty_struct *tty);

/* proc_clear_tty - t's process has no controlling terminal any more (setsid). Takes ctty_lock. */
void proc_clear_tty(struct task *t);

/*
 * disassociate_ctty - current's session gives up its terminal
 * @on_exit: current is the session leader and exits: the terminal is hung up too
 *
 * Process context, may sleep. Nothing happens if current is no session leader with a terminal.
 */
void disassociate_ctty(bool on_exit);

/*
 * tty_leave_session - hangup: no process has tty as its terminal any more
 * @leader_exits: the foreground group, too, is sent SIGHUP
 *
 * The session leader is sent SIGHUP and SIGCONT.
 */
void tty_leave_session(struct tty_struct *tty, bool leader_exits);

/* The job control ioctls; -ENOIOCTLCMD if cmd is none of them. */
long tty_jobctrl_ioctl(struct tty_struct *tty, struct file *file, unsigned int cmd,
		       unsigned long arg);

/* For /proc/PID/stat: device number of t's terminal (0: none) and its foreground group (-1). */
void task_tty_numbers(struct task *t, dev_t *dev, pid_t *pgrp);

#endif /* KERNEL_DRIVERS_TTY_H */
