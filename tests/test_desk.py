"""Of all threads of ours one computes at a time, and gives way to the event loop soon."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import gzip
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.delivery.sinks import named
from livekit_plugins_analytics.desk import Desk, Hurry, desk, hurried, uncollected
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.redaction.span import Span
from livekit_plugins_analytics.testing import MemoryWriter, ScriptedLLM
from livekit_plugins_analytics.writers import writers_for
from tests.benchmarks.call import close, emit, turn
from tests.servers import FaultServer

from .delivery.sinks import made
from .writers.conftest import Enter, enter

__all__ = ["enter"]


class Crowd:
    """How many threads are in one place at a time."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


def is_free(place: Desk) -> bool:
    """Whether another thread gets the desk."""
    seen: list[bool] = []

    def other() -> None:
        with place.seated() as alone:
            seen.append(alone)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    return seen == [True]


@pytest.fixture
def interval() -> Iterator[float]:
    """The interpreter's own, which a test may change."""
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_one_thread_sits_at_a_time() -> None:
    crowd, place = Crowd(), Desk(patience=60.0)

    def compute() -> None:
        for _ in range(50):
            with place.seated() as alone, crowd:
                assert alone
                sum(range(1000))

    threads = [threading.Thread(target=compute) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert crowd.most == 1


def test_who_sits_gives_way_sooner_and_all_is_as_before_afterwards(interval: float) -> None:
    with desk().seated():
        with desk().seated():
            assert sys.getswitchinterval() == pytest.approx(0.0005)
        assert sys.getswitchinterval() == pytest.approx(0.0005)
    assert sys.getswitchinterval() == pytest.approx(interval)


def test_a_shorter_interval_of_the_agents_own_stays(interval: float) -> None:
    sys.setswitchinterval(0.0001)
    with hurried():
        assert sys.getswitchinterval() == pytest.approx(0.0001)
    assert sys.getswitchinterval() == pytest.approx(0.0001)


def test_an_interval_that_the_agent_sets_meanwhile_stays(interval: float) -> None:
    with hurried():
        sys.setswitchinterval(0.02)
    assert sys.getswitchinterval() == pytest.approx(0.02)


def test_the_last_to_end_restores_the_interval(interval: float) -> None:
    hurry = Hurry()
    hurry.begin()
    hurry.begin()
    hurry.end()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    hurry.end()
    assert sys.getswitchinterval() == pytest.approx(interval)


def test_nobody_waits_for_long_for_one_who_hangs() -> None:
    place, hangs, over = Desk(patience=0.05), threading.Event(), threading.Event()

    def hang() -> None:
        with place.seated():
            hangs.set()
            over.wait(60.0)

    thread = threading.Thread(target=hang)
    thread.start()
    hangs.wait(60.0)
    with place.seated() as alone:
        assert not alone
        with place.seated() as still:
            assert not still
    over.set()
    thread.join()
    # What was not one's own was not given away.
    with place.seated() as alone:
        assert alone


def test_to_rise_without_sitting_changes_nothing() -> None:
    place = Desk()
    place.rise()
    with place.errand():
        place.sit()
        place.sit()
        place.rise()
        place.rise()
    with place.seated() as alone:
        assert alone


def test_an_errand_leaves_the_desk_at_its_end() -> None:
    place = Desk(patience=0.05)
    with pytest.raises(ValueError, match="broken"), place.errand():
        place.sit()
        raise ValueError("broken")
    # On no errand: nobody would leave it again.
    place.sit()

    assert is_free(place)


def test_a_client_that_is_used_by_no_sink_leaves_the_desk_alone(
    faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    (writer,) = writers_for(Settings(s3_bucket="calls"))
    writer.prepare()
    writer.write(made("alone"))
    assert is_free(desk())


@pytest.mark.parametrize("sink", ["s3", "cloudwatch"])
def test_nobody_sits_while_a_sink_says_nothing(
    faults: FaultServer, enter: Enter, tmp_path: Path, sink: str
) -> None:
    enter(faults)
    names: dict[str, Any] = {"s3": {"s3_bucket": "calls"}, "cloudwatch": {"log_group": "/calls"}}
    (it,) = named(writers_for(Settings(**names[sink])))
    it.prepare()
    before = len(faults.requests)
    faults.mode = "hang"

    def send() -> None:
        with pytest.raises(SinkError):
            it.write(made("hanging"))

    thread = threading.Thread(target=send)
    thread.start()
    faults.wait_for(lambda: len(faults.requests) > before)
    with desk().seated() as alone:
        assert alone
    faults.mode = "ok"
    thread.join(30.0)
    assert not thread.is_alive()


def test_a_request_that_cannot_be_made_leaves_the_desk(
    faults: FaultServer, enter: Enter, tmp_path: Path
) -> None:
    enter(faults)
    (it,) = named(writers_for(Settings(s3_bucket="calls")))
    wrong: Any = {"body": ["no bytes"]}
    with pytest.raises(SinkError, match="ParamValidationError"):
        it.write(dataclasses.replace(made("wrong"), **wrong))

    assert is_free(desk())


class Slow:
    """A redactor of the agent's own that takes its time, and knows how many call it at once."""

    entities = ("secret",)

    def __init__(self) -> None:
        self.crowd = Crowd()

    def find(self, text: str) -> Iterable[Span]:
        with self.crowd:
            sum(range(20_000))
        return ()


async def test_calls_that_end_at_once_are_rendered_one_after_another(tmp_path: Path) -> None:
    redactor, writer = Slow(), MemoryWriter()
    sessions = []
    for number in range(10):
        session = AgentSession[Any](
            llm=ScriptedLLM(default="I see."), vad=None, turn_handling={"turn_detection": None}
        )
        recorder = analytics.attach(
            session,
            settings=Settings(transcript="on"),
            session_id=f"crowd-{number}",
            writers=[writer],
            redactor=redactor,
        )
        await session.start(Agent(instructions="Help."))
        await session.run(user_input="hello")
        sessions.append((session, recorder))
    await asyncio.gather(*(session.aclose() for session, _ in sessions))

    assert all(await asyncio.gather(*(recorder.delivered() for _, recorder in sessions)))
    assert len(writer.parcels) == 10
    assert redactor.crowd.most == 1


FORK = """
import os, sys, threading
from livekit_plugins_analytics.desk import desk
sits, over = threading.Event(), threading.Event()
def sit():
    with desk().seated():
        sits.set()
        over.wait(60.0)
thread = threading.Thread(target=sit)
thread.start()
sits.wait(60.0)
child = os.fork()
if child == 0:
    with desk().seated() as alone:
        pass
    os._exit(0 if alone and sys.getswitchinterval() > 0.004 else 1)
_, status = os.waitpid(child, 0)
over.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
def test_a_forked_child_has_a_desk_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=60, check=False)
    assert done.returncode == 0


@pytest.fixture
def collecting() -> Iterator[None]:
    """The collector on, and on again afterwards."""
    assert gc.isenabled()
    yield
    gc.enable()


def test_while_many_objects_are_made_nothing_is_collected(collecting: None) -> None:
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_the_agent_has_switched_off_stays_so(collecting: None) -> None:
    gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert not gc.isenabled()


async def test_a_long_calls_export_has_the_collector_look_at_nothing(collecting: None) -> None:
    writer = MemoryWriter()
    session = AgentSession[Any](vad=None, turn_handling={"turn_detection": None})
    recorder = analytics.attach(
        session, settings=Settings(transcript="on"), session_id="long", writers=[writer]
    )
    for number in range(2_000):
        emit(session, turn(number, 1_800_000_000.0))
    collected: Counter[int] = Counter()

    def watch(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and threading.current_thread() is not threading.main_thread():
            collected[info["generation"]] += 1

    gc.collect()
    gc.callbacks.append(watch)
    try:
        close(session)
        assert await recorder.delivered(60.0)
    finally:
        gc.callbacks.remove(watch)

    assert len(json.loads(gzip.decompress(writer.parcels[0].body))["transcript"]["items"]) == 4_000
    # A record of so many parts would have all looked at several times.
    assert collected[2] == 0
    assert collected[1] <= 3
