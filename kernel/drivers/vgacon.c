// SPDX-License-Identifier: MIT
/*
 * The VGA's text mode: 80 x 25 cells at 0xb8000, a byte of character and a byte of colours each.
 *
 * Present if the loader says so, or, when it says nothing (PVH), if a VGA answers that is in text
 * mode: bit 0 of its miscellaneous graphics register tells text from graphics, bits 2 and 3 say
 * that the memory is at 0xb8000, and two cells must hold what is written to them.
 *
 * The character set in its ROM is code page 437. What is not in it is shown as a block.
 * The hardware's cursor is switched off: the vt draws its own.
 */

#include "arch/x86_64/io.h"
#include "arch/x86_64/kmap.h"
#include "arch/x86_64/layout.h"
#include "kernel/boot_info.h"
#include "kernel/drivers/screen.h"
#include "kernel/printk.h"
#include "lib/compiler.h"

#define VGA_BASE	0xb8000
#define VGA_SIZE	0x8000
#define VGA_COLS	80
#define VGA_ROWS	25
#define GRAPHICS_INDEX	0x3ce
#define GRAPHICS_DATA	0x3cf
#define GRAPHICS_MISC	6
#define CRTC_INDEX	0x3d4
#define CRTC_DATA	0x3d5
#define CRTC_CURSOR	0x0a
#define CRTC_START_HIGH 0x0c
#define CRTC_START_LOW	0x0d
#define CURSOR_OFF	0x20
#define ATTRIBUTE_INDEX 0x3c0
#define INPUT_STATUS	0x3da
#define MISC_IS_TEXT(m) (((m)&0x0d) == 0x0c)
#define BLOCK		0xfe

static volatile u16 *cells;

/* Code page 437 from 0x80 on. */
static const u16 cp437_high[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
	0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
	0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
	0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
	0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
	0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
	0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
	0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
	0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
	0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static u8 to_cp437(u16 c)
{
	unsigned int i;

	if (c >= 0x20 && c < 0x7f)
		return c;
	for (i = 0; i < ARRAY_SIZE(cp437_high); i++) {
		if (cp437_high[i] == c)
			return 0x80 + i;
	}
	return BLOCK;
}

/* ANSI counts red, green, blue from the low bit; VGA blue, green, red. */
static u8 vga_colour(unsigned int ansi)
{
	return (ansi & 10) | (ansi & 1) << 2 | (ansi & 4) >> 2;
}

static void vgacon_draw(struct screen *screen, unsigned int row, unsigned int col,
			const vt_cell_t *from, unsigned int n)
{
	volatile u16 *at = cells + row * VGA_COLS + col;

	for (; n--; from++)
		*at++ = to_cp437(*from & CELL_CHAR) |
			(vga_colour(cell_fg(*from)) | vga_colour(cell_bg(*from)) << 4) << 8;
}

static struct screen vga_screen = {
	.name = "vgacon",
	.rows = VGA_ROWS,
	.cols = VGA_COLS,
	.draw = vgacon_draw,
};

static bool in_text_mode(void)
{
	outb(GRAPHICS_MISC, GRAPHICS_INDEX);
	return MISC_IS_TEXT(inb(GRAPHICS_DATA));
}

static bool memory_holds(void)
{
	u16 old = cells[0];
	bool ok;

	cells[0] = 0x5a41;
	ok = cells[0] == 0x5a41;
	cells[0] = 0x25be;
	ok = ok && cells[0] == 0x25be;
	cells[0] = old;
	return ok;
}

static void crtc_write(u8 reg, u8 value)
{
	outb(reg, CRTC_INDEX);
	outb(value, CRTC_DATA);
}

/* Bit 7 of a cell: bright background instead of blinking. The read resets the address flip-flop. */
static void bright_background(void)
{
	u8 mode;

	inb(INPUT_STATUS);
	outb(0x10 | 0x20, ATTRIBUTE_INDEX);
	mode = inb(ATTRIBUTE_INDEX + 1);
	outb(mode & ~0x08, ATTRIBUTE_INDEX);
}

struct screen *vgacon_probe(bool early)
{
	if (boot_info.fb.type == BOOT_FB_RGB || !in_text_mode())
		return NULL;
	cells = early ? __va(VGA_BASE) : (volatile u16 __force *)ioremap(VGA_BASE, VGA_SIZE);
	if (!cells || !memory_holds())
		return NULL;
	crtc_write(CRTC_CURSOR, CURSOR_OFF);
	crtc_write(CRTC_START_HIGH, 0);
	crtc_write(CRTC_START_LOW, 0);
	bright_background();
	return &vga_screen;
}
