// SPDX-License-Identifier: MIT
/*
 * The PS/2 keyboard, behind an 8042 controller or what imitates one.
 *
 * Finding it. A PC without an 8042 reads 0xff at its ports, and never answers: every wait has a
 * time limit, and the first question that gets no answer ends the search. The controller is told to
 * translate to scan code set 1, which is also what firmware that turns a USB keyboard into a PS/2
 * one gives.
 *
 * Scan codes, set 1: a byte is a key's number, with 0x80 when it is released. 0xe0 before it means
 * the second key of that number (arrows, right Ctrl); 0xe1 begins Pause, of which two bytes follow.
 *
 *	0x1e pressed -> 'a'      with Shift 'A'     Ctrl 0x01     Alt ESC a
 *	0xe0 0x48    -> ESC [ A, or ESC O A when the program asked for it (DECCKM)
 *
 * The layout is US; function keys send what the Linux console sends, so that TERM=linux is true.
 * Ctrl-Alt-Del restarts the machine.
 */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/power.h"
#include "kernel/drivers/screen.h"
#include "kernel/drivers/tty.h"
#include "kernel/printk.h"
#include "kernel/timer.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/ctype.h"

#define KBD_DATA	 0x60
#define KBD_STATUS	 0x64
#define KBD_COMMAND	 0x64
#define KBD_IRQ		 1
#define STATUS_OUT_FULL	 0x01
#define STATUS_IN_FULL	 0x02
#define STATUS_AUX	 0x20 /* the byte is the mouse's */
#define NO_CONTROLLER	 0xff
#define CMD_READ_CONFIG	 0x20
#define CMD_WRITE_CONFIG 0x60
#define CMD_DISABLE_AUX	 0xa7
#define CMD_SELF_TEST	 0xaa
#define CMD_DISABLE_KBD	 0xad
#define CMD_ENABLE_KBD	 0xae
#define SELF_TEST_OK	 0x55
#define CONFIG_KBD_IRQ	 0x01
#define CONFIG_AUX_IRQ	 0x02
#define CONFIG_KBD_OFF	 0x10
#define CONFIG_TRANSLATE 0x40
#define KBD_ENABLE_SCAN	 0xf4
#define KBD_ACK		 0xfa
#define ANSWER_NS	 50000000ULL
#define SELF_TEST_NS	 500000000ULL
#define MAX_STALE_BYTES	 64

#define RELEASED 0x80
#define KEY_E0	 0x80 /* added to the number of a key after 0xe0 */

enum { MOD_LSHIFT = 1, MOD_RSHIFT = 2, MOD_LCTRL = 4, MOD_RCTRL = 8, MOD_LALT = 16, MOD_RALT = 32 };
#define MOD_SHIFT (MOD_LSHIFT | MOD_RSHIFT)
#define MOD_CTRL  (MOD_LCTRL | MOD_RCTRL)
#define MOD_ALT	  (MOD_LALT | MOD_RALT)

/* Used by the interrupt handler alone. */
static struct keyboard {
	struct tty_struct *tty;
	unsigned int modifiers;
	bool caps_lock, num_lock;
	u8 prefix; /* 0xe0 came */
	u8 skip;   /* bytes of Pause still to come */
} keyboard = {.num_lock = true};

/* --- the controller -------------------------------------------------------------------------- */

/* Waits until (status & mask) == want. */
static bool wait_status(u8 mask, u8 want, u64 limit_ns)
{
	u64 end = ktime_get_ns() + limit_ns;

	do {
		if ((inb(KBD_STATUS) & mask) == want)
			return true;
		cpu_relax();
	} while (ktime_get_ns() < end);
	return false;
}

static bool send(u16 port, u8 byte)
{
	if (!wait_status(STATUS_IN_FULL, 0, ANSWER_NS))
		return false;
	outb(byte, port);
	return true;
}

/* The next byte of the controller or the keyboard, or -1. */
static int answer(u64 limit_ns)
{
	return wait_status(STATUS_OUT_FULL, STATUS_OUT_FULL, limit_ns) ? inb(KBD_DATA) : -1;
}

static void drop_stale_bytes(void)
{
	int i;

	for (i = 0; i < MAX_STALE_BYTES && (inb(KBD_STATUS) & STATUS_OUT_FULL); i++)
		inb(KBD_DATA);
}

static bool controller_present(void)
{
	if (inb(KBD_STATUS) == NO_CONTROLLER)
		return false;
	if (!send(KBD_COMMAND, CMD_DISABLE_KBD) || !send(KBD_COMMAND, CMD_DISABLE_AUX))
		return false;
	drop_stale_bytes();
	return send(KBD_COMMAND, CMD_SELF_TEST) && answer(SELF_TEST_NS) == SELF_TEST_OK;
}

static bool configure(void)
{
	int config;

	if (!send(KBD_COMMAND, CMD_READ_CONFIG))
		return false;
	config = answer(ANSWER_NS);
	if (config < 0)
		return false;
	config |= CONFIG_KBD_IRQ | CONFIG_TRANSLATE;
	config &= ~(CONFIG_AUX_IRQ | CONFIG_KBD_OFF);
	return send(KBD_COMMAND, CMD_WRITE_CONFIG) && send(KBD_DATA, config) &&
	       send(KBD_COMMAND, CMD_ENABLE_KBD);
}

/* A keyboard that does not acknowledge may be plugged in later: not an error. */
static void start_scanning(void)
{
	int i;

	if (!send(KBD_DATA, KBD_ENABLE_SCAN))
		return;
	for (i = 0; i < MAX_STALE_BYTES; i++) {
		int byte = answer(ANSWER_NS);

		if (byte < 0 || byte == KBD_ACK)
			return;
	}
}

/* --- keys ------------------------------------------------------------------------------------ */

static const char plain_keys[] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
	"\0*\0 ";
static const char shift_keys[] =
	"\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
	"\0*\0 ";

#define KEY_LCTRL   0x1d
#define KEY_LSHIFT  0x2a
#define KEY_RSHIFT  0x36
#define KEY_LALT    0x38
#define KEY_CAPS    0x3a
#define KEY_F1	    0x3b
#define KEY_F10	    0x44
#define KEY_NUM	    0x45
#define KEY_KP7	    0x47
#define KEY_KPDOT   0x53
#define KEY_102ND   0x56
#define KEY_F11	    0x57
#define KEY_F12	    0x58
#define KEY_KPENTER (KEY_E0 | 0x1c)
#define KEY_KPSLASH (KEY_E0 | 0x35)
#define KEY_DELETE  (KEY_E0 | KEY_KPDOT)

static const char *const function_keys[] = {"\033[[A",	"\033[[B",  "\033[[C",	"\033[[D",
					    "\033[[E",	"\033[17~", "\033[18~", "\033[19~",
					    "\033[20~", "\033[21~", "\033[23~", "\033[24~"};

/* The keypad from 7 on, without Num Lock; the keys after 0xe0 have the same order. */
static const char *const cursor_keys[] = {"\033[1~", "\033[A",	"\033[5~", "-",	      "\033[D",
					  "\033[G",  "\033[C",	"+",	   "\033[4~", "\033[B",
					  "\033[6~", "\033[2~", "\033[3~"};
static const char keypad_digits[] = "789-456+1230.";

static void type(u8 c)
{
	tty_insert_char(keyboard.tty, c, TTY_NORMAL);
}

static void type_string(const char *s)
{
	while (*s)
		type(*s++);
}

static void type_cursor_key(unsigned int i)
{
	const char *s = cursor_keys[i];

	if (screen_cursor_keys_app() && s[0] == '\033' && s[2] >= 'A' && s[2] <= 'D') {
		type('\033');
		type('O');
		type(s[2]);
	} else {
		type_string(s);
	}
}

static u8 with_ctrl(u8 c)
{
	if (c >= '@' && c < 0x7f)
		return c & 0x1f;
	if (c == ' ' || c == '2')
		return 0;
	if (c >= '3' && c <= '7')
		return c - '3' + 0x1b;
	if (c == '8' || c == 0x7f)
		return c == '8' ? 0x7f : '\b';
	return c == '/' || c == '-' ? 0x1f : c;
}

static void type_key(unsigned int key)
{
	bool shift = keyboard.modifiers & MOD_SHIFT;
	u8 c;

	if (key >= sizeof(plain_keys) - 1)
		return;
	c = plain_keys[key];
	if (!c)
		return;
	if (keyboard.caps_lock && isalpha(c))
		shift = !shift;
	if (shift)
		c = shift_keys[key];
	if (keyboard.modifiers & MOD_CTRL)
		c = with_ctrl(c);
	if (keyboard.modifiers & MOD_ALT)
		type('\033');
	type(c);
}

static unsigned int modifier_of(unsigned int key)
{
	switch (key) {
	case KEY_LSHIFT:
		return MOD_LSHIFT;
	case KEY_RSHIFT:
		return MOD_RSHIFT;
	case KEY_LCTRL:
		return MOD_LCTRL;
	case KEY_E0 | KEY_LCTRL:
		return MOD_RCTRL;
	case KEY_LALT:
		return MOD_LALT;
	case KEY_E0 | KEY_LALT:
		return MOD_RALT;
	}
	return 0;
}

static void key_pressed(unsigned int key)
{
	unsigned int low = key & ~KEY_E0;

	if (low == KEY_KPDOT && (keyboard.modifiers & MOD_CTRL) && (keyboard.modifiers & MOD_ALT))
		machine_restart();
	if (key == KEY_CAPS)
		keyboard.caps_lock = !keyboard.caps_lock;
	else if (key == KEY_NUM)
		keyboard.num_lock = !keyboard.num_lock;
	else if (key >= KEY_F1 && key <= KEY_F10)
		type_string(function_keys[key - KEY_F1]);
	else if (key == KEY_F11 || key == KEY_F12)
		type_string(function_keys[key - KEY_F11 + 10]);
	else if (key == KEY_KPENTER)
		type('\r');
	else if (key == KEY_KPSLASH)
		type('/');
	else if (key == KEY_102ND)
		type(keyboard.modifiers & MOD_SHIFT ? '>' : '<');
	else if (low >= KEY_KP7 && low <= KEY_KPDOT && (key & KEY_E0 || !keyboard.num_lock))
		type_cursor_key(low - KEY_KP7);
	else if (key >= KEY_KP7 && key <= KEY_KPDOT)
		type(keypad_digits[key - KEY_KP7]);
	else if (!(key & KEY_E0))
		type_key(key);
}

static void scan_code(u8 code)
{
	unsigned int key, modifier;

	if (keyboard.skip) {
		keyboard.skip--;
		return;
	}
	if (code == 0xe0) {
		keyboard.prefix = KEY_E0;
		return;
	}
	if (code == 0xe1) {
		keyboard.skip = 2;
		return;
	}
	key = (code & ~RELEASED) | keyboard.prefix;
	keyboard.prefix = 0;
	/* The shifts that surround grey keys to please the PC/XT are no shifts. */
	if (key == (KEY_E0 | KEY_LSHIFT) || key == (KEY_E0 | KEY_RSHIFT))
		return;
	modifier = modifier_of(key);
	if (code & RELEASED)
		keyboard.modifiers &= ~modifier;
	else if (modifier)
		keyboard.modifiers |= modifier;
	else
		key_pressed(key);
}

static void keyboard_interrupt(void *arg)
{
	int i;

	for (i = 0; i < MAX_STALE_BYTES; i++) {
		u8 status = inb(KBD_STATUS), byte;

		if (status == NO_CONTROLLER || !(status & STATUS_OUT_FULL))
			break;
		byte = inb(KBD_DATA);
		if (!(status & STATUS_AUX))
			scan_code(byte);
	}
	tty_insert_done(keyboard.tty);
}

void keyboard_init(struct tty_struct *tty)
{
	int err;

	if (!controller_present() || !configure()) {
		pr_info("keyboard: no 8042 controller\n");
		return;
	}
	keyboard.tty = tty;
	start_scanning();
	err = irq_register(KBD_IRQ, keyboard_interrupt, NULL, "keyboard");
	if (err) {
		pr_err("keyboard: no interrupt %d: error %d\n", KBD_IRQ, err);
		return;
	}
	drop_stale_bytes();
	pr_info("keyboard: PS/2, irq %d\n", KBD_IRQ);
}
