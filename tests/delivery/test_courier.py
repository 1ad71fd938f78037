"""The courier keeps its promises whatever sinks, disk and callers do."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import livekit_plugins_analytics.delivery as delivery
from livekit_plugins_analytics.delivery import (
    Courier,
    Hold,
    Spool,
    courier_for,
    open_spool,
)
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.testing import MemoryWriter
from livekit_plugins_analytics.writers import Parcel, Writer

from .sinks import (
    BIG,
    DENIED,
    DOWN,
    LONG,
    MARGIN,
    PATIENCE,
    SHORT,
    Sink,
    asked,
    delivered,
    files,
    join,
    left,
    made,
    nearly_full_disk,
    sent,
    settled,
)


@contextmanager
def no_more_threads() -> Iterator[None]:
    """As if the system had no memory for another thread's stack: it has not, for one so big."""
    before = threading.stack_size(2**47)
    try:
        yield
    finally:
        threading.stack_size(before)


# -- the way of one parcel


def test_every_sink_gets_the_parcel_and_the_spool_is_empty_again(spool: Spool) -> None:
    s3, logs = Sink("s3"), Sink("cloudwatch")
    shipment = Courier(spool, [s3, logs], budget=LONG).submit(made)

    assert shipment.spooled.result(PATIENCE)
    assert delivered(shipment)
    assert s3.parcels[0].session_id == logs.parcels[0].session_id == "s1"
    name = s3.parcels[0].name
    assert shipment.places == {"s3": f"memory:{name}", "cloudwatch": f"memory:{name}"}
    assert files(spool.directory) == []


def test_the_parcel_is_on_disk_before_it_is_sent(spool: Spool) -> None:
    seen: list[bytes] = []

    class Looking(MemoryWriter):
        def write(self, parcel: Parcel) -> str:
            seen.extend(path.read_bytes() for path in spool.paths())
            return super().write(parcel)

    parcel = made()
    assert delivered(Courier(spool, [Looking()], budget=LONG).submit(lambda: parcel))
    assert len(seen) == 1
    assert seen[0].endswith(parcel.body + parcel.event)


def test_submit_waits_for_nothing(spool: Spool) -> None:
    render, sink = threading.Event(), Sink()
    sink.open.clear()

    def slowly() -> Parcel:
        assert render.wait(PATIENCE)
        return made()

    courier = Courier(spool, [sink], budget=LONG)
    began = time.monotonic()
    shipment = courier.submit(slowly)
    assert time.monotonic() - began < 0.1
    assert not shipment.spooled.done()
    render.set()
    assert shipment.spooled.result(PATIENCE)
    sink.wait_for_attempt()
    assert not shipment.delivered.done()
    sink.open.set()
    assert delivered(shipment)


def test_sinks_are_asked_at_the_same_time(spool: Spool) -> None:
    sinks = [Sink("a"), Sink("b")]
    for sink in sinks:
        sink.open.clear()
    shipment = Courier(spool, sinks, budget=LONG).submit(made)
    for sink in sinks:
        sink.wait_for_attempt()
    for sink in sinks:
        sink.open.set()
    assert delivered(shipment)


def test_parcels_are_sent_at_the_same_time(spool: Spool) -> None:
    sink = Sink()
    sink.open.clear()
    courier = Courier(spool, [sink], budget=LONG)
    shipments = [courier.submit(partial(made, f"s{n}")) for n in range(8)]
    for _ in shipments:
        sink.wait_for_attempt()
    sink.open.set()
    assert all(delivered(each) for each in shipments)
    assert {each for each, _ in sent(sink)} == {f"s{n}" for n in range(8)}
    assert files(spool.directory) == []


def test_a_transient_failure_is_tried_again(spool: Spool) -> None:
    sink = Sink(fail_with=DOWN)
    shipment = Courier(spool, [sink], budget=LONG).submit(made)
    sink.wait_for_attempt()
    sink.wait_for_attempt()
    sink.fail_with = None
    assert delivered(shipment)
    assert len(sink.attempts) >= 3


def test_a_transient_failure_is_tried_until_the_budget_ends_and_never_after(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Sink(fail_with=DOWN)
    budget = 3 * SHORT  # the first pauses take a tenth of a second each, and the machine is busy
    began = time.monotonic()
    shipment = Courier(spool, [sink], budget=budget).submit(made)
    assert not delivered(shipment)
    took = time.monotonic() - began
    attempts = len(sink.attempts)
    settled()

    assert budget <= took < budget + MARGIN
    assert 2 <= attempts == len(sink.attempts) <= 8
    assert len(spool.paths()) == 1
    assert caplog.text.count("memory: SlowDown") == 1
    assert "stay in the spool" in caplog.text


def test_a_permanent_failure_is_not_tried_again(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    denied, well = Sink("s3", DENIED), Sink("cloudwatch")
    shipment = Courier(spool, [denied, well], budget=LONG).submit(made)

    assert not delivered(shipment)
    assert len(denied.attempts) == 1
    assert sent(well) == [("s1", 1)]
    assert len(spool.paths()) == 1
    assert "AccessDenied. Allow it." in caplog.text


def test_the_same_complaint_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    courier = Courier(None, [Sink(fail_with=DENIED)], budget=LONG)
    for _ in range(3):
        assert not delivered(courier.submit(made))
    assert caplog.text.count("Allow it.") == 1


def test_a_sink_that_hangs_delays_neither_the_other_nor_the_end(spool: Spool) -> None:
    stuck, well = Sink("s3"), Sink("cloudwatch")
    stuck.open.clear()
    began = time.monotonic()
    shipment = Courier(spool, [stuck, well], budget=SHORT).submit(made)
    well.wait(1)
    assert time.monotonic() - began < SHORT
    assert not delivered(shipment)
    assert time.monotonic() - began < SHORT + MARGIN

    assert shipment.places.keys() == {"cloudwatch"}
    assert len(spool.paths()) == 1
    stuck.open.set()


@pytest.mark.parametrize("failure", [ValueError("secret words"), SystemExit("secret words")])
def test_a_writer_may_raise_anything(
    failure: BaseException, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MemoryWriter):
        name = "broken"

        def prepare(self) -> None:
            raise failure

        def write(self, parcel: Parcel) -> str:
            raise failure

    well = Sink("well")
    courier = Courier(spool, [Broken(), well], budget=LONG)
    courier.prepare()
    assert not delivered(courier.submit(made))
    assert sent(well) == [("s1", 1)]
    assert len(spool.paths()) == 1
    assert f"broken: {type(failure).__name__}" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("failure", [ValueError("secret words"), SystemExit("secret words")])
def test_rendering_may_raise_anything(
    failure: BaseException, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    def render() -> Parcel:
        raise failure

    courier = Courier(spool, [Sink()], budget=LONG)
    shipment = courier.submit(render)

    assert shipment.spooled.result(PATIENCE) is False
    assert delivered(shipment) is False
    assert courier.losses.total() == {"memory": 1}
    assert type(failure).__name__ in caplog.text
    assert "secret" not in caplog.text


def test_writers_of_one_name_are_two_sinks(spool: Spool) -> None:
    sinks = [Sink("memory"), Sink("memory", DENIED), Sink("memory")]
    courier = Courier(spool, sinks, budget=LONG)
    shipment = courier.submit(made)
    assert not delivered(shipment)
    assert shipment.places.keys() == {"memory", "memory-3"}

    sinks[1].fail_with = None
    assert courier.drain().sent == ["s1"]
    assert [len(each.parcels) for each in sinks] == [1, 1, 1]


def test_a_courier_without_sinks_has_nothing_to_wait_for(spool: Spool) -> None:
    assert delivered(Courier(spool, [], budget=LONG).submit(made))
    assert files(spool.directory) == []


def test_nothing_of_a_record_is_logged(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink = Sink(fail_with=DENIED)
    courier = Courier(spool, [sink], budget=LONG)
    assert not delivered(courier.submit(lambda: made(body=b"secret", event=b"secret")))
    sink.fail_with = None
    courier.drain()
    assert "Analytics uploaded to memory" in caplog.text
    assert "secret" not in caplog.text


def test_preparing_waits_no_longer_than_told() -> None:
    go = threading.Event()

    class Slow(MemoryWriter):
        def prepare(self) -> None:
            assert go.wait(PATIENCE)

    Courier(None, [Slow(), Slow()], budget=LONG).prepare(timeout=0.05)
    go.set()


def test_threads_give_way_soon_while_a_record_is_on_its_way() -> None:
    settled()
    before, seen = sys.getswitchinterval(), []

    class Watching(MemoryWriter):
        def write(self, parcel: Parcel) -> str:
            seen.append(sys.getswitchinterval())
            return super().write(parcel)

    def render() -> Parcel:
        seen.append(sys.getswitchinterval())
        return made()

    assert delivered(Courier(None, [Watching()], budget=LONG).submit(render))
    settled()

    assert seen == [pytest.approx(0.0005)] * 2
    assert sys.getswitchinterval() == before


def test_a_rehearsal_that_fails_is_told_and_harms_nothing(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    class Stale(Sink):
        def rehearse(self) -> None:
            raise DENIED

    sink = Stale("stale")
    courier = Courier(spool, [sink, Sink("plain")], budget=LONG)
    courier.rehearse()

    assert DENIED.code in caplog.text
    assert delivered(courier.submit(made))


def test_an_attempt_that_hangs_for_ever_holds_no_thread_but_its_own() -> None:
    sink = Sink()
    sink.open.clear()
    assert not delivered(Courier(None, [sink], budget=SHORT).submit(made))
    join("analytics-courier")
    sink.open.set()
    settled()
    assert len(sink.parcels) == 1


# -- without a disk


def test_without_a_spool_parcels_go_from_memory() -> None:
    sink = Sink()
    courier = Courier(None, [sink], budget=LONG)
    shipment = courier.submit(made)
    assert delivered(shipment)
    assert shipment.spooled.result(0) is False
    assert courier.losses.total() == {}
    assert courier.drain().sent == []


def test_what_is_neither_on_disk_nor_with_every_sink_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    courier = Courier(None, [Sink(), Sink(fail_with=DENIED)], budget=LONG)
    assert not delivered(courier.submit(made))
    assert not delivered(courier.submit(made))
    assert courier.losses.total() == {"memory": 2}
    assert "the analytics of session s1 are lost" in caplog.text


def test_what_arrives_late_is_not_lost() -> None:
    sink = Sink()
    sink.open.clear()
    courier = Courier(None, [sink], budget=SHORT)
    assert not delivered(courier.submit(made))
    assert courier.losses.total() == {"memory": 1}
    sink.open.set()
    settled()
    assert courier.losses.total() == {}


def test_a_spool_that_cannot_be_written_costs_no_record(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    spool.directory.rmdir()
    spool.directory.touch()
    sink = Sink()
    courier = Courier(spool, [sink], budget=LONG)
    shipment = courier.submit(made)

    assert delivered(shipment)
    assert shipment.spooled.result(0) is False
    assert courier.losses.total() == {}
    assert "ANALYTICS_SPOOL_DIRECTORY" in caplog.text


def test_the_spool_is_opened_once_and_not_by_the_caller(tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    def opened() -> Spool:
        threads.append(threading.current_thread())
        return Spool(tmp_path / "spool")

    courier = Courier(opened, [Sink()], budget=LONG)
    assert threads == []
    shipments = [courier.submit(made) for _ in range(4)]
    assert all(delivered(each) for each in shipments)
    assert all(each.spooled.result(0) for each in shipments)
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()
    assert courier.spool is courier.spool


def test_a_spool_that_fails_to_open_in_any_way_is_done_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def opened() -> Spool:
        raise ValueError("secret words")

    assert delivered(Courier(opened, [Sink()], budget=LONG).submit(made))
    assert "the spool cannot be opened (ValueError)" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="stacks may be that big elsewhere")
def test_without_threads_a_record_is_spooled_at_least(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Sink()
    courier = Courier(spool, [sink], budget=LONG)
    with no_more_threads():
        courier.prepare()
        courier.sweep()
        shipment = courier.submit(made, hold=Hold(None))
        assert shipment.spooled.result(PATIENCE) is True
        assert shipment.delivered.result(PATIENCE) is False
        report = courier.drain()
    assert report.kept == {"s1": "memory: NoThread"}
    assert courier.losses.total() == {}
    assert caplog.text.count("no more threads") == 3

    assert courier.drain().sent == ["s1"]


@pytest.mark.skipif(sys.platform != "linux", reason="stacks may be that big elsewhere")
def test_without_threads_and_disk_a_record_is_lost_and_counted() -> None:
    courier = Courier(None, [Sink()], budget=LONG)
    with no_more_threads():
        shipment = courier.submit(made)
        assert shipment.spooled.result(PATIENCE) is False
        assert shipment.delivered.result(PATIENCE) is False
    assert courier.losses.total() == {"memory": 1}


# -- holds


def test_a_held_parcel_is_spooled_and_waits(spool: Spool) -> None:
    sink, hold = Sink(), Hold(None)
    shipment = Courier(spool, [sink], budget=SHORT).submit(made, hold=hold)
    assert shipment.spooled.result(PATIENCE)
    assert sink.attempts == []
    assert not shipment.delivered.done()
    hold.release()
    assert delivered(shipment)


def test_the_budget_begins_with_the_sending(spool: Spool) -> None:
    sink = Sink(fail_with=DOWN)
    hold = Hold(SHORT)
    began = time.monotonic()
    shipment = Courier(spool, [sink], budget=SHORT).submit(made, hold=hold)
    assert not delivered(shipment)
    assert time.monotonic() - began >= 2 * SHORT
    assert len(sink.attempts) >= 2


def test_after_the_hold_goes_what_came_meanwhile(spool: Spool) -> None:
    sink, hold, bodies = Sink(), Hold(None), [b"early"]
    shipment = Courier(spool, [sink], budget=LONG).submit(lambda: made(body=bodies[-1]), hold=hold)
    assert shipment.spooled.result(PATIENCE)
    (path,) = spool.paths()
    assert b"early" in path.read_bytes()
    bodies.append(b"late")
    hold.release()

    assert delivered(shipment)
    assert [each.body for each in sink.parcels] == [b"late"]
    assert files(spool.directory) == []


def test_what_came_meanwhile_is_spooled_too(spool: Spool) -> None:
    hold, bodies = Hold(None), [b"early"]
    happened_at = time.time()
    shipment = Courier(spool, [Sink(fail_with=DENIED)], budget=LONG).submit(
        lambda: made(body=bodies[-1], happened_at=happened_at), hold=hold
    )
    assert shipment.spooled.result(PATIENCE)
    bodies.append(b"late")
    hold.release()
    assert not delivered(shipment)

    (path,) = spool.paths()
    assert b"late" in path.read_bytes()


def test_what_is_the_same_after_the_hold_is_not_written_again(spool: Spool) -> None:
    hold, parcel = Hold(None), made()
    shipment = Courier(spool, [Sink(fail_with=DENIED)], budget=LONG).submit(
        lambda: parcel, hold=hold
    )
    assert shipment.spooled.result(PATIENCE)
    before = spool.paths()
    hold.release()
    assert not delivered(shipment)
    assert spool.paths() == before


def test_if_rendering_fails_after_the_hold_the_first_is_sent(spool: Spool) -> None:
    sink, hold, parcels = Sink(), Hold(None), [made()]
    shipment = Courier(spool, [sink], budget=LONG).submit(parcels.pop, hold=hold)
    assert shipment.spooled.result(PATIENCE)
    hold.release()
    assert delivered(shipment)
    assert len(sink.parcels) == 1
    assert files(spool.directory) == []


def test_if_the_disk_fails_after_the_hold_the_first_file_stands_in(spool: Spool) -> None:
    sink, hold, bodies = Sink(), Hold(None), [b"early"]
    courier = Courier(spool, [sink], budget=LONG)
    shipment = courier.submit(lambda: made(body=bodies[-1]), hold=hold)
    assert shipment.spooled.result(PATIENCE)
    bodies.append(BIG)
    with nearly_full_disk():
        hold.release()
        assert delivered(shipment)
    assert [each.body for each in sink.parcels] == [BIG]
    assert files(spool.directory) == []
    assert courier.losses.total() == {}


def test_a_disk_that_heals_during_the_hold_is_used(spool: Spool) -> None:
    hold, bodies = Hold(None), [BIG]
    courier = Courier(spool, [Sink(fail_with=DENIED)], budget=LONG)
    with nearly_full_disk():
        shipment = courier.submit(lambda: made(body=bodies[-1]), hold=hold)
        assert shipment.spooled.result(PATIENCE) is False
    bodies.append(b"late")
    hold.release()
    assert not delivered(shipment)

    (path,) = spool.paths()
    assert b"late" in path.read_bytes()
    assert courier.losses.total() == {}


# -- the end of a process


def test_flush_waits_for_what_is_under_way(spool: Spool) -> None:
    sink = Sink()
    courier = Courier(spool, [sink], budget=LONG)
    shipments = [courier.submit(partial(made, f"s{n}"), hold=Hold(None)) for n in range(3)]
    shipments.append(courier.submit(lambda: made("s3")))

    courier.flush(PATIENCE)

    assert all(each.delivered.result(0) for each in shipments)
    assert len(sink.parcels) == 4


def test_flush_waits_no_longer_than_told(spool: Spool) -> None:
    sink = Sink()
    sink.open.clear()
    courier = Courier(spool, [sink], budget=LONG)
    shipment = courier.submit(made)
    left(spool, made("s2"))
    courier.sweep()
    sink.wait_for_attempt()
    sink.wait_for_attempt()
    began = time.monotonic()
    courier.flush(SHORT)
    assert SHORT <= time.monotonic() - began < SHORT + MARGIN
    sink.open.set()
    assert delivered(shipment)


def test_flush_lets_a_sweep_end_with_the_record_it_is_at(spool: Spool) -> None:
    left(spool, *(made(f"s{n}") for n in range(3)))
    sink = Sink()
    sink.open.clear()
    courier = Courier(spool, [sink], budget=LONG)
    courier.sweep()
    sink.wait_for_attempt()
    flushing = threading.Thread(target=courier.flush, args=(PATIENCE,))
    flushing.start()
    courier._ending.wait(PATIENCE)
    sink.open.set()
    flushing.join()
    settled()
    assert asked(sink) == ["s0"]
    assert len(spool.paths()) == 2


# -- one courier for each settings


def test_the_same_settings_have_one_courier(tmp_path: Path) -> None:
    first = Settings(directory=tmp_path / "a", spool_directory=tmp_path / "spool")
    other = Settings(directory=tmp_path / "b", spool_directory=tmp_path / "spool")

    assert courier_for(first) is courier_for(first.model_copy())
    assert courier_for(first) is not courier_for(other)
    assert list(tmp_path.iterdir()) == []  # the disk is not asked yet

    assert delivered(courier_for(first).submit(made))
    assert len(files(tmp_path / "a")) == 1
    assert (tmp_path / "spool").is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_forked_child_has_couriers_of_its_own(tmp_path: Path) -> None:
    # Forked in a process of one thread, which this one need not be.
    program = f"""
import os
from pathlib import Path
from livekit_plugins_analytics.delivery import courier_for
from livekit_plugins_analytics.settings import Settings
settings = Settings(directory=Path({str(tmp_path)!r}))
before = courier_for(settings)
if (child := os.fork()) == 0:
    after = courier_for(settings)
    os._exit(0 if after is not before and after is courier_for(settings) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), before is courier_for(settings))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "0 True\n"


def test_a_spool_that_cannot_be_used_is_in_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    spool = open_spool(Settings(spool_directory=tmp_path / "file"))

    assert spool
    assert spool.directory.parent == tmp_path
    assert spool.directory.name.startswith("livekit-analytics-spool")
    assert "ANALYTICS_SPOOL_DIRECTORY" in caplog.text
    assert str(spool.directory) in caplog.text


def test_where_nothing_can_be_written_there_is_no_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))

    assert open_spool(Settings(spool_directory=tmp_path / "file")) is None

    assert "memory only" in caplog.text


def test_the_public_names_are_sorted_and_there() -> None:
    assert delivery.__all__ == sorted(delivery.__all__)
    assert all(hasattr(delivery, name) for name in delivery.__all__)


def test_couriers_take_any_writer() -> None:
    writers: list[Callable[[], Writer]] = [MemoryWriter, Sink]
    assert Courier(None, [make() for make in writers], budget=LONG).losses.total() == {}
