"""What waits on this machine is the person's too: parcels, the given up ones, journals."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.journal import Journal
from livekit_plugins_analytics.delivery.names import new_token
from livekit_plugins_analytics.erasure import Person, SpoolErasure
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.writers import Parcel
from tests.journal_chaos import call

from .people import EMAIL, PERSONAL, packed, record, tree, words

JANE = Person.of(emails=[EMAIL])


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def parcel(row: dict[str, Any]) -> Parcel:
    """As the agent spools it."""
    event = {k: v for k, v in row.items() if k not in ("transcript", "signals")}
    return Parcel(
        session_id=row["session_id"],
        revision=row.get("revision", 1),
        name=f"{row['session_id']}.json.gz",
        body=packed(row),
        event=json.dumps(event).encode(),
        happened_at=1.0,
        stream="sales",
    )


def filled(spool: Spool) -> Spool:
    """Jane's record waits, another was given up; so it is with Max's."""
    for who in ("jane", "max"):
        spool.put(parcel(record(f"{who}-1", of=who))).release()
        entry = spool.put(parcel(record(f"{who}-2", of=who)))
        spool.confirm(entry, "s3")
        spool.bury(entry, "refused", "cloudwatch: TooLarge")
    return spool


def erased(spool: Spool, person: Person = JANE, *, rewrite: bool = False) -> Any:
    erasure = SpoolErasure(spool, Settings(), person)
    erasure.find()
    return erasure.apply(rewrite=rewrite)


def raw(root: Path) -> str:
    """All that can be read in a directory, gzip unpacked."""
    text = ""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            at = data.find(b"\x1f\x8b")
            text += data.decode("utf-8", "replace")
            if at >= 0:
                text += gzip_at(data[at:])
    return text


def gzip_at(data: bytes) -> str:
    """The text of a gzip member with something behind it."""
    import zlib

    return zlib.decompressobj(wbits=31).decompress(data).decode()


def test_her_files_go_with_marks_and_notes_and_the_others_are_the_same(spool: Spool) -> None:
    filled(spool)
    before = tree(spool.directory)
    outcome = erased(spool)

    assert len(outcome.deleted) == 2
    assert outcome.failed == {}
    after = tree(spool.directory)
    assert after == {name: digest for name, digest in before.items() if "jane" not in name}
    assert [each for each in PERSONAL if each in raw(spool.directory)] == []


def test_rewritten_ones_wait_as_before_and_hold_nothing_personal(spool: Spool) -> None:
    filled(spool)
    names = {path.name for path in spool.directory.rglob("*") if path.is_file()}
    outcome = erased(spool, rewrite=True)

    assert len(outcome.rewritten) == 2
    assert {path.name for path in spool.directory.rglob("*") if path.is_file()} == names
    assert [each for each in PERSONAL if each in raw(spool.directory)] == []
    (waiting,) = (path for path in spool.paths() if "jane" in path.name)
    entry = spool.claim(waiting)
    assert entry
    body = json.loads(gzip.decompress(entry.parcel.body))
    event = json.loads(entry.parcel.event)
    assert (entry.parcel.revision, body["revision"], event["revision"]) == (2, 2, 2)
    assert body["metrics_summary"] == event["metrics_summary"]
    entry.release()


def test_what_is_being_sent_is_left_and_named(spool: Spool) -> None:
    entry = spool.put(parcel(record("jane-1")))
    outcome = erased(spool)
    entry.release()

    assert list(outcome.failed) == [str(entry.path)]
    assert "a living process holds it" in outcome.failed[str(entry.path)]
    assert entry.path.exists()


def test_transcripts_that_wait_go_by_their_session(spool: Spool) -> None:
    """They name nobody: their session was found among the records."""
    row = words("jane-1", "RM_1")
    spool.put(parcel(row)).release()
    erasure = SpoolErasure(spool, Settings(), JANE)
    erasure.find({"jane-1"})
    assert len(erasure.apply({"jane-1"}, rewrite=True).deleted) == 1
    assert spool.paths() == []


def test_a_separate_transcript_goes_with_what_it_waits_beside(spool: Spool) -> None:
    row = record("jane-1", transcript=None)
    both = replace(parcel(row), transcript=packed(words("jane-1", "RM_1")))
    spool.put(both).release()
    assert len(erased(spool, rewrite=True).rewritten) == 1

    (path,) = spool.paths()
    entry = spool.claim(path)
    assert entry
    assert entry.parcel.transcript is None
    entry.release()


def test_the_words_of_a_watched_room_go_with_the_call_that_was_in_it(spool: Spool) -> None:
    spool.put(parcel(words("named-by-hand", "RM_1", source="room"))).release()
    spool.put(parcel(words("another-session", "RM_1", source="session"))).release()
    erasure = SpoolErasure(spool, Settings(), JANE)
    erasure.find({"RM_1"})
    assert list(erasure.found.values()) == ["named-by-hand"]


def test_days_hold_for_known_sessions_too(spool: Spool) -> None:
    spool.put(parcel(record("jane-1"))).release()
    erasure = SpoolErasure(
        spool, Settings(), Person.of(session_ids=["jane-1"], first=date(2026, 11, 21))
    )
    erasure.find({"jane-1"})
    assert erasure.found == {}


def journal(spool: Spool, session_id: str) -> Journal:
    """The journal of a call."""
    lines = Pages(Settings(transcript="on")).lines(call(session_id, 3))
    return Journal(spool, session_id, new_token(), lines)


@pytest.mark.parametrize("rewrite", [False, True])
def test_the_journal_of_a_killed_call_is_a_record_that_is_erased(
    spool: Spool, rewrite: bool
) -> None:
    for session_id in ("RM_1-AJ_1", "RM_2-AJ_2"):
        journal(spool, session_id).leave()
    outcome = erased(spool, Person.of(session_ids=["RM_1-AJ_1"]), rewrite=rewrite)

    done = outcome.rewritten if rewrite else outcome.deleted
    assert [Path(name).name.partition("~")[0] for name in done] == ["RM_1-AJ_1"]
    assert spool.journals() == []
    text = raw(spool.directory)
    assert "RM_1-AJ_1 0" not in text, "what was said"
    assert "RM_2-AJ_2 0" in text


def test_a_call_that_goes_on_is_left_and_named(spool: Spool) -> None:
    living = journal(spool, "RM_1-AJ_1")
    outcome = erased(spool, Person.of(session_ids=["RM_1-AJ_1"]))

    assert "the call goes on" in outcome.failed[str(living.path)]
    assert living.path.exists()
    living.discard()


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-9], lambda _data: b"garbage " + EMAIL.encode()],
    ids=["torn", "garbage"],
)
def test_what_cannot_be_read_is_named(spool: Spool, spoil: Callable[[bytes], bytes]) -> None:
    spool.put(parcel(record("jane-1"))).release()
    (path,) = spool.paths()
    path.write_bytes(spoil(path.read_bytes()))
    erasure = SpoolErasure(spool, Settings(), JANE)
    erasure.find()

    assert list(erasure.unreadable) == [str(path)]
    assert EMAIL not in str(erasure.unreadable)
