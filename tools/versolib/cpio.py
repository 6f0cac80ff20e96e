# SPDX-License-Identifier: MIT
"""Write the initramfs: a cpio archive in the `newc` format, from files of the host and from bytes.

The archive is made in memory in a fixed order with times of zero, so that equal input gives an equal image and a run
under -icount repeats to the instruction. Owners are root, whoever builds.
"""
import os
import stat


class Archive:
    """A tree of entries that becomes one cpio archive. Parents of an entry are made when they are missing."""

    def __init__(self):
        self._entries = {}

    def __contains__(self, name):
        return _clean(name) in self._entries

    def directory(self, name, mode=0o755):
        """Add a directory, unless it is there."""
        name = _clean(name)
        if name and name not in self._entries:
            self._parents(name)
            self._entries[name] = (stat.S_IFDIR | mode, b"", 0)

    def file(self, name, data, mode=0o644):
        """Add a regular file that holds data, in place of one of that name."""
        self._put(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        """Add a symbolic link."""
        self._put(name, stat.S_IFLNK | 0o777, target.encode())

    def host_file(self, name, path):
        """Add the file at path on the host, following symbolic links, with its permission bits."""
        with open(path, "rb") as source:
            self.file(name, source.read(), stat.S_IMODE(os.stat(path).st_mode))

    def host_tree(self, root, place=""):
        """Add everything below the folder root of the host, below the folder place of the archive."""
        self.directory(place)
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(dirs + files):
                path = os.path.join(folder, name)
                self._host_entry(os.path.join(place, os.path.relpath(path, root)), path)

    def _host_entry(self, name, path):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            self.symlink(name, os.readlink(path))
        elif stat.S_ISDIR(mode):
            self.directory(name, stat.S_IMODE(mode))
        elif stat.S_ISREG(mode):
            self.host_file(name, path)
        else:
            self._put(name, mode, b"", os.lstat(path).st_rdev)

    def _put(self, name, mode, data, rdev=0):
        name = _clean(name)
        self._parents(name)
        self._entries[name] = (mode, data, rdev)

    def _parents(self, name):
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)

    def pack(self):
        """The archive as bytes, closed by its trailer."""
        out = bytearray()
        for inode, (name, (mode, data, rdev)) in enumerate(self._entries.items(), start=1):
            out += _record(inode, name, mode, data, rdev)
        out += _record(0, "TRAILER!!!", 0, b"", 0)
        return bytes(out)


def _clean(name):
    return os.path.normpath(name).strip("/").replace("./", "", 1) if name.strip("/.") else ""


def _record(inode, name, mode, data, rdev):
    raw = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, os.major(rdev), os.minor(rdev), len(raw), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
