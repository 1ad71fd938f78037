"""A journal says what the record would have said, whenever the process dies."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, function_tool

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.call import Call, Capture, Remarks
from livekit_plugins_analytics.collectors.air import Air
from livekit_plugins_analytics.collectors.conversation import Side, Talk
from livekit_plugins_analytics.collectors.transcript import Line
from livekit_plugins_analytics.ending import Evidence, Gone
from livekit_plugins_analytics.guard import Guard
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.parts import Error, Participant, StateChange, ToolCall, Usage, utc
from livekit_plugins_analytics.recorder import _EVENTS
from livekit_plugins_analytics.replay import Replay, Unusable, replayed
from livekit_plugins_analytics.rulebook import ready
from livekit_plugins_analytics.signals import RuleSet
from livekit_plugins_analytics.testing import Reply, ScriptedLLM
from livekit_plugins_analytics.testing import ToolCall as Calls

from .collectors.events import T
from .test_assembly import JOB, OFF, ON, capture, spoken

Journal = Callable[[Capture], bytes]

# What differs between a record and the one that is recovered from its journal.
DIFFERENT = {"record_status", "end_cause", "end_time", "duration_seconds", "completeness"}


def written(pages: Pages, *captures: Capture) -> list[bytes]:
    """The lines of a journal that has seen these captures."""
    lines: list[bytes] = []
    for each in captures:
        lines += pages.lines(each).splitlines()
        pages.written()
    return lines


def replay(*captures: Capture, settings: Settings = ON) -> Replay:
    return replayed(written(Pages(settings), *captures), T + 99)


def line(number: int, text: str | None = "hello", **values: Any) -> Line:
    given: dict[str, Any] = {
        "id": f"item_{number}",
        "role": "user",
        "text": text,
        "at": T + number,
        "interrupted": False,
        "metrics": {"e2e_latency": 0.8},
        "agent": None,
        "language": "en",
        **values,
    }
    return Line(**given)


def tool(number: int, **values: Any) -> ToolCall:
    given = {"tool": "book", "timestamp": utc(T), "call_id": f"c{number}", "status": "done"}
    return ToolCall(**{**given, **values})


class Booking(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Help.", id="booking")

    @function_tool
    async def book(self, day: str) -> str:
        """Book a meeting."""
        return f"booked for {day}"


async def test_the_journal_of_a_real_session_makes_the_record_of_the_session() -> None:
    rules = RuleSet.load("sales")
    session = AgentSession[Any](
        llm=ScriptedLLM(
            "How many people are on your team?",
            Reply(tool_calls=[Calls("book", {"day": "Monday"})], then="Booked."),
            default="I see.",
        ),
        vad=None,
        turn_handling={"turn_detection": None},
    )
    call = Call(session, "RM_1-AJ_1", JOB, Guard(), ready(rules))
    pages, lines = Pages(ON), list[bytes]()
    taken: list[Capture] = []

    def take(_: Any = None) -> None:
        said = call.annotations
        remarks = Remarks(notes=list(said.notes), state=said.state, signals=dict(said.signals))
        evidence = Evidence(now=T + 50, callers_present=1)
        taken.append(call.capture("partial", evidence, remarks, [], 0))
        lines.extend(pages.lines(taken[-1]).splitlines())
        pages.written()

    for name in _EVENTS:
        session.on(name, getattr(call, f"on_{name}"))  # type: ignore[arg-type]  # mypy sees str, not the Literal
        session.on(name, take)  # type: ignore[arg-type]  # the same
    await session.start(Booking())
    for turn in ("hello", "twelve, and we need it in Slack", "we don't use salesforce, bye"):
        call.annotations.add_note(turn.upper())
        call.annotations.set_signal("source", "web")
        await session.run(user_input=turn)
    take()
    await session.aclose()

    last = next(t for t in reversed(taken) if not t.evidence.close_reason)
    wanted = assemble(last, ON).model_dump()
    record = assemble(replayed(lines, T + 99).capture, ON).model_dump()
    assert len(taken) > 10
    assert {k for k in wanted if wanted[k] != record[k]} <= DIFFERENT
    assert record["discovered_signals"]["team_size"] == 12
    assert record["transcript"]["items"]
    assert record["tool_calls"][0]["result"] == "booked for Monday"
    assert record["usage"] and record["latency"]["llm_ttft"]["num"]
    assert (record["record_status"], record["end_cause"]) == ("recovered", "crashed")


def test_every_part_of_a_capture_comes_back() -> None:
    rich = capture(
        said=[line(1), line(2, role="agent", agent="sales")],
        unsaid=3,
        tools=[tool(1, arguments={"a": [1]}, meeting_booked=True)],
        tool_durations=[0.25, float("nan")],
        participants=[Participant(identity="jo", kind="sip", joined_at=utc(T))],
        usage=[Usage(kind="llm", provider="openai", model="gpt-4o-mini", quantities={"x": 3})],
        errors=[Error(component="tts", type="APIError", recoverable=True, at=utc(T))],
        remarks=Remarks(
            notes=["n"],
            state_history=[StateChange(state="A", at=utc(T))],
            custom={"deep": {"er": [None, True, 1.5]}},
            consent=True,
            consent_at=T,
        ),
        evidence=Evidence(now=T, gone=[Gone(T + 1, "CLIENT_INITIATED")], callers_present=2),
        truncated={"custom": 2},
        dropped=1,
        handler_errors=2,
        invalid_values=3,
        llm_calls=4,
        talk=Talk(Side(2.5, T + 9, T), user_heard=True, air=Air(1.5, 1.0, ((T, T + 2),))),
        realtime_ttfts=[0.25, 0.5],
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    )
    back = replay(rich).capture

    same = {f.name for f in dataclasses.fields(Capture)} - {"status", "evidence", "found"}
    for name in same - {"tool_durations"}:
        assert getattr(back, name) == getattr(rich, name), name
    assert repr(back.tool_durations) == repr(rich.tool_durations)
    assert back.status == "recovered"
    assert back.evidence == dataclasses.replace(rich.evidence, now=T + 99, settled=True)


def test_figures_that_need_the_words_come_back_without_them() -> None:
    def side(first: float) -> Side:
        return Side(6.0, first=first)

    spoke = Talk(side(T), side(T), user_heard=True, air=Air(recent=((T, T + 6),)))
    whole = capture(talk=spoke, **spoken("my secret is out", "I see"))
    lines = written(Pages(OFF), whole)
    back = assemble(replayed(lines, T + 99).capture, OFF).metrics_summary

    assert b"secret" not in b"".join(lines)
    assert (back.user_words_per_minute, back.agent_words_per_minute) == (40.0, 20.0)
    assert back.silence_seconds == 54.0


def test_only_what_changed_is_written() -> None:
    pages = Pages(ON)
    first = capture(said=[line(1)], tools=[tool(1, status="cancelled")])
    assert written(pages, first)
    assert written(pages, dataclasses.replace(first, evidence=Evidence(now=T + 5))) != []
    assert written(pages, dataclasses.replace(first, evidence=Evidence(now=T + 6))) == []

    more = dataclasses.replace(first, said=[line(1), line(2)], tools=[tool(1)])
    (one, two) = written(pages, dataclasses.replace(more, evidence=Evidence(now=T + 6)))
    assert b"item_2" in one + two and b"item_1" not in one + two


def test_what_could_not_be_written_is_written_with_the_next() -> None:
    pages = Pages(ON)
    pages.lines(capture(said=[line(1)]))  # and the disk was full
    back = replayed(written(pages, capture(said=[line(1), line(2)])), T).capture
    assert [each.id for each in back.said if isinstance(each, Line)] == ["item_1", "item_2"]


def test_a_revised_turn_replaces_and_a_shorter_list_is_shorter() -> None:
    back = replay(
        capture(said=[line(1, "fifty")], tool_durations=[1.0, 2.0]),
        capture(said=[line(1, "fifteen")], tool_durations=[3.0]),
    ).capture
    assert [each.text for each in back.said if isinstance(each, Line)] == ["fifteen"]
    assert back.tool_durations == [3.0]


def test_the_words_are_nowhere_where_the_record_has_none() -> None:
    said = [line(1, "my secret")]
    lines = b"".join(written(Pages(OFF), capture(said=said)))
    assert b"my secret" not in lines
    assert replay(capture(said=said), settings=OFF).settings["transcript"] == "off"
    assert b"my secret" in b"".join(written(Pages(ON), capture(said=said)))


def test_the_words_are_nowhere_where_the_project_has_them_redacted() -> None:
    redacted = dataclasses.replace(JOB, redaction=True)
    lines = b"".join(written(Pages(ON), capture(facts=redacted, said=[line(1, "my secret")])))
    assert b"my secret" not in lines


def test_a_lone_surrogate_costs_nothing_else() -> None:
    back = replay(capture(said=[line(1, "a\ud800b")], session_id="s\ud800")).capture
    assert [each.text for each in back.said if isinstance(each, Line)] == ["a\ufffdb"]
    assert back.session_id == "s\ufffd"


@pytest.mark.parametrize("torn", [b'{"f":"said","i":3,"v":{"id"', b"\x00\x00\x00", b"[]", b"7"])
def test_a_torn_line_is_counted_and_costs_no_other(torn: bytes) -> None:
    lines = written(Pages(ON), capture(said=[line(1)]))
    back = replayed([*lines, torn], T).capture
    assert len(back.said) == 1
    assert back.truncated == {"journal": 1}
    assert assemble(back, ON).completeness.truncated == {"journal": 1}


def test_every_cut_leaves_a_record_or_is_said_to_be_none() -> None:
    whole = b"\n".join(written(Pages(ON), capture(said=[line(1)], tools=[tool(1)])))
    usable = 0
    for end in range(0, len(whole), 7):
        try:
            back = replayed(whole[:end].split(b"\n"), T + 99)
        except Unusable:
            continue
        usable += 1
        assert assemble(back.capture, ON).session_id == "RM_1-AJ_1"
    assert usable


def test_a_part_that_a_later_version_writes_is_passed_over() -> None:
    lines = written(Pages(ON), capture())
    assert replayed([*lines, b'{"f":"mood","v":"good"}'], T).capture.truncated == {}


@pytest.mark.parametrize("lines", [[], [b"garbage"], [b'{"f":"journal","v":2}']])
def test_what_is_no_journal_is_said_to_be_none(lines: list[bytes]) -> None:
    with pytest.raises(Unusable):
        replayed(lines, T)


def test_a_departure_before_the_end_is_the_end() -> None:
    gone = Evidence(now=T, gone=[Gone(T + 20, "CLIENT_INITIATED")])
    record = assemble(replay(capture(evidence=gone)).capture, ON)
    assert record.end_cause == "caller_hung_up"
    assert record.end_time == utc(T + 20)


async def test_writing_while_the_call_goes_on_shares_nothing_that_changes() -> None:
    """The loop appends while the scribe's thread reads."""
    said = [line(n) for n in range(200)]
    pages = Pages(ON)

    def write() -> list[bytes]:
        return written(pages, capture(said=list(said)))

    lines = await asyncio.to_thread(write)
    said.append(line(200))
    lines += await asyncio.to_thread(write)
    assert len(replayed(lines, T).capture.said) == 201
