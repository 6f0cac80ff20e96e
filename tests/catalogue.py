#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/catalogue.md against the tests: every test that it names exists, and every test named after an entry is in its row.

    tests/catalogue.py          enter new tests into their rows
"""
import glob
import os
import re

from support import ROOT, expect

PAGE = os.path.join(ROOT, "docs", "catalogue.md")
SOURCES = ("tests/host/*.c", "tests/kernel/*.c", "user/tests/*.c")
TESTS = re.compile(r"\b(?:TEST|KTEST|INSTRUMENT_TEST|EXPLORE)\((\w+)")
ROW = re.compile(r"(\| B(\d+) \|(.*)\|)(.*)\|$")
ENTRIES = 44


def tests_in_tree():
    names = set()
    for pattern in SOURCES:
        for path in glob.glob(os.path.join(ROOT, pattern)):
            with open(path, encoding="utf-8") as source:
                names.update(TESTS.findall(source.read()))
    return names


def after(number, names):
    """The tests that are named after an entry."""
    return sorted(name for name in names if name.startswith(f"b{number:02d}_"))


def check():
    with open(PAGE, encoding="utf-8") as page:
        rows = [row for row in map(ROW.match, page.read().splitlines()) if row]
    known, wrong = tests_in_tree(), []
    for row in rows:
        number, tests = int(row[2]), row[4]
        named = re.findall(r"`(\w+)`", tests)
        wrong += [f"B{number}: there is no test {name}" for name in named if name not in known]
        wrong += [f"B{number}: {name} is not in its row: run tests/catalogue.py" for name in after(number, known)
                  if name not in named]
        if not named and "to come with" not in tests:
            wrong.append(f"B{number}: neither a test nor the feature that it waits for")
        if not row[3].strip():
            wrong.append(f"B{number}: no rule")
    expect([int(row[2]) for row in rows] == list(range(1, ENTRIES + 1)), "the rows are not B1 to B44 in order")
    expect(not wrong, "docs/catalogue.md is not true", "\n".join(wrong))


def update():
    """Write each row anew: the tests that bear its number, then the others that it named, as far as they exist."""
    known, lines = tests_in_tree(), []
    with open(PAGE, encoding="utf-8") as page:
        for line in page.read().splitlines():
            row = ROW.match(line)
            if row:
                own = after(int(row[2]), known)
                others = [name for name in re.findall(r"`(\w+)`", row[4]) if name in known and name not in own]
                if own or others:
                    line = row[1] + " " + " ".join(f"`{name}`" for name in own + others) + " |"
            lines.append(line)
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write("\n".join(lines) + "\n")


JOBS = (("the bug catalogue names its tests", check),)

if __name__ == "__main__":
    update()
