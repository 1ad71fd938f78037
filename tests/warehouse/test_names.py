"""What would end a string or a name, or begin another statement, gets into none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livekit_plugins_analytics.warehouse import athena, bigquery, duckdb, glue, snowflake
from livekit_plugins_analytics.warehouse.hive import years
from livekit_plugins_analytics.warehouse.names import Location

WHERE = Location("bucket", "/calls/2026/")
ROLE = "arn:aws:iam::123456789012:role/team/reads-calls"
YEARS = (2025, 2026)


def test_a_location_has_one_slash_at_its_end() -> None:
    assert WHERE.uri() == "s3://bucket/calls/2026/"
    assert Location("bucket", "").uri("gs") == "gs://bucket/"


def _snowflake(role: str = ROLE, integration: str = "calls", table: str = "t") -> object:
    return snowflake.statements(WHERE, role=role, integration=integration, table=table)


def _bigquery(dataset: str = "d", table: str = "t", project: str | None = None) -> object:
    return bigquery.statements(dataset=dataset, table=table, project_id=project)


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: Location("s3://bucket"), "--bucket"),
        (lambda: Location("b'b"), "--bucket"),
        (lambda: Location("bucket", "a'b"), "--prefix"),
        (lambda: Location("bucket", "a//b"), "--prefix"),
        (lambda: Location("bucket", "${year}"), "--prefix"),
        (lambda: athena.statements(WHERE, database="a;b", table="t", years=YEARS), "--database"),
        (lambda: athena.statements(WHERE, database="d", table="T", years=YEARS), "--table"),
        (lambda: athena.statements(WHERE, database="d", table="t", years=(2026, 25)), "--years"),
        (lambda: glue.create_table(WHERE, database="d", table="a b", years=YEARS), "--table"),
        (lambda: duckdb.statements("/x", table="1t"), "--table"),
        (lambda: _snowflake(role="arn:aws:iam::1:role/x"), "--role-arn"),
        (lambda: _snowflake(role=f"{ROLE}'"), "--role-arn"),
        (lambda: _snowflake(integration="a-b"), "--integration"),
        (lambda: _snowflake(table="a\nb"), "--table"),
        (lambda: _bigquery(dataset="a`b"), "--dataset"),
        (lambda: _bigquery(table=""), "--table"),
        (lambda: _bigquery(project="A"), "--project"),
        (lambda: years("2025"), "--years"),
        (lambda: years("2025-x"), "--years"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_refused_and_the_option_named(make: Callable[[], object], option: str) -> None:
    with pytest.raises(ValueError, match=option):
        make()


def test_a_quote_in_a_path_stays_in_the_path() -> None:
    (raw, *_) = duckdb.statements("/it's", table="t")
    assert "'/it''s/year=*" in raw.sql


def test_without_a_range_the_years_begin_with_the_last_one() -> None:
    first, last = years(None)
    assert last - first == 11
