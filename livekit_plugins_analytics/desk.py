"""One desk for all threads of ours: whoever computes sits there, beside a call's event loop.

CPython runs one thread at a time. A loop that wakes up waits until the running thread gives way:
5 ms by default, and where several compute, behind each of them. So ours compute one after another,
which takes no longer, and give way ten times as often meanwhile. Nobody waits for a sink or another
call while sitting there; and nobody waits for the desk for long: what sits there may be an agent's
own redactor.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

# How long a computing thread keeps the loop waiting. A switch takes about 10 us.
_SWITCH_SECONDS = 0.0005
# What waits longer than this goes on without the desk.
_PATIENCE_SECONDS = 2.0


class _Mine(threading.local):
    """Of each thread."""

    errand = False
    seated = False
    alone = False


class Desk:
    """What at most one thread has at a time.

    Args:
        patience: Seconds to wait for it at most.
    """

    def __init__(self, patience: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._free = threading.Lock()
        self._mine = _Mine()

    @contextmanager
    def seated(self) -> Iterator[bool]:
        """Compute, alone if that can be; sitting already changes nothing."""
        if self._mine.seated:
            yield self._mine.alone
            return
        self._take()
        try:
            yield self._mine.alone
        finally:
            self.rise()

    @contextmanager
    def errand(self) -> Iterator[None]:
        """Do what computes and waits in turn: it may `sit` and `rise`, and leaves at the end."""
        self._mine.errand = True
        try:
            yield
        finally:
            self._mine.errand = False
            self.rise()

    def sit(self) -> None:
        """Take the desk until `rise`; wait for it. Who is on no errand changes nothing."""
        if self._mine.errand and not self._mine.seated:
            self._take()

    def _take(self) -> None:
        mine = self._mine
        mine.seated = True
        mine.alone = self._free.acquire(timeout=self._patience)
        _hurry.begin()

    def rise(self) -> None:
        """Leave it to others, as before a wait. Who does not sit there changes nothing."""
        mine = self._mine
        if not mine.seated:
            return
        mine.seated = False
        _hurry.end()
        if mine.alone:
            self._free.release()


class Wish(ABC):
    """Something of the whole interpreter's that is so while anybody wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanting = 0

    def begin(self) -> None:
        """Have it so from now on, until `end` was called as often."""
        with self._lock:
            self._wanting += 1
            if self._wanting == 1:
                self._fulfil()

    def end(self) -> None:
        """As before, if nobody else wants it."""
        with self._lock:
            self._wanting -= 1
            if self._wanting == 0:
                self.undo()

    @abstractmethod
    def _fulfil(self) -> None: ...

    @abstractmethod
    def undo(self) -> None:
        """As it was, unless somebody else has changed it since."""


class Hurry(Wish):
    """A shorter switch interval. One that is shorter still stays, and one that is set meanwhile."""

    _before: float | None = None

    def _fulfil(self) -> None:
        if sys.getswitchinterval() > _SWITCH_SECONDS:
            self._before = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_SECONDS)

    def undo(self) -> None:
        """The interval that it was."""
        before, self._before = self._before, None
        if before is not None and abs(sys.getswitchinterval() - _SWITCH_SECONDS) < 1e-6:
            sys.setswitchinterval(before)


class Pause(Wish):
    """No collection of cycles while somebody makes many objects that all go again.

    A record of a long call is some ten thousand, and none of them is in a cycle. They would have
    the collector look at all that the agent has: 50 ms of every thread's time after a thousand
    turns. For code of ours that cannot hang. A collector that the agent has switched off stays so.
    """

    _mine = False

    def _fulfil(self) -> None:
        self._mine = gc.isenabled()
        gc.disable()

    def undo(self) -> None:
        """Collect again."""
        if self._mine:
            self._mine = False
            gc.enable()


_hurry = Hurry()
_pause = Pause()
_desk = Desk()


def desk() -> Desk:
    """This process' desk."""
    return _desk


@contextmanager
def hurried() -> Iterator[None]:
    """Compute for long without the desk, giving way as often."""
    _hurry.begin()
    try:
        yield
    finally:
        _hurry.end()


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects, and let them go again; see `Pause`."""
    _pause.begin()
    try:
        yield
    finally:
        _pause.end()


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has none of the threads that sat there."""
    global _desk, _hurry, _pause
    _hurry.undo()
    _pause.undo()
    _desk, _hurry, _pause = Desk(), Hurry(), Pause()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
