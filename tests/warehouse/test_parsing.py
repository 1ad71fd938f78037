"""What no engine here can run is parsed, strictly: only what is known may stand in it."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from livekit_plugins_analytics.warehouse import athena, bigquery, snowflake
from livekit_plugins_analytics.warehouse.columns import columns
from livekit_plugins_analytics.warehouse.names import Location
from livekit_plugins_analytics.warehouse.statement import Statement

WHERE = Location("b-1", "calls")

SNOWFLAKE = snowflake.statements(
    WHERE, role="arn:aws:iam::123456789012:role/calls", integration="calls", table="sessions"
)
BIGQUERY = bigquery.statements(dataset="calls", table="sessions", project_id="my-project")
ATHENA = athena.statements(WHERE, database="calls", table="sessions", years=(2025, 2026))

# The options that Snowflake's reference has for these, as far as we use them.
OPTIONS = {
    "STORAGE INTEGRATION": {
        "TYPE": "EXTERNAL_STAGE",
        "STORAGE_PROVIDER": "'S3'",
        "ENABLED": "TRUE",
        "STORAGE_AWS_ROLE_ARN": "'arn:aws:iam::123456789012:role/calls'",
        "STORAGE_ALLOWED_LOCATIONS": "('s3://b-1/calls/')",
    },
    "STAGE": {"URL": "'s3://b-1/calls/'", "STORAGE_INTEGRATION": "calls"},
    "FILE FORMAT": {"TYPE": "JSON", "COMPRESSION": "AUTO"},
}

# sqlglot knows no pipes; what it loads with is a statement of its own.
PIPE = re.compile(r"CREATE PIPE IF NOT EXISTS \w+ AUTO_INGEST = TRUE AS\n(COPY INTO .*)")

# docs.snowflake.com/en/sql-reference/reserved-keywords
RESERVED = re.compile(
    "account|all|alter|and|any|as|between|by|case|cast|check|column|connect|connection|"
    "constraint|create|cross|current|current_date|current_time|current_timestamp|current_user|"
    "database|delete|distinct|drop|else|exists|false|following|for|from|full|grant|group|"
    "gscluster|having|ilike|in|increment|inner|insert|intersect|into|is|issue|join|lateral|"
    "left|like|localtime|localtimestamp|minus|natural|not|null|of|on|or|order|organization|"
    "qualify|regexp|revoke|right|rlike|row|rows|sample|schema|select|set|some|start|table|"
    "tablesample|then|to|trigger|true|try_cast|union|unique|update|using|values|view|when|"
    "whenever|where|with"
)

CONTRACT = {
    "session_id": "VARCHAR(100)",
    "user_email": "VARCHAR",
    "start_time": "TIMESTAMPTZ",
    "end_time": "TIMESTAMPTZ",
    "duration_seconds": "DOUBLE",
    "discovered_signals": "VARIANT",
    "tool_calls": "ARRAY",
    "metrics_summary": "VARIANT",
    "cost_summary": "VARIANT",
    "conversation_notes": "ARRAY",
    "conversation_state": "VARCHAR",
    "consent_obtained": "BOOLEAN",
    "consent_timestamp": "TIMESTAMPTZ",
    "year": "DECIMAL(38, 0)",
    "month": "DECIMAL(38, 0)",
    "day": "DECIMAL(38, 0)",
}


def parsed(sql: str, dialect: str) -> exp.Expr:
    found = sqlglot.parse_one(sql, dialect=dialect)
    assert not list(found.find_all(exp.Command)), sql  # what sqlglot has not understood
    return found


@pytest.mark.parametrize("each", SNOWFLAKE, ids=lambda each: each.name)
def test_snowflake(each: Statement) -> None:
    if pipe := PIPE.fullmatch(each.sql):
        (copy,) = (one for one in SNOWFLAKE if one.name == "copy")
        assert pipe[1] == copy.sql
        return
    found = parsed(each.sql, "snowflake")
    kind = found.args.get("kind") if isinstance(found, exp.Create) else None
    if kind in OPTIONS:
        properties = {
            one.this.name.upper(): one.args["value"].sql("snowflake")
            for one in found.find_all(exp.Property)
            if type(one) is exp.Property
        }
        assert properties == OPTIONS[kind]


def test_snowflake_has_no_column_that_it_reserves_the_name_of() -> None:
    assert [one.name for one in columns() if RESERVED.fullmatch(one.name)] == []


def test_snowflakes_table_has_the_types_of_the_contract() -> None:
    (table,) = (one.sql for one in SNOWFLAKE if one.name == "sessions_merged")
    types = {
        one.name: one.args["kind"].sql("snowflake")
        for one in parsed(table, "snowflake").find_all(exp.ColumnDef)
    }
    assert {name: types[name] for name in CONTRACT} == CONTRACT


@pytest.mark.parametrize("each", BIGQUERY, ids=lambda each: each.name)
def test_bigquery(each: Statement) -> None:
    parsed(each.sql, "bigquery")


@pytest.mark.parametrize("each", ATHENA, ids=lambda each: each.name)
def test_athena(each: Statement) -> None:
    parsed(each.sql, "athena")
