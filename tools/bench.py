#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Verso's figures beside Linux's.

    bench.py mm [ROW]     the memory-management benchmark (user/bench/mmbench.c) in instructions, under -icount, beside
                          the figures that the same binary gave on Linux 6.1 in the same emulator
    bench.py rmap         VMAs and tree nodes that a reverse-map walk visits, by interval tree and by list, as a region is
                          cut into up to 60 000 VMAs
    bench.py sizes        bytes of the reverse map's objects, beside Linux 6.1's slabs
    bench.py refaults [PATTERN]
                          how often reclaim evicts what is needed again: access patterns (user/bench/refaults.c) in the
                          same memory on Verso and on Debian's kernel, both with compressed RAM as swap
    bench.py loop         instructions for each page of a loop over 1.5 times the memory, with compressed RAM as swap
    bench.py boot         `verso run /bin/busybox true` and Debian's cloud kernel with the same program, started the same
                          way, one after the other, in seconds (medians)

`bench.py boot` and `refaults` fetch Debian's kernel package with apt-get into build/linux once; it is unpacked there, not installed.
"""
import glob
import os
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

from versolib import cpio, initramfs, machine  # noqa: E402

ROOT = os.path.dirname(HERE)
LINUX_FIGURES = os.path.join(ROOT, "user", "bench", "linux-6.1-icount.tsv")
LINUX = os.path.join(ROOT, "build", "linux")
BUSYBOX = "/bin/busybox"
REPEATS = 5
VERSO = os.path.join(HERE, "verso")


def linux_figures():
    with open(LINUX_FIGURES, encoding="ascii") as source:
        return {row: float(figure) for row, figure, _ in (line.rstrip("\n").split("\t") for line in source if line.strip())}


def bench_mm(rows):
    """Run mmbench and print each row as it comes: Verso, Linux, and the ratio."""
    linux = linux_figures()
    command = [VERSO, "run", "--icount", "--mem", "2048", initramfs.user_program("bench/mmbench"), *rows]
    print(f"{'row':38} {'Verso':>12} {'Linux 6.1':>12} {'ratio':>6}  unit (instructions)")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            words = line.rstrip("\n").split("\t")
            if len(words) != 3 or words[0] not in linux:
                print(line, end="")
                continue
            figure, other = float(words[1]), linux[words[0]]
            print(f"{words[0]:38} {figure:12.1f} {other:12.1f} {figure / other:6.2f}  {words[2]}", flush=True)
        return run.wait()


def rmap_visits(index):
    """{number of VMAs: nodes a walk visits} with rmap=tree or rmap=list."""
    done = subprocess.run([VERSO, "run", "--mem", "1024", "--cmdline", "rmap=" + index,
                           initramfs.user_program("bench/rmapcurve")], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit("rmapcurve failed: " + done.stderr)
    return {int(k): (float(vmas), float(nodes)) for k, _, vmas, nodes in map(str.split, done.stdout.splitlines())}


def bench_rmap():
    tree, flat = rmap_visits("tree"), rmap_visits("list")
    print("one reverse-map walk, for a page of a region cut into so many VMAs")
    print(f"{'VMAs':>8} {'VMAs visited':>14} {'tree nodes':>12} {'list entries':>14}")
    for k, (vmas, nodes) in tree.items():
        print(f"{k:8} {vmas:14.1f} {nodes:12.1f} {flat[k][1]:14.1f}")
    return 0


# Linux 6.1's slabs: vm_area_struct has 152 bytes, and a maple-tree node of 256 bytes holds about ten VMAs.
LINUX_SIZES = {"anon_vma_chain": 64, "anon_vma": 104, "vm_area_struct": 152 + 26}


def bench_sizes():
    done = subprocess.run([VERSO, "run", BUSYBOX, "cat", "/proc/slabinfo"], capture_output=True, text=True, check=True)
    sizes = {words[0]: int(words[3]) for words in map(str.split, done.stdout.splitlines()) if words[0] in LINUX_SIZES}
    print(f"{'object':16} {'Verso':>6} {'Linux 6.1':>10}  bytes")
    for name, other in LINUX_SIZES.items():
        print(f"{name:16} {sizes[name]:6} {other:10}")
    return 0 if all(sizes[name] <= other for name, other in LINUX_SIZES.items()) else 1


def linux_kernel():
    """The path of Debian's cloud kernel, fetched and unpacked if need be."""
    found = glob.glob(os.path.join(LINUX, "boot", "vmlinuz-*-cloud-amd64"))
    if found:
        return found[0]
    os.makedirs(LINUX, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True, check=True)
    package = next(line.split()[-1] for line in depends.stdout.splitlines() if "linux-image-6" in line)
    print(f"fetching {package} into {LINUX}", file=sys.stderr)
    subprocess.run(["apt-get", "download", "-qq", package], cwd=LINUX, check=True)
    archive = glob.glob(os.path.join(LINUX, package + "_*.deb"))[0]
    subprocess.run(["dpkg-deb", "-x", archive, LINUX], check=True)
    return glob.glob(os.path.join(LINUX, "boot", "vmlinuz-*-cloud-amd64"))[0]


def linux_archive(path):
    """busybox as init: it runs `true` and powers off."""
    archive = cpio.Archive()
    archive.host_file("bin/busybox", BUSYBOX)
    archive.file("init", b"#!/bin/busybox sh\n/bin/busybox true\n/bin/busybox poweroff -f\n", 0o755)
    with open(path, "wb") as out:
        out.write(archive.pack())


# What the patterns may use, and the machines' memory, in MiB. MemTotal is 154 on both, and with it the reserves that both
# kernels compute from it: Linux needs the rest for itself.
ROOM, MACHINE, VERSO_MACHINE = 24, 192, 158

LINUX_SWAP_INIT = f"""#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for m in lzo-rle zsmalloc zram; do $b insmod /$m.ko; done
echo {2 * MACHINE}M > /sys/block/zram0/disksize
$b mkswap /dev/zram0 > /dev/null && $b swapon /dev/zram0
/refaults {ROOM} $PATTERN
$b poweroff -f
"""


def linux_refaults(program, pattern):
    """The output of refaults on Debian's kernel, with zram as its swap."""
    kernel = linux_kernel()
    modules = glob.glob(os.path.join(LINUX, "lib", "modules", "*", "kernel"))[0]
    archive = cpio.Archive()
    archive.host_file("bin/busybox", BUSYBOX)
    archive.host_file("refaults", program)
    for module in ("crypto/lzo-rle.ko", "mm/zsmalloc.ko", "drivers/block/zram/zram.ko"):
        archive.host_file(os.path.basename(module), os.path.join(modules, module))
    for directory in ("proc", "sys", "dev"):
        archive.directory(directory)
    archive.file("init", LINUX_SWAP_INIT.replace("$PATTERN", " ".join(pattern)).encode(), 0o755)
    image = os.path.join(ROOT, "build", "linux-refaults.cpio")
    with open(image, "wb") as out:
        out.write(archive.pack())
    command = machine.base(1, MACHINE, "icount") + machine.direct(
        kernel, image, "console=ttyS0 quiet panic=-1 mitigations=off") + ["-serial", "stdio"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.decode(errors="replace")


def misses(text):
    """{pattern: (major faults, accesses)} of refaults' output."""
    lines = (line.strip().split("\t") for line in text.splitlines())
    return {words[0]: (int(words[1]), int(words[2])) for words in lines if len(words) == 3 and words[1].isdigit()}


def bench_refaults(pattern):
    program = initramfs.user_program("bench/refaults")
    verso = subprocess.run([VERSO, "run", "--icount", "--mem", str(VERSO_MACHINE), program, str(ROOM), *pattern], capture_output=True, text=True,
                           check=False)
    linux = linux_refaults(program, pattern)
    ours, theirs = misses(verso.stdout), misses(linux)
    if not ours or ours.keys() != theirs.keys():
        sys.exit("refaults failed: " + verso.stdout + verso.stderr + linux)
    print(f"{ROOM} MiB of memory; pages brought back from swap")
    print(f"{'pattern':8} {'accesses':>9} {'Verso':>8} {'Linux 6.1':>10} {'ratio':>6}")
    for name, (count, accesses) in ours.items():
        print(f"{name:8} {accesses:9} {count:8} {theirs[name][0]:10} {count / theirs[name][0]:6.2f}")
    return 0 if all(count <= theirs[name][0] for name, (count, _) in ours.items()) else 1


# What a page may cost at most.
LOOP_BOUNDS = {"loop_half": 20000, "loop_empty": 8000}


def bench_loop():
    done = subprocess.run([VERSO, "run", "--icount", "--mem", "128", initramfs.user_program("bench/swaploop")],
                          capture_output=True, text=True, check=False)
    figures = {name: float(figure) for name, figure, _ in (line.split("\t") for line in done.stdout.splitlines())}
    if figures.keys() != LOOP_BOUNDS.keys():
        sys.exit("swaploop failed: " + done.stdout + done.stderr)
    print(f"{'loop':12} {'Verso':>9} {'at most':>9}  instructions per page")
    for name, bound in LOOP_BOUNDS.items():
        print(f"{name:12} {figures[name]:9.1f} {bound:9}")
    return 0 if all(figures[name] <= bound for name, bound in LOOP_BOUNDS.items()) else 1


def timed(command):
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.decode()}")
    return time.monotonic() - start


def bench_boot():
    archive = os.path.join(ROOT, "build", "linux-bench.cpio")
    linux_archive(archive)
    linux = machine.base(1, 256, "tcg") + machine.direct(
        linux_kernel(), archive, "console=ttyS0 quiet panic=-1 mitigations=off") + ["-serial", "null"]
    verso = [VERSO, "run", BUSYBOX, "true"]
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(timed(verso))
        theirs.append(timed(linux))
    verso_time, linux_time = statistics.median(ours), statistics.median(theirs)
    print(f"busybox true, from start to end, median of {REPEATS}: Verso {verso_time:.2f} s, "
          f"Linux {linux_time:.2f} s, ratio {verso_time / linux_time:.2f}")
    return 0 if verso_time <= linux_time / 2 else 1


def main(args):
    if args[:1] == ["mm"]:
        return bench_mm(args[1:])
    if args == ["rmap"]:
        return bench_rmap()
    if args == ["sizes"]:
        return bench_sizes()
    if args[:1] == ["refaults"]:
        return bench_refaults(args[1:])
    if args == ["loop"]:
        return bench_loop()
    if args == ["boot"]:
        return bench_boot()
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
