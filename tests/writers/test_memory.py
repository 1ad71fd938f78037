"""The writer for tests keeps parcels, fails on demand and can be waited for."""

from __future__ import annotations

import threading

import pytest

from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.writers import Writer
from livekit_plugins_analytics.writers.memory import MemoryWriter

from .parcels import NAME, parcel


def test_keeps_parcels_and_reads_their_records() -> None:
    writer = MemoryWriter()
    writer.prepare()

    place = writer.write(parcel({"session_id": "né"}))

    assert place == f"memory:{NAME}"
    assert writer.records == [{"session_id": "né"}]


def test_is_a_writer() -> None:
    writer: Writer = MemoryWriter()
    assert writer.name == "memory"


def test_a_probe_is_a_parcel_but_no_record() -> None:
    writer = MemoryWriter()

    writer.write(parcel(probe=True))

    assert len(writer.parcels) == 1
    assert writer.records == []


def test_fails_with_what_it_is_told_and_keeps_nothing() -> None:
    failure = SinkError("memory", "SlowDown", retryable=True)
    writer = MemoryWriter(fail_with=failure)

    with pytest.raises(SinkError) as caught:
        writer.write(parcel())

    assert caught.value is failure
    assert writer.parcels == []


def test_works_again_once_it_need_not_fail() -> None:
    writer = MemoryWriter(fail_with=SinkError("memory", "SlowDown", retryable=True))
    writer.fail_with = None

    writer.write(parcel())

    assert len(writer.parcels) == 1


def test_wait_returns_when_the_parcels_of_other_threads_are_there() -> None:
    writer = MemoryWriter()
    threads = [threading.Thread(target=writer.write, args=(parcel(),)) for _ in range(8)]
    for thread in threads:
        thread.start()

    parcels = writer.wait(8)

    assert len(parcels) == 8
    for thread in threads:
        thread.join()


def test_wait_says_how_many_came() -> None:
    with pytest.raises(TimeoutError, match="0 of 1 parcels"):
        MemoryWriter().wait(timeout=0.01)
