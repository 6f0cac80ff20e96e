# SPDX-License-Identifier: MIT
"""One run of a machine: its channels carried to and from the caller's standard streams, until it ends.

The picture:

    caller's stdin  --frames-->  COM2          kernel/drivers/hostio.c describes the frames and their flow control
    caller's stdout <----------  port 0xe9
    caller's stderr <----------  port 0xea
    exit status     <----------  port 0xeb     "exit 3", "signal 11" or "error TEXT", a line each

QEMU connects each channel to a unix socket in a folder of this session. The caller's streams may be files, pipes or a
terminal. When standard input and output are one terminal, COM2 is a terminal line in the guest too, and carries both
ways; the local terminal is raw meanwhile, so that every key, ^C included, reaches the guest.
"""
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

CHANNELS = ("com2", "stdout", "stderr", "control")
FRAME = 255
GRANT = 256
EXIT_TIMEOUT = 124
EXIT_MACHINE = 125


class Channel:
    """A listening socket that QEMU connects to, then the connection."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, name)
        self.link = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(1)

    def accept(self):
        self.link, _ = self.listener.accept()
        self.listener.close()
        return self.link


class Session:
    """Run the QEMU command `command(sockets, log)` and carry its channels. `run` returns the exit status to give."""

    def __init__(self, command, log=None, timeout=None, terminal=False):
        self.command = command
        self.log = log
        self.timeout = timeout
        self.terminal = terminal
        self.selector = selectors.DefaultSelector()
        self.credit = 0
        self.pending = b""
        self.stdin_open = True
        self.control = b""
        self.deadline = None

    def run(self):
        with tempfile.TemporaryDirectory(prefix="verso-run-") as folder:
            channels = {name: Channel(folder, name) for name in CHANNELS}
            log = os.path.abspath(self.log) if self.log else os.path.join(folder, "log")
            sockets = {name: channel.path for name, channel in channels.items()}
            with subprocess.Popen(self.command(sockets, log, folder), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as machine:
                status = self._carry(machine, channels)
                if status is None:
                    status = self._verdict(machine, log)
            return status

    def _carry(self, machine, channels):
        """Move bytes until the machine closes its channels. Returns 124 when time ran out, else None."""
        if self.timeout:
            self.deadline = time.monotonic() + self.timeout
        saved = None
        try:
            if not self._connect(machine, channels):
                return None
            if self.terminal:
                saved = termios.tcgetattr(0)
                tty.setraw(0)
            return self._loop(machine, channels)
        finally:
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)
            if machine.poll() is None:
                machine.terminate()

    def _connect(self, machine, channels):
        for channel in channels.values():
            channel.listener.settimeout(0.05)
            while True:
                try:
                    link = channel.accept()
                    break
                except TimeoutError:
                    if machine.poll() is not None:
                        return False
            link.setblocking(False)
            self.selector.register(link, selectors.EVENT_READ, channel.name)
        self.com2 = channels["com2"].link
        return True

    def _loop(self, machine, channels):
        open_links = len(channels)
        stdin_watched = False
        while open_links:
            stdin_watched = self._watch_stdin(stdin_watched)
            wait = None if self.deadline is None else self.deadline - time.monotonic()
            if wait is not None and wait <= 0:
                machine.send_signal(signal.SIGKILL)
                return EXIT_TIMEOUT
            for key, _ in self.selector.select(wait):
                if key.data == "stdin":
                    self._read_stdin()
                elif not self._read_link(key):
                    self.selector.unregister(key.fileobj)
                    open_links -= 1
        if self.stdin_open and stdin_watched:
            self.selector.unregister(0)
        return None

    def _watch_stdin(self, watched):
        """Wait for standard input only while the guest has room for it."""
        wanted = self.stdin_open and (self.terminal or (self.credit > 0 and not self.pending))
        if wanted and not watched:
            try:
                self.selector.register(0, selectors.EVENT_READ, "stdin")
            except (PermissionError, ValueError):
                # A regular file is always ready, and epoll refuses it: read what the guest has room for.
                while self.stdin_open and self.credit > 0 and not self.pending:
                    self._read_stdin()
                return False
        elif watched and not wanted:
            self.selector.unregister(0)
        return wanted

    def _read_stdin(self):
        if self.terminal:
            data = os.read(0, 4096)
            self._send(data)
            self.stdin_open = bool(data)
            return
        try:
            data = os.read(0, min(FRAME, self.credit - 1) if self.credit > 1 else 1)
        except OSError:
            data = b""
        self.stdin_open = bool(data)
        self.pending += bytes([len(data)]) + data
        self._flush_stdin()

    def _flush_stdin(self):
        room = min(self.credit, len(self.pending))
        if room > 0:
            self._send(self.pending[:room])
            self.pending = self.pending[room:]
            self.credit -= room

    def _send(self, data):
        """Put all of data into COM2; QEMU takes it as the guest empties the UART."""
        self.com2.setblocking(True)
        try:
            self.com2.sendall(data)
        except OSError:
            self.stdin_open = False
        finally:
            self.com2.setblocking(False)

    def _read_link(self, key):
        """Take what a channel holds to where it belongs. False when the machine has closed it."""
        try:
            data = key.fileobj.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if key.data == "stdout":
            _write(1, data)
        elif key.data == "stderr":
            _write(2, data)
        elif key.data == "control":
            self.control += data
        elif self.terminal:
            _write(1, data)
        else:
            self.credit += GRANT * data.count(b"+")
            self._flush_stdin()
        return bool(data)

    def _verdict(self, machine, log):
        """The status the program left; 125 with what is known when it left none."""
        said = machine.stdout.read().decode(errors="replace").strip()
        machine.wait()
        for line in self.control.decode(errors="replace").splitlines():
            word, _, rest = line.partition(" ")
            if word == "exit":
                return int(rest)
            if word == "signal":
                return 128 + int(rest)
            if word == "error":
                print(f"verso: {rest}", file=sys.stderr)
                return 127
        if said:
            print(f"verso: QEMU said: {said}", file=sys.stderr)
        print("verso: the kernel ended without the program's exit status. The end of its log:", file=sys.stderr)
        sys.stderr.write(report(log))
        return EXIT_MACHINE


def report(log, lines=60):
    """The part of a kernel log that tells why it died: from its first panic line on, or else its last lines."""
    try:
        with open(log, encoding="utf-8", errors="replace") as source:
            text = source.read().replace("\r", "").splitlines()
    except OSError:
        return "(no log)\n"
    start = next((i for i, line in enumerate(text) if "panic" in line.lower()), max(0, len(text) - lines))
    return "\n".join(text[start:start + 2 * lines]) + "\n"


def _write(fd, data):
    while data:
        try:
            data = data[os.write(fd, data):]
        except BrokenPipeError:
            return
