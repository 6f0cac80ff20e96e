// SPDX-License-Identifier: MIT
/*
 * Text on a linear framebuffer: the screen that UEFI, or a BIOS through VBE, gives.
 *
 * The mode is whatever the boot loader found: any size and pitch, 16, 24 or 32 bits a pixel, any
 * place of the three colours in it, at any physical address. It is mapped write-combining and only
 * ever written (vt.c decides what, and remembers what is there).
 *
 *	physical addr ---ioremap_wc---> base
 *	+---------------------- pitch ----------------------+
 *	| origin                                            |
 *	|  +--------+--------+-- ... cols * 8 * scale       |
 *	|  | cell   | cell   |    rows * 16 * scale         |
 *
 * The text is centred in what is left over. On a screen of more than 2400 pixels a font pixel is
 * two pixels wide and high, and so on: the letters stay readable.
 *
 * A glyph line is composed in a small buffer, a font pixel at a time from one of two colours,
 * and copied to the screen in one go, once for each pixel line it makes.
 */

#include "arch/x86_64/kmap.h"
#include "arch/x86_64/layout.h"
#include "kernel/boot_info.h"
#include "kernel/drivers/font.h"
#include "kernel/drivers/screen.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/string.h"

#define BOOT_TABLES_REACH 0x100000000ULL

#define MAX_SCALE   4
#define MAX_BYTES   4
#define PX_PER_STEP 2400

static struct fbcon {
	struct screen screen;
	u8 *base;	    /* the first pixel of the text */
	unsigned int pitch; /* bytes from a pixel line to the next */
	unsigned int bytes; /* per pixel */
	unsigned int scale;
	u32 palette[16]; /* as pixels */
} fbcon;

/* The colours of the PC's text mode, which people expect. */
static const u8 ansi_rgb[16][3] = {
	{0x00, 0x00, 0x00}, {0xaa, 0x00, 0x00}, {0x00, 0xaa, 0x00}, {0xaa, 0x55, 0x00},
	{0x00, 0x00, 0xaa}, {0xaa, 0x00, 0xaa}, {0x00, 0xaa, 0xaa}, {0xaa, 0xaa, 0xaa},
	{0x55, 0x55, 0x55}, {0xff, 0x55, 0x55}, {0x55, 0xff, 0x55}, {0xff, 0xff, 0x55},
	{0x55, 0x55, 0xff}, {0xff, 0x55, 0xff}, {0x55, 0xff, 0xff}, {0xff, 0xff, 0xff},
};

const u8 *font_glyph(u16 character)
{
	unsigned int low = 0, high = font_map_size;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (font_map[mid].character == character)
			return font_glyphs[font_map[mid].glyph];
		if (font_map[mid].character < character)
			low = mid + 1;
		else
			high = mid;
	}
	return character == '?' ? font_glyphs[0] : font_glyph(character == 0xfffd ? '?' : 0xfffd);
}

/* n pixels of one colour, at buf. Returns what follows them. */
static u8 *put_pixels(u8 *buf, u32 pixel, unsigned int n)
{
	while (n--) {
		memcpy(buf, &pixel, MAX_BYTES);
		buf += fbcon.bytes;
	}
	return buf;
}

static void draw_line(u8 *at, const u8 *line, size_t n)
{
	unsigned int i;

	for (i = 0; i < fbcon.scale; i++)
		memcpy(at + i * fbcon.pitch, line, n);
}

/* The usual case: 32 bits, not enlarged. Two pixels are a store, four patterns all there is. */
static void draw_cell_32(u8 *at, const u8 *glyph, u32 fg, u32 bg, bool underline)
{
	const u64 pairs[4] = {bg | (u64)bg << 32, bg | (u64)fg << 32, fg | (u64)bg << 32,
			      fg | (u64)fg << 32};
	unsigned int y;

	for (y = 0; y < FONT_HEIGHT; y++, at += fbcon.pitch) {
		u8 bits = underline && y == FONT_HEIGHT - 2 ? 0xff : glyph[y];
		volatile u64 *out = (volatile u64 *)at;

		out[0] = pairs[bits >> 6];
		out[1] = pairs[bits >> 4 & 3];
		out[2] = pairs[bits >> 2 & 3];
		out[3] = pairs[bits & 3];
	}
}

static void draw_cell_any(u8 *at, const u8 *glyph, u32 fg, u32 bg, bool underline)
{
	u8 line[FONT_WIDTH * MAX_SCALE * MAX_BYTES + MAX_BYTES];
	unsigned int x, y;

	for (y = 0; y < FONT_HEIGHT; y++, at += fbcon.pitch * fbcon.scale) {
		u8 bits = underline && y == FONT_HEIGHT - 2 ? 0xff : glyph[y];
		u8 *end = line;

		for (x = 0; x < FONT_WIDTH; x++)
			end = put_pixels(end, bits & 0x80 >> x ? fg : bg, fbcon.scale);
		draw_line(at, line, end - line);
	}
}

static void fbcon_draw(struct screen *screen, unsigned int row, unsigned int col,
		       const vt_cell_t *cells, unsigned int n)
{
	size_t width = (size_t)FONT_WIDTH * fbcon.scale * fbcon.bytes;
	u8 *at = fbcon.base + (size_t)row * FONT_HEIGHT * fbcon.scale * fbcon.pitch + col * width;

	for (; n--; cells++, at += width) {
		const u8 *glyph = font_glyph(*cells & CELL_CHAR);
		u32 fg = fbcon.palette[cell_fg(*cells)], bg = fbcon.palette[cell_bg(*cells)];

		if (fbcon.bytes == 4 && fbcon.scale == 1)
			draw_cell_32(at, glyph, fg, bg, *cells & CELL_UNDERLINE);
		else
			draw_cell_any(at, glyph, fg, bg, *cells & CELL_UNDERLINE);
	}
}

static u32 colour_bits(u8 value, u8 pos, u8 size)
{
	return size >= 8 ? (u32)value << (pos + size - 8) : (u32)(value >> (8 - size)) << pos;
}

static void make_palette(const struct fb_info *fb)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		fbcon.palette[i] = colour_bits(ansi_rgb[i][0], fb->red_pos, fb->red_size) |
				   colour_bits(ansi_rgb[i][1], fb->green_pos, fb->green_size) |
				   colour_bits(ansi_rgb[i][2], fb->blue_pos, fb->blue_size);
}

static bool colour_fits(u8 pos, u8 size, u32 bpp)
{
	return size && pos + size <= bpp;
}

static bool usable(const struct fb_info *fb)
{
	if (fb->type != BOOT_FB_RGB || !fb->addr)
		return false;
	if (fb->bpp != 16 && fb->bpp != 24 && fb->bpp != 32)
		return false;
	if (!colour_fits(fb->red_pos, fb->red_size, fb->bpp) ||
	    !colour_fits(fb->green_pos, fb->green_size, fb->bpp) ||
	    !colour_fits(fb->blue_pos, fb->blue_size, fb->bpp))
		return false;
	return fb->width >= 320 && fb->height >= 200 && fb->width <= 16384 && fb->height <= 16384 &&
	       fb->pitch >= fb->width * (fb->bpp / 8);
}

/* What was on the screen, and the border, become black. */
static void clear_screen(u8 *base, const struct fb_info *fb)
{
	u32 y;

	for (y = 0; y < fb->height; y++)
		memset(base + (size_t)y * fb->pitch, 0, (size_t)fb->width * (fb->bpp / 8));
}

static u8 *map_framebuffer(const struct fb_info *fb, bool early)
{
	size_t size = (size_t)fb->pitch * fb->height;

	if (!early)
		return (u8 __force *)ioremap_wc(fb->addr, size);
	return fb->addr + size <= BOOT_TABLES_REACH ? __va(fb->addr) : NULL;
}

struct screen *fbcon_probe(bool early)
{
	const struct fb_info *fb = &boot_info.fb;
	unsigned int cell_width, cell_height, rows, cols;
	u8 *base;

	if (!usable(fb))
		return NULL;
	base = map_framebuffer(fb, early);
	if (!base) {
		pr_err("fbcon: cannot map the framebuffer at %#llx\n", fb->addr);
		return NULL;
	}
	clear_screen(base, fb);
	make_palette(fb);
	fbcon.pitch = fb->pitch;
	fbcon.bytes = fb->bpp / 8;
	fbcon.scale = clamp_t(unsigned int, fb->width / PX_PER_STEP + 1, 1, MAX_SCALE);
	cell_width = FONT_WIDTH * fbcon.scale;
	cell_height = FONT_HEIGHT * fbcon.scale;
	cols = min_t(unsigned int, fb->width / cell_width, VT_MAX_COLS);
	rows = min_t(unsigned int, fb->height / cell_height, VT_MAX_ROWS);
	fbcon.screen = (struct screen){
		.name = "fbcon",
		.cols = cols,
		.rows = rows,
		.width = fb->width,
		.height = fb->height,
		.draw = fbcon_draw,
	};
	fbcon.base = base + (fb->width - cols * cell_width) / 2 * fbcon.bytes +
		     (size_t)((fb->height - rows * cell_height) / 2) * fb->pitch;
	pr_info("fbcon: %ux%u, %u bits, pitch %u, at %#llx: %u x %u characters\n", fb->width,
		fb->height, fb->bpp, fb->pitch, fb->addr, cols, rows);
	return &fbcon.screen;
}
