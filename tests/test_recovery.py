"""A call whose process was killed has its record, once, and never in place of a better one.

``ANALYTICS_CHAOS=1000`` kills a thousand calls instead of forty.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble, parcel
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.journal import Journal, orphans
from livekit_plugins_analytics.delivery.names import new_token
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.recovery import recover

from .cli.conftest import Run, run
from .collectors.events import T
from .journal_chaos import call

__all__ = ["run"]

KILLS = int(os.environ.get("ANALYTICS_CHAOS", "40"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(directory=tmp_path / "records", spool_directory=tmp_path / "spool")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def begun(spool: Spool, session_id: str = "RM_1-AJ_1", pages: int = 3) -> tuple[Journal, str]:
    """The journal of a call that goes on, and its token."""
    token = new_token()
    lines = Pages(Settings(transcript="on")).lines(call(session_id, pages))
    return Journal(spool, session_id, token, lines), token


def left(spool: Spool, session_id: str = "RM_1-AJ_1", pages: int = 3) -> tuple[Path, str]:
    """The journal of a call whose process is gone."""
    journal, token = begun(spool, session_id, pages)
    journal.leave()
    return journal.path, token


def waiting(spool: Spool) -> list[dict[str, Any]]:
    records = []
    for path in spool.paths():
        entry = spool.claim(path)
        assert entry
        records.append(json.loads(gzip.decompress(entry.parcel.body)))
        entry.release()
    return records


def test_the_call_of_a_dead_process_becomes_a_record(spool: Spool, settings: Settings) -> None:
    path, _ = left(spool)
    os.utime(path, (T + 30, T + 30))

    assert recover(spool, settings) == ["RM_1-AJ_1"]

    (record,) = waiting(spool)
    assert record["record_status"] == "recovered"
    assert record["end_cause"] == "agent_ended"  # the journal knows of its close
    assert len(record["transcript"]["items"]) == 4  # as the dead process was set, not this one
    assert not path.exists()
    assert recover(spool, settings) == []


def test_the_call_of_a_living_process_is_left_alone(spool: Spool, settings: Settings) -> None:
    journal, _ = begun(spool)
    assert recover(spool, settings) == []
    journal.append(b'{"f":"dropped","v":1}\n')
    assert journal.path.exists()
    journal.discard()
    assert not journal.path.exists()


def test_a_record_that_was_spooled_is_not_replaced(spool: Spool, settings: Settings) -> None:
    path, token = left(spool)
    spool.put(parcel(assemble(call("RM_1-AJ_1", 9), settings), settings), token=token).release()

    assert recover(spool, settings) == []

    (record,) = waiting(spool)
    assert record["record_status"] == "final"
    assert not path.exists()


def test_the_journal_goes_before_the_record_that_was_sent(spool: Spool, settings: Settings) -> None:
    path, token = left(spool)
    entry = spool.put(parcel(assemble(call("RM_1-AJ_1", 9), settings), settings), token=token)
    spool.remove(entry, [])
    assert not path.exists()


def test_of_two_calls_under_one_id_neither_covers_the_other(
    spool: Spool, settings: Settings
) -> None:
    left(spool, "ours", 2)
    spool.put(parcel(assemble(call("ours", 9), settings), settings)).release()
    assert recover(spool, settings) == ["ours"]
    assert sorted(r["record_status"] for r in waiting(spool)) == ["final", "recovered"]


def test_of_many_that_try_at_once_one_succeeds(spool: Spool, settings: Settings) -> None:
    for number in range(20):
        left(spool, f"s{number}")
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda: done.extend(recover(spool, settings))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(f"s{number}" for number in range(20))
    assert len(spool.paths()) == 20


def test_what_is_no_journal_is_put_aside_and_counted(
    spool: Spool, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (spool.directory / "s~abc.journal").write_bytes(b"\x00garbage with words")
    assert recover(spool, settings) == []
    assert recover(spool, settings) == []
    assert spool.journals() == []
    assert (spool.directory / "dead" / "s~abc.journal").exists()
    assert spool.losses.total() == {"journal_unreadable": 1}
    (message,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert "s~abc.journal" in message and "garbage" not in message


def test_what_cannot_be_put_aside_is_counted_when_it_is(spool: Spool, settings: Settings) -> None:
    (spool.directory / "s~abc.journal").write_bytes(b"\x00garbage")
    dead = spool.directory / "dead"
    dead.write_text("in the way")
    assert recover(spool, settings) == []
    assert recover(spool, settings) == []
    assert spool.losses.total() == {}

    dead.unlink()
    recover(spool, settings)
    assert spool.losses.total() == {"journal_unreadable": 1}
    assert spool.journals() == []


def test_a_journal_that_another_process_deals_with_stays(spool: Spool, settings: Settings) -> None:
    path, _ = left(spool)
    (orphan,) = orphans(spool)
    assert recover(spool, settings) == []
    orphan.release()
    assert path.exists()
    assert recover(spool, settings) == ["RM_1-AJ_1"]


def test_the_recovered_record_tells_what_was_lost_before(spool: Spool, settings: Settings) -> None:
    spool.losses.add("expired", 2)
    left(spool)
    recover(spool, settings)
    (record,) = waiting(spool)
    assert record["completeness"]["lost_records_before"] == 2


def test_journals_are_for_their_owner_only(spool: Spool) -> None:
    journal, _ = begun(spool)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert spool.directory.stat().st_mode & 0o777 == 0o700
    journal.discard()


def test_drain_recovers_and_sends(spool: Spool, settings: Settings, run: Run) -> None:
    left(spool)
    living, _ = begun(spool, "RM_2-AJ_2")
    variables = {
        "ANALYTICS_DIRECTORY": str(settings.directory),
        "ANALYTICS_SPOOL_DIRECTORY": str(spool.directory),
    }
    before = run("spool", "ls", **variables)
    assert before.code == 1
    assert "calls: 1 going on, 1 of killed processes" in before.out

    assert run("drain", **variables).code == 0

    assert settings.directory is not None
    (path,) = settings.directory.rglob("*.json.gz")
    assert json.loads(gzip.decompress(path.read_bytes()))["record_status"] == "recovered"
    after = run("spool", "ls", "--json", **variables).json
    assert after["ok"] is True
    assert [call["session_id"] for call in after["spools"][0]["calls"]] == ["RM_2-AJ_2"]
    living.discard()


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
@pytest.mark.timeout(120 + 2 * KILLS)
def test_killed_calls_and_recoverers_lose_nothing_and_replace_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = str(random.SystemRandom().randrange(10**9))
    records = tmp_path / "records"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("ANALYTICS_")},
        "ANALYTICS_DIRECTORY": str(records),
        "ANALYTICS_TRANSCRIPT": "on",
    }
    result = subprocess.run(
        [sys.executable, "-m", "tests.journal_chaos", str(tmp_path), str(KILLS), seed],
        env=environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    figures = json.loads(result.stdout.splitlines()[-1])

    known: dict[str, tuple[str, int]] = {}
    for note in (tmp_path / "notes").read_text().splitlines():
        session_id, kind, pages = note.split()
        known[session_id] = (kind, int(pages))
    stored: dict[str, dict[str, Any]] = {}
    for path in records.rglob("*.json.gz"):
        record = json.loads(gzip.decompress(path.read_bytes()))
        assert path.name == f"{record['session_id']}.json.gz"
        stored[record["session_id"]] = record

    def said(record: dict[str, Any]) -> list[str]:
        return [i["text"] for i in record["transcript"]["items"] if i["role"] == "user"]

    torn = [s for s, r in stored.items() if said(r) != [f"{s} {n}" for n in range(len(said(r)))]]
    lost = [s for s, (_, pages) in known.items() if s not in stored or len(said(stored[s])) < pages]
    replaced = [
        s
        for s, (kind, _) in known.items()
        if kind == "final" and s in stored and stored[s]["record_status"] != "final"
    ]
    figures |= {
        "calls": len(known),
        "recovered": sum(r["record_status"] == "recovered" for r in stored.values()),
        "final": sum(kind == "final" for kind, _ in known.values()),
        "lost": len(lost),
        "torn": len(torn),
        "replaced": len(replaced),
    }
    with capsys.disabled():
        print(f"\nseed {seed}: {figures}")
    assert figures["writers_killed"] > KILLS * 0.9
    assert figures["recovered"] and figures["final"]
    assert (lost, torn, replaced) == ([], [], [])
    left_over = [p.name for p in (tmp_path / "spool").iterdir() if p.suffix != ".json"]
    assert left_over == []
