#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the kernel's symbol table as NASM source.

The kernel prints names in its backtraces, so it carries its own function names: an array of 32-bit offsets from
KERNEL_BASE in ascending order, a parallel array of offsets into a string table, and the strings. The table lies in
its own section behind all code, so that the addresses found in the first link are still right in the second.

usage: ksyms.py --empty OUT.asm        an empty table, for the first link
       ksyms.py KERNEL.elf OUT.asm     the table of KERNEL.elf's functions
"""
import subprocess
import sys

KERNEL_BASE = 0xFFFFFFFF80000000


def functions(elf):
    """(address, name) of every text symbol of the image, in order of address."""
    out = subprocess.run(["nm", "-n", "--defined-only", elf], check=True, capture_output=True, text=True).stdout
    seen = {}
    for line in out.splitlines():
        address, kind, name = line.split(maxsplit=2)
        if kind in "tT" and int(address, 16) >= KERNEL_BASE and not name.startswith("."):
            seen.setdefault(int(address, 16), name)
    return sorted(seen.items())


def write(path, symbols):
    names, offsets = [], []
    length = 0
    for _, name in symbols:
        offsets.append(length)
        names.append(name)
        length += len(name) + 1
    with open(path, "w", encoding="ascii") as out:
        out.write("section .ksyms alloc noexec nowrite align=8\n"
                  "global ksym_count, ksym_addresses, ksym_names, ksym_strings\n"
                  f"ksym_count: dd {len(symbols)}\nksym_addresses:\n")
        out.writelines(f"dd {address - KERNEL_BASE:#x}\n" for address, _ in symbols)
        out.write("ksym_names:\n")
        out.writelines(f"dd {offset}\n" for offset in offsets)
        out.write("ksym_strings:\n")
        out.writelines(f'db "{name}", 0\n' for name in names)


def main(args):
    if len(args) == 2 and args[0] == "--empty":
        write(args[1], [])
    elif len(args) == 2:
        write(args[1], functions(args[0]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
