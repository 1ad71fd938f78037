"""The one place where our handlers are wrapped: none of them ever raises into the framework.

A TypeError from a handler escapes the framework's `emit` and can kill the speech recognition,
`session.start()` or the whole shutdown.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from .log import logger

T = TypeVar("T")

# What a handler takes. The framework asks at each event (livekit 1.1.21, rtc/event_emitter.py),
# and to find it out anew takes longer than most of ours do.
_ANY = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])

# One line a minute says enough of a handler that fails on every event.
_QUIET_SECONDS = 60.0


class Guard:
    """Wraps handlers; counts what they raise and logs it once a minute.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.errors = 0
        self._clock = clock
        self._silent_until = -math.inf

    def __call__(self, handler: Callable[..., Any], name: str = "") -> Callable[..., None]:
        """The handler, unable to raise."""
        label = name or getattr(handler, "__name__", "handler")

        def guarded(*args: Any) -> None:
            try:
                handler(*args)
            except Exception as error:
                self.failed(label, error)

        guarded.__signature__ = _ANY  # type: ignore[attr-defined]  # PEP 362, unknown to mypy
        return guarded

    def value(self, get: Callable[[], T], otherwise: T, name: str) -> T:
        """What ``get`` returns, or ``otherwise`` where it raises: one part never costs the rest."""
        try:
            return get()
        except Exception as error:
            self.failed(name, error)
            return otherwise

    def failed(self, where: str, error: BaseException) -> None:
        """Count a failure; the log gets its type, never its text: it may quote the caller."""
        self.errors += 1
        now = self._clock()
        if now < self._silent_until:
            return
        self._silent_until = now + _QUIET_SECONDS
        frame = error.__traceback__
        while frame and frame.tb_next:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
        with contextlib.suppress(Exception):  # the agent's own log handlers may raise
            logger.error(
                "analytics: %s failed with %s at %s; counted in the record, the call goes on",
                where,
                type(error).__name__,
                place,
            )
