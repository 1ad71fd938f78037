"""Threads of ours.

Daemon threads, never the event loop's default executor: the framework waits for that one when a
job's process ends, and a stuck call in it would hold the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


def start(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """Start a thread.

    Raises:
        RuntimeError: The system, or an interpreter that shuts down, gives no more.
    """
    thread = threading.Thread(target=target, args=args, name=f"analytics-{name}", daemon=True)
    thread.start()
    return thread
