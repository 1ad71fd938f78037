"""The objects of a lake, listed by partition: only the days that are asked for are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from .partition import Span
from .problem import Problem

RECORDS = (".json.gz", ".json", ".jsonl.gz", ".jsonl", ".ndjson.gz", ".ndjson", ".gz")
"""How names of objects with records end: ours, Firehose's, and those unpacked."""

THREADS = 16
"""Requests at a time: S3 answers each in 20 to 100 ms, whatever the others do."""

# What the package itself keeps beside the records, which are none.
_ELSEWHERE = frozenset({"analytics-probes", "probes", "checkpoints", "transcripts"})
# Firehose's names: stream, version, the time of arrival, a random id.
_FIREHOSE = re.compile(r"\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Object:
    """One object or file, as a listing has it."""

    name: str
    """Its path below the source's root, with slashes."""
    size: int
    """Bytes."""
    modified: datetime
    """When it was last written: UTC; of S3 in whole seconds."""
    etag: str | None = None
    """S3's name of this content; null for files."""


@dataclass
class Folder:
    """One look into one folder."""

    objects: list[Object] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Paths below the root, each with a slash at its end."""
    problems: list[Problem] = field(default_factory=list)


class Source(Protocol):
    """Where objects are: a directory, or a prefix of a bucket."""

    @property
    def path(self) -> str:
        """What the user calls it."""
        ...

    def look(self, folder: str, deep: bool) -> Folder:
        """List a folder.

        Args:
            folder: A path below the root with a slash at its end; "" is the root.
            deep: Whether the folders in it are listed as well, for a source that can.

        Raises:
            LakeError: It cannot be listed.
        """
        ...

    def read(self, name: str) -> tuple[bytes, str | None]:
        """An object's bytes, and their ETag where the source has such.

        Raises:
            LakeError: It cannot be read.
        """
        ...


def walk(
    source: Source,
    span: Span,
    problems: list[Problem],
    *,
    wanted: Callable[[str], bool],
    skip: Iterable[str] = _ELSEWHERE,
) -> Iterator[Object]:
    """Every object whose folder can hold something of these days, in no order.

    Args:
        source: Where to look.
        span: Which days; a folder without a date in its path is always looked into.
        problems: Takes what could not be looked into.
        wanted: Which names.
        skip: Names of folders to leave alone.

    Raises:
        LakeError: The root cannot be listed.
    """
    left_out = frozenset(skip)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="analytics-list") as pool:
        looks: set[Future[Folder]] = {pool.submit(source.look, "", False)}
        try:
            while looks:
                done, looks = wait(looks, return_when=FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    problems.extend(found.problems)
                    yield from (each for each in found.objects if wanted(each.name))
                    for folder in found.folders:
                        last = folder.rstrip("/").rpartition("/")[2]
                        if last not in left_out and last[:1] not in "._" and span.meets(folder):
                            looks.add(pool.submit(source.look, folder, _deep(last, span)))
        finally:
            for future in looks:
                future.cancel()


def records(source: Source, span: Span, problems: list[Problem]) -> list[Object]:
    """The objects that can hold records of calls which began on these days, by name.

    Raises:
        LakeError: The source cannot be listed.
    """

    def kept(name: str) -> bool:
        return is_record(name) and (span.meets(_folder(name)) or is_firehose(name))

    return sorted(walk(source, span.later(), problems, wanted=kept), key=lambda each: each.name)


def is_record(name: str) -> bool:
    """Whether an object of this name can hold records."""
    last = name.rpartition("/")[2]
    return last.endswith(RECORDS) and last[0] not in "._"


def is_firehose(name: str) -> bool:
    """Whether Firehose has named it: then it holds the records of many calls."""
    return bool(_FIREHOSE.search(name.rpartition("/")[2]))


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _deep(folder: str, span: Span) -> bool:
    """Whether all below a folder is wanted, so that one listing can do."""
    return folder.startswith("day=") or (span.open and folder.startswith("year="))


class Directory:
    """Files below a folder, or one file."""

    def __init__(self, root: Path) -> None:
        self._single = root.name if root.is_file() else None
        self._root = root.parent if self._single else root
        self.path = str(root)

    def look(self, folder: str, deep: bool) -> Folder:
        """See `Source.look`; never deep: the disk does not mind."""
        found = Folder()
        try:
            with os.scandir(self._root / folder) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    self._take(entry, folder, found)
        except OSError as error:
            if not folder:
                raise LakeError(f"{self.path}: {error.strerror or type(error).__name__}") from None
            found.problems.append(Problem(folder, None, f"cannot be listed ({error.strerror})"))
        return found

    def _take(self, entry: os.DirEntry[str], folder: str, found: Folder) -> None:
        name = folder + entry.name
        if self._single not in (None, entry.name):
            return
        if entry.is_dir():
            if not entry.is_symlink():  # a link upwards would never end
                found.folders.append(name + "/")
        elif entry.is_file():
            state = entry.stat()
            written = datetime.fromtimestamp(state.st_mtime, timezone.utc)
            found.objects.append(Object(name, state.st_size, written))

    def read(self, name: str) -> tuple[bytes, str | None]:
        """See `Source.read`."""
        try:
            return (self._root / name).read_bytes(), None
        except OSError as error:
            raise LakeError(f"cannot be read ({error.strerror or type(error).__name__})") from None

    def local(self, name: str) -> Path:
        """The file itself."""
        return self._root / name


class LakeError(Exception):
    """What was asked for cannot be had; the text says why and what to do."""


class Bucket:
    """Objects below a prefix of a bucket, or one object.

    Args:
        uri: ``s3://bucket/prefix``.

    Raises:
        LakeError: There are no credentials or no region, or the address names no bucket.
    """

    def __init__(self, uri: str) -> None:
        self.path = uri
        self._bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not self._bucket:
            raise LakeError(f"{uri}: name a bucket, as in s3://acme-calls/sessions/")
        self._single = key.rpartition("/")[2] if key.endswith((*RECORDS, ".parquet")) else None
        if self._single:
            self._prefix = key.removesuffix(self._single)
        else:
            # Without the slash "sessions" would list "sessions-old/" as well.
            self._prefix = key.rstrip("/") + "/" if key.strip("/") else ""
        self._client = _client(uri)

    @property
    def identity(self) -> str:
        """What tells its objects from all others': the endpoint, the bucket, the prefix."""
        return f"{self._client.meta.endpoint_url}/{self._bucket}/{self._prefix}"

    def look(self, folder: str, deep: bool) -> Folder:
        """See `Source.look`."""
        found = Folder()
        options: dict[str, Any] = {} if deep else {"Delimiter": "/"}
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(
                Bucket=self._bucket, Prefix=self._prefix + folder + (self._single or ""), **options
            ):
                for item in page.get("Contents", []):
                    name = item["Key"][len(self._prefix) :]
                    if name and not name.endswith("/") and self._single in (None, name):
                        found.objects.append(
                            Object(name, item["Size"], item["LastModified"], item["ETag"])
                        )
                if not self._single:
                    found.folders.extend(
                        each["Prefix"][len(self._prefix) :]
                        for each in page.get("CommonPrefixes", [])
                    )
        except Exception as error:  # whatever the SDK has to say
            raise LakeError(f"{self.path}: {_explained(error, self._bucket)}") from None
        return found

    def read(self, name: str) -> tuple[bytes, str | None]:
        """See `Source.read`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            return answer["Body"].read(), answer["ETag"]
        except Exception as error:
            raise LakeError(_explained(error, self._bucket)) from None


def source(path: str) -> Directory | Bucket:
    """The objects under a directory, a file's path or ``s3://bucket/prefix``.

    Raises:
        LakeError: There is no such place, or no way to it.
    """
    if path.startswith("s3://"):
        return Bucket(path)
    root = Path(path).expanduser()
    if not root.exists():
        raise LakeError(f"{path}: no such file or directory")
    return Directory(root)


def _client(uri: str) -> Any:
    import boto3
    from botocore.config import Config

    from ..version import __version__
    from ..writers import region_of_environment

    endpoint = os.environ.get("ANALYTICS_S3_ENDPOINT_URL") or None
    try:
        session = boto3.Session(region_name=region_of_environment())
        if session.get_credentials() is None:
            raise LakeError(
                f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE"
            )
        return session.client(
            "s3",
            endpoint_url=endpoint,
            # Any will do for a store that is not AWS's; AWS redirects to the bucket's own.
            region_name=session.region_name or "us-east-1",
            config=Config(
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 5},
                max_pool_connections=2 * THREADS,
                user_agent_extra=f"livekit-plugins-analytics/{__version__}",
            ),
        )
    except LakeError:
        raise
    except Exception as error:
        raise LakeError(f"{uri}: {type(error).__name__}: {error}") from None


_NEEDED = {"ListObjectsV2": "s3:ListBucket", "GetObject": "s3:GetObject"}


def _explained(error: Exception, bucket: str) -> str:
    """What an exception of boto3 means, without the request it quotes."""
    from botocore import exceptions as aws

    if not isinstance(error, aws.ClientError):
        # Name only: some quote addresses with signatures.
        return f"{type(error).__name__}: check the network, AWS_REGION and AWS_ENDPOINT_URL"
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        action = _NEEDED.get(error.operation_name, error.operation_name)
        return f"{code}: allow {action} on the bucket {bucket} (and kms:Decrypt on its KMS key)"
    if code == "NoSuchBucket":
        return f"{code}: there is no bucket {bucket}"
    if code in ("NoSuchKey", "404"):
        return f"{code}: it has been deleted meanwhile"
    return f"{code} from {error.operation_name}"
