"""The compaction script on Spark, against what the records hold."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.warehouse.columns import columns, duckdb_type
from livekit_plugins_analytics.warehouse.spark import script
from tests.warehouse.drawn import drawn, store
from tests.warehouse.profile import OPEN, profile, query, same
from tests.warehouse.test_duckdb import DUCKDB

from . import parts

RECORDS = 500


def compact(folder: Path, *arguments: str | Path, jars: bool = False) -> tuple[int, dict[str, Any]]:
    """Run the script as a user would, and return its exit code and its report."""
    path = folder / "compact.py"
    path.write_text(script())
    options = ["--driver-memory", "1g", "--conf", "spark.ui.enabled=false"]
    if jars:
        (iceberg,) = parts.jars().glob("iceberg-spark-runtime-*.jar")
        options += ["--jars", str(iceberg), *_iceberg(folder / "iceberg")]
    python = parts.spark_python()
    submit = [python.parent / "spark-submit", "--master", "local[2]", *options, path, *arguments]
    done = subprocess.run(
        submit,
        env={
            **os.environ,
            "JAVA_HOME": str(parts.spark_java().parent.parent),
            "PYSPARK_PYTHON": str(python),
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )
    reports = [each for each in done.stdout.splitlines() if each.startswith("{")]
    assert reports, done.stderr[-4000:]
    report: dict[str, Any] = json.loads(reports[-1])
    return done.returncode, report


def _iceberg(warehouse: Path) -> list[str]:
    settings = {
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hadoop",
        "spark.sql.catalog.lake.warehouse": str(warehouse),
    }
    return [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]


def test_the_parquet_holds_what_the_records_hold_and_bad_objects_are_named(
    tmp_path: Path,
) -> None:
    records = list(drawn(RECORDS))
    source, target = tmp_path / "sessions", tmp_path / "parquet"
    written = store(iter(records), source)
    name, whole = written[1]
    day = source / Path(name).parent
    (day / "the-same-revision-again.json.gz").write_bytes(whole)
    (day / "truncated.json.gz").write_bytes(whole[: len(whole) // 2])
    (day / "no-gzip.json.gz").write_bytes(b"this is no gzip")
    (day / "half.json.gz").write_bytes(gzip.compress(gzip.decompress(whole)[:300]))
    newer = {**json.loads(gzip.decompress(whole)), "session_id": "newer", "new_key": 1}
    newer["revision"] = "does not fit"
    (day / "newer.json.gz").write_bytes(gzip.compress(json.dumps(newer).encode()))

    code, report = compact(tmp_path, "--from", source, "--to", target)

    assert code == 1
    bad = [Path(each).name for each in report["bad_objects"]]
    assert bad == ["half.json.gz", "no-gzip.json.gz", "truncated.json.gz"]
    assert report["rows"] == report["rows_found"] == len(records) + 1
    folders = {path.parent.relative_to(target).as_posix() for path in target.rglob("*.parquet")}
    assert folders == {str(Path(name).parent) for name, _ in written}

    everything = f"'{target}/**/*.parquet'"
    odd = duckdb.sql(f"SELECT revision, extra FROM {everything} WHERE session_id = 'newer'")
    ((revision, extra),) = odd.fetchall()
    assert revision is None and json.loads(extra) == newer
    duckdb.sql(f"CREATE VIEW compacted AS FROM {everything} WHERE session_id <> 'newer'")
    described = duckdb.sql("DESCRIBE compacted").fetchall()
    types = {row[0]: row[1].replace('"', "") for row in described}
    expected = {one.name: duckdb_type(one.type).replace('"', "") for one in columns()}
    assert {name: types[name] for name in expected} == expected
    lines = [json.loads(line(record)) for record in records]
    names, sql = query("compacted", columns(), DUCKDB)
    figures = duckdb.sql(sql).fetchone()
    assert figures is not None
    assert dict(zip(names, figures, strict=True)) == pytest.approx(profile(lines, columns()))
    values = duckdb.sql(f"SELECT session_id, revision, {', '.join(OPEN)} FROM compacted").fetchall()
    texts = {(row[0], row[1]): row[2:] for row in values}
    for each in lines:
        for name, value in zip(OPEN, texts[each["session_id"], each["revision"]], strict=True):
            assert same(value, each[name]), name


def test_an_iceberg_table_gets_each_session_once_and_later_revisions(tmp_path: Path) -> None:
    source = tmp_path / "sessions"
    records = list(drawn(20))
    store(iter(records), source)
    arguments = ("--from", source, "--iceberg", "lake.calls.sessions")
    assert compact(tmp_path, *arguments, jars=True)[1]["rows_in_table"] == 20
    late = records[1].model_copy(update={"revision": 7, "outcome": "late"})
    store(iter([late]), source)

    code, report = compact(tmp_path, *arguments, jars=True)

    assert (code, report["rows_in_table"]) == (0, 20)
    # All data files of the table; the replaced row is in one that the newest snapshot leaves out.
    rows = duckdb.sql(
        f"SELECT revision, outcome FROM '{tmp_path}/iceberg/calls/sessions/data/**/*.parquet' "
        f"WHERE session_id = '{late.session_id}' ORDER BY revision DESC LIMIT 1"
    ).fetchone()
    assert rows == (7, "late")
