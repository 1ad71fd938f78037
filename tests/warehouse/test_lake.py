"""Records as tables: what is in them, and what a bad object does."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.warehouse import fetching
from livekit_plugins_analytics.warehouse.lake import Lake, Loaded, Progress
from livekit_plugins_analytics.warehouse.listing import LakeError
from livekit_plugins_analytics.warehouse.views import names

from .conftest import Store
from .samples import DAY, body, name, record, store, text, upload, write


@contextmanager
def loaded(path: Path | str, **options: Any) -> Iterator[tuple[Lake, Loaded]]:
    with Lake.open(str(path), **options) as lake:
        yield lake, lake.load()


# Objects of which the last is not asked for before the first has been taken.
FAR = fetching.AHEAD + 2


def rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return lake.connection.execute(sql).fetchall()


def test_a_folder_and_a_bucket_give_the_same_tables(tmp_path: Path, store3: Store) -> None:
    calls = [record(f"s{n}", f"2026-11-{n + 1:02}", duration_seconds=n * 1.5) for n in range(20)]
    store(tmp_path, *calls)
    upload(store3.server, store3.bucket, *calls)
    sql = "SELECT * EXCLUDE (object) FROM sessions ORDER BY session_id"

    with loaded(tmp_path) as (folder, first), loaded(store3.path) as (bucket, second):
        assert rows(folder, sql) == rows(bucket, sql)
        assert first == second == Loaded(20, 0, 0, 20, 20, 0)
        assert folder.problems == bucket.problems == []


def test_columns_have_their_types_and_the_date_of_the_start(tmp_path: Path) -> None:
    store(tmp_path, record("s", "2026-02-03"))

    with loaded(tmp_path) as (lake, _):
        assert rows(
            lake,
            "SELECT start_time, duration_seconds, year, month, day, simulated, "
            "metrics_summary.total_input_tokens, estimated_cost, currency, object, line "
            "FROM sessions",
        ) == [
            (
                datetime(2026, 2, 3, 10),
                60.0,
                *(2026, 2, 3),
                False,
                1000,
                0.00021,
                "USD",
                name("s", "2026-02-03"),
                1,
            )
        ]


def test_sessions_hold_the_last_revision_and_records_every_one(tmp_path: Path) -> None:
    first, second = record("s", outcome="fail"), record("s", revision=2, outcome="success")
    write(tmp_path, "one.jsonl", text(second, record("t"), first))
    write(tmp_path, "two.jsonl.gz", body(first))

    with loaded(tmp_path) as (lake, done):
        assert (done.records, done.sessions) == (4, 2)
        assert rows(lake, "SELECT session_id, revision, outcome FROM sessions ORDER BY 1") == [
            ("s", 2, "success"),
            ("t", 1, None),
        ]
        assert rows(lake, "SELECT count(*) FROM tool_calls") == [(2,)]


def test_days_are_days_of_the_start_wherever_the_record_lies(tmp_path: Path) -> None:
    days = [record(f"s{n}", f"2026-11-{n:02}") for n in range(1, 10)]
    write(tmp_path, "flat.jsonl", text(*days))

    with loaded(tmp_path, since=date(2026, 11, 3), until=date(2026, 11, 5)) as (lake, done):
        assert done.records == 3
        assert rows(lake, "SELECT min(day), max(day) FROM sessions") == [(3, 5)]


def test_what_is_listed_in_a_call_has_a_row_each(tmp_path: Path) -> None:
    call = record(
        "s",
        signals=[
            {"name": "team_size", "value": 25, "status": "affirmed", "chosen": True},
            {"name": "tools", "value": ["api"], "status": "negated", "chosen": False},
        ],
        participants=[
            {"identity": "jo", "kind": "sip", "sip": {"phone_number": "+4930"}, "attributes": {}}
        ],
        conversation_notes=["one", "two"],
        transcript={
            "source": "session",
            "complete": True,
            "text": "hi",
            "items": [{"id": "1", "role": "user", "text": "hi", "at": f"{DAY}T10:00:01.000Z"}],
        },
    )
    store(tmp_path, call)

    with loaded(tmp_path) as (lake, _):
        assert rows(
            lake,
            "SELECT position, tool, status, duration_seconds, arguments ->> '$.email', "
            "annotations ->> '$.meeting_booked' FROM tool_calls",
        ) == [(1, "book", "done", 1.5, "jo@acme.com", "true")]
        assert rows(lake, "SELECT position, name, value, chosen FROM signals ORDER BY 1") == [
            (1, "team_size", "25", True),
            (2, "tools", '["api"]', False),
        ]
        assert rows(lake, "SELECT name, value FROM discovered ORDER BY 1") == [
            ("integration_needs", '["api","slack"]'),
            ("team_size", "25"),
        ]
        assert rows(lake, "SELECT identity, sip_phone_number FROM participants") == [
            ("jo", "+4930")
        ]
        assert rows(lake, "SELECT value FROM conversation_notes ORDER BY position") == [
            ("one",),
            ("two",),
        ]
        assert rows(lake, "SELECT role, text, happened_at FROM transcript_items") == [
            ("user", "hi", datetime(2026, 11, 20, 10, 0, 1))
        ]
        assert rows(lake, "SELECT unit, amount FROM costs ORDER BY unit") == [
            ("input_token", 0.00015),
            ("output_token", 0.00006),
        ]
        assert rows(lake, "SELECT count(*), sum(num) FROM latencies") == [(6, 0)]
        assert rows(lake, "SELECT total_output_tokens FROM metrics") == [(100,)]


@pytest.mark.parametrize("view", names())
def test_columns_of_views_can_be_named_plainly(tmp_path: Path, view: str) -> None:
    with loaded(tmp_path) as (lake, done):
        assert done == Loaded(0, 0, 0, 0, 0, 0)
        columns = [each for (each, *_) in rows(lake, f"DESCRIBE {view}")]

        # Unquoted: no column is a word that SQL keeps for itself.
        assert rows(lake, f"SELECT {', '.join(columns)} FROM {view}") == []


def _spaced(count: int) -> bytes:
    return body(record("big", custom={"padding": "x" * count}))


BAD: dict[str, tuple[bytes, int | None, str]] = {
    "truncated": (body(record("x"))[:-40], 1, "truncated gzip"),
    "not gzip": (b"\x1f\x8bno gzip", 1, "damaged gzip"),
    "not JSON": (b"<html>", 1, "not JSON"),
    "half a line": (text(record("x"))[:900], 1, "not JSON"),
    "two documents a line": (
        text(record("x"))[:-1] + text(record("y")),
        1,
        "two JSON documents on one line",
    ),
    "second line": (text(record("keep")) + b"{]\n" + text(record("keep2")), 2, "not JSON"),
    "empty": (b"", None, "empty"),
    "empty gzip": (gzip.compress(b""), None, "empty"),
    "no record": (b'{"hello": "world"}', 1, "no session record"),
    "an array": (b"[]", 1, "no session record"),
    "not text": (b"\x00\xff\xfe\x01", 1, "not JSON"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_object_is_named_by_line_and_the_rest_is_there(tmp_path: Path, kind: str) -> None:
    content, line, reason = BAD[kind]
    store(tmp_path, record("before"), record("zafter"))
    bad = name("middle")
    write(tmp_path, bad, content)

    with loaded(tmp_path) as (lake, done):
        (problem,) = lake.problems
        assert (problem.name, problem.line, problem.severity) == (bad, line, "error")
        assert problem.reason.startswith(reason)
        assert done.left_out == 1
        found = {each for (each,) in rows(lake, "SELECT session_id FROM sessions")}
        assert found >= {"before", "zafter"}
        assert found - {"before", "zafter"} == (
            {"keep", "keep2"} if kind == "second line" else set()
        )


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "an older schema": ({"schema_version": "0.9", "mood": 1}, "mood: a field that schema"),
    "a newer schema": ({"schema_version": "1.9", "mood": 1}, "mood: a field that schema"),
    "the next schema": ({"schema_version": "2.0"}, "schema 2.0 is not checked"),
    "an unknown field": ({"mood": "good"}, "mood: a field that schema 1.0 does not know"),
    "text for a number": ({"close_reason": 5}, "close_reason: should be a valid string"),
    "a list for an object": ({"latency": []}, "latency: should be an object"),
    "a wrong number in an object": (
        {"metrics_summary": {"user_turns": {}}},
        "metrics_summary.user_turns: should be a valid integer",
    ),
    "an object for a list": ({"tags": {"a": 1}}, "tags: should be a valid array"),
    "no time": ({"closed_at": "tomorrow"}, "closed_at: should be a valid datetime"),
    "more than 64 bits": (
        {"metrics_summary": {"user_turns": 10**25}},
        "a value does not fit its column",
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_record_is_named_and_there_with_what_can_be_read(tmp_path: Path, kind: str) -> None:
    changes, reason = ODD[kind]
    store(tmp_path, record("plain"), record("odd", **changes))

    with loaded(tmp_path) as (lake, done):
        assert done.records == 2
        assert [(each.name, each.line, each.severity) for each in lake.problems] == [
            (name("odd"), 1, "warning")
        ]
        assert lake.problems[0].reason.startswith(reason)
        assert rows(
            lake, "SELECT session_id, duration_seconds FROM sessions ORDER BY session_id"
        ) == [("odd", 60.0), ("plain", 60.0)]


def test_a_wrong_type_is_null_and_its_neighbours_are_not(tmp_path: Path) -> None:
    wrong = record("s", metrics_summary={"user_turns": "many", "agent_turns": 7}, closed_at="x")
    store(tmp_path, wrong)

    with loaded(tmp_path) as (lake, _):
        assert rows(
            lake,
            "SELECT metrics_summary.user_turns, metrics_summary.agent_turns, closed_at, end_time "
            "FROM sessions",
        ) == [(None, 7, None, datetime(2026, 11, 20, 10, 1))]
        assert len(lake.problems) == 2


def test_a_record_of_fifty_megabytes_is_read(tmp_path: Path) -> None:
    store(tmp_path, record("small"), record("big", custom={"padding": "x" * (50 << 20)}))

    with loaded(tmp_path) as (lake, done):
        assert (done.records, lake.problems) == (2, [])
        assert rows(
            lake, "SELECT session_id, length(custom) > 50_000_000 FROM sessions ORDER BY 1"
        ) == [("big", True), ("small", False)]


def test_two_gzip_members_are_two_records(tmp_path: Path) -> None:
    """As Firehose and `cat` make them."""
    write(tmp_path, "two.gz", body(record("a")) + body(record("b")))

    with loaded(tmp_path) as (lake, done):
        assert (done.objects, done.records, lake.problems) == (1, 2, [])
        assert rows(lake, "SELECT session_id, line FROM records ORDER BY 1") == [("a", 1), ("b", 2)]


def test_an_object_that_cannot_be_read_is_named(store3: Store) -> None:
    """It is deleted between the listing and the reading."""
    upload(store3.server, store3.bucket, *(record(f"s{n:03}") for n in range(FAR)))
    last = name(f"s{FAR - 1:03}")

    def on_progress(progress: Progress) -> None:
        if progress == Progress("reading", 0, FAR):
            store3.server.s3().delete_object(Bucket=store3.bucket, Key=f"sessions/{last}")

    with Lake.open(store3.path) as lake:
        done = lake.load(on_progress)

        assert done.records == FAR - 1
        (problem,) = lake.problems
        assert (problem.name, problem.severity) == (last, "error")
        assert problem.reason == "NoSuchKey: it has been deleted meanwhile"


def test_progress_comes_to_its_end(tmp_path: Path) -> None:
    store(tmp_path, *(record(f"s{n}") for n in range(5)))
    seen: list[Progress] = []

    with Lake.open(str(tmp_path)) as lake:
        lake.load(seen.append)

    assert seen[0] == Progress("listing")
    assert seen[-1] == Progress("indexing", 5, 5)


def test_nothing_stays_on_the_disk(tmp_path: Path) -> None:
    store(tmp_path / "records", record("s"))
    script = (
        "import sys, tempfile\n"
        "from livekit_plugins_analytics.warehouse.lake import Lake\n"
        "lake = Lake.open(sys.argv[1]); lake.load()\n"
        "print(lake.connection.execute('SELECT count(*) FROM sessions').fetchone()[0])\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "records")],
        env={"TMPDIR": str(temporary), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "1\n"
    assert list(temporary.iterdir()) == []


_COUNTING = """
import collections, json, os, sys
from livekit_plugins_analytics.warehouse import fetching
from livekit_plugins_analytics.warehouse.lake import Lake

root, seen = sys.argv[1], []

def hook(event, arguments):
    if event in ("open", "os.scandir") and str(arguments[0]).startswith(root):
        seen.append(event)  # by several threads at a time: a counter would lose some

with Lake.open(root) as lake:
    sys.addaudithook(hook)
    done = lake.load()
    rows = lake.connection.execute("SELECT count(*), sum(duration_seconds) FROM sessions")
    print(json.dumps([collections.Counter(seen), done.records, rows.fetchone()]))
"""


def test_five_thousand_small_files_are_opened_once_each(tmp_path: Path) -> None:
    """And their 50 folders are listed once each, with the three above them and the root."""
    for number in range(5000):
        day = f"2026-{number % 50 // 25 + 1:02}-{number % 25 + 1:02}"
        write(tmp_path, name(f"s{number}", day), text(record(f"s{number}", day)))

    done = subprocess.run(
        [sys.executable, "-c", _COUNTING, str(tmp_path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    counts, records, sums = json.loads(done.stdout)
    assert counts == {"open": 5000, "os.scandir": 1 + 1 + 2 + 50}
    assert (records, sums) == (5000, [5000, 300000.0])


ESCAPES: list[Callable[[Path], str]] = [
    lambda secret: f"SELECT * FROM '{secret}'",
    lambda secret: f"SELECT * FROM read_text('{secret}')",
    lambda secret: f"SELECT * FROM read_csv('{secret}')",
    lambda secret: f"SELECT * FROM glob('{secret.parent}/*')",
    lambda secret: f"COPY (SELECT 1) TO '{secret}'",
    lambda secret: f"ATTACH '{secret.parent}/new.db' AS new",
    lambda secret: f"EXPORT DATABASE '{secret.parent}/export'",
    lambda secret: f"SELECT * FROM query('FROM read_text(''{secret}'')')",
    lambda secret: "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    lambda secret: "INSTALL httpfs",
    lambda secret: "LOAD httpfs",
    lambda secret: "SET enable_external_access = true",
    lambda secret: "RESET enable_external_access",
    lambda secret: "SET lock_configuration = false",
    lambda secret: f"SET allowed_paths = ['{secret}']",
    lambda secret: "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    lambda secret: "SELECT * FROM python_variable",
]


@pytest.mark.parametrize("number", range(len(ESCAPES)))
def test_sql_reaches_nothing_but_the_records(tmp_path: Path, number: int) -> None:
    import duckdb

    python_variable = [1]
    secret = write(tmp_path, "secret/secret.csv", b"a,b\n1,2\n")
    store(tmp_path / "records", record("s"))

    with loaded(tmp_path / "records") as (lake, _):
        lake.lock()

        with pytest.raises(duckdb.Error):
            rows(lake, ESCAPES[number](secret))
        assert rows(lake, "SELECT count(*) FROM sessions") == [(1,)]

    assert python_variable == [1]
    assert secret.read_bytes() == b"a,b\n1,2\n"
    assert [each.name for each in secret.parent.iterdir() if each.is_file()] == ["secret.csv"]


def test_sql_may_read_files_where_that_is_allowed(tmp_path: Path) -> None:
    other = write(tmp_path, "other.csv", b"session_id,owner\ns,jo\n")
    store(tmp_path / "records", record("s"))

    with loaded(tmp_path / "records") as (lake, _):
        lake.lock(allow_files=True)

        sql = f"SELECT owner FROM sessions JOIN '{other}' USING (session_id)"
        assert rows(lake, sql) == [("jo",)]


def test_without_duckdb_the_extra_is_named(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['duckdb'] = None\n"
        "from livekit_plugins_analytics.warehouse.lake import Lake\n"
        "from livekit_plugins_analytics.warehouse.listing import LakeError\n"
        "try: Lake.open('.')\n"
        "except LakeError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "pip install 'livekit-plugins-analytics[data]'" in done.stdout


def test_a_place_without_credentials_says_which(
    store3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(LakeError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        Lake.open(store3.path)
