#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's stress-ng, unmodified: its memory stressors, two of each, checking what they read back, with less memory than they
want and swap. `make test` runs one after the other for a second; as a command this runs each for a while, then all together.

usage: tests/stress.py [SECONDS]      60
"""
import re
import sys

from support import Failed, expect, verso

STRESS_NG = "/usr/bin/stress-ng"
STRESSORS = ("vm", "mmap", "mmapfork", "fork", "mremap", "mprotect", "madvise", "brk", "stack", "bigheap", "mincore", "mlock",
             "msync", "memfd", "shm", "pageswap")


LOOP = "for name; do %s --$name 2 --verify -t 1 2>&1 || { echo $name failed; exit 1; }; done" % STRESS_NG


def stress(program, *words, timeout):
    """One run in 256 MiB with compressed swap; it fails when a stressor found wrong bytes or ended badly. Returns what it said."""
    status, out, err = verso("--mem", "256", "--cpus", "2", "--add", STRESS_NG, program, *words, timeout=timeout)
    expect(status == 0 and "successful run completed" in out + err, f"{program} {' '.join(words)}: status {status}", out + err)
    return out + err


def each_for_a_second():
    stress("/bin/busybox", "sh", "-c", LOOP, "sh", *STRESSORS, timeout=400)


JOBS = [
    ("each memory stressor for a second", each_for_a_second),
]


def main(words):
    seconds = words[0] if words else "60"
    together = [word for name in STRESSORS for word in ("--" + name, "2")]
    runs = [(name, ["--" + name, "2"]) for name in STRESSORS] + [("all together", together)]
    failed = False
    for name, stressors in runs:
        try:
            said = stress(STRESS_NG, *stressors, "--verify", "-t", seconds, timeout=1800)
            print(f"{name}: {re.search('successful run completed.*', said).group(0)}", flush=True)
        except Failed as error:
            print(f"{name}: FAILED: {error}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
