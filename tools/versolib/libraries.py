# SPDX-License-Identifier: MIT
"""Which files of this machine a program needs beside itself, so that `verso run` can give them to the machine.

A script needs the program that its first line names. A dynamic program needs its loader (PT_INTERP) and its libraries
(DT_NEEDED), which need libraries in turn. They are looked for as ld.so(8) does:

    1. DT_RPATH of the file that asks, and of those that led to it, unless the file has a DT_RUNPATH
    2. LD_LIBRARY_PATH of the program's environment (--env)
    3. DT_RUNPATH of the file that asks
    4. /etc/ld.so.cache, or what /etc/ld-musl-x86_64.path says for a program of musl
    5. the standard folders

What lies in a tree given with --overlay wins over the same path on this machine, as it does in the running machine, and is
not copied again. A library is copied to the path at which it was found, so the loader in the machine finds it there too; when
the cache was needed to find one, the cache goes along. What a program opens by dlopen() is written nowhere in its file:
`--add` or `--overlay` gives that.
"""
import os
import struct

from versolib import elf

CACHE = "/etc/ld.so.cache"
CACHE_MAGIC = b"glibc-ld.so.cache1.1"
CACHE_HEADER = struct.Struct("<20sII5I")
CACHE_ENTRY = struct.Struct("<iIIIQ")
GLIBC_FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
MUSL_PATH = "/etc/ld-musl-x86_64.path"
MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")


class Missing(Exception):
    """A library or a loader is nowhere to be found; the text says which, and who needs it, in one sentence."""


class Collector:
    """Collects what programs need. files: the paths of this machine to copy, in the order found, to the same place."""

    def __init__(self, overlays=(), library_path=""):
        self.files = []
        self._overlays = overlays
        self._library_path = [folder for folder in library_path.split(":") if folder]
        self._seen = set()
        self._cache = None

    def program(self, path):
        """Add what the program at path on this machine needs; the program itself is the caller's to add."""
        script = elf.script_interpreter(path)
        if script:
            self._add_interpreter(script, f"The script {path} is run by {script}")
            return
        file = elf.File(path)
        if file.interpreter:
            self._add_interpreter(file.interpreter, f"{path} is a dynamic program and its loader is {file.interpreter}")
            self._libraries(file, path, file.interpreter, ())

    def _add_interpreter(self, path, why):
        host = self._find(path)
        if not host:
            raise Missing(f"{why}, which is not on this machine nor in a tree given with --overlay.")
        if path not in self._seen:
            self._take(path, host)
            self.program(host)

    def _take(self, path, host):
        """The file found at path is needed; host is where it lies here, perhaps in an overlay."""
        self._seen.add(path)
        if host == path:
            self.files.append(path)

    def _libraries(self, file, path, loader, rpaths):
        """Add the libraries of one file, and theirs. rpaths: the DT_RPATH folders of the files that led to it."""
        musl = "musl" in loader
        origin = os.path.dirname(os.path.realpath(path))
        own = () if file.runpath else tuple(_expand(folder, origin) for folder in file.rpath)
        for name in file.needed:
            if name == os.path.basename(loader) or musl and name.startswith("libc."):
                continue  # the loader is in the machine, and musl's is the C library
            folders = (*own, *(() if file.runpath else rpaths), *self._library_path,
                       *(_expand(folder, origin) for folder in file.runpath))
            found = self._search(name, folders, musl)
            if not found:
                raise Missing(f"{path} needs the library {name}, which is not on this machine: "
                              "install the package that holds it, or give a tree that holds it with --overlay DIR.")
            place, host = found
            if place not in self._seen:
                self._take(place, host)
                self._libraries(elf.File(host), place, loader, (*own, *rpaths))

    def _search(self, name, folders, musl):
        """(path in the machine, path here) of a library, None when there is none."""
        if "/" in name:
            host = self._find(name)
            return (name, host) if host else None
        standard = self._musl_folders() if musl else GLIBC_FOLDERS
        places = [os.path.join(folder, name) for folder in folders]
        cached = [] if musl else self._cached(name)
        places += cached + [os.path.join(folder, name) for folder in standard]
        for place in places:
            host = self._find(place)
            if host:
                self._take_cache(place, cached)
                return (place, host)
        return None

    def _take_cache(self, place, cached):
        """The loader in the machine looks into its standard folders by itself; for other places it needs the cache."""
        if place in cached and os.path.dirname(place) not in GLIBC_FOLDERS and CACHE not in self._seen:
            self._take(CACHE, CACHE)

    def _find(self, path):
        """The file that will be at path in the machine: in an overlay, or here. None when there is none."""
        for tree in self._overlays:
            inside = _inside(tree, path)
            if inside:
                return inside
        return path if os.path.isfile(path) else None

    def _cached(self, name):
        if self._cache is None:
            self._cache = _read_cache(CACHE)
        return self._cache.get(name, [])

    def _musl_folders(self):
        host = self._find(MUSL_PATH)
        if not host:
            return MUSL_FOLDERS
        if MUSL_PATH not in self._seen:
            self._take(MUSL_PATH, host)
        with open(host, encoding="utf-8", errors="replace") as source:
            return [folder for folder in source.read().replace(":", "\n").split("\n") if folder]


def _expand(folder, origin):
    """A folder of DT_RPATH or DT_RUNPATH, with what stands in it for other words."""
    for word, value in (("ORIGIN", origin), ("LIB", "lib/x86_64-linux-gnu"), ("PLATFORM", "x86_64")):
        folder = folder.replace("${" + word + "}", value).replace("$" + word, value)
    return os.path.normpath(folder)


def _inside(tree, path):
    """The file at path as seen with tree for a root, its absolute symbolic links included; None when it is not there."""
    for _ in range(40):
        here, rest = tree, path.strip("/").split("/")
        while rest:
            here = os.path.join(here, rest.pop(0))
            if os.path.islink(here) and os.readlink(here).startswith("/"):
                path = "/".join([os.readlink(here), *rest])
                break
        else:
            return here if os.path.isfile(here) else None
    return None


def _read_cache(path):
    """The paths that ld.so.cache gives for each library name, those for special processors last."""
    try:
        with open(path, "rb") as source:
            data = source.read()
    except OSError:
        return {}
    start = data.find(CACHE_MAGIC)  # an older table may stand before it
    if start < 0:
        return {}
    count = CACHE_HEADER.unpack_from(data, start)[1]
    plain, special = {}, {}
    for i in range(count):
        flags, key, value, _, hwcap = CACHE_ENTRY.unpack_from(data, start + CACHE_HEADER.size + i * CACHE_ENTRY.size)
        if flags & 0xff00 == 0x0300:  # x86-64, not i386 nor x32
            table = special if hwcap else plain
            table.setdefault(_text(data, start + key), []).append(_text(data, start + value))
    return {name: plain.get(name, []) + special.get(name, []) for name in {**plain, **special}}


def _text(data, start):
    return data[start:data.index(b"\0", start)].decode(errors="replace")
