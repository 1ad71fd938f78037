"""Threads of ours.

Daemon threads, never the event loop's default executor: the framework waits for that one when a
job's process ends, and a stuck call in it would hold the process.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_Wanted = tuple[str, Callable[[], object], Callable[[], object]]


def start(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """Start a thread.

    Raises:
        RuntimeError: The system, or an interpreter that shuts down, gives no more.
    """
    thread = threading.Thread(target=target, args=args, name=f"analytics-{name}", daemon=True)
    thread.start()
    return thread


class Starter:
    """Starts threads from a thread of its own: a loop has no time to wait until one runs.

    Args:
        idle: Seconds without work after which that thread ends.
    """

    def __init__(self, idle: float = 0.1) -> None:
        self._idle = idle
        # Nobody who puts something in ever waits for who takes it out.
        self._wanted: queue.SimpleQueue[_Wanted] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    def start(
        self, name: str, target: Callable[[], object], otherwise: Callable[[], object]
    ) -> None:
        """Have a thread started; returns at once.

        Args:
            name: Of the thread.
            target: What it does.
            otherwise: What is done instead where the system gives no more threads.
        """
        self._wanted.put((name, target, otherwise))
        if not self._running:
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._running:
                return
            try:
                start("starter", self._run)
                self._running = True
                return
            except RuntimeError:
                pass  # not even a thread for that
        while wanted := self._next(0.0):
            _start(*wanted)

    def _run(self) -> None:
        while True:
            while wanted := self._next(self._idle):
                _start(*wanted)
            self._running = False
            # Who came before that relied on this thread.
            if self._wanted.empty():
                return
            with self._lock:
                if self._running:
                    return  # another has begun
                self._running = True

    def _next(self, seconds: float) -> _Wanted | None:
        try:
            return self._wanted.get(timeout=seconds)
        except queue.Empty:
            return None


def _start(name: str, target: Callable[[], object], otherwise: Callable[[], object]) -> None:
    try:
        start(name, target)
    except RuntimeError:
        otherwise()
