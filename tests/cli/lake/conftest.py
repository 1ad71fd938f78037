"""The commands that read records, run in this process: loading the framework takes seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livekit_plugins_analytics.cli.app import app
from livekit_plugins_analytics.log import logger
from tests.cli.conftest import Outcome, Run, environment
from tests.warehouse.samples import record, store


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run ``livekit-analytics`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = (list(logger.handlers), logger.propagate, logger.level)

    def ran(*arguments: str, **variables: str) -> Outcome:
        cleared = dict.fromkeys(_named(variables))
        done = CliRunner(env={**cleared, **environment(variables)}).invoke(
            app, arguments, catch_exceptions=False
        )
        return Outcome(done.exit_code, done.stdout, done.stderr)

    yield ran
    logger.handlers[:], logger.propagate, logger.level = before


def _named(variables: dict[str, str]) -> set[str]:
    """This process' variables that no command is to see."""
    return {*os.environ} - {*environment(variables)}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Three calls on three days, where the settings say without any."""
    root = tmp_path / "analytics" / "sessions"
    store(
        root,
        record("a", "2026-11-18", tags=["x", "y"]),
        record("b", "2026-11-19", outcome="success", duration_seconds=90.5),
        record("c", "2026-11-20"),
    )
    return root
