"""One event a session in CloudWatch Logs, sent by watchtower and confirmed by the answer.

watchtower never tells whether an event has arrived: it warns, tries five times without a pause, and
returns as if nothing had happened. So the verdict is taken from where it is known, botocore's
events, and leaves watchtower as an exception that it does not catch.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError, SinkError
from ..settings import Settings
from .aws import Aws, rehearse
from .verdicts import answered, explained
from .writer import MAX_EVENT_BYTES, Parcel

if TYPE_CHECKING:
    from watchtower import CloudWatchLogHandler

NAME = "cloudwatch"

# Where watchtower would cut an event in two. Above MAX_EVENT_BYTES, so that it never does.
_WATCHTOWER_LIMIT = 1024 * 1024

# CloudWatch rejects events older than 14 days and more than 2 hours ahead; the distance is for
# the time that sending takes and for clocks that differ.
_OLDEST = 13 * 24 * 3600.0
_NEWEST = 3600.0

# CreateLogStream: at most 512 characters, no colon, no asterisk.
_STREAM_LENGTH = 512
_STREAM_CHARACTERS = str.maketrans({":": "-", "*": "-"})
_PROBES = "probes/"

# Another process was faster to create the stream.
_CREATED_BY_OTHERS = frozenset({"ResourceAlreadyExistsException", "OperationAbortedException"})


class CloudWatchWriter:
    """Puts the parcel's event into the log group, which must exist; streams are created.

    Writing again stores the event again: readers tell repetitions by the session's id.

    Args:
        settings: ``log_group`` must be set.
        aws: The session to share with other sinks.

    Raises:
        SettingsError: There is no log group.
    """

    name = NAME

    def __init__(self, settings: Settings, aws: Aws | None = None) -> None:
        if not settings.log_group:
            raise SettingsError("ANALYTICS_LOG_GROUP is not set: name the log group.")
        self._group = settings.log_group
        self._stream = settings.log_stream
        self._aws = aws or Aws()

    def prepare(self) -> None:
        """Create the client; see `Writer.prepare`."""
        with self._aws.asked(self.name):
            self._client()
            _handler_class()

    def rehearse(self) -> None:
        """Fetch the credentials and sign a request; see `Rehearsing.rehearse`."""
        with self._aws.asked(self.name):
            rehearse(
                self._client(),
                "put_log_events",
                logGroupName=self._group,
                logStreamName=_PROBES,
                logEvents=[{"timestamp": 0, "message": "-"}],
            )

    def write(self, parcel: Parcel) -> str:
        """Store the parcel's event; see `Writer.write`.

        Returns:
            ``cloudwatch:{group}/{stream}``
        """
        message = _message(parcel)
        now = time.time()
        stream = self._stream_name(parcel, now)
        try:
            with self._aws.asked(self.name):
                self._send(message, stream, _event_time(parcel.happened_at, now))
        except _Verdict as verdict:
            raise self._aws.noted(verdict.failure) from None
        return f"cloudwatch:{self._group}/{stream}"

    def _send(self, message: str, stream: str, created: float) -> None:
        # A handler of its own for each event: its lock and its state are nobody else's, and a
        # request that hangs holds up no other. It is attached to no logger.
        handler = _handler_class()(
            log_group_name=self._group,
            # watchtower formats the name.
            log_stream_name=stream.replace("{", "{{").replace("}", "}}"),
            use_queues=False,
            boto3_client=self._client(),
            create_log_group=False,
            max_message_size=_WATCHTOWER_LIMIT,
        )
        # Not makeLogRecord, which calls the factory that a user may have set.
        record = logging.LogRecord(__name__, logging.INFO, __file__, 0, message, None, None)
        record.created = created
        attempt = _calls.attempt = _Attempt()
        try:
            handler.handle(record)
        finally:
            del _calls.attempt
            handler.close()  # type: ignore[no-untyped-call]  # watchtower has no types
        if not attempt.confirmed:
            raise _Verdict(
                SinkError(
                    NAME,
                    "NotSent",
                    retryable=False,
                    fix="No request was made: check AWS_REGION, AWS_ENDPOINT_URL and the other AWS_"
                    " variables",
                )
            )

    def _client(self) -> Any:
        return self._aws.client("logs", setup=_observe)

    def _stream_name(self, parcel: Parcel, now: float) -> str:
        stream = self._stream
        if stream is None:
            agent = parcel.stream.strip() or "agent"
            day = _utc(parcel.happened_at, now).strftime("/%Y/%m/%d")
            stream = agent[: _STREAM_LENGTH - len(_PROBES + day)] + day
        if parcel.probe:
            stream = (_PROBES + stream)[:_STREAM_LENGTH]
        # A lone surrogate is a str of Python's but no text.
        stream = stream.encode("utf-8", "replace").decode()
        return stream.translate(_STREAM_CHARACTERS)


class _Verdict(BaseException):
    """How an attempt ended. Not an Exception: watchtower catches those and tries again."""

    def __init__(self, failure: SinkError) -> None:
        self.failure = failure
        super().__init__(str(failure))


class _Attempt:
    """What is known of the event that a thread is sending."""

    def __init__(self) -> None:
        self.confirmed = False
        self.stream_created = False


# botocore calls the observers in the thread that makes the request: each sees its own attempt.
_calls = threading.local()


def _observe(client: Any) -> None:
    events = client.meta.events
    events.register("after-call.cloudwatch-logs.PutLogEvents", _put_answered)
    events.register("after-call.cloudwatch-logs.CreateLogStream", _create_answered)
    events.register("after-call-error.cloudwatch-logs", _not_answered)


def _put_answered(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    attempt: _Attempt = _calls.attempt
    status, code = http_response.status_code, parsed.get("Error", {}).get("Code")
    if status == 200:
        if "rejectedLogEventsInfo" in parsed:
            raise _Verdict(
                SinkError(
                    NAME,
                    "RejectedLogEvents",
                    retryable=False,
                    # Not for ever: what is older than `_OLDEST` is dated today.
                    of_record=True,
                    fix="The event's time is not accepted: set the retention of ANALYTICS_LOG_GROUP"
                    " to 14 days or more, and check the clock of this machine",
                )
            )
        attempt.confirmed = True
    elif code == "ResourceNotFoundException":
        if attempt.stream_created:
            # Created, yet not seen everywhere; watchtower would ask again without a pause.
            raise _Verdict(SinkError(NAME, "LogStreamNotReady", retryable=True))
        # The stream or the group is missing: watchtower creates the stream, and that tells.
    else:
        raise _Verdict(answered(NAME, "PutLogEvents", status, code))


def _create_answered(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    attempt: _Attempt = _calls.attempt
    status, code = http_response.status_code, parsed.get("Error", {}).get("Code")
    if status >= 300 and code not in _CREATED_BY_OTHERS:
        raise _Verdict(answered(NAME, "CreateLogStream", status, code))
    attempt.stream_created = True


def _not_answered(exception: Exception, **_: Any) -> None:
    raise _Verdict(explained(NAME, exception))


@functools.cache
def _handler_class() -> type[CloudWatchLogHandler]:
    from watchtower import CloudWatchLogHandler

    class ObservedHandler(CloudWatchLogHandler):
        def handleError(self, record: logging.LogRecord) -> None:
            """Stay silent: the default prints the event, and without an answer it is not sent."""

    return ObservedHandler


def _message(parcel: Parcel) -> str:
    if len(parcel.event) > MAX_EVENT_BYTES:
        raise SinkError(
            NAME,
            "EventTooLarge",
            retryable=False,
            final=True,
            fix=f"The event has {len(parcel.event)} bytes, CloudWatch Logs takes {MAX_EVENT_BYTES}:"
            " set ANALYTICS_S3_BUCKET for records of any size",
        )
    try:
        message = parcel.event.decode()
    except UnicodeDecodeError:
        message = ""
    if not message:
        raise SinkError(
            NAME,
            "InvalidEvent",
            retryable=False,
            final=True,
            fix="The event must be JSON in UTF-8",
        )
    return message


def _event_time(happened_at: float, now: float) -> float:
    """The event's time as CloudWatch takes it; the true one is in the JSON."""
    return happened_at if now - _OLDEST <= happened_at <= now + _NEWEST else now


def _utc(happened_at: float, now: float) -> datetime:
    try:
        return datetime.fromtimestamp(happened_at, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(now, timezone.utc)
