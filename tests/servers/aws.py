"""S3 and CloudWatch Logs by moto, in a process of its own."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from .endpoint import Endpoint
from .process import START_TIMEOUT, ServerProcess

# What moto's HTTP server logs about the port it was given.
_ADDRESS = re.compile(r"Running on http://127\.0\.0\.1:(\d+)")


class MotoServer(Endpoint, ServerProcess):
    """AWS as moto plays it: any credentials, nothing checked, everything kept in memory."""

    def __init__(self) -> None:
        super().__init__("moto")
        self.endpoint_url = ""

    def reset(self) -> None:
        """Forget all buckets, log groups and what is in them."""
        self._request("POST", "/moto-api/reset")

    def _command(self) -> Sequence[str | Path]:
        # Port 0: the server chooses and logs it, so no other process can be faster.
        return [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]

    def _ready(self) -> bool:
        if not (match := _ADDRESS.search(self.log)):
            return False
        self.endpoint_url = f"http://127.0.0.1:{match[1]}"
        return self._request("GET", "/moto-api/data.json") == 200

    def _request(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection(
            self.endpoint_url.removeprefix("http://"), timeout=START_TIMEOUT
        )
        try:
            connection.request(method, path)
            return connection.getresponse().status
        finally:
            connection.close()
