"""Many invocations of the command in one process: its start takes longer than all the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cli.conftest import TIMEOUT, Outcome, environment

_LOOP = """
import json, sys
from typer.testing import CliRunner
from livekit_plugins_analytics.cli.app import app

runner = CliRunner()
outcomes = []
for arguments in json.load(sys.stdin):
    done = runner.invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    outcomes.append([done.exit_code, done.stdout, done.stderr])
print(json.dumps(outcomes))
"""


def run_all(commands: Sequence[Sequence[str]], folder: Path, token: str) -> list[Outcome]:
    """Run the commands one after the other in a folder; their outcomes, in this order."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOP],
        input=json.dumps([list(each) for each in commands]),
        env=environment({"LIVEKIT_CLOUD_TOKEN": token, "COLUMNS": "1000"}),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(*each) for each in json.loads(done.stdout.splitlines()[-1])]
