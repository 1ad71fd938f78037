"""What the worker's forkserver loads is there for every job, and loading it has no effects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import FaultServer

# Runs as the forkserver does: the main thread only, then a job's process.
FORKSERVER = """
import json, multiprocessing, sys, threading

def job(pipe):
    import livekit_plugins_analytics as analytics
    from livekit_plugins_analytics.rulebook import rules_for
    before = set(sys.modules)
    rules = rules_for("sales")
    ready = rules is not None and rules.done()
    analytics.prewarm()
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    pipe.send({"ready": ready, "loaded": sorted(loaded)})

import livekit_plugins_analytics
before = threading.active_count()
import livekit_plugins_analytics.preload
answer = {"threads": threading.active_count() - before}
ours, theirs = multiprocessing.Pipe()
process = multiprocessing.get_context("fork").Process(target=job, args=(theirs,))
process.start()
answer |= ours.recv()
process.join()
print(json.dumps(answer))
"""


def run(tmp_path: Path, code: str, **variables: str) -> tuple[Any, str]:
    """What the code prints as JSON, and what it logs."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANALYTICS_"))}
    environment["ANALYTICS_SPOOL_DIRECTORY"] = str(tmp_path / "spool")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_a_job_finds_rules_and_sdk_loaded_and_the_forkserver_has_no_thread(tmp_path: Path) -> None:
    with FaultServer() as faults:
        answer, log = run(
            tmp_path,
            FORKSERVER,
            ANALYTICS_S3_BUCKET="calls",
            ANALYTICS_LOG_GROUP="/calls",
            **faults.environment(),
        )
        assert answer["threads"] == 0
        assert answer["ready"]
        # Not one module of the SDK or the engine is left for the job to import.
        assert not {"boto3", "botocore", "watchtower", "re2"} & set(answer["loaded"])
        assert faults.requests == []
    assert log == ""


def test_without_an_aws_sink_the_sdk_is_not_loaded(tmp_path: Path) -> None:
    answer, _ = run(
        tmp_path,
        "import livekit_plugins_analytics.preload, json, sys\n"
        "print(json.dumps([n for n in ('boto3', 'botocore', 'watchtower') if n in sys.modules]))",
        ANALYTICS_SIGNALS="off",
        ANALYTICS_DIRECTORY=str(tmp_path),
    )
    assert answer == []


@pytest.mark.parametrize(
    "variables",
    [
        {"ANALYTICS_SIGNALS": "no-such-pack.toml"},
        {"ANALYTICS_REDACT": "no-such-entity"},
        {"ANALYTICS_EXPORT_BUDGET_SECONDS": "soon"},
        {"ANALYTICS_S3_BUCKET": "calls", "AWS_PROFILE": "no-such-profile"},
        {"ANALYTICS_ENABLED": "false"},
    ],
    ids=["rules", "redaction", "setting", "profile", "off"],
)
def test_nothing_that_is_wrong_ends_the_forkserver(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    answer, log = run(
        tmp_path, "import livekit_plugins_analytics.preload\nprint('true')", **variables
    )
    assert answer is True
    assert "Traceback" not in log
