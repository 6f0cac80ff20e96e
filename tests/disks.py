# SPDX-License-Identifier: MIT
"""Swap on disks: each kind of disk under pressure, areas that must be refused, partitions, and disks that fail, are silent,
or are pulled out. Images are made by mkswap; after a run, what the kernel had no right to write is as it was."""
import contextlib
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
import zlib

from support import ROOT, Console, expect, initramfs, kernel, machine, verso

MIB = 1 << 20
PAGE = 4096
BUSYBOX = "/bin/busybox"
LOAD = os.path.join(ROOT, "build", "user", "tests", "pressure")
SOAK = os.path.join(ROOT, "build", "user", "tests", "helper_soak")
SWAP_IO = os.path.join(ROOT, "build", "user", "tests", "helper_swap_io")
# For each kind: how a machine that is put together here gets the disk `disk0`, and its name there.
Q35 = ["-machine", "q35", "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
       "-device", "pcie-root-port,id=slot0,chassis=1,slot=1"]
DEVICES = {"virtio": "virtio-blk-pci,drive=disk0,id=dev0,bus=slot0", "ahci": "ide-hd,drive=disk0,id=dev0,bus=ide.0",
           "nvme": "nvme,drive=disk0,serial=1,id=dev0,bus=slot0"}
SLOW_IOPS = 200  # reads per second of a slow disk
BAD_SLOT = 300  # one that is surely used: slots are handed out from the front, in clusters of 256


def mkswap(path, size):
    """A new swap area. Returns its path."""
    with open(path, "wb") as image:
        image.truncate(size)
    os.chmod(path, 0o600)
    subprocess.run(["/sbin/mkswap", "-q", "-L", "test", path], check=True, capture_output=True)
    return path


def digest(path, start=0, end=None):
    with open(path, "rb") as image:
        image.seek(start)
        return hashlib.sha256(image.read(-1 if end is None else end - start)).hexdigest()


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="verso-disks-") as path:
        yield path


def counter(text, name):
    return int(re.search(rf"{name} (\d+)", text).group(1))


# ---- under pressure ----

def pressure(kind, cpus, accel="tcg"):
    def check():
        with folder() as here:
            image = mkswap(os.path.join(here, "swap.img"), 128 * MIB)
            header = digest(image, 0, PAGE)
            status, out, err = verso("--mem", "64", "--cpus", str(cpus), "--accel", accel, "--swap", image, "--disk", kind,
                                     LOAD, "20")
            expect(status == 0 and "PASSED" in out, "memory was not what it had been", out + err)
            expect(counter(out, "pswpout") > 500 and counter(out, "pswpin") > 500, "the disk was hardly used", out)
            expect(digest(image, 0, PAGE) == header, "the swap area's header was changed")
    return check


def four_times_memory(kind):
    """Eight processes of 32 MiB in 64 MiB, with fork, mprotect and mremap over the same pages, which hardly compress."""
    def check():
        with folder() as here:
            image = mkswap(os.path.join(here, "swap.img"), 320 * MIB)
            status, out, err = verso("--mem", "64", "--cpus", "2", "--swap", image, "--disk", kind, SOAK, "8", "32", "500", "200",
                                     "--mix", timeout=300)
            expect(status == 0 and "PASSED" in out, "eight processes of 32 MiB in 64 MiB lost something", out + err)
            expect("oom_kill 0\n" in out, "the OOM killer was called", out)
    return check


# ---- what must be refused ----

def patched(offset, data):
    def make(path):
        mkswap(path, MIB)
        with open(path, "r+b") as image:
            image.seek(offset)
            image.write(data)
    return make


def other_page_size(path):
    """As a machine with pages of 16 KiB makes it."""
    with open(path, "wb") as image:
        image.truncate(MIB)
        image.seek(1024)
        image.write(struct.pack("<II", 1, MIB // 16384 - 1))
        image.seek(16384 - 10)
        image.write(b"SWAPSPACE2")


def random_bytes(path):
    with open(path, "wb") as image:
        image.write(os.urandom(MIB))


REFUSED = [
    (random_bytes, "no swap signature"),
    (patched(PAGE - 10, b"SWAP-SPACE"), "of the old kind"),
    (patched(1024, struct.pack(">I", 1)), "of the other byte order"),
    (patched(1024, struct.pack("<I", 2)), "of an unknown version"),
    (patched(1028, struct.pack("<I", MIB // PAGE)), r"smaller than its swap area says \(1024 KiB, and 1028 KiB\)"),
    (patched(1028, struct.pack("<I", 0)), "an empty swap area"),
    (patched(1032, struct.pack("<I", 100000)), "more bad pages than there is room for"),
    (patched(1032, struct.pack("<I384xI", 1, 0)), "a bad page that is not in the area"),
    (other_page_size, "made for pages of 16 KiB, and here they have 4"),
]

REFUSALS = """
cd /dev
for d in vd?; do swapon $d 2>&1 && echo accepted $d; done
echo hello > /tmp/file
for d in /tmp/file /tmp /dev/null /dev/vdz; do swapon $d 2>&1; done
for d in vd?; do echo $d; dd if=/dev/zero of=$d bs=4096 count=1 2>&1 | grep -c 'not permitted'; done
cat /proc/swaps; cat vda | wc -c
"""


def check_refusals(out, said):
    for i, (_, sentence) in enumerate(REFUSED):
        name = machine.disk_name("virtio", i)
        expect(re.search(f"swap: /dev/{name}: .*{sentence}", said), f"the log does not say {sentence!r} of {name}", said)
        expect(f"swapon: {name}: Invalid argument" in out, f"{name} was not EINVAL", out)
        expect(f"{name}\n1\n" in out, f"a write to {name} was not refused with EPERM", out)
    expect("accepted" not in out and "/dev/" not in out.rpartition("Filename")[2], "something was accepted", out)
    for path, why in (("/tmp/file", "Invalid argument"), ("/tmp", "Is a directory"), ("/dev/null", "Invalid argument"),
                      ("/dev/vdz", "No such file or directory")):
        expect(f"swapon: {path}: {why}" in out, f"swapon {path} did not say {why!r}", out)


def refused():
    with folder() as here:
        images = [os.path.join(here, f"{i}.img") for i in range(len(REFUSED))]
        for image, (make, _) in zip(images, REFUSED):
            make(image)
        before = [digest(image) for image in images]
        log = os.path.join(here, "log")
        drives = [word for image in images for word in ("--drive", image)]
        status, out, err = verso("--cpus", "2", "--log", log, "--swap", "0", *drives, BUSYBOX, "sh", "-c", REFUSALS)
        with open(log, encoding="utf-8", errors="replace") as text:
            check_refusals(out, text.read())
        expect(status == 0 and out.endswith(f"{MIB}\n"), "the disk could not be read to its end", out + err)
        expect([digest(image) for image in images] == before, "a disk without a good signature was written to")


def not_swapped_to():
    """A disk that is only attached stays as it is while the machine swaps to another."""
    with folder() as here:
        image, other = mkswap(os.path.join(here, "swap.img"), 64 * MIB), os.path.join(here, "other.img")
        random_bytes(other)
        before = digest(other)
        status, out, err = verso("--mem", "48", "--swap", image, "--drive", other, LOAD, "10")
        expect(status == 0 and "PASSED" in out, "the run failed", out + err)
        expect(digest(other) == before, "a disk that is not swapped to was written to")


# ---- partitions ----

def mbr_entry(kind, start, count):
    return struct.pack("<B3xB3xII", 0, kind, start, count)


def mbr(entries):
    return (b"\0" * 446 + b"".join(entries)).ljust(510, b"\0") + b"\x55\xaa"


def make_mbr(path, _):
    """Two primary partitions, and two logical ones in an extended one. Returns {number: (first byte, bytes)}."""
    with open(path, "wb") as image:
        image.truncate(32 * MIB)
        image.write(mbr([mbr_entry(0x82, 2048, 40960), mbr_entry(0x83, 43008, 2048), mbr_entry(0x05, 45056, 8192)]))
        image.seek(45056 * 512)
        image.write(mbr([mbr_entry(0x83, 2048, 1024), mbr_entry(0x05, 4096, 4096)]))
        image.seek((45056 + 4096) * 512)
        image.write(mbr([mbr_entry(0x82, 1024, 2048)]))
    return {1: (2048, 40960), 2: (43008, 2048), 3: None, 5: (47104, 1024), 6: (50176, 2048)}


def gpt_header(sector, here, other, entries_at, entries, last):
    fields = [b"EFI PART", 0x10000, 92, 0, 0, here, other, 40, last - 40, b"\x11" * 16, entries_at, 128, 128,
              zlib.crc32(entries)]
    packed = struct.pack("<8sIIIIQQQQ16sQIII", *fields)
    fields[3] = zlib.crc32(packed)
    return struct.pack("<8sIIIIQQQQ16sQIII", *fields).ljust(sector, b"\0")


def make_gpt(path, sector, damage=False):
    """Partitions 1 and 3. With damage, the first table has a wrong byte."""
    size, parts = 32 * MIB, {1: (2 * MIB, 20 * MIB), 3: (24 * MIB, MIB)}
    last = size // sector - 1
    entries = bytearray(128 * 128)
    for number, (start, count) in parts.items():
        entries[128 * (number - 1):128 * number] = struct.pack("<16s16sQQ80x", b"\x22" * 16, bytes([number]) * 16,
                                                               start // sector, (start + count) // sector - 1)
    entries_sectors = len(entries) // sector
    with open(path, "wb") as image:
        image.truncate(size)
        image.write(mbr([mbr_entry(0xee, 1, last)]))
        image.seek(sector)
        image.write(gpt_header(sector, 1, last, 2, entries, last))
        image.write(entries)
        image.seek((last - entries_sectors) * sector)
        image.write(entries)
        image.write(gpt_header(sector, last, 1, last - entries_sectors, entries, last))
        if damage:
            image.seek(2 * sector + 40)
            image.write(b"\xff")
    return {number: (start // 512, count // 512) for number, (start, count) in parts.items()}


def sign_partition(path, first, sectors):
    with tempfile.NamedTemporaryFile() as area:
        mkswap(area.name, sectors * 512)
        with open(path, "r+b") as image:
            image.seek(first * 512)
            image.write(area.read(PAGE))


PARTITIONS = """
cat /proc/partitions; echo | /tests/helper_swap_io 2; cat /proc/swaps
swapoff PART && swapon PART && swapon PART 2>&1
swapon DISK 2>&1; blockdev --rereadpt DISK 2>&1
swapoff PART && blockdev --rereadpt DISK && blockdev --getsize64 PART
"""


def partitions(kind, make, extra):
    """The kernel finds what is in the table, swaps to the first partition, and leaves everything else as it was."""
    def check():
        with folder() as here:
            image = os.path.join(here, "disk.img")
            parts = make(image, extra)
            first, sectors = parts[1]
            sign_partition(image, first, sectors)
            start, end = first * 512, (first + sectors) * 512
            before = digest(image, 0, start + PAGE), digest(image, end)
            name = machine.disk_name(kind, 0)
            dash = "p" if name[-1].isdigit() else ""
            one = f"/dev/{name}{dash}1"
            options = ["--block-size", str(extra)] if extra == 4096 else []
            status, out, err = verso("--cmdline", f"swap=0 swap={one}", "--disk", kind, "--drive", image, *options,
                                     "--overlay", os.path.join(ROOT, "build", "user"), BUSYBOX, "sh", "-c",
                                     PARTITIONS.replace("PART", one).replace("DISK", f"/dev/{name}"))
            for number, where in parts.items():
                expect(bool(re.search(rf"{where[1] // 2 if where else ''} {name}{dash}{number}\n", out)) == bool(where),
                       f"partition {number} is not as in the table", out + err)
            expect("wrong 0, lost 0" in out and re.search(rf"{one} +partition +{sectors // 2 - 4}\t", out),
                   "the partition was not swapped to", out + err)
            expect(out.count("Device or resource busy") == 3 and out.endswith(f"{sectors * 512}\n") and status == 0,
                   "swapoff, swapon, and what must be refused meanwhile", out + err)
            expect((digest(image, 0, start + PAGE), digest(image, end)) == before, "something else on the disk was written")
    return check


def make_damaged_gpt(path, sector):
    return make_gpt(path, sector, damage=True)


def overlapping():
    """Two partitions with sectors in common, each with a signature: only one of them is swapped to."""
    with folder() as here:
        image = os.path.join(here, "disk.img")
        parts = {1: (2048, 20480), 2: (12288, 20480), 3: (32768, 2048)}
        with open(image, "wb") as out:
            out.truncate(20 * MIB)
            out.write(mbr([mbr_entry(0x82, *where) for where in parts.values()]))
        for first, sectors in parts.values():
            sign_partition(image, first, sectors)
        status, out, err = verso("--cmdline", "swap=0", "--drive", image, BUSYBOX, "sh", "-c",
                                 "for i in 1 2 3; do swapon /dev/vda$i 2>&1; done; "
                                 "swapoff /dev/vda1; swapon /dev/vda2 && swapon /dev/vda1 2>&1")
        expect(re.findall(r"/dev/vda(\d): Device or resource busy", out) == ["2", "1"], "partitions that overlap", out + err)


# ---- disks that fail ----

class Monitor:
    """QEMU's monitor (QMP), through a socket in a folder."""

    def __init__(self, here):
        self.path = os.path.join(here, "qmp")
        self.args = ["-qmp", f"unix:{self.path},server=on,wait=off"]
        self.link = None

    def connect(self):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(60)
        link.connect(self.path)
        self.link = link.makefile("rw")
        self.hear()
        self.ask("qmp_capabilities")

    def hear(self):
        line = self.link.readline()
        expect(line, "QEMU's monitor has gone", self.path)
        return json.loads(line)

    def ask(self, command, **arguments):
        """The answer to a command; events that are told before it are nothing to us."""
        if not self.link:
            self.connect()
        self.link.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.link.flush()
        while True:
            said = self.hear()
            if "event" not in said:
                expect("return" in said, f"QEMU's monitor does not like {command}", str(said))
                return said["return"]

    def throttle(self, kind, **limits):
        """Slow the disk `dev0` down to these limits; without any, no longer."""
        words = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
        words["id"] = "/machine/peripheral/dev0/virtio-backend" if kind == "virtio" else "dev0"
        self.ask("block_set_io_throttle", **{**words, **limits})

    def wait_unplugged(self, device, timeout=60):
        """Until the kernel has let go of the device and switched its slot off. (QEMU's own event, DEVICE_DELETED, comes
        with the last reference that QEMU has; after unplugging in the middle of work it may keep one for good.)"""
        end = time.monotonic() + timeout
        while any(item["name"] == device for item in self.ask("qom-list", path="/machine/peripheral")):
            expect(time.monotonic() < end, f"{device} was still in its slot after {timeout} s")
            time.sleep(0.05)


# Process 1 of a machine whose disk fails; its argument is the number of children. helper_swap_io waits for a line, and only
# its memory is swapped out.
SCRIPT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
/bin/helper_swap_io 4 $1
$B grep swap_ /proc/vmstat
/bin/pressure 2
$B swapoff $($B tail -n 1 /proc/swaps | $B cut -d ' ' -f 1) && echo swapoff done
$B poweroff -f
"""


@contextlib.contextmanager
def failing_machine(here, kind, blockdev, flavour="release", args=(), words="", init="/bin/script", mem=128):
    """The console of a machine that swaps to `blockdev`, when helper_swap_io has sent its memory there."""
    archive = initramfs.skeleton()
    for path in (BUSYBOX, SWAP_IO, LOAD):
        archive.host_file("bin/" + os.path.basename(path), path)
    archive.file("bin/script", SCRIPT.encode(), 0o755)
    path = os.path.join(here, "archive")
    with open(path, "wb") as out:
        out.write(archive.pack())
    name = machine.disk_name(kind, 0)
    with Console([*Q35, "-blockdev", blockdev, "-device", DEVICES[kind], *args, "-kernel", kernel(flavour), "-initrd", path,
                  "-append", f"console=ttyS0 panic=-1 init={init} swap=0 swap=/dev/{name} {words}"], 2, mem) as console:
        console.wait_for("ready")
        yield console


def lost_pages(console, children=4):
    """What helper_swap_io found: how many pages were lost, of how many children, and the text up to the end."""
    console.type("\n")
    console.wait_for("children ")
    line = console.wait_for("\n")
    well, _, wrong, lost, losers, afterwards = (int(word) for word in re.findall(r"\d+", line))
    expect(well == children and not wrong and not afterwards, "memory was wrong, or a child died", line)
    rest = console.wait_for("swapoff done")
    expect("PASSED" in rest, "the machine did not go on as before", rest)
    console.wait_end()
    return lost, losers, rest


def plain(image):
    return f"driver=raw,node-name=disk0,file.driver=file,file.filename={image}"


def bad_sector(image, what):
    """An image one sector of which cannot be read, or written."""
    rule = "file.inject-error.0."
    return ("driver=raw,node-name=disk0,file.driver=blkdebug,"
            f"file.image.driver=file,file.image.filename={image},"
            f"{rule}event=none,{rule}iotype={what},{rule}sector={BAD_SLOT * 8},{rule}errno=5,{rule}once=off")


def io_error(kind, what):
    """Only the page whose sector cannot be read is lost; one that cannot be written goes elsewhere."""
    def check():
        with folder() as here:
            image = mkswap(os.path.join(here, "swap.img"), 24 * MIB)
            with failing_machine(here, kind, bad_sector(image, what)) as console:
                lost, losers, rest = lost_pages(console)
            expect((lost, losers) == ((1, 1) if what == "read" else (0, 0)), f"{lost} pages lost in {losers} children", rest)
            expect(counter(rest, f"swap_{what}_error") >= 1, "the error was not counted", rest)
    return check


def slow_io_error(kind, children):
    """The same with a slow disk: what is under way beside the error, or comes after it, takes its time. One child has one
    request at a time, four have several."""
    def check():
        with folder() as here:
            monitor = Monitor(here)
            image = mkswap(os.path.join(here, "swap.img"), 24 * MIB)
            with failing_machine(here, kind, bad_sector(image, "read"), args=monitor.args, words=f"-- {children}") as console:
                monitor.throttle(kind, iops_rd=SLOW_IOPS)
                lost, losers, rest = lost_pages(console, children)
            expect((lost, losers) == (1, 1), f"{lost} pages lost in {losers} children", rest)
    return check


def pulled_out(kind, flavour):
    """The disk goes away with all that was swapped out: that is lost, the rest of the machine is not."""
    def check():
        with folder() as here:
            monitor = Monitor(here)
            image = mkswap(os.path.join(here, "swap.img"), 64 * MIB)
            with failing_machine(here, kind, plain(image), flavour, monitor.args) as console:
                monitor.ask("device_del", id="dev0")
                console.wait_for("pulled out: every request to it fails")
                monitor.wait_unplugged("dev0")
                lost, losers, rest = lost_pages(console)
            expect(lost > 3000 and losers == 4, f"{lost} pages lost in {losers} children: was the disk used?", rest)
    return check


def pulled_out_in_use(kind, flavour):
    """The disk goes away in the middle of its work: four processes use twice the memory. Each loses what was on the disk,
    or is killed for want of memory; nobody sees wrong bytes, and process 1 goes on. (The console does not show the log's
    errors: they would be mixed into the program's line.)"""
    def check():
        with folder() as here:
            monitor = Monitor(here)
            image = mkswap(os.path.join(here, "swap.img"), 160 * MIB)
            with failing_machine(here, kind, plain(image), flavour, monitor.args, "loglevel=3 -- 32 busy",
                                 "/bin/helper_swap_io", 64) as console:
                monitor.ask("device_del", id="dev0")
                monitor.wait_unplugged("dev0")
                console.type("\n")
                console.wait_for("children ")
                line = console.wait_for("\n")
                well, _, wrong, lost, _, afterwards = (int(word) for word in re.findall(r"\d+", line))
                expect(not wrong and not afterwards and lost and well, "what a child saw after the disk had gone", line)
                console.wait_end()
    return check


def silent(kind):
    """The disk does not answer for a while: it is reset, and nothing is lost. (While a SATA disk is reset, QEMU stands still
    until what it holds back has been let through: that must come to an end, so it is one request a second.)"""
    def check():
        with folder() as here:
            monitor = Monitor(here)
            image = mkswap(os.path.join(here, "swap.img"), 64 * MIB)
            seconds, limits = (2, {"iops_rd": 1}) if kind == "ahci" else (4, {"bps": 1})
            with failing_machine(here, kind, plain(image), args=monitor.args, words=f"blktimeout={seconds}") as console:
                monitor.throttle(kind, **limits)
                console.type("\n")
                console.wait_for("resetting the device")
                monitor.throttle(kind)
                lost, _, rest = lost_pages(console)
            expect(lost == 0, f"{lost} pages were lost", rest)
    return check


def empty_ports():
    """An AHCI port without a disk receives nothing: a disk plugged in later would write to memory that is not its own."""
    with folder() as here:
        monitor = Monitor(here)
        image = mkswap(os.path.join(here, "swap.img"), 64 * MIB)
        with failing_machine(here, "ahci", plain(image), args=monitor.args):
            def hmp(line):
                return monitor.ask("human-monitor-command", **{"command-line": line})

            bar = re.search(r"SATA controller.*?BAR5: 32 bit memory at (0x[0-9a-f]+)", hmp("info pci"), re.S).group(1)
            # Of each port the command register (bit 4: it receives) and the link's state (nonzero: there is a disk).
            ports = [[int(hmp(f"xp /1wx {int(bar, 0) + 0x100 + 0x80 * n + register:#x}").split()[-1], 0)
                      for register in (0x18, 0x28)] for n in range(6)]
            receiving = [bool(command & 0x10) for command, _ in ports]
            expect(receiving == [link != 0 for _, link in ports] and receiving.count(True) == 1,
                   "ports that receive", str(ports))


JOBS = [(f"swap on {kind}, {cpus} cpus", pressure(kind, cpus, "mttcg" if cpus == 2 else "tcg"))
        for kind in machine.DISKS for cpus in (1, 2, 4)]
JOBS += [(f"8 x 32 MiB in 64 MiB on {kind}", four_times_memory(kind)) for kind in machine.DISKS]
JOBS += [(f"{kind}: {what} error", io_error(kind, what)) for kind in machine.DISKS for what in ("read", "write")]
JOBS += [(f"{kind}: slow read error, {children} processes", slow_io_error(kind, children))
         for kind in machine.DISKS for children in (1, 4)]
JOBS += [(f"{kind}: does not answer", silent(kind)) for kind in machine.DISKS]
JOBS += [
    ("ahci: empty ports", empty_ports),
    ("virtio pulled out", pulled_out("virtio", "release")),
    ("nvme pulled out, debug", pulled_out("nvme", "debug")),
    ("virtio pulled out in use, debug", pulled_out_in_use("virtio", "debug")),
    ("nvme pulled out in use", pulled_out_in_use("nvme", "release")),
    ("areas that are refused", refused),
    ("a disk that is not swapped to", not_swapped_to),
    ("partitions that overlap", overlapping),
    ("partitions, MBR", partitions("virtio", make_mbr, 512)),
    ("partitions, GPT", partitions("nvme", make_gpt, 512)),
    ("partitions, GPT, sectors of 4 KiB", partitions("nvme", make_gpt, 4096)),
    ("partitions, damaged GPT", partitions("ahci", make_damaged_gpt, 512)),
]
