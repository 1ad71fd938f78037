"""Everything works with less wiring, in threads, and with sinks that fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path

import pytest

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.delivery import courier_for
from tests.calls import agents
from tests.calls.caller import PATIENCE
from tests.calls.office import Office
from tests.servers import FaultServer, LiveKitServer, MotoServer, VersityGateway
from tests.servers.faults import Mode


@pytest.mark.parametrize(("executor", "hooks"), [("process", "none"), ("thread", "all")])
async def test_calls_are_recorded_with_other_wiring(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path: Path, executor: str, hooks: str
) -> None:
    """A hang-up, a shutdown by the agent and a crash: the endings that take different paths."""
    with Office(livekit_server, moto, tmp_path, executor=executor, hooks=hooks) as office:
        hung_up = await office.dispatch("with_what_is_loaded")
        caller = await office.caller(hung_up)
        await caller.hears(agents.GREETING)
        await caller.hang_up()
        ended = await office.dispatch("plain")
        caller = await office.caller(ended)
        await caller.hears(agents.GREETING)
        await caller.type("bye")
        crashed = await office.dispatch("crash_after")
        causes = {}
        for room in (hung_up, ended, crashed):
            (record,) = await office.exported(room)
            causes[room] = record["end_cause"]
            if room == hung_up:
                # By the forkserver, of which nothing was said, or by `prewarm`.
                assert record["custom"]["loaded"][:2] == ["boto3", "re2"]
            assert len(office.events(room)) == 1
        await caller.hang_up()

    assert causes == {hung_up: "caller_hung_up", ended: "agent_ended", crashed: "crashed"}
    assert list(office.spool.glob("*.parcel")) == []


async def test_export_at_session_end_waits_and_sends_once(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path: Path
) -> None:
    settings = {"ANALYTICS_EXPORT_AT": "session_end"}
    with Office(livekit_server, moto, tmp_path, settings=settings) as office:
        room = await office.dispatch("plain", judge=True)
        caller = await office.caller(room)
        await caller.hears(agents.GREETING)
        await caller.hang_up()
        (record,) = await office.exported(room)

        assert record["revision"] == 1
        assert record["outcome"] == "success"
        assert [e["revision"] for e in office.events(room)] == [1]


async def test_wrong_setting_is_named_and_fails_no_call(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path: Path
) -> None:
    settings = {"ANALYTICS_EXPORT_AT": "whenever", "ANALYTICS_S3_BUKET": "typo"}
    with Office(livekit_server, moto, tmp_path, settings=settings) as office:
        room = await office.dispatch("plain")
        caller = await office.caller(room)
        await caller.hears(agents.GREETING)
        await caller.hang_up()
        await office.exported(room)
    log = office.log.read_text()
    assert "ANALYTICS_EXPORT_AT: input should be 'close' or 'session_end'" in log
    assert "ANALYTICS_S3_BUKET is no setting of analytics; did you mean ANALYTICS_S3_BUCKET?" in log


async def test_job_whose_worker_was_killed_hands_over_what_it_has(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path: Path
) -> None:
    """No close and no hook comes then: only the end of the job's own event loop."""
    with Office(livekit_server, moto, tmp_path) as office:
        room = await office.dispatch("plain")
        caller = await office.caller(room)
        await caller.hears(agents.GREETING)
        office.kill()
        (record,) = await office.exported(room)
        await caller.hang_up()

    assert record["record_status"] == "partial"
    assert record["end_cause"] == "unknown"
    assert record["closed_at"] is None
    assert record["metrics_summary"]["agent_turns"] == 1


@pytest.mark.parametrize("mode", ["hang", "access_denied", "503"])
async def test_failing_sinks_do_not_hold_the_job_and_a_drain_delivers(
    livekit_server: LiveKitServer,
    faults: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
) -> None:
    budget = {"ANALYTICS_EXPORT_BUDGET_SECONDS": "2"}
    with Office(livekit_server, faults, tmp_path, settings=budget) as office:
        room = await office.dispatch("plain")
        caller = await office.caller(room)
        await caller.hears(agents.GREETING)
        faults.mode = mode
        await caller.hang_up()
        await asyncio.to_thread(faults.wait_for_requests, 2, PATIENCE)
        begin = time.monotonic()
        office.stop()
        # The room goes after a second, the worker drains its jobs, each within the budget.
        assert time.monotonic() - begin < 12
    log = office.log.read_text()
    assert "Traceback" not in log.partition("livekit.plugins.analytics")[2]
    assert len(list(office.spool.glob("*.parcel"))) == 1

    faults.mode = "ok"
    faults.release()
    for name, value in faults.environment().items():
        monkeypatch.setenv(name, value)
    courier = courier_for(
        Settings(s3_bucket=office.bucket, log_group=office.group, spool_directory=office.spool)
    )
    report = await asyncio.to_thread(courier.drain)
    (record,) = office.records(room)
    (event,) = office.events(room)
    assert report.sent == [record["session_id"]] == [event["session_id"]]
    assert list(office.spool.iterdir()) == []


async def test_store_that_checks_signatures_and_checksums_takes_the_record(
    livekit_server: LiveKitServer, moto: MotoServer, versity: VersityGateway, tmp_path: Path
) -> None:
    versity.create_bucket("signed")
    settings = {
        "ANALYTICS_S3_BUCKET": "signed",
        "ANALYTICS_S3_ENDPOINT_URL": versity.endpoint_url,
        "ANALYTICS_LOG_GROUP": "",
        "AWS_ACCESS_KEY_ID": versity.access_key,
        "AWS_SECRET_ACCESS_KEY": versity.secret_key,
    }
    with Office(livekit_server, moto, tmp_path, settings=settings) as office:
        room = await office.dispatch("plain")
        caller = await office.caller(room)
        await caller.hears(agents.GREETING)
        await caller.hang_up()
    # The worker is gone, its jobs drained: what it had to say is said.
    (body,) = versity.objects("signed").values()
    assert json.loads(gzip.decompress(body))["room_name"] == room
