/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_VT_H
#define KERNEL_DRIVERS_VT_H

/*
 * The terminal that the screen emulates. It keeps the text; a screen (fbcon.c, vgacon.c) only draws
 * the cells it is told to.
 */

#include "kernel/spinlock.h"
#include "lib/types.h"

/*
 * A cell: the character in bits 0..15 (Unicode's first plane), then colours and marks.
 */
typedef u32 vt_cell_t;
#define CELL_CHAR      0x0000ffffu
#define CELL_FG_SHIFT  16 /* 4 bits: ANSI colour, 8..15 bright */
#define CELL_BG_SHIFT  20
#define CELL_UNDERLINE 0x01000000u
#define CELL_CURSOR    0x80000000u /* drawn with its colours exchanged */

static inline unsigned int cell_fg(vt_cell_t cell)
{
	return cell >> (cell & CELL_CURSOR ? CELL_BG_SHIFT : CELL_FG_SHIFT) & 15;
}
static inline unsigned int cell_bg(vt_cell_t cell)
{
	return cell >> (cell & CELL_CURSOR ? CELL_FG_SHIFT : CELL_BG_SHIFT) & 15;
}

struct screen {
	const char *name;
	unsigned int rows, cols;
	unsigned int width, height; /* in pixels, 0: unknown */
	/* Shows n cells from row, col on. Any context, interrupts off, the vt's lock held. */
	void (*draw)(struct screen *screen, unsigned int row, unsigned int col,
		     const vt_cell_t *cells, unsigned int n);
};

/* A screen has at least 2 x 2 cells and at most: */
#define VT_MAX_ROWS   400
#define VT_MAX_COLS   1000
#define VT_MAX_PARAMS 16

enum vt_state {
	VT_GROUND,
	VT_ESCAPE,
	VT_CSI,
	VT_OSC,
	VT_PALETTE,
	VT_STRING,
	VT_STRING_ESC,
	VT_HASH,
	VT_CHARSET
};

/* What ESC 7 saves. */
struct vt_cursor {
	unsigned int row, col;
	bool wrap_pending; /* the last column is full: the next character goes to the next line */
	u8 fg, bg;
	bool bold, underline, reverse, dim;
	u8 charset[2]; /* G0, G1: 'B' ASCII, '0' line drawing */
	u8 shift;      /* which of the two is in use */
};

/* Lock key: c = constant; everything else under `lock`, which is taken with interrupts off. */
struct vt {
	spinlock_t lock;
	struct screen *screen;	 /* c */
	unsigned int rows, cols; /* c */
	vt_cell_t **row;	 /* the text: lines, exchanged when it scrolls */
	vt_cell_t *shown;	 /* what the screen shows now */
	unsigned long *dirty;	 /* rows that may differ from it */
	u64 last_flush_ns;
	bool (*input)(void *arg, u8 c); /* where answers go, as if typed; may be NULL */
	void *input_arg;
	bool blink_off; /* the cursor is in the dark half of its blinking */

	struct vt_cursor cur, saved;
	unsigned int top, bottom; /* scroll region, both inside it */
	bool autowrap, origin, insert, newline, cursor_visible, cursor_keys_app;
	u8 *tabs;      /* columns with a tab stop */
	u16 last_char; /* for REP */

	enum vt_state state;
	u8 charset_slot;
	u8 palette_left;   /* digits of ESC ] P still to come */
	char private;	   /* the '?', '>' ... of a control sequence, or 0 */
	char intermediate; /* the ' ', '!' ... before its last byte, or 0 */
	unsigned int params[VT_MAX_PARAMS];
	unsigned int nr_params;
	u32 utf8_char, utf8_min; /* a character that is not complete */
	unsigned int utf8_left;
};

/* vt_size - bytes that a terminal on this screen needs */
size_t vt_size(const struct screen *screen);

/* vt_init - an empty terminal in vt_size() bytes of memory, which the caller keeps or frees */
struct vt *vt_init(void *memory, struct screen *screen);

/* vt_write - interpret n bytes. Nothing is drawn. Any context; takes the lock. */
void vt_write(struct vt *vt, const u8 *buf, size_t n);

/* vt_write_locked - the same for a caller that has the lock, or has given up on it (panic) */
void vt_write_locked(struct vt *vt, const u8 *buf, size_t n);

/* vt_flush - draw what has changed. Any context; takes the lock, row by row. */
void vt_flush(struct vt *vt);

/* vt_flush_locked - the same with the lock held all the time */
void vt_flush_locked(struct vt *vt);

/* vt_needs_flush - has anything changed since the last flush? Any context. */
bool vt_needs_flush(const struct vt *vt);

/* vt_blink - show the cursor, or do not, from the next flush on. Any context; takes the lock. */
void vt_blink(struct vt *vt, bool on);

/* vt_set_input - the vt's answers (reports) go to input(arg, byte). Any context; takes the lock. */
void vt_set_input(struct vt *vt, bool (*input)(void *arg, u8 c), void *arg);

/* vt_cell - the cell at row, col; for tests */
vt_cell_t vt_cell(struct vt *vt, unsigned int row, unsigned int col);

/* --- vt_csi.c, for vt.c. All with the lock held. --------------------------------------------- */

void vt_csi_dispatch(struct vt *vt, char final);

/* --- vt.c, for vt_csi.c ---------------------------------------------------------------------- */

vt_cell_t vt_blank(const struct vt *vt);
void vt_mark(struct vt *vt, unsigned int row);
/* Blanks columns from..to-1 of a row. */
void vt_clear(struct vt *vt, unsigned int row, unsigned int from, unsigned int to);
/* Moves the lines top..bottom by n up (n > 0) or down, blanking what comes free. */
void vt_scroll(struct vt *vt, unsigned int top, unsigned int bottom, int n);
/* Puts the cursor there, inside the screen, or inside the scroll region in origin mode. */
void vt_goto(struct vt *vt, int row, int col);
void vt_reset(struct vt *vt);
void vt_save_cursor(struct vt *vt);
void vt_restore_cursor(struct vt *vt);
void vt_put_char(struct vt *vt, u16 c);
void vt_answer(struct vt *vt, const char *text);

#endif /* KERNEL_DRIVERS_VT_H */
