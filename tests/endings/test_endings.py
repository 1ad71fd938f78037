"""The quickest of the endings that matter most; ``make endings`` produces all of them."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re

import pytest

from tests.endings.ending import Ending
from tests.endings.outcome import Outcome
from tests.endings.processes import PROJECT
from tests.endings.rows import ENDINGS
from tests.endings.rows.truth import BRIEF
from tests.endings.run import run_all
from tests.servers import LiveKitServer

# One for each way by which a record leaves: at the close, by the hooks, by the crash's hook, by
# the loop's teardown, by the worker's sweep, by the next worker.
SHORT = [
    "caller_hangup_departure2",
    "ctx_shutdown_thread",
    "entry_raises_before_attach",
    "entry_raises_before_start",
    "other_cb_raises",
    "sigterm_dev",
    "sigkill_worker",
    "sigkill_job",
    "sigkill_group",
]
# On a media server whose rooms go soon, which the suite has.
ROWS = [dataclasses.replace(ENDINGS[name], server=BRIEF) for name in SHORT]

# What the harness has to say where an ending is not as it should be.
MISJUDGED = dataclasses.replace(
    ENDINGS["entry_raises_before_start"],
    name="misjudged",
    causes=frozenset({"agent_ended"}),
    sessions=2,
    server=BRIEF,
)

pytestmark = [
    pytest.mark.skipif(
        not hasattr(os, "pidfd_open"), reason="the harness sees a process end as Linux tells it"
    ),
    # The first test waits for all of them, on a machine that may be busy with others.
    pytest.mark.timeout(400),
]

# As many as two cores start at a time.
JOBS = 4


@pytest.fixture(scope="module")
def outcomes(
    livekit_server: LiveKitServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """All of them at once: most of the time of an ending is waiting."""
    folder = tmp_path_factory.mktemp("endings")
    servers = {BRIEF: livekit_server}
    results = asyncio.run(run_all([*ROWS, MISJUDGED], folder, jobs=JOBS, servers=servers))
    return {result.ending.name: result for result in results}


@pytest.mark.parametrize("ending", ROWS, ids=[row.name for row in ROWS])
def test_ending_leaves_one_true_record_per_session(
    ending: Ending, outcomes: dict[str, Outcome]
) -> None:
    outcome = outcomes[ending.name]
    assert outcome.problems == []
    assert len(outcome.deliveries) == ending.sessions


def test_a_false_cause_and_a_missing_record_are_told(outcomes: dict[str, Outcome]) -> None:
    assert outcomes[MISJUDGED.name].problems == [
        "end_cause 'crashed', not 'agent_ended'",
        "1 records of 2 sessions",
    ]


def test_the_readme_shows_every_ending() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Every ending")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(ENDINGS)
