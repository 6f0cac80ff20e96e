#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A user program can do anything at all, and the kernel goes on (user/tests/helper_abuse.c, user/tests/helper_fuzz.c).

usage: tests/abuse.py CALLS [SEED]     the fuzzer alone: half of the calls on the release kernel, half on the debug kernel
"""
import os
import sys
import time

from support import ROOT, Failed, expect, verso

TESTS = os.path.join(ROOT, "build", "user", "tests")
DEBUG = ("--debug-kernel",)


def survives(program, *words, options=(), timeout=300):
    path = os.path.join(TESTS, program)
    status, out, err = verso("--mem", "64", "--cpus", "2", *options, path, *words, timeout=timeout)
    expect(status == 0 and "PASSED" in out, f"{program} {' '.join(words)}: status {status}", out + err)
    return out


def survives_it(*words):
    return lambda: survives("helper_abuse", *words) and None


def fuzz(calls, seed, options=()):
    """Returns what the fuzzer said; a failure tells how to repeat it."""
    try:
        return survives("helper_fuzz", str(calls), str(seed), options=options, timeout=300 + calls // 200)
    except Failed as error:
        raise Failed(f"to repeat: tools/verso run --mem 64 --cpus 2 {' '.join(options)} "
                     f"build/user/tests/helper_fuzz {calls} {seed}\n{error}") from None


def wild_calls(calls, options=()):
    """A new seed each time."""
    return lambda: fuzz(calls, time.time_ns() % 1000003, options).replace("\n", ", ").removesuffix(", PASSED, ")


JOBS = [
    ("wild system calls", wild_calls(400000)),
    ("wild system calls, debug kernel", wild_calls(100000, (*DEBUG, "--accel", "mttcg"))),
    ("fork bomb", survives_it("forks")),
    ("memory bomb", survives_it("memory")),
    ("endless recursion", survives_it("stack")),
]


def main(words):
    if not 1 <= len(words) <= 2 or not all(word.isdecimal() for word in words):
        sys.exit(__doc__)
    calls, seed = int(words[0]), int(words[1]) if len(words) > 1 else time.time_ns() % 1000003
    try:
        for options in ((), DEBUG):
            print(" ".join(("helper_fuzz", *options)), flush=True)
            print(fuzz(calls // 2, seed, options), flush=True)
    except Failed as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
