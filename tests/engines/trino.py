"""Trino, which is what Athena's engine 3 descends from."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers import VersityGateway
from tests.servers.endpoint import REGION
from tests.servers.process import ServerProcess, free_ports

from . import parts
from .metastore import Metastore

# As Athena calls its own.
CATALOGUE = "awsdatacatalog"


class QueryFailed(Exception):
    """An engine refused a statement; the text is what it said."""


class Trino(ServerProcess):
    """One server that is coordinator and worker.

    Args:
        metastore: Where the tables are described.
        s3: Where their objects are.
    """

    # 12 s on an idle machine, a minute on a busy one.
    start_timeout = 300.0

    def __init__(self, metastore: Metastore, s3: VersityGateway) -> None:
        super().__init__("trino")
        self._metastore = metastore
        self._s3 = s3
        self._url = ""

    def rows(self, sql: str) -> list[list[Any]]:
        """Run a statement and return its rows, times as text.

        Raises:
            QueryFailed: Trino refused it.
        """
        headers = {
            "X-Trino-User": "test",
            "X-Trino-Catalog": CATALOGUE,
            "X-Trino-Time-Zone": "UTC",
            "X-Trino-Schema": "livekit_analytics",
        }
        answer = _json(f"{self._url}/v1/statement", headers, sql.encode())
        rows: list[list[Any]] = []
        while True:
            if error := answer.get("error"):
                raise QueryFailed(f"{error['errorName']}: {error['message']}")
            rows += answer.get("data", [])
            if "nextUri" not in answer:
                return rows
            answer = _json(answer["nextUri"], headers)

    def _command(self) -> Sequence[str | Path]:
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        settings = {
            "config.properties": {
                "coordinator": "true",
                "node-scheduler.include-coordinator": "true",
                "http-server.http.port": str(port),
                "discovery.uri": self._url,
            },
            "log.properties": {"io.trino": "WARN"},
            f"catalog/{CATALOGUE}.properties": {
                "connector.name": "hive",
                "hive.metastore": "thrift",
                "hive.metastore.uri": self._metastore.uri,
                "hive.partition-projection-enabled": "true",
                "hive.non-managed-table-writes-enabled": "true",
                "fs.native-s3.enabled": "true",
                "s3.endpoint": self._s3.endpoint_url,
                "s3.region": REGION,
                "s3.path-style-access": "true",
                "s3.aws-access-key": self._s3.access_key,
                "s3.aws-secret-key": self._s3.secret_key,
            },
        }
        etc = self.folder / "etc"
        for name, values in settings.items():
            path = etc / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        home = parts.trino()
        options = {
            "node.environment": "test",
            "node.id": "one",
            "node.data-dir": self.folder / "data",
            "log.levels-file": etc / "log.properties",
            "config": etc / "config.properties",
            "catalog.config-dir": etc / "catalog",
            "plugin.dir": home / "plugin",
            "jdk.attach.allowAttachSelf": "true",
        }
        return [
            parts.trino_java(),
            "-Xmx2G",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            *(f"-D{name}={value}" for name, value in options.items()),
            "-cp",
            f"{home}/lib/*",
            "io.trino.server.TrinoServer",
        ]

    def _ready(self) -> bool:
        if _json(f"{self._url}/v1/info", {})["starting"]:
            return False
        # It says that it has started before it has a node to run something on.
        try:
            return self.rows("SELECT 1") == [[1]]
        except QueryFailed:
            return False


def _json(url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
