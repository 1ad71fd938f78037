"""What is given up is kept with its reason, told, and can be brought back; in one place only."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Courier, Entry, Spool
from livekit_plugins_analytics.delivery.lock import try_lock
from livekit_plugins_analytics.delivery.note import Note
from livekit_plugins_analytics.errors import SinkError

from .sinks import (
    DENIED,
    DOWN,
    LONG,
    TOO_LARGE,
    Choosy,
    Sink,
    delivered,
    files,
    left,
    made,
    nearly_full_disk,
    sent,
    settled,
)

REFUSED_BY_LOGS = SinkError("cloudwatch", "EventTooLarge", retryable=False, fix="Cut.", final=True)


def held(spool: Spool, session_id: str = "s1", *confirmed: str, revision: int = 1) -> Entry:
    """A parcel that this process holds and these sinks have."""
    entry = spool.put(made(session_id, revision=revision))
    for sink in confirmed:
        spool.confirm(entry, sink)
    return entry


def dead(spool: Spool) -> list[Path]:
    return [path for *_, path in spool.dead.dated()]


def given_up(spool: Spool, *confirmed: str, reason: str = "refused") -> Path:
    """A parcel in `dead/`, where it is."""
    assert spool.bury(held(spool, "s1", *confirmed), reason, "why")
    (path,) = dead(spool)
    return path


def claimed(spool: Spool) -> Entry:
    """The one entry that waits and that nobody holds."""
    (path,) = spool.paths()
    entry = spool.claim(path)
    assert entry
    return entry


# -- when a record is given up


def test_a_record_that_a_sink_never_takes_is_given_up_once_all_others_have_it(
    spool: Spool,
) -> None:
    s3, logs, third = Sink("s3"), Sink("cloudwatch", REFUSED_BY_LOGS), Sink("third", DOWN)
    left(spool, made())
    courier = Courier(spool, [s3, logs, third], budget=LONG)

    assert courier.drain().kept.keys() == {"s1"}
    third.fail_with = None
    report = courier.drain()

    assert report.given_up == {"s1": "refused: cloudwatch: EventTooLarge. Cut."}
    assert (report.sent, report.kept) == ([], {})
    assert [len(each.parcels) for each in (s3, logs, third)] == [1, 0, 1]
    asked = len(logs.attempts)
    assert courier.drain().given_up == {}
    assert len(logs.attempts) == asked
    (path,) = dead(spool)
    note = spool.dead.note(path)
    assert note
    assert (note.reason, note.detail) == ("refused", "cloudwatch: EventTooLarge. Cut.")
    assert sorted(note.confirmed) == ["s3", "third"]
    assert abs(note.buried_at - time.time()) < 60


def test_what_every_sink_refuses_is_given_up(spool: Spool) -> None:
    left(spool, made())
    sinks = [Sink("s3", TOO_LARGE), Sink("cloudwatch", REFUSED_BY_LOGS)]
    assert Courier(spool, sinks, budget=LONG).drain().given_up.keys() == {"s1"}


@pytest.mark.parametrize(
    "failure",
    [DENIED, DOWN, SinkError("memory", "RejectedLogEvents", retryable=False, of_record=True)],
)
def test_what_may_be_mended_gives_up_nothing(failure: SinkError, spool: Spool) -> None:
    left(spool, made())
    courier = Courier(spool, [Sink(fail_with=failure)], budget=LONG)
    for _ in range(3):
        assert courier.drain().kept == {"s1": str(failure)}
    assert spool.losses.total() == {}


def test_a_loss_is_told_with_session_and_reason_and_nothing_of_the_record(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    left(spool, made(body=b"secret", event=b"secret"))
    Courier(spool, [Sink(fail_with=TOO_LARGE)], budget=LONG).drain()

    (told,) = [r.getMessage() for r in caplog.records if "given up" in r.getMessage()]
    assert "session s1 are given up (refused: memory: EventTooLarge)" in told
    assert "spool retry-dead" in told
    assert str(dead(spool)[0]) in told
    assert "secret" not in caplog.text
    assert spool.losses.total() == {"refused": 1}


# -- where it goes


def test_a_record_is_given_up_with_its_marks(spool: Spool) -> None:
    entry = held(spool, "s1", "s3", "odd/name")
    spool.postpone(entry)

    assert spool.bury(entry, "expired", "waited for long")

    stem = entry.path.stem
    assert files(spool.directory) == [f"dead/{stem}.json", f"dead/{stem}.parcel", "lost.json"]
    assert (spool.directory / "dead").stat().st_mode & 0o777 == 0o700
    for name in (f"{stem}.json", f"{stem}.parcel"):
        assert (spool.directory / "dead" / name).stat().st_mode & 0o777 == 0o600
    assert not entry.in_place


def test_it_keeps_its_age(spool: Spool) -> None:
    entry = held(spool)
    since = entry.path.stat().st_mtime_ns
    assert spool.bury(entry, "expired", "")
    (path,) = dead(spool)
    assert path.stat().st_mtime_ns == since
    assert spool.dead.revive(path)
    assert entry.path.stat().st_mtime_ns == since


def test_where_the_disk_takes_no_note_it_waits_on(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    entry = held(spool, "s1", "s3")
    with nearly_full_disk(0):
        assert not spool.bury(entry, "expired", "")

    assert "is expired and cannot be put aside" in caplog.text
    assert spool.marks.labels() == {entry.path: ["s3"]}
    assert spool.losses.total() == {}
    again = claimed(spool)
    spool.remove(again, ["s3"])
    assert files(spool.directory / "dead") == []


def test_what_cannot_be_read_is_put_aside_without_a_note_too(spool: Spool) -> None:
    path = spool.directory / "odd.parcel"
    path.write_bytes(b"x")
    with nearly_full_disk(0):
        assert spool.claim(path) is None
    assert files(spool.directory / "dead") == ["odd.parcel"]
    assert spool.losses.total() == {"unreadable": 1}
    assert spool.buried(path) == spool.directory / "dead" / "odd.parcel"


def test_a_file_that_was_given_up_for_another_reason_is_not_called_unreadable(
    spool: Spool,
) -> None:
    path = given_up(spool)
    assert spool.buried(spool.directory / path.name) is None


# -- back again


def test_what_comes_back_is_sent_to_those_that_lack_it(spool: Spool) -> None:
    path = given_up(spool, "s3", "odd/name")

    assert spool.dead.revive(path)

    assert spool.losses.total() == {}
    sinks = [Sink("s3"), Sink("cloudwatch"), Sink("odd/name")]
    assert Courier(spool, sinks, budget=LONG).drain().sent == ["s1"]
    assert [sent(each) for each in sinks] == [[], [("s1", 1)], []]
    assert files(spool.directory) == ["lost.json"]


def test_what_is_given_up_again_counts_again(spool: Spool) -> None:
    path = given_up(spool, "s3")
    logs = Choosy({"s1": REFUSED_BY_LOGS}, "cloudwatch")
    courier = Courier(spool, [Sink("s3"), logs], budget=LONG)
    for _ in range(2):
        assert spool.dead.revive(path)
        assert courier.drain().given_up.keys() == {"s1"}
        assert spool.losses.total() == {"refused": 1}
        note = spool.dead.note(path)
        assert note and list(note.confirmed) == ["s3"]


def test_what_cannot_be_read_does_not_come_back(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = given_up(spool)
    path.write_bytes(path.read_bytes()[:-1])

    assert not spool.dead.revive(path)

    assert "cannot be brought back (torn)" in caplog.text
    assert dead(spool) == [path]
    assert spool.losses.total() == {"refused": 1}


def test_what_an_earlier_version_put_aside_comes_back(spool: Spool) -> None:
    path = given_up(spool)
    path.with_suffix(".json").unlink()
    assert spool.dead.revive(path)
    entry = claimed(spool)
    assert entry.in_place
    entry.release()


def test_what_another_process_brings_back_is_left_to_it(spool: Spool) -> None:
    path = given_up(spool)
    with path.open("r+b") as file:
        assert try_lock(file)
        assert not spool.dead.revive(path)
        assert not spool.dead.delete(path, "")
    assert dead(spool) == [path]
    assert spool.dead.revive(path)
    assert not spool.dead.revive(path)
    assert spool.dead.delete(path, "")  # it is gone


def test_nothing_is_written_over(spool: Spool) -> None:
    path = given_up(spool)
    copy = spool.directory / path.name
    copy.write_bytes(path.read_bytes())

    assert not spool.dead.revive(path)

    # A copy that somebody made is no record that came back: the note belongs to the other.
    entry = claimed(spool)
    assert spool.dead.note(path)
    entry.release()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that gives errors")
def test_what_the_disk_does_not_give_back_stays(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    (spool.directory / "dead").mkdir()
    path = spool.dead.directory / "bad.parcel"
    path.symlink_to("/proc/self/mem")

    assert not spool.dead.revive(path)

    assert path.is_symlink()
    assert "cannot be brought back (Input/output error)" in caplog.text


# -- a process is killed in between


def test_killed_before_a_file_went_it_waits_as_before(spool: Spool) -> None:
    entry = held(spool, "s1", "s3")
    (spool.directory / "dead").mkdir()
    Note("expired", "", ["s3"]).write(spool.dead.directory / f"{entry.path.stem}.json")
    entry.release()

    spool.tidy()
    assert files(spool.dead.directory) == [f"{entry.path.stem}.json"]
    logs = Sink("cloudwatch")
    assert Courier(spool, [Sink("s3"), logs], budget=LONG).drain().sent == ["s1"]
    assert len(logs.attempts) == 1

    spool.tidy()
    assert files(spool.directory) == []


def test_killed_after_half_of_a_note_it_waits_as_before(spool: Spool) -> None:
    entry = held(spool)
    (spool.directory / "dead").mkdir()
    (spool.dead.directory / f"{entry.path.stem}.json").write_bytes(b'{"reason": "exp')
    spool.remove(entry, [])

    spool.tidy()

    assert files(spool.directory) == []


def test_killed_before_the_marks_went_they_are_swept(spool: Spool) -> None:
    path = given_up(spool, "s3")
    (spool.directory / f"{path.stem}~s3.done").touch()
    (spool.directory / f"{path.stem}.later").touch()
    spool.tidy()
    assert files(spool.directory) == [
        f"dead/{path.stem}.json",
        f"dead/{path.stem}.parcel",
        "lost.json",
    ]


def test_killed_before_the_marks_are_back_they_come_with_the_next_who_takes_it(
    spool: Spool,
) -> None:
    path = given_up(spool, "s3")
    path.rename(spool.directory / path.name)
    spool.tidy()

    s3, logs = Sink("s3"), Sink("cloudwatch")
    assert Courier(spool, [s3, logs], budget=LONG).drain().sent == ["s1"]

    assert (len(s3.attempts), len(logs.attempts)) == (0, 1)
    assert files(spool.directory) == ["lost.json"]


def test_marks_that_cannot_be_made_yet_are_not_forgotten(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = given_up(spool, "s3")
    waiting = spool.directory / path.name
    blocked = spool.directory / f"{path.stem}~s3.done"
    blocked.symlink_to("nowhere/at/all")

    assert spool.dead.revive(path)
    assert "could not be noted" in caplog.text
    blocked.unlink()
    entry = spool.claim(waiting)

    assert entry
    assert spool.confirmed(waiting, ["s3"]) == {"s3"}
    assert files(spool.dead.directory) == []
    spool.remove(entry, ["s3"])


# -- revisions


def test_a_revision_makes_worthless_what_was_given_up(spool: Spool) -> None:
    sink = Sink(fail_with=TOO_LARGE)
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    assert courier.drain().given_up.keys() == {"s1"}
    sink.fail_with = None

    second = courier.submit(lambda: made(revision=2), after=first)

    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert files(spool.directory) == ["lost.json"]
    assert spool.losses.total() == {}


def test_a_revision_that_a_killed_process_left_makes_it_worthless_too(spool: Spool) -> None:
    first = held(spool)
    second = spool.put(made(revision=2), after=first)
    # As if it had been given up before the second was there.
    spool.dead.bury(first.path, Note("refused"), first.release)
    second.release()
    sink = Sink()

    assert Courier(spool, [sink], budget=LONG).drain().sent == ["s1"]

    assert sent(sink) == [("s1", 2)]
    assert files(spool.directory) == ["lost.json"]
    assert spool.losses.total() == {}


def test_a_revision_waits_for_who_brings_an_earlier_one_back(spool: Spool) -> None:
    first = held(spool)
    second = spool.put(made(revision=2), after=first)
    spool.dead.bury(first.path, Note("refused"), first.release)
    second.release()
    (path,) = dead(spool)

    with path.open("r+b") as file:
        assert try_lock(file)
        assert spool.claim(second.path) is None
        assert not spool.retire(first, [])
    assert spool.dead.revive(path)
    assert spool.claim(first.path) is None  # superseded, and gone
    entry = claimed(spool)
    assert entry.parcel.revision == 2
    entry.release()


# -- what is deleted for good


def test_what_is_deleted_is_told_louder_than_anything_else(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = given_up(spool)
    assert spool.losses.take() == 1

    assert spool.dead.delete(path, "too much")

    assert caplog.records[-1].levelno == logging.CRITICAL
    assert "session s1, given up earlier (refused), are deleted for good" in caplog.text
    assert spool.losses.total() == {"deleted": 1}
    assert spool.losses.take() == 0
    assert files(spool.dead.directory) == []


def test_notes_are_json(spool: Spool) -> None:
    path = given_up(spool, "s3")
    note = json.loads(path.with_suffix(".json").read_bytes())
    assert note.pop("buried_at") > 0
    assert note == {"reason": "refused", "detail": "why", "confirmed": ["s3"]}


def test_a_file_in_the_way_of_the_directory_disturbs_no_pass(spool: Spool) -> None:
    (spool.directory / "dead").touch()
    left(spool, made())
    assert Courier(spool, [Sink(fail_with=TOO_LARGE)], budget=LONG).drain().kept.keys() == {"s1"}
    assert Courier(spool, [Sink()], budget=LONG).drain().sent == ["s1"]
    assert dead(spool) == []
