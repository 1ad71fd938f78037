"""What every sink is: a `Writer` that takes a `Parcel` and answers where it is, or why not."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..errors import SinkError


@dataclass(frozen=True)
class Parcel:
    """What leaves the process for one session: a name, bytes and a few headers.

    A sink knows nothing else of the record.
    """

    session_id: str
    revision: int
    """1, then 2, 3, ... when something was added after the first export."""
    name: str
    """``year=YYYY/month=MM/day=DD/{session_id}.json.gz``; each sink puts its own prefix before."""
    body: bytes = field(repr=False)
    """The record: one JSON line, gzip with mtime 0, so that a replay is the same bytes."""
    event: bytes = field(repr=False)
    """The log event: one valid JSON object without a line break, under `MAX_EVENT_BYTES`."""
    happened_at: float
    """Unix seconds of the call's end: the log event's time."""
    stream: str
    """The agent's name, for sinks that sort by agent."""
    transcript: bytes | None = field(default=None, repr=False)
    """The words, where they are kept beside the record: gzip like the body. It goes under the same
    name in the folder ``transcripts/``, before the record, which points there."""
    probe: bool = False
    """A test of the way, not a record: it goes beside the records, never among them."""


def record_line(parcel: Parcel, sink: str) -> bytes:
    """The record as it is before gzip: one JSON line with its line break.

    Args:
        parcel: Whose.
        sink: Who asks.

    Raises:
        SinkError: The body is no gzip, which nothing will change.
    """
    try:
        return gzip.decompress(parcel.body)
    except (OSError, EOFError, zlib.error):
        raise SinkError(
            sink,
            "InvalidRecord",
            retryable=False,
            final=True,
            fix="The record must be one JSON line in gzip",
        ) from None


def beside(prefix: str, folder: str) -> str:
    """The prefix with another last folder: ``a/sessions/`` to ``a/checkpoints/``."""
    return "".join(prefix.rstrip("/").rpartition("/")[:2]) + folder


# CloudWatch Logs takes 1 MB an event (PutLogEvents in botocore's model) and counts 26 bytes on
# top; the distance leaves room for both readings of "MB".
MAX_EVENT_BYTES = 1_000_000


class Writer(Protocol):
    """One sink. The courier calls it from a thread of its own, never from the event loop."""

    @property
    def name(self) -> str:
        """The sink's short name: "s3", "cloudwatch", "directory"."""

    def prepare(self) -> None:
        """Do now what would cost time later: create the client. Idempotent.

        Raises:
            SinkError: The sink cannot work with these settings.
        """

    def write(self, parcel: Parcel) -> str:
        """Store the parcel and return where it is, once the sink has confirmed it.

        Writing the same parcel again must be harmless.

        Raises:
            SinkError: Not confirmed. `SinkError.retryable` says whether to try again now.
        """


@runtime_checkable
class Rehearsing(Protocol):
    """A writer that has more to do before its first record than what a process waits for."""

    def rehearse(self) -> None:
        """Do what a first `Writer.write` would spend time on, short of sending. Idempotent.

        It follows `Writer.prepare`, in a thread of a process that counts as ready by then.

        Raises:
            SinkError: The sink cannot work with these settings.
        """
