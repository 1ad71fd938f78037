"""The agent under test: one entrypoint, whose job's metadata says what kind of call it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import api, rtc
from livekit.agents import (
    Agent,
    AgentSession,
    JobContext,
    RunContext,
    function_tool,
    get_job_context,
)
from livekit.agents.voice.room_io import RoomOptions

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.testing import (
    Reply,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedTTS,
    ToolCall,
    When,
)

GREETING = "Hello, this is sales."
BOOKED = "Your meeting is booked for Monday."
HELLO = "Hello, I would like to book a meeting about proposals."
WAIT = "Wait, wait a second, sorry."

TEXT_ONLY = RoomOptions(audio_input=False, audio_output=False)


class SalesAgent(Agent):
    """Greets, books meetings, and ends the call when asked to."""

    def __init__(self) -> None:
        super().__init__(instructions="Sell.", id="sales_agent")

    @function_tool
    async def book_sales_meeting(self, context: RunContext[Any], day: str) -> str:
        """Book a meeting."""
        recorder = analytics.current()
        recorder.annotate_tool(
            customer_name="John Doe", customer_email="john@acme.com", meeting_booked=True
        )
        recorder.note("Wants a meeting on " + day)
        recorder.set_state("NEXT_STEPS")
        return f"booked for {day}"

    @function_tool
    async def end_call(self) -> None:
        """End the call the way most agents do."""
        get_job_context().shutdown(reason="goal reached")

    @function_tool
    async def die(self) -> None:
        """End the process, as the kernel does when memory runs out."""
        # What the call had said a second ago is in the journal, not what it says now.
        os.kill(os.getpid(), signal.SIGKILL)

    @function_tool
    async def close_session(self, context: RunContext[Any]) -> None:
        """End the session only: the job and the room go on."""
        context.session.shutdown(drain=False)


def text_session() -> AgentSession[Any]:
    """A session without sound, whose model answers by what the caller says."""
    rules = [
        When(
            contains="book",
            reply=Reply(
                tool_calls=[ToolCall("book_sales_meeting", {"day": "Monday"})], then=BOOKED
            ),
        ),
        When(contains="bye", reply=Reply(tool_calls=[ToolCall("end_call")], then="Goodbye.")),
        When(contains="die", reply=Reply(tool_calls=[ToolCall("die")])),
        When(contains="close", reply=Reply(tool_calls=[ToolCall("close_session")], then="Closed.")),
    ]
    llm = ScriptedLLM(*rules, default=Reply("I see.", prompt_tokens=100, completion_tokens=10))
    return AgentSession(llm=llm, vad=None, turn_handling={"turn_detection": None})


async def start(ctx: JobContext) -> AgentSession[Any]:
    """Begin a session by text, with everything that an agent knows from the start."""
    session = text_session()
    recorder = analytics.attach(
        session, ctx, user_email="user@company.com", user_metadata={"plan": "trial"}
    )
    recorder.set_state("DISCOVERY")
    recorder.record_consent(True, method="verbal")
    recorder.set_signal("team_size", 25)
    # Text that is said before the connection is lost, and so is what nobody is there to read.
    await ctx.connect()
    await session.start(SalesAgent(), room=ctx.room, room_options=TEXT_ONLY)
    return session


async def greet(ctx: JobContext, session: AgentSession[Any]) -> None:
    """Say hello as soon as the caller can read it: text to one who only just joined is lost."""
    changed = asyncio.Event()
    ctx.room.on("participant_active", lambda _: changed.set())
    caller = await ctx.wait_for_participant()
    while caller.state != rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
        await changed.wait()
        changed.clear()
    session.say(GREETING)


async def plain(ctx: JobContext) -> None:
    """A call by text."""
    session = await start(ctx)
    await greet(ctx, session)


async def with_what_is_loaded(ctx: JobContext) -> None:
    """A call by text; its record says what the process had loaded before it knew of a session."""
    loaded = sorted({"boto3", "re2", "voice_prices"} & sys.modules.keys())
    session = await start(ctx)
    analytics.current().set_custom("loaded", loaded)
    await greet(ctx, session)


async def two_sessions(ctx: JobContext) -> None:
    """Two sessions in one job, the second beside the first."""
    first, second = text_session(), text_session()
    analytics.attach(first, ctx)
    analytics.attach(second, ctx)
    await ctx.connect()
    await first.start(SalesAgent(), room=ctx.room, room_options=TEXT_ONLY)
    await second.start(SalesAgent(), record=False)
    await greet(ctx, first)


async def crash_after(ctx: JobContext) -> None:
    """The entrypoint fails in the middle of the call."""
    await start(ctx)
    raise ValueError("a bug of the agent's")


async def crash_before(ctx: JobContext) -> None:
    """The entrypoint fails before the session begins."""
    analytics.attach(text_session(), ctx)
    raise ValueError("a bug of the agent's")


async def nobody_answers(ctx: JobContext) -> None:
    """An outbound call that is not answered: the agent gives up."""
    session = text_session()
    recorder = analytics.attach(session, ctx)
    await ctx.connect()
    try:
        await ctx.api.sip.create_sip_participant(
            api.CreateSIPParticipantRequest(
                sip_trunk_id="ST_none", sip_call_to="+4930123456", room_name=ctx.room.name
            )
        )
    except api.TwirpError as error:
        recorder.outcome(False, "no answer")
        recorder.set_custom("dial_error", str(error.code))
        ctx.shutdown(reason="no answer")


async def with_sound(ctx: JobContext) -> None:
    """A call with sound: local voice activity detection, scripted models with real frames."""
    session: AgentSession[Any] = AgentSession(
        stt=ScriptedSTT(HELLO, WAIT, delay=0.15),
        llm=ScriptedLLM(
            Reply("Of course. " + "Let me tell you all about it. " * 8, ttft=0.1),
            Reply("Yes, what is it?", ttft=0.1),
        ),
        tts=ScriptedTTS(ttfb=0.1, seconds_per_character=0.05),
        turn_handling={"turn_detection": "vad"},
        # The default ignores interruptions in the agent's first 3 s.
        aec_warmup_duration=None,
    )
    analytics.attach(session, ctx)
    await session.start(Agent(instructions="Be brief.", id="voice_agent"), room=ctx.room)


CALLS: dict[str, Callable[[JobContext], Coroutine[Any, Any, None]]] = {
    f.__name__: f
    for f in (
        plain,
        with_what_is_loaded,
        two_sessions,
        crash_after,
        crash_before,
        nobody_answers,
        with_sound,
    )
}


async def entrypoint(ctx: JobContext) -> None:
    """Run the kind of call that the job's metadata names."""
    await CALLS[json.loads(ctx.job.metadata)["call"]](ctx)


async def own_session_end(ctx: JobContext) -> None:
    """A user's own hook, which judges the call and then awaits ours."""
    if json.loads(ctx.job.metadata).get("judge"):
        ctx.tagger.success(reason="judge says so")
    await analytics.on_session_end(ctx)
