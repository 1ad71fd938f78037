"""Of a session's revisions the newest arrives last, and nothing of an older one stays."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from livekit_plugins_analytics.delivery import (
    Courier,
    Hold,
    Shipment,
    Spool,
)
from livekit_plugins_analytics.writers import Parcel

from .sinks import (
    BIG,
    DENIED,
    DOWN,
    LONG,
    PATIENCE,
    SHORT,
    Sink,
    delivered,
    files,
    join,
    made,
    nearly_full_disk,
    sent,
    settled,
)

# -- revisions


def test_a_revision_takes_the_place_of_one_that_was_not_confirmed(spool: Spool) -> None:
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    assert not delivered(first)
    (before,) = spool.paths()
    sink.fail_with = None

    second = courier.submit(lambda: made(revision=2), after=first)

    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert not before.exists()
    assert files(spool.directory) == []


def test_a_revision_follows_one_that_was_confirmed(spool: Spool) -> None:
    sink = Sink()
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    assert delivered(first)
    second = courier.submit(lambda: made(revision=2), after=first)
    assert delivered(second)
    third = courier.submit(lambda: made(revision=3), after=second)
    assert delivered(third)
    assert sent(sink) == [("s1", 1), ("s1", 2), ("s1", 3)]
    assert files(spool.directory) == []


def test_a_revision_ends_the_attempts_of_the_one_before(spool: Spool) -> None:
    sink = Sink(fail_with=DOWN)
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    sink.wait_for_attempt()

    second = courier.submit(lambda: made(revision=2), after=first)

    assert not delivered(first)
    sink.fail_with = None
    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert courier.losses.total() == {}
    assert files(spool.directory) == []


def test_a_revision_does_not_overtake_an_attempt_that_hangs(spool: Spool) -> None:
    stuck, well = Sink("s3"), Sink("cloudwatch")
    stuck.open.clear()
    courier = Courier(spool, [stuck, well], budget=LONG)
    first = courier.submit(made)
    stuck.wait_for_attempt()
    well.wait(1)

    second = courier.submit(lambda: made(revision=2), after=first)
    assert well.wait(2)[1].revision == 2  # the other sink need not wait
    assert len(stuck.attempts) == 1
    stuck.open.set()

    assert delivered(second)
    assert sent(stuck) == [("s1", 1), ("s1", 2)]
    assert files(spool.directory) == []


def test_a_revision_waits_for_an_attempt_no_longer_than_its_budget(spool: Spool) -> None:
    stuck = Sink()
    stuck.open.clear()
    courier = Courier(spool, [stuck], budget=SHORT)
    first = courier.submit(made)
    stuck.wait_for_attempt()
    second = courier.submit(lambda: made(revision=2), after=first)
    third = courier.submit(lambda: made(revision=3), after=second)

    assert not delivered(second)
    assert not delivered(third)
    assert [each.revision for each in stuck.attempts] == [1]
    stuck.open.set()
    settled()
    # The first has arrived late; that says nothing of the third.
    assert courier.drain().sent == ["s1"]
    assert sent(stuck) == [("s1", 1), ("s1", 3)]
    assert files(spool.directory) == []


def test_a_held_revision_that_is_superseded_is_not_sent(spool: Spool) -> None:
    sink = Sink()
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made, hold=Hold(None))
    assert first.spooled.result(PATIENCE)

    second = courier.submit(lambda: made(revision=2), after=first)

    assert delivered(second)
    assert not delivered(first)
    assert sent(sink) == [("s1", 2)]
    assert courier.losses.total() == {}
    assert files(spool.directory) == []


def test_a_revision_that_is_faster_to_the_disk_wins(spool: Spool) -> None:
    sink, go = Sink(fail_with=DENIED), threading.Event()

    def slowly() -> Parcel:
        assert go.wait(PATIENCE)
        return made()

    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(slowly)
    second = courier.submit(lambda: made(revision=2), after=first)
    assert not delivered(second)
    go.set()

    assert not delivered(first)
    assert first.spooled.result(0) is False
    assert [each.revision for each in sink.attempts] == [2]
    (path,) = spool.paths()
    assert b'"revision": 2' in path.read_bytes()
    assert courier.losses.total() == {}


def test_a_revision_that_is_late_to_the_disk_leaves_the_newer_file_alone(spool: Spool) -> None:
    sink, hold, again, go = Sink(), Hold(None), threading.Event(), threading.Event()
    sink.open.clear()

    def render() -> Parcel:
        if hold.over:
            again.set()
            assert go.wait(PATIENCE)
        return made(body=b"late" if hold.over else b"early")

    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(render, hold=hold)
    assert first.spooled.result(PATIENCE)
    hold.release()
    assert again.wait(PATIENCE)
    second = courier.submit(lambda: made(revision=2), after=first)
    sink.wait_for_attempt()
    go.set()
    assert not delivered(first)

    (path,) = spool.paths()
    assert b'"revision": 2' in path.read_bytes()
    sink.open.set()
    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert files(spool.directory) == []


@pytest.mark.parametrize("hold", [None, 0.0, 0.02])
def test_of_many_revisions_the_last_one_stays(spool: Spool, hold: float | None) -> None:
    sink = Sink()
    courier = Courier(spool, [sink, Sink("other")], budget=LONG)
    shipment: Shipment | None = None
    for n in range(1, 30):
        shipment = courier.submit(
            partial(made, revision=n),
            hold=None if hold is None else Hold(hold),
            after=shipment,
        )
    assert shipment
    assert delivered(shipment)
    settled()

    revisions = [each.revision for each in sink.parcels]
    assert revisions == sorted(revisions)
    assert revisions[-1] == 29
    assert files(spool.directory) == []
    assert courier.losses.total() == {}


def test_a_revision_waits_for_another_process_that_sends_the_one_before(spool: Spool) -> None:
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    sink.fail_with = None
    # Another process' drainer, as far as locks go.
    (path,) = spool.paths()
    other = Spool(spool.directory).claim(path)
    assert other

    second = courier.submit(lambda: made(revision=2), after=first)
    assert second.spooled.result(PATIENCE)
    assert len(spool.paths()) == 2
    assert len(sink.attempts) == 1
    other.release()

    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert files(spool.directory) == []


def test_a_revision_waits_for_another_process_no_longer_than_its_budget(spool: Spool) -> None:
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=SHORT)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    (path,) = spool.paths()
    other = spool.claim(path)
    assert other

    second = courier.submit(lambda: made(revision=2), after=first)
    third = courier.submit(lambda: made(revision=3), after=second)

    assert not delivered(second)
    assert not delivered(third)
    assert len(sink.attempts) == 1
    assert len(spool.paths()) >= 2
    assert courier.losses.total() == {}
    other.release()
    sink.fail_with = None
    while spool.paths():
        courier.drain()
    assert sent(sink) == [("s1", 3)]


def test_a_revision_that_the_disk_refuses_goes_from_memory_and_is_not_overtaken(
    spool: Spool,
) -> None:
    s3, logs = Sink("s3", DENIED), Sink("cloudwatch", DENIED)
    courier = Courier(spool, [s3, logs], budget=LONG)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    s3.fail_with = None

    with nearly_full_disk():
        second = courier.submit(lambda: made(revision=2, body=BIG), after=first)
        assert not delivered(second)

    assert second.spooled.result(0) is False
    assert courier.losses.total() == {"memory": 1}
    assert sent(s3) == [("s1", 2)]
    # What is left of the session goes where nothing newer is.
    settled()
    logs.fail_with = None
    assert courier.drain().sent == ["s1"]
    assert sent(logs) == [("s1", 1)]
    assert sent(s3) == [("s1", 2)]
    assert files(spool.directory) == ["lost.json"]


def test_a_revision_from_memory_takes_over_the_file_that_its_forerunner_holds(
    spool: Spool,
) -> None:
    stuck, well = Sink("s3"), Sink("cloudwatch")
    stuck.open.clear()
    courier = Courier(spool, [stuck, well], budget=LONG)
    first = courier.submit(made)
    stuck.wait_for_attempt()
    well.wait(1)
    with nearly_full_disk():
        second = courier.submit(lambda: made(revision=2, body=BIG), after=first)
        assert second.spooled.result(PATIENCE) is False
    assert well.wait(2)
    stuck.open.set()

    assert delivered(second)
    assert sent(stuck) == sent(well) == [("s1", 1), ("s1", 2)]
    settled()
    assert files(spool.directory) == []
    assert courier.losses.total() == {}


def test_a_revision_from_memory_waits_for_who_sends_the_file_before(spool: Spool) -> None:
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=LONG)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    sink.fail_with = None
    (path,) = spool.paths()
    other = spool.claim(path)
    assert other
    with nearly_full_disk():
        second = courier.submit(lambda: made(revision=2, body=BIG), after=first)
        assert second.spooled.result(PATIENCE) is False
    assert len(sink.attempts) == 1
    spool.remove(other, [])  # it was delivered

    assert delivered(second)
    assert sent(sink) == [("s1", 2)]
    assert courier.losses.total() == {}


def test_a_revision_from_memory_that_must_wait_too_long_is_lost_and_counted(spool: Spool) -> None:
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=SHORT)
    first = courier.submit(made)
    assert not delivered(first)
    settled()
    sink.fail_with = None
    (path,) = spool.paths()
    other = spool.claim(path)
    assert other

    with nearly_full_disk():
        second = courier.submit(lambda: made(revision=2, body=BIG), after=first)
        assert not delivered(second)

    assert courier.losses.total() == {"memory": 1}
    assert len(sink.attempts) == 1
    other.release()
    assert courier.drain().sent == ["s1"]
    assert sent(sink) == [("s1", 1)]


# -- late confirmations


def test_a_late_confirmation_removes_the_file(spool: Spool) -> None:
    stuck = Sink()
    stuck.open.clear()
    courier = Courier(spool, [stuck], budget=SHORT)
    assert not delivered(courier.submit(made))
    # Still under way, and so nobody else's.
    assert courier.drain().held == ["s1"]
    assert len(stuck.attempts) == 1

    stuck.open.set()
    settled()

    assert files(spool.directory) == []
    assert len(stuck.parcels) == 1


def test_a_late_confirmation_leaves_the_file_to_the_other_sink(spool: Spool) -> None:
    stuck, denied = Sink("s3"), Sink("cloudwatch", DENIED)
    stuck.open.clear()
    courier = Courier(spool, [stuck, denied], budget=SHORT)
    assert not delivered(courier.submit(made))
    stuck.open.set()
    settled()

    denied.fail_with = None
    assert courier.drain().sent == ["s1"]
    assert len(stuck.parcels) == len(denied.parcels) == 1
    assert files(spool.directory) == []


def test_a_file_is_not_held_for_ever_by_an_attempt_that_hangs(spool: Spool) -> None:
    stuck, denied = Sink("s3"), Sink("cloudwatch", DENIED)
    stuck.open.clear()
    courier = Courier(spool, [stuck, denied], budget=SHORT)
    assert not delivered(courier.submit(made))
    join("analytics-courier")

    denied.fail_with = None
    report = courier.drain()
    assert report.kept == {"s1": "s3: Timeout"}  # the second attempt hangs as well
    assert sent(denied) == [("s1", 1)]
    stuck.open.set()
    settled()

    # Whoever of the two was last has seen that nothing is missing.
    assert files(spool.directory) == []


def test_a_confirmation_that_comes_after_everything_does_no_harm(spool: Spool) -> None:
    stuck = Sink()
    stuck.open.clear()
    courier = Courier(spool, [stuck], budget=SHORT)
    assert not delivered(courier.submit(made))
    join("analytics-courier")
    other = Sink()
    assert Courier(Spool(spool.directory), [other], budget=LONG).drain().sent == ["s1"]

    stuck.open.set()
    settled()

    assert files(spool.directory) == []
