#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The system calls that Verso has, from one file: docs/abi/syscalls.txt, which explains its own form.

usage: tools/abi.py docs          write the pages docs/abi/*.md
       tools/abi.py calls FILE    write the table of calls, for user/tests/abi.c and helper_fuzz.c
       tools/abi.py probes FILE   write what user/tests/abi.c tries
       tools/abi.py check         are the pages up to date, every number of Linux there, and the kernel's table the same?
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "docs", "abi")
SOURCE = os.path.join(FOLDER, "syscalls.txt")
TABLE = os.path.join(ROOT, "kernel", "syscall_table.h")
NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
LAST = 450  # of Linux 6.1

CALL = re.compile(r"(\d+) (\w+)\((.*)\)$")
ABSENT = re.compile(r"! (\d+) (\w+)(?:  (.*))?$")
PROBE = re.compile(r"(alone )?(bits|values) (.*?)(?: (-?\d\w*) (-?\d\w*))?: (.*)$")
KINDS = {"+": "accepted", "-": "refused", "&": "accepted, younger than Linux 6.1", "^": "younger than Linux 6.1",
         "?": "not tried"}


class Mistake(Exception):
    """The file, or what must agree with it, is wrong; the text says where."""


class Probe:
    """One line `bits` or `values` and the answers below it."""

    def __init__(self, match):
        alone, self.kind, self.what, first, last, self.code = match.groups()
        self.alone = bool(alone)
        self.first, self.last = (int(first, 0), int(last, 0)) if self.kind == "values" else (0, 31)
        self.choices = []  # (kind, errors, name, value or None)
        self.others = "accepted"

    def answer(self, words):
        kind, names = words[0], words[1:]
        errors = []
        if kind == "-":
            errors, names = names[0].split("|"), names[1:]
        for name in names:
            name, _, value = name.partition("=")
            self.choices.append((kind, errors, name, value or None))


class Call:
    """One system call. arguments is None for one that Verso has not."""

    def __init__(self, number, name, arguments, note=""):
        self.number, self.name, self.arguments = int(number), name, arguments
        self.text = [note] if note else []
        self.probes = []


def read(path):
    """The pages of the file, in order: (page, title, calls)."""
    pages = []
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, start=1):
            try:
                read_line(pages, line.rstrip("\n"))
            except (Mistake, IndexError, ValueError) as error:
                raise Mistake(f"{path}:{number}: cannot understand this line ({error}): {line.strip()}") from None
    return pages


def read_line(pages, line):
    text = line.strip()
    if not text or text.startswith("#"):
        return
    if line.startswith("== "):
        _, page, title = line.split(" ", 2)
        pages.append((page, title, []))
        return
    calls = pages[-1][2]
    if not line.startswith(" "):
        match = CALL.match(line) or ABSENT.match(line)
        if not match:
            raise Mistake("no system call")
        absent = line.startswith("!")
        calls.append(Call(match[1], match[2], None if absent else match[3], match[3] if absent else ""))
        return
    call, match = calls[-1], PROBE.match(text)
    if match and "$" in text:
        call.probes.append(Probe(match))
    elif text[0] in KINDS and text[1] == " ":
        call.probes[-1].answer(text.split())
    elif text.startswith("others "):
        call.probes[-1].others = text.split()[1]
    else:
        call.text.append(text)


def all_calls(pages):
    return sorted((call for _, _, calls in pages for call in calls), key=lambda call: call.number)


# ---- pages ----

def page_text(title, calls):
    """One page. Calls that are there first, by name; those that are not in a list at the end."""
    here = sorted((call for call in calls if call.arguments is not None), key=lambda call: call.name)
    absent = sorted((call for call in calls if call.arguments is None), key=lambda call: call.name)
    lines = [f"# {title}", "", "Made by `make abi-docs` from [syscalls.txt](syscalls.txt): change that file.", ""]
    for call in here:
        lines += [f"### {call.name}({call.arguments})", "", f"Number {call.number}. " + " ".join(call.text), ""]
        for probe in call.probes:
            lines += [f"- {probe.what}: " + probe_text(probe)]
        if call.probes:
            lines.append("")
    if absent:
        lines += ["### Not there: ENOSYS", ""]
        lines += [f"- {call.name} ({call.number})" + "".join(": " + text for text in call.text) for call in absent]
        lines.append("")
    return "\n".join(line.rstrip() for line in lines)


def probe_text(probe):
    """What one flag argument takes, in a sentence."""
    parts = []
    for kind, words in (("+", ""), ("&", "younger than Linux 6.1: "), ("-", "refused: "), ("?", "not held against Linux by a test: ")):
        names = [name + (f" ({'/'.join(errors)})" if errors else "")
                 for k, errors, name, _ in probe.choices if k == kind]
        if names:
            parts.append(words + ", ".join(names))
    other = "other bits" if probe.kind == "bits" else "other values"
    parts.append(f"{other} are accepted and mean nothing" if probe.others == "accepted" else f"{other}: {probe.others}")
    return "; ".join(parts) + "."


def index_text(pages):
    known = [call for call in all_calls(pages) if call.number <= LAST]
    younger = len(all_calls(pages)) - len(known)
    here = [call for call in known if call.arguments is not None]
    lines = ["# The system calls of Verso", "",
             "Made by `make abi-docs` from [syscalls.txt](syscalls.txt), which `user/tests/abi.c` holds against the kernel and",
             f"against Linux. {len(here)} of the {len(known)} calls that Linux 6.1 knows are there, and {younger} of the younger ones; any other number",
             "answers ENOSYS, and the kernel's log tells it once for each program.", ""]
    lines += [f"- [{title}]({page}.md)" for page, title, _ in pages]
    return "\n".join(lines) + "\n"


def outputs(pages):
    """Every page by its file name."""
    texts = {page + ".md": page_text(title, calls) for page, title, calls in pages}
    texts["README.md"] = index_text(pages)
    return texts


def write_docs(pages):
    for name, text in outputs(pages).items():
        with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as out:
            out.write(text)


# ---- tables for the test ----

def errors_code(errors):
    return ", ".join((errors + ["0"])[:2])


# What an argument is meant to be, by its name, for the fuzzer: a descriptor, a string, a number of bytes or things, flags, a
# small value, a process, a place in memory to map; a pointer to a structure when nothing else.
KINDS_OF_ARGUMENTS = {
    "d": "fd dir old_dir new_dir pidfd in out target first last",
    "s": "path old new name source",
    "n": "length count size old_size new_size offset offset_low maxnode pages local_count remote_count mask_size pgoff "
         "address_length stack seconds",
    "f": "flags options mode prot mask",
    "v": "advice whence command operation how which who clock type domain protocol level option policy resource code signal "
         "persona value value3 argument user group real effective saved cpu device id key backlog signature offset_high",
    "p": "pid tid tgid",
    "m": "addr",
}
KIND_OF = {name: kind for kind, names in KINDS_OF_ARGUMENTS.items() for name in names.split()}
SMALL_OLD = {"dup2", "dup3", "mremap"}  # whose `old` and `new` are no paths


def kinds(call):
    """One letter for each argument of a call."""
    if not call.arguments:
        return ""
    letters = [KIND_OF.get(name, "a") for name in call.arguments.split(", ")]
    if call.name in SMALL_OLD:
        letters = ["m" if call.name == "mremap" and letter == "s" else "d" if letter == "s" else letter for letter in letters]
    if call.name.startswith(("rt_", "sig", "setitimer", "timer", "prlimit")):
        letters = ["a" if letter == "s" else letter for letter in letters]
    return "".join(letters)


def calls_text(pages):
    lines = ["/* Made by tools/abi.py from docs/abi/syscalls.txt. */", "static const struct call calls[] = {"]
    lines += [f'\t{{{call.number}, "{call.name}", {"false" if call.arguments is None else "true"}, "{kinds(call)}"}},'
              for call in all_calls(pages)]
    return "\n".join(lines + ["};", ""])


def probes_text(pages):
    calls = all_calls(pages)
    lines = ["/* Made by tools/abi.py from docs/abi/syscalls.txt. */"]
    table, number = [], {call.name: call.number for call in calls}
    for call in calls:
        for i, probe in enumerate(call.probes):
            name = f"{call.name}_{i}"
            code = re.sub(r"\bdo\((\w+)", lambda m: f"call({number[m[1]]}", probe.code).replace("$", "x")
            lines += [f"static long try_{name}(long x)", "{", f"\treturn {code};", "}",
                      f"static const struct choice choices_{name}[] = {{"]
            lines += [f'\t{{\'{kind}\', "{label}", {value or label}, {{{errors_code(errors)}}}}},'
                      for kind, errors, label, value in probe.choices]
            others = [] if probe.others == "accepted" else probe.others.split("|")
            lines += ["\t{0}};"]
            table.append(f'\t{{"{call.name}", "{probe.what}", try_{name}, choices_{name}, '
                         f'{"true" if probe.kind == "bits" else "false"}, {probe.first}, {probe.last}, '
                         f'{"true" if probe.alone else "false"}, {{{errors_code(others)}}}}},')
    return "\n".join(lines + ["static const struct probe probes[] = {", *table, "};", ""])


# ---- does everything agree? ----

def check(pages):
    """Raise Mistake when something does not agree with the file."""
    calls = {call.number: call for call in all_calls(pages)}
    with open(TABLE, encoding="utf-8") as source:
        kernel = {int(number): name for number, name in re.findall(r"^SYSCALL\((\d+), (\w+)\)", source.read(), re.M)}
    for number, name in kernel.items():
        if number not in calls or calls[number].arguments is None or calls[number].name != name:
            raise Mistake(f"the kernel has the system call {number} {name}, and {SOURCE} does not say so")
    for number, call in calls.items():
        if call.arguments is not None and number not in kernel:
            raise Mistake(f"{SOURCE} says that there is a system call {number} {call.name}, and the kernel has none")
    with open(NUMBERS, encoding="utf-8") as source:
        linux = {int(number): name for name, number in re.findall(r"#define __NR_(\w+) (\d+)", source.read())}
    for number, name in linux.items():
        if number <= LAST and (number not in calls or calls[number].name != name):
            raise Mistake(f"Linux has the system call {number} {name}, and {SOURCE} does not name it")
    for name, text in outputs(pages).items():
        path = os.path.join(FOLDER, name)
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            raise Mistake(f"docs/abi/{name} is not what docs/abi/syscalls.txt makes: run `make abi-docs`")


def main(words):
    try:
        pages = read(SOURCE)
        if words == ["docs"]:
            write_docs(pages)
        elif words == ["check"]:
            check(pages)
        elif len(words) == 2 and words[0] in ("calls", "probes"):
            with open(words[1], "w", encoding="utf-8") as out:
                out.write(calls_text(pages) if words[0] == "calls" else probes_text(pages))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Mistake as mistake:
        print(f"abi.py: {mistake}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
