#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make sabotage: prove that the tests can fail.

mm/sabotage.h lists switches that break one rule of mm/ each; tests/sabotage.txt names for each the tests that must notice
it, the cheapest first. This runs every test named there as it is (it must pass), then each switch against its tests until
one fails:

    NAME caught by TEST        the test failed, or the kernel panicked, or the test did not end
    NAME SURVIVED              no test noticed: the rule is not defended

usage: tools/sabotage.py [SWITCH...]              all switches, or these, and the tests of the host program
       tools/sabotage.py --kernel [SWITCH...]     those with a test in a machine, and these tests (minutes)
       tools/sabotage.py --find SWITCH...         which of all host tests notice these

A test is host:NAME, a test of the host program (seconds), or user:PROGRAM [ARGUMENT...], a program of user/tests in a
machine with the debug kernel at four CPUs.
"""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
HOST = os.path.join(ROOT, "build", "release", "host", "verso-host-tests")
VERSO = os.path.join(ROOT, "tools", "verso")
SWITCHES = os.path.join(ROOT, "mm", "sabotage.h")
TABLE = os.path.join(ROOT, "tests", "sabotage.txt")
SEED = "--seed=1"
LIMIT = {"host": 100, "user": 150}
WORKERS = 2

Outcome = collections.namedtuple("Outcome", "passed seconds text")


class BadTable(Exception):
    """The switches, the table and the tests do not fit together; the text says where."""


def switches():
    """The names of mm/sabotage.h, in order."""
    with open(SWITCHES, encoding="ascii") as source:
        return re.findall(r"^\tX\((\w+),", source.read(), re.MULTILINE)


def table():
    """{switch: [test, ...]} of tests/sabotage.txt: a name, then its tests separated by commas."""
    rows = {}
    with open(TABLE, encoding="ascii") as source:
        for line in source:
            words = line.partition("#")[0].split(None, 1)
            if not words:
                continue
            if len(words) < 2:
                raise BadTable(f"{words[0]} has no test")
            if words[0] in rows:
                raise BadTable(f"{words[0]} stands there twice")
            rows[words[0]] = [test.strip() for test in words[1].split(",")]
    return rows


def check_table(names, rows):
    """Every switch has a row, every row a switch, every host test exists."""
    for name in sorted(set(names) ^ set(rows)):
        raise BadTable(f"{name} is " + ("no switch" if name in rows else "in no row"))
    known = set(subprocess.run([HOST, "--list"], capture_output=True, text=True, check=True).stdout.split())
    for tests in rows.values():
        for test in tests:
            kind, _, rest = test.partition(":")
            if kind not in LIMIT or not rest:
                raise BadTable(f"{test}: neither host:TEST nor user:PROGRAM")
            if kind == "host" and rest not in known:
                raise BadTable(f"{test}: there is no such test")


def command(test, switch):
    """The command that runs a test, with a switch thrown or (None) without."""
    kind, _, rest = test.partition(":")
    if kind == "host":
        return [HOST, SEED] + (["--sabotage=" + switch] if switch else []) + ["=" + rest]
    program, *arguments = rest.split()
    words = ["sabotage=" + switch] if switch else []
    return [VERSO, "run", "--debug-kernel", "--cpus", "4", "--timeout", str(LIMIT[kind] - 20),
            "--cmdline", " ".join(words + ["panic=-1"]), os.path.join("build", "user", "tests", program), *arguments]


def run(test, switch=None):
    start = time.monotonic()
    try:
        done = subprocess.run(command(test, switch), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=LIMIT[test.partition(":")[0]])
        text = done.stdout.decode(errors="replace")
        # A machine whose memory is mixed up may end with status 0 all the same: the program must have said "ok".
        passed = done.returncode == 0 and (test.startswith("host:") or "ok " in text)
    except subprocess.TimeoutExpired:
        passed, text = False, "no end"
    return Outcome(passed, time.monotonic() - start, text)


def in_parallel(function, items):
    """(item, function(item)) in the order of items, each as soon as it and those before it are done."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for item, future in [(item, pool.submit(function, item)) for item in items]:
            yield item, future.result()


def sound(tests):
    """Every test passes as long as nothing is broken."""
    good = True
    for test, outcome in in_parallel(run, tests):
        if not outcome.passed:
            good = False
            print(f"{test} FAILS WITHOUT SABOTAGE\n{outcome.text[-3000:]}", flush=True)
    return good


def first_to_notice(tests):
    """A function of a switch: the first of its tests that fails, or None."""
    def attack(switch):
        return next((test for test in tests[switch] if not run(test, switch).passed), None)
    return attack


def find(names):
    """Which of all host tests notice a switch, the fastest first."""
    for name in names:
        everything = subprocess.run([HOST, "--list"], capture_output=True, text=True, check=True).stdout.split()
        noticed = [(outcome.seconds, test) for test, outcome
                   in in_parallel(lambda test: run("host:" + test, name), everything) if not outcome.passed]
        print(name, ", ".join(f"{test} ({seconds:.1f} s)" for seconds, test in sorted(noticed)) or "SURVIVED", flush=True)
    return 0


def main(words):
    options = {word for word in words if word.startswith("--")}
    names = [word for word in words if not word.startswith("--")]
    if options - {"--kernel", "--find"} or ("--find" in options and not names):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        rows = table()
        check_table(switches(), rows)
        for name in names:
            if name not in rows:
                raise BadTable(f"{name} is no switch")
    except BadTable as error:
        print(f"tests/sabotage.txt: {error}", file=sys.stderr)
        return 2
    if "--find" in options:
        return find(names)
    chosen = names or switches()
    kind = "user:" if "--kernel" in options else "host:"
    rows = {name: [test for test in tests if test.startswith(kind)] for name, tests in rows.items()}
    chosen = [name for name in chosen if rows[name] or kind == "host:"]
    start = time.monotonic()
    if not sound(sorted({test for name in chosen for test in rows[name]})):
        return 1
    survived = 0
    for name, test in in_parallel(first_to_notice(rows), chosen):
        survived += not test
        print(f"{name} caught by {test}" if test else f"{name} SURVIVED", flush=True)
    print(f"in {time.monotonic() - start:.0f} s")
    print(f"{len(chosen) - survived} passed, {survived} failed")
    return 1 if survived or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
