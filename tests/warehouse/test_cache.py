"""What is asked of a bucket again, and what this machine has kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.warehouse.cache import Cache
from livekit_plugins_analytics.warehouse.lake import Lake, Loaded

from .conftest import Store
from .samples import name, record, requests, upload


def loaded(where: Store, cache: Path | None) -> tuple[Loaded, list[tuple[Any, ...]], int]:
    """What came, the outcomes, and how many objects were asked for."""
    before = len(requests(where.server, where.bucket))
    with Lake.open(where.path, cache=cache) as lake:
        done = lake.load()
        found = lake.connection.execute("SELECT session_id, outcome FROM sessions ORDER BY 1")
        outcomes = found.fetchall()
    asked = requests(where.server, where.bucket)[before:]
    return done, outcomes, sum("list-type" not in each for each in asked)


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def test_an_object_is_fetched_once(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, *(record(f"s{n}") for n in range(5)))

    first = loaded(store3, tmp_path)
    second = loaded(store3, tmp_path)

    assert (first[0].cached, first[2]) == (0, 5)
    assert (second[0].cached, second[2]) == (5, 0)
    assert first[1] == second[1]


def test_a_changed_object_is_never_served(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a", outcome="fail"), record("b"))
    loaded(store3, tmp_path)
    upload(store3.server, store3.bucket, record("a", outcome="good"))  # as long as before

    done, outcomes, fetched = loaded(store3, tmp_path)

    assert outcomes == [("a", "good"), ("b", None)]
    assert (done.cached, fetched) == (1, 1)


def test_without_a_cache_nothing_is_kept(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))

    assert [loaded(store3, None)[2] for _ in range(2)] == [1, 1]
    assert files(tmp_path) == []


def test_objects_of_one_name_and_content_in_two_buckets_are_two(
    store3: Store, tmp_path: Path
) -> None:
    upload(store3.server, store3.bucket, record("a"))
    loaded(store3, tmp_path)
    other = Store(store3.server, store3.bucket + "-2")
    store3.server.create_bucket(other.bucket)
    upload(store3.server, other.bucket, record("a"))

    assert loaded(other, tmp_path)[2] == 1


def test_a_damaged_file_is_fetched_again(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))
    loaded(store3, tmp_path)
    (kept,) = files(tmp_path)
    kept.write_bytes(kept.read_bytes()[:-1])

    done, outcomes, fetched = loaded(store3, tmp_path)

    assert (done.cached, done.left_out, fetched) == (0, 0, 1)
    assert outcomes == [("a", None)]


def test_a_folder_that_takes_nothing_is_no_failure(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))
    (tmp_path / "file").write_bytes(b"")

    done, outcomes, _ = loaded(store3, tmp_path / "file" / "cache")

    assert (done.left_out, outcomes) == (0, [("a", None)])


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_the_cache_is_for_this_user_only(store3: Store, tmp_path: Path) -> None:
    upload(store3.server, store3.bucket, record("a"))
    loaded(store3, tmp_path / "cache")

    (kept,) = files(tmp_path / "cache")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=250)
    for number in range(3):
        path = cache.put("place", f"{number}.gz", "etag", b"x" * 100)
        assert path
        os.utime(path, (number, number))
    assert cache.get("place", "0.gz", "etag", 100)  # used again

    cache.trim()

    kept = [bool(cache.get("place", f"{number}.gz", "etag", 100)) for number in range(3)]
    assert kept == [True, False, True]


def test_the_parts_of_a_key_do_not_run_into_each_other(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("a", "bc", "d", b"1")

    assert cache.get("ab", "c", "d", 1) is None
    assert cache.get("a", "b", "cd", 1) is None
    assert cache.get("a", "bc", "d", 1) == b"1"


def test_names_from_a_bucket_stay_in_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")

    path = cache.put("place", "../../" + name("../x"), "..", b"1")

    assert path
    assert path.resolve().is_relative_to((tmp_path / "cache").resolve())
