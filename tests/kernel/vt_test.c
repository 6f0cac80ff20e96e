// SPDX-License-Identifier: MIT
/*
 * The screen's terminal emulation, on a screen that only remembers what it was told to draw.
 * Expected results are those of a VT100 (and of xterm, with which they were compared by eye).
 */

#include "kernel/drivers/vt.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "tests/kernel/ktest.h"

#define ROWS 6
#define COLS 20

static vt_cell_t drawn[ROWS][COLS];
static unsigned int nr_drawn;
static char answers[64];

static void fake_draw(struct screen *screen, unsigned int row, unsigned int col,
		      const vt_cell_t *cells, unsigned int n)
{
	memcpy(&drawn[row][col], cells, n * sizeof(*cells));
	nr_drawn += n;
}

static struct screen fake_screen = {.name = "test", .rows = ROWS, .cols = COLS, .draw = fake_draw};

static bool fake_input(void *arg, u8 c)
{
	size_t n = strlen(answers);

	if (n + 1 == sizeof(answers))
		return false;
	answers[n] = c;
	answers[n + 1] = '\0';
	return true;
}

static struct vt *vt;

static void feed(const char *text)
{
	vt_write(vt, (const u8 *)text, strlen(text));
}

static void fresh(const char *text)
{
	if (!vt) {
		void *memory = kmalloc(vt_size(&fake_screen), GFP_KERNEL);

		if (!memory)
			return;
		vt = vt_init(memory, &fake_screen);
		vt_set_input(vt, fake_input, NULL);
	}
	answers[0] = '\0';
	feed("\033c");
	feed(text);
}

/* A row as text, without the blanks at its end. */
static const char *row_text(unsigned int row)
{
	static char text[COLS + 1];
	unsigned int col, len = 0;

	for (col = 0; col < COLS; col++) {
		u16 c = vt_cell(vt, row, col) & CELL_CHAR;

		text[col] = c < 0x80 ? c : '#';
		if (c != ' ')
			len = col + 1;
	}
	text[len] = '\0';
	return text;
}

#define ROW_IS(row, text)                                                                     \
	do {                                                                                  \
		if (strcmp(row_text(row), text))                                              \
			KTEST_FAIL("row %d is \"%s\", not \"%s\"", row, row_text(row), text); \
	} while (0)
#define AT(r, c)                          \
	do {                              \
		KTEST_EQ(vt->cur.row, r); \
		KTEST_EQ(vt->cur.col, c); \
	} while (0)
#define FRESH(text)                     \
	do {                            \
		fresh(text);            \
		KTEST_TRUE(vt != NULL); \
	} while (0)

KTEST(vt_text)
{
	FRESH("hello\r\nworld\b\b--\tx");
	ROW_IS(0, "hello");
	ROW_IS(1, "wor--   x");
	AT(1, 9);
}

KTEST(vt_wrap_is_lazy)
{
	FRESH("12345678901234567890");
	AT(0, 19);
	feed("\r");
	AT(0, 0);
	FRESH("12345678901234567890x");
	ROW_IS(1, "x");
	FRESH("\033[?7l12345678901234567890xyz");
	ROW_IS(0, "1234567890123456789z");
	ROW_IS(1, "");
}

KTEST(vt_scrolls)
{
	FRESH("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7");
	ROW_IS(0, "2");
	ROW_IS(5, "7");
	feed("\033[H\033M");
	ROW_IS(0, "");
	ROW_IS(1, "2");
	ROW_IS(5, "6");
}

KTEST(vt_scroll_region)
{
	FRESH("1\r\n2\r\n3\r\n4\r\n5\r\n6\033[2;4r");
	AT(0, 0);
	feed("\033[4;1H\nx");
	ROW_IS(0, "1");
	ROW_IS(1, "3");
	ROW_IS(2, "4");
	ROW_IS(3, "x");
	ROW_IS(4, "5");
	feed("\033[2;1H\033[L");
	ROW_IS(1, "");
	ROW_IS(3, "4");
	ROW_IS(4, "5");
	feed("\033[2M");
	ROW_IS(1, "4");
	ROW_IS(2, "");
	ROW_IS(4, "5");
	feed("\033[?6h\033[1;1Hy");
	ROW_IS(1, "y");
	feed("\033[99;1Hz");
	ROW_IS(3, "z");
}

KTEST(vt_motion)
{
	FRESH("\033[3;5H");
	AT(2, 4);
	feed("\033[A\033[2C\033[B\033[3D");
	AT(2, 3);
	feed("\033[99B\033[99C");
	AT(5, 19);
	feed("\033[99A\033[99D");
	AT(0, 0);
	feed("\033[4d\033[7G");
	AT(3, 6);
	feed("\033[E");
	AT(4, 0);
	feed("\0337\033[H\0338");
	AT(4, 0);
	feed("\033[0;0H");
	AT(0, 0);
}

KTEST(vt_erase)
{
	FRESH("aaaaa\r\nbbbbb\r\nccccc\033[2;3H\033[K");
	ROW_IS(1, "bb");
	feed("\033[1K");
	ROW_IS(1, "");
	feed("\033[J");
	ROW_IS(0, "aaaaa");
	ROW_IS(2, "");
	feed("\033[2J");
	ROW_IS(0, "");
	FRESH("abcdef\033[1;3H\033[2X");
	ROW_IS(0, "ab  ef");
}

KTEST(vt_insert_delete_chars)
{
	FRESH("abcdef\033[1;3H\033[2@");
	ROW_IS(0, "ab  cdef");
	feed("\033[3P");
	ROW_IS(0, "abdef");
	feed("\033[4hXY\033[4l");
	ROW_IS(0, "abXYdef");
	feed("\033[999P\033[999@");
	ROW_IS(0, "abXY");
}

KTEST(vt_colours)
{
	FRESH("\033[31;44mA\033[1mB\033[7mC\033[0mD\033[38;5;196mE\033[48;2;0;255;0mF");
	KTEST_EQ(cell_fg(vt_cell(vt, 0, 0)), 1);
	KTEST_EQ(cell_bg(vt_cell(vt, 0, 0)), 4);
	KTEST_EQ(cell_fg(vt_cell(vt, 0, 1)), 9);
	KTEST_EQ(cell_fg(vt_cell(vt, 0, 2)), 4);
	KTEST_EQ(cell_bg(vt_cell(vt, 0, 2)), 9);
	KTEST_EQ(cell_fg(vt_cell(vt, 0, 3)), 7);
	KTEST_EQ(cell_fg(vt_cell(vt, 0, 4)), 9);
	KTEST_EQ(cell_bg(vt_cell(vt, 0, 5)), 10);
	feed("\033[H\033[44m\033[K");
	KTEST_EQ(cell_bg(vt_cell(vt, 0, 10)), 4);
}

KTEST(vt_utf8)
{
	FRESH("\303\244\342\224\200x");
	KTEST_EQ(vt_cell(vt, 0, 0) & CELL_CHAR, 0xe4);
	KTEST_EQ(vt_cell(vt, 0, 1) & CELL_CHAR, 0x2500);
	KTEST_EQ(vt_cell(vt, 0, 2) & CELL_CHAR, 'x');
	FRESH("\303x\300\257\360\237\230\200e\314\201!");
	KTEST_EQ(vt_cell(vt, 0, 0) & CELL_CHAR, 0xfffd);
	KTEST_EQ(vt_cell(vt, 0, 1) & CELL_CHAR, 'x');
	KTEST_EQ(vt_cell(vt, 0, 2) & CELL_CHAR, 0xfffd);
	KTEST_EQ(vt_cell(vt, 0, 3) & CELL_CHAR, 0xfffd);
	KTEST_EQ(vt_cell(vt, 0, 4) & CELL_CHAR, 0xfffd);
	KTEST_EQ(vt_cell(vt, 0, 5) & CELL_CHAR, 'e');
	KTEST_EQ(vt_cell(vt, 0, 6) & CELL_CHAR, '!');
	FRESH("\033(0qx\033(B\016\033)0q\017q");
	KTEST_EQ(vt_cell(vt, 0, 0) & CELL_CHAR, 0x2500);
	KTEST_EQ(vt_cell(vt, 0, 1) & CELL_CHAR, 0x2502);
	KTEST_EQ(vt_cell(vt, 0, 2) & CELL_CHAR, 0x2500);
	KTEST_EQ(vt_cell(vt, 0, 3) & CELL_CHAR, 'q');
}

KTEST(vt_reports)
{
	FRESH("\033[3;4H\033[6n");
	KTEST_TRUE(!strcmp(answers, "\033[3;4R"));
	answers[0] = '\0';
	feed("\033[5n\033[c");
	KTEST_TRUE(!strcmp(answers, "\033[0n\033[?6c"));
}

KTEST(vt_ignores_what_it_does_not_know)
{
	FRESH("a\033]0;title\007b\033Pdcs\033\\c\033[>1;2cd\033[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9ze");
	ROW_IS(0, "abcde");
	FRESH("a\033]Rb\033]P1234567c\033[3\030d\033[99999999999999999999Ce");
	ROW_IS(0, "abcd               e");
}

/* Every byte sequence leaves the cursor on the screen and the screen intact. */
KTEST(vt_survives_noise)
{
	static const char alphabet[] =
		"\033[\033[;0123456789?ABCDEFGHJKLMPSTX@`abcdefghlmnrsu()78cM\r\n\t\b z\303\244";
	u32 seed = 12345;
	unsigned int i;

	FRESH("");
	for (i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		vt_write(vt, (const u8 *)&alphabet[(seed >> 16) % (sizeof(alphabet) - 1)], 1);
		KTEST_TRUE(vt->cur.row < ROWS && vt->cur.col < COLS);
		KTEST_TRUE(vt->top < vt->bottom && vt->bottom < ROWS);
	}
}

/* SHOWN-TRUE: after a flush the screen shows the text; a second flush draws nothing. */
KTEST(vt_draws_what_changed)
{
	unsigned int row, col;

	FRESH("one\r\ntwo\r\n\033[31mthree");
	vt_flush(vt);
	for (row = 0; row < ROWS; row++) {
		for (col = 0; col < COLS; col++) {
			vt_cell_t want = vt_cell(vt, row, col);

			if (row == vt->cur.row && col == vt->cur.col)
				want |= CELL_CURSOR;
			KTEST_EQ(drawn[row][col], want);
		}
	}
	nr_drawn = 0;
	vt_flush(vt);
	KTEST_EQ(nr_drawn, 0);
	feed("!");
	vt_flush(vt);
	KTEST_EQ(nr_drawn, 2);
	feed("\r\n\r\n\r\n\r\n");
	nr_drawn = 0;
	vt_flush(vt);
	KTEST_TRUE(nr_drawn < 2 * COLS);
}
