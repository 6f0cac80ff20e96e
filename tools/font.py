#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns a console font (PSF 1 or 2, plain or gzip) into a NASM source for kernel/drivers/font.h.

usage: font.py OUTPUT [FONT]

Without FONT the first of CANDIDATES that exists is taken. They come with the packages
console-setup-linux (Debian, Ubuntu) and kbd. The font must be 8 x 16 and say which characters its
glyphs are.
"""
import gzip
import os
import struct
import sys

CANDIDATES = [
    "/usr/share/consolefonts/Uni2-VGA16.psf.gz",
    "/usr/share/consolefonts/Lat15-VGA16.psf.gz",
    "/usr/share/consolefonts/lat1-16.psf.gz",
    "/usr/share/kbd/consolefonts/eurlatgr.psfu.gz",
    "/usr/lib/kbd/consolefonts/eurlatgr.psfu.gz",
    "/usr/share/kbd/consolefonts/lat9w-16.psfu.gz",
    "/usr/lib/kbd/consolefonts/lat9w-16.psfu.gz",
]
HEIGHT = 16


def parse_psf1(data):
    mode, size = data[2], data[3]
    count = 512 if mode & 1 else 256
    if size != HEIGHT or not mode & 6:
        raise ValueError("not 8x16, or without a table of characters")
    glyphs = [data[4 + i * size:4 + (i + 1) * size] for i in range(count)]
    table = struct.unpack_from("<%dH" % ((len(data) - 4 - count * size) // 2), data, 4 + count * size)
    mapping, glyph, sequence = {}, 0, False
    for unit in table:
        if unit == 0xFFFF:
            glyph, sequence = glyph + 1, False
        elif unit == 0xFFFE:
            sequence = True
        elif not sequence and glyph < count:
            mapping.setdefault(unit, glyph)
    return glyphs, mapping


def parse_psf2(data):
    _, _, header, flags, count, size, height, width = struct.unpack_from("<8I", data)
    if (width, height) != (8, HEIGHT) or not flags & 1:
        raise ValueError("not 8x16, or without a table of characters")
    glyphs = [data[header + i * size:header + (i + 1) * size] for i in range(count)]
    mapping = {}
    for glyph, entry in enumerate(data[header + count * size:].split(b"\xff")[:count]):
        for character in entry.split(b"\xfe")[0].decode("utf-8"):
            if ord(character) <= 0xFFFF:
                mapping.setdefault(ord(character), glyph)
    return glyphs, mapping


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:2] == b"\x36\x04":
        return parse_psf1(data)
    if data[:4] == b"\x72\xb5\x4a\x86":
        return parse_psf2(data)
    raise ValueError("not a PSF font")


def write(path, source, glyphs, mapping):
    lines = ["; Made by tools/font.py from %s." % source, "section .rodata",
             "global font_glyphs, font_map, font_map_size", "align 16", "font_glyphs:"]
    lines += ["\tdb " + ", ".join("0x%02x" % byte for byte in glyph) for glyph in glyphs]
    lines.append("font_map:")
    lines += ["\tdw 0x%04x, %d" % pair for pair in sorted(mapping.items())]
    lines += ["align 4", "font_map_size: dd %d" % len(mapping),
              "section .note.GNU-stack noalloc noexec nowrite progbits", ""]
    with open(path, "w") as file:
        file.write("\n".join(lines))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    paths = sys.argv[2:] or [path for path in CANDIDATES if os.path.exists(path)]
    if not paths:
        sys.exit("font.py: no console font found; install console-setup-linux or kbd. Looked for:\n  "
                 + "\n  ".join(CANDIDATES))
    try:
        glyphs, mapping = load(paths[0])
    except (OSError, ValueError, struct.error) as error:
        sys.exit("font.py: %s: %s" % (paths[0], error))
    write(sys.argv[1], paths[0], glyphs, mapping)


if __name__ == "__main__":
    main()
