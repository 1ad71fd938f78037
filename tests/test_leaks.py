"""Proved, not believed: known values are planted everywhere, and every byte that leaves is read."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.llm import ToolError
from livekit.protocol.models import Room

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.delivery import courier_for
from livekit_plugins_analytics.testing import Reply, ScriptedLLM, ToolCall
from tests.servers import FaultServer

from .collectors.events import participant
from .test_facts import job, job_context
from .writers.conftest import Enter, enter

__all__ = ["enter"]

# Entity to the ways in which the value is written or said somewhere in the call.
PLANTS = {
    "email": ["jane.roe@example.com", "jane dot roe at example dot com"],
    "phone": ["+1 415 555 0132", "+14155550132", "four one five, five five five, oh one three two"],
    "card": ["4242 4242 4242 4242", "4242424242424242"],
    "iban": ["DE89 3704 0044 0532 0130 00", "DE89370400440532013000"],
    "ssn": ["078-05-1120"],
    "ip": ["203.0.113.77"],
    "account": ["ACC-771209"],
}
OWN = "[account]\npatterns = ['ACC-\\d{6}']\n"
SECRETS = [way for ways in PLANTS.values() for way in ways]
ALL = "Plutonium; " + "; ".join(
    f"my {name} is {way}" for name, ways in PLANTS.items() for way in ways
)
PATIENCE = 30.0
CALLER = participant(
    "sip_+14155550132",
    kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
    name=f"Jane {ALL}",
    note=ALL,
    sip_phoneNumber="+14155550132",
    sip_trunkPhoneNumber="+14155550132",
)


class Clerk(Agent):
    """Uses every place where an agent can put something that it was told."""

    def __init__(self) -> None:
        super().__init__(instructions=f"Secret prompt: {ALL}", id="clerk")

    @function_tool
    async def save(self, customer: str) -> str:
        """Save."""
        recorder = analytics.current()
        recorder.annotate_tool(customer_contact=ALL, phone=14155550132, saved=True)
        return f"saved {customer}"

    @function_tool
    async def fail(self, reason: str) -> str:
        """Fail."""
        raise ToolError(f"no account for {reason}")

    @function_tool
    async def crash(self) -> str:
        """Crash."""
        raise RuntimeError(ALL)


def script() -> ScriptedLLM:
    return ScriptedLLM(
        Reply(
            tool_calls=[
                ToolCall("save", {"customer": ALL, "number": 14155550132}, call_id="call_1"),
                ToolCall("fail", {"reason": ALL}, call_id="call_2"),
                ToolCall("crash", {}, call_id="call_3"),
            ],
            then=Reply(f"I have noted: {ALL}"),
        ),
        default="I see.",
    )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(
        s3_bucket="calls",
        log_group="/calls",
        directory=tmp_path / "records",
        spool_directory=tmp_path / "spool",
        transcript="on",
        export_budget_seconds=0.5,
        **changes,
    )


class Outside:
    """Every byte that has left the process, at every moment at which it was looked at."""

    def __init__(self, tmp_path: Path, faults: FaultServer) -> None:
        self._tmp_path = tmp_path
        self._faults = faults
        self._seen: dict[bytes, None] = {}

    def look(self) -> None:
        for path in sorted(self._tmp_path.rglob("*")):
            if path.is_file() and path.suffix != ".toml":
                try:
                    self._seen |= dict.fromkeys((path.name.encode(), path.read_bytes()))
                except FileNotFoundError:
                    continue  # it went meanwhile

    def texts(self) -> Iterator[str]:
        self.look()
        sent = [part for r in self._faults.requests for part in (r.key.encode(), r.body)]
        for body in [*self._seen, *sent]:
            yield body.decode("utf-8", "replace")
            start = body.find(b"\x1f\x8b\x08")  # a parcel holds the record's gzip
            if start >= 0:
                yield _inflated(body[start:]).decode("utf-8", "replace")

    async def until(self, true: Callable[[str], bool]) -> None:
        """Look until something of this kind is outside; nobody announces a file."""
        end = time.monotonic() + PATIENCE
        while not any(true(text) for text in self.texts()):
            assert time.monotonic() < end
            await asyncio.sleep(0.01)


def _inflated(body: bytes) -> bytes:
    import zlib

    return zlib.decompressobj(wbits=31).decompress(body)


async def call(
    chosen: Settings,
    tmp_path: Path,
    faults: FaultServer,
    during: Callable[[analytics.Recorder, Outside, str], Awaitable[None]],
    state: str = "CALLING",
) -> Outside:
    """A call in which everything is told everywhere, and AWS is down when it ends.

    Args:
        chosen: The settings.
        tmp_path: Where everything on disk is.
        faults: S3 and CloudWatch Logs.
        during: What happens after each of the two turns, which is the last argument.
        state: The conversation's.
    """
    outside = Outside(tmp_path, faults)
    place = job()
    place.room.CopyFrom(Room(sid="RM_1", name="call-+14155550132"))
    room = rtc.Room()
    with job_context(place, room=room) as ctx:
        session = AgentSession[Any](llm=script(), vad=None, turn_handling={"turn_detection": None})
        recorder = analytics.attach(
            session,
            ctx,
            settings=chosen,
            user_email="jane.roe@example.com",
            user_metadata={"deep": [{ALL: ALL}]},
        )
        room.emit("participant_connected", CALLER)
        await session.start(Clerk(), record=False)
        recorder.note(f"She said {ALL}")
        recorder.set_state(state)
        recorder.set_signal("contact", ALL)
        recorder.set_custom("contact", {"all": ALL})
        recorder.tag(ALL)
        recorder.outcome(success=True, reason=ALL)
        for turn in ("first", "second"):
            await session.run(user_input=f"The {turn} time: we are a team of 25. {ALL}")
            await during(recorder, outside, turn)
        faults.mode = "503"
        await session.aclose()
        assert not await recorder.delivered()
        outside.look()
        faults.mode = "ok"
        ctx.tagger.add(ALL)
        await analytics.on_session_end(ctx)
    courier = courier_for(chosen)
    courier.drain()
    faults.wait_for(lambda: bool(faults.objects("calls")) and bool(faults.events("/calls")))
    return outside


async def written(recorder: analytics.Recorder, outside: Outside, turn: str) -> None:
    """Wait until the journal has the turn."""
    await outside.until(lambda text: '"id":"' in text and text.count('"f":"said"') > 1)


def leaked(outside: Outside, log: pytest.LogCaptureFixture, values: list[str]) -> list[str]:
    ours = [r for r in log.records if r.name.startswith("livekit.plugins.analytics")]
    texts = [*outside.texts(), *(r.getMessage() + (r.exc_text or "") for r in ours)]
    return [value for value in values if any(value in text for text in texts)]


def the_record(faults: FaultServer) -> dict[str, Any]:
    (body,) = faults.objects("calls").values()
    row: dict[str, Any] = json.loads(gzip.decompress(body))
    return row


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="livekit.plugins.analytics")
    return caplog


async def test_the_plants_are_found_where_nobody_asks_for_privacy(
    tmp_path: Path, faults: FaultServer, enter: Enter, log: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    outside = await call(settings(tmp_path), tmp_path, faults, written, state=ALL)
    assert leaked(outside, log, SECRETS) == SECRETS
    assert the_record(faults)["privacy"] == {"redacted": False, "counts": {}, "withheld": []}


async def test_no_planted_value_leaves_unmasked(
    tmp_path: Path, own: Path, faults: FaultServer, enter: Enter, log: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    chosen = settings(tmp_path, redact=f"email,phone,card,iban,ssn,ip,{own}")
    outside = await call(chosen, tmp_path, faults, written, state=ALL)

    assert leaked(outside, log, SECRETS) == []
    row = the_record(faults)
    assert row["privacy"]["redacted"] is True
    assert set(row["privacy"]["counts"]) == set(PLANTS)
    assert row["user_email"] == "[email-1]"
    assert "[phone-" in row["room_name"]
    (caller,) = row["participants"]
    assert "[phone-" in caller["identity"] and "[phone-" in caller["sip"]["phone_number"]
    (save, fail, crash) = sorted(row["tool_calls"], key=lambda c: str(c["call_id"]))
    assert "[card-1]" in save["result"] and save["saved"] is True
    assert "[phone-" in save["arguments"]["number"] and "[iban-1]" in fail["error"]
    assert crash["error"] == "An internal error occurred"
    assert row["discovered_signals"]["team_size"] == 25
    assert "[account-1]" in row["transcript"]["text"]


async def test_without_consent_no_content_leaves_or_touches_the_disk(
    tmp_path: Path, faults: FaultServer, enter: Enter, log: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    chosen = settings(tmp_path, content_consent="required")
    outside = await call(chosen, tmp_path, faults, written)

    assert leaked(outside, log, [*SECRETS, "She said", "Plutonium", "Secret prompt"]) == []
    row = the_record(faults)
    assert row["metrics_summary"]["user_turns"] == 2
    assert row["discovered_signals"]["team_size"] == 25
    assert (row["transcript"], row["consent_obtained"], row["user_email"]) == (None, None, None)
    assert {"conversation_notes", "tool_calls", "transcript"} <= set(row["privacy"]["withheld"])


def _withdrawn(spool: Path) -> None:
    """Wait until the journal itself knows of it, not a file that is to take its place."""
    end = time.monotonic() + PATIENCE
    while not any(b'"consent":false' in p.read_bytes() for p in spool.glob("*.journal")):
        assert time.monotonic() < end
        time.sleep(0.01)


async def test_nothing_leaves_before_the_grant_and_nothing_stays_after_the_withdrawal(
    tmp_path: Path, faults: FaultServer, enter: Enter, log: pytest.LogCaptureFixture
) -> None:
    enter(faults)
    chosen = settings(tmp_path, content_consent="required")

    async def asked(recorder: analytics.Recorder, outside: Outside, turn: str) -> None:
        if turn == "first":
            await written(recorder, outside, turn)
            assert leaked(outside, log, ["Plutonium"]) == []
            recorder.record_consent(True, method="verbal")
            await outside.until(lambda text: "Plutonium" in text)
        else:
            recorder.record_consent(False)
            await asyncio.to_thread(_withdrawn, tmp_path / "spool")
            assert leaked(Outside(tmp_path, faults), log, ["Plutonium", *SECRETS]) == []

    await call(chosen, tmp_path, faults, asked)
    after = Outside(tmp_path, faults)
    assert leaked(after, log, ["Plutonium", *SECRETS]) == []
    assert the_record(faults)["consent_obtained"] is False


async def test_a_withdrawal_after_the_close_replaces_the_record(
    tmp_path: Path, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    chosen = settings(tmp_path, content_consent="required").model_copy(
        update={"transcript": "separate", "export_budget_seconds": 20.0}
    )
    with job_context(job()) as ctx:
        session = AgentSession[Any](
            llm=ScriptedLLM(default="I see."), vad=None, turn_handling={"turn_detection": None}
        )
        recorder = analytics.attach(session, ctx, settings=chosen)
        await session.start(Agent(instructions="x"), record=False)
        recorder.record_consent(True)
        await session.run(user_input="Plutonium")
        await session.aclose()
        assert await recorder.delivered()
        stored = faults.objects("calls")
        assert any(b"Plutonium" in gzip.decompress(body) for body in stored.values())
        recorder.record_consent(False)
        await analytics.on_session_end(ctx)
        assert await recorder.delivered()

    stored = faults.objects("calls")
    assert len(stored) == 2
    assert not any(b"Plutonium" in gzip.decompress(body) for body in stored.values())
    files = list((tmp_path / "records").rglob("*.gz"))
    assert len(files) == 2
    assert not any(b"Plutonium" in gzip.decompress(p.read_bytes()) for p in files)


async def test_a_session_started_with_redaction_has_no_content(
    tmp_path: Path, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    chosen = settings(tmp_path).model_copy(update={"export_budget_seconds": 20.0})
    session = AgentSession[Any](
        llm=ScriptedLLM(default="I see."), vad=None, turn_handling={"turn_detection": None}
    )
    recorder = analytics.attach(session, settings=chosen, user_email="jane.roe@example.com")
    recorder.record_consent(True)
    await session.start(Agent(instructions="x"), record={"redaction": True})
    await session.run(user_input="Plutonium")
    await session.aclose()
    assert await recorder.delivered()

    row = the_record(faults)
    assert (row["transcript"], row["user_email"]) == (None, None)
    assert row["privacy"]["withheld"] == ["transcript", "user_email"]
    assert row["consent_obtained"] is True
