"""A server in a process of its own, which ends when we do."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

# The slowest start measured is 3 s (moto imports all of botocore); a busy CI machine takes longer.
START_TIMEOUT = 60.0

# Between two looks at the real condition; also how soon a server that died is noticed.
POLL_INTERVAL = 0.02

# A port found free can be taken before the server binds it: then try with others.
START_ATTEMPTS = 3

# For a polite end after each SIGTERM. The second one matters: livekit-server answers the first
# by waiting for its participants to leave.
TERM_TIMEOUTS = (1.0, 3.0)

# Enough of the log to see why a server did not start.
LOG_TAIL = 2000

# Waits until the pipe on its input closes, which it does even when we are killed, then kills the
# server's group and removes its folder. (Not `kill --`: dash does not know it.)
_WATCHDOG = 'read -r _; kill -9 "-$1"; rm -rf "$2"'


class ServerFailed(Exception):
    """A server did not start; the text carries the end of its log."""


class ServerProcess:
    """Start and stop a server process; subclasses say which, and what makes it ready.

    Args:
        name: What messages call the server.

    Attributes:
        name: As given.
        folder: A temporary folder for the time it runs, with its log.
    """

    start_timeout = START_TIMEOUT
    term_timeouts = TERM_TIMEOUTS

    def __init__(self, name: str) -> None:
        self.name = name
        self._end: weakref.finalize[..., ServerProcess] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if self._end and path.exists() else ""

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process, f"{self.name} is not running"
        return self._process.pid

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises:
            ServerFailed: It ended, or did not answer in time.
            ToolUnavailable: The server cannot be run on this machine.
        """
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start()
                return self
            except ServerFailed as error:
                if attempt == START_ATTEMPTS or "address already in use" not in str(error).lower():
                    raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """Stop the server, politely at first; does nothing when it is not running."""
        if self._end:
            self._end()
            self._end = self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self) -> Sequence[str | Path]:
        """Return the command to run, with ports chosen anew."""
        raise NotImplementedError

    def _environment(self) -> Mapping[str, str]:
        """Return the whole environment of the server."""
        return os.environ

    def _ready(self) -> bool:
        """Return whether the server does its work; OSError means not yet."""
        raise NotImplementedError

    def _start(self) -> None:
        assert not self._end, f"{self.name} is running already"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        try:
            command = self._command()
            with open(self.folder / "server.log", "wb") as log:
                process = subprocess.Popen(
                    command,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    start_new_session=True,  # a group of its own: Ctrl-C is ours, not the server's
                )
            watchdog = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHDOG, "watchdog", str(process.pid), self.folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._process = process
        self._end = weakref.finalize(self, _end, process, watchdog, self.folder, self.term_timeouts)
        try:
            self._wait(process)
        except BaseException:
            self.stop()
            raise

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_timeout
        while time.monotonic() < deadline:
            with suppress(OSError):  # nobody listens yet
                if self._ready():
                    return
            try:
                code = process.wait(POLL_INTERVAL)
            except subprocess.TimeoutExpired:
                continue
            raise ServerFailed(f"{self.name} ended with code {code}:\n{self.log[-LOG_TAIL:]}")
        raise ServerFailed(
            f"{self.name} was not ready after {self.start_timeout:.0f} s:\n{self.log[-LOG_TAIL:]}"
        )


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody uses now, for TCP or UDP."""
    found: list[socket.socket] = []
    ports: list[int] = []
    try:
        while len(ports) < count:
            tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
            found += tcp, udp
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue  # free for TCP only
            ports.append(tcp.getsockname()[1])
    finally:
        for each in found:
            each.close()
    return ports


def _end(
    process: subprocess.Popen[bytes],
    watchdog: subprocess.Popen[bytes],
    folder: Path,
    timeouts: Sequence[float],
) -> None:
    """End the server and all it started; a function, since a finalizer must not hold its object."""
    for timeout in timeouts:
        process.terminate()
        try:
            process.wait(timeout)
            break
        except subprocess.TimeoutExpired:
            continue
    # Gone already, as a rule (macOS calls a dead group a missing permission).
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    watchdog.kill()  # before its pipe closes: by then the group's number may be someone else's
    watchdog.wait()
    assert watchdog.stdin
    watchdog.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)
