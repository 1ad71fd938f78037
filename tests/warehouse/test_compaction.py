"""Days of small files to Parquet: nothing lost, nothing twice, everything odd named."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from livekit_plugins_analytics.warehouse.compaction import (
    Compaction,
    Options,
    Progress,
    compact,
)
from livekit_plugins_analytics.warehouse.manifest import NAME, unpacked
from livekit_plugins_analytics.warehouse.objects import LakeError
from tests.cli.conftest import environment

from .records import key, packed, put, record, stored

FIRST, SECOND = "2026-11-01", "2026-11-02"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where records are."""
    return tmp_path / "records"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where Parquet goes."""
    return tmp_path / "lake"


def rows(there: Path, sql: str = "session_id", tail: str = "ORDER BY ALL") -> list[Any]:
    """What a reader gets; of a single column the values."""
    found = duckdb.connect().sql(
        f"SELECT {sql} FROM read_parquet('{there}/**/*.parquet', hive_types = "
        f"{{'year': INT, 'month': INT, 'day': INT}}) {tail}"
    )
    return [row[0] if len(row) == 1 else row for row in found.fetchall()]


def reasons(made: Compaction) -> list[tuple[str, int | None, str]]:
    """Name, line and reason of what was wrong."""
    return [(Path(each.name).name, each.line, each.reason) for each in made.problems]


def parts(there: Path) -> dict[str, int]:
    """Each Parquet file and when it was written."""
    return {str(p.relative_to(there)): p.stat().st_mtime_ns for p in there.rglob("*.parquet")}


def test_a_day_becomes_a_partition_of_typed_columns(here: Path, there: Path) -> None:
    for number in range(5):
        stored(here, f"a{number}", FIRST, duration_seconds=number + 0.5, custom={"n": number})
    stored(here, "b", SECOND, consent_timestamp="2026-11-02T10:00:01.250Z")

    made = compact(str(here), str(there))

    assert made.ok and made.problems == []
    assert [(d.day, d.how, d.objects, d.rows) for d in made.partitions] == [
        (date(2026, 11, 1), "written", 5, 5),
        (date(2026, 11, 2), "written", 1, 1),
    ]
    assert rows(there, "session_id, year, month, day, extra") == [
        *((f"a{n}", 2026, 11, 1, None) for n in range(5)),
        ("b", 2026, 11, 2, None),
    ]
    assert rows(there, "sum(duration_seconds)", "WHERE day = 1") == [12.5]
    assert rows(there, "custom", "WHERE session_id = 'a3'") == ['{"n":3}']
    assert rows(there, "metrics_summary.user_turns, tool_calls[1]", "WHERE day = 2") == [
        (record("x")["metrics_summary"]["user_turns"], _text(record("x")["tool_calls"][0]))
    ]
    assert rows(there, "consent_timestamp::VARCHAR, typeof(start_time)", "WHERE day = 2") == [
        ("2026-11-02 10:00:01.25", "TIMESTAMP")
    ]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_each_partition_says_what_it_was_made_of(here: Path, there: Path) -> None:
    stored(here, "a", FIRST)
    put(here, "two.json.gz", packed(record("b"), record("c")) + gzip.compress(b"nonsense\n"))

    compact(str(here), str(there))

    manifest = unpacked((there / key(NAME)).read_bytes())
    assert manifest
    assert (manifest.rows, manifest.source, manifest.originals_deleted) == (3, str(here), False)
    assert {Path(e.name).name: (e.rows, e.unreadable) for e in manifest.entries.values()} == {
        "a.json.gz": (1, 0),
        "two.json.gz": (2, 1),
    }
    assert [p.name for p in manifest.parts] == [Path(name).name for name in parts(there)]


def test_what_has_not_changed_is_not_done_again(here: Path, there: Path) -> None:
    stored(here, "a", FIRST)
    stored(here, "b", SECOND)
    compact(str(here), str(there))
    before = parts(there)

    stored(here, "c", SECOND)
    made = compact(str(here), str(there))

    assert [each.how for each in made.partitions] == ["unchanged", "written"]
    assert rows(there) == ["a", "b", "c"]
    after = parts(there)
    assert len(after) == 2  # what was replaced is gone
    assert len(before.items() & after.items()) == 1

    stored(here, "a", FIRST, revision=2)
    assert [d.how for d in compact(str(here), str(there)).partitions] == ["written", "unchanged"]
    assert rows(there, "session_id, revision") == [("a", 2), ("b", 1), ("c", 1)]

    again = compact(str(here), str(there), Options(again=True))
    assert [each.how for each in again.partitions] == ["written", "written"]
    assert rows(there) == ["a", "b", "c"]


def test_a_day_that_is_not_asked_for_is_left_alone(here: Path, there: Path) -> None:
    for day in ("2026-10-31", FIRST, SECOND):
        stored(here, day, day)

    compact(str(here), str(there), Options(since=date(2026, 11, 1), until=date(2026, 11, 1)))

    assert rows(there) == [FIRST]


def test_a_path_may_begin_below_the_year(here: Path, there: Path) -> None:
    stored(here, "a", FIRST)
    stored(here, "b", SECOND)

    compact(str(here / "year=2026" / "month=11" / "day=02"), str(there))

    assert rows(there, "session_id, year, month, day") == [("b", 2026, 11, 2)]


def test_folders_of_one_day_are_one_partition(here: Path, there: Path) -> None:
    stored(here / "eu", "a", FIRST)
    stored(here / "us", "b", FIRST)
    stored(here / "checkpoints", "c", FIRST)

    (done,) = compact(str(here), str(there)).partitions

    assert (done.rows, done.parts) == (2, 1)
    assert rows(there) == ["a", "b"]


BROKEN: dict[str, tuple[bytes, int, int | None, str]] = {
    # Content; rows that can be had of it; line; a word of the reason.
    "truncated.json.gz": (packed(record("x"), record("y"))[:-20], 1, 2, "truncated gzip"),
    "no-gzip.json.gz": (b"\x1f\x8bnonsense", 0, 1, "damaged gzip"),
    "no-json.json.gz": (gzip.compress(b"hello\n"), 0, 1, "not JSON"),
    "half.json.gz": (gzip.compress(json.dumps(record("x")).encode()[:-9]), 0, 1, "not JSON"),
    "two-a-line.json.gz": (
        gzip.compress(
            json.dumps(record("x")).encode() * 2 + b"\n" + json.dumps(record("y")).encode()
        ),
        1,
        1,
        "two JSON documents",
    ),
    "array.json": (b"[1, 2]\n", 0, 1, "no session record"),
    "other.json": (b'{"hello": 1}\n', 0, 1, "no session record"),
    "third-line.json.gz": (
        packed(record("x"), record("y")) + gzip.compress(b"{\n"),
        2,
        3,
        "not JSON",
    ),
    "nan.json": (b'{"session_id": "x", "duration_seconds": NaN}\n', 0, 1, "not JSON"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(
    here: Path, there: Path, name: str
) -> None:
    body, readable, at, reason = BROKEN[name]
    stored(here, "good", FIRST)
    put(here, name, body, FIRST)
    stored(here, "later", SECOND)

    made = compact(str(here), str(there))

    assert not made.ok and not made.failed
    errors = [each for each in made.problems if each.severity == "error"]
    assert [(Path(each.name).name, each.line) for each in errors] == [(name, at)]
    assert reason in errors[0].reason
    assert len(rows(there)) == 2 + readable
    assert {"good", "later"} <= set(rows(there))


def test_what_could_not_be_read_is_named_each_time(here: Path, there: Path) -> None:
    stored(here, "good")
    put(here, "bad.json.gz", b"\x1f\x8bnonsense")
    first = compact(str(here), str(there))

    again = compact(str(here), str(there))

    assert [each.how for each in again.partitions] == ["unchanged"]
    assert again.problems == first.problems and not again.ok


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that cannot be read by root")
def test_what_could_not_be_fetched_is_tried_again(here: Path, there: Path) -> None:
    stored(here, "good")
    (here / key("bad.json.gz")).symlink_to("/proc/self/mem")  # reading its beginning fails

    made = compact(str(here), str(there))
    assert [(name, line) for name, line, _ in reasons(made)] == [("bad.json.gz", None)]
    assert "cannot be read" in made.problems[0].reason and not made.ok
    assert rows(there) == ["good"]

    (here / key("bad.json.gz")).unlink()
    stored(here, "bad")
    assert compact(str(here), str(there)).ok
    assert rows(there) == ["bad", "good"]


def test_an_empty_object_is_named(here: Path, there: Path) -> None:
    stored(here, "good", FIRST)
    put(here, "empty.json.gz", b"", FIRST)

    made = compact(str(here), str(there))

    assert [(name, reason) for name, _, reason in reasons(made)] == [("empty.json.gz", "empty")]
    assert rows(there) == ["good"]


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"mood": {"a": [1]}}, {"mood": {"a": [1]}}),
        ({"privacy": {"redacted": True, "level": 3}}, {"privacy.level": 3}),
        ({"duration_seconds": "long"}, {"duration_seconds": "long"}),
        ({"revision": 1 << 70}, {"revision": 1 << 70}),
        ({"start_time": 17}, {"start_time": 17}),
        ({"tags": ["a", 5]}, {"tags[1]": 5}),
        ({"end_cause": "new_cause"}, None),  # a text is a text
    ],
)
def test_what_no_column_has_is_kept_as_text_and_named(
    here: Path, there: Path, changes: dict[str, Any], extra: dict[str, Any] | None
) -> None:
    stored(here, "odd", **changes)
    stored(here, "plain")

    made = compact(str(here), str(there))

    assert made.ok  # every record is there
    assert rows(there) == ["odd", "plain"]
    ((found,),) = [rows(there, "extra", "WHERE session_id = 'odd'")]
    assert (json.loads(found) if found else None) == extra
    assert rows(there, "extra", "WHERE session_id = 'plain'") == [None]
    if changes != {"revision": 1 << 70}:  # the schema takes it, only the column does not
        assert {(each.line, each.severity) for each in made.problems} == {(1, "warning")}


@pytest.mark.parametrize("version", ["0.9", "1.7", "2.0"])
def test_a_record_of_another_version_is_kept_and_named(
    here: Path, there: Path, version: str
) -> None:
    odd = record("odd", schema_version=version)
    del odd["trace_id"]
    put(here, "odd.json.gz", packed(odd))
    stored(here, "plain")

    made = compact(str(here), str(there))

    assert made.ok
    assert rows(there, "session_id, schema_version, trace_id") == [
        ("odd", version, None),
        ("plain", "1.0", record("x")["trace_id"]),
    ]
    assert ("odd.json.gz", 1, f"schema version {version}, not 1.0") in reasons(made)


def test_a_record_of_fifty_megabytes_is_one_of_many(here: Path, there: Path) -> None:
    for number in range(20):
        stored(here, f"a{number}")
    stored(here, "huge", conversation_notes=["x" * (50 << 20)])

    made = compact(str(here), str(there))

    assert made.ok and not made.problems
    assert rows(there, "max(length(conversation_notes[1])), count(*)") == [(50 << 20, 21)]


def test_too_little_memory_is_said_and_replaces_nothing(here: Path, there: Path) -> None:
    stored(here, "a")
    compact(str(here), str(there))
    before = parts(there)
    stored(here, "huge", conversation_notes=["x" * (50 << 20)])

    made = compact(str(here), str(there), Options(memory="128MB"))

    assert "--memory" in made.failed[date(2026, 11, 1)]
    assert parts(there) == before and rows(there) == ["a"]


def test_a_record_that_came_twice_is_one_row_and_each_revision_another(
    here: Path, there: Path
) -> None:
    put(here, "firehose-1.json.gz", packed(record("a"), record("b")))
    put(here, "firehose-2.json.gz", packed(record("a"), record("a", revision=2), record("b")))

    (done,) = compact(str(here), str(there)).partitions

    assert (done.rows, done.duplicates) == (3, 2)
    assert rows(there, "session_id, revision") == [("a", 1), ("a", 2), ("b", 1)]


def test_a_partition_can_have_many_files(here: Path, there: Path) -> None:
    for number in range(40):
        stored(here, f"a{number:02}")

    (done,) = compact(str(here), str(there), Options(part_bytes=50_000)).partitions

    assert done.parts == len(parts(there)) > 2
    assert rows(there) == [f"a{number:02}" for number in range(40)]


def test_originals_are_deleted_only_when_told_and_only_what_was_read(
    here: Path, there: Path
) -> None:
    good = stored(here, "good")
    bad = put(here, "bad.json.gz", packed(record("x"), record("y"))[:-20])
    compact(str(here), str(there))
    assert good.exists()

    (done,) = compact(str(here), str(there), Options(delete_originals=True)).partitions

    assert (done.how, done.deleted) == ("unchanged", 1)
    assert (good.exists(), bad.exists()) == (False, True)
    assert rows(there) == ["good", "x"]


def test_what_comes_after_the_originals_are_gone_is_added(here: Path, there: Path) -> None:
    stored(here, "a")
    compact(str(here), str(there), Options(delete_originals=True))
    assert compact(str(here), str(there)).partitions[0].how == "unchanged"
    stored(here, "late")

    (done,) = compact(str(here), str(there), Options(delete_originals=True)).partitions

    assert (done.how, done.rows, done.parts) == ("added", 2, 2)
    assert rows(there) == ["a", "late"]
    assert list(here.rglob("*.json.gz")) == []


def test_what_somebody_else_deleted_is_asked_about(here: Path, there: Path) -> None:
    stored(here, "a")
    stored(here, "b").touch()
    compact(str(here), str(there))
    before = parts(there)
    (here / key("b.json.gz")).unlink()

    made = compact(str(here), str(there))
    assert "--gone drop" in made.failed[date(2026, 11, 1)] and not made.ok
    assert parts(there) == before

    assert compact(str(here), str(there), Options(gone="keep")).partitions[0].how == "unchanged"
    assert rows(there) == ["a", "b"]
    assert compact(str(here), str(there), Options(gone="drop")).partitions[0].how == "written"
    assert rows(there) == ["a"]


def test_what_an_earlier_run_left_is_cleared_away(here: Path, there: Path) -> None:
    stored(here, "a")
    compact(str(here), str(there))
    (part,) = there.rglob("*.parquet")
    stray = part.with_name("part-000000000000-00000.parquet")
    shutil.copy(part, stray)
    half = part.with_name(".part-1.parquet.1.tmp")
    half.write_bytes(b"PAR1")

    (done,) = compact(str(here), str(there)).partitions

    assert done.how == "unchanged"
    assert not stray.exists() and not half.exists()
    assert rows(there) == ["a"]


def test_a_part_that_is_not_whole_any_more_is_made_again(here: Path, there: Path) -> None:
    stored(here, "a")
    compact(str(here), str(there))
    (part,) = there.rglob("*.parquet")
    part.unlink()

    assert compact(str(here), str(there)).partitions[0].how == "written"
    assert rows(there) == ["a"]


def test_a_partition_that_cannot_be_stored_does_not_stop_the_others(
    here: Path, there: Path
) -> None:
    stored(here, "a", FIRST)
    stored(here, "b", SECOND)
    there.joinpath(key("", FIRST)).parent.mkdir(parents=True)
    there.joinpath(key("", FIRST)).write_text("in the way")

    made = compact(str(here), str(there))

    assert list(made.failed) == [date(2026, 11, 1)] and not made.ok
    assert rows(there) == ["b"]


def test_what_is_in_no_partition_is_named(here: Path, there: Path) -> None:
    stored(here, "a")
    (here / "lost.json.gz").write_bytes(packed(record("lost")))
    put(here, "notes.txt", b"hello")

    made = compact(str(here), str(there))

    assert {(name, reason.partition(":")[0]) for name, _, reason in reasons(made)} == {
        ("lost.json.gz", "not below year=/month=/day="),
        ("notes.txt", "not named as records are"),
    }
    assert not made.ok
    assert rows(there) == ["a"]


def test_progress_counts_partitions_and_objects(here: Path, there: Path) -> None:
    for number in range(3):
        stored(here, f"a{number}", FIRST)
    stored(here, "b", SECOND)
    seen: list[Progress] = []

    compact(str(here), str(there), on_progress=seen.append)

    assert seen[0] == Progress(date(2026, 11, 1), 1, 2)
    assert Progress(date(2026, 11, 1), 1, 2, 3, 3) in seen
    assert seen[-1] == Progress(date(2026, 11, 2), 2, 2, 1, 1)


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (lambda here, there: compact(str(here / "none"), str(there)), "no such file"),
        (lambda here, there: compact(str(here), f"{here}/"), "another --to"),
        (lambda here, there: compact(str(here), str(there), Options(memory="lots")), "512MB"),
    ],
)
def test_what_cannot_begin_says_why(
    here: Path, there: Path, change: Callable[[Path, Path], Any], fix: str
) -> None:
    stored(here, "a")
    with pytest.raises(LakeError, match=fix):
        change(here, there)


def test_a_killed_run_goes_on_where_it_was(here: Path, there: Path, tmp_path: Path) -> None:
    days = [f"2026-11-{day:02}" for day in range(1, 9)]
    for day in days:
        for number in range(30):
            stored(here, f"{day}-{number}", day)
    second = there / key(NAME, days[1])
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "livekit_plugins_analytics.cli"),
            *("compact", str(here), "--to", str(there)),
        ],
        env=environment({"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not second.exists():
            assert process.poll() is None, "it ended before it could be killed"
            os.sched_yield()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished = [day for day in days if (there / key(NAME, day)).exists()]
    assert len(finished) < len(days), "it was too fast to be killed"
    before = parts(there)
    # Whatever is there by name is whole.
    assert len(rows(there)) == 30 * len(before)

    made = compact(str(here), str(there))

    assert made.ok
    assert [str(d.day) for d in made.partitions if d.how == "unchanged"] == finished
    assert len(rows(there)) == len(set(rows(there))) == 240
    kept = {
        name: at
        for name, at in before.items()
        if name.split("day=")[1][:2] in {day[-2:] for day in finished}
    }
    assert kept.items() <= parts(there).items()
