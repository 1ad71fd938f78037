"""The newest partitions, looked at again and again, around midnight too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from livekit_plugins_analytics.warehouse.arrivals import Arrivals
from livekit_plugins_analytics.warehouse.listing import source

from .conftest import Store
from .samples import body, name, record, requests, store, upload, write

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


class Clock:
    """A time that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def sessions(arrivals: Arrivals, newest: int | None = None) -> list[str]:
    look = arrivals.look(newest)
    assert look.problems == []
    return sorted(each["session_id"] for each in look.records)


def test_each_revision_comes_once(tmp_path: Path) -> None:
    store(tmp_path, record("a"))
    arrivals = Arrivals(source(str(tmp_path)), Clock(NOON))

    assert sessions(arrivals) == ["a"]
    assert sessions(arrivals) == []
    store(tmp_path, record("a", revision=2), record("b"))
    assert sessions(arrivals) == ["a", "b"]


def test_the_same_revision_written_again_does_not_come_again(tmp_path: Path) -> None:
    store(tmp_path, record("a"))
    arrivals = Arrivals(source(str(tmp_path)), Clock(NOON))
    arrivals.look()

    store(tmp_path, record("a", outcome="success"))

    assert sessions(arrivals) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOON, ["today"]),
        (NOON.replace(hour=1), ["today", "yesterday"]),
        (NOON.replace(hour=5, minute=59), ["today", "yesterday"]),
        (NOON.replace(hour=6), ["today"]),
        (NOON - timedelta(days=1), ["today", "yesterday"]),  # a clock that is behind
    ],
)
def test_calls_from_before_midnight_arrive_after_it(
    tmp_path: Path, now: datetime, expected: list[str]
) -> None:
    store(
        tmp_path,
        record("long ago", "2026-11-18"),
        record("yesterday", "2026-11-19"),
        record("today", "2026-11-20"),
    )

    assert sessions(Arrivals(source(str(tmp_path)), Clock(now))) == expected


def test_midnight_passes_without_a_gap_or_a_repetition(tmp_path: Path) -> None:
    clock = Clock(NOON.replace(hour=23, minute=59))
    arrivals = Arrivals(source(str(tmp_path)), clock)
    store(tmp_path, record("before"))
    assert sessions(arrivals) == ["before"]

    clock.now += timedelta(minutes=2)
    store(tmp_path, record("late"), record("new", "2026-11-21"))
    assert sessions(arrivals) == ["late", "new"]

    clock.now += timedelta(hours=6)
    store(tmp_path, record("later", "2026-11-21"))
    assert sessions(arrivals) == ["later"]


def test_one_begins_with_the_newest_and_the_others_are_past(tmp_path: Path) -> None:
    write(tmp_path, name("many"), body(*(record(f"s{n}") for n in range(5))))
    arrivals = Arrivals(source(str(tmp_path)), Clock(NOON))

    assert sessions(arrivals, newest=2) == ["s3", "s4"]
    assert sessions(arrivals) == []


def test_a_look_at_a_bucket_asks_for_what_is_new_only(store3: Store) -> None:
    upload(store3.server, store3.bucket, record("a"), record("old", "2026-11-01"))
    arrivals = Arrivals(source(store3.path), Clock(NOON))
    assert sessions(arrivals) == ["a"]
    before = len(requests(store3.server, store3.bucket))

    upload(store3.server, store3.bucket, record("b"))
    assert sessions(arrivals) == ["b"]

    asked = requests(store3.server, store3.bucket)[before:]
    objects = [each for each in asked if "list-type" not in each]
    assert len(objects) == 1
    assert "/b.json.gz" in objects[0]
    assert not any("day%3D01" in each or "day=01" in each for each in asked)
