# SPDX-License-Identifier: MIT
"""What `verso run` must know of an ELF file before it boots a machine for it: is it an x86-64 program, does it ask for a
dynamic loader, and which libraries does it need, to be looked for where?"""
import struct

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
DYNAMIC_ENTRY = struct.Struct("<qQ")
ET_EXEC, ET_DYN = 2, 3
EM_X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 1, 5, 15, 29


class NotAProgram(Exception):
    """The file cannot run on Verso; the text says why in one sentence."""


class File:
    """One ELF program or library.

    interpreter    the path of the dynamic loader that it asks for, None for a static program or a library
    needed         the names of the libraries that it needs (DT_NEEDED)
    rpath          where they are looked for before everything else (DT_RPATH), a list of folders as written
    runpath        where they are looked for, for this file alone (DT_RUNPATH)

    Raises NotAProgram for anything else.
    """

    def __init__(self, path):
        self.path = path
        self.interpreter = None
        self.needed, self.rpath, self.runpath = [], [], []
        with open(path, "rb") as source:
            self._data = source.read()
        self._segments = self._read_segments()
        for kind, offset, _, size in self._segments:
            if kind == PT_INTERP:
                self.interpreter = self._data[offset:offset + size].rstrip(b"\0").decode(errors="replace")
            elif kind == PT_DYNAMIC:
                self._read_dynamic(offset, size)

    def _read_segments(self):
        """The program headers as (type, file offset, address, size in the file), checked."""
        data, path = self._data, self.path
        if data[:4] != b"\x7fELF":
            raise NotAProgram(f"{path} is not an ELF program: Verso runs x86-64 Linux binaries, and scripts that begin "
                              "with #!.")
        if len(data) < ELF_HEADER.size or data[4] != 2 or data[5] != 1:
            raise NotAProgram(f"{path} is not a 64-bit x86 program: build it for x86-64.")
        _, kind, machine, _, _, phoff, _, _, _, phentsize, phnum, _, _, _ = ELF_HEADER.unpack_from(data)
        if machine != EM_X86_64:
            raise NotAProgram(f"{path} is a program for another processor (ELF machine {machine}): "
                              "build it for x86-64.")
        if kind not in (ET_EXEC, ET_DYN) or phentsize != PROGRAM_HEADER.size or not phnum:
            raise NotAProgram(f"{path} is an ELF file but not a program (an object file or a core dump).")
        if phoff + phnum * PROGRAM_HEADER.size > len(data):
            raise NotAProgram(f"{path} is truncated: its program headers are not all there.")
        fields = [PROGRAM_HEADER.unpack_from(data, phoff + i * PROGRAM_HEADER.size) for i in range(phnum)]
        return [(field[0], field[2], field[3], field[5]) for field in fields]

    def _read_dynamic(self, offset, size):
        entries = []
        for place in range(offset, min(offset + size, len(self._data)) - DYNAMIC_ENTRY.size + 1, DYNAMIC_ENTRY.size):
            tag, value = DYNAMIC_ENTRY.unpack_from(self._data, place)
            if tag == DT_NULL:
                break
            entries.append((tag, value))
        strings = self._offset_of(dict(entries).get(DT_STRTAB))
        for tag, value in entries:
            if tag == DT_NEEDED:
                self.needed.append(self._string(strings, value))
            elif tag == DT_RPATH:
                self.rpath = self._string(strings, value).split(":")
            elif tag == DT_RUNPATH:
                self.runpath = self._string(strings, value).split(":")

    def _offset_of(self, address):
        """Where the byte that is loaded at address lies in the file."""
        for kind, offset, start, size in self._segments:
            if kind == PT_LOAD and address is not None and start <= address < start + size:
                return address - start + offset
        raise NotAProgram(f"{self.path} is damaged: its dynamic section has no string table.")

    def _string(self, table, index):
        end = self._data.find(b"\0", table + index)
        return self._data[table + index:max(end, 0)].decode(errors="replace")


def script_interpreter(path):
    """The path of the program that a script names after #!; None when the file is no script."""
    with open(path, "rb") as source:
        first = source.read(256)
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split(b"\n")[0].split()
    return words[0].decode(errors="replace") if words else None


def is_program(path):
    """Does the file claim to be something that a kernel can start: ELF, or a script with #!?"""
    with open(path, "rb") as source:
        return source.read(4) == b"\x7fELF" or script_interpreter(path) is not None
