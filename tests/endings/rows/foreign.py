"""Code that is not ours raises or hangs, in every place where it can."""

from __future__ import annotations

from functools import partial

from tests.calls.agents import GREETING
from tests.endings.ending import Ending, Play, WorkerOptions
from tests.endings.rows.agents import act
from tests.endings.rows.callers import hang_up
from tests.endings.rows.truth import (
    AGENT,
    BRIEF,
    CLOSED,
    CRASHED,
    DEPARTURE,
    HUNG_UP,
    LEFT,
    NEVER,
    PARTIAL,
)
from tests.endings.stage import PATIENCE, Stage


async def fail_early(stage: Stage) -> None:
    """What raises does so before the call is under way, and the entrypoint with it."""
    await stage.dispatch()
    await stage.caller()
    await stage.triggered_by("raises")


async def fail_in_call(stage: Stage, text: str = "book") -> None:
    """What raises does so in answer to the caller, who hangs up then."""
    await stage.dispatch()
    await stage.wire.message("connected", PATIENCE)
    caller = await stage.caller()
    await caller.hears(GREETING)
    await caller.type(text)
    await stage.wire.message("raises", PATIENCE)
    await stage.known()
    stage.trigger()
    await caller.hang_up()


async def fail_unheard(stage: Stage) -> None:
    """The framework does not get to know of the caller, who hears nothing and hangs up."""
    await stage.dispatch()
    await stage.wire.message("connected", PATIENCE)
    caller = await stage.caller()
    await stage.wire.message("raises", PATIENCE)
    await stage.known()
    stage.trigger()
    await caller.hang_up()


async def fail_in_spoken_call(stage: Stage) -> None:
    """The same by word of mouth."""
    await stage.dispatch()
    caller = await stage.caller(sound=True)
    await caller.hears(GREETING)
    caller.say("hello.wav")
    await stage.wire.message("raises", PATIENCE)
    await stage.known()
    stage.trigger()
    await caller.hang_up()


async def raise_in_tool(stage: Stage, what: str) -> None:
    """A tool raises, and the caller hangs up."""
    caller = await stage.call()
    await stage.acts(caller, what)
    stage.trigger()
    await caller.hang_up()


def _raises(
    place: str,
    play: Play,
    causes: frozenset[str] = HUNG_UP,
    closes: frozenset[str | None] = LEFT,
    *,
    what: str = "",
    then: str = "caller hangs up",
    name: str = "",
    error: str = "TypeError",
    statuses: frozenset[str] = frozenset({"final"}),
    within: float = 10,
    call: str = "plain",
    sure: bool = True,
) -> Ending:
    """A row of something that raises."""
    return Ending(
        name or f"foreign_{place.rpartition(':')[2]}",
        what or f"{error} in {_named(place)}, {then}",
        play,
        causes,
        closes,
        statuses,
        within=within,
        call=call,
        options={"raises": {place: error}, "own_text_input": place == "text_input_cb"},
        server=BRIEF,
        sure=sure,
    )


def _named(place: str) -> str:
    kind, _, event = place.rpartition(":")
    if kind:
        return f"a {kind} handler of `{event}`"
    return {
        "task": "a background task",
        "participant_entrypoint": "a participant's entrypoint",
    }.get(place, f"`{place}`")


_ENDS_AT_5 = WorkerOptions(session_end_timeout=5)
_SHUTDOWN = partial(act, what="shutdown")

ROWS = [
    Ending(
        "user_end_hangs",
        "user's `on_session_end` hangs before it calls ours, `ctx.shutdown()`",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        options={"session_end": "hangs"},
        worker=_ENDS_AT_5,
        within=15,
    ),
    Ending(
        "user_end_hangs_after_ours",
        "the same after it has called ours",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        options={"session_end": "hangs_after"},
        worker=_ENDS_AT_5,
        within=15,
    ),
    Ending(
        "user_end_raises",
        "user's `on_session_end` raises before it calls ours, `ctx.shutdown()`",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        options={"session_end": "raises"},
        server=BRIEF,
    ),
    Ending(
        "user_end_raises_after",
        "the same after it has called ours",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        options={"session_end": "raises_after"},
        server=BRIEF,
    ),
    _raises(
        "shutdown_callback",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        name="other_cb_raises",
        what="another shutdown callback raises, `ctx.shutdown()`",
        sure=False,
    ),
    Ending(
        "close_typeerror_first",
        "TypeError in a close handler before ours, caller hangs up",
        hang_up,
        HUNG_UP,
        NEVER,
        PARTIAL,
        options={"raises": {"first:session:close": "TypeError"}},
        within=DEPARTURE + 10,
        sure=True,
    ),
    Ending(
        "close_typeerror_last",
        "TypeError in a close handler after ours, caller hangs up",
        hang_up,
        HUNG_UP,
        LEFT,
        options={"raises": {"session:close": "TypeError"}},
        sure=True,
    ),
    _raises(
        "first:session:close",
        _SHUTDOWN,
        AGENT,
        NEVER,
        statuses=PARTIAL,
        name="close_typeerror_shutdown",
        what="TypeError in a close handler before ours, `ctx.shutdown()`",
        sure=False,
    ),
    _raises(
        "session:close",
        _SHUTDOWN,
        AGENT,
        CLOSED,
        name="close_typeerror_last_shutdown",
        what="TypeError in a close handler after ours, `ctx.shutdown()`",
        sure=False,
    ),
    _raises(
        "session:close",
        hang_up,
        error="SystemExit",
        name="close_exits",
        what="`sys.exit()` in a close handler, caller hangs up",
    ),
    _raises(
        "session:conversation_item_added",
        fail_in_call,
        name="item_typeerror",
        what="TypeError in a handler of `conversation_item_added`: a mute agent, caller hangs up",
    ),
    _raises(
        "session:agent_state_changed", fail_early, CRASHED, CLOSED, then="the entrypoint fails"
    ),
    _raises("session:speech_created", fail_early, CRASHED, CLOSED, then="the entrypoint fails"),
    _raises("session:user_state_changed", fail_in_call),
    _raises("session:user_input_transcribed", fail_in_spoken_call, call="sound"),
    _raises("session:function_tools_executed", fail_in_call),
    _raises("session:tool_execution_updated", fail_in_call),
    _raises("session:session_usage_updated", fail_in_call),
    _raises("session:metrics_collected", fail_in_call),
    _raises("session:error", partial(fail_in_call, text="fail")),
    _raises(
        "session:function_tools_executed",
        fail_in_call,
        error="CancelledError",
        name="foreign_cancels",
    ),
    # As above, from the beginning.
    _raises("room:participant_connected", fail_unheard, closes=CLOSED, within=30),
    # RoomIO's own handler comes after it, and so does not close the session.
    _raises("room:participant_disconnected", hang_up, closes=CLOSED, within=15),
    _raises("room:disconnected", hang_up),
    _raises("room:connection_state_changed", fail_in_call),
    _raises("on_enter", fail_in_call),
    _raises("on_exit", hang_up),
    _raises("on_user_turn_completed", fail_in_spoken_call, call="sound"),
    _raises("llm_node", fail_in_call),
    _raises("text_input_cb", fail_in_call),
    _raises("participant_entrypoint", fail_in_call),
    _raises("task", fail_in_call),
    Ending(
        "tool_raises",
        "a tool raises, caller hangs up",
        partial(raise_in_tool, what="raise"),
        HUNG_UP,
        LEFT,
        server=BRIEF,
        sure=True,
    ),
    Ending(
        "tool_sys_exit",
        "a tool calls `sys.exit()`",
        partial(act, what="sys_exit"),
        CRASHED | AGENT,
        CLOSED | NEVER,
        PARTIAL,
        lasts=150,
        server=BRIEF,
    ),
]
