// SPDX-License-Identifier: MIT
/*
 * The screen's terminal: a subset of ECMA-48 and of DEC's VT100 and VT220, close to what TERM=linux
 * promises. Vi, less and top of busybox use nothing else.
 *
 * Bytes go through a small state machine (after Paul Williams' parser for DEC terminals):
 *
 *	           +--ESC--> ESCAPE --[-------> CSI --0..9 ; ? --> CSI
 *	           |           |  |               \--@..~----------> vt_csi_dispatch() --> GROUND
 *	GROUND ----+           |  +--( ) # ----> CHARSET, HASH ---> GROUND
 *	   ^       |           +--] P ^ _ X ---> STRING --BEL, ESC \ -> GROUND   (not shown)
 *	   |       +--ctl--> done at once, in every state but STRING
 *	   +--------other--> UTF-8 decoder --> vt_put_char()
 *
 * CAN and SUB end a sequence; ESC begins a new one. UTF-8 that is not well formed gives U+FFFD.
 *
 * What of it is drawn, and when, is in vt_draw.c.
 */

#include "kernel/drivers/vt.h"
#include "lib/bitops.h"
#include "lib/compiler.h"
#include "lib/string.h"

#define REPLACEMENT 0xfffd
#define DEFAULT_FG  7
#define DEFAULT_BG  0
#define NEVER_SHOWN 0xffffffffu

/* --- cells ----------------------------------------------------------------------------------- */

static vt_cell_t colours(unsigned int fg, unsigned int bg)
{
	return fg << CELL_FG_SHIFT | bg << CELL_BG_SHIFT;
}

/* The attributes as a cell without a character. */
static vt_cell_t pen(const struct vt_cursor *c)
{
	unsigned int fg = c->fg, bg = c->bg;

	if (c->bold && fg < 8)
		fg += 8;
	if (c->dim && !c->bold)
		fg = 8;
	if (c->reverse)
		swap(fg, bg);
	return colours(fg, bg) | (c->underline ? CELL_UNDERLINE : 0);
}

/* Erased cells take the background colour only (bce in terminfo). */
vt_cell_t vt_blank(const struct vt *vt)
{
	return ' ' | colours(DEFAULT_FG, vt->cur.reverse ? DEFAULT_BG : vt->cur.bg);
}

void vt_mark(struct vt *vt, unsigned int row)
{
	__set_bit(row, vt->dirty);
}

void vt_clear(struct vt *vt, unsigned int row, unsigned int from, unsigned int to)
{
	vt_cell_t blank = vt_blank(vt);

	while (from < to)
		vt->row[row][from++] = blank;
	vt_mark(vt, row);
}

static void reverse_rows(vt_cell_t **row, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n / 2; i++)
		swap(row[i], row[n - 1 - i]);
}

/* Rotation by three reversals: [a b] -> [a' b'] -> [b a]. */
void vt_scroll(struct vt *vt, unsigned int top, unsigned int bottom, int n)
{
	unsigned int height = bottom - top + 1;
	unsigned int count = min_t(unsigned int, n < 0 ? -n : n, height);
	unsigned int up = n < 0 ? height - count : count;
	unsigned int free_from = n < 0 ? top : bottom + 1 - count;
	unsigned int i;

	if (!count)
		return;
	reverse_rows(vt->row + top, up);
	reverse_rows(vt->row + top + up, height - up);
	reverse_rows(vt->row + top, height);
	for (i = 0; i < count; i++)
		vt_clear(vt, free_from + i, 0, vt->cols);
	for (i = top; i <= bottom; i++)
		vt_mark(vt, i);
}

vt_cell_t vt_cell(struct vt *vt, unsigned int row, unsigned int col)
{
	return vt->row[row][col];
}

/* --- the cursor ------------------------------------------------------------------------------ */

static void move_cursor(struct vt *vt, unsigned int row, unsigned int col)
{
	vt_mark(vt, vt->cur.row);
	vt->cur.row = row;
	vt->cur.col = col;
	vt->cur.wrap_pending = false;
	vt_mark(vt, row);
}

void vt_goto(struct vt *vt, int row, int col)
{
	int first = vt->origin ? vt->top : 0;
	int last = vt->origin ? vt->bottom : vt->rows - 1;

	move_cursor(vt, clamp(row, first, last), clamp(col, 0, (int)vt->cols - 1));
}

static void line_feed(struct vt *vt)
{
	unsigned int row = vt->cur.row, col = vt->cur.col;

	if (row == vt->bottom)
		vt_scroll(vt, vt->top, vt->bottom, 1);
	else if (row < vt->rows - 1)
		row++;
	move_cursor(vt, row, vt->newline ? 0 : col);
}

static void reverse_line_feed(struct vt *vt)
{
	unsigned int row = vt->cur.row;

	if (row == vt->top)
		vt_scroll(vt, vt->top, vt->bottom, -1);
	else if (row > 0)
		row--;
	move_cursor(vt, row, vt->cur.col);
}

static void next_tab(struct vt *vt)
{
	unsigned int col = vt->cur.col;

	while (col < vt->cols - 1 && !vt->tabs[++col])
		;
	move_cursor(vt, vt->cur.row, col);
}

void vt_save_cursor(struct vt *vt)
{
	vt->saved = vt->cur;
}

void vt_restore_cursor(struct vt *vt)
{
	unsigned int row = vt->saved.row, col = vt->saved.col;
	bool wrap = vt->saved.wrap_pending;

	vt_mark(vt, vt->cur.row);
	vt->cur = vt->saved;
	move_cursor(vt, row, col);
	vt->cur.wrap_pending = wrap;
}

void vt_reset(struct vt *vt)
{
	unsigned int i;

	vt->cur = (struct vt_cursor){.fg = DEFAULT_FG, .bg = DEFAULT_BG, .charset = {'B', 'B'}};
	vt->saved = vt->cur;
	vt->top = 0;
	vt->bottom = vt->rows - 1;
	vt->autowrap = vt->cursor_visible = true;
	vt->origin = vt->insert = vt->newline = vt->cursor_keys_app = false;
	vt->state = VT_GROUND;
	vt->utf8_left = 0;
	for (i = 0; i < vt->cols; i++)
		vt->tabs[i] = i % 8 == 0;
	for (i = 0; i < vt->rows; i++)
		vt_clear(vt, i, 0, vt->cols);
}

/* --- characters ------------------------------------------------------------------------------ */

/* DEC's line drawing set: 0x60..0x7e. */
static const u16 line_drawing[] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
	0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
	0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static void insert_blank(struct vt *vt)
{
	vt_cell_t *line = vt->row[vt->cur.row];
	unsigned int col = vt->cur.col;

	memmove(line + col + 1, line + col, (vt->cols - col - 1) * sizeof(*line));
}

void vt_put_char(struct vt *vt, u16 c)
{
	struct vt_cursor *cur = &vt->cur;

	if (cur->charset[cur->shift] == '0' && c >= 0x60 && c <= 0x7e)
		c = line_drawing[c - 0x60];
	if (cur->wrap_pending) {
		cur->col = 0;
		line_feed(vt);
		cur->col = 0;
	}
	if (vt->insert)
		insert_blank(vt);
	vt->row[cur->row][cur->col] = c | pen(cur);
	vt->last_char = c;
	if (cur->col < vt->cols - 1)
		cur->col++;
	else
		cur->wrap_pending = vt->autowrap;
	vt_mark(vt, cur->row);
}

/* Marks that combine with the letter before, and signs without width, have no cell. */
static bool zero_width(u32 c)
{
	return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

static void put_unicode(struct vt *vt, u32 c)
{
	if (zero_width(c) || (c >= 0x80 && c < 0xa0))
		return;
	if (c > 0xffff || (c >= 0xd800 && c < 0xe000))
		c = REPLACEMENT;
	vt_put_char(vt, c);
}

static void utf8_start(struct vt *vt, u8 byte)
{
	if (byte >= 0xf0 && byte < 0xf5) {
		vt->utf8_char = byte & 0x07;
		vt->utf8_left = 3;
		vt->utf8_min = 0x10000;
	} else if (byte >= 0xe0 && byte < 0xf0) {
		vt->utf8_char = byte & 0x0f;
		vt->utf8_left = 2;
		vt->utf8_min = 0x800;
	} else if (byte >= 0xc2 && byte < 0xe0) {
		vt->utf8_char = byte & 0x1f;
		vt->utf8_left = 1;
		vt->utf8_min = 0x80;
	} else {
		put_unicode(vt, REPLACEMENT);
	}
}

static void put_byte(struct vt *vt, u8 byte)
{
	if (vt->utf8_left) {
		if ((byte & 0xc0) == 0x80) {
			vt->utf8_char = vt->utf8_char << 6 | (byte & 0x3f);
			if (--vt->utf8_left == 0)
				put_unicode(vt, vt->utf8_char < vt->utf8_min ? REPLACEMENT
									     : vt->utf8_char);
			return;
		}
		vt->utf8_left = 0;
		put_unicode(vt, REPLACEMENT);
	}
	if (byte < 0x80)
		vt_put_char(vt, byte);
	else
		utf8_start(vt, byte);
}

/* --- control characters, escapes ------------------------------------------------------------- */

void vt_answer(struct vt *vt, const char *text)
{
	while (vt->input && *text)
		vt->input(vt->input_arg, *text++);
}

static void control(struct vt *vt, u8 c)
{
	struct vt_cursor *cur = &vt->cur;

	switch (c) {
	case '\b':
		move_cursor(vt, cur->row, cur->col ? cur->col - 1 : 0);
		break;
	case '\t':
		next_tab(vt);
		break;
	case '\n':
	case '\v':
	case '\f':
		line_feed(vt);
		break;
	case '\r':
		move_cursor(vt, cur->row, 0);
		break;
	case 0x0e:
	case 0x0f:
		cur->shift = c == 0x0e;
		break;
	case 0x18:
	case 0x1a:
		vt->state = VT_GROUND;
		break;
	case 0x1b:
		vt->state = VT_ESCAPE;
		vt->utf8_left = 0;
		break;
	}
}

static void begin_csi(struct vt *vt)
{
	vt->state = VT_CSI;
	vt->nr_params = 0;
	vt->private = vt->intermediate = 0;
	memset(vt->params, 0, sizeof(vt->params));
}

static void escape(struct vt *vt, u8 c)
{
	vt->state = VT_GROUND;
	switch (c) {
	case '[':
		begin_csi(vt);
		break;
	case ']':
		vt->state = VT_OSC;
		break;
	case 'P':
	case '^':
	case '_':
	case 'X':
		vt->state = VT_STRING;
		break;
	case '#':
		vt->state = VT_HASH;
		break;
	case '(':
	case ')':
		vt->state = VT_CHARSET;
		vt->charset_slot = c == ')';
		break;
	case '7':
		vt_save_cursor(vt);
		break;
	case '8':
		vt_restore_cursor(vt);
		break;
	case 'D':
		line_feed(vt);
		break;
	case 'E':
		vt->cur.col = 0;
		line_feed(vt);
		break;
	case 'M':
		reverse_line_feed(vt);
		break;
	case 'H':
		vt->tabs[vt->cur.col] = true;
		break;
	case 'Z':
		vt_answer(vt, "\033[?6c");
		break;
	case 'c':
		vt_reset(vt);
		break;
	}
}

static void csi_byte(struct vt *vt, u8 c)
{
	if (c >= '0' && c <= '9') {
		unsigned int *p =
			&vt->params[min_t(unsigned int, vt->nr_params, VT_MAX_PARAMS - 1)];

		*p = min_t(unsigned int, *p * 10 + (c - '0'), 65535);
	} else if (c == ';' || c == ':') {
		vt->nr_params++;
	} else if (c >= '<' && c <= '?') {
		vt->private = c;
	} else if (c >= 0x20 && c <= 0x2f) {
		vt->intermediate = c;
	} else {
		vt->state = VT_GROUND;
		vt->nr_params = min_t(unsigned int, vt->nr_params + 1, VT_MAX_PARAMS);
		if (c >= 0x40 && c <= 0x7e)
			vt_csi_dispatch(vt, c);
	}
}

/* ESC # 8: a screen full of E, to adjust the tube. */
static void fill_with_e(struct vt *vt)
{
	unsigned int row, col;

	for (row = 0; row < vt->rows; row++) {
		vt_clear(vt, row, 0, vt->cols);
		for (col = 0; col < vt->cols; col++)
			vt->row[row][col] = 'E' | colours(DEFAULT_FG, DEFAULT_BG);
	}
}

/* OSC, DCS and their like: titles and such, which this terminal does not have. */
static void string_byte(struct vt *vt, u8 c)
{
	if (c == '\a' || c == 0x18 || c == 0x1a)
		vt->state = VT_GROUND;
	else
		vt->state = c == 0x1b ? VT_STRING_ESC : VT_STRING;
}

/*
 * ESC ] R and ESC ] P nrrggbb are Linux's, and have no end mark: palettes, which stay as they
 * are.
 */
static void osc_byte(struct vt *vt, u8 c)
{
	if (c == 'R') {
		vt->state = VT_GROUND;
	} else if (c == 'P') {
		vt->state = VT_PALETTE;
		vt->palette_left = 7;
	} else {
		string_byte(vt, c);
	}
}

static void process_byte(struct vt *vt, u8 c)
{
	if (vt->state == VT_OSC || vt->state == VT_STRING) {
		if (vt->state == VT_OSC)
			osc_byte(vt, c);
		else
			string_byte(vt, c);
		return;
	}
	if (c < 0x20) {
		control(vt, c);
		return;
	}
	if (c == 0x7f)
		return;
	switch (vt->state) {
	case VT_GROUND:
		put_byte(vt, c);
		break;
	case VT_STRING_ESC: /* after ESC in a string: \ ends it, anything else is a new escape */
	case VT_ESCAPE:
		escape(vt, c);
		break;
	case VT_CSI:
		csi_byte(vt, c);
		break;
	case VT_HASH:
		if (c == '8')
			fill_with_e(vt);
		vt->state = VT_GROUND;
		break;
	case VT_CHARSET:
		vt->cur.charset[vt->charset_slot] = c;
		vt->state = VT_GROUND;
		break;
	case VT_PALETTE:
		if (--vt->palette_left == 0)
			vt->state = VT_GROUND;
		break;
	case VT_OSC:
	case VT_STRING:
		break;
	}
}

void vt_write_locked(struct vt *vt, const u8 *buf, size_t n)
{
	while (n--)
		process_byte(vt, *buf++);
}

/* The lock is held for a stretch at a time: interrupts are off under it. */
void vt_write(struct vt *vt, const u8 *buf, size_t n)
{
	unsigned long flags;

	while (n) {
		size_t stretch = min_t(size_t, n, 128);

		spin_lock_irqsave(&vt->lock, flags);
		vt_write_locked(vt, buf, stretch);
		spin_unlock_irqrestore(&vt->lock, flags);
		buf += stretch;
		n -= stretch;
	}
}

void vt_set_input(struct vt *vt, bool (*input)(void *arg, u8 c), void *arg)
{
	unsigned long flags;

	spin_lock_irqsave(&vt->lock, flags);
	vt->input = input;
	vt->input_arg = arg;
	spin_unlock_irqrestore(&vt->lock, flags);
}

/* --- creation -------------------------------------------------------------------------------- */

static size_t text_cells(const struct screen *screen)
{
	return (size_t)screen->rows * screen->cols;
}

static size_t dirty_size(const struct screen *screen)
{
	return DIV_ROUND_UP(screen->rows, BITS_PER_LONG) * sizeof(unsigned long);
}

size_t vt_size(const struct screen *screen)
{
	return sizeof(struct vt) + dirty_size(screen) + screen->rows * sizeof(vt_cell_t *) +
	       2 * text_cells(screen) * sizeof(vt_cell_t) + screen->cols;
}

/* One piece of memory: the struct, dirty bits, row pointers, text, what is shown, tab stops. */
struct vt *vt_init(void *memory, struct screen *screen)
{
	size_t cells = text_cells(screen), i;
	struct vt *vt = memory;
	vt_cell_t *text;

	memset(memory, 0, vt_size(screen));
	spin_lock_init(&vt->lock);
	vt->screen = screen;
	vt->rows = screen->rows;
	vt->cols = screen->cols;
	vt->dirty = (unsigned long *)(vt + 1);
	vt->row = (vt_cell_t **)((u8 *)vt->dirty + dirty_size(screen));
	text = (vt_cell_t *)(vt->row + vt->rows);
	vt->shown = text + cells;
	vt->tabs = (u8 *)(vt->shown + cells);
	for (i = 0; i < cells; i++)
		vt->shown[i] = NEVER_SHOWN;
	for (i = 0; i < vt->rows; i++)
		vt->row[i] = text + i * vt->cols;
	vt_reset(vt);
	return vt;
}
