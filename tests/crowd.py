#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of sixty-four threads (user/tests/helper_crowd.c), with musl and with glibc: each run ends well and says what it says
on this machine's Linux. `make test` does a few runs; as a command this does a hundred of each at 1, 2 and 4 CPUs.

usage: tests/crowd.py [RUNS]
"""
import os
import sys
import tempfile

from support import CPUS, ROOT, Failed, command, expect, verso

BUSYBOX = "/bin/busybox"
PROGRAMS = {"musl": os.path.join(ROOT, "build", "user", "tests", "helper_crowd"),
            "glibc": os.path.join(ROOT, "build", "user", "glibc", "helper_crowd")}
# Run $1 $2 times; say how many ended well with just what the file $3 holds, and show the first that did not.
LOOP = """i=0 good=0
while [ $i -lt $2 ]; do
	i=$((i + 1))
	if $1 >/tmp/said && cmp -s /tmp/said $3; then good=$((good + 1)); else echo run $i; cat /tmp/said; break; fi
done
echo $good of $2 runs"""


def runs(library, cpus, count, *options):
    """count runs in one machine."""
    program = PROGRAMS[library]
    status, here = command("timeout", "100", program)
    expect(status == 0, f"helper_crowd with {library} fails on this machine's Linux", here)
    with tempfile.NamedTemporaryFile("w", prefix="verso-crowd-") as wanted:
        wanted.write(here)
        wanted.flush()
        os.chmod(wanted.name, 0o644)
        status, out, err = verso("--cpus", str(cpus), "--add", program, "--add", wanted.name, *options, BUSYBOX, "sh", "-c",
                                 LOOP, "sh", program, str(count), wanted.name, timeout=60 + 30 * count)
    expect(out == f"{count} of {count} runs\n", f"helper_crowd with {library} at {cpus} CPUs failed", out + err)
    return out.strip()


def job(library, cpus, count, *options):
    return lambda: runs(library, cpus, count, *options)


JOBS = [
    ("64 threads, musl, 2 cpus", job("musl", 2, 5, "--accel", "mttcg")),
    ("64 threads, musl, 4 cpus", job("musl", 4, 3)),
    ("64 threads, glibc, 1 cpu", job("glibc", 1, 3)),
    ("64 threads, glibc, 2 cpus, debug kernel", job("glibc", 2, 3, "--accel", "mttcg", "--debug-kernel")),
]


def main(words):
    if words and not (len(words) == 1 and words[0].isdecimal()):
        sys.exit(__doc__)
    count = int(words[0]) if words else 100
    failed = False
    for library in PROGRAMS:
        for cpus in CPUS:
            try:
                print(f"{library}, {cpus} cpus: {runs(library, cpus, count, '--accel', 'mttcg')}", flush=True)
            except Failed as error:
                print(f"{library}, {cpus} cpus: {error}", flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
