# SPDX-License-Identifier: MIT
"""The list of jobs. Stage 0 builds, stage 1 tests, stage 2 tests the tests; within a stage the longest jobs stand first."""
import collections
import difflib
import functools
import os
import tempfile
import threading

from boot import bad_input, matrix
from support import COUNTS, CPUS, FLAVOURS, TESTS_OK, initramfs, command, counted, expect, kernel, verso
from support import Console
import abuse
import catalogue
import busybox
import disks
import crowd
import limits
import runner
import terminal
import stress

# Two CPUs run in parallel, as threads of the host: that finds races. Four would wait for each other on a small host.
PARALLEL = {1: "tcg", 2: "mttcg", 4: "tcg"}

LINUX_LOCK = threading.Lock()

# What stands before the names of a module's jobs.
SUITES = (
    ("boot", matrix),
    ("bad input", bad_input),
    ("runner", runner),
    ("limit", limits),
    ("abuse", abuse),
    ("busybox", busybox),
    ("crowd", crowd),
    ("terminal", terminal),
    ("stress", stress),
    ("disk", disks),
    ("docs", catalogue),
)

Job = collections.namedtuple("Job", "name stage function args")


def build(*words):
    """One build, with every warning an error."""
    status, out = command("make", "--no-print-directory", "-j2", "CI=1", *words)
    expect(status == 0, "make " + " ".join(words) + " failed", out)


def host(*options):
    """The tests of mm/ and lib/ in a process of the host, under ASan and UBSan."""
    status, out = command("make", "--no-print-directory", "host-tests", "HOST_ARGS=" + " ".join(options), timeout=900)
    passed, failed = counted(out)
    expect(status == 0 or failed, "the host tests ended with status %d" % status, out)
    return passed, failed, out if failed else ""


def sabotage():
    """Each rule of mm/ broken on purpose, and the tests that must notice."""
    status, out = command("make", "--no-print-directory", "sabotage", timeout=600)
    passed, failed = counted(out)
    return passed, failed, out if failed or status else ""


def in_kernel(flavour, cpus, options=""):
    """The tests that run inside the kernel at boot."""
    with tempfile.NamedTemporaryFile(suffix=".cpio") as archive:
        archive.write(initramfs.skeleton().pack())
        archive.flush()
        with Console(["-kernel", kernel(flavour), "-initrd", archive.name, "-append",
                      f"console=ttyS0 test=all panic=-1 {options}"], cpus, 128, PARALLEL[cpus]) as console:
            status = console.wait_end(400)
            passed, failed = counted(console.seen)
            expect(status == TESTS_OK or failed, f"QEMU ended with status {status}", console.told())
            return passed, failed, console.seen if failed else ""


@functools.lru_cache(maxsize=None)
def _linux_output():
    return command("sh", "user/tests/run-all.sh", "build/user/tests")


def linux_output():
    """(status, output) of the user tests on this machine's Linux, run once however many jobs ask."""
    with LINUX_LOCK:
        return _linux_output()


def comparable(output):
    """The lines that must be the same on both kernels: without the count, and without what stands behind a #, such as a
    seed or why a test was left out."""
    return [line.partition(" # ")[0] for line in output.splitlines() if not COUNTS.search(line)]


def user_tests_here():
    """The user tests on this machine's Linux: what they expect is what Linux does."""
    status, out = linux_output()
    passed, failed = counted(out)
    expect(status == 0 or failed, f"run-all.sh ended with status {status}", out)
    return passed, failed, out if failed else ""


def user_tests(flavour, cpus):
    """The same binaries on Verso: they pass, and say line by line what they said on Linux."""
    options = ["--accel", PARALLEL[cpus]] + (["--debug-kernel"] if flavour == "debug" else [])
    with runner.overlay() as tree:
        status, out, err = verso("--cpus", str(cpus), "--mem", "256", "--overlay", tree, *options,
                                 "/bin/busybox", "sh", "/tests/run-all.sh", "/tests", timeout=600)
    seen = out + err
    expect(status < 124, f"the run ended with status {status}", seen)
    passed, failed = counted(seen)
    difference = "\n".join(difflib.unified_diff(comparable(linux_output()[1]), comparable(out), "Linux", "Verso", lineterm=""))
    if difference and not failed:
        return passed, 1, "the tests say something else on Verso:\n" + difference
    return passed, failed, seen + "\n" + difference if failed else ""


def memory_tests_by_list():
    """The tests of memory with the list that anon_vmas had before 2012: another index, the same answers."""
    with runner.overlay() as tree:
        tests = os.path.join(tree, "tests")
        for name in os.listdir(tests):
            if not name.startswith(("mm_", "mremap_", "bugs_", "file_mappings", "advice", "swap_", "sysv_shm", "run-all", "helper_")):
                os.unlink(os.path.join(tests, name))
        status, out, err = verso("--cpus", "2", "--accel", "mttcg", "--overlay", tree, "--debug-kernel", "--cmdline", "rmap=list",
                                 "/bin/busybox", "sh", "/tests/run-all.sh", "/tests", timeout=600)
    expect(status < 124, f"the run ended with status {status}", out + err)
    passed, failed = counted(out + err)
    return passed, failed, out + err if failed else ""


def lint():
    status, out = command("tools/lint.sh", timeout=900)
    expect(status == 0, "make lint is not clean", out)


def documented_calls():
    """docs/abi names what the kernel's table of system calls holds, and every call of Linux."""
    status, out = command("tools/abi.py", "check")
    expect(status == 0, "docs/abi does not agree", out)


def all_jobs():
    jobs = [Job("build release", 0, build, ("all", "iso", "test-programs")), Job("build debug", 0, build, ("DEBUG=1", "kernel")),
            Job("lint", 1, lint, ()), Job("documented system calls", 1, documented_calls, ()),
            Job("host", 1, host, ()), Job("sabotage", 2, sabotage, ())]
    for flavour in reversed(FLAVOURS):
        for cpus in CPUS:
            jobs.append(Job(f"user {flavour} {cpus} cpus", 1, user_tests, (flavour, cpus)))
            jobs.append(Job(f"kernel {flavour} {cpus} cpus", 1, in_kernel, (flavour, cpus)))
    jobs.append(Job("user debug 2 cpus, rmap=list", 1, memory_tests_by_list, ()))
    jobs.append(Job("kernel debug 2 cpus, rmap=list", 1, in_kernel, ("debug", 2, "rmap=list")))
    jobs.append(Job("host, rmap=list", 2, host, ("--rmap=list",)))
    jobs.append(Job("user on this machine's Linux", 1, user_tests_here, ()))
    for prefix, module in SUITES:
        for name, function in module.JOBS:
            jobs.append(Job(f"{prefix}: {name}", 1, function, ()))
    return jobs
