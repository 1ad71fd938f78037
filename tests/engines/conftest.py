"""The engines, each started once; and the same records in all of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from livekit_plugins_analytics.lines import compressed, line
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.warehouse.athena import statements as athena_statements
from livekit_plugins_analytics.warehouse.names import Location
from livekit_plugins_analytics.warehouse.snowflake import statements as snowflake_statements
from livekit_plugins_analytics.warehouse.statement import Statement
from tests.servers import VersityGateway
from tests.warehouse.drawn import drawn, store

from . import parts
from .interpreter import Interpreter
from .metastore import Metastore, hadoop
from .trino import Trino

RECORDS = 500
BUCKET = "records"
LOCATION = Location(BUCKET, "calls/sessions")

# A line that was cut off; in the bucket only, where views and compaction are to leave it out.
HALF = "year=2026/month=11/day=01/half.json.gz"


class Lake(NamedTuple):
    """The records, in a folder and in a bucket."""

    records: list[SessionRecord]
    folder: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engines)
            item.add_marker(
                pytest.mark.timeout(900)
            )  # a busy machine, and the first test starts all


@pytest.fixture(scope="session")
def lake(versity: VersityGateway, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The records, where all engines read them."""
    folder = tmp_path_factory.mktemp("lake")
    records = list(drawn(RECORDS))
    client = versity.s3()
    client.create_bucket(Bucket=BUCKET)
    for name, body in store(iter(records), folder):
        client.put_object(Bucket=BUCKET, Key=f"{LOCATION.prefix}/{name}", Body=body)
    half = gzip.compress(gzip.decompress(body)[:300])
    client.put_object(Bucket=BUCKET, Key=f"{LOCATION.prefix}/{HALF}", Body=half)
    return Lake(records, folder)


@pytest.fixture(scope="session")
def metastore(versity: VersityGateway) -> Iterator[Metastore]:
    """The catalogue of tables."""
    with Metastore(versity) as server:
        yield server


@pytest.fixture(scope="session")
def spark(
    metastore: Metastore, versity: VersityGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Interpreter]:
    """Spark SQL with Hive's statements."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.jars": ",".join(str(jar) for jar in sorted(parts.jars().glob("*.jar"))),
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark")),
        "spark.hadoop.hive.metastore.uris": metastore.uri,
        # Else ${year} in a table's properties would be a variable of Spark's.
        "spark.sql.variable.substitute": "false",
        "spark.sql.session.timeZone": "UTC",
        **{f"spark.hadoop.{name}": value for name, value in hadoop(versity).items()},
    }
    script = Path(__file__).with_name("spark_shell.py")
    command: list[str | Path] = [parts.spark_python(), script, json.dumps(settings)]
    with Interpreter(command, {"JAVA_HOME": str(parts.spark_java().parent.parent)}) as engine:
        yield engine


@pytest.fixture(scope="session")
def trino(metastore: Metastore, versity: VersityGateway) -> Iterator[Trino]:
    """Trino over the same catalogue and bucket."""
    with Trino(metastore, versity) as server:
        yield server


@pytest.fixture(scope="session")
def athena(lake: Lake, spark: Interpreter, trino: Trino) -> Trino:
    """Trino, after our statements for Athena: tables by Spark's Hive, views by Trino itself."""
    made = athena_statements(
        LOCATION, database="livekit_analytics", table="sessions", years=(2026, 2026)
    )
    for each in made:
        engine = trino if each.sql.startswith("CREATE OR REPLACE VIEW") else spark
        engine.rows(each.sql)
    return trino


@pytest.fixture(scope="session")
def fakesnow() -> Iterator[Interpreter]:
    """A Snowflake that is none."""
    script = Path(__file__).with_name("fakesnow_shell.py")
    with Interpreter([parts.fakesnow_python(), script]) as engine:
        yield engine


@pytest.fixture(scope="session")
def snowflake(
    fakesnow: Interpreter, lake: Lake, tmp_path_factory: pytest.TempPathFactory
) -> Interpreter:
    """The same after our statements for Snowflake, with the records loaded and merged."""
    snowflake_loaded(fakesnow, "sessions", tmp_path_factory.mktemp("stage"), lake.records)
    return fakesnow


def snowflake_loaded(
    engine: Interpreter, table: str, stage: Path, records: Iterable[SessionRecord]
) -> dict[str, Statement]:
    """Run our statements for Snowflake, with a folder as the stage, and return them by name."""
    for record in records:  # fakesnow looks for objects in one folder, and in none below it
        path = stage / f"{record.session_id}-{record.revision}.json.gz"
        path.write_bytes(compressed(line(record)))
    role = "arn:aws:iam::123456789012:role/snowflake"
    made = snowflake_statements(Location("b-1"), role=role, integration="calls", table=table)
    for each in made:
        if each.name == f"{table}_stage":
            engine.rows(f"CREATE STAGE {each.name} URL = 'file://{stage}/'")
        elif each.name not in ("calls", f"{table}_pipe"):
            engine.rows(each.sql)
    return {each.name: each for each in made}
