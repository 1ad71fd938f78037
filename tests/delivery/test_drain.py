"""What dead processes left is sent by exactly one process, oldest first."""

from __future__ import annotations

import logging
import threading
from functools import partial

import pytest

from livekit_plugins_analytics.delivery import (
    Courier,
    Hold,
    Spool,
)
from livekit_plugins_analytics.delivery.drain import CAREFUL
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.writers import CONNECTIONS, Parcel

from .sinks import (
    DENIED,
    DOWN,
    LONG,
    PATIENCE,
    SHORT,
    TOO_LARGE,
    Choosy,
    Sink,
    asked,
    begun,
    delivered,
    files,
    left,
    made,
    sent,
    settled,
)


def test_leftovers_are_sent_oldest_first(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    left(spool, *(made(f"s{n}") for n in range(5)))
    sink = Sink()
    progress: list[str] = []

    report = Courier(spool, [sink], budget=LONG).drain(progress.append)

    names = [f"s{n}" for n in range(5)]
    assert asked(sink) == report.sent == progress == names
    assert report.kept == {}
    assert report.held == []
    assert report.unreadable == []
    assert files(spool.directory) == []


def test_a_sink_that_has_confirmed_is_not_asked_again(spool: Spool) -> None:
    s3, logs = Sink("s3"), Sink("cloudwatch", DENIED)
    courier = Courier(spool, [s3, logs], budget=LONG)
    assert not delivered(courier.submit(made))
    assert courier.drain().kept == {"s1": "memory: AccessDenied. Allow it."}
    logs.fail_with = None

    assert courier.drain().sent == ["s1"]

    assert len(s3.attempts) == 1
    assert len(logs.attempts) == 3
    assert files(spool.directory) == []


def test_a_sink_that_all_but_the_process_knows_to_have_confirmed_is_not_asked(
    spool: Spool,
) -> None:
    # As a process leaves it that dies between the last confirmation and the removal.
    entry = spool.put(made())
    spool.confirm(entry, "memory")
    entry.release()
    sink = Sink()

    assert Courier(spool, [sink], budget=LONG).drain().sent == ["s1"]

    assert sink.attempts == []
    assert files(spool.directory) == []


@pytest.mark.parametrize("failure", [DOWN, DENIED])
def test_a_sink_that_is_down_is_asked_once_in_a_pass(failure: SinkError, spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(5)))
    down, well = Sink("s3", failure), Sink("cloudwatch")
    courier = Courier(spool, [down, well], budget=LONG)

    report = courier.drain()

    assert len(down.attempts) == 1
    assert len(well.parcels) == 5
    assert report.sent == []
    assert report.kept == {f"s{n}": str(failure) for n in range(5)}
    courier.drain()
    assert len(down.attempts) == 2
    assert len(well.attempts) == 5
    down.fail_with = None
    assert sorted(courier.drain().sent) == [f"s{n}" for n in range(5)]
    assert files(spool.directory) == []


def test_a_sink_that_hangs_is_asked_once_in_a_pass_and_holds_up_no_other(spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(3)))
    stuck, well = Sink("s3"), Sink("cloudwatch")
    stuck.open.clear()

    report = Courier(spool, [stuck, well], budget=SHORT).drain()

    assert len(stuck.attempts) == 1
    assert len(well.parcels) == 3
    assert report.kept == dict.fromkeys(("s0", "s1", "s2"), "s3: Timeout")
    # What hangs here another process may send.
    other = Sink("s3")
    assert len(Courier(spool, [other, well], budget=LONG).drain().sent) == 3
    assert len(well.attempts) == 3
    stuck.open.set()


def test_what_a_sink_refuses_of_one_record_costs_no_other(spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(5)))
    sink = Choosy({"s0": TOO_LARGE, "s2": TOO_LARGE})

    report = Courier(spool, [sink], budget=LONG).drain()

    assert report.sent == ["s1", "s3", "s4"]
    assert report.kept == {}
    assert report.given_up == dict.fromkeys(("s0", "s2"), "refused: memory: EventTooLarge")


def test_a_refusal_of_unknown_meaning_is_not_before_all_others_for_ever(spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(5)))
    odd = SinkError("memory", "TypeError", retryable=False)
    sink = Choosy({"s0": odd, "s1": odd})
    courier = Courier(spool, [sink], budget=LONG)

    assert courier.drain().sent == []
    assert courier.drain().sent == []
    assert courier.drain().sent == ["s2", "s3", "s4"]
    assert asked(sink) == ["s0", "s1", "s2", "s3", "s4", "s0"]


class Gathering(Sink):
    """A sink that, after some attempts, answers only several at a time."""

    def __init__(self, alone: int, together: int) -> None:
        super().__init__()
        self.most: dict[str, int] = {}
        """By session, how many of its attempts went on at once."""
        self._alone = alone
        self._together = threading.Barrier(together, timeout=PATIENCE)
        self._counting = threading.Lock()
        self._now: list[str] = []

    def write(self, parcel: Parcel) -> str:
        """Wait for the others, from the attempt on that is not alone any more."""
        with self._counting:
            self._now.append(parcel.session_id)
            running = self._now.count(parcel.session_id)
            self.most[parcel.session_id] = max(self.most.get(parcel.session_id, 0), running)
            number = len(self.attempts)
            place = super().write(parcel)
        if number >= self._alone:
            self._together.wait()
        with self._counting:
            self._now.remove(parcel.session_id)
        return place


def test_of_many_leftovers_several_go_at_once_after_the_first(spool: Spool) -> None:
    names = [f"s{n}" for n in range(CAREFUL + 32)]
    left(spool, *map(made, names))
    # It answers the later ones only when eight are there: one after another they would not end.
    sink = Gathering(CAREFUL, together=8)

    report = Courier(spool, [sink], budget=LONG).drain()

    assert report.sent == names
    assert asked(sink)[:CAREFUL] == names[:CAREFUL]
    assert files(spool.directory) == []


def test_of_one_session_never_two_are_under_way(spool: Spool) -> None:
    # As where a user gives two calls the same id.
    names = [f"s{n}" for n in range(CAREFUL)] + ["twice", "a", "twice", "b", "twice", "c"]
    left(spool, *(made(name, revision=n + 1) for n, name in enumerate(names)))
    sink = Gathering(CAREFUL, together=2)

    assert Courier(spool, [sink], budget=LONG).drain().sent == names

    revisions = [revision for session, revision in sent(sink) if session == "twice"]
    assert revisions == sorted(revisions)
    assert sink.most["twice"] == 1


def test_a_sink_that_goes_down_in_the_middle_is_asked_by_those_under_way_only(
    spool: Spool,
) -> None:
    names = [f"s{n}" for n in range(CAREFUL + 2 * CONNECTIONS)]
    left(spool, *map(made, names))
    sink = Choosy(dict.fromkeys(names[CAREFUL:], DOWN))

    report = Courier(spool, [sink], budget=LONG).drain()

    assert report.sent == names[:CAREFUL]
    assert list(report.kept) == names[CAREFUL:]
    assert len(sink.attempts) <= CAREFUL + CONNECTIONS
    assert len(spool.paths()) == 2 * CONNECTIONS


def test_a_sweep_beside_a_call_sends_one_after_another(spool: Spool) -> None:
    names = [f"s{n}" for n in range(CAREFUL + 8)]
    left(spool, *map(made, names))
    sink = Sink()

    report = Courier(spool, [sink], budget=LONG).sweep_now()

    assert report and report.sent == asked(sink) == names


def test_a_pass_tells_what_it_could_not_send(spool: Spool) -> None:
    held = spool.put(made("held"))
    odd = spool.directory / "odd.parcel"
    odd.touch()
    progress: list[str] = []

    report = Courier(spool, [Sink()], budget=LONG).drain(progress.append)

    assert report.held == ["held"]
    assert report.unreadable == [spool.directory / "dead" / "odd.parcel"]
    assert sorted(progress) == ["held", "odd"]
    held.release()


def test_a_pass_goes_on_past_what_was_superseded(spool: Spool) -> None:
    first = spool.put(made())
    second = spool.put(made(revision=2), after=first)
    first.release()
    second.release()
    sink = Sink()

    report = Courier(spool, [sink], budget=LONG).drain()

    assert sent(sink) == [("s1", 2)]
    assert report.sent == ["s1"]
    assert report.held == []


def test_a_pass_removes_what_dead_processes_left(spool: Spool) -> None:
    (spool.directory / "half.tmp").touch()
    (spool.directory / "s1~abc~1~s3.done").touch()
    Courier(spool, [Sink()], budget=LONG).drain()
    assert files(spool.directory) == []


def test_two_couriers_never_send_the_same_leftover(spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(40)))
    sink = Sink()
    couriers = [Courier(Spool(spool.directory), [sink], budget=LONG) for _ in range(4)]
    threads = [threading.Thread(target=each.drain) for each in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(asked(sink)) == sorted(f"s{n}" for n in range(40))
    assert files(spool.directory) == []


def test_a_pass_leaves_alone_what_is_live(spool: Spool) -> None:
    sink, hold = Sink(), Hold(None)
    sink.open.clear()
    courier = Courier(spool, [sink], budget=LONG)
    shipments = [courier.submit(made), courier.submit(lambda: made("s2"), hold=hold)]
    sink.wait_for_attempt()
    assert shipments[1].spooled.result(PATIENCE)

    assert sorted(courier.drain().held) == ["s1", "s2"]

    assert len(sink.attempts) == 1
    sink.open.set()
    hold.release()
    assert all(delivered(each) for each in shipments)
    assert sorted(sent(sink)) == [("s1", 1), ("s2", 1)]
    assert files(spool.directory) == []


def test_a_process_that_drains_all_the_time_disturbs_no_shipment(spool: Spool) -> None:
    sink, stop = Sink(), threading.Event()
    courier = Courier(spool, [sink], budget=LONG)

    def drain() -> None:
        while not stop.is_set():
            courier.drain()

    draining = threading.Thread(target=drain)
    draining.start()
    shipments = []
    for n in range(30):
        first = courier.submit(partial(made, f"s{n}"))
        shipments.append(courier.submit(partial(made, f"s{n}", revision=2), after=first))
    assert all(delivered(each) for each in shipments)
    settled_shipments = {name for name, revision in sent(sink) if revision == 2}
    stop.set()
    draining.join()

    assert len(settled_shipments) == 30
    assert len(sent(sink)) == len(set(sent(sink)))
    assert files(spool.directory) == []


def test_a_sweep_sends_what_is_left_in_a_thread(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    left(spool, made("s1"), made("s2"))
    sink = Sink()
    Courier(spool, [sink], budget=LONG).sweep()
    assert len(sink.wait(2)) == 2
    settled()
    assert files(spool.directory) == []
    assert "2 earlier sessions" in caplog.text


def test_sweeps_do_not_queue_up(spool: Spool) -> None:
    left(spool, made("s1"), made("s2"))
    sink = Sink(fail_with=DOWN)
    sink.open.clear()
    courier = Courier(spool, [sink], budget=LONG)
    courier.sweep()
    sink.wait_for_attempt()
    first = set(threading.enumerate())
    for _ in range(5):
        courier.sweep()
    begun()
    for thread in set(threading.enumerate()) - first:
        thread.join(PATIENCE)
    sink.open.set()
    settled()
    assert len(sink.attempts) == 1


def test_a_sweep_of_nothing_says_nothing(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    Courier(spool, [Sink()], budget=LONG).sweep()
    Courier(None, [Sink()], budget=LONG).sweep()
    settled()
    assert caplog.records == []


def test_a_sweep_that_fails_is_logged(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    spool.directory.rmdir()
    spool.directory.touch()
    Courier(spool, [Sink()], budget=LONG).sweep()
    settled()
    assert "could not be swept (NotADirectoryError)" in caplog.text
