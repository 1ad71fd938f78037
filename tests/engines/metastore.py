"""Hive's metastore, which Spark and Trino share as Athena's engines share Glue's catalogue."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers import VersityGateway
from tests.servers.process import ServerProcess, free_ports

from . import parts


class Metastore(ServerProcess):
    """The metastore in pyspark's own jars, over a database of its own.

    Args:
        s3: Where the tables' objects are.
    """

    # 5 s on an idle machine, 25 on a busy one.
    start_timeout = 180.0

    def __init__(self, s3: VersityGateway) -> None:
        super().__init__("metastore")
        self._s3 = s3
        self.port = 0

    @property
    def uri(self) -> str:
        """``thrift://...``."""
        return f"thrift://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str | Path]:
        (self.port,) = free_ports(1)
        database = f"{self.folder}/derby"
        properties = {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={database};create=true",
            "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.metastore.warehouse.dir": f"{self.folder}/warehouse",
            # Else a class is missing (disruptor), which pyspark's jars do not have.
            "hive.async.log.enabled": "false",
            **hadoop(self._s3),
        }
        body = "".join(
            f"<property><name>{name}</name><value>{value}</value></property>"
            for name, value in properties.items()
        )
        site = self.folder / "hive-site.xml"
        site.write_text(f"<configuration>{body}</configuration>")
        jars = f"{self.folder}:{parts.spark_jars()}/*:{parts.jars()}/*"
        main = "org.apache.hadoop.hive.metastore.HiveMetaStore"
        return [parts.spark_java(), "-Xmx512m", "-cp", jars, main, "-p", str(self.port)]

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "HADOOP_USER_NAME": "test"}

    def _ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


def hadoop(s3: VersityGateway) -> dict[str, str]:
    """What Hadoop's file system has to know, so that ``s3://`` is that S3."""
    return {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": s3.endpoint_url,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.access.key": s3.access_key,
        "fs.s3a.secret.key": s3.secret_key,
    }
