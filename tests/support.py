# SPDX-License-Identifier: MIT
"""What every job of `make test` uses: running commands, machines with a console, and the outcome of a job."""
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from versolib import initramfs, machine  # noqa: E402

VERSO = os.path.join(ROOT, "tools", "verso")
CPUS = (1, 2, 4)
FLAVOURS = ("release", "debug")
TESTS_OK, TESTS_FAILED, PANICKED = 33, 35, 127
COUNTS = re.compile(r"(\d+) passed, (\d+) failed")


class Failed(Exception):
    """A job's expectation did not hold; the text says which, and shows what was seen."""


def kernel(flavour):
    return os.path.join(ROOT, "build", flavour, "verso.elf")


def expect(condition, what, seen=""):
    """Fail the job unless condition holds."""
    if not condition:
        raise Failed(what + ("\n" + seen[-6000:] if seen else ""))


def command(*words, timeout=600, stdin=None, env=None):
    """Run a command in the root folder. Returns (status, output and errors together)."""
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                              stdout=out, stderr=subprocess.STDOUT, env=env) as process:
            try:
                process.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                out.seek(0)
                raise Failed(f"{' '.join(words)[:200]}: no end after {timeout} s\n"
                             + out.read().decode(errors="replace")[-6000:]) from None
        out.seek(0)
        return process.returncode, out.read().decode(errors="replace")


def verso(*words, timeout=300, stdin=None):
    """`tools/verso run` with these words. Returns (status, standard output, standard error)."""
    done = subprocess.run([VERSO, "run", "--timeout", str(timeout), *words], cwd=ROOT, input=stdin,
                          stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def counted(output):
    """The last 'N passed, N failed' of a test program's output."""
    found = COUNTS.findall(output)
    expect(found, "the tests ended without their count", output)
    return int(found[-1][0]), int(found[-1][1])


class Console:
    """A machine whose console this job reads and types on."""

    def __init__(self, args, cpus=1, mem=256, accel="tcg"):
        self.seen = ""
        # What QEMU says itself must not come into the middle of a word of the console.
        self.complaints = tempfile.TemporaryFile()
        words = machine.base(cpus, mem, accel) + ["-serial", "stdio"] + args
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.complaints)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.complaints.close()

    def told(self):
        """The console since what was last waited for, then what QEMU said itself."""
        self.complaints.seek(0)
        return self.seen + self.complaints.read().decode(errors="replace")

    def wait_for(self, text, timeout=120):
        """Read the console until text appears after what was waited for before."""
        start = time.monotonic()
        while text not in self.seen:
            left = start + timeout - time.monotonic()
            expect(left > 0, f"the console never said {text!r} in {timeout} s", self.told())
            if not self.selector.select(left):
                continue
            data = os.read(self.process.stdout.fileno(), 65536)
            expect(data, f"the machine ended before its console said {text!r}", self.told())
            self.seen += data.decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_end(self, timeout=60):
        """Read to the machine's end; returns QEMU's status."""
        start = time.monotonic()
        while True:
            left = start + timeout - time.monotonic()
            expect(left > 0, f"the machine did not end in {timeout} s", self.told())
            if not self.selector.select(left):
                continue
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return self.process.wait()
            self.seen += data.decode(errors="replace")
