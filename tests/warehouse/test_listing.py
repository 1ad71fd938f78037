"""What is listed of a folder and of a bucket, and how often one asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from livekit_plugins_analytics.warehouse.listing import (
    LakeError,
    Object,
    newest_days,
    records,
    source,
)
from livekit_plugins_analytics.warehouse.partition import Span, dates
from livekit_plugins_analytics.warehouse.problem import Problem

from .conftest import Store
from .samples import body, name, record, requests, write

FIREHOSE = "calls-1-2026-11-21-00-00-10-0f1e2d3c-0a1b-4c5d-8e9f-0a1b2c3d4e5f.gz"

NAMES = [
    name("a", "2026-10-31"),
    name("b", "2026-11-01"),
    name("c", "2026-11-20"),
    name("d", "2026-11-21"),
    "year=2026/month=11/day=21/" + FIREHOSE,
    name("e", "2027-01-01"),
]

Put = Callable[[list[str]], str]


@pytest.fixture(params=["folder", "bucket"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Put:
    """Store objects of these names; returns the path of their root."""
    if request.param == "folder":

        def in_folder(names: list[str]) -> str:
            for each in names:
                write(tmp_path / "root", each, b"x")
            return str(tmp_path / "root")

        return in_folder
    where: Store = request.getfixturevalue("store3")

    def in_bucket(names: list[str]) -> str:
        for each in names:
            where.server.s3().put_object(Bucket=where.bucket, Key=f"root/{each}", Body=b"x")
        return f"s3://{where.bucket}/root"

    return in_bucket


def listed(path: str, since: date | None = None, until: date | None = None) -> list[str]:
    problems: list[Problem] = []
    found = [each.name for each in records(source(path), Span(since, until), problems)]
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, NAMES),
        (date(2026, 11, 1), date(2026, 11, 20), [NAMES[1], NAMES[2], NAMES[4]]),
        (date(2026, 11, 21), None, [NAMES[3], NAMES[4], NAMES[5]]),
        (None, date(2026, 10, 31), [NAMES[0]]),
        (date(2030, 1, 1), None, []),
    ],
)
def test_days_are_chosen_by_partition(
    put: Put, since: date | None, until: date | None, expected: list[str]
) -> None:
    """What Firehose filed a day later may have begun on the last day."""
    assert listed(put(NAMES), since, until) == sorted(expected)


def test_a_partition_can_be_the_root(put: Put) -> None:
    path = put(NAMES)

    assert listed(f"{path}/year=2026/month=10/") == ["day=31/a.json.gz"]


def test_one_object_can_be_the_root(put: Put) -> None:
    path = put([*NAMES, NAMES[0] + ".json"])

    assert listed(f"{path}/{NAMES[0]}") == ["a.json.gz"]


def test_what_is_beside_the_records_is_left_alone(put: Put) -> None:
    kept = ["sessions/" + NAMES[0], "loose.json", "more/x.jsonl.gz"]
    others = [
        "checkpoints/" + NAMES[0],
        "transcripts/" + NAMES[0],
        "analytics-probes/" + NAMES[0],
        "sessions/year=2026/month=10/day=31/.hidden.json.gz",
        "sessions/year=2026/month=10/day=31/_SUCCESS.json",
        "parquet/year=2026/month=10/day=31/part-0.parquet",
        "README.md",
    ]

    assert listed(put(kept + others)) == sorted(kept)


def test_a_prefix_is_a_folder_and_not_the_beginning_of_others(store3: Store) -> None:
    s3 = store3.server.s3()
    for key in ("sessions/a.json", "sessions-old/b.json"):
        s3.put_object(Bucket=store3.bucket, Key=key, Body=b"x")

    assert listed(f"s3://{store3.bucket}/sessions") == ["a.json"]


def test_only_the_days_asked_for_are_listed(store3: Store) -> None:
    """One request each for root, year and month, and one for each day and the day after."""
    for number in range(1, 29):
        key = "sessions/" + name(f"s{number}", f"2026-11-{number:02}")
        store3.server.s3().put_object(Bucket=store3.bucket, Key=key, Body=b"x")
    before = len(requests(store3.server, store3.bucket))

    assert len(listed(store3.path, date(2026, 11, 3), date(2026, 11, 5))) == 3

    asked = requests(store3.server, store3.bucket)[before:]
    prefixes = [parse_qs(urlsplit(each.split()[1]).query)["prefix"][0] for each in asked]
    month = "sessions/year=2026/month=11/"
    assert sorted(prefixes) == [
        "sessions/",
        "sessions/year=2026/",
        month,
        *(f"{month}day=0{day}/" for day in (3, 4, 5, 6)),
    ]


def test_all_days_of_a_year_are_one_listing(store3: Store) -> None:
    for number in range(1, 29):
        key = "sessions/" + name(f"s{number}", f"2026-11-{number:02}")
        store3.server.s3().put_object(Bucket=store3.bucket, Key=key, Body=b"x")
    before = len(requests(store3.server, store3.bucket))

    assert len(listed(store3.path)) == 28

    assert len(requests(store3.server, store3.bucket)) - before == 2


def test_a_thousand_and_one_objects_of_a_day_are_all_listed(store3: Store) -> None:
    """S3 gives a thousand at a time."""
    s3 = store3.server.s3()
    for number in range(1001):
        s3.put_object(Bucket=store3.bucket, Key=f"sessions/{name(f's{number}')}", Body=b"x")

    assert len(listed(store3.path)) == 1001


@pytest.mark.parametrize("path", ["s3://", "s3:///key", "/no/such/folder"])
def test_a_place_that_is_none_is_told(path: str, store3: Store) -> None:
    with pytest.raises(LakeError, match="bucket|no such"):
        listed(path)


def test_a_bucket_that_is_none_is_told(store3: Store) -> None:
    with pytest.raises(LakeError, match="NoSuchBucket: there is no bucket lake-none"):
        listed("s3://lake-none/sessions/")


def test_a_folder_that_cannot_be_opened_is_named_and_not_fatal(tmp_path: Path) -> None:
    write(tmp_path, name("a"), body(record("a")))
    loop = tmp_path / "year=2026" / "month=11" / "loop"
    loop.symlink_to(loop)
    problems: list[Problem] = []

    found = records(source(str(tmp_path)), Span(), problems)

    assert [each.name for each in found] == [name("a")]


def test_links_upwards_do_not_turn_in_circles(tmp_path: Path) -> None:
    write(tmp_path, name("a"), b"x")
    (tmp_path / "year=2026" / "up").symlink_to(tmp_path)

    assert listed(str(tmp_path)) == [name("a")]


@pytest.mark.parametrize(
    ("folder", "days"),
    [
        ("sessions", None),
        ("year=2026", (date(2026, 1, 1), date(2026, 12, 31))),
        ("a/year=2028/month=02", (date(2028, 2, 1), date(2028, 2, 29))),
        ("year=2026/month=11/day=22/", (date(2026, 11, 22), date(2026, 11, 22))),
        ("year=2026/month=13", None),
        ("year=0000/month=01", None),
        ("year=2026/month=02/day=30", None),
        ("month=02/day=30", None),
    ],
)
def test_a_folder_says_which_days_it_can_hold(folder: str, days: tuple[date, date] | None) -> None:
    assert dates(folder) == days


def test_the_newest_days_hold_enough() -> None:
    def of(each: str) -> Object:
        return Object(each, 1, NOW)

    from datetime import datetime, timezone

    NOW = datetime.now(timezone.utc)
    objects = [of(name(f"s{day}-{n}", f"2026-11-{day:02}")) for day in (1, 2, 3) for n in range(4)]

    assert {each.name[:26] for each in newest_days(objects, 5)} == {
        "year=2026/month=11/day=02/",
        "year=2026/month=11/day=03/",
    }
    assert newest_days([of("flat.json")], 0) == [of("flat.json")]
