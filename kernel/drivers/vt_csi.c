// SPDX-License-Identifier: MIT
/*
 * Control sequences: ESC [ parameters final. What each final byte does here, after ECMA-48:
 *
 *	A B C D E F G d f H a e `   move            J K X   erase      S T   scroll
 *	L M @ P   insert, delete lines, characters  r       region     b     repeat
 *	m         colours and attributes            h l     modes      g     tab stops
 *	n c       reports                           s u     save, restore
 *
 * A parameter that is missing or 0 stands for the default, which is 1 for counts and positions.
 */

#include "kernel/drivers/vt.h"
#include "lib/compiler.h"
#include "lib/printf.h"
#include "lib/string.h"

static unsigned int param(const struct vt *vt, unsigned int i)
{
	return i < vt->nr_params ? vt->params[i] : 0;
}

static int count(const struct vt *vt, unsigned int i)
{
	unsigned int n = param(vt, i);

	return n ? n : 1;
}

/* Up and down stop at the scroll region's edge, if they begin inside it. */
static void move_rows(struct vt *vt, int n)
{
	int row = vt->cur.row, first = 0, last = vt->rows - 1;

	if (n < 0 && row >= (int)vt->top)
		first = vt->top;
	if (n > 0 && row <= (int)vt->bottom)
		last = vt->bottom;
	vt_goto(vt, clamp(row + n, first, last), vt->cur.col);
}

static void position(struct vt *vt, int row, int col)
{
	vt_goto(vt, row - 1 + (vt->origin ? (int)vt->top : 0), col - 1);
}

static void erase_display(struct vt *vt)
{
	unsigned int from = 0, to = vt->rows, row = vt->cur.row;

	switch (param(vt, 0)) {
	case 0:
		vt_clear(vt, row, vt->cur.col, vt->cols);
		from = row + 1;
		break;
	case 1:
		vt_clear(vt, row, 0, vt->cur.col + 1);
		to = row;
		break;
	}
	for (; from < to; from++)
		vt_clear(vt, from, 0, vt->cols);
	vt->cur.wrap_pending = false;
}

static void erase_line(struct vt *vt)
{
	unsigned int from = 0, to = vt->cols;

	if (param(vt, 0) == 0)
		from = vt->cur.col;
	else if (param(vt, 0) == 1)
		to = vt->cur.col + 1;
	vt_clear(vt, vt->cur.row, from, to);
	vt->cur.wrap_pending = false;
}

/* Insert (n > 0) or delete (n < 0) characters at the cursor. */
static void shift_chars(struct vt *vt, int n)
{
	vt_cell_t *line = vt->row[vt->cur.row];
	unsigned int col = vt->cur.col, left = vt->cols - col;
	unsigned int k = min_t(unsigned int, n < 0 ? -n : n, left);

	if (n > 0) {
		memmove(line + col + k, line + col, (left - k) * sizeof(*line));
		vt_clear(vt, vt->cur.row, col, col + k);
	} else {
		memmove(line + col, line + col + k, (left - k) * sizeof(*line));
		vt_clear(vt, vt->cur.row, vt->cols - k, vt->cols);
	}
	vt->cur.wrap_pending = false;
}

/* Insert (n < 0: the rest moves down) or delete lines; only inside the scroll region. */
static void shift_lines(struct vt *vt, int n)
{
	if (vt->cur.row < vt->top || vt->cur.row > vt->bottom)
		return;
	vt_scroll(vt, vt->cur.row, vt->bottom, n);
	vt_goto(vt, vt->cur.row, 0);
}

static void set_region(struct vt *vt)
{
	unsigned int top = count(vt, 0), bottom = param(vt, 1);

	if (!bottom || bottom > vt->rows)
		bottom = vt->rows;
	if (top >= bottom)
		return;
	vt->top = top - 1;
	vt->bottom = bottom - 1;
	position(vt, 1, 1);
}

/* --- colours --------------------------------------------------------------------------------- */

/* The nearest of the 16 to an intensity of each light, 0..255. */
static u8 nearest_colour(unsigned int r, unsigned int g, unsigned int b)
{
	unsigned int top = max(r, max(g, b));
	unsigned int half = top / 2;
	u8 hue = (r > half ? 1 : 0) | (g > half ? 2 : 0) | (b > half ? 4 : 0);

	if (top < 48)
		return 0;
	if (hue == 7 && top < 128)
		return 8;
	return top > 208 ? hue | 8 : hue;
}

/* Colour n of xterm's 256: 16 named, a 6x6x6 cube, 24 greys. */
static u8 indexed_colour(unsigned int n)
{
	if (n < 16)
		return n;
	if (n >= 232)
		return nearest_colour(8 + (n - 232) * 10, 8 + (n - 232) * 10, 8 + (n - 232) * 10);
	n -= 16;
	return nearest_colour(n / 36 * 51, n / 6 % 6 * 51, n % 6 * 51);
}

/* 38;5;n or 38;2;r;g;b at params[i]; returns the index of the last parameter used. */
static unsigned int extended_colour(struct vt *vt, unsigned int i, u8 *colour)
{
	if (param(vt, i + 1) == 5) {
		*colour = indexed_colour(param(vt, i + 2) & 255);
		return i + 2;
	}
	if (param(vt, i + 1) == 2) {
		*colour = nearest_colour(param(vt, i + 2) & 255, param(vt, i + 3) & 255,
					 param(vt, i + 4) & 255);
		return i + 4;
	}
	return i + 1;
}

static void set_colour(struct vt *vt, unsigned int n)
{
	struct vt_cursor *cur = &vt->cur;

	if (n >= 30 && n <= 37)
		cur->fg = n - 30;
	else if (n >= 40 && n <= 47)
		cur->bg = n - 40;
	else if (n >= 90 && n <= 97)
		cur->fg = n - 90 + 8;
	else if (n >= 100 && n <= 107)
		cur->bg = n - 100 + 8;
	else if (n == 39)
		cur->fg = 7;
	else if (n == 49)
		cur->bg = 0;
}

static void set_attribute(struct vt *vt, unsigned int n)
{
	struct vt_cursor *cur = &vt->cur;

	switch (n) {
	case 0:
		cur->fg = 7;
		cur->bg = 0;
		cur->bold = cur->dim = cur->underline = cur->reverse = false;
		break;
	case 1:
		cur->bold = true;
		break;
	case 2:
		cur->dim = true;
		break;
	case 4:
	case 21:
		cur->underline = true;
		break;
	case 7:
		cur->reverse = true;
		break;
	case 22:
		cur->bold = cur->dim = false;
		break;
	case 24:
		cur->underline = false;
		break;
	case 27:
		cur->reverse = false;
		break;
	default:
		set_colour(vt, n);
	}
}

static void select_graphics(struct vt *vt)
{
	unsigned int i;

	for (i = 0; i < vt->nr_params; i++) {
		if (vt->params[i] == 38)
			i = extended_colour(vt, i, &vt->cur.fg);
		else if (vt->params[i] == 48)
			i = extended_colour(vt, i, &vt->cur.bg);
		else
			set_attribute(vt, vt->params[i]);
	}
}

/* --- modes, reports -------------------------------------------------------------------------- */

static void set_private_mode(struct vt *vt, unsigned int mode, bool on)
{
	switch (mode) {
	case 1:
		vt->cursor_keys_app = on;
		break;
	case 6:
		vt->origin = on;
		position(vt, 1, 1);
		break;
	case 7:
		vt->autowrap = on;
		break;
	case 25:
		vt->cursor_visible = on;
		vt_mark(vt, vt->cur.row);
		break;
	}
}

static void set_modes(struct vt *vt, bool on)
{
	unsigned int i;

	for (i = 0; i < vt->nr_params; i++) {
		if (vt->private == '?')
			set_private_mode(vt, vt->params[i], on);
		else if (vt->params[i] == 4)
			vt->insert = on;
		else if (vt->params[i] == 20)
			vt->newline = on;
	}
}

static void report(struct vt *vt)
{
	char text[32];

	if (param(vt, 0) == 5) {
		vt_answer(vt, "\033[0n");
	} else if (param(vt, 0) == 6) {
		snprintf(text, sizeof(text), "\033[%u;%uR",
			 vt->cur.row + 1 - (vt->origin ? vt->top : 0), vt->cur.col + 1);
		vt_answer(vt, text);
	}
}

static void clear_tabs(struct vt *vt)
{
	if (param(vt, 0) == 0)
		vt->tabs[vt->cur.col] = 0;
	else if (param(vt, 0) == 3)
		memset(vt->tabs, 0, vt->cols);
}

static void repeat_last(struct vt *vt)
{
	unsigned int n = min_t(unsigned int, count(vt, 0), vt->cols);

	while (vt->last_char && n--)
		vt_put_char(vt, vt->last_char);
}

/* --- the table ------------------------------------------------------------------------------- */

static bool motion(struct vt *vt, char final)
{
	int n = count(vt, 0), row = vt->cur.row, col = vt->cur.col;
	int origin = vt->origin ? vt->top : 0;

	switch (final) {
	case 'A':
		move_rows(vt, -n);
		break;
	case 'B':
	case 'e':
		move_rows(vt, n);
		break;
	case 'C':
	case 'a':
		vt_goto(vt, row, col + n);
		break;
	case 'D':
		vt_goto(vt, row, col - n);
		break;
	case 'E':
		move_rows(vt, n);
		vt_goto(vt, vt->cur.row, 0);
		break;
	case 'F':
		move_rows(vt, -n);
		vt_goto(vt, vt->cur.row, 0);
		break;
	case 'G':
	case '`':
		vt_goto(vt, row, n - 1);
		break;
	case 'd':
		vt_goto(vt, n - 1 + origin, col);
		break;
	case 'H':
	case 'f':
		position(vt, n, count(vt, 1));
		break;
	default:
		return false;
	}
	return true;
}

static bool editing(struct vt *vt, char final)
{
	unsigned int row = vt->cur.row, col = vt->cur.col;
	int n = count(vt, 0);

	switch (final) {
	case 'J':
		erase_display(vt);
		break;
	case 'K':
		erase_line(vt);
		break;
	case 'X':
		vt_clear(vt, row, col, min_t(unsigned int, col + n, vt->cols));
		break;
	case '@':
		shift_chars(vt, n);
		break;
	case 'P':
		shift_chars(vt, -n);
		break;
	case 'L':
		shift_lines(vt, -n);
		break;
	case 'M':
		shift_lines(vt, n);
		break;
	case 'S':
		vt_scroll(vt, vt->top, vt->bottom, n);
		break;
	case 'T':
		vt_scroll(vt, vt->top, vt->bottom, -n);
		break;
	case 'b':
		repeat_last(vt);
		break;
	default:
		return false;
	}
	return true;
}

void vt_csi_dispatch(struct vt *vt, char final)
{
	if (vt->intermediate)
		return;
	if (vt->private) {
		if (vt->private == '?' && (final == 'h' || final == 'l'))
			set_modes(vt, final == 'h');
		return;
	}
	if (motion(vt, final) || editing(vt, final))
		return;
	switch (final) {
	case 'm':
		select_graphics(vt);
		break;
	case 'h':
	case 'l':
		set_modes(vt, final == 'h');
		break;
	case 'r':
		set_region(vt);
		break;
	case 'n':
		report(vt);
		break;
	case 'c':
		vt_answer(vt, "\033[?6c");
		break;
	case 'g':
		clear_tabs(vt);
		break;
	case 's':
		vt_save_cursor(vt);
		break;
	case 'u':
		vt_restore_cursor(vt);
		break;
	}
}
