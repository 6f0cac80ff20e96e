# SPDX-License-Identifier: MIT
"""The machine matrix: the very ISO that a person gets, on each firmware and medium, driven at its shell prompt."""
import os
import tempfile

from support import ROOT, Console, expect, machine

ISO = os.path.join(ROOT, "build", "release", "verso.iso")
PROMPT = "verso:"


def shell(args, cpus=2, mem=256):
    """Boot to the prompt, have the shell compute, look at the machine, and power off."""
    with Console(args, cpus, mem) as console:
        console.wait_for(PROMPT)
        console.type("echo 6 times 7 is $((6*7)), $(nproc) cpus\n")
        console.wait_for(f"6 times 7 is 42, {cpus} cpus")
        console.wait_for(PROMPT)
        console.type("ls /proc/self/maps | wc -l; poweroff\n")
        expect(console.wait_end() == 0, "poweroff did not end the machine", console.told())


def bios_cd():
    shell(machine.cdrom(ISO))


def bios_disk():
    shell(machine.disk(ISO))


def bios_usb():
    shell(machine.usb(ISO))


def uefi(medium):
    with tempfile.TemporaryDirectory() as folder:
        shell(machine.uefi(folder) + medium(ISO))


def uefi_cd():
    uefi(machine.cdrom)


def uefi_usb():
    uefi(machine.usb)


def legacy_free():
    """A PC without 8042, PIT, PIC: only what UEFI describes."""
    with tempfile.TemporaryDirectory() as folder:
        args = machine.uefi(folder)
        args[args.index("q35")] = "q35,i8042=off,pit=off,pic=off"
        shell(args + machine.usb(ISO))


def direct(cpus, mem, *more):
    def boot():
        with tempfile.TemporaryDirectory() as folder:
            archive = os.path.join(folder, "initramfs.cpio")
            from support import VERSO, command
            status, out = command(VERSO, "image", "--initramfs", archive)
            expect(status == 0, "verso image failed", out)
            shell([*machine.direct(os.path.join(ROOT, "build", "release", "verso.elf"), archive, "console=ttyS0"),
                   *more], cpus, mem)
    return boot


JOBS = [
    ("BIOS, CD", bios_cd),
    ("BIOS, disk", bios_disk),
    ("BIOS, USB stick", bios_usb),
    ("UEFI, CD", uefi_cd),
    ("UEFI, USB stick", uefi_usb),
    ("UEFI, no legacy devices", legacy_free),
    ("direct, 8 cpus", direct(8, 256)),
    ("direct, 24 MiB", direct(1, 24)),
    ("direct, 5 GiB", direct(1, 5120)),
    ("direct, plain CPU", direct(1, 256, "-cpu", "qemu64")),
]
