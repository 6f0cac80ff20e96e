# SPDX-License-Identifier: MIT
"""What Verso must reach: figures, each measured and held against its bound. All are repeatable: instruction counts under
-icount, sizes, or whether a load passes; never seconds, but for the one that compares Verso and Linux side by side."""
import math
import os
import re
import subprocess
import tempfile

from support import ROOT, expect, kernel, verso

MIB = 1 << 20
BUSYBOX = "/bin/busybox"
SOAK = os.path.join(ROOT, "build", "user", "tests", "helper_soak")
LOAD = os.path.join(ROOT, "build", "user", "tests", "pressure")


def image_size():
    out = subprocess.run(["size", kernel("release")], capture_output=True, text=True, check=True).stdout
    text, data = (int(word) for word in out.splitlines()[1].split()[:2])
    expect(text + data < MIB, f"text and data are {text + data} bytes, and must stay below {MIB}")
    return f"{(text + data) // 1024} KiB of text and data"


def boot_instructions():
    """From kernel entry to the first user instruction: the kernel logs the TSC's advance, which -icount makes exact."""
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        status, _, err = verso("--icount", "--mem", "256", "--log", log.name, "--cmdline", "loglevel=7", BUSYBOX, "true")
        with open(log.name, encoding="utf-8", errors="replace") as source:
            text = source.read()
    found = re.search(r"first user instruction after (\d+) ", text)
    expect(status == 0 and found, "the kernel log does not tell when user space began", err + text)
    count = int(found.group(1))
    expect(count <= 60_000_000, f"{count} instructions to the first user instruction, and must be at most 60000000")
    return f"{count / 1e6:.1f} million instructions to user space"


def free_memory():
    status, out, err = verso("--mem", "256", BUSYBOX, "sh", "-c", "cat /proc/meminfo")
    found = re.search(r"MemFree:\s+(\d+) kB", out)
    expect(status == 0 and found, "no MemFree in /proc/meminfo", out + err)
    free = int(found.group(1)) / 1024
    expect(free >= 246, f"{free:.1f} MiB of 256 are free at the shell, and must be at least 246", out)
    return f"{free:.1f} MiB of 256 free"


def small_machine():
    status, out, err = verso("--mem", "24", BUSYBOX, "sh", "-c", "echo $((6*7))")
    expect(status == 0 and out == "42\n", "the shell did not run in 24 MiB", out + err)


def four_children(flavour, cpus):
    def check():
        options = ["--debug-kernel"] if flavour == "debug" else []
        status, out, err = verso("--mem", "64", "--cpus", str(cpus), *options, LOAD, "16")
        expect(status == 0 and "PASSED" in out, "four children of 16 MiB in 64 MiB lost something", out + err)
        expect(int(re.search(r"pswpout (\d+)", out).group(1)) > 0, "no swap was used", out)
    return check


def swap_loop():
    """Every page of a loop over 1.5 times the memory is faulted, reclaimed, compressed and decompressed, and that is not dear."""
    done = subprocess.run([os.path.join(ROOT, "tools", "bench.py"), "loop"], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, "a page of a loop over 1.5 times the memory costs too much", done.stdout + done.stderr)
    return ", ".join(f"{line.split()[0]} {line.split()[1]}" for line in done.stdout.splitlines()[1:]) + " instructions a page"


def four_times_memory(flavour, cpus, steps, *words):
    def check():
        options = ["--debug-kernel"] if flavour == "debug" else []
        status, out, err = verso("--mem", "64", "--cpus", str(cpus), *options, SOAK, "8", "32", str(steps), "24", *words, timeout=400)
        expect(status == 0 and "PASSED" in out, "eight processes of 32 MiB in 64 MiB lost something", out + err)
        expect("oom_kill 0\n" in out, "the OOM killer was called", out)
        return re.search(r"pswpin \d+", out).group(0)
    return check


def oom_spares_who_fits(flavour, cpus):
    """With 60 MiB a child only one fits, even compressed: three are killed, one after the other, and the last goes on and passes."""
    def check():
        options = ["--debug-kernel"] if flavour == "debug" else []
        status, out, err = verso("--mem", "64", "--cpus", str(cpus), *options, LOAD, "60", "--expect-oom")
        expect(status == 0 and "PASSED" in out, "the OOM killer did not leave the rest intact", out + err)
    return check


def rmap_walk():
    """A walk visits the one VMA that holds the page, and a number of tree nodes that grows as the logarithm of theirs."""
    status, out, err = verso("--mem", "1024", os.path.join(ROOT, "build", "user", "bench", "rmapcurve"))
    expect(status == 0 and out, "rmapcurve failed", out + err)
    for line in out.splitlines():
        k, _, vmas, nodes = (float(word) for word in line.split())
        expect(vmas == 1, f"a walk among {k:.0f} VMAs visited {vmas} of them, and must visit one", out)
        expect(nodes <= 2 * math.log2(k + 1) + 2, f"a walk among {k:.0f} VMAs visited {nodes} tree nodes", out)
    return f"{vmas:.0f} VMA and {nodes:.1f} tree nodes a walk among {k:.0f} VMAs"


def fork_chain():
    """A chain of forks without end does not grow the reverse map without end."""
    status, out, err = verso("--mem", "64", os.path.join(ROOT, "build", "user", "tests", "helper_generations"), "100000")
    expect(status == 0 and "PASSED" in out, "a hundred thousand generations of forks grew the slabs", out + err)


JOBS = [
    ("a chain of 100000 forks", fork_chain),
    ("image size", image_size),
    ("instructions to user space", boot_instructions),
    ("free memory", free_memory),
    ("shell in 24 MiB", small_machine),
    ("4 x 16 MiB in 64 MiB, 2 cpus", four_children("release", 2)),
    ("4 x 16 MiB in 64 MiB, 4 cpus", four_children("release", 4)),
    ("4 x 16 MiB in 64 MiB, debug", four_children("debug", 2)),
    ("8 x 32 MiB in 64 MiB, 2 cpus", four_times_memory("release", 2, 1500)),
    ("8 x 32 MiB in 64 MiB, 4 cpus, fork, mprotect, mremap", four_times_memory("release", 4, 1500, "--mix")),
    ("8 x 32 MiB in 64 MiB, debug, fork, mprotect, mremap", four_times_memory("debug", 2, 500, "--mix")),
    ("loop over 1.5 x memory", swap_loop),
    ("reverse-map walk", rmap_walk),
    ("OOM killer, 1 cpu", oom_spares_who_fits("release", 1)),
    ("OOM killer, 2 cpus", oom_spares_who_fits("release", 2)),
    ("OOM killer, 4 cpus, debug", oom_spares_who_fits("debug", 4)),
]
