"""The CloudWatch sink confirms each event, or says what is wrong."""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from datetime import datetime, timezone
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import MAX_EVENT_BYTES
from livekit_plugins_analytics.writers.cloudwatch import CloudWatchWriter
from tests.servers import FaultServer, Mode, MotoServer

from .conftest import Enter
from .parcels import parcel

DAY = 24 * 3600.0


def settings() -> Settings:
    return Settings(log_group="/calls")


def today() -> str:
    return datetime.now(timezone.utc).strftime("%Y/%m/%d")


def failure_of(writer: CloudWatchWriter, **changes: Any) -> SinkError:
    with pytest.raises(SinkError) as caught:
        writer.write(parcel(**changes))
    return caught.value


def messages(server: MotoServer, group: str) -> list[str]:
    return [
        event["message"] for event in server.logs().filter_log_events(logGroupName=group)["events"]
    ]


@pytest.mark.parametrize(
    "text",
    [
        'Grüße, 世界 🎧, 100 %, %s, {braces}, "quotes", back\\slash',
        "x" * 900_000,
        "é" * 450_000,
        "🎧" * 225_000,
    ],
    ids=["odd", "ascii", "two bytes", "four bytes"],
)
def test_the_event_arrives_byte_for_byte(text: str, moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    group = f"/calls/bytes/{len(text)}/{ord(text[0])}"
    moto.create_log_group(group)
    sent = parcel({"text": text})

    place = CloudWatchWriter(Settings(log_group=group)).write(sent)

    assert place == f"cloudwatch:{group}/front-desk/{today()}"
    assert [each.encode() for each in messages(moto, group)] == [sent.event]


def test_an_event_of_the_greatest_size_is_not_cut(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    event = json.dumps({"text": "x" * (MAX_EVENT_BYTES - 12)}).encode()
    assert len(event) == MAX_EVENT_BYTES

    CloudWatchWriter(settings()).write(parcel(event=event))

    assert faults.events("/calls")[0]["message"] == json.loads(event)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (b"x" * (MAX_EVENT_BYTES + 1), "EventTooLarge"),
        (b"", "InvalidEvent"),
        (b"\xff", "InvalidEvent"),
    ],
)
def test_an_event_that_cannot_be_is_never_sent(
    event: bytes, code: str, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)

    failure = failure_of(CloudWatchWriter(settings()), event=event)

    assert (failure.code, failure.retryable) == (code, False)
    assert failure.fix
    assert faults.requests == []


def test_the_event_has_the_time_of_the_call(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    ended = time.time() - 3 * DAY

    CloudWatchWriter(settings()).write(parcel(happened_at=ended))

    event = faults.events("/calls")[0]
    assert event["timestamp"] == int(ended * 1000)
    day = datetime.fromtimestamp(ended, timezone.utc).strftime("%Y/%m/%d")
    assert event["stream"] == f"front-desk/{day}"


@pytest.mark.parametrize("offset", [-13.1 * DAY, -400 * DAY, 2 * 3600, 400 * DAY])
def test_a_time_that_cloudwatch_rejects_becomes_now(
    offset: float, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    began = time.time()

    CloudWatchWriter(settings()).write(parcel(happened_at=began + offset))

    sent = faults.events("/calls")[0]["timestamp"]
    assert int(began * 1000) <= sent <= time.time() * 1000


@pytest.mark.parametrize("happened_at", [float("nan"), float("inf"), -1e30])
def test_a_time_that_is_none_becomes_now(
    happened_at: float, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)

    CloudWatchWriter(settings()).write(parcel(happened_at=happened_at))

    event = faults.events("/calls")[0]
    assert abs(event["timestamp"] / 1000 - time.time()) < 10
    assert event["stream"] == f"front-desk/{today()}"


@pytest.mark.parametrize(
    ("configured", "agent", "probe", "stream"),
    [
        (None, "front-desk", False, "front-desk/{day}"),
        (None, "", False, "agent/{day}"),
        (None, "a:b*c", False, "a-b-c/{day}"),
        (None, "a {b}", False, "a {b}/{day}"),
        (None, "{thread_name}", False, "{thread_name}/{day}"),
        (None, "\ud800x", False, "?x/{day}"),
        (None, "x" * 600, False, "x" * 494 + "/{day}"),
        (None, "front-desk", True, "probes/front-desk/{day}"),
        ("mine {0}", "front-desk", False, "mine {0}"),
        ("mine", "front-desk", True, "probes/mine"),
        ("x" * 512, "front-desk", True, "probes/" + "x" * 505),
    ],
)
def test_the_stream_is_named_after_agent_and_day(
    configured: str | None,
    agent: str,
    probe: bool,
    stream: str,
    faults: FaultServer,
    enter: Enter,
) -> None:
    enter(faults)
    where = Settings(log_group="/calls", log_stream=configured)

    place = CloudWatchWriter(where).write(parcel(stream=agent, probe=probe))

    expected = stream.replace("{day}", today())
    assert faults.events("/calls")[0]["stream"] == expected
    assert place == f"cloudwatch:/calls/{expected}"


def test_a_stream_is_created_once(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = CloudWatchWriter(settings())

    writer.write(parcel())
    writer.write(parcel())

    assert [r.operation for r in faults.requests] == [
        "PutLogEvents",
        "CreateLogStream",
        "PutLogEvents",
        "PutLogEvents",
    ]


FAULTS: list[tuple[Mode, str, bool, str]] = [
    ("refused", "ConnectionFailed", True, "AWS_REGION"),
    ("hang", "Timeout", True, ""),
    ("reset", "ConnectionClosed", True, ""),
    ("lost_answer", "ConnectionClosed", True, ""),
    ("503", "ServiceUnavailableException", True, ""),
    ("throttle", "ThrottlingException", True, ""),
    ("access_denied", "AccessDeniedException", False, "logs:PutLogEvents on the log group"),
    ("missing", "ResourceNotFoundException", False, "ANALYTICS_LOG_GROUP"),
    ("expired_token", "ExpiredTokenException", False, "AWS_SESSION_TOKEN"),
    ("rejected", "RejectedLogEvents", False, "ANALYTICS_LOG_GROUP"),
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
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    enter(faults)
    writer = CloudWatchWriter(settings())
    writer.write(parcel({"n": 0}))
    before = len(faults.requests)
    faults.mode = mode

    began = time.monotonic()
    failure = failure_of(writer)
    took = time.monotonic() - began

    assert (failure.sink, failure.code, failure.retryable) == ("cloudwatch", code, retryable)
    assert fix in failure.fix
    assert took < 6
    # Not watchtower's five; a missing group shows when the stream cannot be created.
    requests = {"refused": 0, "missing": 2}.get(mode, 1)
    assert len(faults.requests) == before + requests
    output = capsys.readouterr()
    for text in (str(failure), caplog.text, output.err, output.out):
        assert faults.secret_key not in text
        assert faults.access_key not in text
        assert "session_id" not in text
    faults.mode = "ok"
    writer.write(parcel({"n": 1}))
    stored = [event["message"].get("n") for event in faults.events("/calls")]
    assert stored[0] == 0 and stored[-1] == 1


def test_a_slow_answer_is_an_answer(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = CloudWatchWriter(settings())
    faults.plan("logs", "ok", "slow", "slow")
    faults.delay = 0.3

    writer.write(parcel())

    assert len(faults.events("/calls")) == 1


@pytest.mark.parametrize("mode", ["throttle", "access_denied", "reset"])
def test_a_stream_that_cannot_be_created_is_told_at_once(
    mode: Mode, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    faults.plan("logs", "ok", mode)

    failure = failure_of(CloudWatchWriter(settings()))

    assert failure.retryable is (mode != "access_denied")
    assert mode != "access_denied" or "logs:CreateLogStream" in failure.fix
    assert [r.operation for r in faults.requests] == ["PutLogEvents", "CreateLogStream"]


def test_a_stream_not_seen_yet_may_be_there_later(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    faults.plan("logs", "ok", "ok", "missing")

    failure = failure_of(CloudWatchWriter(settings()))

    assert (failure.code, failure.retryable) == ("LogStreamNotReady", True)
    assert len(faults.requests) == 3


def test_a_missing_group_is_named(moto: MotoServer, enter: Enter) -> None:
    enter(moto)

    failure = failure_of(CloudWatchWriter(Settings(log_group="/nobodys/group")))

    assert (failure.code, failure.retryable) == ("ResourceNotFoundException", False)
    assert "ANALYTICS_LOG_GROUP" in failure.fix


def test_prepare_makes_no_request(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = CloudWatchWriter(settings())

    writer.prepare()
    writer.prepare()

    assert faults.requests == []


@pytest.mark.parametrize("warned", ["error", "ignore"])
def test_what_fails_before_a_request_is_told(
    warned: Literal["error", "ignore"], faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    unchecked = settings().model_copy(update={"log_stream": ""})

    with warnings.catch_warnings():
        warnings.simplefilter(warned)
        failure = failure_of(CloudWatchWriter(unchecked))

    assert (failure.code, failure.retryable) == ("NotSent", False)
    assert "AWS_REGION" in failure.fix


def test_one_request_that_hangs_holds_up_no_other(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = CloudWatchWriter(settings())
    writer.write(parcel({"n": 0}))
    faults.plan("logs", "hang")
    places: list[str] = []
    hanging = threading.Thread(target=lambda: places.append(writer.write(parcel({"n": 1}))))
    hanging.start()
    faults.wait_for_requests(4)

    writer.write(parcel({"n": 2}))

    assert [event["message"]["n"] for event in faults.events("/calls")] == [0, 2]
    faults.release()
    hanging.join()
    assert places == [f"cloudwatch:/calls/front-desk/{today()}"]


def test_each_thread_has_its_own_verdict(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = CloudWatchWriter(settings())
    writer.write(parcel())
    modes: list[Mode] = ["hang", "throttle", "ok", "access_denied", "ok", "rejected", "ok", "503"]
    faults.plan("logs", *modes)
    outcomes: list[str] = []

    def write(n: int) -> None:
        try:
            writer.write(parcel({"n": n}))
            outcomes.append("stored")
        except SinkError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(len(modes))]
    for thread in threads:
        thread.start()
    faults.wait_for_requests(3 + len(modes))
    faults.release()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [
        "AccessDeniedException",
        "RejectedLogEvents",
        "ServiceUnavailableException",
        "ThrottlingException",
        "stored",
        "stored",
        "stored",
        "stored",
    ]
    assert len(faults.events("/calls")) == 5


def test_parallel_first_writes_to_one_stream_all_arrive(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    moto.create_log_group("/calls/parallel")
    writer = CloudWatchWriter(Settings(log_group="/calls/parallel"))
    threads = [threading.Thread(target=writer.write, args=(parcel({"n": n}),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(json.loads(each)["n"] for each in messages(moto, "/calls/parallel")) == list(
        range(8)
    )


def test_the_users_logging_is_left_alone(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.getLogger("botocore").level)

    CloudWatchWriter(settings()).write(parcel())

    assert (list(root.handlers), root.level, logging.getLogger("botocore").level) == before


def test_debug_logging_sends_nothing_more(
    faults: FaultServer, enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    enter(faults)

    CloudWatchWriter(settings()).write(parcel())

    assert len(faults.requests) == 3
    assert faults.secret_key not in caplog.text


@given(st.text(max_size=600), st.booleans())
def test_every_agent_has_a_stream_that_cloudwatch_takes(agent: str, probe: bool) -> None:
    name = CloudWatchWriter(settings())._stream_name(parcel(stream=agent, probe=probe), time.time())

    assert 0 < len(name) <= 512
    assert not set(":*") & set(name)
    assert name.startswith("probes/") or not probe
