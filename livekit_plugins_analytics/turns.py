"""Work of an event loop that may come in pieces, so much in each turn of the loop."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable

# Of one turn: then the audio of others has theirs.
_SECONDS = 0.0005


class Turns:
    """What is to be done on one loop, in the order in which it came.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], object]] = deque()
        self._spent = 0.0
        self._called = False

    def do(self, work: Callable[[], object]) -> None:
        """Do it now, or in one of the loop's next turns where this one is spent.

        Args:
            work: Must not raise.
        """
        self._waiting.append(work)
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._next)
        if len(self._waiting) == 1:  # else it is behind others
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._spent < _SECONDS:
            began = self._clock()
            self._waiting.popleft()()
            self._spent += self._clock() - began

    def _next(self) -> None:
        self._spent = 0.0
        self._called = bool(self._waiting)
        self._go_on()
        if self._called:
            asyncio.get_running_loop().call_soon(self._next)


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = weakref.WeakKeyDictionary()


def turns() -> Turns:
    """The running loop's.

    Raises:
        RuntimeError: No loop runs here.
    """
    loop = asyncio.get_running_loop()
    if loop not in _turns:
        _turns[loop] = Turns()
    return _turns[loop]
