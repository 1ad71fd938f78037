"""The Firehose sink puts each record on a line of its own, or says what is wrong."""

from __future__ import annotations

import gzip
import json
import logging
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.errors import SettingsError, SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers.firehose import FirehoseWriter
from tests.servers import FaultServer, Mode, MotoServer

from .conftest import Enter
from .parcels import NAME, parcel

# One byte more than Firehose takes, and than this sink sends, with the JSON around it.
TOO_LARGE = {"session_id": "RM_a-AJ_b", "text": "é" * 500_000}


def settings(**changes: Any) -> Settings:
    return Settings(firehose_stream="calls", **changes)


def failure_of(writer: FirehoseWriter, **changes: Any) -> SinkError:
    with pytest.raises(SinkError) as caught:
        writer.write(parcel(**changes))
    return caught.value


def test_the_lines_arrive_where_the_stream_leads(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    moto.create_bucket("calls-lake")
    moto.firehose().create_delivery_stream(
        DeliveryStreamName="calls-lake",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            "BucketARN": "arn:aws:s3:::calls-lake",
        },
    )
    writer = FirehoseWriter(Settings(firehose_stream="calls-lake"))
    records = [{"session_id": f"s{n}", "text": "Grüße, 世界 🎧\n"} for n in range(3)]

    places = [writer.write(parcel(record)) for record in records]

    assert places == ["firehose:calls-lake"] * 3
    lines = b"".join(moto.objects("calls-lake").values()).splitlines()
    # moto makes an object of each, under names that say nothing of their order.
    assert sorted((json.loads(line) for line in lines), key=str) == records


def test_a_missing_stream_is_named(moto: MotoServer, enter: Enter) -> None:
    enter(moto)

    failure = failure_of(FirehoseWriter(Settings(firehose_stream="nobodys")))

    assert (failure.code, failure.retryable) == ("ResourceNotFoundException", False)
    assert "ANALYTICS_FIREHOSE_STREAM" in failure.fix


def test_a_record_is_the_objects_line(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    sent = parcel({"text": "x" * 900_000})

    FirehoseWriter(settings()).write(sent)

    assert faults.records("calls") == [gzip.decompress(sent.body)]
    assert faults.objects("calls") == {}


def test_a_record_too_large_goes_to_the_bucket_and_is_pointed_at(
    faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    event = {"session_id": "RM_a-AJ_b", "Sessions": 1, "tags": ["ü"]}
    metrics = [{"Metrics": [{"Name": "Sessions", "Unit": "Count"}]}]
    line = json.dumps({**event, "_aws": {"Timestamp": 1, "CloudWatchMetrics": metrics}})
    # Words that are kept beside the record stay where files go.
    sent = parcel(TOO_LARGE, event=line.encode(), transcript=b"words")

    place = FirehoseWriter(settings(s3_bucket="lake", s3_prefix="a/b")).write(sent)

    uri = f"s3://lake/a/b/{NAME}"
    assert place == f"{uri} firehose:calls"
    assert faults.objects("lake") == {f"a/b/{NAME}": sent.body}
    (pointer,) = faults.records("calls")
    assert pointer.endswith(b"}\n") and pointer.count(b"\n") == 1
    # The record's own members, and none that makes metrics of a log event.
    assert json.loads(pointer) == {
        "session_id": "RM_a-AJ_b",
        "tags": ["ü"],
        "truncated": True,
        "s3_uri": uri,
    }
    assert [r.operation for r in faults.requests] == ["PutObject", "PutRecordBatch"]


def test_without_a_bucket_a_record_too_large_says_which_to_set(
    faults: FaultServer, enter: Enter
) -> None:
    enter(faults)

    failure = failure_of(FirehoseWriter(settings()), record=TOO_LARGE)

    assert (failure.code, failure.retryable) == ("RecordTooLarge", False)
    # The next record may well be taken, and this one too when the bucket is set.
    assert (failure.of_record, failure.final) == (True, False)
    assert "ANALYTICS_S3_BUCKET" in failure.fix
    assert faults.requests == []


@pytest.mark.parametrize(
    ("mode", "code", "retryable"),
    [("throttle", "SlowDown", True), ("access_denied", "AccessDenied", False)],
)
def test_a_record_that_the_bucket_does_not_take_is_not_pointed_at(
    mode: Mode, code: str, retryable: bool, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    faults.s3_mode = mode

    failure = failure_of(FirehoseWriter(settings(s3_bucket="lake")), record=TOO_LARGE)

    assert (failure.sink, failure.code, failure.retryable) == ("firehose", code, retryable)
    assert failure.of_record
    assert faults.records("calls") == []


def test_a_body_that_is_no_record_is_never_sent(faults: FaultServer, enter: Enter) -> None:
    enter(faults)

    failure = failure_of(FirehoseWriter(settings()), body=b"\x1f\x8bnone")

    assert (failure.code, failure.final) == ("InvalidRecord", True)
    assert faults.requests == []


def test_a_probe_leaves_no_byte_among_the_records(faults: FaultServer, enter: Enter) -> None:
    enter(faults)

    FirehoseWriter(settings()).write(parcel(probe=True))

    assert faults.records("calls") == [b""]


def test_the_readmes_query_finds_each_session_once() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (query,) = re.findall(r"```SQL\n(SELECT \* FROM \(.*?)```", readme, re.DOTALL)
    table = [("a", 1, None), ("a", 1, None), ("b", 1, None), ("b", 2, True), ("b", 2, None)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE TABLE calls (session_id TEXT, revision INTEGER, truncated BOOLEAN)"
        )
        database.executemany("INSERT INTO calls VALUES (?, ?, ?)", table)
        found = database.execute(query.replace("false", "0")).fetchall()

    assert sorted(row[:3] for row in found) == [("a", 1, None), ("b", 2, None)]


def test_a_sink_without_a_stream_is_refused() -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_FIREHOSE_STREAM"):
        FirehoseWriter(Settings())


FAULTS: list[tuple[Mode, str, bool, str]] = [
    ("refused", "ConnectionFailed", True, "AWS_ENDPOINT_URL"),
    ("hang", "Timeout", True, ""),
    ("reset", "ConnectionClosed", True, ""),
    ("lost_answer", "ConnectionClosed", True, ""),
    ("503", "ServiceUnavailableException", True, ""),
    ("throttle", "ThrottlingException", True, ""),
    # HTTP 200 with a FailedPutCount: nothing is stored.
    ("rejected", "ServiceUnavailableException", True, ""),
    (
        "access_denied",
        "AccessDeniedException",
        False,
        "firehose:PutRecordBatch on the stream of ANALYTICS_FIREHOSE_STREAM",
    ),
    ("missing", "ResourceNotFoundException", False, "Create the stream"),
    ("expired_token", "ExpiredTokenException", False, "AWS_SESSION_TOKEN"),
]


@pytest.mark.parametrize(("mode", "code", "retryable", "fix"), FAULTS)
def test_a_fault_is_told_at_once_and_passes(
    mode: Mode,
    code: str,
    retryable: bool,
    fix: str,
    faults: FaultServer,
    enter: Enter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    enter(faults)
    writer = FirehoseWriter(settings())
    writer.prepare()
    faults.mode = mode

    began = time.monotonic()
    failure = failure_of(writer)
    took = time.monotonic() - began

    assert (failure.sink, failure.code, failure.retryable) == ("firehose", code, retryable)
    assert fix in failure.fix
    assert took < 6
    assert len(faults.requests) == (0 if mode == "refused" else 1)
    for text in (str(failure), caplog.text):
        assert faults.secret_key not in text
        assert faults.access_key not in text
    faults.mode = "ok"
    assert writer.write(parcel()) == "firehose:calls"
    # What was stored before the answer was lost is there twice, as Firehose itself may do it.
    copies = 2 if mode == "lost_answer" else 1
    assert faults.records("calls") == [gzip.decompress(parcel().body)] * copies
