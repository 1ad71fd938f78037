"""Sending what an outage has left, beside a sequential loop of put_object."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from livekit_plugins_analytics.delivery import Spool, courier_for
from tests.delivery.sinks import made

from .call import settings
from .figure import Figure
from .server import serving

RECORDS = 10_000
ROUND_TRIP = 0.02
# The loop takes as long for each: so many are enough to know.
LOOPED = 200


def measure(*, short: bool) -> list[Figure]:
    """Seconds for all records, the loop's extrapolated from a part of them."""
    records = 500 if short else RECORDS
    with tempfile.TemporaryDirectory() as name, serving() as server:
        folder = Path(name)
        server.set("slow", ROUND_TRIP)
        loop = _looped(folder) * records
        alone = _drained(settings(folder, log_group=None, spool_directory=folder / "s3"), records)
        both = _drained(settings(folder, spool_directory=folder / "both"), records)
        stored = server.set()
        assert stored["events"] == records, stored
    return [
        Figure(
            "backlog.s3", alone, "s", loop, f"put_object in a loop, {ROUND_TRIP * 1e3:.0f} ms each",
            ratio_target=10.0,
        ),
        Figure("backlog.s3_and_cloudwatch", both, "s", 2 * loop, "two such loops"),
    ]  # fmt: skip


def _looped(folder: Path) -> float:
    """Seconds a record."""
    client = boto3.client("s3")
    client.put_object(Bucket="calls", Key="loop/first", Body=b"")
    body = _parcel(0).body
    began = time.perf_counter()
    for number in range(LOOPED):
        client.put_object(Bucket="calls", Key=f"loop/{number}", Body=body)
    return (time.perf_counter() - began) / LOOPED


def _drained(wanted: Any, records: int) -> float:
    assert wanted.spool_directory
    spool = Spool(wanted.spool_directory)
    for number in range(records):
        spool.put(_parcel(number)).release()
    courier = courier_for(wanted)
    courier.prepare()
    began = time.perf_counter()
    report = courier.drain()
    took = time.perf_counter() - began
    assert len(report.sent) == records, report
    return took


def _parcel(number: int) -> Any:
    return made(f"backlog-{number:05}")
