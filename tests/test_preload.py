"""What the worker's forkserver loads is there for every job, and loading it has no effects."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers import FaultServer

# Runs as the forkserver does, of which the framework may be no part yet: the main thread only, then
# a job's process, whose answer `job` sends.
FORKSERVER = """
import asyncio, json, multiprocessing, os, sys, threading

before = threading.active_count()
import livekit_plugins_analytics.preload
threads = threading.active_count() - before

{job}

ours, theirs = multiprocessing.Pipe()
process = multiprocessing.get_context("fork").Process(target=job, args=(theirs,))
process.start()
theirs.close()
answer = ours.recv()
process.join()
print(json.dumps({{**answer, "threads": threads}}))
"""

PREWARMED = """
def job(pipe):
    before = set(sys.modules)
    import livekit_plugins_analytics as analytics
    from livekit_plugins_analytics.rulebook import rules_for
    rules = rules_for("sales")
    ready = rules is not None and rules.done()
    analytics.prewarm(multiprocessing.current_process())
    pipe.send({"ready": ready, "loaded": sorted(set(sys.modules) - before)})
"""

CALL = """
def job(pipe):
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAOFTHEJOB", AWS_REGION="eu-west-3")
    import livekit_plugins_analytics.testing  # no agent's
    pipe.send(asyncio.run(call()))

async def call():
    from livekit.agents import Agent, AgentSession
    before = set(sys.modules)
    import livekit_plugins_analytics as analytics
    model = analytics.testing.ScriptedLLM(default="Noted.", model="gpt-4.1", provider="openai")
    options = {"turn_detection": None}
    async with AgentSession(llm=model, vad=None, turn_handling=options) as session:
        recorder = analytics.attach(session)
        await session.start(Agent(instructions="x"))
        await session.run(user_input="We use HubSpot, twelve of us.")
    delivered = await recorder.delivered()
    return {"delivered": delivered, "loaded": sorted(set(sys.modules) - before)}
"""

OF_ITS_OWN = """
def job(pipe):
    os.environ["ANALYTICS_SIGNALS"] = os.environ["OWN_PACK"]
    import livekit_plugins_analytics as analytics
    from livekit_plugins_analytics.rulebook import rules_for
    analytics.prewarm(multiprocessing.current_process())
    rules = rules_for(os.environ["ANALYTICS_SIGNALS"])
    pipe.send({"id": None if rules.exception(30) else rules.result().id})
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
            FORKSERVER.format(job=PREWARMED),
            ANALYTICS_S3_BUCKET="calls",
            ANALYTICS_LOG_GROUP="/calls",
            **faults.environment(),
        )
        assert answer["threads"] == 0
        assert answer["ready"]
        # Not one module is left for the job to import.
        assert answer["loaded"] == []
        assert faults.requests == []
    assert log == ""


def test_sinks_that_few_have_are_loaded_where_they_are_set(tmp_path: Path) -> None:
    with FaultServer() as faults:
        answer, log = run(
            tmp_path,
            FORKSERVER.format(job=PREWARMED),
            ANALYTICS_FIREHOSE_STREAM="calls",
            ANALYTICS_WEBHOOK_URL="https://hooks.example.com/calls",
            ANALYTICS_WEBHOOK_SECRET="whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            **faults.environment(),
        )
    assert answer["loaded"] == [], log


def test_a_call_has_nothing_left_to_load(tmp_path: Path) -> None:
    """The list prices are a megabyte, which the end of the first call would load."""
    with FaultServer() as faults:
        answer, log = run(
            tmp_path,
            FORKSERVER.format(job=CALL),
            ANALYTICS_S3_BUCKET="calls",
            ANALYTICS_LOG_GROUP="/calls",
            ANALYTICS_REDACT="phone",
            **faults.environment(),
        )
        (put,) = [r for r in faults.requests if r.operation == "PutObject"]
    assert answer["delivered"], log
    record = json.loads(gzip.decompress(put.body))
    assert record["cost_summary"]["total_estimated_cost"] > 0
    # Inherited is what has read no settings of AWS's.
    assert "AKIAOFTHEJOB/" in put.headers["authorization"]
    assert "/eu-west-3/s3/" in put.headers["authorization"]
    # What the framework itself loads in a call is its own affair.
    assert [name for name in answer["loaded"] if not name.startswith("livekit.")] == []


UNPREPARED = """
import asyncio, json, sys, threading
from livekit.agents import Agent, AgentSession
import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import testing

async def call():
    model = testing.ScriptedLLM(default="Noted.", model="gpt-4.1", provider="openai")
    sink = testing.MemoryWriter()
    async with AgentSession(llm=model, turn_handling={"turn_detection": None}) as session:
        recorder = analytics.attach(session, writers=[sink])
        await session.start(Agent(instructions="x"))
        await session.run(user_input="We use HubSpot, twelve of us.")
        for thread in threading.enumerate():
            if thread.name in ("analytics-loader", "analytics-rules"):
                await asyncio.to_thread(thread.join)
        before = set(sys.modules)
    assert await recorder.delivered()
    ours = sorted(n for n in set(sys.modules) - before if not n.startswith("livekit."))
    record = sink.records[0]
    print(json.dumps([ours, record["cost_summary"]["total_estimated_cost"]]))

asyncio.run(call())
"""


def test_a_call_that_nobody_prepared_loads_beside_itself_what_its_end_needs(
    tmp_path: Path,
) -> None:
    """Neither a forkserver nor `prewarm`: as in a console, or under a test of the agent's."""
    (left, cost), _ = run(tmp_path, UNPREPARED)
    assert left == []
    assert cost > 0


PACK = """
name = "ours"
version = 1
[signals.size]
type = "integer"
[[rules]]
name = "size"
signal = "size"
patterns = ["{n} (?:reps|people)"]
"""


@pytest.mark.parametrize(("first", "own"), [("sales", "ours"), ("ours", "sales")])
def test_a_job_has_the_rules_of_its_own_settings(tmp_path: Path, first: str, own: str) -> None:
    (tmp_path / "ours.toml").write_text(PACK)
    packs = {"sales": "sales", "ours": str(tmp_path / "ours.toml")}
    answer, log = run(
        tmp_path,
        FORKSERVER.format(job=OF_ITS_OWN),
        ANALYTICS_SIGNALS=packs[first],
        OWN_PACK=packs[own],
        ANALYTICS_DIRECTORY=str(tmp_path),
    )
    assert answer["id"] == f"{own}@1", log


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ANALYTICS_SIGNALS", "none.toml"), ("ANALYTICS_REDACT", "none.toml")],
    ids=["rules", "redaction"],
)
def test_a_job_says_itself_what_is_wrong(tmp_path: Path, variable: str, value: str) -> None:
    """The forkserver has no log that a framework's user reads."""
    _, log = run(
        tmp_path,
        FORKSERVER.format(job=PREWARMED),
        ANALYTICS_DIRECTORY=str(tmp_path),
        **{variable: str(tmp_path / value)},
    )
    assert log.count(f"{variable}: ") == 2


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
