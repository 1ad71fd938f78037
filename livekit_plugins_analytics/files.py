"""Files that appear under their names whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(
    path: Path,
    body: bytes,
    *,
    mode: int = 0o666,
    ready: Callable[[Path], None] | None = None,
) -> None:
    """Write a file, so that nobody ever sees half of it, over one of the same name.

    Args:
        path: Its folder must be there.
        body: What it holds.
        mode: Its permissions; the process' mask is taken off.
        ready: Called with the file that is to take the name, right before; where it raises, nothing
            has changed.

    Raises:
        OSError: It cannot be written.
    """
    # Short, since names have limits, and hidden from patterns such as *.json.gz.
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        if ready is not None:
            ready(temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
