#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reclaim and swap under load for as long as one likes.

    soak.py [MINUTES [DEVICE [CPUS]]]

Eight processes of 32 MiB each run in 64 MiB (user/tests/helper_soak.c): they check and rewrite pages at random, fork, move,
protect, page out and throw away. After each round all memory, swap and slab objects must be back. DEVICE is ram (compressed
RAM, the default), virtio, ahci or nvme; MINUTES is 30, CPUS 4, in parallel. --debug as the last word: the debug kernel.
"""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
DEVICES = ("ram", "virtio", "ahci", "nvme")
# Random words of the 512 in a page: compressed RAM must hold four times the memory, a disk need not compress.
NOISE = {"ram": 24}
DISK_NOISE = 200


def mkswap(path):
    with open(path, "wb") as image:
        image.truncate(512 << 20)
    os.chmod(path, 0o600)
    subprocess.run(["mkswap", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})


def main(args):
    debug = args[-1:] == ["--debug"]
    args = args[:-1] if debug else args
    try:
        minutes, cpus = int(args[0]) if args else 30, int(args[2]) if len(args) > 2 else 4
        device = args[1] if len(args) > 1 else "ram"
        if device not in DEVICES:
            raise ValueError
    except ValueError:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as place:
        swap = []
        if device != "ram":
            mkswap(os.path.join(place, "swap.img"))
            swap = ["--swap", os.path.join(place, "swap.img"), "--disk", device]
        command = [os.path.join(ROOT, "tools", "verso"), "run", "--cpus", str(cpus), "--accel", "mttcg", "--mem", "64", *swap,
                   *(["--debug-kernel"] if debug else []), os.path.join(ROOT, "build", "user", "tests", "helper_soak"),
                   "8", "32", "4000", str(NOISE.get(device, DISK_NOISE)), "--mix", "--seconds", str(60 * minutes)]
        print("soak: " + " ".join(command), flush=True)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
