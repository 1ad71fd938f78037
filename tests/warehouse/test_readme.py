"""The README's queries for DuckDB run in a lake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livekit_plugins_analytics.warehouse.lake import Lake

from .samples import record, store

README = Path(__file__).parents[2] / "README.md"
# A query says in its first line which engines it is for.
QUERIES = [
    sql
    for sql in re.findall(r"```sql\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    if "DuckDB" in sql.partition(":")[0]
]


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_a_query_of_the_readme_gives_rows(tmp_path: Path, number: int) -> None:
    latency = {"e2e": {"p50": 0.8, "p95": 1.2, "num": 4}}
    store(tmp_path, *(record(f"s{n}", f"2026-11-{n + 1:02}", latency=latency) for n in range(9)))

    with Lake.open(str(tmp_path)) as lake:
        lake.load()
        lake.lock()

        assert lake.connection.execute(QUERIES[number]).fetchall()


def test_there_are_such_queries() -> None:
    assert len(QUERIES) >= 2
