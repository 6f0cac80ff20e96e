// SPDX-License-Identifier: MIT
/*
 * The line discipline, between a driver that remembers what it is given and a reader in the kernel.
 * What is expected is what Linux does; user/tests/tty.c compares the two from user space.
 */

#include "kernel/drivers/n_tty.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "tests/kernel/ktest.h"

static char output[4096];
static size_t output_len, output_room = sizeof(output);

static size_t fake_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	memcpy(output + output_len, buf, n);
	output_len += n;
	return n;
}

static size_t fake_room(struct tty_struct *tty)
{
	return output_room - output_len;
}

static const struct tty_operations fake_ops = {.write = fake_write, .write_room = fake_room};

static struct tty_struct *tty;
static struct tty_file tty_file;
static struct file *file;
static char input[8192];

/* A terminal with sane settings and nothing in its buffers. */
static bool fresh(void)
{
	if (!tty) {
		tty = tty_alloc("test", 0, &fake_ops, &tty_std_termios, NULL);
		file = kzalloc(sizeof(*file), GFP_KERNEL);
		if (tty)
			tty->disc = n_tty_alloc();
		if (!tty || !tty->disc || !file)
			return false;
		file->f_flags = O_NONBLOCK;
		tty_file.tty = tty;
	}
	memset(tty->disc, 0, sizeof(*tty->disc));
	tty->termios = tty_std_termios;
	output_len = 0;
	output_room = sizeof(output);
	return true;
}

static void type_bytes(const char *text, size_t n)
{
	mutex_lock(&tty->input_mutex);
	while (n-- && n_tty_can_receive(tty))
		n_tty_receive(tty, *text++, TTY_NORMAL);
	n_tty_flush_echo(tty);
	mutex_unlock(&tty->input_mutex);
}

static void type(const char *text)
{
	type_bytes(text, strlen(text));
}

static ssize_t read_n(size_t n)
{
	struct iov_iter iter;

	iov_iter_kernel(&iter, input, n);
	return n_tty_read(&tty_file, file, &iter);
}

static ssize_t write_text(const char *text)
{
	struct iov_iter iter;

	iov_iter_kernel(&iter, text, strlen(text));
	return n_tty_write(&tty_file, file, &iter);
}

static void set_lflag(tcflag_t set, tcflag_t clear)
{
	struct termios2 old = tty->termios;

	mutex_lock(&tty->input_mutex);
	tty->termios.c_lflag = (old.c_lflag & ~clear) | set;
	n_tty_set_termios(tty, &old);
	mutex_unlock(&tty->input_mutex);
}

#define READS(n, text)                                              \
	do {                                                        \
		KTEST_EQ(read_n(n), (ssize_t)sizeof(text) - 1);     \
		KTEST_TRUE(!memcmp(input, text, sizeof(text) - 1)); \
	} while (0)
#define OUTPUT_IS(text)                                                                 \
	do {                                                                            \
		output[min_t(size_t, output_len, sizeof(output) - 1)] = '\0';           \
		if (output_len != sizeof(text) - 1 || memcmp(output, text, output_len)) \
			KTEST_FAIL("output is \"%s\" (%zu)", output, output_len);       \
		output_len = 0;                                                         \
	} while (0)

KTEST(n_tty_lines)
{
	KTEST_TRUE(fresh());
	type("ab");
	KTEST_EQ(read_n(10), -EAGAIN);
	type("c\rde\n");
	KTEST_EQ(n_tty_chars(tty), 7);
	READS(100, "abc\n");
	READS(2, "de");
	READS(100, "\n");
	KTEST_EQ(read_n(10), -EAGAIN);
	OUTPUT_IS("abc\r\nde\r\n");
}

KTEST(n_tty_end_of_file)
{
	KTEST_TRUE(fresh());
	type("\004");
	KTEST_EQ(read_n(10), 0);
	KTEST_EQ(read_n(10), -EAGAIN);
	type("abc\004def\n");
	READS(3, "abc");
	READS(10, "def\n");
	type("x\004\004");
	READS(10, "x");
	KTEST_EQ(read_n(10), 0);
}

KTEST(n_tty_erase)
{
	KTEST_TRUE(fresh());
	type("abx\177c\n");
	READS(10, "abc\n");
	OUTPUT_IS("abx\b \bc\r\n");
	type("\177one two  \027three\n");
	READS(20, "one three\n");
	OUTPUT_IS("one two  \b \b\b \b\b \b\b \b\b \bthree\r\n");
	type("bad\025good\n");
	READS(20, "good\n");
	OUTPUT_IS("bad\b \b\b \b\b \bgood\r\n");
}

KTEST(n_tty_erase_utf8_and_controls)
{
	KTEST_TRUE(fresh());
	type("a\303\244\177b\n");
	READS(10, "ab\n");
	OUTPUT_IS("a\303\244\b \bb\r\n");
	type("\001\177x\n");
	READS(10, "x\n");
	OUTPUT_IS("^A\b \b\b \bx\r\n");
}

/* A tab goes back to the column it began at, which depends on what stood there before. */
KTEST(n_tty_erase_tab)
{
	KTEST_TRUE(fresh());
	KTEST_EQ(write_text("$ "), 2);
	type("a\t\177\n");
	OUTPUT_IS("$ a\t\b\b\b\b\b\r\n");
	type("ab\tc\t\177\n");
	OUTPUT_IS("ab\tc\t\b\b\b\b\b\b\b\r\n");
}

KTEST(n_tty_literal_next)
{
	KTEST_TRUE(fresh());
	type("\026\004\026\177x\n");
	READS(10, "\004\177x\n");
	OUTPUT_IS("^\b^D^\b^?x\r\n");
}

KTEST(n_tty_reprint)
{
	KTEST_TRUE(fresh());
	type("ab\022c\n");
	READS(10, "abc\n");
	OUTPUT_IS("ab^R\r\nabc\r\n");
}

KTEST(n_tty_no_echo)
{
	KTEST_TRUE(fresh());
	set_lflag(0, ECHO);
	type("secret\177\n");
	READS(10, "secre\n");
	OUTPUT_IS("");
	set_lflag(ECHONL, 0);
	type("x\n");
	OUTPUT_IS("\r\n");
}

KTEST(n_tty_raw)
{
	KTEST_TRUE(fresh());
	set_lflag(0, ICANON | ECHO | ISIG);
	type("a\003\004\177");
	READS(2, "a\003");
	READS(10, "\004\177");
	KTEST_EQ(read_n(10), -EAGAIN);
	tty->termios.c_cc[VMIN] = 0;
	KTEST_EQ(read_n(10), 0);
	OUTPUT_IS("");
}

/* What is unread survives the change in both directions. */
KTEST(n_tty_canonical_to_raw_and_back)
{
	KTEST_TRUE(fresh());
	type("line\nrest");
	set_lflag(0, ICANON);
	READS(20, "line\nrest");
	type("xy");
	set_lflag(ICANON, 0);
	READS(20, "xy");
	KTEST_EQ(read_n(10), -EAGAIN);
}

KTEST(n_tty_long_line)
{
	static char line[5000];
	ssize_t n;

	KTEST_TRUE(fresh());
	set_lflag(0, ECHO);
	memset(line, 'x', sizeof(line));
	type_bytes(line, sizeof(line));
	KTEST_EQ(read_n(10), -EAGAIN);
	type("\n");
	n = read_n(sizeof(input));
	KTEST_EQ(n, N_TTY_BUF_SIZE);
	KTEST_EQ(input[n - 1], '\n');
	type("ok\n");
	READS(10, "ok\n");
}

/* A buffer full of lines makes the rest wait in the ring, and a read lets it go on. */
KTEST(n_tty_full_buffer_waits)
{
	int i;

	KTEST_TRUE(fresh());
	set_lflag(0, ECHO);
	for (i = 0; i < 1000; i++)
		type("12345\n");
	KTEST_TRUE(test_bit(TTY_INPUT_WAITS, &tty->flags));
	READS(100, "12345\n");
	KTEST_TRUE(!test_bit(TTY_INPUT_WAITS, &tty->flags));
}

KTEST(n_tty_output_processing)
{
	KTEST_TRUE(fresh());
	KTEST_EQ(write_text("a\nb"), 3);
	OUTPUT_IS("a\r\nb");
	tty->termios.c_oflag |= XTABS;
	KTEST_EQ(write_text("\rab\tc\303\244\td"), 9);
	OUTPUT_IS("\rab      c\303\244      d");
	tty->termios.c_oflag = 0;
	KTEST_EQ(write_text("a\n\t"), 3);
	OUTPUT_IS("a\n\t");
}

/* Without room a write takes what fits; echoes wait and come first. */
KTEST(n_tty_output_waits)
{
	KTEST_TRUE(fresh());
	output_room = 10;
	KTEST_EQ(write_text("123456789\nabc"), 9);
	KTEST_EQ(write_text("x"), 1);
	type("ec");
	KTEST_EQ(write_text("y"), -EAGAIN);
	OUTPUT_IS("123456789x");
	KTEST_EQ(write_text("z"), 1);
	OUTPUT_IS("ecz");
	tty_stop(tty);
	KTEST_EQ(write_text("held"), -EAGAIN);
	tty_start(tty);
	KTEST_EQ(write_text("go"), 2);
	OUTPUT_IS("go");
}

KTEST(n_tty_flow_keys)
{
	KTEST_TRUE(fresh());
	type("\023");
	KTEST_EQ(write_text("x"), -EAGAIN);
	type("a\021");
	KTEST_EQ(write_text("x"), 1);
	OUTPUT_IS("ax");
	type("\n");
	READS(10, "a\n");
}
