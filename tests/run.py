#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every test of Verso, as `make test` runs it.

Jobs run two at a time, each in its own process or machine. A job says nothing while it passes; when it fails, what it
saw is shown. The last line counts the tests, not the jobs: a job of many tests reports how many passed and failed.

usage: tests/run.py [--list] [WORD...]     only the jobs whose name holds one of the words
"""
import concurrent.futures
import os
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import jobs  # noqa: E402
from support import Failed  # noqa: E402


def perform(job):
    """Run one job. Returns (seconds, passed, failed, what it had to say)."""
    start = time.monotonic()
    try:
        outcome = job.function(*job.args)
        passed, failed, text = outcome if isinstance(outcome, tuple) else (1, 0, outcome or "")
    except Failed as error:
        passed, failed, text = 0, 1, str(error)
    except Exception:  # a job must never end the others
        passed, failed, text = 0, 1, traceback.format_exc()
    return time.monotonic() - start, passed, failed, text


def show(job, seconds, passed, failed, text):
    """One line for a job that passed, with the figure it measured if any; all it saw for one that failed."""
    print(f"{'FAILED' if failed else 'ok':6} {job.name} ({passed}/{passed + failed}, {seconds:.0f} s)"
          + (f": {text}" if text and not failed else ""))
    if failed:
        print("\n".join("    " + line for line in text.splitlines()))
    sys.stdout.flush()


def main(words):
    # A shell that starts this in the background ignores these two, and every test program would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    listing = "--list" in words
    words = [word for word in words if word != "--list"]
    chosen = [job for job in jobs.all_jobs() if not words or any(word in job.name for word in words)]
    if listing:
        print("\n".join(job.name for job in chosen))
        return 0
    total_passed = total_failed = 0
    start = time.monotonic()
    for stage in sorted({job.stage for job in chosen}):
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            running = {pool.submit(perform, job): job for job in chosen if job.stage == stage}
            for done in concurrent.futures.as_completed(running):
                seconds, passed, failed, text = done.result()
                total_passed += passed
                total_failed += failed
                show(running[done], seconds, passed, failed, text)
    print(f"in {time.monotonic() - start:.0f} s")
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
