"""An inventory says what is there, and changes nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.inventory import Inventory

from .sinks import files, made


def test_it_says_what_waits_and_what_was_given_up(spool: Spool) -> None:
    dead, free, held = (spool.put(made(f"s{n}", revision=n)) for n in (1, 2, 3))
    for entry in (dead, free):
        spool.confirm(entry, "s3")
    spool.bury(dead, "refused", "why")
    free.release()
    before = files(spool.directory)

    found = Inventory.of(spool)

    assert found.directory == spool.directory
    assert found.lost == {"refused": 1}
    assert [(i.session_id, i.revision, i.confirmed, i.held) for i in found.waiting] == [
        ("s2", 2, ["s3"], False),
        ("s3", 3, [], True),
    ]
    (item,) = found.dead
    assert (item.session_id, item.revision, item.confirmed) == ("s1", 1, ["s3"])
    assert item.note and (item.note.reason, item.note.detail) == ("refused", "why")
    assert abs(item.since - time.time()) < 60
    assert item.bytes == item.path.stat().st_size
    assert item.parcel().revision == 1
    assert files(spool.directory) == before
    again = spool.claim(free.path)
    assert again
    again.release()
    held.release()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"analytics-parcel 2 00000000 3\n{}\n",
        b"analytics-parcel 1 00000000 2\n{}",
        b"analytics-parcel 1 00000000 2\n\xff\n",
    ],
)
def test_what_cannot_be_read_is_listed_by_its_name(spool: Spool, content: bytes) -> None:
    (spool.directory / "s1~abc~1.parcel").write_bytes(content)

    (item,) = Inventory.of(spool).waiting

    assert (item.session_id, item.revision, item.held) == ("s1", None, False)
    with pytest.raises(ValueError):
        item.parcel()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that gives errors")
def test_what_the_disk_does_not_give_back_is_listed_by_its_name(spool: Spool) -> None:
    (spool.directory / "bad.parcel").symlink_to("/proc/self/mem")
    (item,) = Inventory.of(spool).waiting
    assert (item.session_id, item.revision) == ("bad", None)
    with pytest.raises(OSError):
        item.parcel()


def test_what_an_earlier_version_put_aside_is_unreadable(spool: Spool) -> None:
    (spool.directory / "dead").mkdir()
    (spool.directory / "dead" / "s1~abc~1.parcel").touch()
    (item,) = Inventory.of(spool).dead
    assert item.note and item.note.reason == "unreadable"


def test_one_that_is_on_its_way_back_is_known_to_be_with_those_that_had_it(spool: Spool) -> None:
    entry = spool.put(made())
    spool.confirm(entry, "s3")
    spool.bury(entry, "refused", "")
    ((*_, path),) = spool.dead.dated()
    path.rename(spool.directory / path.name)

    (item,) = Inventory.of(spool).waiting

    assert item.confirmed == ["s3"]


def test_a_journal_is_no_record(spool: Spool) -> None:
    (spool.directory / "s1~abc.journal").touch()
    found = Inventory.of(spool)
    assert (found.waiting, found.dead, found.lost) == ([], [], {})
