# SPDX-License-Identifier: MIT
"""A long shell script over the applets of busybox (tests/applets.sh) says on Verso, line by line, what it says here."""
import difflib
import os
import subprocess
import tempfile

from support import ROOT, expect, verso
from runner import BUSYBOX, overlay

SCRIPT = os.path.join(ROOT, "tests", "applets.sh")
ENVIRONMENT = {"PATH": "/bin", "LC_ALL": "C"}


def here(folder):
    """The script on this machine, without a terminal. Into a file: what cat has sent into a pipe by sendfile() still changes
    with the file there."""
    with tempfile.TemporaryFile() as out:
        subprocess.run([BUSYBOX, "sh", SCRIPT, BUSYBOX, folder], cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                       stdout=out, stderr=subprocess.STDOUT, start_new_session=True, timeout=120, check=False)
        out.seek(0)
        return out.read().decode(errors="replace")


def there(folder, *options):
    """The same on Verso, in a folder of the same name."""
    with overlay() as tree:
        os.makedirs(tree + folder)
        _, out, err = verso("--overlay", tree, "--add", SCRIPT, *options, BUSYBOX, "sh", "-c",
                            f"exec 2>&1; exec {BUSYBOX} sh {SCRIPT} {BUSYBOX} {folder}")
    return out + err


def applets(*options):
    def check():
        with tempfile.TemporaryDirectory(prefix="verso-applets-") as folder:
            linux, own = here(folder).splitlines(), there(folder, *options).splitlines()
        expect("the end" in linux, "the script did not come to its end on this machine", "\n".join(linux))
        difference = "\n".join(difflib.unified_diff(linux, own, "Linux", "Verso", lineterm="", n=2))
        expect(not difference, "the script says something else on Verso", difference)
        return f"{len(linux)} lines, all the same"
    return check


JOBS = [
    ("applets, 2 cpus", applets("--cpus", "2", "--accel", "mttcg")),
    ("applets, 1 cpu, debug kernel", applets("--debug-kernel")),
]
