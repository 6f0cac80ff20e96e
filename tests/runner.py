# SPDX-License-Identifier: MIT
"""`tools/verso run` behaves as the program it runs: streams, status, signals, time limit, every option; and it gives a
dynamic program its libraries."""
import contextlib
import os
import shutil
import subprocess
import tempfile

from support import ROOT, command, expect, verso

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


def same_as_here(*words, stdin=b"", options=()):
    """The program says on Verso what it says on this machine."""
    here = subprocess.run(words, input=stdin, capture_output=True, check=False)
    is_run(here.returncode, here.stdout.decode(), *options, *words, stdin=stdin)


def debian_programs():
    """Programs of Debian as they are: glibc's loader, some with a dozen libraries. The last one starts others."""
    text = "".join(f"{i * 7919 % 1000} line\n" for i in range(2000)).encode()
    same_as_here("/usr/bin/sort", "-n", stdin=text)
    same_as_here("/bin/sed", "-n", "/9 l/s/line/&s/p", stdin=text)
    same_as_here("/usr/bin/perl", "-e", "print join(q( ), map { $_ ** 2 } 1..9), qq(\n); exit 7")
    same_as_here("/usr/bin/git", "--version")
    same_as_here("/bin/bash", "-c", "for i in a b; do echo $i; done | sort -r; [[ x == x ]] && exit 4",
                 options=["--add", "/usr/bin/sort"])


def script():
    """A script brings the program of its first line along."""
    with tempfile.TemporaryDirectory(prefix="verso-script-") as folder:
        path = os.path.join(folder, "greet")
        with open(path, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\necho hello $1 from $0\nexit 6\n")
        os.chmod(path, 0o755)
        same_as_here(path, "world")


@contextlib.contextmanager
def family(compiler):
    """A program whose two libraries lie in folders that only its DT_RUNPATH and its library's DT_RPATH name, one of them
    behind a symbolic link. Yields the program's path and the folder of the second library."""
    with tempfile.TemporaryDirectory(prefix="verso-libs-") as top:
        def source(name, text):
            path = os.path.join(top, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            return path

        def cc(*words):
            status, out = command(compiler, *words)
            expect(status == 0, f"{compiler} could not build a test", out)

        near, far = os.path.join(top, "near"), os.path.join(top, "far")
        os.mkdir(near)
        os.mkdir(far)
        cc("-shared", "-fPIC", "-o", far + "/libdeep.so.1.5", source("deep.c", "int deep(void) { return 42; }"))
        os.symlink("libdeep.so.1.5", far + "/libdeep.so")
        cc("-shared", "-fPIC", "-o", near + "/libshallow.so",
           source("shallow.c", "int deep(void); int shallow(void) { return deep() + 1; }"),
           "-L" + far, "-ldeep", "-Wl,--disable-new-dtags,-rpath," + far)
        cc("-o", top + "/program", source("main.c", "#include <stdio.h>\nint shallow(void);\n"
                                          "int main(void) { printf(\"%d\\n\", shallow()); return 5; }"),
           "-L" + near, "-lshallow", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/near,-rpath-link," + far)
        yield top + "/program", far


def own_libraries(compiler):
    def check():
        with family(compiler) as (program, _):
            is_run(5, "43\n", program)
    return check


def missing_library():
    with family("gcc") as (program, folder):
        shutil.rmtree(folder)
        status, _, err = verso(program)
        expect(status == 2 and "libshallow.so needs the library libdeep.so, which is not on this machine" in err,
               "a missing library was not named", f"{status}\n{err}")


JOBS = [
    ("programs of Debian, dynamic", debian_programs),
    ("a script", script),
    ("libraries by RPATH and RUNPATH", own_libraries("gcc")),
    ("libraries of musl", own_libraries("musl-gcc")),
    ("a missing library", missing_library),
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
