"""Where Parquet goes: a directory, or a prefix of a bucket. Files appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Protocol

from .bucket import s3_client
from .objects import LakeError


class Target(Protocol):
    """A place for files."""

    @property
    def path(self) -> str:
        """What the user calls it."""
        ...

    def put(self, name: str, file: Path) -> None:
        """Move a file here, whole or not at all, over one of the same name.

        Args:
            name: A path below the root, with slashes.
            file: Is gone afterwards.

        Raises:
            LakeError: It cannot be stored.
        """
        ...

    def get(self, name: str) -> bytes | None:
        """A file's content; None where there is none.

        Raises:
            LakeError: It cannot be read.
        """
        ...

    def sizes(self, folder: str) -> dict[str, int]:
        """The files in a folder, those that a writer has not finished among them.

        Args:
            folder: A path below the root, with a slash at its end.

        Raises:
            LakeError: It cannot be listed.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            LakeError: It cannot be removed.
        """
        ...


def target(path: str) -> Target:
    """A directory, which is made, or ``s3://bucket/prefix``.

    Raises:
        LakeError: There is no way to it.
    """
    return _Prefix(path) if path.startswith("s3://") else _Directory(path)


class _Directory:
    def __init__(self, path: str) -> None:
        self.path = path
        self._root = Path(path).expanduser()
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(f"{path}: {error.strerror or type(error).__name__}") from None

    def put(self, name: str, file: Path) -> None:
        goal = self._root / name
        # Another file system, perhaps: first into this one, under a name that no reader takes.
        temporary = goal.parent / f".{goal.name}.{uuid.uuid4().hex}.tmp"
        try:
            goal.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.move(file, temporary)
                with open(temporary, "rb") as moved:
                    os.fsync(moved.fileno())
                os.replace(temporary, goal)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(f"{goal}: {error.strerror or type(error).__name__}") from None

    def get(self, name: str) -> bytes | None:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(f"{name}: {error.strerror or type(error).__name__}") from None

    def sizes(self, folder: str) -> dict[str, int]:
        try:
            with os.scandir(self._root / folder) as entries:
                return {each.name: each.stat().st_size for each in entries if each.is_file()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LakeError(f"{folder}: {error.strerror or type(error).__name__}") from None

    def remove(self, name: str) -> None:
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(f"{name}: {error.strerror or type(error).__name__}") from None


class _Prefix:
    def __init__(self, path: str) -> None:
        self.path = path
        self._bucket, _, prefix = path.removeprefix("s3://").partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
        if not self._bucket:
            raise LakeError(f"{path}: name a bucket, as in s3://acme-calls/lake/")
        self._client = s3_client(path)

    def put(self, name: str, file: Path) -> None:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        size = file.stat().st_size
        key = self._prefix + name
        try:
            # In parts, each with a checksum; the object appears when all have arrived.
            self._client.upload_file(str(file), self._bucket, key)
            stored = self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except (BotoCoreError, ClientError, Boto3Error) as error:
            raise LakeError(f"{self.path}: {_said(error)} on PutObject") from None
        if stored != size:
            raise LakeError(f"{self.path}{name}: {stored} of {size} bytes were stored")
        file.unlink()

    def get(self, name: str) -> bytes | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            body: bytes = answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            if _said(error) in ("NoSuchKey", "404"):
                return None
            raise LakeError(f"{self.path}: {_said(error)} on GetObject") from None
        return body

    def sizes(self, folder: str) -> dict[str, int]:
        from botocore.exceptions import BotoCoreError, ClientError

        start = self._prefix + folder
        pages = self._client.get_paginator("list_objects_v2")
        try:
            return {
                item["Key"][len(start) :]: item["Size"]
                for page in pages.paginate(Bucket=self._bucket, Prefix=start)
                for item in page.get("Contents", [])
            }
        except (BotoCoreError, ClientError) as error:
            raise LakeError(f"{self.path}: {_said(error)} on ListObjectsV2") from None

    def remove(self, name: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
        except (BotoCoreError, ClientError) as error:
            raise LakeError(f"{self.path}: {_said(error)} on DeleteObject") from None


def _said(error: Exception) -> str:
    """What S3 answered, without the request that an exception's text quotes."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
