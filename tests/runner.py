# SPDX-License-Identifier: MIT
"""`tools/verso run` behaves as the program it runs: streams, status, signals, time limit, every option."""
import contextlib
import os
import shutil
import tempfile

from support import ROOT, expect, verso

BUSYBOX = "/bin/busybox"


@contextlib.contextmanager
def overlay():
    """A tree with the user tests in /tests and busybox under the names that they use."""
    with tempfile.TemporaryDirectory(prefix="verso-tests-") as tree:
        tests = os.path.join(tree, "tests")
        shutil.copytree(os.path.join(ROOT, "build", "user", "tests"), tests,
                        ignore=shutil.ignore_patterns("*.d"))
        shutil.copy(os.path.join(ROOT, "user", "tests", "run-all.sh"), tests)
        os.mkdir(os.path.join(tree, "bin"))
        shutil.copy(BUSYBOX, os.path.join(tree, "bin", "busybox"))
        for name in ("sh", "echo", "true", "false", "cat", "sleep"):
            os.symlink("busybox", os.path.join(tree, "bin", name))
        yield tree


def is_run(want_status, want_out, *words, stdin=None):
    status, out, err = verso(*words, stdin=stdin)
    expect(status == want_status and out == want_out, f"expected status {want_status} and output {want_out!r}",
           f"status {status}\nstdout {out!r}\nstderr {err}")
    return err


def streams():
    err = is_run(3, "out\n", BUSYBOX, "sh", "-c", "echo out; echo err >&2; exit 3")
    expect(err == "err\n", "standard error was not passed through alone", err)


def standard_input():
    data = bytes(range(256)) * 400
    status, out, err = verso(BUSYBOX, "md5sum", stdin=data)
    import hashlib
    expect(status == 0 and out.split()[0] == hashlib.md5(data).hexdigest(),
           "100 kB of every byte did not arrive as they were", out + err)


def empty_input():
    is_run(0, "0\n", BUSYBOX, "sh", "-c", "wc -c", stdin=b"")


def killed():
    is_run(139, "", BUSYBOX, "sh", "-c", "kill -SEGV $$")


def time_limit():
    status, _, _ = verso("--timeout", "4", BUSYBOX, "sleep", "1000")
    expect(status == 124, "--timeout did not give 124", str(status))


def options():
    is_run(0, "4\n", "--cpus", "4", "--mem", "128", BUSYBOX, "nproc")


def overlay_tree():
    with overlay() as tree:
        is_run(0, "run-all.sh\n", "--overlay", tree, BUSYBOX, "sh", "-c", "cd /tests && echo run-all.sh")


def icount_repeats():
    runs = []
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        for _ in range(2):
            status, _, err = verso("--icount", "--log", log.name, "--cmdline", "loglevel=7", BUSYBOX, "true")
            expect(status == 0, "the run failed", err)
            with open(log.name, encoding="utf-8", errors="replace") as text:
                runs.append(text.read())
    expect(runs[0] == runs[1], "two runs under --icount gave different kernel logs", "\n---\n".join(runs))


def through_iso(firmware):
    def check():
        is_run(5, "from the ISO\n", "--iso", firmware, BUSYBOX, "sh", "-c", "echo from the ISO; exit 5")
    return check


def panic_is_125():
    status, _, err = verso("--cmdline", "init=/no/such/init", BUSYBOX, "true")
    expect(status == 125 and "panic" in err.lower(), "a dead kernel did not give 125 with its report", f"{status}\n{err}")


JOBS = [
    ("standard streams and status", streams),
    ("standard input, binary", standard_input),
    ("standard input, empty", empty_input),
    ("killed by a signal", killed),
    ("time limit", time_limit),
    ("--cpus and --mem", options),
    ("--overlay", overlay_tree),
    ("--icount repeats", icount_repeats),
    ("--iso bios", through_iso("bios")),
    ("--iso uefi", through_iso("uefi")),
    ("a panic is 125", panic_is_125),
]
