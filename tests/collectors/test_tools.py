"""Each tool call is one entry, whatever became of it, and says what came of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, RunContext, ToolError, function_tool
from pydantic import ValidationError

from livekit_plugins_analytics.collectors import tools as module
from livekit_plugins_analytics.collectors.tools import Tools
from livekit_plugins_analytics.parts import ToolCall, utc
from livekit_plugins_analytics.testing import Reply, ScriptedLLM
from livekit_plugins_analytics.testing import ToolCall as Ask
from livekit_plugins_analytics.trim import Trimmer

from .events import T, call, ended, executed, output, progress, started


@pytest.fixture
def tools() -> Tools:
    return Tools(Trimmer())


def only(tools: Tools) -> ToolCall:
    (entry,) = tools.result()
    return entry


# -- one call


def test_a_call_that_ran_has_its_time_arguments_and_result(tools: Tools) -> None:
    book = call("book", "call_7", '{"day": "Monday"}')
    tools.on_updated(started(book, at=0), "sales")
    tools.on_updated(ended("done", "booked", "call_7", at=0.4124), "sales")
    tools.on_executed(executed((book, output("booked for Monday", "call_7"))), "sales")

    assert only(tools) == ToolCall(
        tool="book",
        timestamp=utc(T),
        call_id="call_7",
        status="done",
        duration_seconds=0.412,
        arguments={"day": "Monday"},
        result="booked for Monday",
        error=None,
        agent="sales",
    )
    assert tools.durations == [pytest.approx(0.4124)]


def test_the_result_is_known_without_the_batch(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("done", "booked"), None)

    assert only(tools).result == "booked"


def test_a_tool_that_says_nothing_has_a_null_result(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("done"), None)
    tools.on_executed(executed((call(), output(""))), None)

    assert (only(tools).status, only(tools).result) == ("done", None)


def test_a_tool_that_fails_has_an_error_and_no_result(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("error", "raw text of an exception", at=2), None)
    assert only(tools).error == "failed"
    tools.on_executed(executed((call(), output("An internal error", is_error=True))), None)

    assert (only(tools).status, only(tools).error, only(tools).result) == (
        "error",
        "An internal error",
        None,
    )
    assert only(tools).duration_seconds == 2.0
    assert tools.durations == [2.0]


def test_a_cancelled_tool_has_the_time_it_ran_which_is_no_latency(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("cancelled", at=3), None)

    assert (only(tools).status, only(tools).duration_seconds) == ("cancelled", 3.0)
    assert tools.durations == []


def test_a_tool_that_still_runs_at_the_end_is_cancelled_after_no_known_time(tools: Tools) -> None:
    tools.on_updated(started(call()), None)

    assert (only(tools).status, only(tools).duration_seconds) == ("cancelled", None)
    assert tools.running() == ["call_1"]
    assert tools.durations == []


def test_there_is_no_running_call_in_a_record() -> None:
    with pytest.raises(ValidationError):
        ToolCall(tool="t", timestamp=utc(T), call_id="c", status="running")


def test_an_unknown_tool_is_an_error_that_took_no_time(tools: Tools) -> None:
    pair = (call("missing"), output("Unknown function: missing", is_error=True))

    tools.on_executed(executed(pair), "sales")

    entry = only(tools)
    assert (entry.tool, entry.status, entry.error) == (
        "missing",
        "error",
        "Unknown function: missing",
    )
    assert (entry.duration_seconds, entry.result, entry.agent) == (None, None, "sales")
    assert tools.durations == []


def test_a_duplicate_that_was_turned_down_is_done_without_having_run(tools: Tools) -> None:
    tools.on_executed(executed((call(), output("Same function is already running"))), None)

    entry = only(tools)
    assert (entry.status, entry.result) == ("done", "Same function is already running")
    assert entry.duration_seconds is None
    assert tools.running() == []


def test_a_handoff_that_did_not_happen_is_an_error_after_all(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("done", "(<Agent>, 'passing you on')"), None)
    tools.on_executed(executed((call(), output("more than one agent", is_error=True))), None)

    entry = only(tools)
    assert (entry.status, entry.error, entry.result) == ("error", "more than one agent", None)


def test_a_clock_that_was_set_back_gives_no_negative_duration(tools: Tools) -> None:
    tools.on_updated(started(call(), at=5), None)
    tools.on_updated(ended("done", at=4), None)

    assert only(tools).duration_seconds == 0.0


def test_the_end_of_an_unknown_call_is_no_call(tools: Tools) -> None:
    tools.on_updated(ended("done", call_id="never began"), None)

    assert tools.result() == []


def test_a_call_ends_once(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("done", "booked", at=1), None)
    tools.on_updated(ended("error", "again", at=9), None)

    assert (only(tools).status, only(tools).duration_seconds) == ("done", 1.0)


# -- deferred calls


def test_a_deferred_call_has_its_final_result_not_the_placeholder(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(progress("looking ..."), None)
    tools.on_executed(executed((call(), output("The tool is running: looking ..."))), None)
    tools.on_updated(ended("done", "42 found", at=8, deferred=True), None)

    assert (only(tools).result, only(tools).duration_seconds) == ("42 found", 8.0)


def test_a_deferred_call_that_ends_before_its_batch_keeps_its_result(tools: Tools) -> None:
    slow = call("slow", "call_2")
    tools.on_updated(started(call()), None)
    tools.on_updated(started(slow), None)
    tools.on_updated(progress("looking ..."), None)
    tools.on_updated(ended("done", "42 found", at=1, deferred=True), None)
    tools.on_updated(ended("done", "slow done", "call_2", at=3), None)
    tools.on_executed(
        executed((call(), output("looking ...")), (slow, output("slow done", "call_2"))), None
    )

    assert [t.result for t in tools.result()] == ["42 found", "slow done"]


def test_a_deferred_call_that_never_ends_is_cancelled_and_has_no_result(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_executed(executed((call(), output("looking ..."))), None)

    assert (only(tools).status, only(tools).result) == ("cancelled", None)


# -- several calls


def test_calls_are_in_the_order_in_which_they_began(tools: Tools) -> None:
    for number in (2, 1, 3):
        tools.on_updated(started(call(call_id=f"call_{number}"), at=number), None)
    tools.on_updated(ended("done", call_id="call_3"), None)

    assert [t.call_id for t in tools.result()] == ["call_2", "call_1", "call_3"]


def test_two_calls_of_one_tool_are_two_entries(tools: Tools) -> None:
    one, two = call(call_id="call_1"), call(call_id="call_2")
    tools.on_updated(started(one), None)
    tools.on_updated(started(two), None)
    assert tools.running("book") == ["call_1", "call_2"]
    tools.on_updated(ended("done", "second", "call_2", at=1), None)
    assert tools.running("book") == ["call_1"]
    assert tools.running("other") == []
    tools.on_updated(ended("error", "first", "call_1", at=2), None)
    tools.on_executed(
        executed((one, output("first", is_error=True)), (two, output("second", "call_2"))), None
    )

    assert [(t.status, t.result, t.error) for t in tools.result()] == [
        ("error", None, "first"),
        ("done", "second", None),
    ]


def test_an_id_that_a_provider_uses_again_is_another_call(tools: Tools) -> None:
    for number in (1, 2):
        tools.on_updated(started(call(), at=number), None)
        tools.on_updated(ended("done", f"result {number}", at=number + 0.5), None)
        tools.on_executed(executed((call(), output(f"result {number}"))), None)
    tools.on_executed(executed((call("missing"), output("unknown", is_error=True))), None)

    assert [(t.tool, t.status, t.result) for t in tools.result()] == [
        ("book", "done", "result 1"),
        ("book", "done", "result 2"),
        ("missing", "error", None),
    ]
    assert tools.durations == [0.5, 0.5]


def test_calls_beyond_the_bound_are_counted(tools: Tools) -> None:
    for number in range(module._MAX_CALLS + 2):
        tools.on_updated(started(call(call_id=f"{number}")), None)
    tools.on_executed(executed((call(call_id="x"), output("", "x", is_error=True))), None)

    assert len(tools.result()) == module._MAX_CALLS
    assert tools.dropped == 3


# -- arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"day": "Monday", "seats": 2}', {"day": "Monday", "seats": 2}),
        ("", {}),
        ("{}", {}),
        ('{"x": NaN, "y": 1e999}', {"x": None, "y": None}),
        ('{"x": "\\ud800"}', {"x": "\ufffd"}),
        # What is no object is kept as text: the column has one type.
        ("{day: Monday", {"_raw": "{day: Monday"}),
        ("[1, 2]", {"_raw": "[1, 2]"}),
        ("null", {"_raw": "null"}),
        ('"text"', {"_raw": '"text"'}),
        ("[" * 100_000, {"_raw": "[" * 16_383 + "…"}),
    ],
    ids=range(10),
)
def test_arguments_are_always_an_object(tools: Tools, text: str, arguments: dict[str, Any]) -> None:
    tools.on_updated(started(call(arguments=text)), None)

    assert only(tools).arguments == arguments
    json.dumps(only(tools).arguments, allow_nan=False)


def test_a_number_too_long_for_python_is_kept_as_text(tools: Tools) -> None:
    tools.on_updated(started(call(arguments='{"x": ' + "9" * 5_000 + "}")), None)

    assert list(only(tools).arguments) == ["_raw"]


def test_long_texts_are_cut_and_counted() -> None:
    trimmer = Trimmer(text=10)
    tools = Tools(trimmer)
    tools.on_updated(started(call("n" * 11, arguments='{"a": "' + "x" * 20)), None)
    tools.on_updated(ended("done", "r" * 11), None)

    assert only(tools).tool == "n" * 9 + "…"
    assert only(tools).result == "r" * 9 + "…"
    assert trimmer.cuts == {"tool_calls": 3}


# -- annotations


def test_annotations_stand_beside_the_fixed_keys(tools: Tools) -> None:
    tools.on_updated(started(call()), None)

    assert tools.annotate("call_1", {"meeting_booked": True, "seats": 1})
    assert tools.annotate("call_1", {"seats": 2})

    dumped = only(tools).model_dump()
    assert (dumped["meeting_booked"], dumped["seats"]) == (True, 2)


@pytest.mark.parametrize("name", list(ToolCall.model_fields))
def test_an_annotation_named_like_a_fixed_key_gets_a_name_of_its_own(
    tools: Tools, name: str
) -> None:
    tools.on_updated(started(call()), "sales")
    before = only(tools).model_dump()

    assert tools.annotate("call_1", {name: "mine"})

    assert only(tools).model_dump() == {**before, f"annotated_{name}": "mine"}


def test_a_call_can_be_annotated_after_its_end(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.on_updated(ended("done"), None)

    assert tools.annotate("call_1", {"late": 1})
    assert only(tools).model_dump()["late"] == 1


def test_there_is_nothing_to_annotate_where_no_call_is(tools: Tools) -> None:
    assert not tools.annotate("call_1", {"a": 1})


def test_annotations_beyond_the_bound_are_counted(tools: Tools) -> None:
    tools.on_updated(started(call()), None)
    tools.annotate("call_1", {f"n{n}": n for n in range(module._MAX_NOTES + 2)})
    tools.annotate("call_1", {"n0": "new"})

    dumped = only(tools).model_dump()
    assert len(dumped) == len(ToolCall.model_fields) + module._MAX_NOTES
    assert dumped["n0"] == "new"
    assert tools.dropped == 2


# -- in a real session


class Desk(Agent):
    """Tools of every kind."""

    def __init__(self) -> None:
        super().__init__(instructions="Help.", id="desk")
        self.began = asyncio.Event()
        self.proceed = asyncio.Event()

    @function_tool
    async def book(self, day: str) -> str:
        """Book."""
        return f"booked {day}"

    @function_tool
    async def decline(self) -> str:
        """Decline."""
        raise ToolError("card declined")

    @function_tool
    async def crash(self) -> str:
        """Crash."""
        raise RuntimeError("database at 10.0.0.1")

    @function_tool
    async def search(self, context: RunContext[None]) -> str:
        """Search, and tell before the end how it goes."""
        await context.update("looking")
        await self.proceed.wait()
        return "42 found"

    @function_tool
    async def hand_over(self) -> Any:
        """Hand over."""
        return Desk(), "passing you on"

    @function_tool
    async def hang(self) -> None:
        """Never end."""
        self.began.set()
        await asyncio.Event().wait()


async def listened(session: AgentSession[None]) -> Tools:
    """The collector, subscribed to a session's events."""
    tools = Tools(Trimmer())
    session.on("tool_execution_updated", lambda e: tools.on_updated(e, "desk"))
    session.on("function_tools_executed", lambda e: tools.on_executed(e, "desk"))
    return tools


def asking(*calls: Ask) -> ScriptedLLM:
    return ScriptedLLM(Reply(tool_calls=calls, then="Done."), default="Fine.")


@pytest.mark.parametrize(
    ("ask", "status", "result", "error"),
    [
        (Ask("book", {"day": "Monday"}), "done", "booked Monday", None),
        (Ask("decline"), "error", None, "card declined"),
        (Ask("crash"), "error", None, "An internal error occurred"),
        (Ask("missing"), "error", None, "Unknown function: missing"),
        (Ask("hand_over"), "done", "passing you on", None),
    ],
    ids=lambda v: v.name if isinstance(v, Ask) else "",
)
async def test_a_session_tells_what_became_of_a_call(
    ask: Ask, status: str, result: str | None, error: str | None
) -> None:
    async with AgentSession[None](llm=asking(ask), vad=None) as session:
        tools = await listened(session)
        await session.start(Desk())
        await session.run(user_input="go")

        entry = only(tools)
        assert (entry.tool, entry.status, entry.result) == (ask.name, status, result)
        assert (entry.error or "").partition(" - available")[0] == (error or "")
        assert (entry.duration_seconds is None) == (ask.name == "missing")


async def test_in_a_session_calls_of_one_tool_run_side_by_side() -> None:
    asks = [Ask("book", {"day": day}) for day in ("Monday", "Tuesday")]
    async with AgentSession[None](llm=asking(*asks), vad=None) as session:
        tools = await listened(session)
        await session.start(Desk())
        await session.run(user_input="go")

        assert [(t.arguments["day"], t.result) for t in tools.result()] == [
            ("Monday", "booked Monday"),
            ("Tuesday", "booked Tuesday"),
        ]


async def test_in_a_session_a_deferred_call_is_one_entry_with_its_final_result() -> None:
    desk = Desk()
    over = asyncio.Event()
    async with AgentSession[None](llm=asking(Ask("search")), vad=None) as session:
        tools = await listened(session)
        session.on(
            "tool_execution_updated",
            lambda e: over.set() if e.update.type == "tool_call_ended" else None,
        )
        session.on("function_tools_executed", lambda _: desk.proceed.set())
        await session.start(desk)
        session.generate_reply(user_input="go")
        await asyncio.wait_for(over.wait(), 10)

        entry = only(tools)
        assert (entry.status, entry.result) == ("done", "42 found")


async def test_in_a_session_a_tool_that_hangs_is_running_until_the_record_is_made() -> None:
    desk = Desk()
    session = AgentSession[None](llm=asking(Ask("hang")), vad=None)
    tools = await listened(session)
    await session.start(desk)
    session.generate_reply(user_input="go")
    await asyncio.wait_for(desk.began.wait(), 10)

    assert tools.running() == [only(tools).call_id]
    assert (only(tools).status, only(tools).duration_seconds) == ("cancelled", None)

    for task in asyncio.all_tasks():
        if task.get_name() == "tool_exec_hang":
            task.cancel()
    await session.aclose()
    assert only(tools).status == "cancelled"
