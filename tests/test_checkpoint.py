"""What is known of a live call is in S3, and becomes its record if nothing better comes."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble, parcel
from livekit_plugins_analytics.checkpoint import Checkpoints
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.journal import Journal
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.promotion import Promotion, promote
from livekit_plugins_analytics.testing import MemoryWriter
from livekit_plugins_analytics.writers.s3 import S3Writer
from tests.cli.conftest import Run, run
from tests.servers import FaultServer, MotoServer
from tests.servers.endpoint import Endpoint

from .journal_chaos import call
from .test_recovery import begun
from .writers.conftest import Enter, enter

__all__ = ["enter", "run"]

NOW = timedelta(0)
DATE = "year=2027/month=01/day=15"


def settings(bucket: str = "calls") -> Settings:
    return Settings(s3_bucket=bucket, checkpoint_seconds=10, transcript="on")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal, _ = begun(Spool(tmp_path / "spool"))
    yield journal
    journal.discard()


class Due(Checkpoints):
    """One whose time has come."""

    def __init__(self, settings: Settings, writer: Any = None) -> None:
        super().__init__(settings, writer)
        self._due_at = 0.0


def bucket_at(server: Endpoint) -> str:
    name = f"calls-{uuid.uuid4().hex[:8]}"
    server.create_bucket(name)
    return name


def stored(server: Endpoint, bucket: str) -> dict[str, dict[str, Any]]:
    s3 = server.s3()
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    return {key: json.loads(gzip.decompress(body)) for key, body in bodies.items()}


def checkpointed(server: Endpoint, bucket: str, *session_ids: str) -> None:
    """Write checkpoints of calls as their processes would."""
    from livekit_plugins_analytics.recovery import record_of
    from livekit_plugins_analytics.replay import replayed

    writer = S3Writer(settings(bucket), folder="checkpoints/")
    for session_id in session_ids:
        lines = Pages(settings()).lines(call(session_id, 3)).splitlines()
        writer.write(record_of(replayed(lines, 1.0), settings(bucket), lost_before=0))


def final(bucket: str, session_id: str) -> None:
    S3Writer(settings(bucket)).write(
        parcel(assemble(call(session_id, 9), settings(bucket)), settings(bucket))
    )


def test_a_checkpoint_is_the_record_so_far_beside_the_records(
    moto: MotoServer, enter: Enter, journal: Journal
) -> None:
    enter(moto)
    bucket = bucket_at(moto)
    checkpoints = Due(settings(bucket))

    checkpoints.look(journal.path, journal.size)

    with checkpoints._sending:  # it is on its way, and this waits for it
        ((key, record),) = stored(moto, bucket).items()
    assert key == f"checkpoints/{DATE}/RM_1-AJ_1.json.gz"
    assert record["record_status"] == "recovered"
    assert len(record["transcript"]["items"]) == 4


def test_nothing_is_sent_before_its_time_or_without_news(journal: Journal) -> None:
    memory = MemoryWriter()
    early = Checkpoints(settings(), memory)
    early.look(journal.path, journal.size)
    assert not early._sending.locked()

    due = Due(settings(), memory)
    due.look(journal.path, journal.size)
    with due._sending:
        assert len(memory.records) == 1
    due._due_at = 0.0
    due.look(journal.path, journal.size)
    with due._sending:
        assert len(memory.records) == 1


def test_by_default_there_are_none(journal: Journal) -> None:
    memory = MemoryWriter()
    off = Due(Settings(s3_bucket="calls"), memory)
    off.look(journal.path, journal.size)
    assert not off._sending.locked() and memory.records == []


def test_a_sink_that_is_down_costs_one_line_in_the_log(
    faults: FaultServer, enter: Enter, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    faults.mode = "access_denied"
    checkpoints = Due(settings())
    for _ in range(2):
        checkpoints._due_at, checkpoints._size = 0.0, 0
        checkpoints.look(journal.path, journal.size)
        with checkpoints._sending:
            pass
    (line,) = [r.getMessage() for r in caplog.records if "checkpoint" in r.getMessage()]
    assert "AccessDenied" in line


@pytest.fixture(params=["moto", "versity"])
def store(request: pytest.FixtureRequest, enter: Enter) -> Endpoint:
    server: Endpoint = request.getfixturevalue(request.param)
    enter(server)
    return server


def test_what_no_record_followed_becomes_one(store: Endpoint) -> None:
    bucket = bucket_at(store)
    checkpointed(store, bucket, "crashed", "ended")
    final(bucket, "ended")

    done = promote(store.s3(), bucket, "checkpoints/", "sessions/", NOW)

    assert (done.promoted, done.superseded, done.failed) == (["crashed"], ["ended"], {})
    records = {k: r for k, r in stored(store, bucket).items() if k.startswith("sessions/")}
    assert records[f"sessions/{DATE}/crashed.json.gz"]["record_status"] == "recovered"
    assert records[f"sessions/{DATE}/ended.json.gz"]["record_status"] == "final"


def test_a_final_that_comes_late_wins(store: Endpoint) -> None:
    bucket = bucket_at(store)
    checkpointed(store, bucket, "late")
    promote(store.s3(), bucket, "checkpoints/", "sessions/", NOW)
    final(bucket, "late")
    again = promote(store.s3(), bucket, "checkpoints/", "sessions/", NOW)

    assert again.superseded == ["late"]
    assert stored(store, bucket)[f"sessions/{DATE}/late.json.gz"]["record_status"] == "final"


def test_a_final_that_comes_at_that_moment_wins(store: Endpoint) -> None:
    """Between the look and the copy: S3 itself refuses the copy."""
    bucket = bucket_at(store)
    checkpointed(store, bucket, "close")
    s3 = store.s3()

    def arrives(**_: Any) -> None:
        final(bucket, "close")

    s3.meta.events.register_first("before-call.s3.PutObject", arrives)
    done = promote(s3, bucket, "checkpoints/", "sessions/", NOW)

    assert done == Promotion(superseded=["close"])
    assert stored(store, bucket)[f"sessions/{DATE}/close.json.gz"]["record_status"] == "final"


def test_a_call_that_may_go_on_is_left_alone(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    bucket = bucket_at(moto)
    checkpointed(moto, bucket, "live")
    done = promote(moto.s3(), bucket, "checkpoints/", "sessions/", timedelta(hours=2), delete=True)
    assert done == Promotion(young=["live"])
    assert len(stored(moto, bucket)) == 1


def test_checkpoints_that_are_done_with_can_go(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    bucket = bucket_at(moto)
    checkpointed(moto, bucket, "one")
    promote(moto.s3(), bucket, "checkpoints/", "sessions/", NOW, delete=True)
    assert list(stored(moto, bucket)) == [f"sessions/{DATE}/one.json.gz"]


def test_the_command_promotes_and_says_what_it_did(
    moto: MotoServer, run: Run, enter: Enter
) -> None:
    enter(moto)
    bucket = bucket_at(moto)
    checkpointed(moto, bucket, "one", "two")
    place = f"s3://{bucket}/checkpoints/"

    def command(*arguments: str) -> Any:
        return run("checkpoints", "promote", place, *arguments, **moto.environment())

    dry = command("--older-than", "0s", "--dry-run")
    assert dry.code == 0 and "2 checkpoints would become records" in dry.out
    done = command("--older-than", "0s", "--json")
    assert done.json == {
        "ok": True,
        "dry_run": False,
        "promoted": ["one", "two"],
        "superseded": [],
        "young": [],
        "failed": {},
    }
    again = command("--older-than", "0s")
    assert "2 have a record" in again.out
    assert command("--older-than", "soon").code == 2


def test_wrong_places_are_named(run: Run, moto: MotoServer) -> None:
    wrong = run("checkpoints", "promote", "checkpoints/")
    assert wrong.code == 2 and "s3://bucket/checkpoints/" in wrong.err
    same = run("checkpoints", "promote", "s3://b/sessions/")
    assert same.code == 2 and "--records" in same.err
    missing = run("checkpoints", "promote", "s3://nowhere-1/checkpoints/", **moto.environment())
    assert missing.code == 2 and "NoSuchBucket" in missing.err
