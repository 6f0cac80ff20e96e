// SPDX-License-Identifier: MIT
/*
 * The PC's serial ports: 16550 UARTs at four fixed addresses.
 *
 * A port is found by its scratch register. It then has two users, which share the transmitter:
 *
 *	printk --> serial_console_write(): waits for the transmitter, works with interrupts off,
 *	           before there is anything else, and in a panic
 *	tty ----> xmit ring --> interrupt "transmitter empty" --> 16 bytes into the FIFO
 *
 * port->lock is held over either, so that bytes do not mix within a console message. In a panic the
 * lock may be held by a CPU that was stopped; the console waits a while and then goes on without
 * it.
 *
 *	receive: interrupt --> tty_insert_char(); refused: the byte is kept in `held`, the receive
 *	         interrupt is switched off, and the FIFO fills (an emulated UART then leaves further
 *	         bytes with its host); unthrottle() hands `held` in and switches it on again
 *
 * A UART that is not there reads 0xff everywhere. Every loop here is bounded for its sake.
 */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "kernel/drivers/console.h"
#include "kernel/drivers/drivers.h"
#include "kernel/drivers/hostio.h"
#include "kernel/drivers/serial.h"
#include "kernel/drivers/tty.h"
#include "kernel/drivers/uart.h"
#include "kernel/fs/fs.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/ctype.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/slab.h"

#define NR_PORTS      4
#define XMIT_SIZE     4096
#define WAKEUP_ROOM   (XMIT_SIZE / 2)
#define THRE_SPINS    200000 /* about 0.2 s of port reads: many times what 16 bytes take */
#define LOCK_SPINS    1000000
#define MAX_PASSES    256
#define DEFAULT_SPEED 115200
#define NOTHING_HELD  (-1)

/*
 * Lock key: c = constant; l = lock; p = written at probe time, before interrupts.
 */
struct serial_port {
	u16 base;	    /* c */
	u8 irq;		    /* c */
	bool present;	    /* p */
	unsigned int speed; /* p: bits per second at the start */
	spinlock_t lock;
	u8 ier, lcr, mcr;	 /* l: what the registers were last set to */
	bool stopped;		 /* l: ^S */
	int xchar;		 /* l: XON or XOFF to be sent next, 0 none */
	int held;		 /* l: received byte the tty had no room for */
	u8 *xmit;		 /* p */
	unsigned int head, tail; /* l */
	struct tty_struct *tty;	 /* p */
	struct console console;
	char name[8]; /* p */
};

static struct serial_port ports[NR_PORTS] = {
	{.base = 0x3f8, .irq = 4},
	{.base = 0x2f8, .irq = 3},
	{.base = 0x3e8, .irq = 4},
	{.base = 0x2e8, .irq = 3},
};

static void reg_write(struct serial_port *port, int reg, u8 value)
{
	outb(value, port->base + reg);
}

static u8 reg_read(struct serial_port *port, int reg)
{
	return inb(port->base + reg);
}

static void set_ier(struct serial_port *port, u8 ier) __must_hold(&port->lock)
{
	if (port->ier != ier) {
		port->ier = ier;
		reg_write(port, UART_IER, ier);
	}
}

static void set_line(struct serial_port *port, unsigned int speed, u8 lcr) __must_hold(&port->lock)
{
	unsigned int divisor = clamp_t(unsigned int, UART_CLOCK / max(speed, 2u), 1, 0xffff);

	port->lcr = lcr;
	reg_write(port, UART_LCR, lcr | UART_LCR_DLAB);
	reg_write(port, UART_DLL, divisor & 0xff);
	reg_write(port, UART_DLM, divisor >> 8);
	reg_write(port, UART_LCR, lcr);
}

/* --- finding --------------------------------------------------------------------------------- */

static unsigned int parse_speed(const char *options)
{
	unsigned int speed = 0;

	while (isdigit(*options) && speed < 10000000)
		speed = speed * 10 + (*options++ - '0');
	return speed ? speed : DEFAULT_SPEED;
}

static void serial_probe(int i)
{
	struct serial_port *port = &ports[i];
	unsigned long flags;
	char options[16];

	if (port->present || !uart_present(port->base))
		return;
	spin_lock_init(&port->lock);
	snprintf(port->name, sizeof(port->name), "ttyS%d", i);
	console_wanted(port->name, options, sizeof(options));
	port->speed = parse_speed(options);
	port->held = NOTHING_HELD;
	spin_lock_irqsave(&port->lock, flags);
	reg_write(port, UART_IER, 0);
	set_line(port, port->speed, UART_LCR_WLEN8);
	reg_write(port, UART_FCR, UART_FCR_ENABLE | UART_FCR_TRIGGER_8);
	port->mcr = UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2;
	reg_write(port, UART_MCR, port->mcr);
	spin_unlock_irqrestore(&port->lock, flags);
	port->present = true;
}

/* --- the console ----------------------------------------------------------------------------- */

static void wait_transmitter(struct serial_port *port)
{
	int i;

	for (i = 0; i < THRE_SPINS; i++) {
		if (reg_read(port, UART_LSR) & UART_LSR_THRE)
			return;
		cpu_relax();
	}
}

/* An empty transmitter takes a FIFO full of bytes. */
static void send_polled(struct serial_port *port, const char *text, size_t len)
{
	unsigned int room = 0;

	while (len--) {
		char c = *text++;

		if (room < 2) {
			wait_transmitter(port);
			room = UART_FIFO_SIZE;
		}
		if (c == '\n') {
			reg_write(port, UART_TX, '\r');
			room--;
		}
		reg_write(port, UART_TX, c);
		room--;
	}
}

/* Whoever has the lock may have been stopped by a panic: after a while it is ignored. */
static void send_locked(struct serial_port *port, const char *text, size_t len)
{
	int i;

	for (i = 0; i < LOCK_SPINS; i++) {
		if (spin_trylock(&port->lock)) {
			send_polled(port, text, len);
			spin_unlock(&port->lock);
			return;
		}
		cpu_relax();
	}
	send_polled(port, text, len);
}

static void serial_console_write(struct console *console, const char *text, size_t len)
{
	struct serial_port *port = container_of(console, struct serial_port, console);
	unsigned long flags;

	local_irq_save(flags);
	send_locked(port, text, len);
	local_irq_restore(flags);
}

void serial_console_init(void)
{
	char name[8];
	int i;

	for (i = 0; i < NR_PORTS; i++) {
		snprintf(name, sizeof(name), "ttyS%d", i);
		if (!console_wanted(name, NULL, 0))
			continue;
		serial_probe(i);
		if (!ports[i].present)
			continue;
		ports[i].console.name = ports[i].name;
		ports[i].console.write = serial_console_write;
		register_console(&ports[i].console);
	}
}

/* --- interrupts ------------------------------------------------------------------------------ */

static unsigned int line_error(u8 lsr)
{
	if (lsr & UART_LSR_BI)
		return TTY_BREAK;
	if (lsr & UART_LSR_PE)
		return TTY_PARITY;
	if (lsr & UART_LSR_FE)
		return TTY_FRAME;
	return TTY_NORMAL;
}

/* Returns false when the terminal has no room: the byte is held, and no more are to come. */
static bool receive_byte(struct serial_port *port, u8 lsr) __must_hold(&port->lock)
{
	u8 c = reg_read(port, UART_RX);

	if (lsr & UART_LSR_OE)
		tty_insert_char(port->tty, 0, TTY_OVERRUN);
	if (tty_insert_char(port->tty, c, line_error(lsr)))
		return true;
	port->held = c | line_error(lsr);
	set_ier(port, port->ier & ~(UART_IER_RDI | UART_IER_RLSI));
	return false;
}

static bool receive(struct serial_port *port) __must_hold(&port->lock)
{
	bool any = false;
	u8 lsr = reg_read(port, UART_LSR);
	int i;

	for (i = 0; i < MAX_PASSES && (lsr & UART_LSR_DR) && (port->ier & UART_IER_RDI); i++) {
		any = true;
		if (!receive_byte(port, lsr))
			break;
		lsr = reg_read(port, UART_LSR);
	}
	return any;
}

static unsigned int xmit_used(const struct serial_port *port)
{
	return port->head - port->tail;
}

/*
 * The transmitter, if it is empty, gets the next bytes. Its interrupt is on while there are more.
 */
static void transmit(struct serial_port *port) __must_hold(&port->lock)
{
	int i = 0;

	if (!(reg_read(port, UART_LSR) & UART_LSR_THRE))
		return;
	if (port->xchar) {
		reg_write(port, UART_TX, port->xchar);
		port->xchar = 0;
		i++;
	}
	for (; i < UART_FIFO_SIZE && !port->stopped && xmit_used(port); i++)
		reg_write(port, UART_TX, port->xmit[port->tail++ % XMIT_SIZE]);
	if (xmit_used(port) && !port->stopped)
		set_ier(port, port->ier | UART_IER_THRI);
	else
		set_ier(port, port->ier & ~UART_IER_THRI);
}

static void serial_interrupt(void *arg)
{
	struct serial_port *port = arg;
	bool received = false, was_sending, sent;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&port->lock, flags);
	was_sending = port->ier & UART_IER_THRI;
	for (i = 0; i < MAX_PASSES && !(reg_read(port, UART_IIR) & UART_IIR_NO_INT); i++) {
		received |= receive(port);
		transmit(port);
		reg_read(port, UART_MSR);
	}
	sent = was_sending && xmit_used(port) <= XMIT_SIZE - WAKEUP_ROOM;
	spin_unlock_irqrestore(&port->lock, flags);

	if (received)
		tty_insert_done(port->tty);
	if (sent)
		tty_wakeup(port->tty);
}

/* --- the terminal ---------------------------------------------------------------------------- */

static int serial_activate(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;

	spin_lock_irq(&port->lock);
	if (port->held == NOTHING_HELD)
		set_ier(port, port->ier | UART_IER_RDI | UART_IER_RLSI);
	spin_unlock_irq(&port->lock);
	return 0;
}

/* Output goes on until the ring is empty; nobody listens any more. */
static void serial_shutdown(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;

	spin_lock_irq(&port->lock);
	set_ier(port, port->ier & ~(UART_IER_RDI | UART_IER_RLSI));
	port->held = NOTHING_HELD;
	spin_unlock_irq(&port->lock);
}

static size_t serial_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;
	size_t i;

	spin_lock_irqsave(&port->lock, flags);
	for (i = 0; i < n && xmit_used(port) < XMIT_SIZE; i++)
		port->xmit[port->head++ % XMIT_SIZE] = buf[i];
	if (!(port->ier & UART_IER_THRI))
		transmit(port);
	if (xmit_used(port) && !port->stopped)
		set_ier(port, port->ier | UART_IER_THRI);
	spin_unlock_irqrestore(&port->lock, flags);
	return i;
}

static size_t serial_write_room(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;

	return XMIT_SIZE - (READ_ONCE(port->head) - READ_ONCE(port->tail));
}

static size_t serial_chars_in_buffer(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;
	size_t n;

	spin_lock_irqsave(&port->lock, flags);
	n = xmit_used(port);
	if (!n && !(reg_read(port, UART_LSR) & UART_LSR_TEMT))
		n = 1;
	spin_unlock_irqrestore(&port->lock, flags);
	return n;
}

static void serial_flush_buffer(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->tail = port->head;
	spin_unlock_irqrestore(&port->lock, flags);
	tty_wakeup(tty);
}

static void serial_stop(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->stopped = true;
	set_ier(port, port->ier & ~UART_IER_THRI);
	spin_unlock_irqrestore(&port->lock, flags);
}

static void serial_start(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->stopped = false;
	if (xmit_used(port))
		set_ier(port, port->ier | UART_IER_THRI);
	spin_unlock_irqrestore(&port->lock, flags);
}

static void serial_send_xchar(struct tty_struct *tty, u8 c)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->xchar = c;
	set_ier(port, port->ier | UART_IER_THRI);
	spin_unlock_irqrestore(&port->lock, flags);
}

static void serial_unthrottle(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	if (port->held != NOTHING_HELD) {
		tty_insert_char(tty, port->held & 0xff, port->held & TTY_FLAG_MASK);
		port->held = NOTHING_HELD;
		set_ier(port, port->ier | UART_IER_RDI | UART_IER_RLSI);
	}
	spin_unlock_irqrestore(&port->lock, flags);
	tty_insert_done(tty);
}

static u8 termios_to_lcr(tcflag_t cflag)
{
	u8 lcr = UART_LCR_WLEN5 + ((cflag & CSIZE) >> 4);

	if (cflag & CSTOPB)
		lcr |= UART_LCR_STOP;
	if (cflag & PARENB)
		lcr |= UART_LCR_PARITY | (cflag & PARODD ? 0 : UART_LCR_EVEN);
	if (cflag & CMSPAR)
		lcr |= UART_LCR_STICK;
	return lcr;
}

static void set_mcr(struct serial_port *port, u8 mcr) __must_hold(&port->lock)
{
	port->mcr = mcr;
	reg_write(port, UART_MCR, mcr);
}

static void serial_set_termios(struct tty_struct *tty, const struct termios2 *old)
{
	struct serial_port *port = tty->driver_data;
	const struct termios2 *t = &tty->termios;

	if (t->c_cflag == old->c_cflag && t->c_ospeed == old->c_ospeed)
		return;
	spin_lock_irq(&port->lock);
	if (t->c_ospeed)
		set_line(port, t->c_ospeed, termios_to_lcr(t->c_cflag));
	if (!t->c_ospeed)
		set_mcr(port, port->mcr & ~(UART_MCR_DTR | UART_MCR_RTS));
	else if (!old->c_ospeed)
		set_mcr(port, port->mcr | UART_MCR_DTR | UART_MCR_RTS);
	spin_unlock_irq(&port->lock);
}

static void serial_break_ctl(struct tty_struct *tty, bool on)
{
	struct serial_port *port = tty->driver_data;

	spin_lock_irq(&port->lock);
	port->lcr = on ? port->lcr | UART_LCR_BREAK : port->lcr & ~UART_LCR_BREAK;
	reg_write(port, UART_LCR, port->lcr);
	spin_unlock_irq(&port->lock);
}

static unsigned int serial_tiocmget(struct tty_struct *tty)
{
	struct serial_port *port = tty->driver_data;
	u8 msr = reg_read(port, UART_MSR);

	return (port->mcr & UART_MCR_DTR ? TIOCM_DTR : 0) |
	       (port->mcr & UART_MCR_RTS ? TIOCM_RTS : 0) | (msr & UART_MSR_CTS ? TIOCM_CTS : 0) |
	       (msr & UART_MSR_DSR ? TIOCM_DSR : 0) | (msr & UART_MSR_RI ? TIOCM_RNG : 0) |
	       (msr & UART_MSR_DCD ? TIOCM_CAR : 0);
}

static u8 modem_bits(unsigned int lines)
{
	return (lines & TIOCM_DTR ? UART_MCR_DTR : 0) | (lines & TIOCM_RTS ? UART_MCR_RTS : 0);
}

static void serial_tiocmset(struct tty_struct *tty, unsigned int set, unsigned int clear)
{
	struct serial_port *port = tty->driver_data;

	spin_lock_irq(&port->lock);
	set_mcr(port, (port->mcr & ~modem_bits(clear)) | modem_bits(set));
	spin_unlock_irq(&port->lock);
}

static const struct tty_operations serial_ops = {
	.activate = serial_activate,
	.shutdown = serial_shutdown,
	.write = serial_write,
	.write_room = serial_write_room,
	.chars_in_buffer = serial_chars_in_buffer,
	.flush_buffer = serial_flush_buffer,
	.stop = serial_stop,
	.start = serial_start,
	.unthrottle = serial_unthrottle,
	.send_xchar = serial_send_xchar,
	.set_termios = serial_set_termios,
	.break_ctl = serial_break_ctl,
	.tiocmget = serial_tiocmget,
	.tiocmset = serial_tiocmset,
};

static tcflag_t speed_code(unsigned int speed)
{
	switch (speed) {
	case 9600:
		return B9600;
	case 38400:
		return B38400;
	case 57600:
		return B57600;
	case 115200:
		return B115200;
	}
	return BOTHER;
}

static void serial_tty_register(int i)
{
	struct serial_port *port = &ports[i];
	struct termios2 termios = tty_std_termios;
	struct tty_struct *tty;
	int err;

	termios.c_cflag = speed_code(port->speed) | CS8 | CREAD | HUPCL | CLOCAL;
	termios.c_ispeed = termios.c_ospeed = port->speed;
	port->xmit = kmalloc(XMIT_SIZE, GFP_KERNEL);
	if (!port->xmit)
		return;
	tty = tty_register(port->name, MKDEV(TTY_MAJOR, TTYS_MINOR + i), &serial_ops, &termios,
			   port);
	if (IS_ERR(tty)) {
		pr_err("serial: %s: error %ld\n", port->name, PTR_ERR(tty));
		return;
	}
	port->tty = tty;
	err = irq_register(port->irq, serial_interrupt, port, port->name);
	if (err)
		pr_err("serial: %s: no interrupt %d: error %d\n", port->name, port->irq, err);
	else
		pr_info("serial: %s at %#x, irq %d\n", port->name, port->base, port->irq);
}

void serial_tty_init(void)
{
	int i;

	for (i = 0; i < NR_PORTS; i++) {
		if (i == 1 && hostio_owns_com2())
			continue;
		serial_probe(i);
		if (ports[i].present)
			serial_tty_register(i);
	}
}
