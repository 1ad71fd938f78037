"""The Lambda function stores what the logs have, and never less than is there."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from packaging.requirements import Requirement

from livekit_plugins_analytics import SessionRecord, Settings, SettingsError, aws_lambda
from livekit_plugins_analytics.assembly import parcel
from livekit_plugins_analytics.aws_lambda import NotStored, Tally, backfill, handler, store
from livekit_plugins_analytics.writers import Parcel, s3_uri
from livekit_plugins_analytics.writers.s3 import S3Writer
from tests.servers import FaultServer, Mode, MotoServer, VersityGateway

from .test_record import record
from .writers.conftest import Enter, enter, no_account

__all__ = ["enter", "no_account"]

Server = MotoServer | VersityGateway


class Lake:
    """A bucket of a test's own, and the function in front of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.bucket = f"lake-{uuid4().hex[:12]}"
        server.create_bucket(self.bucket)
        self.settings = Settings(s3_bucket=self.bucket)

    def parcel(self, metrics: str = "off", **values: Any) -> Parcel:
        """What an agent would send."""
        with_place = Settings(s3_bucket=self.bucket, metrics=metrics)
        return parcel(record(**values), with_place)

    def store(self, *messages: bytes | str) -> Tally:
        """Let the function store log events."""
        texts = [each if isinstance(each, str) else each.decode() for each in messages]
        return store(texts, self.settings, self.server.s3())

    def stored(self) -> dict[str, Any]:
        """The one object that there is."""
        (body,) = self.server.objects(self.bucket).values()
        loaded: dict[str, Any] = json.loads(gzip.decompress(body))
        return loaded


@pytest.fixture(params=["moto", "versity"])
def lake(request: pytest.FixtureRequest, enter: Enter) -> Lake:
    """On two servers, each with its own idea of conditions."""
    server = request.getfixturevalue(request.param)
    enter(server)
    return Lake(server)


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    """Each test meets a function that has not run yet."""
    aws_lambda._ready.cache_clear()
    yield
    aws_lambda._ready.cache_clear()


def subscription(*messages: bytes | str, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """The event that CloudWatch Logs invokes a function with."""
    said = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "/calls",
        "logStream": "front-desk/2026/07/04",
        "subscriptionFilters": ["lake"],
        "logEvents": [
            {
                "id": str(number),
                "timestamp": 1783123456789,
                "message": each if isinstance(each, str) else each.decode(),
            }
            for number, each in enumerate(messages)
        ],
    }
    data = base64.b64encode(gzip.compress(json.dumps(said).encode())).decode()
    return {"awslogs": {"data": data}}


# -- what is written


@pytest.mark.parametrize("metrics", ["off", "emf"])
def test_the_object_is_the_agents_but_for_what_no_log_has(lake: Lake, metrics: str) -> None:
    sent = lake.parcel(metrics)
    direct = json.loads(gzip.decompress(sent.body))

    assert lake.store(sent.event) == Tally(written=1)

    ((key, body),) = lake.server.objects(lake.bucket).items()
    assert f"s3://{lake.bucket}/{key}" == s3_uri(lake.settings, sent.name)
    text = gzip.decompress(body)
    assert text.count(b"\n") == 1 and text.endswith(b"}\n")
    assert gzip.compress(text, compresslevel=6, mtime=0) == body
    stored = json.loads(text)
    SessionRecord.model_validate(stored)
    assert list(stored) == list(direct)
    missing = stored["completeness"].pop("missing")
    assert missing == [*direct["completeness"].pop("missing"), "signals", "transcript"]
    for values in (stored, direct):
        del values["signals"], values["transcript"]
    assert stored == direct
    answer = lake.server.s3().get_object(Bucket=lake.bucket, Key=key)
    assert answer["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in answer


def test_a_transcript_that_is_kept_beside_is_not_missing(lake: Lake) -> None:
    lake.store(lake.parcel(transcript_uri="s3://lake/transcripts/x.json.gz").event)

    assert lake.stored()["completeness"]["missing"] == ["signals"]


def test_a_repetition_changes_nothing(lake: Lake) -> None:
    event = lake.parcel().event
    lake.store(event)
    before = lake.server.objects(lake.bucket)

    assert lake.store(event, event) == Tally(there=2)

    assert lake.server.objects(lake.bucket) == before


def test_an_agents_object_is_never_replaced(lake: Lake) -> None:
    S3Writer(lake.settings).write(lake.parcel())
    before = lake.server.objects(lake.bucket)

    tally = lake.store(lake.parcel().event, lake.parcel(revision=7).event)

    assert tally == Tally(there=2)
    assert lake.server.objects(lake.bucket) == before


def test_an_agents_object_replaces_one_from_the_log(lake: Lake) -> None:
    sent = lake.parcel()
    lake.store(sent.event)

    S3Writer(lake.settings).write(sent)

    assert list(lake.server.objects(lake.bucket).values()) == [sent.body]
    assert lake.store(lake.parcel(revision=2).event) == Tally(there=1)


def test_a_later_revision_replaces_an_earlier_one_from_the_log(lake: Lake) -> None:
    lake.store(lake.parcel(outcome="one").event)

    assert lake.store(lake.parcel(revision=2, outcome="two").event) == Tally(replaced=1)
    assert lake.store(lake.parcel(outcome="one").event) == Tally(there=1)

    assert (lake.stored()["revision"], lake.stored()["outcome"]) == (2, "two")


def test_what_somebody_has_changed_since_is_not_replaced(lake: Lake) -> None:
    lake.store(lake.parcel(user_email="user@company.com").event)
    ((key, body),) = lake.server.objects(lake.bucket).items()
    # As `prices reprice` and an erasure do it: other bytes, the same metadata.
    erased = gzip.compress(gzip.decompress(body).replace(b"user@company.com", b""), mtime=0)
    s3 = lake.server.s3()
    metadata = s3.head_object(Bucket=lake.bucket, Key=key)["Metadata"]
    s3.put_object(Bucket=lake.bucket, Key=key, Body=erased, Metadata=metadata)

    again = lake.store(lake.parcel(revision=2, user_email="user@company.com").event)

    assert again == Tally(there=1)
    assert list(lake.server.objects(lake.bucket).values()) == [erased]


def test_of_several_revisions_in_one_event_the_last_is_stored(lake: Lake) -> None:
    events = [lake.parcel(revision=number).event for number in (2, 3, 1)]

    assert lake.store(*events) == Tally(written=1, there=2)

    assert lake.stored()["revision"] == 3


def test_whoever_writes_at_the_same_time_the_latest_stays(lake: Lake) -> None:
    events = [lake.parcel(revision=number).event for number in range(1, 7)]
    refused: list[NotStored] = []

    def write(event: bytes) -> None:
        try:
            lake.store(event)
        except NotStored as error:
            refused.append(error)

    threads = [threading.Thread(target=write, args=(each,)) for each in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    if refused:  # Lambda repeats what it raised for
        lake.store(*events)
    assert lake.stored()["revision"] == 6


# -- summaries


def summary(lake: Lake, revision: int = 1) -> bytes:
    """The event of a record that is too large for a log."""
    sent = lake.parcel(revision=revision, conversation_notes=["x" * 900] * 1200)
    assert json.loads(sent.event)["truncated"] is True
    return sent.event


def test_a_summary_is_better_than_nothing_and_worse_than_anything(lake: Lake) -> None:
    assert lake.store(summary(lake)) == Tally(written=1)
    stored = lake.stored()
    assert (stored["truncated"], stored["revision"]) == (True, 1)
    assert "conversation_notes" not in stored and "transcript" not in stored

    assert lake.store(lake.parcel().event) == Tally(replaced=1)
    assert lake.store(summary(lake)) == Tally(there=1)
    assert lake.store(summary(lake, revision=2)) == Tally(there=1)

    assert "truncated" not in lake.stored()


def test_a_summary_is_not_written_over_the_object_that_it_points_at(lake: Lake) -> None:
    S3Writer(lake.settings).write(lake.parcel())
    before = lake.server.objects(lake.bucket)

    lake.store(summary(lake), summary(lake, revision=2))

    assert lake.server.objects(lake.bucket) == before


# -- what is no record


FOREIGN = [
    "INFO a line of text",
    '{"level": "info", "session_id": "s1"}',
    '{"probe": "doctor-1", "time": "2026-07-04T00:00:00+00:00", "version": "0.1.0"}',
    "[1, 2]",
    '{"schema_version": "1.0", "session_id": "s1", "start_ti',
    "",
    "[" * 100_000,
]


def test_other_lines_are_passed_over(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    lake = Lake(moto)

    assert lake.store(*FOREIGN, lake.parcel().event) == Tally(written=1, foreign=len(FOREIGN))


POISON: list[dict[str, Any]] = [
    {"session_id": 7},
    {"session_id": ""},
    {"session_id": "../../../planted"},
    {"session_id": "planted" * 20},
    {"revision": None},
    {"revision": True},
    {"revision": 0},
    {"start_time": None},
    {"start_time": "planted"},
    {"start_time": "2026-07-04T10:00:00"},
    {"start_time": "planted" * 1000},
]


def test_what_cannot_be_stored_is_counted_and_told_without_its_words(
    moto: MotoServer, enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    enter(moto)
    lake = Lake(moto)
    good = json.loads(lake.parcel().event)
    events = [json.dumps({**good, **changes}) for changes in POISON]

    assert lake.store(*events, lake.parcel().event) == Tally(written=1, unusable=len(POISON))

    told = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(told) == len(POISON)
    assert "planted" not in caplog.text


# -- the handler


def test_the_handler_stores_what_a_subscription_sends(
    moto: MotoServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(moto)
    lake = Lake(moto)
    monkeypatch.setenv("ANALYTICS_S3_BUCKET", lake.bucket)
    monkeypatch.setenv("ANALYTICS_S3_PREFIX", "a/b")
    events = [lake.parcel(session_id=each).event for each in ("s1", "s2")]

    answer = handler(subscription(*events, "text"), None)

    assert answer == {"written": 2, "replaced": 0, "there": 0, "foreign": 1, "unusable": 0}
    keys = list(lake.server.objects(lake.bucket))
    assert [key.rpartition("/")[2] for key in keys] == ["s1.json.gz", "s2.json.gz"]
    assert all(key.startswith("a/b/year=") for key in keys)


def test_a_control_message_stores_nothing(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANALYTICS_S3_BUCKET", "lake")

        answer = handler(subscription("CWL CONTROL MESSAGE", kind="CONTROL_MESSAGE"))

    assert set(answer.values()) == {0}
    assert faults.requests == []


@pytest.mark.parametrize(
    "event", [{}, {"awslogs": {"data": "planted"}}, {"awslogs": None}, {"Records": []}]
)
def test_an_event_of_another_kind_is_told_and_not_repeated(
    event: dict[str, Any], faults: FaultServer, enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANALYTICS_S3_BUCKET", "lake")

        assert handler(event)["unusable"] == 1

    assert "check the function's trigger" in caplog.text and "planted" not in caplog.text


def test_without_a_bucket_the_function_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_S3_BUCKET"):
        handler(subscription())


# -- S3 fails


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("503", "ServiceUnavailable"),
        ("throttle", "SlowDown"),
        ("reset", "ConnectionClosed"),
        ("lost_answer", "ConnectionClosed"),
        ("access_denied", "s3:PutObject"),
        ("missing", "Create the bucket"),
    ],
)
def test_what_s3_does_not_take_is_raised_and_may_be_repeated(
    mode: Mode, said: str, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("ANALYTICS_S3_BUCKET", "lake")
    sent = [parcel(record(session_id=f"s{n}"), Settings(s3_bucket="lake")) for n in range(3)]
    event = subscription(*(each.event for each in sent))
    faults.plan("s3", "ok", mode)

    with pytest.raises(NotStored, match=said):
        handler(event)
    answer = handler(event)

    # The server that fails on demand keeps no metadata: what is there counts as the agent's.
    assert answer["written"] + answer["there"] == 3
    assert len(faults.objects("lake")) == 3


def test_no_object_is_written_without_a_condition(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    settings = Settings(s3_bucket="lake")
    body = parcel(record(), settings)

    store([body.event.decode()], settings, faults.s3())

    (request,) = faults.requests
    assert request.headers["if-none-match"] == "*"


# -- an export


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_an_export_of_the_log_is_stored(
    zipped: bool, moto: MotoServer, enter: Enter, tmp_path: Path
) -> None:
    enter(moto)
    lake = Lake(moto)
    events = [lake.parcel(session_id=f"s{n}").event for n in range(3)]
    lines = [b"2026-07-04T10:00:00.000Z " + each for each in events[:2]] + [events[2], b"text"]
    text = b"\n".join(lines) + b"\n"
    path = tmp_path / "000000.gz"
    path.write_bytes(gzip.compress(text) if zipped else text)

    assert backfill(path, lake.settings) == Tally(written=3, foreign=1)
    assert backfill(path, lake.settings) == Tally(there=3, foreign=1)


# -- where it runs

_INVOKE = """
import json, sys
from livekit_plugins_analytics.aws_lambda import handler

print(json.dumps(handler(json.load(sys.stdin), None)))
print([each for each in ("livekit", "aiohttp", "voice_prices") if each in sys.modules])
"""


def test_it_runs_where_nothing_but_what_the_readme_says_is_installed(
    moto: MotoServer, tmp_path: Path
) -> None:
    lake = Lake(moto)
    deployed = tmp_path / "function"
    deployed.mkdir()
    # boto3 is there in AWS's own runtimes; tomli is a part of Python since 3.11.
    for path in _installed("pydantic", "boto3", "tomli"):
        (deployed / path.name).symlink_to(path)
    ours = Path(aws_lambda.__file__).parent
    (deployed / ours.name).symlink_to(ours)
    version = distribution("livekit-plugins-analytics")
    info = next(each for each in version.files or [] if each.name == "METADATA").parent
    (deployed / info.name).symlink_to(Path(str(version.locate_file(info))))
    program = f"import sys\nsys.path.insert(0, {str(deployed)!r})\n{_INVOKE}"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        input=json.dumps(subscription(lake.parcel().event)),
        env={**moto.environment(), "ANALYTICS_S3_BUCKET": lake.bucket},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    counts, imported = done.stdout.splitlines()
    assert (json.loads(counts)["written"], imported) == (1, "[]")
    assert len(lake.server.objects(lake.bucket)) == 1


def _installed(*names: str) -> set[Path]:
    """The top-level packages and modules of distributions and of all that they require."""
    found: set[Path] = set()
    todo, known = list(names), set()
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in known:
            continue
        known.add(name)
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        for file in installed.files or []:
            first = file.parts[0]
            if first != ".." and not first.endswith((".dist-info", "__pycache__", ".pth")):
                found.add(Path(str(installed.locate_file(first))))
        for text in installed.requires or []:
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                todo.append(wanted.name)
    return found
