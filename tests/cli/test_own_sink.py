"""A sink of another package gets records where it is named, and harms no other."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.delivery.sinks import files
from tests.writers.distribution import install

from .conftest import Run, environment
from .test_drain import die_with

_ROOT = Path(__file__).resolve().parents[2]

# Sinks that go wrong, each in its own way. Each says when it is imported.
_BROKEN = """
import sys
print("imported", file=sys.stderr)

class Writer:
    name = "s3"  # somebody else's
    def prepare(self): pass
    def write(self, parcel): raise RuntimeError("planted-words")

def fails(settings): raise RuntimeError("planted-words")
def nothing(settings): return None
def refuses(settings): return Writer()
def leaves(settings): sys.exit(3)
"""
_UNIMPORTABLE = "import no_such_module_planted\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of an environment in which other packages' sinks are installed."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    example = (_ROOT / "examples" / "own_sink.py").read_text()
    install(folder, "acme-calls", {"acme_calls": example}, {"sqlite": "acme_calls:sqlite"})
    broken = {each: f"broken_sinks:{each}" for each in ("fails", "nothing", "refuses", "leaves")}
    install(
        folder,
        "broken-sinks",
        {"broken_sinks": _BROKEN, "unimportable_sink": _UNIMPORTABLE},
        {**broken, "absent": "broken_sinks:absent", "unimportable": "unimportable_sink:sink"},
    )
    install(folder, "twin-sinks", {}, {"nothing-else": "x:y", "twice": "broken_sinks:fails"})
    install(folder, "other-twin", {}, {"twice": "broken_sinks:nothing"})
    return {
        "PYTHONPATH": os.pathsep.join((str(folder), str(_ROOT))),
        "ANALYTICS_DIRECTORY": "records",
        "ANALYTICS_SPOOL_DIRECTORY": "spool",
        "CALLS_DATABASE": "calls.db",
    }


def rows(folder: Path, table: str = "sessions") -> list[tuple[object, ...]]:
    """What the example's database holds."""
    with closing(sqlite3.connect(folder / "calls.db")) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()


def test_a_sink_that_is_named_gets_the_record(
    run: Run, packages: dict[str, str], tmp_path: Path
) -> None:
    die_with(tmp_path, "RM_a-AJ_b")

    outcome = run("drain", "--json", ANALYTICS_SINKS="directory,sqlite", **packages)

    assert (outcome.code, outcome.json["sent"]) == (0, ["RM_a-AJ_b"])
    ((session_id, revision, record),) = rows(tmp_path)
    assert (session_id, revision) == ("RM_a-AJ_b", 1)
    (path,) = (tmp_path / "records").rglob("*.json.gz")
    assert record == gzip.decompress(path.read_bytes()).decode()
    assert files(tmp_path / "spool") == []


def test_a_sink_that_is_not_named_is_not_even_imported(
    run: Run, packages: dict[str, str], tmp_path: Path
) -> None:
    die_with(tmp_path, "RM_a-AJ_b")

    outcome = run("drain", "--json", **packages)

    assert (outcome.code, outcome.err) == (0, "")
    assert len(files(tmp_path / "records")) == 1
    assert not (tmp_path / "calls.db").exists()


def test_the_doctor_probes_it_beside_the_records(
    run: Run, packages: dict[str, str], tmp_path: Path
) -> None:
    outcome = run("doctor", "--json", ANALYTICS_SINKS="directory,sqlite", **packages)

    assert outcome.check("sqlite")["facts"]["place"] == "sqlite:calls.db"
    assert (rows(tmp_path), len(rows(tmp_path, "probes"))) == ([], 1)


BROKEN = {
    "fails": "the sink 'fails' of broken-sinks 1.0 cannot be created (RuntimeError)",
    "leaves": "the sink 'leaves' of broken-sinks 1.0 cannot be created (SystemExit)",
    "nothing": "the sink 'nothing' of broken-sinks 1.0 is no Writer",
    "absent": "the sink 'absent' of broken-sinks 1.0 cannot be created (AttributeError)",
    "unimportable": "the sink 'unimportable' of broken-sinks 1.0 cannot be created (Module",
    "nobodys": "names 'nobodys', which no installed package offers (there are: absent, fails,",
    "twice": "names 'twice', which several packages offer (other-twin 1.0 and twin-sinks 1.0)",
}


# What each of them raises at the worker's start.
_LOAD = """
import sys
from livekit_plugins_analytics import Settings, SettingsError
from livekit_plugins_analytics.writers import check_installed

for name in sys.argv[1:]:
    try:
        check_installed(Settings(sinks=name))
    except SettingsError as error:
        print(error)
"""


def test_each_broken_sink_is_named_with_its_package_and_the_fix(
    packages: dict[str, str], tmp_path: Path
) -> None:
    done = python(_LOAD, tmp_path, packages, *BROKEN, "refuses", "sqlite")

    for line, said in zip(done.stdout.splitlines(), BROKEN.values(), strict=True):
        assert line.startswith("ANALYTICS_SINKS") and said in line
        assert line.endswith(", or take it out of ANALYTICS_SINKS.")
        assert "planted-words" not in line
    assert done.returncode == 0
    assert not (tmp_path / "calls.db").exists()


def test_broken_sinks_keep_the_records_waiting_and_no_other_sink(
    run: Run, packages: dict[str, str], tmp_path: Path
) -> None:
    die_with(tmp_path, "RM_a-AJ_b", "RM_c-AJ_d")
    broken = ",".join([*BROKEN, "refuses"])

    outcome = run("drain", "--json", ANALYTICS_SINKS=f"{broken},directory,sqlite", **packages)

    assert outcome.code == 1
    assert len(files(tmp_path / "records")) == len(rows(tmp_path)) == 2
    kept = outcome.json["kept"]
    assert [each["session_id"] for each in kept] == ["RM_a-AJ_b", "RM_c-AJ_d"]
    assert BROKEN["fails"] in str(kept[0]) and "planted-words" not in outcome.out + outcome.err
    # Taken out, as the message says.
    again = run("drain", "--json", ANALYTICS_SINKS="directory,sqlite", **packages)
    assert again.code == 0
    assert files(tmp_path / "spool") == []


_START = "import livekit_plugins_analytics as analytics\nanalytics.prewarm()\n"

# A call in a process whose settings name a sink that cannot be created.
_CALL = """
import asyncio
from livekit.agents import Agent, AgentSession
import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.testing import Reply, ScriptedLLM

async def main():
    session = AgentSession(llm=ScriptedLLM(Reply("Hello.")), vad=None)
    recorder = analytics.attach(session, session_id="RM_a-AJ_b")
    await session.start(Agent(instructions="."))
    await session.run(user_input="Hello")
    await session.aclose()
    print(await recorder.delivered())

asyncio.run(main())
"""


def python(
    program: str, folder: Path, variables: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_at_the_workers_start_a_broken_sink_stops_it_by_name(
    packages: dict[str, str], tmp_path: Path
) -> None:
    done = python(_START, tmp_path, {**packages, "ANALYTICS_SINKS": "directory,nobodys"})

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("livekit_plugins_analytics.errors.SettingsError: ANALYTICS_SINKS")
    assert BROKEN["nobodys"] in last and "or take it out of ANALYTICS_SINKS" in last


def test_in_a_call_a_broken_sink_is_logged_and_the_others_get_the_record(
    packages: dict[str, str], tmp_path: Path
) -> None:
    sinks = {"ANALYTICS_SINKS": "directory,fails,sqlite"}
    done = python(_CALL, tmp_path, {**packages, **sinks})

    assert (done.returncode, done.stdout) == (0, "False\n")
    assert "analytics sink fails: SinkUnavailable" in done.stderr
    assert BROKEN["fails"] in done.stderr and "planted-words" not in done.stderr
    ((session_id, _, record),) = rows(tmp_path)
    assert session_id == json.loads(str(record))["session_id"] == "RM_a-AJ_b"
    assert len(files(tmp_path / "records")) == 1
    waiting = [each for each in files(tmp_path / "spool") if each.endswith(".parcel")]
    assert len(waiting) == 1
