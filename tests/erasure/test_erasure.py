"""Everything of a person goes, nothing of anybody else's changes by a byte."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import uuid4

import pytest

from livekit_plugins_analytics.erasure import Erasure, Person, Version, Whereabouts
from livekit_plugins_analytics.erasure.place import Bucket, Folder
from livekit_plugins_analytics.stored import Changed
from tests.servers import MotoServer, VersityGateway

from .people import DAY, EMAIL, JANES, PERSONAL, fill, packed, record, stored_by_name, tree

JANE = Person.of(emails=[EMAIL])
# Only mentions her.
MENTION = f"sessions/{DAY}/m2.json.gz"
OTHERS = stored_by_name().keys() - JANES


class Store(Protocol):
    """A place, and what is in it by name: every version that anybody can still read."""

    place: Whereabouts

    def contents(self) -> dict[str, list[bytes]]:
        """Bodies by name."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """As a writer does."""
        ...


class FolderStore:
    """A directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place: Whereabouts = Folder(fill(root))

    def contents(self) -> dict[str, list[bytes]]:
        """See `Store.contents`."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): [path.read_bytes()] for path in files}

    def put(self, name: str, body: bytes) -> None:
        """See `Store.put`."""
        (self.root / name).write_bytes(body)


class BucketStore:
    """A bucket; each object has been there in an earlier version where it keeps them."""

    def __init__(self, server: MotoServer | VersityGateway, *, versioned: bool) -> None:
        self.s3 = server.s3()
        self.bucket = f"forget-{uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)
        rounds = 1
        if versioned:
            rounds = 2
            self.s3.put_bucket_versioning(
                Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        for _ in range(rounds):
            for name, body in stored_by_name().items():
                self.put(name, body)
        self.versioned = versioned
        self.place: Whereabouts = Bucket(self.s3, f"s3://{self.bucket}/")

    def contents(self) -> dict[str, list[bytes]]:
        """See `Store.contents`."""
        found: dict[str, list[bytes]] = {}
        if not self.versioned:
            for item in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
                answer = self.s3.get_object(Bucket=self.bucket, Key=item["Key"])
                found[item["Key"]] = [answer["Body"].read()]
            return found
        for each in self.s3.list_object_versions(Bucket=self.bucket).get("Versions", []):
            answer = self.s3.get_object(
                Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"]
            )
            found.setdefault(each["Key"], []).append(answer["Body"].read())
        return found

    def put(self, name: str, body: bytes) -> None:
        """See `Store.put`."""
        self.s3.put_object(Bucket=self.bucket, Key=name, Body=body)


@pytest.fixture(params=["folder", "moto", "moto-versioned", "versity"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of place, filled."""
    if request.param == "folder":
        return FolderStore(tmp_path / "analytics")
    if request.param == "versity":
        return BucketStore(request.getfixturevalue("versity"), versioned=False)
    moto = cast(MotoServer, request.getfixturevalue("moto"))
    return BucketStore(moto, versioned=request.param == "moto-versioned")


def short(store: Store, names: list[str]) -> set[str]:
    """Names as they are in `people`."""
    root = f"{store.root}/" if isinstance(store, FolderStore) else ""
    return {name.removeprefix(root) for name in names}


def stands_in(contents: dict[str, list[bytes]]) -> set[str]:
    """Names of objects, in any version, in which anything of Jane's is to be found."""
    return {
        name
        for name, bodies in contents.items()
        for body in bodies
        if any(each in json.dumps(json.loads(gzip.decompress(body))) for each in PERSONAL)
    }


def test_her_objects_go_in_every_version_and_the_others_stay(store: Store) -> None:
    before = store.contents()
    erasure = Erasure([store.place], JANE)
    erasure.find()

    assert store.contents() == before
    outcome = erasure.apply(rewrite=False)

    assert short(store, outcome.deleted) == JANES
    assert (outcome.rewritten, outcome.failed, erasure.unreadable) == ([], {}, {})
    after = store.contents()
    assert after == {name: before[name] for name in OTHERS}
    assert stands_in(after) == {MENTION, f"transcripts/{DAY}/m1.json.gz"}, "said by Max"
    assert short(store, erasure.mentions) == {MENTION}
    assert erasure.session_ids == {"j1", "j2", "j3"}


def test_rewritten_records_keep_their_figures_and_their_words_go(store: Store) -> None:
    before = store.contents()
    erasure = Erasure([store.place], JANE)
    erasure.find()
    outcome = erasure.apply(rewrite=True)

    records = {name for name in JANES if not name.startswith("transcripts/")}
    assert short(store, outcome.rewritten) == records
    assert short(store, outcome.deleted) == JANES - records
    assert outcome.failed == {}
    after = store.contents()
    assert {name: after[name] for name in OTHERS} == {name: before[name] for name in OTHERS}
    assert after.keys() == OTHERS | records
    assert stands_in(after).isdisjoint(JANES)
    for name in records:
        (body,) = after[name]
        old, new = json.loads(gzip.decompress(before[name][0])), json.loads(gzip.decompress(body))
        assert new["revision"] == old["revision"] + 1
        assert new["metrics_summary"] == old["metrics_summary"]
        assert "erased" in new["privacy"]["withheld"]


def test_a_second_run_finds_nothing_to_do(store: Store) -> None:
    jane = Person.of(emails=[EMAIL], session_ids=["j1"])
    for _ in range(2):
        erasure = Erasure([store.place], jane)
        erasure.find()
        outcome = erasure.apply(rewrite=True)
    assert (outcome.rewritten, outcome.deleted, outcome.failed) == ([], [], {})
    assert short(store, outcome.unchanged) == {
        f"sessions/{DAY}/j1.json.gz",
        f"checkpoints/{DAY}/j1.json.gz",
    }


def test_a_record_that_changes_between_reading_and_writing_is_not_lost(store: Store) -> None:
    """Its agent sent the next revision in that moment."""
    name = f"sessions/{DAY}/j1.json.gz"
    (version,) = (
        v for v in store.place.versions() if v.name.endswith(name) and v.current and not v.deleted
    )
    _, seen = store.place.read(version)
    newer = packed(record("j1", revision=7))
    store.put(name, newer)
    with pytest.raises(Changed):
        store.place.replace(version, b"blank", seen)
    assert newer in store.contents()[name]


class Restless:
    """A place in which an agent writes the next revision right after the first look."""

    def __init__(self, store: Store, name: str, times: int) -> None:
        self._place = store.place
        self._store = store
        self._name = name
        self._times = times
        self.notes: list[str] = []
        self.foreign: list[str] = []
        self.rewriting = False

    def versions(self) -> Iterator[Version]:
        """As it is."""
        return self._place.versions()

    def read(self, version: Version) -> tuple[bytes, Any]:
        """Then it changes."""
        answer = self._place.read(version)
        if self.rewriting and self._times and version.name.endswith(self._name):
            self._times -= 1
            self._store.put(self._name, packed(record("j1", revision=40 + self._times)))
        return answer

    def replace(self, version: Version, body: bytes, seen: Any) -> None:
        """As it is."""
        self._place.replace(version, body, seen)

    def delete(self, version: Version) -> None:
        """As it is."""
        self._place.delete(version)


@pytest.mark.parametrize(("times", "left_alone"), [(1, False), (9, True)])
def test_the_newer_revision_is_erased_too_or_named(
    tmp_path: Path, times: int, left_alone: bool
) -> None:
    name = f"sessions/{DAY}/j1.json.gz"
    place = Restless(FolderStore(tmp_path), name, times)
    erasure = Erasure([place], Person.of(session_ids=["j1"]))
    erasure.find()
    place.rewriting = True
    outcome = erasure.apply(rewrite=True)

    stored = json.loads(gzip.decompress((tmp_path / name).read_bytes()))
    if left_alone:
        assert "changed meanwhile" in outcome.failed[str(tmp_path / name)]
        assert stored["user_email"] == EMAIL
    else:
        assert str(tmp_path / name) in outcome.rewritten
        assert (stored["revision"], stored["user_email"]) == (41, None)


def test_former_versions_of_what_was_deleted_before_go_too(moto: MotoServer) -> None:
    """Without that, whoever may read versions reads her record for ever."""
    store = BucketStore(moto, versioned=True)
    for name in JANES:
        store.s3.delete_object(Bucket=store.bucket, Key=name)
    erasure = Erasure([store.place], JANE)
    erasure.find()
    outcome = erasure.apply(rewrite=True)

    assert set(outcome.deleted) == JANES
    assert store.contents().keys() == OTHERS
    listed = store.s3.list_object_versions(Bucket=store.bucket)
    assert listed.get("DeleteMarkers", []) == []
    assert any("keeps former versions" in note for note in store.place.notes)


def test_locked_versions_stay_and_are_named(moto: MotoServer) -> None:
    s3, bucket, key = moto.s3(), f"locked-{uuid4().hex[:8]}", f"sessions/{DAY}/j1.json.gz"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=packed(record("j1")),
        ObjectLockLegalHoldStatus="ON",
    )
    place = Bucket(s3, f"s3://{bucket}/sessions/")
    erasure = Erasure([place], JANE)
    erasure.find()
    outcome = erasure.apply(rewrite=False)

    assert outcome.deleted == []
    assert "Object Lock" in outcome.failed[key]
    assert any("has Object Lock" in note for note in place.notes)


def test_bad_objects_are_named_and_do_not_stop_the_others(store: Store) -> None:
    good = stored_by_name()[f"sessions/{DAY}/j1.json.gz"]
    store.put(f"sessions/{DAY}/torn.json.gz", good[:-20])
    store.put(f"sessions/{DAY}/none.json.gz", packed({"hello": EMAIL}))
    erasure = Erasure([store.place], JANE)
    erasure.find()

    named = short(store, [name.partition(" (")[0] for name in erasure.unreadable])
    assert named == {f"sessions/{DAY}/torn.json.gz", f"sessions/{DAY}/none.json.gz"}
    assert EMAIL not in str(erasure.unreadable)
    assert short(store, [f.name for f in erasure.findings]) == JANES


def test_a_record_whose_id_names_the_person_is_not_called_erased(tmp_path: Path) -> None:
    path = tmp_path / "x.json.gz"
    path.write_bytes(packed(record(f"call-{EMAIL}")))
    erasure = Erasure([Folder(tmp_path)], JANE)
    erasure.find()
    outcome = erasure.apply(rewrite=True)

    assert "use --delete" in outcome.failed[str(path)]


def test_only_days_that_were_asked_for_are_touched(store: Store) -> None:
    jane = Person.of(emails=[EMAIL], last=date(2026, 11, 10))
    erasure = Erasure([store.place], jane)
    erasure.find()
    outcome = erasure.apply(rewrite=False)
    assert short(store, outcome.deleted) == {"sessions/year=2026/month=11/day=02/j3.json.gz"}


def test_mentions_are_taken_where_that_is_asked(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    erasure = Erasure([store.place], JANE, mentions=True)
    erasure.find()
    erasure.apply(rewrite=False)
    assert MENTION not in tree(tmp_path)
    assert erasure.mentions == []
