# SPDX-License-Identifier: MIT
"""Put together what a machine finds in its root directory: for a shell, or for one program of the host."""
import os
import subprocess

from versolib import cpio

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SPEC = "etc/verso/run"
FOLDERS = ("dev", "proc", "tmp", "root", "etc", "bin", "sbin", "usr", "var")
BUSYBOX = "/bin/busybox"

PASSWD = "root:x:0:0:root:/root:/bin/sh\n"
GROUP = "root:x:0:\n"
PROFILE = """PS1='verso:\\w# '
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/tests HOME=/root
"""


def user_program(name):
    """The path of a program of user/, as the build leaves it."""
    return os.path.join(ROOT, "build", "user", name)


def skeleton():
    """The folders and files that every machine has, and init."""
    archive = cpio.Archive()
    for name in FOLDERS:
        archive.directory(name, 0o1777 if name == "tmp" else 0o755)
    archive.file("etc/passwd", PASSWD.encode())
    archive.file("etc/group", GROUP.encode())
    archive.host_file("init", user_program("init"))
    return archive


def shell(overlays=()):
    """A machine for a person: busybox under all its names, and the programs of user/."""
    archive = skeleton()
    archive.file("etc/profile", PROFILE.encode())
    _add_busybox(archive)
    for folder, place in (("demo", "bin"), ("bench", "bin"), ("tests", "tests")):
        _add_folder(archive, user_program(folder), place)
    for overlay in overlays:
        archive.host_tree(overlay)
    return archive.pack()


def program(spec, files, overlays=()):
    """A machine for one run: what --overlay gives, files and folders of this machine at their own paths, and the order to
    run one of them."""
    archive = skeleton()
    for overlay in overlays:
        archive.host_tree(overlay)
    for path in files:
        if os.path.isdir(path):
            archive.host_tree(path, path)
        elif os.path.islink(path) and os.path.basename(os.path.realpath(path)) != os.path.basename(path):
            archive.host_file(os.path.realpath(path), path)
            archive.symlink(path, os.path.realpath(path))
        else:
            archive.host_file(path, path)
    archive.file(SPEC, spec)
    return archive.pack()


def run_spec(path, argv, env, terminal=None):
    """The order to init (user/init.c): NUL-terminated strings, each with a letter that tells what it is.

    P path of the program, A an argument, E NAME=VALUE, T rows x columns when it gets a terminal.
    """
    strings = ["P" + path] + ["A" + arg for arg in argv] + ["E" + entry for entry in env]
    if terminal:
        strings.append("T%dx%d" % terminal)
    return b"".join(os.fsencode(string) + b"\0" for string in strings)


def _add_busybox(archive):
    archive.host_file("bin/busybox", BUSYBOX)
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name not in ("busybox", "init", "linuxrc"):
            archive.symlink("bin/" + name, "busybox")


def _add_folder(archive, folder, place):
    if os.path.isdir(folder):
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".d"):
                archive.host_file(f"{place}/{name}", os.path.join(folder, name))
