# SPDX-License-Identifier: MIT
"""The QEMU command line of one Verso machine.

One place knows the devices that the kernel's runner channels sit on (kernel/drivers/hostio.c):

    COM1               kernel log and console          -> the log file
    COM2               the program's standard input, or its terminal
    port 0xe9          standard output                 (isa-debugcon: output only)
    port 0xea          standard error
    port 0xeb          control: "exit N", "signal N", "error TEXT"
    port 0xf4          isa-debug-exit: the kernel panicked, or the boot tests ended
"""
import os
import shutil

QEMU = "qemu-system-x86_64"
OVMF = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd"]
OVMF_VARS = ["/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"]

# The settings of the yardstick: the TSC counts instructions, and a run repeats exactly. Without ERMS a page is cleared
# or copied in 512 counted steps; with it, in 4096. The seed makes RDRAND repeat too.
ICOUNT = ["-seed", "1", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-rtc", "base=2020-01-01,clock=vm",
          "-cpu", "max,-erms,-fsrm"]


class MachineError(Exception):
    """The machine cannot be put together; the text says why and what to do."""


def accelerator(choice):
    """The -accel and -cpu options for `--accel choice`, one of tcg, mttcg, kvm and icount.

    tcg runs all CPUs in turn on one thread of the host: a CPU that waits for another costs nothing, so it is the faster
    one unless the host has more idle cores than the machine has CPUs. mttcg gives each CPU a thread: truly parallel, so
    it is the one that finds races.
    """
    if choice == "icount":
        return list(ICOUNT)
    if choice == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=" + ("multi" if choice == "mttcg" else "single"), "-cpu", "max"]


def base(cpus, mem, accel):
    """QEMU with cpus processors and mem MiB, without any device that is not asked for."""
    if not shutil.which(QEMU):
        raise MachineError(f"{QEMU} is not installed: run `make setup`.")
    return [QEMU, "-m", str(mem), "-smp", str(cpus), *accelerator(accel),
            "-display", "none", "-nodefaults", "-no-reboot", "-action", "panic=exit-failure",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]


def channels(log, sockets):
    """Serial lines and output ports: log is a file, sockets maps a channel's name to its unix socket."""
    args = ["-serial", f"file:{log}"]
    for name in ("com2", "stdout", "stderr", "control"):
        args += ["-chardev", f"socket,id={name},path={sockets[name]}"]
    args += ["-serial", "chardev:com2"]
    for name, port in (("stdout", 0xe9), ("stderr", 0xea), ("control", 0xeb)):
        args += ["-device", f"isa-debugcon,iobase={port:#x},chardev={name}"]
    return args


# For each kind of disk: the controller that holds all of them, the device of one, and its name in the machine.
DISKS = {
    "virtio": ([], "virtio-blk-pci,drive=disk{i},id=dev{i}", "vd{letter}"),
    "ahci": (["-device", "ich9-ahci,id=sata"], "ide-hd,drive=disk{i},bus=sata.{i},id=dev{i}", "sd{letter}"),
    "nvme": ([], "nvme,drive=disk{i},serial=verso{i},id=dev{i}", "nvme{i}n1"),
}


def disk_name(kind, i):
    """What Verso calls the i-th disk of this kind, below /dev."""
    return DISKS[kind][2].format(i=i, letter=chr(ord("a") + i))


def disks(kind, images, sector=512):
    """Disks that are these raw images, in this order. What the machine writes goes into the images."""
    if not images:
        return []
    if kind == "ahci" and sector != 512:
        raise MachineError("QEMU's SATA disks have sectors of 512 bytes only.")
    controller, device, _ = DISKS[kind]
    args = list(controller)
    for i, path in enumerate(images):
        args += ["-drive", "if=none,id=disk%d,format=raw,file=%s" % (i, path.replace(",", ",,")),
                 "-device", device.format(i=i) + f",logical_block_size={sector},physical_block_size={sector}"]
    return args


def direct(kernel, initramfs, cmdline):
    """Start the kernel's ELF through its PVH note, without firmware or GRUB."""
    return ["-kernel", kernel, "-initrd", initramfs, "-append", cmdline]


def cdrom(iso):
    """Start from the ISO as a CD, by SeaBIOS."""
    return ["-vga", "std", "-cdrom", iso]


def disk(iso):
    """Start from the same image as a disk, as a PC's BIOS starts a USB stick."""
    return ["-vga", "std", "-drive", f"file={iso},format=raw,if=ide,readonly=off,snapshot=on"]


def usb(iso):
    """Start from the same image on a USB stick behind an xHCI controller."""
    return ["-vga", "std", "-device", "qemu-xhci", "-drive", f"if=none,id=stick,format=raw,readonly=on,file={iso}",
            "-device", "usb-storage,drive=stick,bootindex=0"]


def uefi(folder):
    """UEFI firmware with a copy of its variables in folder."""
    code = next((path for path in OVMF if os.path.exists(path)), None)
    variables = next((path for path in OVMF_VARS if os.path.exists(path)), None)
    if not code or not variables:
        raise MachineError("The UEFI firmware for QEMU is not installed: run `make setup` (package ovmf).")
    copy = os.path.join(folder, "uefi-variables.fd")
    shutil.copyfile(variables, copy)
    return ["-machine", "q35", "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={copy}"]
