"""A real AgentSession without a job: what the recorder keeps, and that it changes nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    APIStatusError,
    ConversationItemAddedEvent,
    RunContext,
    ToolError,
    function_tool,
)
from livekit.agents.testing import fake_job_context

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Parcel, Recorder, Settings, SinkError
from livekit_plugins_analytics.delivery import Spool, courier_for
from livekit_plugins_analytics.signals import RuleSet
from livekit_plugins_analytics.testing import MemoryWriter, Reply, ScriptedLLM, ToolCall


class Tools(Agent):
    """Tools that annotate, fail, hang on each other and return what is hard to keep."""

    def __init__(self) -> None:
        super().__init__(instructions="Help.", id="helper")
        self.waiting: list[str] = []
        self.all_waiting = asyncio.Event()

    @function_tool
    async def annotate(self, name: str) -> str:
        """Two of these run at once, and each annotates its own entry."""
        self.waiting.append(name)
        if len(self.waiting) == 2:
            self.all_waiting.set()
        await self.all_waiting.wait()
        analytics.current().annotate_tool(who=name)
        return name

    @function_tool
    async def annotate_from_thread(self, context: RunContext[Any]) -> None:
        """A tool that works in a thread."""
        recorder = analytics.current()
        await asyncio.to_thread(recorder.annotate_tool, context, thread=True)

    @function_tool
    async def clash(self) -> None:
        """A field with the name of a fixed one."""
        analytics.current().annotate_tool(status="mine", price=float("nan"))

    @function_tool
    async def fail(self) -> None:
        """Fail with a text for the model."""
        raise ToolError("no such customer")

    @function_tool
    async def awful(self) -> str:
        """A huge result with what JSON cannot say."""
        recorder = analytics.current()
        loop: list[Any] = []
        loop.append(loop)
        recorder.set_custom("loop", loop)
        recorder.set_custom("bytes", b"\xff\x00")
        recorder.set_custom("nan", float("nan"))
        recorder.set_custom("object", object())
        recorder.set_custom("surrogate", "\ud800")
        return "\ud800" + "x" * 1_000_000


def tool(name: str, **arguments: Any) -> Reply:
    return Reply(tool_calls=[ToolCall(name, arguments)], then="Done.")


def session_with(*replies: Reply | str | Exception) -> AgentSession[Any]:
    return AgentSession(
        llm=ScriptedLLM(*replies, default="I see."),
        vad=None,
        turn_handling={"turn_detection": None},
    )


async def recorded(
    session: AgentSession[Any], *turns: str, agent: Agent | None = None, **wiring: Any
) -> dict[str, Any]:
    """Attach, run the turns, close; the record."""
    memory = MemoryWriter()
    recorder = analytics.attach(session, writers=[memory], **wiring)
    await session.start(agent or Tools())
    for turn in turns:
        await session.run(user_input=turn)
    await session.aclose()
    assert await recorder.delivered()
    (record,) = memory.records
    return record


async def test_parallel_calls_of_one_tool_annotate_their_own_entries() -> None:
    both = Reply(
        tool_calls=[ToolCall("annotate", {"name": "ada"}), ToolCall("annotate", {"name": "bob"})],
        then="Done.",
    )
    record = await recorded(session_with(both), "go")
    assert [(t["arguments"]["name"], t["who"]) for t in record["tool_calls"]] == [
        ("ada", "ada"),
        ("bob", "bob"),
    ]


async def test_tool_annotates_from_a_thread_by_its_context() -> None:
    record = await recorded(session_with(tool("annotate_from_thread")), "go")
    assert record["tool_calls"][0]["thread"] is True


async def test_annotation_never_replaces_a_fixed_key() -> None:
    record = await recorded(session_with(tool("clash")), "go")
    (call,) = record["tool_calls"]
    assert call["status"] == "done"
    assert call["annotated_status"] == "mine"
    assert call["price"] is None


async def test_failed_and_unknown_tools_are_entries_too() -> None:
    record = await recorded(session_with(tool("fail"), tool("nonsense")), "go", "again")
    failed, unknown = record["tool_calls"]
    assert (failed["status"], failed["error"]) == ("error", "no such customer")
    assert (unknown["tool"], unknown["status"]) == ("nonsense", "error")


async def test_whatever_a_session_produces_can_be_exported() -> None:
    settings = Settings(transcript="on")
    session = session_with(tool("awful"), Reply("\udfff and NaN"))
    record = await recorded(session, "go", "\ud83d", settings=settings)
    (call,) = record["tool_calls"]
    assert call["status"] == "done"
    assert len(call["result"]) < 20_000
    assert record["completeness"]["truncated"]["tool_calls"] >= 1
    assert record["completeness"]["truncated"]["custom"] >= 1
    assert record["custom"].keys() == {"loop", "bytes", "nan", "object", "surrogate"}
    assert record["custom"]["nan"] is None
    assert record["completeness"]["handler_errors"] == 0


def _pack(tmp_path: Path) -> Path:
    path = tmp_path / "dogs.toml"
    path.write_text(
        """name = "dogs"
version = 3
[signals.dogs]
type = "integer"
[[rules]]
name = "n-dogs"
signal = "dogs"
patterns = ['{n} dogs?']
"""
    )
    return path


async def test_what_the_caller_said_is_found_with_its_evidence() -> None:
    session = AgentSession[Any](
        llm=ScriptedLLM("How many people are on your team?", default="I see."),
        vad=None,
        turn_handling={"turn_detection": None},
    )
    record = await recorded(
        session, "hello", "twelve, and we'd need it in Slack", "we don't use salesforce"
    )
    assert record["discovered_signals"] == {
        "team_size": 12,
        "integration_needs": ["slack"],
        "qualification_tier": "qualified",
    }
    assert record["signal_pack"] == "sales@1"
    evidence = {s["value"]: s for s in record["signals"]}
    assert evidence[12]["asked"] and evidence[12]["chosen"]
    assert evidence["slack"]["text"] == "Slack"
    assert evidence["salesforce"]["status"] == "negated" and not evidence["salesforce"]["chosen"]
    assert all(s["item_id"] and s["at"] for s in record["signals"])


async def test_what_the_agent_set_wins_and_is_computed_with() -> None:
    class Sets(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="Help.")

        async def on_enter(self) -> None:
            analytics.current().set_signal("team_size", 2)

    record = await recorded(session_with(), "we are a team of 40", agent=Sets())
    assert record["discovered_signals"] == {"team_size": 2, "qualification_tier": "self_serve"}
    by_rule = {s["rule"] is not None: s for s in record["signals"]}
    assert (by_rule[True]["value"], by_rule[True]["chosen"]) == (40, False)
    assert (by_rule[False]["value"], by_rule[False]["chosen"]) == (2, True)
    assert by_rule[False]["at"] is not None


async def test_a_pack_of_the_teams_own_is_used(tmp_path: Path) -> None:
    settings = Settings(signals=str(_pack(tmp_path)))
    record = await recorded(session_with(), "we have three dogs", settings=settings)
    assert record["discovered_signals"] == {"dogs": 3}
    assert record["signal_pack"] == "dogs@3"


async def test_rules_can_be_given_in_python(tmp_path: Path) -> None:
    rules = RuleSet.load(_pack(tmp_path))
    settings = Settings(signals="off")
    record = await recorded(session_with(), "two dogs", settings=settings, rules=rules)
    assert record["discovered_signals"] == {"dogs": 2}


async def test_signals_can_be_switched_off() -> None:
    record = await recorded(session_with(), "team of 25", settings=Settings(signals="off"))
    assert (record["discovered_signals"], record["signals"]) == ({}, [])
    assert record["signal_pack"] is None
    assert "discovered_signals" not in record["completeness"]["missing"]


async def test_a_pack_that_cannot_be_used_is_named_as_missing(tmp_path: Path) -> None:
    settings = Settings(signals=str(tmp_path / "nowhere.toml"))
    record = await recorded(session_with(), "team of 25", settings=settings)
    assert record["discovered_signals"] == {}
    assert "discovered_signals" in record["completeness"]["missing"]


async def test_bad_values_are_counted_and_never_raise(caplog: pytest.LogCaptureFixture) -> None:
    memory = MemoryWriter()
    session = session_with()
    recorder: Any = analytics.attach(session, writers=[memory])
    await session.start(Tools())
    recorder.note(None)
    recorder.set_state(b"bytes")
    recorder.record_consent("yes")
    recorder.set_user(email=17, metadata="none")
    recorder.set_signal("", 1)
    recorder.tag("kept", None)
    recorder.outcome("good")
    recorder.annotate_tool(nothing="runs")
    recorder.set_custom(None, 1)
    await session.aclose()
    await recorder.delivered()

    (record,) = memory.records
    assert record["completeness"]["invalid_values"] == 9
    assert record["consent_obtained"] is None
    assert record["outcome"] is None
    assert record["tags"] == ["kept"]
    assert record["user_email"] == "17"
    assert "yes" not in caplog.text


async def test_broken_event_is_counted_and_the_call_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory = MemoryWriter()
    session = session_with()
    recorder = analytics.attach(session, writers=[memory])
    await session.start(Tools())
    words: Any = "secret words"
    broken = ConversationItemAddedEvent.model_construct(item=words)
    session.emit("conversation_item_added", broken)
    session.emit("conversation_item_added", broken)
    await session.run(user_input="hello")
    await session.aclose()
    await recorder.delivered()

    (record,) = memory.records
    assert record["completeness"]["handler_errors"] == 2
    assert record["metrics_summary"]["user_turns"] == 1
    assert "secret words" not in caplog.text


async def test_session_that_is_restarted_leaves_a_record_per_call() -> None:
    memory = MemoryWriter()
    session = session_with()
    recorder = analytics.attach(session, writers=[memory], user_email="a@example.com")
    for turns in (1, 2):
        await session.start(Tools())
        for _ in range(turns):
            await session.run(user_input="hello")
        await session.aclose()
        await recorder.delivered()

    first, second = memory.records
    assert second["session_id"] == first["session_id"] + "-2"
    assert [r["metrics_summary"]["user_turns"] for r in (first, second)] == [1, 2]
    assert first["user_email"] == second["user_email"] == "a@example.com"
    assert second["start_time"] >= first["end_time"]


async def test_sessions_of_one_given_id_never_overwrite_each_other() -> None:
    ids = []
    for _ in range(3):
        record = await recorded(session_with(), session_id="call 4711/ä")
        ids.append(record["session_id"])
    assert ids == ["call-4711", "call-4711-2", "call-4711-3"]


async def test_attaching_twice_gives_the_same_recorder(caplog: pytest.LogCaptureFixture) -> None:
    session = session_with()
    first = analytics.attach(session, writers=[MemoryWriter()])
    assert analytics.attach(session) is first
    assert "twice" in caplog.text


async def test_current_finds_the_recorder_of_each_session() -> None:
    seen: dict[str, Recorder] = {}

    class Asks(Agent):
        def __init__(self, name: str) -> None:
            super().__init__(instructions="x")
            self.name = name

        async def on_enter(self) -> None:
            seen[self.name] = analytics.current()

    async def call(name: str) -> Recorder:
        session = session_with()
        recorder = analytics.attach(session, writers=[MemoryWriter()])
        await session.start(Asks(name))
        await session.aclose()
        await recorder.delivered()
        return recorder

    one, two = await asyncio.gather(call("one"), call("two"))
    assert seen == {"one": one, "two": two}


async def test_current_without_a_recorder_keeps_nothing_and_never_raises() -> None:
    def elsewhere() -> None:
        recorder = analytics.current()
        recorder.note("lost")
        assert recorder.session_id == ""

    thread = threading.Thread(target=elsewhere)  # a context of its own
    thread.start()
    thread.join()


async def test_switched_off_it_records_nothing(tmp_path: Path) -> None:
    settings = Settings(enabled=False, directory=tmp_path, spool_directory=tmp_path / "spool")
    session = session_with()
    recorder = analytics.attach(session, settings=settings)
    await session.start(Tools())
    recorder.note("nothing")
    await session.aclose()
    assert await recorder.delivered() is False
    assert list(tmp_path.iterdir()) == []


async def test_what_is_added_after_the_close_is_not_lost_within_a_fake_job() -> None:
    """No hook of a job comes in a test's fake job, so the record leaves at the close."""
    memory = MemoryWriter()
    session = session_with()
    with fake_job_context() as ctx:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Tools(), record=False)
        await session.run(user_input="hello")
        await session.aclose()
        assert await recorder.delivered()
        recorder.outcome(True, "judged")
        await analytics.on_session_end(ctx)
        await recorder.delivered()

    first, second = memory.records
    assert (first["revision"], first["outcome"]) == (1, None)
    assert (second["revision"], second["outcome"]) == (2, "success")
    assert first["session_id"] == second["session_id"]
    assert first["simulated"] is True


async def test_nothing_new_is_sent_when_nothing_was_added() -> None:
    memory = MemoryWriter()
    session = session_with()
    with fake_job_context() as ctx:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Tools(), record=False)
        await session.aclose()
        await recorder.delivered()
        await analytics.on_session_end(ctx)
    assert len(memory.records) == 1


async def test_the_framework_behaves_the_same_with_the_recorder() -> None:
    """Same events, same history, same end."""

    async def call(attached: bool) -> tuple[list[str], list[Any]]:
        session = session_with(tool("fail"), "Fine.")
        events: list[str] = []
        for name in ("agent_state_changed", "close", "conversation_item_added", "error"):
            session.on(name, lambda _, name=name: events.append(name))
        recorder = analytics.attach(session, writers=[MemoryWriter()]) if attached else None
        await session.start(Tools())
        for turn in ("one", "two"):
            await session.run(user_input=turn)
        await session.aclose()
        if recorder:
            await recorder.delivered()
        history = [
            (i.type, getattr(i, "role", None), getattr(i, "text_content", None))
            for i in session.history.items
        ]
        return events, history

    assert await call(attached=True) == await call(attached=False)


async def test_no_task_of_ours_outlives_the_close() -> None:
    before = asyncio.all_tasks()
    session = session_with()
    with fake_job_context():
        analytics.attach(session, writers=[MemoryWriter()])
        await session.start(Tools(), record=False)
        await session.aclose()
        left = asyncio.all_tasks() - before
        assert [t.get_name() for t in left if "analytics" in repr(t.get_coro())] == []


async def test_errors_of_components_are_kept_without_their_text() -> None:
    broken = APIStatusError("the caller said secret words", status_code=400)
    session = session_with(broken)
    memory = MemoryWriter()
    recorder = analytics.attach(session, writers=[memory])
    await session.start(Tools())
    with pytest.raises(APIStatusError):
        await session.run(user_input="hello")
    await session.aclose()
    await recorder.delivered()
    (record,) = memory.records
    assert record["errors"][0]["component"] == "llm"
    assert record["errors"][0]["type"] == "APIStatusError"
    assert record["errors"][0]["recoverable"] is False
    assert "secret words" not in json.dumps(record)


async def test_failing_sink_keeps_the_record_and_the_session_unharmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    denied = SinkError("memory", "AccessDenied", retryable=False, fix="Allow it.")
    session = session_with()
    recorder = analytics.attach(session, writers=[MemoryWriter(fail_with=denied)])
    await session.start(Tools())
    await session.aclose()
    assert await recorder.delivered() is False
    assert "AccessDenied. Allow it." in caplog.text


async def test_record_lands_in_the_directory_and_the_log_says_where(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "livekit.plugins.analytics")
    settings = Settings(directory=tmp_path / "records", spool_directory=tmp_path / "spool")
    session = session_with()
    recorder = analytics.attach(session, settings=settings)
    await session.start(Tools())
    await session.run(user_input="secret words")
    await session.aclose()
    assert await recorder.delivered()

    (path,) = (tmp_path / "records").rglob("*.json.gz")
    record = json.loads(gzip.decompress(path.read_bytes()))
    assert path.name == f"{recorder.session_id}.json.gz"
    assert record["session_id"] == recorder.session_id
    assert list((tmp_path / "spool").iterdir()) == []
    assert str(path) in caplog.text
    assert "secret words" not in caplog.text


async def test_what_was_lost_is_told_by_the_next_record_and_by_no_other(tmp_path: Path) -> None:
    settings = Settings(directory=tmp_path / "records", spool_directory=tmp_path / "spool")
    Spool(tmp_path / "spool").losses.add("refused", 3)
    told = []
    for _ in range(2):
        session = session_with()
        recorder = analytics.attach(session, settings=settings)
        await session.start(Tools())
        await session.aclose()
        assert await recorder.delivered()
        (path,) = (tmp_path / "records").rglob(f"{recorder.session_id}.json.gz")
        record = json.loads(gzip.decompress(path.read_bytes()))
        told.append(record["completeness"]["lost_records_before"])
    assert told == [3, 0]


async def test_what_was_lost_is_the_same_in_every_revision(tmp_path: Path) -> None:
    settings = Settings(directory=tmp_path / "records", spool_directory=tmp_path / "spool")
    losses = Spool(tmp_path / "spool").losses
    losses.add("refused", 3)
    session = session_with()
    with fake_job_context() as ctx:
        recorder = analytics.attach(session, ctx, settings=settings)
        await session.start(Tools(), record=False)
        await session.aclose()
        assert await recorder.delivered()
        losses.add("refused")
        recorder.outcome(True, "judged")
        await analytics.on_session_end(ctx)
        assert await recorder.delivered()

    (path,) = (tmp_path / "records").rglob("*.json.gz")
    record = json.loads(gzip.decompress(path.read_bytes()))
    assert (record["revision"], record["completeness"]["lost_records_before"]) == (2, 3)
    # For the next call.
    assert losses.take() == 1


async def test_leftovers_are_sent_by_the_next_attach_to_configured_sinks_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spool = tmp_path / "spool"
    left = Parcel("left", 1, "year=2026/month=01/day=01/left.json.gz", b"body", b"{}", 0.0, "")
    Spool(spool).put(left).release()

    session = session_with()
    unaware = analytics.attach(session, settings=Settings(spool_directory=spool))
    await session.start(Tools())
    await session.aclose()
    await unaware.delivered()
    assert [p.name for p in spool.glob("*.parcel")] != []

    aware = Settings(spool_directory=spool, directory=tmp_path / "records")
    analytics.attach(session_with(), settings=aware)
    place = tmp_path / "records" / "sessions" / left.name
    await asyncio.to_thread(courier_for(aware).drain)  # waits for the sweep, or does its work
    assert place.read_bytes() == b"body"
