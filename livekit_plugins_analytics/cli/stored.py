"""Stored records, wherever they are: a directory, or a prefix of a bucket."""

from __future__ import annotations

import gzip
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol


class Stored(Protocol):
    """Records that can be listed, read and replaced."""

    def names(self) -> Iterator[str]:
        """The names of all records."""
        ...

    def read(self, name: str) -> bytes:
        """A record's bytes."""
        ...

    def replace(self, name: str, body: bytes) -> None:
        """Put other bytes in its place, all or nothing."""
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
    except (OSError, EOFError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
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

    def names(self) -> Iterator[str]:
        if self._root.is_file():
            yield str(self._root)
            return
        for pattern in ("*.json.gz", "*.json"):
            for path in sorted(self._root.rglob(pattern)):
                if not path.name.startswith("."):
                    yield str(path)

    def read(self, name: str) -> bytes:
        return Path(name).read_bytes()

    def replace(self, name: str, body: bytes) -> None:
        path = Path(name)
        temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
        try:
            with open(temporary, "xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


class _Bucket:
    def __init__(self, uri: str) -> None:
        import boto3

        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        self._client = boto3.client(
            "s3", endpoint_url=os.environ.get("ANALYTICS_S3_ENDPOINT_URL") or None
        )

    def names(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
            for item in page.get("Contents", []):
                if item["Key"].endswith((".json.gz", ".json")):
                    yield item["Key"]

    def read(self, name: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        return body

    def replace(self, name: str, body: bytes) -> None:
        kind = "application/gzip" if name.endswith(".gz") else "application/json"
        options: dict[str, Any] = {}
        if key := os.environ.get("ANALYTICS_S3_KMS_KEY_ID"):
            options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        self._client.put_object(
            Bucket=self._bucket, Key=name, Body=body, ContentType=kind, **options
        )
