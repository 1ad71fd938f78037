"""Whichever sink fails in whatever way, the others get the record and it gets it later."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from livekit_plugins_analytics.delivery import Courier, Spool
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import MAX_EVENT_BYTES, writers_for
from tests.servers import FaultServer, Mode, MotoServer
from tests.writers.conftest import Enter

from .sinks import PATIENCE, files, made, settled

BUDGET = 0.5
# What a busy machine may add; an attempt that hangs would add 4 s.
MARGIN = 2.5
# Starting a thread; waiting for a sink would take longer.
AT_ONCE = 0.25

KEY = "sessions/year=2026/month=07/day=04/{}.json.gz"

FAILURES = [mode for mode in get_args(Mode) if mode not in ("ok", "slow", "rejected")]


class Office:
    """A courier with every sink there is, and what they have."""

    def __init__(self, server: FaultServer, folder: Path, budget: float = BUDGET) -> None:
        self.server = server
        self.records = folder / "records"
        self.spool = Spool(folder / "spool")
        self.settings = Settings(
            directory=self.records, s3_bucket="calls", log_group="/calls", spool_directory=folder
        )
        self.writers = writers_for(self.settings)
        self.courier = self.another(budget)
        # Making clients takes longer than the budget; a process does it in its setup.
        assert self.another().submit(lambda: made("first")).delivered.result(PATIENCE)
        self.asked_before = len(server.requests)

    def another(self, budget: float = 30.0) -> Courier:
        """The courier of another process, as far as it can be one."""
        return Courier(Spool(self.spool.directory), self.writers, budget=budget)

    def copies(self, session_id: str) -> dict[str, int]:
        """How often each sink has a session's record."""
        key = KEY.format(session_id)
        events = [e["message"]["session_id"] for e in self.server.events("/calls")]
        return {
            "directory": files(self.records).count(key),
            "s3": list(self.server.objects("calls")).count(key),
            "cloudwatch": events.count(session_id),
        }


@pytest.fixture
def office(faults: FaultServer, enter: Enter, tmp_path: Path) -> Iterator[Office]:
    enter(faults)
    yield Office(faults, tmp_path)
    faults.mode = "ok"
    faults.release()


def fail(server: FaultServer, sink: str, mode: Mode) -> None:
    if mode == "refused":
        server.mode = "refused"
    elif sink == "s3":
        server.s3_mode = mode
    else:
        server.logs_mode = mode


def test_every_sink_has_the_record(office: Office) -> None:
    shipment = office.courier.submit(made)
    assert shipment.delivered.result(PATIENCE)
    assert office.copies("s1") == {"directory": 1, "s3": 1, "cloudwatch": 1}
    assert shipment.places == {
        "directory": str(office.records / KEY.format("s1")),
        "s3": f"s3://calls/{KEY.format('s1')}",
        "cloudwatch": f"cloudwatch:/calls/front-desk/{time.strftime('%Y/%m/%d', time.gmtime())}",
    }
    assert files(office.spool.directory) == []


@pytest.mark.parametrize(
    ("sink", "mode"),
    [("s3", mode) for mode in FAILURES]
    + [("cloudwatch", mode) for mode in [*FAILURES, "rejected"] if mode != "refused"],
)
def test_a_sink_fails_and_heals(
    sink: str, mode: Mode, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "livekit")
    server = office.server
    fail(server, sink, mode)
    failing = {"s3", "cloudwatch"} if mode == "refused" else {sink}

    began = time.monotonic()
    shipment = office.courier.submit(made)
    assert time.monotonic() - began < AT_ONCE
    assert shipment.delivered.result(PATIENCE) is False
    assert time.monotonic() - began < BUDGET + MARGIN

    assert shipment.places.keys() == {"directory", "s3", "cloudwatch"} - failing
    assert all(office.copies("s1")[each] == 1 for each in shipment.places)
    assert [office.spool.session(path) for path in office.spool.paths()] == ["s1"]
    assert office.courier.losses.total() == {}
    assert "Traceback" not in caplog.text
    assert server.secret_key not in caplog.text

    # What still hangs is answered now: by a failure, so that the drain has something to do.
    if mode == "hang":
        fail(server, sink, "503")
        server.release()
    settled()
    server.mode = "ok"
    stored_before = office.copies("s1")
    asked_before = len(server.requests)
    report = office.another().drain()

    assert report.sent == ["s1"]
    copies = office.copies("s1")
    if mode == "lost_answer" and sink == "cloudwatch":
        # Stored with each attempt, of which no one could know.
        assert copies.pop("cloudwatch") == stored_before["cloudwatch"] + 1
    assert set(copies.values()) == {1}
    # Only what was missing was sent.
    assert {r.service for r in server.requests[asked_before:]} == {
        "logs" if each == "cloudwatch" else each for each in failing
    }
    assert server.objects("calls")[KEY.format("s1")] == made().body
    assert files(office.spool.directory) == []


@pytest.mark.parametrize("sink", ["s3", "cloudwatch"])
def test_an_answer_that_comes_after_the_budget_counts(sink: str, office: Office) -> None:
    fail(office.server, sink, "hang")
    shipment = office.courier.submit(made)
    assert not shipment.delivered.result(PATIENCE)
    assert len(office.spool.paths()) == 1

    office.server.mode = "ok"
    office.server.release()
    settled()

    assert files(office.spool.directory) == []
    assert office.copies("s1") == {"directory": 1, "s3": 1, "cloudwatch": 1}


def test_a_slow_answer_within_the_budget_is_waited_for(office: Office) -> None:
    office.server.mode = "slow"
    office.server.delay = BUDGET / 5
    assert office.courier.submit(made).delivered.result(PATIENCE)
    assert len(office.server.requests) == office.asked_before + 2


@pytest.mark.parametrize("mode", ["503", "throttle", "reset", "lost_answer"])
def test_a_failure_that_passes_is_hardly_noticed(
    mode: Mode, faults: FaultServer, enter: Enter, tmp_path: Path
) -> None:
    enter(faults)
    office = Office(faults, tmp_path, budget=10)
    faults.plan("s3", mode, mode)
    faults.plan("logs", mode)

    assert office.courier.submit(made).delivered.result(PATIENCE)

    # What was stored and not answered is stored again; only S3 can tell that it is the same.
    twice = mode == "lost_answer"
    assert office.copies("s1") == {"directory": 1, "s3": 1, "cloudwatch": 1 + twice}
    assert files(office.spool.directory) == []


def test_a_directory_that_cannot_be_made_costs_no_other_sink(office: Office) -> None:
    shutil.rmtree(office.records)
    office.records.touch()
    shipment = office.courier.submit(made)
    assert not shipment.delivered.result(PATIENCE)
    assert shipment.places.keys() == {"s3", "cloudwatch"}
    assert len(office.spool.paths()) == 1

    office.records.unlink()
    assert office.another().drain().sent == ["s1"]

    assert office.copies("s1") == {"directory": 1, "s3": 1, "cloudwatch": 1}
    assert files(office.spool.directory) == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_costs_no_record(office: Office, tmp_path: Path) -> None:
    # Full for whatever is bigger than 10 kB: the first record in the spool and its marks fit.
    program = f"""
        import resource
        from pathlib import Path
        from livekit_plugins_analytics.delivery import Courier, Spool
        from livekit_plugins_analytics.settings import Settings
        from livekit_plugins_analytics.writers import writers_for
        from tests.delivery.sinks import made
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        settings = Settings(directory=Path({str(office.records)!r}), s3_bucket="calls",
                            log_group="/calls")
        courier = Courier(Spool(Path({str(office.spool.directory)!r})), writers_for(settings),
                          budget=20)
        for name, size in ("small", 10), ("big", 100_000):
            shipment = courier.submit(lambda: made(name, body=b"x" * size))
            print(name, shipment.spooled.result(), shipment.delivered.result(),
                  sorted(shipment.places), courier.losses.total())
    """
    result = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.splitlines() == [
        "small True True ['cloudwatch', 'directory', 's3'] {}",
        # S3 and CloudWatch have it all the same.
        "big False False ['cloudwatch', 's3'] {'memory': 1}",
    ]
    assert office.copies("big") == {"directory": 0, "s3": 1, "cloudwatch": 1}
    assert files(office.spool.directory) == ["lost.json"]
    # One of another process, and so the next record tells it.
    assert office.another().take_losses() == 1


def test_a_directory_on_a_full_disk_gets_the_record_later(office: Office) -> None:
    # The spool is elsewhere. A folder in the way is as permanent as a disk that is full.
    blocked = office.records / KEY.format("s1")
    (blocked / "full").mkdir(parents=True)
    assert not office.courier.submit(made).delivered.result(PATIENCE)
    assert office.another().drain().kept.keys() == {"s1"}

    (blocked / "full").rmdir()
    blocked.rmdir()

    assert office.another().drain().sent == ["s1"]
    assert blocked.read_bytes() == made().body


@pytest.mark.parametrize("mode", ["503", "access_denied", "refused", "reset"])
def test_a_sink_that_is_down_gets_one_request_in_a_pass(mode: Mode, office: Office) -> None:
    for n in range(5):
        office.spool.put(made(f"s{n}")).release()
    office.server.mode = mode

    report = office.another().drain()

    assert report.kept.keys() == {f"s{n}" for n in range(5)}
    if mode != "refused":
        services = [r.service for r in office.server.requests[office.asked_before :]]
        assert sorted(services) == ["logs", "s3"]
    assert len(files(office.records)) == 1 + 5
    office.server.mode = "ok"
    assert len(office.another().drain().sent) == 5
    for n in range(5):
        assert office.copies(f"s{n}") == {"directory": 1, "s3": 1, "cloudwatch": 1}
    assert files(office.spool.directory) == []


def test_a_record_that_cloudwatch_cannot_take_costs_no_other(office: Office) -> None:
    event = b'{"session_id": "big", "x": "%s"}' % (b"x" * MAX_EVENT_BYTES)
    office.spool.put(made("big", event=event)).release()
    office.spool.put(made("s1")).release()
    office.spool.put(made("s2")).release()

    report = office.another().drain()

    assert sorted(report.sent) == ["s1", "s2"]
    assert report.kept == {}
    assert list(report.given_up) == ["big"]
    assert report.given_up["big"].startswith("refused: cloudwatch: EventTooLarge. The event has")
    assert office.copies("big") == {"directory": 1, "s3": 1, "cloudwatch": 0}
    assert office.spool.paths() == []
    assert office.spool.losses.total() == {"refused": 1}


def test_events_that_cloudwatch_rejects_cost_no_others(office: Office) -> None:
    for n in range(3):
        office.spool.put(made(f"s{n}")).release()
    office.server.logs_mode = "rejected"

    report = office.another().drain()

    assert len(report.kept) == 3
    puts = [r for r in office.server.requests if r.operation == "PutLogEvents"]
    assert len({r.body for r in puts if r.mode == "rejected"}) == 3
    office.server.logs_mode = "ok"
    assert len(office.another().drain().sent) == 3


def test_moto_has_each_record_once(moto: MotoServer, enter: Enter, tmp_path: Path) -> None:
    enter(moto)
    moto.create_bucket("delivery")
    moto.create_log_group("/delivery")
    settings = Settings(s3_bucket="delivery", log_group="/delivery")
    courier = Courier(Spool(tmp_path), writers_for(settings), budget=30)
    shipments = [courier.submit(partial(made, f"s{n}")) for n in range(10)]

    assert all(each.delivered.result(PATIENCE) for each in shipments)

    sessions = [f"s{n}" for n in range(10)]
    assert sorted(moto.objects("delivery")) == sorted(KEY.format(each) for each in sessions)
    assert sorted(e["message"]["session_id"] for e in moto.events("/delivery")) == sessions
    assert files(tmp_path) == []


# -- the end of a process

PROCESS = """
    import multiprocessing, sys, time
    from livekit_plugins_analytics.delivery import Hold, courier_for
    from livekit_plugins_analytics.settings import Settings
    from tests.delivery.sinks import made

    def job(hold):
        courier = courier_for(Settings.load())
        courier.prepare()
        shipment = courier.submit(made, hold=hold and Hold(None))
        print(shipment.spooled.result(), flush=True)
        print(time.time(), flush=True)

    if __name__ == "__main__":
        how, hold = sys.argv[1], sys.argv[2] == "hold"
        if how == "main":
            job(hold)
        else:
            context = multiprocessing.get_context(how)
            context.set_forkserver_preload(["tests.delivery.sinks"])
            process = context.Process(target=job, args=(hold,))
            process.start()
            process.join()
        print(time.time(), flush=True)
"""


def end_of_process(office: Office, folder: Path, how: str, hold: bool, budget: float) -> float:
    """Run a process that submits a record and ends at once; return how long its end took."""
    program = folder / "process.py"
    program.write_text(textwrap.dedent(PROCESS))
    environment = {
        **office.server.environment(),
        "ANALYTICS_S3_BUCKET": "calls",
        "ANALYTICS_LOG_GROUP": "/calls",
        "ANALYTICS_SPOOL_DIRECTORY": str(office.spool.directory),
        "ANALYTICS_EXPORT_BUDGET_SECONDS": str(budget),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PATH": "/usr/bin:/bin",
    }
    result = subprocess.run(
        [sys.executable, str(program), how, "hold" if hold else "go"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    spooled, began, *end = result.stdout.split()
    assert spooled == "True"
    assert "Traceback" not in result.stderr
    # The main process says when its child has ended; its own end is seen from here.
    return (float(end[0]) if how != "main" else time.time()) - float(began)


# In job processes, which a forkserver makes, nothing that atexit knows of is run.
@pytest.mark.parametrize("how", ["main", "forkserver"])
def test_a_process_sends_at_its_end_what_it_held_back(
    how: str, office: Office, tmp_path: Path
) -> None:
    took = end_of_process(office, tmp_path, how, hold=True, budget=20)

    assert took < 5 + MARGIN
    assert office.copies("s1") == {"directory": 0, "s3": 1, "cloudwatch": 1}
    assert files(office.spool.directory) == []


def test_a_hang_does_not_hold_a_process_past_the_budget(office: Office, tmp_path: Path) -> None:
    office.server.s3_mode = "hang"

    took = end_of_process(office, tmp_path, "forkserver", hold=False, budget=0.5)

    assert took < 0.5 + MARGIN
    assert [office.spool.session(path) for path in office.spool.paths()] == ["s1"]
    assert office.copies("s1")["cloudwatch"] == 1
    office.server.s3_mode = "ok"
    assert office.another().drain().sent == ["s1"]
    assert office.copies("s1")["cloudwatch"] == 1
