// SPDX-License-Identifier: MIT
/*
 * The program channels of `tools/verso run`: standard input, output and error of a program that
 * runs on Verso in QEMU, and a line of words to the runner, each apart from the others and from
 * the kernel log, which goes to COM1.
 *
 *	runner (host)                   QEMU device              Verso
 *	------------------------------  -----------------------  ------------------------
 *	stdin   -- frames ----------->  COM2, port 0x2f8, IRQ 3  /dev/hostin
 *	        <- grants, '+' -------
 *	stdout  <- bytes -------------  isa-debugcon 0xe9        /dev/hostout
 *	stderr  <- bytes -------------  isa-debugcon 0xea        /dev/hosterr
 *	control <- lines of text -----  isa-debugcon 0xeb        /dev/hostctl
 *
 * The devices exist when the command line has `verso.hostio`. With `verso.tty=ttyS1` beside it,
 * COM2 is left to the serial driver: the program then has a terminal, not three channels.
 *
 * Output. A debugcon port takes a byte at a time and QEMU does not go on before its character
 * device has taken it: nothing is lost, and a runner that reads slowly slows the writer. No byte
 * means anything; the stream ends with the machine. Writes up to CHUNK bytes are not mixed with
 * those of other processes. On hostctl a writer sends whole lines, ended by \n; what words they
 * may be is between user/init.c and the runner, the kernel does not look at them.
 *
 * Input. A UART has 16 bytes of buffer and forgets what comes when they are full, or when a driver
 * resets it: that is why the runner may send only what it was granted, and nothing before the
 * first grant. The protocol, both ways:
 *
 *   1. Guest to runner: each byte '+' (0x2b) grants GRANT = 256 more bytes. Any other byte is
 *      noise from firmware that probed the port, and is ignored. When a process first reads or
 *      polls, the guest sends 16 of them (4096 bytes); the runner sends nothing before.
 *   2. Runner to guest: frames. One byte n, then n bytes of data, for n in 1..255; the byte 0
 *      alone is end of file, after which the runner sends nothing more.
 *   3. Every byte of a frame counts against the grant, the length bytes and the 0 too. A frame
 *      may be cut anywhere: the runner sends as much of its byte stream as the grant allows, and
 *      the rest after the next grant.
 *   4. The guest grants anew when it has freed GRANT bytes, that is, when processes have read
 *      them (length bytes are free at once).
 *
 * Invariants:
 *   GRANT-HELD: granted and not yet freed bytes are at most RING_SIZE, so the ring cannot overflow.
 *   GRANT-FITS: at most RING_SIZE / GRANT = 16 grants are under way, and the UART's transmit buffer
 *	holds 16 bytes, so a grant can always be written without waiting.
 *
 * At the end of the data read() returns 0, every time and to every reader. Reads that wait can be
 * interrupted by a signal; O_NONBLOCK gives EAGAIN; poll() says POLLIN for data, and POLLIN with
 * POLLHUP at the end.
 *
 * The other ways: virtio-console is faster, but is a PCI device with queues to bring up before the
 * first byte; semihosting through fw_cfg has no input that waits.
 */

#include "arch/x86_64/io.h"
#include "arch/x86_64/irq.h"
#include "kernel/cmdline.h"
#include "kernel/drivers/hostio.h"
#include "kernel/drivers/uart.h"
#include "kernel/fs/chrdev.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define HOSTIN_PORT   0x2f8
#define HOSTIN_IRQ    3
#define RING_SIZE     4096
#define GRANT	      256
#define CHUNK	      4096
#define OUTSB_BURST   256
#define HOSTIO_MAJOR  240 /* of the range left to local use */
#define HOSTIN_MINOR  0
#define HOSTOUT_MINOR 1
#define DEBUGCON_ID   0xe9

/*
 * One producer, the interrupt handler, which runs on one CPU; one consumer at a time, who holds
 * read_lock: the ring needs no other lock. Counters are published with release, after their bytes.
 *
 * Key: i = written by the handler alone; r = written under read_lock; a = atomic; c = constant
 * after hostio_init().
 */
static struct hostin {
	struct wait_queue_head wait;
	struct mutex read_lock;
	u8 ring[RING_SIZE];	 /* i to fill, r to empty */
	unsigned int head;	 /* i: counts bytes put in */
	unsigned int tail;	 /* r: counts bytes taken out */
	unsigned int frame_left; /* i: bytes of the current frame still to come */
	bool eof;		 /* i: the 0 frame has come */
	atomic_long_t freed;	 /* a: counts wire bytes that make room for others */
	bool present;		 /* c */
	bool invited;		 /* a: the first grants are sent */
} hostin;

struct hostout {
	u16 port;
	const char *name;
	struct mutex lock; /* one writer's chunk at a time */
};

static struct hostout hostouts[] = {
	{.port = 0xe9, .name = "hostout"},
	{.port = 0xea, .name = "hosterr"},
	{.port = 0xeb, .name = "hostctl"},
};

bool hostio_owns_com2(void)
{
	return hostin.present;
}

/*
 * Freed bytes go back to the runner in whole grants: whoever brings the count over a multiple of
 * GRANT sends it. GRANT-FITS: no wait for the transmitter.
 */
static void hostin_free(unsigned int bytes)
{
	unsigned long after = atomic_long_add_return(bytes, &hostin.freed);
	unsigned long grants = after / GRANT - (after - bytes) / GRANT;

	while (grants--)
		outb('+', HOSTIN_PORT + UART_TX);
}

static void hostin_wire_byte(u8 byte)
{
	if (hostin.eof)
		return;
	if (!hostin.frame_left) {
		hostin.frame_left = byte;
		smp_store_release(&hostin.eof, !byte);
		hostin_free(1);
		return;
	}
	hostin.frame_left--;
	if (hostin.head - READ_ONCE(hostin.tail) < RING_SIZE) {
		hostin.ring[hostin.head % RING_SIZE] = byte;
		smp_store_release(&hostin.head, hostin.head + 1);
	}
}

static void hostin_interrupt(void *arg)
{
	int i;

	for (i = 0; i < RING_SIZE && (inb(HOSTIN_PORT + UART_LSR) & UART_LSR_DR); i++)
		hostin_wire_byte(inb(HOSTIN_PORT + UART_RX));
	wake_up_all(&hostin.wait);
}

static bool hostin_ready(void)
{
	return READ_ONCE(hostin.head) != READ_ONCE(hostin.tail) || READ_ONCE(hostin.eof);
}

/* The longest run of bytes that lies in one piece in the ring, at its tail. */
static unsigned int hostin_run(const u8 **start) __must_hold(&hostin.read_lock)
{
	unsigned int at = hostin.tail % RING_SIZE;

	*start = hostin.ring + at;
	return min(smp_load_acquire(&hostin.head) - hostin.tail, RING_SIZE - at);
}

/*
 * What has come, at once. Bytes leave the ring only after they reached the reader: a bad address
 * loses none.
 */
static ssize_t hostin_copy(struct iov_iter *to)
{
	ssize_t done = 0;
	const u8 *run;

	mutex_lock(&hostin.read_lock);
	while (iov_iter_count(to)) {
		unsigned int n = hostin_run(&run);
		size_t copied;

		if (!n)
			break;
		n = min_t(size_t, n, iov_iter_count(to));
		copied = copy_to_iter(run, n, to);
		smp_store_release(&hostin.tail, hostin.tail + copied);
		hostin_free(copied);
		done += copied;
		if (copied < n) {
			done = done ? done : -EFAULT;
			break;
		}
	}
	mutex_unlock(&hostin.read_lock);
	return done;
}

/*
 * The first to want input invites it. Until then nothing comes: a program that reads nothing is not
 * interrupted at times that the host decides, and repeats to the instruction under -icount.
 */
static void hostin_invite(void)
{
	if (likely(READ_ONCE(hostin.invited)) || xchg(&hostin.invited, true))
		return;
	for (int i = 0; i < RING_SIZE / GRANT; i++)
		outb('+', HOSTIN_PORT + UART_TX);
}

static ssize_t hostin_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t n;
	int err;

	if (!iov_iter_count(to))
		return 0;
	hostin_invite();
	for (;;) {
		bool eof = smp_load_acquire(&hostin.eof);

		n = hostin_copy(to);
		if (n || eof)
			return n;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&hostin.wait, hostin_ready());
		if (err)
			return err;
	}
}

static u32 hostin_poll(struct file *file, struct poll_table *table)
{
	u32 mask = 0;

	hostin_invite();
	poll_wait(file, &hostin.wait, table);
	if (hostin_ready())
		mask |= POLLIN | POLLRDNORM;
	if (READ_ONCE(hostin.eof) && READ_ONCE(hostin.head) == READ_ONCE(hostin.tail))
		mask |= POLLHUP;
	return mask;
}

/* Short bursts: an interrupt can be taken between them, and a fatal signal seen between chunks. */
static void hostout_send(struct hostout *out, const u8 *buf, size_t n)
{
	mutex_lock(&out->lock);
	while (n) {
		size_t burst = min_t(size_t, n, OUTSB_BURST);

		outsb(out->port, buf, burst);
		buf += burst;
		n -= burst;
		cond_resched();
	}
	mutex_unlock(&out->lock);
}

static ssize_t hostout_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct hostout *out = &hostouts[MINOR(file->f_inode->i_rdev) - HOSTOUT_MINOR];
	ssize_t done = 0;
	u8 *chunk;

	chunk = kmalloc(CHUNK, GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	while (iov_iter_count(from)) {
		size_t n = copy_from_iter(chunk, min_t(size_t, CHUNK, iov_iter_count(from)), from);

		if (!n) {
			done = done ? done : -EFAULT;
			break;
		}
		hostout_send(out, chunk, n);
		done += n;
		if (fatal_signal_pending(current))
			break;
	}
	kfree(chunk);
	return done;
}

static u32 hostout_poll(struct file *file, struct poll_table *table)
{
	return POLLOUT | POLLWRNORM;
}

static const struct file_operations hostin_fops = {
	.read_iter = hostin_read_iter,
	.poll = hostin_poll,
};

static const struct file_operations hostout_fops = {
	.write_iter = hostout_write_iter,
	.poll = hostout_poll,
};

static void hostin_start(void)
{
	outb(0, HOSTIN_PORT + UART_IER);
	outb(UART_LCR_DLAB | UART_LCR_WLEN8, HOSTIN_PORT + UART_LCR);
	outb(1, HOSTIN_PORT + UART_DLL);
	outb(0, HOSTIN_PORT + UART_DLM);
	outb(UART_LCR_WLEN8, HOSTIN_PORT + UART_LCR);
	outb(UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX | UART_FCR_TRIGGER_14,
	     HOSTIN_PORT + UART_FCR);
	outb(UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2, HOSTIN_PORT + UART_MCR);
	outb(UART_IER_RDI, HOSTIN_PORT + UART_IER);
}

static void hostin_init(void)
{
	int err;

	mutex_init(&hostin.read_lock);
	init_waitqueue_head(&hostin.wait);
	if (!uart_present(HOSTIN_PORT)) {
		pr_warn("hostio: no UART at %#x: no /dev/hostin\n", HOSTIN_PORT);
		return;
	}
	err = irq_register(HOSTIN_IRQ, hostin_interrupt, NULL, "hostin");
	if (!err)
		err = register_chrdev(HOSTIO_MAJOR, HOSTIN_MINOR, "hostin", 0666, &hostin_fops);
	if (err) {
		pr_warn("hostio: /dev/hostin failed: error %d\n", err);
		return;
	}
	hostin.present = true;
	hostin_start();
}

/* isa-debugcon answers a read with 0xe9, an empty port with 0xff. */
static void hostout_init(int i)
{
	struct hostout *out = &hostouts[i];
	int err;

	mutex_init(&out->lock);
	if (inb(out->port) != DEBUGCON_ID) {
		pr_warn("hostio: no debugcon at %#x: no /dev/%s\n", out->port, out->name);
		return;
	}
	err = register_chrdev(HOSTIO_MAJOR, HOSTOUT_MINOR + i, out->name, 0666, &hostout_fops);
	if (err)
		pr_warn("hostio: /dev/%s failed: error %d\n", out->name, err);
}

void hostio_init(void)
{
	char tty[16];
	int i;

	if (cmdline_get("verso.hostio", tty, sizeof(tty)) < 0)
		return;
	for (i = 0; i < ARRAY_SIZE(hostouts); i++)
		hostout_init(i);
	if (cmdline_get("verso.tty", tty, sizeof(tty)) < 0 || strcmp(tty, "ttyS1"))
		hostin_init();
}
