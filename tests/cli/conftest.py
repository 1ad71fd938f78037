"""The real command in a process of its own, which knows nothing of this machine's accounts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.servers import FaultServer, MotoServer

# A command hangs only by a mistake of ours: the doctor's slowest findings take 15 s.
TIMEOUT = 90.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    def check(self, name: str) -> dict[str, Any]:
        """One check of the doctor's."""
        (found,) = (each for each in self.json["checks"] if each["name"] == name)
        return found  # type: ignore[no-any-return]  # JSON

    @property
    def statuses(self) -> dict[str, str]:
        """The status of every check of the doctor's, by name."""
        return {each["name"]: each["status"] for each in self.json["checks"]}


Run = Callable[..., Outcome]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment without anyone's settings, credentials and profiles."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "ANALYTICS_", "LIVEKIT_", "COLUMNS", "FORCE_COLOR"))
    }
    return {
        **kept,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **(changes or {}),
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run ``livekit-analytics`` in an empty folder."""

    (tmp_path / "tmp").mkdir()
    # The spool of last resort is in there: nobody else's.
    temporary = {"TMPDIR": str(tmp_path / "tmp")}

    def ran(*arguments: str, **variables: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "livekit_plugins_analytics.cli", *arguments],
            env=environment({**temporary, **variables}),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return ran


@dataclass(frozen=True)
class Account:
    """A bucket and a log group, and the variables that lead a command there."""

    server: MotoServer
    bucket: str
    group: str
    variables: dict[str, str]


@pytest.fixture
def account(moto: MotoServer) -> Account:
    """An AWS account with a bucket and a log group of this test's own."""
    name = f"cli-{uuid4().hex[:12]}"
    moto.create_bucket(name)
    moto.create_log_group(f"/{name}")
    variables = {
        **moto.environment(),
        "ANALYTICS_S3_BUCKET": name,
        "ANALYTICS_LOG_GROUP": f"/{name}",
    }
    return Account(moto, name, f"/{name}", variables)


@pytest.fixture
def faulty(faults: FaultServer) -> Iterator[dict[str, str]]:
    """The variables that lead a command's two sinks to the server that fails on demand."""
    yield {
        **faults.environment(),
        "ANALYTICS_S3_BUCKET": "calls",
        "ANALYTICS_LOG_GROUP": "/calls",
    }
