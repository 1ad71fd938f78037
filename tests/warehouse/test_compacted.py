"""Compacted Parquet beside the records: read first, and the records only that are not in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from livekit_plugins_analytics.warehouse.compacted import beside
from livekit_plugins_analytics.warehouse.lake import Lake, Loaded
from livekit_plugins_analytics.warehouse.listing import LakeError
from livekit_plugins_analytics.warehouse.manifest import NAME, Entry, Manifest, Part

from .conftest import Store
from .samples import record, requests, store, upload

FOLDER = "year=2026/month=11/day=20"
CALLS = [record("a", outcome="old"), record("b"), record("c")]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder with the records of three calls, and beside it their Parquet."""
    root = tmp_path / "lake" / "sessions"
    store(root, *CALLS)
    compact(root, tmp_path / "lake" / "parquet" / FOLDER)
    return root


def compact(
    root: Path, folder: Path, columns: str = "* EXCLUDE (object, line, year, month, day)"
) -> None:
    """As ``compact`` does it: a part and a manifest of all objects."""
    folder.mkdir(parents=True)
    part = folder / "part-0123456789ab-00000.parquet"
    with Lake.open(str(root), parquet=str(root)) as lake:
        done = lake.load()
        lake.connection.execute(
            f"COPY (SELECT {columns}, NULL::VARCHAR AS extra FROM records) TO '{part}'"
        )
    entries = {}
    for file in root.rglob("*.json.gz"):
        path, state = file.relative_to(root).as_posix(), file.stat()
        written = datetime.fromtimestamp(state.st_mtime, timezone.utc)
        version = f"{written.isoformat()} {state.st_size}"
        entries[path] = Entry(path, version, state.st_size, rows=1)
    parts = [Part(part.name, done.records, part.stat().st_size)]
    manifest = Manifest(date(2026, 11, 20), str(root), parts, entries)
    (folder / NAME).write_bytes(manifest.packed())


@contextmanager
def loaded(path: Path | str, **options: Any) -> Iterator[tuple[Lake, Loaded]]:
    with Lake.open(str(path), **options) as lake:
        yield lake, lake.load()


def outcomes(lake: Lake) -> list[tuple[Any, ...]]:
    return lake.connection.execute("SELECT session_id, outcome FROM sessions ORDER BY 1").fetchall()


def test_what_is_in_the_parquet_is_not_read_again(lake: Path) -> None:
    with loaded(lake) as (found, done):
        assert (done.objects, done.parquet, done.records, done.sessions) == (0, 1, 3, 3)
        assert outcomes(found) == [("a", "old"), ("b", None), ("c", None)]


def test_tables_are_the_same_with_and_without(lake: Path, tmp_path: Path) -> None:
    sql = "SELECT * EXCLUDE (object, line) FROM sessions ORDER BY session_id"
    store(tmp_path / "alone", *CALLS)

    with loaded(lake) as (found, _), loaded(tmp_path / "alone") as (alone, _):
        first, second = (each.connection.execute(sql) for each in (found, alone))
        assert [each[:2] for each in first.description] == [each[:2] for each in second.description]
        assert first.fetchall() == second.fetchall()
        assert found.connection.execute("SELECT count(*) FROM tool_calls").fetchall() == [(3,)]


def test_what_is_new_or_has_changed_is_read_as_well(lake: Path) -> None:
    store(lake, record("a", outcome="new", revision=2), record("d"))

    with loaded(lake) as (found, done):
        assert (done.objects, done.records, done.sessions) == (2, 5, 4)
        assert outcomes(found) == [("a", "new"), ("b", None), ("c", None), ("d", None)]


def test_records_that_are_gone_are_still_in_the_parquet(lake: Path) -> None:
    for each in lake.rglob("*.gz"):
        each.unlink()

    with loaded(lake) as (found, done):
        assert (done.objects, done.sessions) == (0, 3)


@pytest.mark.parametrize(
    "path", ["lake", "lake/parquet", "lake/parquet/year=2026", "lake/parquet/" + FOLDER]
)
def test_parquet_below_the_path_is_found(lake: Path, tmp_path: Path, path: str) -> None:
    with loaded(tmp_path / path) as (found, done):
        assert (done.objects, done.parquet, done.sessions) == (0, 1, 3)


def test_parquet_elsewhere_is_named(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "lake" / "parquet").rename(tmp_path / "elsewhere")

    with loaded(lake) as (_, without), loaded(lake, parquet=str(tmp_path / "elsewhere")) as (_, of):
        assert (without.objects, without.parquet) == (3, 0)
        assert (of.objects, of.parquet) == (0, 1)
    with (
        pytest.raises(LakeError, match="no such file"),
        loaded(lake, parquet=str(tmp_path / "nowhere")),
    ):
        pass


def test_days_are_chosen_in_parquet_too(lake: Path) -> None:
    with loaded(lake, since=date(2026, 11, 21)) as (_, after):
        assert after.sessions == 0
    with loaded(lake, until=date(2026, 11, 20)) as (_, until):
        assert (until.objects, until.sessions) == (0, 3)


def test_a_day_without_all_of_its_parts_is_read_from_its_records(lake: Path) -> None:
    folder = lake.parent / "parquet" / FOLDER
    for each in folder.glob("*.parquet"):
        each.unlink()

    with loaded(lake) as (found, done):
        assert (done.objects, done.parquet, done.sessions) == (3, 0, 3)
        (problem,) = found.problems
        assert problem.severity == "warning"
        assert problem.reason == "the parts are not those of the manifest: compact it again"


def test_parts_of_an_unfinished_run_are_no_rows(lake: Path) -> None:
    folder = lake.parent / "parquet" / FOLDER
    (part,) = folder.glob("*.parquet")
    (folder / "part-ffffffffffff-00000.parquet").write_bytes(part.read_bytes())

    with loaded(lake) as (_, done):
        assert (done.parquet, done.records) == (1, 3)


def test_a_damaged_part_is_named_and_the_records_are_read(lake: Path) -> None:
    (part,) = (lake.parent / "parquet" / FOLDER).glob("*.parquet")
    part.write_bytes(b"x" * part.stat().st_size)

    with loaded(lake) as (found, done):
        assert (done.objects, done.parquet, done.sessions) == (3, 0, 3)
        assert [(each.name, each.reason) for each in found.problems] == [
            (f"{FOLDER}/{part.name}", "no Parquet that can be read")
        ]


def test_a_manifest_of_another_kind_is_named_and_each_call_is_there_once(lake: Path) -> None:
    (lake.parent / "parquet" / FOLDER / NAME).write_bytes(b"{}")

    with loaded(lake) as (found, done):
        assert (done.objects, done.parquet, done.records, done.sessions) == (3, 1, 6, 3)
        assert found.problems[0].reason == "no manifest that this version can read"


def test_parquet_of_an_older_schema_lacks_what_it_did_not_know(tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    store(root, *CALLS)
    columns = (
        "session_id, start_time, outcome, revision, "
        "{'user_turns': 7::INTEGER, 'gone': 'x'} AS metrics_summary"
    )
    compact(root, tmp_path / "parquet" / FOLDER, columns)
    store(root, record("d"))

    with loaded(root) as (found, done):
        assert (done.objects, found.problems) == (1, [])
        rows = found.connection.execute(
            "SELECT session_id, metrics_summary.user_turns, duration_seconds, year FROM sessions "
            "ORDER BY 1"
        ).fetchall()
        assert rows == [
            ("a", 7, None, 2026),
            ("b", 7, None, 2026),
            ("c", 7, None, 2026),
            ("d", 0, 60.0, 2026),
        ]


def test_parquet_that_holds_no_records_is_named(tmp_path: Path) -> None:
    store(tmp_path / "sessions", *CALLS)
    (tmp_path / "parquet").mkdir()
    duckdb.sql("SELECT 1 AS one").write_parquet(str(tmp_path / "parquet" / "other.parquet"))

    with loaded(tmp_path / "sessions") as (found, done):
        assert done.sessions == 3
        assert found.problems[0].reason == "Parquet without session_id and start_time"


def test_locked_sql_reads_the_parquet_and_no_other_file(lake: Path) -> None:
    (part,) = (lake.parent / "parquet" / FOLDER).glob("*.parquet")
    other = part.with_name("other.parquet.bak")
    other.write_bytes(part.read_bytes())

    with loaded(lake) as (found, _):
        found.lock()
        assert outcomes(found)
        with pytest.raises(duckdb.Error):
            found.connection.execute(f"SELECT * FROM read_parquet('{other}')")


def test_parquet_of_a_bucket_is_fetched_once(store3: Store, lake: Path, tmp_path: Path) -> None:
    """And the objects in its manifest never, since their ETags are still the same."""
    upload(store3.server, store3.bucket, *CALLS)
    s3 = store3.server.s3()
    etags = {
        item["Key"].removeprefix("sessions/"): item["ETag"]
        for item in s3.list_objects_v2(Bucket=store3.bucket)["Contents"]
    }
    (part,) = (lake.parent / "parquet" / FOLDER).glob("*.parquet")
    entries = {path: Entry(path, etag, 1, rows=1) for path, etag in etags.items()}
    parts = [Part(part.name, 3, part.stat().st_size)]
    manifest = Manifest(date(2026, 11, 20), store3.path, parts, entries)
    for last, content in ((part.name, part.read_bytes()), (NAME, manifest.packed())):
        s3.put_object(Bucket=store3.bucket, Key=f"parquet/{FOLDER}/{last}", Body=content)
    upload(store3.server, store3.bucket, record("d"))
    cache = tmp_path / "cache"

    def fetched() -> list[str]:
        before = len(requests(store3.server, store3.bucket))
        with loaded(store3.path, cache=cache) as (found, done):
            assert (done.objects, done.parquet, done.sessions) == (1, 1, 4)
            found.lock()
            assert len(outcomes(found)) == 4
        asked = requests(store3.server, store3.bucket)[before:]
        return sorted(
            each.split()[1].rpartition("/")[2] for each in asked if "list-type" not in each
        )

    assert fetched() == sorted([NAME, part.name, "d.json.gz"])
    assert fetched() == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://acme/sessions/", "s3://acme/parquet/"),
        ("s3://acme/prod/sessions", "s3://acme/prod/parquet/"),
        ("s3://acme", None),
        ("s3://acme/", None),
        ("s3://acme/sessions/year=2026/", None),
        ("s3://acme/parquet/", None),
        ("analytics/sessions", "analytics/parquet/"),
        ("analytics", "parquet/"),
        ("/data/sessions/", "/data/parquet/"),
        ("one.json.gz", None),
    ],
)
def test_parquet_is_looked_for_beside(path: str, expected: str | None) -> None:
    assert beside(path) == expected


def test_nothing_is_left_of_parquet_that_was_fetched(
    store3: Store, lake: Path, tmp_path: Path
) -> None:
    (part,) = (lake.parent / "parquet" / FOLDER).glob("*.parquet")
    store3.server.s3().put_object(
        Bucket=store3.bucket, Key=f"sessions/{FOLDER}/{part.name}", Body=part.read_bytes()
    )
    script = (
        "import sys; from livekit_plugins_analytics.warehouse.lake import Lake\n"
        "with Lake.open(sys.argv[1]) as lake: print(lake.load().sessions)\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, store3.path],
        env={
            **store3.server.environment(),
            "TMPDIR": str(temporary),
            "PYTHONPATH": ":".join(sys.path),
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "3\n"
    assert list(temporary.iterdir()) == []
