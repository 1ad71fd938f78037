"""Statements and the schema are printed, and what cannot stand in a statement is refused."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import duckdb
import jsonschema
import pytest

from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.warehouse.columns import columns
from tests.servers import MotoServer
from tests.servers.endpoint import REGION
from tests.warehouse.drawn import drawn, store

from .conftest import Run


def test_athena_prints_one_statement_after_the_other(run: Run) -> None:
    options = ("--bucket", "b-1", "--prefix", "calls/", "--years", "2025-2027")
    printed = run("ddl", "athena", *options)
    listed = run("ddl", "athena", *options, "--json").json["statements"]
    assert printed.code == 0
    assert [one["sql"] for one in listed if f"{one['sql']};" not in printed.out] == []
    assert "'projection.year.range' = '2025,2027'" in printed.out
    assert "LOCATION 's3://b-1/calls/'" in printed.out
    assert "STORED AS PARQUET" not in printed.out


def test_athena_prints_the_table_of_compacted_records_too(run: Run) -> None:
    printed = run("ddl", "athena", "--bucket", "b-1", "--parquet", "parquet/calls").out
    assert "STORED AS PARQUET\nLOCATION 's3://b-1/parquet/calls/'" in printed
    assert "CREATE OR REPLACE VIEW livekit_analytics.sessions_compacted" in printed


def test_the_bucket_and_the_prefix_come_from_the_settings(run: Run) -> None:
    settings = {"ANALYTICS_S3_BUCKET": "b-2", "ANALYTICS_S3_PREFIX": "x"}
    assert "s3://b-2/x/" in run("ddl", "athena", **settings).out
    assert "s3://b-3/" in run("ddl", "athena", "--bucket", "b-3", "--prefix", "", **settings).out


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["athena"], "--bucket"),
        (["athena", "--bucket", "bbb", "--table", "Sessions"], "--table"),
        (["glue", "--bucket", "bbb", "--prefix", "x'y"], "--prefix"),
        (["athena", "--bucket", "bbb", "--years", "2025"], "--years"),
    ],
    ids=["none", "table", "prefix", "years"],
)
def test_what_cannot_stand_in_a_statement_is_refused(
    run: Run, arguments: list[str], option: str
) -> None:
    done = run("ddl", *arguments)
    assert (done.code, done.out) == (2, "")
    assert option in done.err


def test_glue_takes_the_table(run: Run, moto: MotoServer) -> None:
    database = "of_test_glue"
    done = run("ddl", "glue", "--bucket", "b-1", "--database", database, "--years", "2025-2027")
    glue = boto3.client(
        "glue",
        region_name=REGION,
        endpoint_url=moto.endpoint_url,
        aws_access_key_id=moto.access_key,
        aws_secret_access_key=moto.secret_key,
    )
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(**done.json)
    table = glue.get_table(DatabaseName=database, Name="sessions_raw")["Table"]
    listed = table["StorageDescriptor"]["Columns"]
    assert [one["Name"] for one in listed] == [one.name for one in columns()]
    assert next(one["Type"] for one in listed if one["Name"] == "handoffs") == (
        "array<struct<from:string,to:string,at:string>>"
    )
    assert [one["Name"] for one in table["PartitionKeys"]] == ["year", "month", "day"]
    assert table["Parameters"]["storage.location.template"] == (
        "s3://b-1/sessions/year=${year}/month=${month}/day=${day}/"
    )


def test_duckdb_runs_what_is_printed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    store(drawn(20), folder)
    script = run("ddl", "duckdb", str(folder)).out
    connection = duckdb.connect()
    connection.execute(script)
    assert connection.execute("SELECT count(*), sum(revision) FROM sessions").fetchone() == (20, 22)
    assert connection.execute("SELECT count(*) FROM sessions_raw").fetchone() == (22,)


def test_bigquery_says_how_to_load(run: Run) -> None:
    done = run("ddl", "bigquery", "--bucket", "in-gcs", "--project", "my-project")
    assert "'gs://in-gcs/sessions/*.json.gz'" in done.out
    assert "`my-project.livekit_analytics.sessions`" in done.out


def test_the_schema_takes_records_and_nothing_else(run: Run) -> None:
    schema = run("schema", "--json").json
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker(["date-time"])
    )
    validator.check_schema(schema)
    record = json.loads(line(next(iter(drawn(1)))))
    for each in drawn(50):
        validator.validate(json.loads(line(each)))
    for wrong in (
        {**record, "unknown": 1},
        {**record, "revision": "1"},
        {**record, "end_cause": "boredom"},
        {key: value for key, value in record.items() if key != "session_id"},
    ):
        assert not validator.is_valid(wrong)


def test_the_schema_is_readable(run: Run) -> None:
    done = run("schema")
    assert done.code == 0
    for name in ("session_id", "participants[].sip.call_id", "metrics_summary.total_llm_calls"):
        assert name in done.out
