"""``livekit-analytics signals`` in a process that knows nobody's accounts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

# A command hangs only by a mistake of ours.
_TIMEOUT = 120.0


def run(
    *arguments: str, stdin: str = "", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments and wait for its end."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "ANALYTICS_", "COLUMNS", "FORCE_COLOR"))
    }
    return subprocess.run(
        [sys.executable, "-c", "from livekit_plugins_analytics.cli.signals import app; app()"]
        + list(arguments),
        input=stdin,
        env={**kept, **(variables or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=_TIMEOUT,
    )
