"""Threads that do one thing after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from .threads import start

_Task = tuple[Callable[..., object], tuple[object, ...]]


class Pool:
    """Starts things in threads that have ended what they did before; in new ones without those.

    Nothing ever waits for a thread that is busy: one that hangs takes no other's place.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._closed = False

    def start(self, target: Callable[..., object], *args: object) -> None:
        """Do it in a thread.

        Raises:
            RuntimeError: The system gives no more threads.
        """
        with self._lock:
            idle = self._idle > 0
            self._idle -= idle
        if not idle:
            start("send", self._work)
        self._tasks.put((target, args))

    def close(self) -> None:
        """End the threads that are idle, the others when they are."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._tasks.put(None)

    def _work(self) -> None:
        # Of those who wait, each is promised one task: it never matters who takes which.
        while task := self._tasks.get():
            task[0](*task[1])
            del task  # not kept while it waits: it holds a record's bytes
            with self._lock:
                if self._closed:
                    return
                self._idle += 1
