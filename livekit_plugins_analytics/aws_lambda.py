"""An AWS Lambda function that makes the records' objects in S3 from their log events.

A second way from the logs to the lake, and a backfill for the time in which S3 took nothing. The
handler is ``livekit_plugins_analytics.aws_lambda.handler``, behind a subscription filter of the log
group; of the settings it reads those of S3. It needs ``s3:PutObject`` and ``s3:GetObject``, and of
this package's requirements only pydantic (on Python 3.10 tomli too).

An agent's own object is never replaced here: it may have the transcript and the evidence of
signals, which log events never have. S3 itself checks that, by conditions on each PUT, so that it
holds whoever writes at the same time. Nor is one that somebody has changed since it was made here.
An agent's object, on the other hand, replaces one from here.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from .errors import AnalyticsError, SettingsError, SinkError
from .log import logger
from .record import SessionRecord
from .session_id import dated_name, safe_session_id
from .settings import Settings
from .stored import packed
from .writers import Aws, encryption, explained, members, s3_uri

# What marks an object that comes from a log, in its metadata: an agent's has none of it.
_SOURCE = {"source": "cloudwatch-logs"}

# Answers to a conditional PUT (S3 API reference, PutObject): another object is there, one is being
# written at this moment, or the one to replace is gone.
_CONDITION_FAILED = frozenset({404, 409, 412})

# Writers that come between a look and a PUT. More than one would be chance.
_ATTEMPTS = 5

# Lines of an export that are dealt with at a time.
_CHUNK = 1000


class NotStored(AnalyticsError):
    """Records are not in S3, and a repetition may help. It is what makes Lambda repeat."""


@dataclass
class Tally:
    """What became of the log events."""

    written: int = 0
    """Objects where there was none."""
    replaced: int = 0
    """Objects that came from the log too, and were of an earlier revision."""
    there: int = 0
    """Events whose object is there already: the agent's, or one no poorer."""
    foreign: int = 0
    """Events that are no records: other lines of the log, the doctor's probes."""
    unusable: int = 0
    """Events that look like records and cannot be stored, ever. Each is logged."""

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class _Event:
    """One record as the log has it."""

    name: str
    revision: int
    whole: bool
    """False: a summary of a record that was too large for the log."""
    body: bytes


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, int]:
    """Store the records in an event of a CloudWatch Logs subscription.

    Args:
        event: ``{"awslogs": {"data": ...}}``.
        context: Of the invocation; not used.

    Returns:
        What became of the events, by the names in `Tally`.

    Raises:
        SettingsError: The function's environment lacks ANALYTICS_S3_BUCKET, or is wrong.
        NotStored: S3 did not take all of them. Repeating the whole event is harmless.
    """
    settings, s3 = _ready()
    try:
        messages = _messages(event)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error) as error:
        # It would come again, and fail again.
        logger.error(
            "no event of a CloudWatch Logs subscription (%s): check the function's trigger",
            type(error).__name__,
        )
        return asdict(Tally(unusable=1))
    tally = store(messages, settings, s3)
    logger.info("log events: %s", asdict(tally))
    return asdict(tally)


def backfill(path: Path, settings: Settings) -> Tally:
    """Store the records in a file of log events: one that CloudWatch exported, or plain lines.

    Args:
        path: Lines of JSON, gzip or not; a time before the JSON, as in exports, is passed over.
        settings: Which bucket, and where in it.

    Raises:
        OSError: The file cannot be read.
        NotStored: S3 did not take all of them. Repeating is harmless.
    """
    s3 = Aws().client("s3", settings.s3_endpoint_url)
    tally = Tally()
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        lines = iter(gzip.GzipFile(fileobj=raw) if zipped else raw)
        while chunk := [_exported(line) for line in islice(lines, _CHUNK)]:
            tally.add(store(chunk, settings, s3))
    return tally


def store(messages: Iterable[str], settings: Settings, s3: Any) -> Tally:
    """Store the records among log events.

    Args:
        messages: The events' texts; what is no record is passed over.
        settings: Which bucket, and where in it.
        s3: boto3's client.

    Raises:
        NotStored: S3 did not take all of them.
    """
    tally = Tally()
    best: dict[str, _Event] = {}
    for message in messages:
        try:
            event = _event(message)
        except ValueError as error:
            logger.error("a log event looks like a record and is none: %s", error)
            tally.unusable += 1
            continue
        if event is None:
            tally.foreign += 1
            continue
        other = best.get(event.name)
        if other:
            tally.there += 1  # repeated, or another revision, in the same event
        if other is None or _poorer(other.revision, other.whole, event):
            best[event.name] = event
    for event in best.values():
        failure = _stored(event, settings, s3, tally)
        if failure and not failure.of_record:
            # S3 itself: the others would wait for the same answer.
            raise NotStored(f"not all of {len(best)} records are stored. {failure}")
        if failure:
            logger.error("a record cannot be stored, now or later: %s", failure)
            tally.unusable += 1
    return tally


def _stored(event: _Event, settings: Settings, s3: Any, tally: Tally) -> SinkError | None:
    try:
        outcome = _put(event, settings, s3)
    except Exception as error:
        return explained("s3", error)
    if outcome is None:
        return SinkError("s3", "Conflict", retryable=True)
    setattr(tally, outcome, getattr(tally, outcome) + 1)
    return None


def _put(event: _Event, settings: Settings, s3: Any) -> str | None:
    """What was done; None where others were faster each time."""
    bucket, _, key = s3_uri(settings, event.name).removeprefix("s3://").partition("/")
    where = {"Bucket": bucket, "Key": key}
    content = {
        **where,
        "Body": event.body,
        "ContentType": "application/gzip",
        "Metadata": {
            **_SOURCE,
            "revision": str(event.revision),
            "whole": str(event.whole),
            "sha256": _digest(event.body),
        },
        **encryption(settings),
    }
    for _ in range(_ATTEMPTS):
        if _accepted(s3.put_object, **content, IfNoneMatch="*"):
            return "written"
        there = _accepted(s3.head_object, **where)
        if there is None:
            continue
        metadata = there.get("Metadata", {})
        if not _replaceable(metadata, event):
            return "there"
        before = _accepted(s3.get_object, **where, IfMatch=there["ETag"])
        if before is None:
            continue
        if metadata.get("sha256") != _digest(before["Body"].read()):
            return "there"  # priced again, or erased: whoever changes a record keeps its metadata
        if _accepted(s3.put_object, **content, IfMatch=there["ETag"]):
            return "replaced"
    return None


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _accepted(call: Any, **arguments: Any) -> dict[str, Any] | None:
    """S3's answer; None where the state of the object is not the one asked for."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = error.response.get("Error", {}).get("Code")
        if status in _CONDITION_FAILED and code != "NoSuchBucket":
            return None
        raise
    return answer


def _replaceable(metadata: Mapping[str, str], event: _Event) -> bool:
    """Whether what is there comes from the log too, and says less."""
    if metadata.get("source") != _SOURCE["source"]:
        return False
    try:
        revision = int(metadata["revision"])
    except (KeyError, ValueError):
        return False
    return _poorer(revision, metadata.get("whole") == "True", event)


def _poorer(revision: int, whole: bool, event: _Event) -> bool:
    """Whether one is to give way: to a later revision, but a whole record to no summary."""
    if whole and not event.whole:
        return False
    return (revision, whole) < (event.revision, event.whole) or (event.whole and not whole)


def _event(message: str) -> _Event | None:
    """The record in a log event, as an agent would have stored it; None where there is none.

    Raises:
        ValueError: There should be one; the text says what is wrong, and nothing of a caller.
    """
    try:
        values = members(message)
    except ValueError:
        return None  # a line of text, or half of one
    if "schema_version" not in values or "session_id" not in values:
        return None  # a probe, or somebody else's
    session_id, revision = values["session_id"], values.get("revision")
    if not isinstance(session_id, str) or not session_id:
        raise ValueError("session_id is no text")
    if safe_session_id(session_id) != session_id:
        raise ValueError("session_id is not safe in a key")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise ValueError("revision is no number from 1 on")
    name = dated_name(_time(values), session_id)
    whole = values.get("truncated") is not True
    if whole:
        values = _completed(values)
    body = packed(values, compress=True)
    return _Event(name, revision, whole, body)


def _time(values: Mapping[str, Any]) -> datetime:
    text = values.get("start_time")
    try:
        # Python 3.10 does not read the Z.
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("start_time is no time in UTC")
    return moment


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """The record with the fields that no log event has, empty, and named as missing."""
    values = {**values, "transcript": None, "signals": []}
    known = values.get("completeness")
    if isinstance(known, dict):
        missing = known.get("missing")
        missing = missing if isinstance(missing, list) else []
        lacking = ["signals"] if values.get("transcript_uri") else ["signals", "transcript"]
        added = [name for name in lacking if name not in missing]
        values["completeness"] = {**known, "missing": [*missing, *added]}
    # In the schema's order; what a newer schema has besides comes last.
    order = [name for name in SessionRecord.model_fields if name in values]
    return {**{name: values[name] for name in order}, **values}


def _messages(event: Mapping[str, Any]) -> list[str]:
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if data["messageType"] != "DATA_MESSAGE":
        return []  # CloudWatch asks whether somebody is there
    return [str(each["message"]) for each in data["logEvents"]]


def _exported(line: bytes) -> str:
    """A line without the time that an export puts before the message."""
    text = line.decode("utf-8", "replace").strip()
    return text if text.startswith("{") else text.partition(" ")[2]


@functools.cache
def _ready() -> tuple[Settings, Any]:
    """The settings and the client, kept from one invocation to the next."""
    settings = Settings.load()
    if not settings.s3_bucket:
        raise SettingsError("ANALYTICS_S3_BUCKET is not set: name the bucket for the records.")
    return settings, Aws().client("s3", settings.s3_endpoint_url)
