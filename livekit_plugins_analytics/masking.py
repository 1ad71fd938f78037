"""The redactor of this process: built once, by the thread that needs it first."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from .errors import AnalyticsError
from .log import logger

if TYPE_CHECKING:
    from .redaction import Redactor
    from .settings import Settings

_lock = threading.Lock()
_redactors: dict[tuple[str, str], Redactor | AnalyticsError] = {}


def load_redactor(settings: Settings) -> Redactor | None:
    """What the settings want masked; None: nothing.

    The first call takes tenths of a second (libphonenumber's data): for a thread.

    Raises:
        RedactionError: The setting names an entity or a file that cannot be used.
    """
    if settings.redact is None:
        return None
    key = settings.redact, settings.redact_region
    with _lock:
        known = _redactors.get(key)
        if known is None:
            # Here, not above: a process that redacts nothing does not load it.
            from .redaction import redactor

            try:
                known = redactor(settings.redact, region=settings.redact_region)
                list(known.find("call"))  # loads what it needs, now and not during a call
            except AnalyticsError as error:
                logger.error(
                    "ANALYTICS_REDACT: %s. No content is told until this is mended.", error
                )
                known = error
            _redactors[key] = known
    if isinstance(known, AnalyticsError):
        raise known
    return known


def chained(first: Redactor | None, second: Redactor | None) -> Redactor | None:
    """What finds all that both find."""
    if first is None or second is None:
        return first or second
    from .redaction import Several

    return Several(first, second)


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """What failed is tried again, to be told in a log that somebody reads."""
    global _lock
    _lock = threading.Lock()
    for key, known in list(_redactors.items()):
        if isinstance(known, AnalyticsError):
            del _redactors[key]


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
