"""Records in an Amazon Data Firehose stream, which collects many into one object or table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import SettingsError, SinkError
from ..settings import Settings
from .aws import Aws, rehearse
from .event import pointer
from .s3 import S3Writer
from .verdicts import answered
from .writer import Parcel, record_line

NAME = "firehose"

# Firehose takes 1,000 KiB a record before base64 (PutRecordBatch in botocore's model). The
# distance is for the log event of the same record: where that says that the record is in S3, for
# it has more than MAX_EVENT_BYTES with its metrics, this sink has put it there.
_LARGEST = 990_000


class FirehoseWriter:
    """Puts the record, one JSON line, into the stream, which must exist.

    A record that is too large for Firehose goes to the bucket, under the key that `S3Writer` uses,
    and the stream gets a line that points there. Firehose delivers at least once, and so does
    this: readers tell repetitions by session id and revision.

    Args:
        settings: ``firehose_stream`` must be set.
        aws: The session to share with other sinks.

    Raises:
        SettingsError: There is no stream.
    """

    name = NAME

    def __init__(self, settings: Settings, aws: Aws | None = None) -> None:
        if not settings.firehose_stream:
            raise SettingsError("ANALYTICS_FIREHOSE_STREAM is not set: name the stream.")
        self._stream = settings.firehose_stream
        self._aws = aws or Aws()
        self._large = S3Writer(settings, self._aws) if settings.s3_bucket else None

    def prepare(self) -> None:
        """Create the client; see `Writer.prepare`."""
        with self._aws.asked(self.name):
            self._client()

    def rehearse(self) -> None:
        """Fetch the credentials and sign a request; see `Rehearsing.rehearse`."""
        with self._aws.asked(self.name):
            rehearse(
                self._client(),
                "put_record_batch",
                DeliveryStreamName=self._stream,
                Records=[{"Data": b""}],
            )

    def write(self, parcel: Parcel) -> str:
        """Put the parcel's line into the stream; see `Writer.write`.

        A probe is a record without a byte: whether it is taken tells as much, and nothing of it
        is ever among the records.

        Returns:
            ``firehose:{stream}``, and ``{uri} `` before it where the record itself is in S3.
        """
        place = f"firehose:{self._stream}"
        if parcel.probe:
            self._put(b"")
            return place
        line = record_line(parcel, NAME)
        if len(line) <= _LARGEST:
            self._put(line)
            return place
        uri = self._put_large(parcel, len(line))
        self._put(pointer(parcel.event, uri) + b"\n")
        return f"{uri} {place}"

    def _put(self, data: bytes) -> None:
        # Of one record PutRecord would do: but the right to batches is what a drain of many would
        # need, and its answer tells apart what is wrong with the request and with the record.
        with self._aws.asked(self.name):
            answer = self._client().put_record_batch(
                DeliveryStreamName=self._stream, Records=[{"Data": data}]
            )
        result: dict[str, Any] = (answer.get("RequestResponses") or [{}])[0]
        if answer.get("FailedPutCount") or not result.get("RecordId"):
            # With status 200: what Firehose says of single records is that they may be sent again.
            code = result.get("ErrorCode") or "FailedPut"
            raise answered(self.name, "PutRecordBatch", 503, code)

    def _put_large(self, parcel: Parcel, size: int) -> str:
        if self._large is None:
            raise SinkError(
                self.name,
                "RecordTooLarge",
                retryable=False,
                of_record=True,  # and not for ever: the setting solves it
                fix=f"The record has {size} bytes, Firehose takes {_LARGEST}: set"
                " ANALYTICS_S3_BUCKET, where such records go, and ANALYTICS_SINKS=firehose if the"
                " others are not to go there too",
            )
        try:
            # Not a transcript that is kept beside: that goes where files go.
            return self._large.write(replace(parcel, transcript=None))
        except SinkError as error:
            # It is this sink that has not got the record, whoever is to blame.
            raise SinkError(
                self.name,
                error.code,
                retryable=error.retryable,
                fix=error.fix,
                of_record=True,
                final=error.final,
            ) from None

    def _client(self) -> Any:
        return self._aws.client("firehose")
