// SPDX-License-Identifier: MIT
/*
 * Drawing what the terminal shows.
 *
 * Text and screen are apart. The text is an array of pointers to lines, so that scrolling exchanges
 * pointers; `shown` is what the screen displays. vt_flush() walks the rows marked dirty and draws
 * the cells that differ: a screen full of output that scrolls by between two flushes costs nothing
 * to draw, and video memory, slow to read, is never read. The cursor is a bit of the cell it is on.
 *
 * SHOWN-TRUE: shown[] is exactly what was last drawn. A row that differs from it is marked dirty.
 */

#include "kernel/drivers/vt.h"
#include "kernel/timer.h"
#include "lib/bitops.h"
#include "lib/compiler.h"

static vt_cell_t wanted(const struct vt *vt, unsigned int row, unsigned int col)
{
	vt_cell_t cell = vt->row[row][col];

	if (vt->cursor_visible && !vt->blink_off && row == vt->cur.row && col == vt->cur.col)
		cell |= CELL_CURSOR;
	return cell;
}

/* Draws the runs of cells that differ from what is shown. */
static void flush_row(struct vt *vt, unsigned int row)
{
	vt_cell_t *shown = vt->shown + row * vt->cols;
	unsigned int col = 0, start;

	__clear_bit(row, vt->dirty);
	while (col < vt->cols) {
		for (; col < vt->cols && shown[col] == wanted(vt, row, col); col++)
			;
		for (start = col; col < vt->cols && shown[col] != wanted(vt, row, col); col++)
			shown[col] = wanted(vt, row, col);
		if (col > start)
			vt->screen->draw(vt->screen, row, start, shown + start, col - start);
	}
}

static unsigned int dirty_words(const struct vt *vt)
{
	return DIV_ROUND_UP(vt->rows, BITS_PER_LONG);
}

bool vt_needs_flush(const struct vt *vt)
{
	unsigned int i;

	for (i = 0; i < dirty_words(vt); i++) {
		if (READ_ONCE(vt->dirty[i]))
			return true;
	}
	return false;
}

void vt_flush_locked(struct vt *vt)
{
	unsigned int row;

	for (row = 0; row < vt->rows; row++) {
		if (test_bit(row, vt->dirty))
			flush_row(vt, row);
	}
	vt->last_flush_ns = ktime_get_ns();
}

void vt_flush(struct vt *vt)
{
	unsigned long flags;
	unsigned int row;

	for (row = 0; row < vt->rows; row++) {
		if (!test_bit(row, vt->dirty))
			continue;
		spin_lock_irqsave(&vt->lock, flags);
		flush_row(vt, row);
		spin_unlock_irqrestore(&vt->lock, flags);
	}
	WRITE_ONCE(vt->last_flush_ns, ktime_get_ns());
}

void vt_blink(struct vt *vt, bool on)
{
	unsigned long flags;

	spin_lock_irqsave(&vt->lock, flags);
	vt->blink_off = !on;
	vt_mark(vt, vt->cur.row);
	spin_unlock_irqrestore(&vt->lock, flags);
}
