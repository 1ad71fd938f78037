"""The agent under test. The job's metadata says what kind of call it is and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    APIStatusError,
    JobContext,
    JobExecutorType,
    RunContext,
    function_tool,
    get_job_context,
)
from livekit.agents.voice.room_io import RoomOptions, TextInputOptions

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.testing import Reply, ScriptedLLM, ScriptedSTT, ToolCall, When
from tests.calls.agents import BOOKED, GREETING, HELLO, greet
from tests.endings import wire
from tests.endings.foreign import Foreign

# Longer than anything waits for: what lasts so long hangs.
FOREVER = 300.0

# More than the rows' memory limit, which is more than a job needs.
_MEMORY = 900 * 1024 * 1024

_kept: list[Any] = []


async def _shutdown(ctx: JobContext) -> None:
    ctx.shutdown(reason="goal reached")


async def _close_session(ctx: JobContext) -> None:
    ctx.primary_session.shutdown(drain=False)


async def _aclose_session(ctx: JobContext) -> None:
    # Not awaited here: the session waits for its tools.
    _kept.append(asyncio.create_task(ctx.primary_session.aclose()))


async def _delete_room(ctx: JobContext) -> None:
    ctx.delete_room()


async def _disconnect(ctx: JobContext) -> None:
    _kept.append(asyncio.create_task(ctx.room.disconnect()))


async def _work_70(ctx: JobContext) -> None:
    await asyncio.sleep(70)


async def _hang(ctx: JobContext) -> None:
    await asyncio.sleep(FOREVER)


async def _shutdown_and_hang(ctx: JobContext) -> None:
    ctx.shutdown(reason="goal reached")
    await asyncio.sleep(FOREVER)


async def _block_20(ctx: JobContext) -> None:
    time.sleep(20)  # what no agent should do: no await, no audio


async def _block_75(ctx: JobContext) -> None:
    time.sleep(75)


async def _allocate(ctx: JobContext) -> None:
    _kept.append(bytearray(os.urandom(1024)) * (_MEMORY // 1024))


async def _raise(ctx: JobContext) -> None:
    raise RuntimeError("a bug of the tool's")


async def _sys_exit(ctx: JobContext) -> None:
    sys.exit(3)


async def _os_exit(ctx: JobContext) -> None:
    os._exit(3)


ACTIONS: dict[str, Callable[[JobContext], Awaitable[None]]] = {
    f.__name__.strip("_"): f
    for f in (
        _shutdown,
        _close_session,
        _aclose_session,
        _delete_room,
        _disconnect,
        _work_70,
        _hang,
        _shutdown_and_hang,
        _block_20,
        _block_75,
        _allocate,
        _raise,
        _sys_exit,
        _os_exit,
    )
}
"""What a caller can ask for with "please {name}."."""


class SalesAgent(Agent):
    """Books meetings and does what it is asked to."""

    def __init__(self, foreign: Foreign) -> None:
        super().__init__(instructions="Sell.", id="sales_agent")
        self._foreign = foreign

    async def on_enter(self) -> None:
        """The framework's hook."""
        self._foreign.at("on_enter")

    async def on_exit(self) -> None:
        """The framework's hook."""
        self._foreign.at("on_exit")

    async def on_user_turn_completed(self, turn_ctx: Any, new_message: Any) -> None:
        """The framework's hook."""
        self._foreign.at("on_user_turn_completed")

    def llm_node(self, chat_ctx: Any, tools: Any, model_settings: Any) -> Any:
        """The framework's hook."""
        self._foreign.at("llm_node")
        return super().llm_node(chat_ctx, tools, model_settings)

    @function_tool
    async def book_sales_meeting(self, context: RunContext[Any], day: str) -> str:
        """Book a meeting."""
        analytics.current().annotate_tool(meeting_booked=True)
        return f"booked for {day}"

    @function_tool
    async def act(self, context: RunContext[Any], what: str) -> str:
        """Do what ends the call."""
        wire.tell("acts", what=what)
        await ACTIONS[what](get_job_context())
        return "done"


def _model() -> ScriptedLLM:
    book = Reply(tool_calls=[ToolCall("book_sales_meeting", {"day": "Monday"})], then=BOOKED)
    acts = [
        When(f"please {name}.", Reply(tool_calls=[ToolCall("act", {"what": name})], then="Done."))
        for name in ACTIONS
    ]
    down = When("fail", APIStatusError("down", status_code=400, retryable=False))
    return ScriptedLLM(When("book", book), *acts, down, default="I see.")


def _session() -> AgentSession[Any]:
    return AgentSession(llm=_model(), vad=None, turn_handling={"turn_detection": None})


def _sound_session() -> AgentSession[Any]:
    return AgentSession(
        stt=ScriptedSTT(HELLO), llm=_model(), turn_handling={"turn_detection": "vad"}
    )


def _observed(session: AgentSession[Any]) -> None:
    """Tell of what a row waits for."""
    session.on("close", lambda event: wire.tell("closed", reason=event.reason.value))
    session.on("error", lambda event: wire.tell("error", recoverable=event.error.recoverable))


async def _start(ctx: JobContext, session: AgentSession[Any], foreign: Foreign) -> None:
    foreign.before(session, ctx)
    analytics.attach(session, ctx, user_email="user@company.com").set_state("DISCOVERY")
    _observed(session)
    foreign.after(session, ctx)
    options = _options(ctx)
    await ctx.connect()
    wire.tell("connected")
    ctx.room.on("participant_connected", lambda p: wire.tell("came", who=p.identity))
    ctx.room.on("participant_disconnected", lambda p: wire.tell("left", who=p.identity))

    own_text = TextInputOptions(text_input_cb=lambda *_: foreign.at("text_input_cb"))
    room_options = RoomOptions(
        audio_input=options["call"] == "sound",
        audio_output=False,
        text_input=own_text if options.get("own_text_input") else True,
        delete_room_on_close=bool(options.get("delete_room_on_close")),
        close_on_disconnect=bool(options.get("close_on_disconnect", True)),
    )
    await session.start(SalesAgent(foreign), room=ctx.room, room_options=room_options)


async def plain(ctx: JobContext, foreign: Foreign) -> None:
    """A call by text."""
    session = _session()
    await _start(ctx, session, foreign)
    await greet(ctx, session)


async def sound(ctx: JobContext, foreign: Foreign) -> None:
    """A call with a speech recogniser; it is greeted, and answers, by text."""
    session = _sound_session()
    await _start(ctx, session, foreign)
    await greet(ctx, session)


async def two_sessions(ctx: JobContext, foreign: Foreign) -> None:
    """Two sessions in one job, the second beside the first."""
    second = _session()
    session = _session()
    analytics.attach(second, ctx)
    await _start(ctx, session, foreign)
    await second.start(SalesAgent(foreign), record=False)
    await greet(ctx, session)


async def entrypoint_stays(ctx: JobContext, foreign: Foreign) -> None:
    """The entrypoint never returns."""
    await plain(ctx, foreign)
    await asyncio.sleep(FOREVER)


async def unattended(ctx: JobContext, foreign: Foreign) -> None:
    """Nobody is awaited."""
    await _start(ctx, _session(), foreign)


async def crash_before_attach(ctx: JobContext, foreign: Foreign) -> None:
    """The entrypoint fails before there is a recorder."""
    raise ValueError("a bug of the agent's")


async def crash_before_start(ctx: JobContext, foreign: Foreign) -> None:
    """The entrypoint fails before the session begins."""
    analytics.attach(_session(), ctx)
    raise ValueError("a bug of the agent's")


async def crash_after_start(ctx: JobContext, foreign: Foreign) -> None:
    """The entrypoint fails in the middle of the call."""
    await plain(ctx, foreign)
    await ctx.wait_for_participant(identity="supervisor")
    wire.tell("acts", what="crash")
    raise ValueError("a bug of the agent's")


CALLS: dict[str, Callable[[JobContext, Foreign], Awaitable[None]]] = {
    f.__name__: f
    for f in (
        plain,
        sound,
        two_sessions,
        entrypoint_stays,
        unattended,
        crash_before_attach,
        crash_before_start,
        crash_after_start,
    )
}


async def entrypoint(ctx: JobContext) -> None:
    """Run the kind of call that the job's metadata names."""
    wire.listen()
    in_thread = ctx.proc.executor_type == JobExecutorType.THREAD
    wire.tell("job", job=ctx.job.id, room=ctx.job.room.name, in_thread=in_thread)
    if in_thread:
        job, thread = ctx.job.id, threading.current_thread()

        def wait() -> None:
            thread.join()
            wire.tell("thread_ended", job=job)

        threading.Thread(target=wait, daemon=True).start()
    options = _options(ctx)
    await CALLS[options["call"]](ctx, Foreign(options.get("raises", {})))


async def session_end(ctx: JobContext) -> None:
    """A user's own hook, which does something of its own before or after it awaits ours."""
    how = _options(ctx).get("session_end")
    wire.tell("session_end")
    if how == "hangs":
        await asyncio.sleep(FOREVER)
    if how == "raises":
        raise TypeError("a bug of the user's")
    await analytics.on_session_end(ctx)
    if how == "hangs_after":
        await asyncio.sleep(FOREVER)
    if how == "raises_after":
        raise TypeError("a bug of the user's")


def _options(ctx: JobContext) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(ctx.job.metadata)
    return options


__all__ = ["ACTIONS", "BOOKED", "CALLS", "FOREVER", "GREETING", "entrypoint", "session_end"]
