// SPDX-License-Identifier: MIT
/*
 * The screen as a console and as tty1.
 *
 *	printk --> screen_console_write() --+
 *	                                    +--> vt (text) --vt_flush()--> fbcon or vgacon (pixels)
 *	tty1 ----> screen_write() ----------+         ^
 *	                                              |
 *	                                thread "screend", woken by tty1's output
 *
 * Writing to the text is cheap, drawing is not: a framebuffer takes megabytes a scrolled line. So a
 * program's output is drawn by screend, at most every FLUSH_NS, however much has come since.
 * Kernel messages are drawn at once, as the kernel may be about to die, but not more often than
 * that either; what was left over screend draws at its next turn, BLINK_NS later at the latest,
 * when the cursor blinks. From a panic on everything is drawn at once, whatever the locks say.
 */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "kernel/drivers/console.h"
#include "kernel/drivers/drivers.h"
#include "kernel/drivers/screen.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/fs.h"
#include "kernel/kthread.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "mm/memblock.h"
#include "mm/vmalloc.h"

#define FLUSH_NS   16000000ULL
#define BLINK_NS   500000000LL
#define LOCK_SPINS 1000000
#define WRITE_ROOM 4096

static struct vt *vt;
static struct tty_struct *screen_tty;
static bool flush_wanted; /* tty1 has written; screend is to draw */
static DECLARE_WAIT_QUEUE_HEAD(screend_wait);

/* --- the console ----------------------------------------------------------------------------- */

static bool flush_is_due(void)
{
	u64 now = ktime_get_ns();

	return panic_in_progress() || !now || now - vt->last_flush_ns >= FLUSH_NS;
}

/* Kernel messages quote what users wrote: no control character of theirs may act on the screen. */
static void write_log_char(char c)
{
	u8 byte = (u8)c < 0x20 && c != '\t' && c != '\n' ? '?' : c;

	if (byte == '\n')
		vt_write_locked(vt, (const u8 *)"\r", 1);
	vt_write_locked(vt, &byte, 1);
}

static void write_log(const char *text, size_t len)
{
	while (len--)
		write_log_char(*text++);
	if (flush_is_due())
		vt_flush_locked(vt);
}

/* Whoever has the lock may have been stopped by a panic: after a while it is ignored. */
static void write_log_locked(const char *text, size_t len)
{
	int i;

	for (i = 0; i < LOCK_SPINS; i++) {
		if (spin_trylock(&vt->lock)) {
			write_log(text, len);
			spin_unlock(&vt->lock);
			return;
		}
		cpu_relax();
	}
	write_log(text, len);
}

static void screen_console_write(struct console *console, const char *text, size_t len)
{
	unsigned long flags;

	local_irq_save(flags);
	write_log_locked(text, len);
	local_irq_restore(flags);
}

static struct console screen_console = {
	.name = "tty0",
	.write = screen_console_write,
};

static void screen_start(struct screen *screen, void *memory)
{
	vt = vt_init(memory, screen);
	vt_flush(vt);
	if (console_wanted("tty0", NULL, 0))
		register_console(&screen_console);
}

void screen_console_init(void)
{
	struct screen *screen = fbcon_probe(false);
	void *memory;

	if (!screen)
		screen = vgacon_probe(false);
	if (!screen)
		return;
	memory = vmalloc(vt_size(screen));
	if (memory)
		screen_start(screen, memory);
	else
		pr_err("screen: no memory for its text\n");
}

void screen_console_emergency(void)
{
	struct screen *screen;
	void *memory;

	if (vt)
		return;
	screen = fbcon_probe(true);
	if (!screen)
		screen = vgacon_probe(true);
	if (!screen)
		return;
	memory = memblock_alloc(vt_size(screen), sizeof(u64));
	if (memory)
		screen_start(screen, memory);
}

/* --- drawing --------------------------------------------------------------------------------- */

static int screend(void *arg)
{
	bool on = true;

	for (;;) {
		wait_event_interruptible_timeout_ns(&screend_wait, READ_ONCE(flush_wanted),
						    BLINK_NS);
		if (!xchg(&flush_wanted, false))
			on = !on;
		else
			on = true;
		vt_blink(vt, on);
		vt_flush(vt);
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout_ns(FLUSH_NS);
	}
	return 0;
}

/* --- the terminal ---------------------------------------------------------------------------- */

static size_t screen_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	vt_write(vt, buf, n);
	if (!xchg(&flush_wanted, true))
		wake_up(&screend_wait);
	return n;
}

static size_t screen_write_room(struct tty_struct *tty)
{
	return WRITE_ROOM;
}

static const struct tty_operations screen_ops = {
	.write = screen_write,
	.write_room = screen_write_room,
};

/* The vt's answers to what it is asked appear as if typed. */
static bool screen_input(void *arg, u8 c)
{
	bool taken = tty_insert_char(arg, c, TTY_NORMAL);

	tty_insert_done(arg);
	return taken;
}

bool screen_cursor_keys_app(void)
{
	return vt && READ_ONCE(vt->cursor_keys_app);
}

struct tty_struct *screen_tty_init(void)
{
	struct winsize size;

	if (!vt)
		return NULL;
	screen_tty = tty_register("tty1", MKDEV(TTY_MAJOR, 1), &screen_ops, &tty_std_termios, NULL);
	if (IS_ERR(screen_tty) || IS_ERR(kthread_run(screend, NULL, "screend"))) {
		pr_err("screen: no memory for tty1\n");
		return NULL;
	}
	size = (struct winsize){vt->rows, vt->cols, vt->screen->width, vt->screen->height};
	tty_set_winsize(screen_tty, &size);
	vt_set_input(vt, screen_input, screen_tty);
	return screen_tty;
}
