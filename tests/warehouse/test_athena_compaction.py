"""Athena compacts a day where it is not compacted, and never adds to one that is."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import boto3
import pytest

from livekit_plugins_analytics.warehouse.athena_compaction import (
    CompactionFailed,
    Day,
    compact,
)
from livekit_plugins_analytics.warehouse.names import Location
from tests.servers import MotoServer
from tests.servers.endpoint import REGION

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
NAMES = {"database": "calls", "table": "sessions", "output": "s3://results/"}

PARQUET = Location("bucket", "parquet")

# moto gives a result to every statement.
WRITTEN = ((0, 0), (0, 0))


@pytest.fixture
def moto_alone() -> Iterator[MotoServer]:
    """Its answers are ordered beforehand: nobody else may take them."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def client(moto_alone: MotoServer) -> AthenaClient:
    return boto3.client(
        "athena",
        region_name=REGION,
        endpoint_url=moto_alone.endpoint_url,
        aws_access_key_id=moto_alone.access_key,
        aws_secret_access_key=moto_alone.secret_key,
    )


def answers(server: MotoServer, *counted: tuple[int, int]) -> None:
    """What the queries that count are to find: in the objects, in the Parquet."""
    results = [
        {
            "rows": [
                {"Data": [{"VarCharValue": "in_objects"}, {"VarCharValue": "in_parquet"}]},
                {"Data": [{"VarCharValue": str(value)} for value in pair]},
            ],
            "column_info": [],
        }
        for pair in counted
    ]
    body = json.dumps({"results": results, "region": REGION}).encode()
    url = f"{server.endpoint_url}/moto-api/static/athena/query-results"
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def statements(client: AthenaClient) -> list[str]:
    ids = client.list_query_executions()["QueryExecutionIds"]
    found = (client.get_query_execution(QueryExecutionId=one)["QueryExecution"] for one in ids)
    return [one["Query"].split()[0] for one in found]


def test_a_day_is_written_and_counted_and_a_finished_one_is_left(
    client: AthenaClient, moto_alone: MotoServer
) -> None:
    answers(moto_alone, (50, 0), *WRITTEN, (50, 50), (7, 7))
    done = list(compact(client, PARQUET, [FIRST, SECOND], **NAMES))
    assert done == [Day(FIRST, 50, written=True), Day(SECOND, 7, written=False)]
    assert sorted(statements(client)) == ["CREATE", "DROP", "SELECT", "SELECT", "SELECT"]


def test_counts_that_differ_end_it(client: AthenaClient, moto_alone: MotoServer) -> None:
    answers(moto_alone, (50, 0), *WRITTEN, (50, 49))
    with pytest.raises(CompactionFailed, match="2026-11-01: 49 of 50 records"):
        list(compact(client, PARQUET, [FIRST, SECOND], **NAMES))


def test_a_day_that_is_half_there_is_not_added_to(
    client: AthenaClient, moto_alone: MotoServer
) -> None:
    answers(moto_alone, (50, 20))
    with pytest.raises(CompactionFailed, match="Delete the Parquet of that day"):
        list(compact(client, PARQUET, [FIRST], **NAMES))
    assert statements(client) == ["SELECT"]
