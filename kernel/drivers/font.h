/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVERS_FONT_H
#define KERNEL_DRIVERS_FONT_H

/*
 * The screen's font. tools/font.py makes these from a console font of the distribution; the object
 * lies in the build folder.
 */

#include "lib/types.h"

#define FONT_WIDTH  8
#define FONT_HEIGHT 16

/* A character and the number of its glyph; the table is sorted by character. */
struct font_map {
	u16 character;
	u16 glyph;
};

extern const u8 font_glyphs[][FONT_HEIGHT]; /* a byte is a line, its high bit is left */
extern const struct font_map font_map[];
extern const u32 font_map_size;

/* font_glyph - the lines of a character, or of the sign for those that the font lacks */
const u8 *font_glyph(u16 character);

#endif /* KERNEL_DRIVERS_FONT_H */
