"""Threads of ours.

Daemon threads, never the event loop's default executor: the framework waits for that one when a
job's process ends, and a stuck call in it would hold the process.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable

_Wanted = tuple[str, Callable[[], object], Callable[[], object]]


def start(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """Start a thread, and wait until it runs.

    Raises:
        RuntimeError: The system, or an interpreter that shuts down, gives no more.
    """
    thread = threading.Thread(target=target, args=args, name=f"analytics-{name}", daemon=True)
    thread.start()
    return thread


class Starter:
    """Starts threads from one of its own: a loop has no time to wait until one runs.

    That one is begun when the first is asked for, and stays.
    """

    def __init__(self) -> None:
        # Nobody who puts something in ever waits for who takes it out.
        self._wanted: queue.SimpleQueue[_Wanted] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    def start(
        self, name: str, target: Callable[[], object], otherwise: Callable[[], object]
    ) -> None:
        """Have a thread started; returns at once, and never raises.

        Args:
            name: Of the thread.
            target: What it does.
            otherwise: What is done instead where the system gives no more threads.
        """
        if self._running or self._begun():
            self._wanted.put((name, target, otherwise))
        else:
            _start(name, target, otherwise)

    def _begun(self) -> bool:
        with self._lock:
            if not self._running:
                try:
                    start("starter", self._run)
                    self._running = True
                except RuntimeError:
                    pass  # not even a thread for that
            return self._running

    def _run(self) -> None:
        while True:
            _start(*self._wanted.get())


def _start(name: str, target: Callable[[], object], otherwise: Callable[[], object]) -> None:
    try:
        start(name, target)
    except RuntimeError:
        otherwise()


_starter = Starter()


def start_soon(name: str, target: Callable[[], object], otherwise: Callable[[], object]) -> None:
    """Have this process' `Starter` start a thread; see `Starter.start`."""
    _starter.start(name, target, otherwise)


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has none of its parent's threads."""
    global _starter
    _starter = Starter()


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
