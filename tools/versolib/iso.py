# SPDX-License-Identifier: MIT
"""Make the hybrid ISO: one image that BIOS and UEFI start, from CD or, written as it is, from a USB stick.

grub-mkrescue does the work. What it needs is a folder that looks like the CD: boot/verso.elf, boot/initramfs.cpio and
boot/grub/grub.cfg, the last made from iso/grub.cfg by putting the kernel's command line in.
"""
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATE = os.path.join(HERE, "..", "..", "iso", "grub.cfg")


class IsoError(Exception):
    """grub-mkrescue failed; the text is what it said."""


def make(kernel, initramfs, cmdline, out, timeout=3):
    """Write the ISO with this kernel, archive (bytes) and command line to out."""
    with tempfile.TemporaryDirectory(prefix="verso-iso-") as root:
        os.makedirs(os.path.join(root, "boot", "grub"))
        _strip(kernel, os.path.join(root, "boot", "verso.elf"))
        with open(os.path.join(root, "boot", "initramfs.cpio"), "wb") as archive:
            archive.write(initramfs)
        with open(TEMPLATE, encoding="utf-8") as source:
            config = source.read().replace("@CMDLINE@", cmdline).replace("@TIMEOUT@", str(timeout))
        with open(os.path.join(root, "boot", "grub", "grub.cfg"), "w", encoding="utf-8") as target:
            target.write(config)
        _mkrescue(root, out)


def _strip(kernel, out):
    """The kernel without its debugging sections, which GRUB would read for nothing."""
    if not shutil.which("objcopy"):
        raise IsoError("objcopy is not installed: run `make setup` (package binutils).")
    subprocess.run(["objcopy", "--strip-debug", kernel, out], check=True)


def _mkrescue(root, out):
    if not shutil.which("grub-mkrescue"):
        raise IsoError("grub-mkrescue is not installed: run `make setup`.")
    done = subprocess.run(["grub-mkrescue", "--fonts=", "--themes=", "--locales=", "-o", out, root],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise IsoError("grub-mkrescue could not make the ISO:\n" + done.stderr.strip())
