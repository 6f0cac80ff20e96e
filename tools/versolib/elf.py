# SPDX-License-Identifier: MIT
"""What `verso run` must know of a program before it boots a machine for it: is it an x86-64 ELF program, and does it
ask for a dynamic loader?"""
import struct

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
ET_EXEC, ET_DYN = 2, 3
EM_X86_64 = 62
PT_INTERP = 3


class NotAProgram(Exception):
    """The file cannot run on Verso; the text says why in one sentence."""


def interpreter(path):
    """The path of the dynamic loader that the program at path asks for; None for a static one.

    Raises NotAProgram for a file that is no x86-64 program.
    """
    with open(path, "rb") as source:
        data = source.read(ELF_HEADER.size)
        if data[:4] != b"\x7fELF":
            raise NotAProgram(f"{path} is not an ELF program: Verso runs x86-64 Linux binaries. "
                              "For a script, run its interpreter: verso run /bin/busybox sh SCRIPT.")
        if len(data) < ELF_HEADER.size or data[4] != 2 or data[5] != 1:
            raise NotAProgram(f"{path} is not a 64-bit x86 program: build it for x86-64.")
        _, kind, machine, _, _, phoff, _, _, _, phentsize, phnum, _, _, _ = ELF_HEADER.unpack(data)
        if machine != EM_X86_64:
            raise NotAProgram(f"{path} is a program for another processor (ELF machine {machine}): "
                              "build it for x86-64.")
        if kind not in (ET_EXEC, ET_DYN) or phentsize != PROGRAM_HEADER.size or not phnum:
            raise NotAProgram(f"{path} is an ELF file but not a program (an object file or a core dump).")
        source.seek(phoff)
        for _ in range(phnum):
            raw = source.read(PROGRAM_HEADER.size)
            if len(raw) < PROGRAM_HEADER.size:
                raise NotAProgram(f"{path} is truncated: its program headers are not all there.")
            if raw[:4] == struct.pack("<I", PT_INTERP):
                offset, size = PROGRAM_HEADER.unpack(raw)[2], PROGRAM_HEADER.unpack(raw)[5]
                source.seek(offset)
                return source.read(size).rstrip(b"\0").decode(errors="replace")
    return None
