"""What the processes of an ending say while it happens: datagrams from them to the harness."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

VARIABLE = "ENDINGS_WIRE"
"""Names the harness's socket to its processes."""

# A socket takes ten datagrams; a harness that is busy for longer than this is dead.
_SEND_TIMEOUT = 5.0

_LOGGERS = ("livekit.plugins.analytics", "livekit.agents")

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """Something that happened."""

    event: str
    at: float
    """Unix seconds, by the clock of who says it."""
    pid: int
    group: int
    """The process group: every worker has one of its own."""
    facts: dict[str, Any] = field(default_factory=dict)


def tell(event: str, **facts: Any) -> None:
    """Say to the harness that something happened; any thread of any process may."""
    message = {
        "event": event,
        "at": time.time(),
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "facts": facts,
    }
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.settimeout(_SEND_TIMEOUT)
        wire.sendto(json.dumps(message).encode(), os.environ[VARIABLE])


class _Log(logging.Handler):
    """Tells what is logged in this process."""

    def emit(self, record: logging.LogRecord) -> None:
        # The worker logs again what its jobs log.
        if record.process == os.getpid():
            tell("log", logger=record.name, level=record.levelname, text=record.getMessage())


def listen() -> None:
    """Tell what this process logs from now on; call it as often as you like."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _Log) for handler in logger.handlers):
            logger.addHandler(_Log(logging.INFO))
            logger.setLevel(logging.INFO)


class Wire(asyncio.DatagramProtocol):
    """The harness's end. Open it with ``async with``.

    Attributes:
        messages: All so far.
    """

    def __init__(self) -> None:
        # Not beside the records: the address of a socket has room for a hundred characters.
        self._folder = Path(tempfile.mkdtemp(prefix="endings-"))
        self.messages: list[Message] = []
        self._changed = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        """The value of `VARIABLE` for a process that shall talk to this end."""
        return str(self._folder / "wire")

    async def __aenter__(self) -> Wire:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=self.address, family=socket.AF_UNIX
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport:
            self._transport.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def datagram_received(self, data: bytes, _address: Any) -> None:
        """Take a process's message."""
        self.add(Message(**json.loads(data)))

    def add(self, message: Message) -> None:
        """Take a message of the harness's own."""
        self.messages.append(message)
        self._changed.set()

    def all(self, event: str, **facts: Any) -> list[Message]:
        """The messages about an event, in which these facts are so."""
        return [m for m in self.messages if m.event == event and facts.items() <= m.facts.items()]

    async def until(self, condition: Callable[[], T], seconds: float, what: str) -> T:
        """Wait until a condition on the messages holds, and return its value.

        Raises:
            TimeoutError: It does not hold in time; the text says what was waited for.
        """
        end = time.monotonic() + seconds
        while not (value := condition()):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(end - time.monotonic(), 0))
            except asyncio.TimeoutError:
                seen = ", ".join(dict.fromkeys(m.event for m in self.messages)) or "nothing"
                raise TimeoutError(f"no {what} within {seconds:g} s; seen: {seen}") from None
        return value

    async def message(self, event: str, seconds: float, *, times: int = 1, **facts: Any) -> Message:
        """Wait for an event, or for so many of its kind, and return the last of these."""

        def found() -> list[Message]:
            return self.all(event, **facts)[times - 1 :]

        return (await self.until(found, seconds, f"{event!r}"))[0]


async def watch(pid: int, wire: Wire, group: int) -> None:
    """Add the message "ended" when a process has ended, whoever its parent is."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        descriptor = -1
        ended.set()
    else:
        loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        if descriptor >= 0:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    wire.add(Message("ended", time.time(), pid, group))
