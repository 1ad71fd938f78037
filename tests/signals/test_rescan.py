"""A new pack over stored records: in a directory, in a bucket, with bad ones among them."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from livekit_plugins_analytics.signals import RuleSet
from livekit_plugins_analytics.signals.rescan import rescanned
from livekit_plugins_analytics.stored import Changed, parsed, stored
from tests.servers import MotoServer

from .command import run

DOZEN: list[dict[str, Any]] = [
    {"id": "1", "role": "agent", "text": "How many of you?", "at": "2026-01-01T00:00:00.000Z"},
    {"id": "2", "role": "user", "text": "a dozen", "at": "2026-01-01T00:00:01.000Z"},
    {"id": "3", "role": "tool", "text": "500 employees", "at": None},
]


def record(items: list[dict[str, Any]] | None, *, complete: bool = True, **more: Any) -> bytes:
    transcript = None
    if items is not None:
        transcript = {"source": "session", "complete": complete, "text": "", "items": items}
    data = {"session_id": "s", "revision": 1, "transcript": transcript, **more}
    return gzip.compress(json.dumps(data).encode())


class Place(Protocol):
    """Somewhere that records are stored."""

    @property
    def path(self) -> str: ...

    @property
    def variables(self) -> dict[str, str]: ...

    def put(self, name: str, body: bytes) -> None: ...

    def get(self, name: str) -> bytes: ...

    def names(self) -> list[str]: ...


@dataclass
class Folder:
    root: Path

    @property
    def path(self) -> str:
        return str(self.root)

    @property
    def variables(self) -> dict[str, str]:
        return {}

    def put(self, name: str, body: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def get(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def names(self) -> list[str]:
        return sorted(
            p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()
        )


@dataclass
class Bucket:
    server: MotoServer
    name: str

    @property
    def path(self) -> str:
        return f"s3://{self.name}/records/"

    @property
    def variables(self) -> dict[str, str]:
        return self.server.environment()

    def put(self, name: str, body: bytes) -> None:
        self.server.s3().put_object(
            Bucket=self.name,
            Key=f"records/{name}",
            Body=body,
            ContentType="application/gzip",
            Metadata={"team": "sales"},
        )

    def get(self, name: str) -> bytes:
        return self.server.s3().get_object(Bucket=self.name, Key=f"records/{name}")["Body"].read()

    def names(self) -> list[str]:
        listed = self.server.s3().list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted(o["Key"].removeprefix("records/") for o in listed)


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "directory":
        yield Folder(tmp_path)
        return
    moto: MotoServer = request.getfixturevalue("moto")
    name = f"signals-{uuid4().hex[:12]}"
    moto.create_bucket(name)
    yield Bucket(moto, name)


def test_the_new_values_are_written_in_place(place: Place) -> None:
    name = "year=2026/month=01/s.json.gz"
    by_code = {"name": "budget", "value": 7, "rule": None}
    place.put(
        name,
        record(
            DOZEN,
            discovered_signals={"budget": 7, "team_size": 3, "urgency": "high"},
            signals=[by_code, {"name": "team_size", "value": 3, "rule": "old"}],
        ),
    )
    place.put("t.json.gz", record(None))
    place.put("notes.txt", b"no record")

    dry = run("rescan", place.path, "--pack", "sales", "--dry-run", variables=place.variables)
    assert "1 would change" in dry.stdout, dry.stderr
    assert parsed(place.get(name))["revision"] == 1
    done = run("rescan", place.path, "--pack", "sales", variables=place.variables)
    again = run("rescan", place.path, "--pack", "sales", variables=place.variables)

    assert (done.returncode, again.returncode) == (0, 0)
    assert "1 changed" in done.stdout and "1 without transcript" in done.stdout
    assert "Rescanning" in done.stderr
    assert "0 changed, 1 unchanged" in again.stdout
    new = parsed(place.get(name))
    assert (new["revision"], new["signal_pack"]) == (2, "sales@1")
    assert new["discovered_signals"] == {
        "team_size": 12,
        "qualification_tier": "qualified",
        "budget": 7,
    }
    assert [s["name"] for s in new["signals"]] == ["team_size", "budget"]
    assert new["signals"][0]["item_id"] == "2" and new["signals"][0]["asked"]
    assert place.names() == ["notes.txt", "t.json.gz", name]


def test_a_bad_record_is_named_and_does_not_stop_the_others(place: Place) -> None:
    place.put("a.json.gz", b"\x1f\x8bnonsense")
    place.put("b.json.gz", gzip.compress(b'{"no": "record"}'))
    place.put("c.json", b"[")
    place.put("d.json.gz", record([{"id": "1", "role": "user", "text": "we use Slack"}]))

    done = run("rescan", place.path, "--pack", "sales", variables=place.variables)

    assert done.returncode == 1
    assert "1 changed" in done.stdout and "3 failed" in done.stdout
    assert all(
        f"{name}: no session record" in done.stderr for name in ("a.json.gz", "b.json.gz", "c.json")
    )
    assert place.get("a.json.gz") == b"\x1f\x8bnonsense"
    assert parsed(place.get("d.json.gz"))["discovered_signals"] == {"integration_needs": ["slack"]}


def test_an_incomplete_transcript_loses_no_value(place: Place) -> None:
    before = record(DOZEN[:1], complete=False, discovered_signals={"team_size": 12})
    place.put("s.json.gz", before)

    done = run("rescan", place.path, "--pack", "sales", variables=place.variables)

    assert done.returncode == 0
    assert "1 with an incomplete one" in done.stdout
    assert place.get("s.json.gz") == before


def test_a_place_without_records_is_an_error(place: Place) -> None:
    done = run("rescan", place.path, "--pack", "sales", variables=place.variables)

    assert done.returncode == 1
    assert "no records here" in done.stderr


def test_a_bucket_that_is_not_there_is_named(moto: MotoServer) -> None:
    done = run("rescan", "s3://nowhere-at-all/x", "--pack", "sales", variables=moto.environment())

    assert done.returncode == 1
    assert "s3://nowhere-at-all/x" in done.stderr and "Traceback" not in done.stderr


def test_an_object_keeps_its_type_and_metadata(moto: MotoServer) -> None:
    bucket = Bucket(moto, f"signals-{uuid4().hex[:12]}")
    moto.create_bucket(bucket.name)
    bucket.put("s.json.gz", record(DOZEN))

    run("rescan", bucket.path, "--pack", "sales", variables=bucket.variables)

    head = moto.s3().head_object(Bucket=bucket.name, Key="records/s.json.gz")
    assert (head["ContentType"], head["Metadata"]) == ("application/gzip", {"team": "sales"})


def test_what_another_writes_meanwhile_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    place.put("s.json.gz", record(DOZEN))
    store = stored(place.path)
    (name,) = store.names()
    store.read(name)
    newer = record(DOZEN, revision=5)
    place.put("s.json.gz", newer)

    with pytest.raises(Changed, match="run the command again"):
        store.replace(name, b"older")

    assert place.get("s.json.gz") == newer
    assert place.names() == ["s.json.gz"]


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "s.json").write_bytes(gzip.decompress(record(DOZEN)))
    os.chmod(real / "s.json", 0o640)
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "s.json").symlink_to(real / "s.json")

    done = run("rescan", str(folder / "s.json"), "--pack", "sales")

    assert "1 changed" in done.stdout
    assert (folder / "s.json").is_symlink()
    assert stat.S_IMODE((real / "s.json").stat().st_mode) == 0o640
    assert json.loads((real / "s.json").read_bytes())["discovered_signals"]["team_size"] == 12


@pytest.mark.parametrize(
    "items",
    [
        [None, 1, "text", {}, {"role": "user"}, {"role": "user", "text": None}],
        [{"role": "user", "text": "\ud800"}],
    ],
)
def test_odd_items_are_passed_over(items: list[Any]) -> None:
    new = rescanned(
        RuleSet.load("sales"), {"session_id": "s", "transcript": {"items": items}, "revision": "x"}
    )

    assert new is not None
    assert (new["discovered_signals"], new["revision"]) == ({}, 2)


def test_the_same_pack_changes_nothing() -> None:
    rules = RuleSet.load("sales")
    first = rescanned(rules, {"session_id": "s", "transcript": {"items": DOZEN}})

    assert first is not None and first["discovered_signals"]["team_size"] == 12
    assert rescanned(rules, first) is None


def test_a_record_without_words_has_nothing_to_say() -> None:
    assert rescanned(RuleSet.load("sales"), {"session_id": "s", "transcript": None}) is None
    assert (
        rescanned(RuleSet.load("sales"), {"session_id": "s", "transcript": {"items": []}}) is None
    )
