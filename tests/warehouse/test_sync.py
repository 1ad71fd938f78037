"""A bucket copied to a folder: what is copied, and what never becomes a file."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from livekit_plugins_analytics.warehouse.listing import source
from livekit_plugins_analytics.warehouse.partition import Span
from livekit_plugins_analytics.warehouse.sync import Synced, sync, unsafe

from .conftest import Store
from .samples import body, name, record, requests, upload, write

ALL = Span()


def synced(
    where: Store, folder: Path, span: Span = ALL, *, delete: bool = False, dry_run: bool = False
) -> tuple[Synced, int]:
    """What was done, and how many objects were asked for."""
    before = len(requests(where.server, where.bucket))
    done = sync(source(where.path), folder, span, delete=delete, dry_run=dry_run)
    asked = requests(where.server, where.bucket)[before:]
    return done, sum("list-type" not in each for each in asked)


def names(folder: Path) -> list[str]:
    return sorted(
        each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()
    )


def test_only_what_changed_is_copied(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, *(record(f"s{n}") for n in range(4)))
    assert synced(store3, tmp_path) == (Synced(copied=4, bytes=_size(tmp_path)), 4)

    assert synced(store3, tmp_path) == (Synced(unchanged=4), 0)

    changed = record("s2", outcome="success")
    upload(store3.server, store3.bucket, changed, record("new"))
    done, fetched = synced(store3, tmp_path)
    assert (done.copied, done.unchanged, fetched) == (2, 3, 2)
    assert (tmp_path / name("s2")).read_bytes() == body(changed)


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def test_everything_below_is_copied_under_its_own_name(store3: Store, tmp_path: Path) -> None:
    """Records or not: transcripts, notes, hidden names."""
    keys = ["transcripts/a.txt", "_SUCCESS", ".notes", "deep/er/x.parquet"]
    for key in keys:
        store3.server.s3().put_object(
            Bucket=store3.bucket, Key=f"sessions/{key}", Body=key.encode()
        )

    synced(store3, tmp_path)

    assert names(tmp_path) == sorted(keys)
    assert all((tmp_path / key).read_bytes() == key.encode() for key in keys)


def test_days_can_be_chosen(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, *(record(f"s{n}", f"2026-11-0{n}") for n in (1, 2, 3)))

    synced(store3, tmp_path, Span(date(2026, 11, 2), date(2026, 11, 2)))

    assert names(tmp_path) == [name("s2", "2026-11-02")]


def test_nothing_is_deleted_unless_told(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))
    write(tmp_path, "mine.txt", b"")
    synced(store3, tmp_path)
    assert names(tmp_path) == ["mine.txt", name("a")]

    done, _ = synced(store3, tmp_path, delete=True, dry_run=True)
    assert done.deleted == ["mine.txt"]
    assert names(tmp_path) == ["mine.txt", name("a")]

    done, _ = synced(store3, tmp_path, delete=True)
    assert done.deleted == ["mine.txt"]
    assert names(tmp_path) == [name("a")]


def test_days_that_were_not_asked_for_are_not_deleted(store3: Store, tmp_path: Path) -> None:
    write(tmp_path, name("old", "2026-01-01"), b"")
    write(tmp_path, name("gone", "2026-11-02"), b"")
    upload(store3.server, store3.bucket, record("a", "2026-11-02"))

    done, _ = synced(store3, tmp_path, Span(date(2026, 11, 1)), delete=True)

    assert done.deleted == [name("gone", "2026-11-02")]
    assert (tmp_path / name("old", "2026-01-01")).exists()


def test_a_dry_run_writes_nothing(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))

    done, fetched = synced(store3, tmp_path, dry_run=True)

    assert (done.copied, done.bytes, fetched) == (1, len(body(record("a"))), 0)
    assert names(tmp_path) == []


def test_a_name_that_leads_elsewhere_is_named_and_the_rest_is_copied(
    store3: Store, tmp_path: Path
) -> None:
    s3 = store3.server.s3()
    s3.put_object(Bucket=store3.bucket, Key="sessions/a//../../../evil.json", Body=b"x")
    upload(store3.server, store3.bucket, record("good"))

    done, _ = synced(store3, tmp_path / "folder")

    assert [each.reason for each in done.problems] == ["its name is no path below the folder"]
    assert names(tmp_path) == ["folder/" + name("good")]


@pytest.mark.parametrize("path", ["../a", "a/../b", "/a", "a//b", ".", "a\\..\\b", "C:x", "a\0b"])
def test_no_such_name_becomes_a_file(path: str) -> None:
    assert unsafe(path)


@pytest.mark.parametrize("path", ["a", "a/b.json.gz", "year=2026/..a", "_a/.b"])
def test_such_a_name_does(path: str) -> None:
    assert unsafe(path) is None


def test_an_object_where_a_folder_is_wanted_is_named(store3: Store, tmp_path: Path) -> None:
    write(tmp_path, "a", b"a file")
    for key in ("sessions/a/b.json", "sessions/c.json"):
        store3.server.s3().put_object(Bucket=store3.bucket, Key=key, Body=b"x")

    done, _ = synced(store3, tmp_path)

    assert [(each.name, each.line) for each in done.problems] == [("a/b.json", None)]
    assert names(tmp_path) == ["a", "c.json"]
    assert done.copied == 1


def test_what_could_not_be_listed_is_not_deleted(store3: Store, tmp_path: Path) -> None:
    write(tmp_path, "mine.txt", b"")
    store3.server.s3().put_object(Bucket=store3.bucket, Key="sessions/../up", Body=b"x")

    done, _ = synced(store3, tmp_path, delete=True)

    assert done.problems
    assert names(tmp_path) == ["mine.txt"]


def test_a_file_has_the_time_of_its_object(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))
    synced(store3, tmp_path)
    path = tmp_path / name("a")
    head = store3.server.s3().head_object(Bucket=store3.bucket, Key=f"sessions/{name('a')}")
    assert int(path.stat().st_mtime) == int(head["LastModified"].timestamp())

    os.utime(path)  # somebody has written it, with as many bytes
    os.utime(path, (1, 1))
    assert synced(store3, tmp_path)[0].copied == 1
