"""The ``livekit-analytics`` command."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process, and end the process."""
    streams = (each for each in (sys.stdout, sys.stderr) if isinstance(each, io.TextIOWrapper))
    for stream in streams:
        # A path may hold what a Windows console or an ASCII pipe has no character for.
        stream.reconfigure(errors="replace")
    from .app import app

    app(prog_name="livekit-analytics")
