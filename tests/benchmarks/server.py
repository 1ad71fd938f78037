"""The fault server in a process of its own: none of its work is in what is measured.

``python -m tests.benchmarks.server`` reads a JSON object a line, with a ``mode`` and a ``delay`` in
seconds, and answers each with what it has stored so far.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers import FaultServer, Mode


class Server:
    """The server, as the measuring process sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.environment: dict[str, str] = self._answer()

    def set(self, mode: Mode = "ok", delay: float = 0.0) -> dict[str, int]:
        """Behave so from now on.

        Args:
            mode: As the fault server has them.
            delay: Seconds before each answer, in the mode "slow".

        Returns:
            How many requests were read and how many objects and events are stored.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"mode": mode, "delay": delay}) + "\n")
        self._process.stdin.flush()
        counts: dict[str, int] = self._answer()
        return counts

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def serving() -> Iterator[Server]:
    """A server, and this process' environment leading to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    before = dict(os.environ)
    try:
        server = Server(process)
        # boto3 by itself reads only the latter.
        region = server.environment["AWS_REGION"]
        os.environ.update(server.environment | {"AWS_DEFAULT_REGION": region})
        yield server
    finally:
        os.environ.clear()
        os.environ.update(before)
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def main() -> None:
    """Serve until the input ends."""
    with FaultServer() as faults:
        print(json.dumps(faults.environment()), flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            faults.delay = wanted["delay"]
            faults.mode = wanted["mode"]
            counts = {
                "requests": len(faults.requests),
                "objects": len(faults.objects("calls")),
                "events": len(faults.events("/calls")),
            }
            print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main()
