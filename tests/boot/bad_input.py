# SPDX-License-Identifier: MIT
"""Bad input at boot and to the runner: a clear sentence each, no triple fault, no hang.

ACPI tables with a bad checksum are tested inside the kernel (tests/kernel/arch_test.c): QEMU mends a table it is given."""
import os
import tempfile

from support import ROOT, Console, command, expect, kernel, machine, verso

ARCHIVE = os.path.join(ROOT, "build", "user", "init")


def says(sentence, args, mem=256, cmdline="console=ttyS0 panic=-1", initrd=None, name="release"):
    """Boot and wait for the sentence on the serial console."""
    words = ["-kernel", kernel(name), "-append", cmdline]
    if initrd:
        words += ["-initrd", initrd]
    with Console(words + args, 1, mem) as console:
        console.wait_for(sentence, 60)


def with_file(data, sentence, **options):
    with tempfile.NamedTemporaryFile(suffix=".cpio") as archive:
        archive.write(data)
        archive.flush()
        says(sentence, [], initrd=archive.name, **options)


def no_long_mode():
    says("64-bit", ["-cpu", "pentium3"])


def no_nx():
    says("NX", ["-cpu", "qemu64,-nx"])


def little_memory():
    says("memory", [], mem=8)


def no_initramfs():
    says("initramfs", [])


def broken_initramfs():
    with_file(b"this is no cpio archive, whatever it says" * 100, "initramfs")


def truncated_initramfs():
    from versolib import cpio
    archive = cpio.Archive()
    archive.file("init", b"x" * 100000, 0o755)
    with_file(archive.pack()[:5000], "initramfs")


def no_init():
    from versolib import cpio
    archive = cpio.Archive()
    archive.file("etc/motd", b"hello")
    with_file(archive.pack(), "init")


def unknown_option():
    says("nosuchoption", [], cmdline="console=ttyS0 nosuchoption=1 panic=-1")


def refused(sentence, *words):
    status, out, err = verso(*words)
    expect(status == 2 and sentence in err and not out, f"expected a refusal with {sentence!r}", f"{status}\n{out}\n{err}")


def not_elf():
    refused("not an ELF program", os.path.join(ROOT, "Makefile"))


def dynamic_without_loader():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program")
        status, out = command("gcc", "-x", "c", "-Wl,--dynamic-linker=/no/such/loader", "-o", path, "-",
                              stdin=b"int main(void) { return 0; }")
        expect(status == 0, "gcc could not build a test", out)
        refused("its loader is /no/such/loader, which is not on this machine", path)


def missing_program():
    refused("no program", "no-such-program-here")


JOBS = [
    ("CPU without long mode", no_long_mode),
    ("CPU without NX", no_nx),
    ("too little memory", little_memory),
    ("no initramfs", no_initramfs),
    ("initramfs that is no archive", broken_initramfs),
    ("initramfs cut short", truncated_initramfs),
    ("initramfs without init", no_init),
    ("unknown option", unknown_option),
    ("program that is no ELF", not_elf),
    ("dynamic program without its loader", dynamic_without_loader),
    ("program that is not there", missing_program),
]
