"""From the checkpoint of a call that never ended to its record.

A checkpoint is a recovered record already, beside the records. Where no record of the call has
come for long enough, it is copied among them, under a condition that S3 itself checks: that there
is still none. A final record that comes later yet replaces it, as it is written without condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

# Answers to a conditional PUT (S3 API reference, PutObject): there is an object by now, or one
# is being written at this moment.
_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_SUFFIX = ".json.gz"


@dataclass
class Promotion:
    """What one pass over the checkpoints did, by session id."""

    promoted: list[str] = field(default_factory=list)
    """Records that there are now."""
    superseded: list[str] = field(default_factory=list)
    """Checkpoints whose calls have a record."""
    young: list[str] = field(default_factory=list)
    """Checkpoints of calls that may still go on."""
    failed: dict[str, str] = field(default_factory=dict)
    """Checkpoints that could not be dealt with, each with S3's answer."""


def promote(
    s3: Any,
    bucket: str,
    checkpoints: str,
    records: str,
    older_than: timedelta,
    *,
    dry_run: bool = False,
    delete: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Promotion:
    """Make records of the checkpoints that none has followed.

    Args:
        s3: boto3's S3 client.
        bucket: Where both are.
        checkpoints: The checkpoints' prefix, such as ``checkpoints/``.
        records: The records' prefix, such as ``sessions/``.
        older_than: Since a checkpoint was last written. It has to be longer than the interval of
            checkpoints, and than an outage of S3 that is to be waited for.
        dry_run: Only say what would be done.
        delete: Remove checkpoints whose calls have a record (``s3:DeleteObject``).
        progress: Called with each session id.

    Returns:
        What was done.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: The prefix cannot be
            listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    done = Promotion()
    before = datetime.now(timezone.utc) - older_than
    for key, written_at in _listed(s3, bucket, checkpoints):
        session_id = key.rpartition("/")[2].removesuffix(_SUFFIX)
        target = records + key.removeprefix(checkpoints)
        try:
            if written_at > before:
                done.young.append(session_id)
            elif _there(s3, bucket, target):
                done.superseded.append(session_id)
            elif dry_run or _copied(s3, bucket, key, target):
                done.promoted.append(session_id)
            else:
                done.superseded.append(session_id)
            if delete and not dry_run and written_at <= before:
                s3.delete_object(Bucket=bucket, Key=key)
        except ClientError as error:
            done.failed[session_id] = str(error.response.get("Error", {}).get("Code", "unknown"))
        except BotoCoreError as error:
            done.failed[session_id] = type(error).__name__
        progress(session_id)
    return done


def _listed(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, datetime]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(_SUFFIX):
                yield item["Key"], item["LastModified"]


def _there(s3: Any, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True


def _copied(s3: Any, bucket: str, key: str, target: str) -> bool:
    """Whether the checkpoint has become the record; False where one has come meanwhile."""
    from botocore.exceptions import ClientError

    answer = s3.get_object(Bucket=bucket, Key=key)
    encryption = {
        name: answer[name]
        for name in ("ServerSideEncryption", "SSEKMSKeyId")
        if answer.get("ServerSideEncryption") == "aws:kms" and answer.get(name)
    }
    try:
        s3.put_object(
            Bucket=bucket,
            Key=target,
            Body=answer["Body"].read(),
            ContentType="application/gzip",
            IfNoneMatch="*",
            **encryption,
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _THERE:
            return False
        raise
    return True
