"""SQL over stored records, as a person and as a script asks for it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Account, Run
from tests.warehouse.samples import name, record, upload, write

SQL = (
    "SELECT session_id, start_time, duration_seconds AS seconds, outcome, tags "
    "FROM sessions ORDER BY session_id"
)


def test_a_table_is_for_people(run: Run, records: Path) -> None:
    outcome = run("query", SQL)

    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    head, first, second, _, count = outcome.out.splitlines()
    assert head.split() == ["session_id", "start_time", "seconds", "outcome", "tags"]
    assert first.split() == ["a", "2026-11-18", "10:00:00", "60", "null", '["x",', '"y"]']
    assert second.split()[3:5] == ["90.5", "success"]
    assert count == "3 rows"


def test_json_is_one_object(run: Run, records: Path) -> None:
    outcome = run("query", SQL, str(records), "--json")

    assert outcome.json == {
        "columns": ["session_id", "start_time", "seconds", "outcome", "tags"],
        "rows": [
            _row("a", 18, 60.0, None, ["x", "y"]),
            _row("b", 19, 90.5, "success"),
            _row("c", 20),
        ],
        "more": False,
        "problems": [],
    }


def _row(
    session: str, day: int, seconds: float = 60.0, outcome: str | None = None, tags: Any = ()
) -> dict[str, Any]:
    return {
        "session_id": session,
        "start_time": f"2026-11-{day}T10:00:00.000Z",
        "seconds": seconds,
        "outcome": outcome,
        "tags": list(tags),
    }


def test_csv_and_lines_of_json_are_for_programs(run: Run, records: Path) -> None:
    as_csv = run("query", SQL, "--format", "csv")
    as_lines = run("query", SQL, "--format", "jsonl")

    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert rows[0] == {
        "session_id": "a",
        "start_time": "2026-11-18T10:00:00.000Z",
        "seconds": "60.0",
        "outcome": "",
        "tags": '["x", "y"]',
    }
    lines = [json.loads(line) for line in as_lines.out.splitlines()]
    assert [line["session_id"] for line in lines] == ["a", "b", "c"]
    assert lines[1] == _row("b", 19, 90.5, "success")


def test_what_is_cut_off_is_said(run: Run, records: Path) -> None:
    table = run("query", SQL, "--limit", "2")
    numbers = run("query", "SELECT * FROM range(150)")

    assert table.out.splitlines()[-1] == "2 rows; there are more: --limit 0 shows all"
    assert numbers.out.splitlines()[-1] == "100 rows; there are more: --limit 0 shows all"
    whole = run("query", "SELECT * FROM range(150)", "--json")
    assert (len(whole.json["rows"]), whole.json["more"]) == (150, False)
    some = run("query", "SELECT * FROM range(150)", "--json", "--limit", "7")
    assert (len(some.json["rows"]), some.json["more"]) == (7, True)


def test_every_type_of_duckdb_can_be_said_in_json(run: Run, records: Path) -> None:
    sql = (
        "SELECT 1::HUGEINT AS a, 1.5::DECIMAL(9, 2) AS b, 'nan'::DOUBLE AS c,"
        " DATE '2026-01-02' AS d, now() IS NOT NULL AS e,"
        " TIMESTAMPTZ '2026-01-02 03:04:05+01' AS f, {'x': [1, NULL]} AS g,"
        " INTERVAL 90 SECONDS AS h, 'x'::BLOB AS i, MAP {'k': 1} AS j, true AS k, NULL AS l,"
        " uuid() IS NOT NULL AS m, 1 AS a"
    )

    (row,) = run("query", sql, "--json").json["rows"]

    assert row == {
        "a": 1,
        "b": 1.5,
        "c": None,
        "d": "2026-01-02",
        "e": True,
        "f": "2026-01-02T02:04:05.000Z",
        "g": {"x": [1, None]},
        "h": 90.0,
        "i": "eA==",
        "j": {"k": 1},
        "k": True,
        "l": None,
        "m": True,
        "a_2": 1,
    }


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", ["Parser Error", "LINE 1: SELEC 1"]),
        ("SELECT * FROM calls", ["calls does not exist", "There are: ", "sessions", "tool_calls"]),
        ("SELECT nothing FROM sessions", ["nothing", "not found"]),
        ("SELECT * FROM read_text('/etc/hostname')", ["may not", "--allow-files"]),
        ("SET enable_external_access = true", ["may not", "--allow-files"]),
    ],
)
def test_a_mistake_in_sql_is_explained(run: Run, records: Path, sql: str, words: list[str]) -> None:
    outcome = run("query", sql)

    assert (outcome.code, outcome.out) == (2, "")
    assert all(word in outcome.err for word in words), outcome.err
    assert "Traceback" not in outcome.err


def test_sql_may_write_a_file_where_that_is_allowed(
    run: Run, records: Path, tmp_path: Path
) -> None:
    outcome = run("query", "COPY (FROM sessions) TO 'out.parquet'", "--allow-files")

    assert outcome.code == 0, outcome.err
    assert (tmp_path / "out.parquet").read_bytes()[:4] == b"PAR1"


def test_days_are_chosen(run: Run, records: Path) -> None:
    sql = "SELECT count(*) AS n FROM sessions"

    some = run("query", sql, "--since", "2026-11-19", "--until", "2026-11-19", "--json")
    none = run("query", sql, "--until", "yesterday", "--since", "yesterday", "--json")

    assert some.json["rows"] == [{"n": 1}]
    assert none.json["rows"] == [{"n": 0}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "last week"), "--since last week is no day"),
        (("--since", "2026-11-20", "--until", "2026-11-19"), "no day is both"),
        (("/no/such/place",), "no such file or directory"),
    ],
)
def test_wrong_usage_says_what_is_right(
    run: Run, records: Path, arguments: tuple[str, ...], words: str
) -> None:
    outcome = run("query", "SELECT 1", *arguments)

    assert outcome.code == 2
    assert words in outcome.err


def test_a_bad_object_is_named_and_not_fatal(run: Run, records: Path) -> None:
    write(records, name("bad"), b"<html>")
    write(records, "odd.jsonl", json.dumps(record("odd", mood="good")).encode())

    plain = run("query", "SELECT count(*) AS n FROM sessions", "--format", "jsonl")
    as_json = run("query", "SELECT count(*) AS n FROM sessions", "--json")

    assert (plain.code, plain.out) == (0, '{"n": 4}\n')
    assert f"left out {name('bad')}:1: not JSON" in plain.err
    assert "in 1 record: mood: a field that schema 1.0 does not know" in plain.err
    assert as_json.err == ""
    named = {each["name"]: each["severity"] for each in as_json.json["problems"]}
    assert named == {name("bad"): "error", "odd.jsonl": "warning"}


def test_a_bucket_is_where_the_settings_say(run: Run, account: Account, tmp_path: Path) -> None:
    """And what was fetched once is not fetched again."""
    upload(account.server, account.bucket, record("a"), record("b"))
    cache = tmp_path / "cache"
    variables = {**account.variables, "XDG_CACHE_HOME": str(cache), "HOME": str(tmp_path)}

    first = run("query", "SELECT count(*) AS n FROM sessions", "--json", **variables)
    kept = [each for each in tmp_path.rglob("*.gz") if "livekit-analytics" in str(each)]
    run("query", "SELECT 1", "--no-cache", "--json", **{**variables, "XDG_CACHE_HOME": "none"})

    assert first.json["rows"] == [{"n": 2}]
    assert len(kept) == 2
    assert not (tmp_path / "none").exists()


def test_what_a_terminal_would_obey_is_not_printed(run: Run, records: Path) -> None:
    outcome = run("query", "SELECT 'a' || chr(27) || '[31mred' || chr(8238) AS \"x\" ")

    assert "\x1b" not in outcome.out
    assert "\u202e" not in outcome.out
    assert "a\N{REPLACEMENT CHARACTER}[31mred" in outcome.out
