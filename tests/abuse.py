# SPDX-License-Identifier: MIT
"""A user program can do anything at all, and the kernel goes on (user/tests/helper_abuse.c)."""
import os
import time

from support import ROOT, expect, verso

ABUSE = os.path.join(ROOT, "build", "user", "tests", "helper_abuse")


def survives(*words, options=()):
    def check():
        status, out, err = verso("--mem", "64", "--cpus", "2", *options, ABUSE, *words)
        expect(status == 0 and "PASSED" in out, f"helper_abuse {' '.join(words)}: status {status}", out + err)
    return check


def wild_calls(options=(), calls="100000"):
    """A new seed each time; the line that repeats a failure is in its output."""
    seed = str(time.time_ns() % 1000003)

    def check():
        try:
            survives("calls", calls, seed, options=options)()
        except Exception as error:
            raise type(error)(f"to repeat: tools/verso run --mem 64 --cpus 2 {' '.join(options)} "
                              f"build/user/tests/helper_abuse calls {calls} {seed}\n{error}") from None
    return check


JOBS = [
    ("wild system calls", wild_calls(calls="400000")),
    ("wild system calls, debug kernel", wild_calls(("--debug-kernel",))),
    ("fork bomb", survives("forks")),
    ("memory bomb", survives("memory")),
    ("endless recursion", survives("stack")),
]
