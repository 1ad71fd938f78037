"""``livekit-analytics redact`` in a process that knows nobody's accounts."""

from __future__ import annotations

import os
import subprocess
import sys

# A command hangs only by a mistake of ours.
_TIMEOUT = 120.0


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments and wait for its end."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "ANALYTICS_", "COLUMNS", "FORCE_COLOR"))
    }
    done = subprocess.run(
        [sys.executable, "-c", "from livekit_plugins_analytics.cli import main; main()", "redact"]
        + list(arguments),
        input=stdin,
        env={**kept, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=_TIMEOUT,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
