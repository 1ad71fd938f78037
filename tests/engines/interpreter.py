"""An engine in a Python of its own, which takes statements on its input."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .trino import QueryFailed

LOG_TAIL = 3_000


class Interpreter:
    """A process that answers each line of JSON with one.

    Args:
        command: What to run.
        environment: Variables besides those of this process.
    """

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def rows(self, sql: str) -> list[list[Any]]:
        """Run a statement and return its rows.

        Raises:
            QueryFailed: The engine refused it, or ended.
        """
        assert self._process.stdin and self._process.stdout
        try:
            print(json.dumps(sql), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise QueryFailed(self._tail()) from None
        answer = self._process.stdout.readline()
        if not answer:
            raise QueryFailed(self._tail())
        result = json.loads(answer)
        if "error" in result:
            raise QueryFailed(result["error"])
        rows: list[list[Any]] = result["rows"]
        return rows

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()  # both ends of it: the process ends when there is no more
        self._process.wait(60)
        self._process.stdout.close()
        self._log.close()

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:]
