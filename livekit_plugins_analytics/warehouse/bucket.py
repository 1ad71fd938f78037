"""Records in a bucket of S3, or of a store that speaks its language."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from .objects import RECORDS, THREADS, Folder, LakeError, Object

# Bytes that are taken from the network at a time.
_CHUNK = 1 << 20


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
        self._client = s3_client(uri)

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

    def save(self, name: str, file: BinaryIO) -> int:
        """See `Source.save`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            chunks = answer["Body"].iter_chunks(_CHUNK)
            while (chunk := next(chunks, None)) is not None:
                file.write(chunk)
        except OSError:
            raise
        except Exception as error:
            raise LakeError(_explained(error, self._bucket)) from None
        return file.tell()


def s3_client(uri: str) -> Any:
    """boto3's client for many and large objects, and with much patience, unlike a call's.

    Raises:
        LakeError: There are no credentials, or the configuration is wrong.
    """
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
                read_timeout=60,
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
