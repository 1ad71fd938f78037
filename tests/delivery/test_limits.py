"""Beyond its limits a spool gives up the oldest, after they had their chance, and deletes last."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Courier, Limits, Spool
from livekit_plugins_analytics.delivery.limits import enforce
from livekit_plugins_analytics.delivery.lock import try_lock
from livekit_plugins_analytics.settings import Settings

from .sinks import DENIED, DOWN, LONG, Sink, made, sent

DAY = 24 * 3600.0
# What a parcel of `spooled` is at least; the header comes on top.
BODY = 10_000
ROOM = 12_000


def opened(folder: Path, *, days: float = 30, parcels: float = 1000) -> Spool:
    """A spool with room for so many of `spooled`'s parcels."""
    return Spool(folder / "spool", limits=Limits(days * DAY, int(parcels * ROOM)))


def spooled(spool: Spool, session_id: str, days: float = 0) -> Path:
    """Leave a parcel that was spooled some days ago."""
    entry = spool.put(made(session_id, body=os.urandom(BODY)))
    entry.release()
    os.utime(entry.path, (time.time() - days * DAY,) * 2)
    return entry.path


def waiting(spool: Spool) -> list[str]:
    return [spool.session(path) for path in spool.paths()]


def dead(spool: Spool) -> list[str]:
    return [spool.session(path) for *_, path in spool.dead.dated()]


def test_the_limits_are_settings() -> None:
    assert Limits.of(Settings()) == Limits() == Limits(30 * DAY, 1_024_000_000)
    settings = Settings(spool_max_days=0.5, spool_max_megabytes=2)
    assert Limits.of(settings) == Limits(DAY / 2, 2_000_000)


def test_what_waited_for_too_long_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    for session_id, days in (("old", 31), ("older", 40), ("young", 29)):
        spooled(spool, session_id, days)

    report = Courier(spool, [Sink(fail_with=DOWN)], budget=LONG).drain()

    assert report.kept.keys() == {"young"}
    assert report.given_up == {
        "older": "expired: waited for 40 days, ANALYTICS_SPOOL_MAX_DAYS is 30; memory: SlowDown",
        "old": "expired: waited for 31 days, ANALYTICS_SPOOL_MAX_DAYS is 30; memory: SlowDown",
    }
    assert (waiting(spool), dead(spool)) == (["young"], ["older", "old"])
    assert spool.losses.total() == {"expired": 2}
    assert "session old are given up (expired: waited for 31 days" in caplog.text


def test_it_is_sent_first_where_a_sink_takes_it(tmp_path: Path) -> None:
    spool = opened(tmp_path, parcels=1)
    for n in range(3):
        spooled(spool, f"s{n}", days=100 - n)
    sink = Sink()

    report = Courier(spool, [sink], budget=LONG).drain()

    assert [each for each, _ in sent(sink)] == report.sent == ["s0", "s1", "s2"]
    assert report.given_up == {}
    assert spool.losses.total() == {}


def test_a_record_that_was_postponed_is_no_younger(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spooled(spool, "old", 29)
    spooled(spool, "young", 28)
    courier = Courier(spool, [Sink(fail_with=DENIED)], budget=LONG)
    assert courier.drain().given_up == {}
    assert waiting(spool) == ["young", "old"]

    later = Courier(opened(tmp_path, days=28.5), [Sink(fail_with=DENIED)], budget=LONG)

    assert later.drain().given_up.keys() == {"old"}


def test_of_what_is_too_much_the_oldest_are_given_up(tmp_path: Path) -> None:
    spool = opened(tmp_path, parcels=3)
    for n in range(5):
        spooled(spool, f"s{n}", days=10 - n)

    report = Courier(spool, [Sink(fail_with=DOWN)], budget=LONG).drain()

    assert report.given_up.keys() == {"s0", "s1"}
    assert "ANALYTICS_SPOOL_MAX_MEGABYTES is 0.036" in report.given_up["s0"]
    assert (waiting(spool), dead(spool)) == (["s2", "s3", "s4"], ["s0", "s1"])
    assert spool.losses.total() == {"over_limit": 2}


def test_what_a_living_process_holds_is_not_given_up(tmp_path: Path) -> None:
    spool = opened(tmp_path, parcels=1)
    held = spool.put(made("held", body=os.urandom(BODY)))
    os.utime(held.path, (0, 0))
    spooled(spool, "old", 2)
    spooled(spool, "young", 1)

    report = Courier(spool, [Sink(fail_with=DOWN)], budget=LONG).drain()

    # Both had to go, for the one that is held stays.
    assert report.given_up.keys() == {"old", "young"}
    assert report.held == ["held"]
    assert held.in_place
    held.release()


def test_sinks_that_had_it_are_remembered(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1)
    spooled(spool, "s1", 2)
    s3, logs = Sink("s3"), Sink("cloudwatch", DOWN)
    courier = Courier(spool, [s3, logs], budget=LONG)
    assert courier.drain().given_up.keys() == {"s1"}
    logs.fail_with = None
    ((*_, path),) = spool.dead.dated()

    assert spool.dead.revive(path)
    assert courier.drain().sent == ["s1"]

    assert (len(s3.attempts), len(logs.attempts)) == (1, 2)


def test_what_nobody_can_read_is_put_aside_by_the_limits_as_well(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1)
    for n in range(2):
        spooled(spool, f"s{n}", 2)
    damaged = spooled(spool, "damaged", 2)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    os.utime(damaged, (time.time() - 1.5 * DAY,) * 2)

    # Not even read while the sink is down.
    Courier(spool, [Sink(fail_with=DOWN)], budget=LONG).drain()

    assert waiting(spool) == []
    assert spool.losses.total() == {"expired": 2, "unreadable": 1}


def test_another_pass_gives_up_no_more_than_is_too_much(tmp_path: Path) -> None:
    spool = opened(tmp_path, parcels=3)
    for n in range(6):
        spooled(spool, f"s{n}", days=10 - n)
    for _ in range(3):
        Courier(opened(tmp_path, parcels=3), [Sink(fail_with=DOWN)], budget=LONG).drain()
    assert waiting(spool) == ["s3", "s4", "s5"]


def test_what_was_given_up_is_bounded_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = opened(tmp_path, days=1, parcels=3)
    for n in range(5):
        spooled(spool, f"s{n}", days=10 - n)

    report = Courier(spool, [Sink(fail_with=DOWN)], budget=LONG).drain()

    assert len(report.given_up) == 5
    assert dead(spool) == ["s2", "s3", "s4"]
    assert spool.losses.total() == {"deleted": 2, "expired": 3}
    assert "session s0, given up earlier (expired), are deleted for good" in caplog.text
    assert "ANALYTICS_SPOOL_MAX_MEGABYTES (0.036)" in caplog.text


def test_a_pass_that_is_ended_early_gives_up_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1)
    spooled(spool, "s1", 2)
    courier = Courier(spool, [Sink(fail_with=DOWN)], budget=LONG)
    courier.flush(0)

    assert courier.drain().given_up == {}

    assert waiting(spool) == ["s1"]


def test_where_nothing_can_be_put_aside_it_waits_on(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1)
    (spool.directory / "dead").touch()
    spooled(spool, "s1", 2)

    assert enforce(spool, {}) == {}

    assert waiting(spool) == ["s1"]
    assert spool.losses.total() == {}


def test_without_an_answer_the_limit_says_it_all(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1)
    spooled(spool, "s1", 2)
    assert enforce(spool, {}) == {"s1": "expired: waited for 2 days, ANALYTICS_SPOOL_MAX_DAYS is 1"}


def test_what_somebody_brings_back_is_not_deleted(tmp_path: Path) -> None:
    spool = opened(tmp_path, days=1, parcels=1)
    for n in range(3):
        spooled(spool, f"s{n}", days=10 - n)
    assert len(enforce(Spool(spool.directory, limits=Limits(DAY)), {})) == 3
    (*_, first), *_ = spool.dead.dated()

    with first.open("r+b") as file:
        assert try_lock(file)
        enforce(spool, {})

    assert dead(spool) == ["s0"]
    assert spool.losses.total() == {"deleted": 2, "expired": 1}
