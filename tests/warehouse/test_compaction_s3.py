"""Compaction from a bucket to a bucket, on two servers that are not alike."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest

from livekit_plugins_analytics.warehouse.compaction import Options, compact
from livekit_plugins_analytics.warehouse.manifest import NAME, unpacked
from tests.servers.endpoint import Endpoint

from .records import key, packed, record


@pytest.fixture(params=["moto", "versity"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """A server, to which this process is led."""
    found: Endpoint = request.getfixturevalue(request.param)
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def bucket(server: Endpoint) -> Iterator[str]:
    """A bucket with five records of two days."""
    name = f"compaction-{uuid4().hex[:8]}"
    server.create_bucket(name)
    for number in range(5):
        day = f"2026-11-0{1 + number % 2}"
        body = packed(record(f"s{number}", day))
        server.s3().put_object(
            Bucket=name, Key="sessions/" + key(f"s{number}.json.gz", day), Body=body
        )
    yield name


def sessions(server: Endpoint, bucket: str, tmp_path: Path) -> list[str]:
    """The sessions in the Parquet."""
    found: list[str] = []
    for name, body in server.objects(bucket).items():
        if name.endswith(".parquet"):
            file = tmp_path / "part.parquet"
            file.write_bytes(body)
            sql = f"SELECT session_id FROM read_parquet('{file}')"
            found += [row[0] for row in duckdb.connect().sql(sql).fetchall()]
    return sorted(found)


def test_a_bucket_is_compacted_into_a_bucket(server: Endpoint, bucket: str, tmp_path: Path) -> None:
    here, there = f"s3://{bucket}/sessions/", f"s3://{bucket}/lake"

    made = compact(here, there)
    again = compact(here, there)

    assert made.ok and [(d.how, d.rows) for d in made.partitions] == [
        ("written", 3),
        ("written", 2),
    ]
    assert [each.how for each in again.partitions] == ["unchanged", "unchanged"]
    assert sessions(server, bucket, tmp_path) == ["s0", "s1", "s2", "s3", "s4"]
    listed = server.s3().list_objects_v2(Bucket=bucket, Prefix="sessions/")["Contents"]
    etags = {each["Key"].removeprefix("sessions/"): each["ETag"] for each in listed}
    manifest = unpacked(server.objects(bucket)["lake/" + key(NAME)])
    assert manifest and manifest.entries.keys() < etags.keys()
    assert {each.version for each in manifest.entries.values()} < set(etags.values())


def test_a_changed_object_makes_its_partition_anew(
    server: Endpoint, bucket: str, tmp_path: Path
) -> None:
    here, there = f"s3://{bucket}/sessions/", f"s3://{bucket}/lake/"
    compact(here, there)
    server.s3().put_object(
        Bucket=bucket, Key="sessions/" + key("s5.json.gz"), Body=packed(record("s5"))
    )

    made = compact(here, there)

    assert [each.how for each in made.partitions] == ["written", "unchanged"]
    assert sessions(server, bucket, tmp_path) == ["s0", "s1", "s2", "s3", "s4", "s5"]


def test_originals_are_deleted_when_told(server: Endpoint, bucket: str, tmp_path: Path) -> None:
    bad = "sessions/" + key("bad.json.gz")
    server.s3().upload_fileobj(io.BytesIO(b"\x1f\x8bnonsense"), bucket, bad)

    made = compact(f"s3://{bucket}/sessions", f"s3://{bucket}/lake", Options(delete_originals=True))

    assert sum(each.deleted for each in made.partitions) == 5
    left = [name for name in server.objects(bucket) if name.startswith("sessions/")]
    assert left == [bad]
    assert sessions(server, bucket, tmp_path) == ["s0", "s1", "s2", "s3", "s4"]


def test_a_bucket_that_is_not_there_fails_each_partition(
    server: Endpoint, bucket: str, tmp_path: Path
) -> None:
    made = compact(f"s3://{bucket}/sessions/", f"s3://{bucket}-none/")

    assert len(made.failed) == 2
    assert all("NoSuchBucket" in reason for reason in made.failed.values())
