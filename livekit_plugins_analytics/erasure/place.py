"""Where records are stored, seen as versions that can be read, replaced and deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..files import write_whole
from ..stored import RECORDS, Changed
from ..writers import Aws, encryption_of

# Requests to S3 that are refused for a moment are asked again so often.
_ATTEMPTS = 4
_SIBLINGS = ("transcripts", "checkpoints")


@dataclass(frozen=True)
class Version:
    """One object as it is, or as it once was."""

    name: str
    """Its path, or its key."""
    version_id: str | None = None
    """S3's, in a bucket that keeps versions."""
    current: bool = True
    """False: it was replaced or deleted, and can still be read."""
    deleted: bool = False
    """A mark that the object was deleted; it holds nothing."""

    def __str__(self) -> str:
        return self.name + (f" ({self.version_id})" if self.version_id and not self.current else "")


class Whereabouts(Protocol):
    """A directory or a prefix of a bucket."""

    notes: list[str]
    """What a person should know of this place, in sentences."""
    foreign: list[str]
    """Names of what is no record by its name: Parquet, Firehose's batches, anything else."""

    def versions(self) -> Iterator[Version]:
        """Everything stored, former versions too."""
        ...

    def read(self, version: Version) -> tuple[bytes, Any]:
        """The bytes, and what tells later whether it is still the same."""
        ...

    def replace(self, version: Version, body: bytes, seen: Any) -> None:
        """Put other bytes in the place of those read, all or nothing.

        Raises:
            Changed: It is no longer what was read.
        """
        ...

    def delete(self, version: Version) -> None:
        """Remove it for good; one that is gone already is no error."""
        ...


def whereabouts(path: str) -> list[Whereabouts]:
    """The places that a path means: itself, and what lies beside a folder of records.

    Args:
        path: A directory, or ``s3://bucket/prefix``. Where its last folder is ``sessions``,
            ``transcripts`` and ``checkpoints`` beside it are looked at as well.

    Raises:
        FileNotFoundError: There is no such directory.
        Exception: What boto3 raises.
    """
    head, _, last = path.rstrip("/").rpartition("/")
    several = [path]
    if last == "sessions":
        several += [f"{head}/{name}/" if head else f"{name}/" for name in _SIBLINGS]
    if path.startswith("s3://"):
        client = Aws().client("s3", os.environ.get("ANALYTICS_S3_ENDPOINT_URL") or None)
        return [Bucket(client, each) for each in several]
    if not Path(path).exists():
        raise FileNotFoundError(path)
    return [Folder(Path(each)) for each in several if Path(each).exists()]


class Folder:
    """A directory, or one file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.notes: list[str] = []
        self.foreign: list[str] = []

    def versions(self) -> Iterator[Version]:
        """Every record's file."""
        paths = [self._root] if self._root.is_file() else sorted(self._root.rglob("*"))
        for path in paths:
            # A file that a writer has not finished is hidden; so is the spool.
            hidden = any(part.startswith(".") for part in path.relative_to(self._root).parts)
            if hidden or not path.is_file():
                continue
            if path.name.endswith(RECORDS):
                yield Version(str(path))
            else:
                self.foreign.append(str(path))

    def read(self, version: Version) -> tuple[bytes, Any]:
        """See `Whereabouts.read`."""
        with open(version.name, "rb") as file:
            state = os.fstat(file.fileno())
            return file.read(), _seen(state)

    def replace(self, version: Version, body: bytes, seen: Any) -> None:
        """See `Whereabouts.replace`."""
        path = Path(version.name).resolve()  # a link stays a link

        def ready(temporary: Path) -> None:
            shutil.copymode(path, temporary)
            if _seen(path.stat()) != seen:
                raise Changed

        try:
            write_whole(path, body, ready=ready)
        except FileNotFoundError:
            raise Changed from None

    def delete(self, version: Version) -> None:
        """See `Whereabouts.delete`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(version.name)


def _seen(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_mtime_ns, state.st_size


class Bucket:
    """A prefix of a bucket, with all versions where it keeps some. Used by several threads.

    Args:
        client: boto3's S3 client.
        uri: ``s3://bucket/prefix``
    """

    def __init__(self, client: Any, uri: str) -> None:
        self._s3 = client
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        self._lock = threading.Lock()
        self.notes: list[str] = []
        self.foreign: list[str] = []
        self.keeps_versions = self._keeps_versions()
        """Whether former versions of objects are kept, and can be listed."""
        if self._locks():
            self._note("has Object Lock: versions under retention or legal hold stay")

    def versions(self) -> Iterator[Version]:
        """Every record's object; former ones where they can be listed."""
        for version in self._listed():
            if version.name.endswith(RECORDS):
                yield version
            elif version.current and not version.deleted and not version.name.endswith("/"):
                self.foreign.append(f"s3://{self._bucket}/{version.name}")

    def read(self, version: Version) -> tuple[bytes, Any]:
        """See `Whereabouts.read`."""

        def got() -> tuple[bytes, Any]:
            which = {} if version.current else {"VersionId": version.version_id}
            answer = self._s3.get_object(Bucket=self._bucket, Key=version.name, **which)
            return answer["Body"].read(), answer

        found: tuple[bytes, Any] = _insisting(got)
        return found

    def replace(self, version: Version, body: bytes, seen: Any) -> None:
        """See `Whereabouts.replace`. Former versions stay: delete them afterwards."""
        from botocore.exceptions import ClientError

        keep = ("ContentType", "Metadata", "StorageClass")
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=version.name,
                Body=body,
                IfMatch=seen["ETag"],
                **{k: seen[k] for k in keep if seen.get(k)},
                **encryption_of(seen),
            )
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status in (404, 409, 412):
                raise Changed from None
            raise

    def delete(self, version: Version) -> None:
        """See `Whereabouts.delete`."""
        which = {"VersionId": version.version_id} if version.version_id else {}
        _insisting(lambda: self._s3.delete_object(Bucket=self._bucket, Key=version.name, **which))

    def versions_of(self, name: str) -> list[Version]:
        """All versions of one object, and marks of its deletion."""
        return [v for v in self._pages("list_object_versions", name) if v.name == name]

    def _listed(self) -> Iterator[Version]:
        if self.keeps_versions:
            return self._pages("list_object_versions", self._prefix)
        return self._pages("list_objects_v2", self._prefix)

    def _pages(self, operation: str, prefix: str) -> Iterator[Version]:
        for page in self._s3.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                yield Version(item["Key"])
            for item in page.get("Versions", []):
                yield Version(item["Key"], _id(item), current=item["IsLatest"])
            for item in page.get("DeleteMarkers", []):
                yield Version(item["Key"], _id(item), current=item["IsLatest"], deleted=True)

    def _keeps_versions(self) -> bool:
        from botocore.exceptions import ClientError

        try:
            status = self._s3.get_bucket_versioning(Bucket=self._bucket).get("Status")
            if status is None:
                return False
            self._s3.list_object_versions(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in ("NoSuchBucket", "404", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
                raise
            self._note(
                f"does not say whether it keeps former versions ({code}): allow "
                "s3:GetBucketVersioning and s3:ListBucketVersions, or see to them yourself"
            )
            return False
        self._note(
            "keeps former versions: those of what is erased are deleted (s3:DeleteObjectVersion)"
        )
        return True

    def _locks(self) -> bool:
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError:
            return False  # none, or not for us to know
        enabled = answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled")
        return bool(enabled == "Enabled")

    def _note(self, what: str) -> None:
        self.notes.append(f"The bucket {self._bucket} {what}.")


def _id(item: dict[str, Any]) -> str:
    return str(item.get("VersionId") or "null")


def _insisting(ask: Callable[[], Any]) -> Any:
    """Ask again where the answer says that another moment may be better."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ..writers.verdicts import explained

    for attempt in range(1, _ATTEMPTS):
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            if not explained("s3", error).retryable:
                raise
            time.sleep(0.2 * 2**attempt)
    return ask()
