"""The spool in the temporary directory, for processes that cannot use the one that is set.

What they leave there is sent by all others as well: the reason why they could not use theirs may
be mended, and then nobody else would look there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ..errors import SpoolError
from ..log import logger
from ..settings import Settings
from .limits import Limits
from .spool import Spool

# Part of its name: everybody may write beside it.
if sys.platform == "win32":  # pragma: no cover  # the suite runs on Linux
    _USER = ""
else:
    _USER = f"-{os.getuid()}"


def open_spool(settings: Settings) -> Spool | None:
    """The spool, in the temporary directory where its own cannot be used, or None."""
    try:
        return Spool(settings.spool, limits=Limits.of(settings))
    except SpoolError as error:
        problem = error
    try:
        fallback = _directory()
        logger.error("%s; %s is used", problem, fallback)
        return Spool(fallback, private=True, limits=Limits.of(settings))
    except (OSError, SpoolError) as error:
        logger.error("%s; records are kept in memory only", error)
        return None


def open_fallback(settings: Settings) -> Spool | None:
    """The spool in the temporary directory, if there is one that is this user's alone."""
    try:
        directory = _directory()
        if not directory.is_dir():
            return None
        return Spool(directory, private=True, limits=Limits.of(settings))
    except (OSError, SpoolError) as error:
        logger.warning("what earlier processes may have left is not sent: %s", error)
        return None


def left_elsewhere(settings: Settings, spool: Spool | None) -> list[Spool]:
    """The fallback, unless it is the spool in use anyway."""
    fallback = open_fallback(settings)
    if fallback is None or (spool and spool.directory == fallback.directory):
        return []
    return [fallback]


def _directory() -> Path:
    """Where it is.

    Raises:
        OSError: There is no temporary directory.
    """
    return Path(tempfile.gettempdir()) / f"livekit-analytics-spool{_USER}"
