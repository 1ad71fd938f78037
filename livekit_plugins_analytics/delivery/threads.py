"""Threads of ours.

Daemon threads, never the event loop's default executor: the framework waits for that one when a
job's process ends, and a stuck call in it would hold the process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

# A starter without work ends after so many seconds.
_IDLE_SECONDS = 5.0


def start(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """Start a thread.

    Raises:
        RuntimeError: The system, or an interpreter that shuts down, gives no more.
    """
    thread = threading.Thread(target=target, args=args, name=f"analytics-{name}", daemon=True)
    thread.start()
    return thread


class Starter:
    """Starts threads from a thread of its own: a loop has no time to wait until one runs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted: deque[tuple[str, Callable[[], object], Callable[[], object]]] = deque()
        self._running = False

    def start(
        self, name: str, target: Callable[[], object], otherwise: Callable[[], object]
    ) -> None:
        """Have a thread started; returns at once.

        Args:
            name: Of the thread.
            target: What it does.
            otherwise: What is done instead where the system gives no more threads.

        Raises:
            RuntimeError: There is not even a thread for that.
        """
        with self._changed:
            if not self._running:
                start("starter", self._run)
                self._running = True
            self._wanted.append((name, target, otherwise))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._wanted:
                    self._changed.wait(_IDLE_SECONDS)
                if not self._wanted:
                    self._running = False
                    return
                name, target, otherwise = self._wanted.popleft()
            try:
                start(name, target)
            except RuntimeError:
                otherwise()
