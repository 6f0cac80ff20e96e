# SPDX-License-Identifier: MIT
"""A person at the serial console, in the machine that `make run` boots: job control, line editing, here-documents, and the
programs that fill the screen. Each job types and waits for what must come back; nothing is timed but the end of a machine
that says nothing. What is awaited never stands in what was typed, which the terminal echoes."""
import contextlib
import tempfile

from support import Console, initramfs, kernel, machine

PROMPT = "# "
ESC, UP, BACKSPACE = "\033", "\033[A", "\177"


def ctrl(letter):
    return chr(ord(letter) & 31)


@contextlib.contextmanager
def person(cpus=2):
    """A machine at its first prompt. Yields say(text, *answers): type the text, and wait for each answer in turn."""
    with tempfile.NamedTemporaryFile(suffix=".cpio") as archive:
        archive.write(initramfs.shell())
        archive.flush()
        with Console(machine.direct(kernel("release"), archive.name, "console=ttyS0"), cpus) as console:
            def say(text, *answers):
                console.type(text)
                for answer in answers:
                    console.wait_for(answer, 60)

            console.wait_for("verso:")
            say("", PROMPT)
            yield say


SLEEP = "(echo rea''dy; exec sleep 1000)"  # ready: the shell has let go of the terminal


def job_control():
    with person() as say:
        say(SLEEP + "\n", "ready")
        say(ctrl("Z"), "Stopped", PROMPT)
        say("jobs\n", "[1]+  Stopped", "exec sleep 1000", PROMPT)
        say("bg\n", PROMPT)
        say("jobs\n", "[1]+  Running", PROMPT)
        say("fg\n", "exec sleep 1000")
        say(ctrl("C"), PROMPT)
        say("echo status $?\n", "status 130", PROMPT)
        say(SLEEP + " | cat\n", "ready")
        say(ctrl("Z"), "Stopped", PROMPT)
        say("kill %1; fg; echo go''ne\n", "gone", PROMPT)
        say("cat &\n", PROMPT)
        say("\n", "Stopped (tty input)", PROMPT)
        say("kill %1; fg; echo go''ne\n", "gone", PROMPT)
        say("stty tostop; (echo wri''tes) &\n", PROMPT)
        say("\n", "Stopped (tty output)", PROMPT)
        say("stty -tostop; fg\n", "writes", PROMPT)
        say(SLEEP + "\n", "ready")
        say(ctrl("\\"), "Quit", PROMPT)
        say("(echo rea''dy; while :; do :; done)\n", "ready")
        say(ctrl("C"), PROMPT)
        say("(echo rea''dy; exec cat >typed)\n", "ready")
        say("typed line\n", "\r\n")
        say(ctrl("D"), PROMPT)
        say("wc -l typed; exec sh\n", "1 typed", PROMPT)
        say("exit\n", "verso:")


def line_editing():
    with person() as say:
        say("echo righx" + BACKSPACE + "t | rev\n", "thgir", PROMPT)
        say("nonsense" + ctrl("U") + "echo cle''an\n", "clean", PROMPT)
        say("cho fro''nt" + ctrl("A") + "e" + ctrl("E") + "er\n", "fronter", PROMPT)
        say(UP + UP + "er\n", "cleaner", PROMPT)
        say("cat /etc/pas\t | cut -d: -f7\n", "\n/bin/sh", PROMPT)
        say("echo abandoned" + ctrl("C"), PROMPT)
        say("cat <<E | tr a-z A-Z\n", "> ")
        say("first\n", "> ")
        say("E\n", "FIRST", PROMPT)
        say("stty rows 30 cols 100; stty size\n", "30 100", PROMPT)
        say("stty -echo; echo qui''et\n", "quiet", PROMPT)
        say("stty echo\n", PROMPT)
        say("stty -icanon min 1 -echo; dd bs=1 count=3 2>/dev/null | od -c; stty sane\n", "\r\n")
        say("xyz", "x   y   z", PROMPT)


def vi():
    """ESC and the next key must not arrive together, or they are one key: so each ESC is answered before more is typed."""
    with person() as say:
        say("cd /tmp; vi poem\n", "poem")
        say("iroses are red\rviolets are blue", "blue")
        say(ESC, "[Modified] 2/2")
        say("yyp:s/blue/green/\r", "green", "3/3")
        say("kk0dw:wq\r", PROMPT)
        say("cat -n poem | tr a-z A-Z\n", "1\tARE RED", "2\tVIOLETS ARE BLUE", "3\tVIOLETS ARE GREEN", PROMPT)
        say("vi poem\n", "poem")
        say("/green\rD:w copy\r", "copy")
        say("u:q!\r", PROMPT)
        say("wc -c poem copy | tr ' ' _\n", "_total", PROMPT)


def pagers_and_top():
    with person() as say:
        say("seq 101 300 | sed s/^/line-/ | less\n", "line-120")
        say(" ", "line-140")
        say("G", "line-300")
        say("?-1[5]0\r", "line-151")
        say("q", PROMPT)
        say("seq 101 200 | sed s/^/line-/ | more\n", "line-120", "--More--")
        say(" ", "line-140", "--More--")
        say("q", PROMPT)
        say("sleep 1000 & top\n", "Mem:", "COMMAND", "sleep 1000")
        say("q", PROMPT)
        say("kill %1; echo do''ne\n", "done", PROMPT)


JOBS = [
    ("job control", job_control),
    ("line editing", line_editing),
    ("vi", vi),
    ("less, more, top", pagers_and_top),
]
