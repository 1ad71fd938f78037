"""Records in S3, or in a store that speaks its language: one object a session."""

from __future__ import annotations

import io
from typing import Any

from ..errors import SettingsError
from ..settings import TRANSCRIPTS, Settings
from .aws import Aws, rehearse
from .writer import Parcel, beside

# Each takes the place of the prefix's last folder: readers of the records never see them.
_PROBES = "analytics-probes/"
CHECKPOINTS = "checkpoints/"
"""Where records of calls that still go on are; see `checkpoint`."""

# Bytes from which a body waits until S3 has taken the headers: what AWS's SDKs for Go, Kotlin and
# JavaScript have by default.
EXPECT_BYTES = 2 * 1024 * 1024


class S3Writer:
    """Puts the record at the prefix plus the parcel's name, by a plain PUT.

    Writing again puts the same bytes at the same key, so that a repeated attempt is harmless.

    Args:
        settings: ``s3_bucket`` must be set.
        aws: The session to share with other sinks.
        folder: Takes the place of the prefix's last folder.

    Raises:
        SettingsError: There is no bucket.
    """

    name = "s3"

    def __init__(
        self, settings: Settings, aws: Aws | None = None, *, folder: str | None = None
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._bucket = _bucket(settings)
        self._aws = aws or Aws()

    def prepare(self) -> None:
        """Create the client; see `Writer.prepare`."""
        with self._aws.asked(self.name):
            self._client()

    def rehearse(self) -> None:
        """Fetch the credentials and sign a request; see `Rehearsing.rehearse`."""
        with self._aws.asked(self.name):
            rehearse(self._client(), "put_object", Bucket=self._bucket, Key=_PROBES)

    def write(self, parcel: Parcel) -> str:
        """Store the parcel's body; see `Writer.write`.

        Returns:
            ``s3://bucket/key``
        """
        key = _key(self._settings, parcel.name, _PROBES if parcel.probe else self._folder)
        if parcel.transcript is not None:
            # First: a record never points to what is not there.
            self._put(_key(self._settings, parcel.name, TRANSCRIPTS), parcel.transcript)
        self._put(key, parcel.body)
        return f"s3://{self._bucket}/{key}"

    def _put(self, key: str, body: bytes) -> None:
        with self._aws.asked(self.name):
            self._client().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                # With Content-Encoding too, some HTTP clients would inflate what is named .gz.
                ContentType="application/gzip",
                **encryption(self._settings),
            )

    def _client(self) -> Any:
        # boto3 itself takes path-style addresses wherever the endpoint is not AWS's own, by this
        # setting or by AWS_ENDPOINT_URL; a profile may still say addressing_style = virtual.
        return self._aws.client("s3", self._settings.s3_endpoint_url, setup=_send_at_once)


def _send_at_once(client: Any) -> None:
    # The last of the handlers under this name: botocore's own has set the header by then.
    client.meta.events.register_last("before-call.s3", _unexpecting)


def _unexpecting(params: dict[str, Any], **_: Any) -> None:
    """Take ``Expect: 100-continue`` off a request with a small body, which boto3 puts on all.

    With it the body is a round trip later, and botocore reads the answer that it waits for byte by
    byte, each a system call. Without it a request that S3 refuses has sent its body in vain.
    """
    body = params["body"]
    if isinstance(body, io.BytesIO) and body.getbuffer().nbytes < EXPECT_BYTES:
        params["headers"].pop("Expect", None)


def encryption(settings: Settings) -> dict[str, Any]:
    """Arguments of ``put_object`` that encrypt as the settings say; none: as the bucket says."""
    if not settings.s3_kms_key_id:
        return {}
    return {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": settings.s3_kms_key_id,
        "BucketKeyEnabled": True,  # one request to KMS for many objects
    }


def encryption_of(there: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``put_object`` for what takes an object's place: encrypted as that was.

    Args:
        there: S3's answer for the object.
    """
    if there.get("ServerSideEncryption") != "aws:kms":
        return {}  # the bucket's default
    return {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": there["SSEKMSKeyId"],
        "BucketKeyEnabled": bool(there.get("BucketKeyEnabled")),
    }


def s3_uri(settings: Settings, name: str, folder: str | None = None) -> str:
    """Return where `S3Writer` puts the record with this `Parcel.name`: ``s3://bucket/key``.

    Args:
        settings: ``s3_bucket`` must be set.
        name: The parcel's.
        folder: Takes the place of the prefix's last folder.

    Raises:
        SettingsError: There is no bucket.
    """
    return f"s3://{_bucket(settings)}/{_key(settings, name, folder)}"


def _bucket(settings: Settings) -> str:
    if not settings.s3_bucket:
        raise SettingsError("ANALYTICS_S3_BUCKET is not set: name the bucket for the records.")
    return settings.s3_bucket


def _key(settings: Settings, name: str, folder: str | None = None) -> str:
    prefix = settings.s3_prefix
    return (prefix if folder is None else beside(prefix, folder)) + name
