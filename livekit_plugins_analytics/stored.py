"""Stored records, wherever they are: a directory, or a prefix of a bucket."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from .files import write_whole
from .writers import Aws, encryption_of

RECORDS = (".json.gz", ".json")
"""How the names of records end: as the writers name them, or unpacked."""


class Changed(Exception):
    """Somebody else has written the record since it was read; nothing was overwritten."""

    def __init__(self) -> None:
        super().__init__("changed meanwhile and was left alone; run the command again")


class Stored(Protocol):
    """Records that can be listed, read and replaced."""

    def names(self) -> Iterator[str]:
        """The names of all records."""
        ...

    def read(self, name: str) -> bytes:
        """A record's bytes."""
        ...

    def replace(self, name: str, body: bytes) -> None:
        """Put other bytes in the place of those read, all or nothing.

        Raises:
            Changed: It is no longer what was read.
        """
        ...


def stored(path: str) -> Stored:
    """The records under a directory, a file's path, or ``s3://bucket/prefix``."""
    return _Bucket(path) if path.startswith("s3://") else _Folder(Path(path))


def parsed(body: bytes) -> dict[str, Any]:
    """A record's JSON.

    Raises:
        ValueError: It is no record.
    """
    try:
        data = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise ValueError(f"no session record ({error})") from None
    if not isinstance(data, dict) or "session_id" not in data:
        raise ValueError("no session record")
    return data


def packed(record: dict[str, Any], *, compress: bool) -> bytes:
    """The record as one JSON line; gzip with mtime 0, as the writers make it."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    line = text.encode("utf-8", "replace") + b"\n"
    return gzip.compress(line, compresslevel=6, mtime=0) if compress else line


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, tuple[int, int]] = {}

    def names(self) -> Iterator[str]:
        if self._root.is_file():
            yield str(self._root)
            return
        for path in sorted(self._root.rglob("*")):
            hidden = path.name.startswith(".")  # a file that a writer has not finished
            if path.name.endswith(RECORDS) and not hidden and path.is_file():
                yield str(path)

    def read(self, name: str) -> bytes:
        self._read = {name: _version(Path(name))}
        return Path(name).read_bytes()

    def replace(self, name: str, body: bytes) -> None:
        path = Path(name).resolve()  # a link stays a link

        def ready(temporary: Path) -> None:
            shutil.copymode(path, temporary)
            if self._read.get(name) != _version(path):
                raise Changed

        write_whole(path, body, ready=ready)


def _version(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


class _Bucket:
    def __init__(self, uri: str) -> None:
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        endpoint = os.environ.get("ANALYTICS_S3_ENDPOINT_URL") or None
        self._client = Aws().client("s3", endpoint)
        self._read: dict[str, dict[str, Any]] = {}

    def names(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            for item in page.get("Contents", []):
                if item["Key"].endswith(RECORDS):
                    yield item["Key"]

    def read(self, name: str) -> bytes:
        answer = self._client.get_object(Bucket=self._bucket, Key=name)
        self._read = {name: dict(answer)}
        body: bytes = answer["Body"].read()
        return body

    def replace(self, name: str, body: bytes) -> None:
        from botocore.exceptions import ClientError

        before = self._read[name]
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=body,
                IfMatch=before["ETag"],
                # What a new object would lose: its type, its own metadata, its encryption.
                **{k: before[k] for k in ("ContentType", "Metadata") if before.get(k)},
                **encryption_of(before),
            )
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (409, 412):
                raise Changed from None
            raise
