"""The record, and its parts, as bytes: a line of JSON, its gzip, and the event for a log."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Collection, Iterator, Mapping

from pydantic_core import to_json

from .parts import Json, Part
from .record import SessionRecord, Transcript
from .trim import DEPTH_LIMIT, Trimmer


def line(record: Part) -> bytes:
    """The record, or another part of it, as one JSON line without the line break, with its nulls.

    Never raises for what a session can hold: what JSON cannot say (a lone surrogate, a NaN) is
    replaced, after the strict way has failed.
    """
    return _object(record)


def compressed(text: bytes) -> bytes:
    """The line as the object's body: gzip, mtime 0, so that the same record is the same bytes."""
    return gzip.compress(text + b"\n", compresslevel=6, mtime=0)


# What an event never has: the words and the evidence. What its summary has not either: all whose
# length is open, first the lists that carry content, then the sums per model as well.
_WORDS = frozenset({"transcript", "signals"})
_CONTENT = _WORDS | {
    "tool_calls",
    "participants",
    "conversation_notes",
    "custom",
    "user_metadata",
    "evaluations",
    "errors",
    "state_history",
    "handoffs",
    "tags",
    "discovered_signals",
}
_SUMS = _CONTENT | {"usage", "cost_summary", "costs", "unpriced", "privacy", "completeness"}
# Where a list has more parts than this they are written one by one; so many take 0.3 ms.
_MANY = 200
# A summary has about 20 texts: with this length it stays under 250 KB whatever they are.
_SUMMARY_TEXT = 2_000


def event(
    record: SessionRecord,
    *,
    limit: int,
    s3_uri: str | None,
    members: Mapping[str, Json] | None = None,
) -> bytes:
    """The record for a log: without transcript and evidence, one valid JSON object.

    Args:
        record: The session.
        limit: Bytes that the log takes, not under 256 KB; above it a summary that names the
            object is returned.
        s3_uri: Where the whole record is, or null where there is no S3.
        members: What the log is to find besides, such as metrics: a few hundred bytes, never cut.
    """
    first = dict(members or {})
    text = _object(record, first, without=_WORDS)
    marks = {"truncated": True, "s3_uri": s3_uri}
    for without in (_CONTENT, _SUMS):
        if len(text) <= limit:
            break
        values = record.model_dump(by_alias=True, exclude=set(without))
        summary = _boundless(text=_SUMMARY_TEXT).plain("event", {**first, **values, **marks})
        text = to_json(summary)
    return text


def _object(
    part: Part, first: Mapping[str, Json] | None = None, without: Collection[str] = ()
) -> bytes:
    """A part as a JSON object, piece by piece: no other thread waits for the whole.

    Args:
        part: The part.
        first: What stands in it before the part's own fields.
        without: Fields that are left out.
    """
    try:
        pieces = [_field(name, to_json(value)) for name, value in (first or {}).items()]
        pieces += _fields(part, without)
        return b"{" + b",".join(pieces) + b"}"
    except ValueError:
        values = {**(first or {}), **part.model_dump(by_alias=True, exclude=set(without))}
        return to_json(_boundless().plain("record", values))


def _fields(part: Part, without: Collection[str] = ()) -> Iterator[bytes]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if name in without:
            continue
        if isinstance(value, list) and len(value) > _MANY and isinstance(value[0], Part):
            elements = (each.model_dump_json(by_alias=True).encode() for each in value)
            yield _field(name, b"[" + b",".join(elements) + b"]")
        elif isinstance(value, Transcript):
            yield _field(name, _object(value))
        else:
            yield part.model_dump_json(include={name}, by_alias=True).encode()[1:-1]


def _field(name: str, value: bytes) -> bytes:
    return to_json(name) + b":" + value


def _boundless(text: int = sys.maxsize) -> Trimmer:
    """For what was trimmed when it was taken: nothing is cut once more, but for long texts."""
    return Trimmer(text=text, nodes=sys.maxsize, depth=2 * DEPTH_LIMIT)
