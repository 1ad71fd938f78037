"""S3 by Versity's gateway, which checks signatures and checksums."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tests.tools import ToolUnavailable, versitygw

from .endpoint import Endpoint
from .process import ServerProcess, free_ports


class VersityGateway(Endpoint, ServerProcess):
    """An independent S3 over a temporary folder; it has no CloudWatch Logs."""

    def __init__(self) -> None:
        super().__init__("versitygw")
        self.endpoint_url = ""
        self.secret_key = secrets.token_hex(20)  # only this server accepts it

    def _command(self) -> Sequence[str | Path]:
        binary = versitygw()
        data = self.folder / "data"
        data.mkdir()
        _check_xattrs(data)
        (port,) = free_ports(1)
        self.endpoint_url = f"http://127.0.0.1:{port}"
        return [binary, "--port", f"127.0.0.1:{port}", "posix", data]

    def _environment(self) -> Mapping[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("VGW_")},
            "ROOT_ACCESS_KEY": self.access_key,
            "ROOT_SECRET_KEY": self.secret_key,
        }

    def _ready(self) -> bool:
        try:
            self.s3().list_buckets()  # signed, so no other server on that port can answer
        except (BotoCoreError, ClientError):
            return False
        return True


def _check_xattrs(folder: Path) -> None:
    if not hasattr(os, "setxattr"):  # Python offers it on Linux only; macOS has the attributes
        return
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        try:
            os.setxattr(file.name, "user.test", b"1")
        except OSError as error:
            raise ToolUnavailable(
                f"versitygw, which needs extended attributes, and {folder.parent.parent} has none"
                f" ({error.strerror}): set TMPDIR to a folder on another file system"
            ) from error
