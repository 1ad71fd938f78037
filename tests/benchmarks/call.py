"""Sessions of any length, played without a model: the framework's own events, one after another."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ChatMessage,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    JobContext,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import FunctionCall, FunctionCallOutput
from livekit.agents.voice.events import (
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
)

from livekit_plugins_analytics import Recorder, Settings, attach
from livekit_plugins_analytics.delivery import courier_for
from livekit_plugins_analytics.rendering import load_prices
from livekit_plugins_analytics.rulebook import rules_for
from tests.collectors.events import participant
from tests.test_facts import job, job_context

SAID = "We are a team of 25 and send about twenty contracts a week, mostly from Salesforce."
ANSWERED = "Thank you. That helps a lot. How do you send them today, and who signs them in the end?"
SECONDS_A_TURN = 12.0
_numbers = itertools.count()


def silent_session() -> AgentSession[Any]:
    """A session that is not started: its events are emitted by the benchmark."""
    return AgentSession[Any](vad=None, turn_handling={"turn_detection": None})


def prewarmed(folder: Path, **changes: Any) -> Settings:
    """Settings for which this process has done what a job's does before its first call."""
    wanted = settings(folder, **changes)
    courier = courier_for(wanted)
    courier.prepare()
    courier.rehearse()
    load_prices()
    rules = rules_for(wanted.signals)
    assert rules is not None
    rules.result()
    return wanted


def settings(folder: Path, **changes: Any) -> Settings:
    """Both sinks, as the server of the benchmarks has them."""
    values: dict[str, Any] = {
        "s3_bucket": "calls",
        "log_group": "/calls",
        "spool_directory": folder / "spool",
        "transcript": "on",
    }
    return Settings(**(values | changes))


@contextmanager
def real_job() -> Iterator[JobContext]:
    """A job's context as the worker makes it, so that the call has its journal."""
    with job_context(job()) as ctx:
        yield ctx


def recorded(
    session: AgentSession[Any], wanted: Settings, ctx: JobContext | None = None
) -> Recorder:
    """The session, attached under an id of its own."""
    name = f"bench-{time.time_ns()}-{next(_numbers)}"
    return attach(session, ctx, settings=wanted, session_id=name)


def turn(number: int, began: float) -> list[tuple[str, Any]]:
    """The events of one turn of each side, as a voice pipeline emits them.

    Args:
        number: Of the turn, from 0 on.
        began: When the call began, in Unix seconds.
    """
    at = began + number * SECONDS_A_TURN
    user = ChatMessage(
        id=f"user_{number}", role="user", content=[SAID], created_at=at + 4,
        metrics={"transcription_delay": 0.2, "end_of_turn_delay": 0.5},
    )  # fmt: skip
    agent = ChatMessage(
        id=f"agent_{number}", role="assistant", content=[ANSWERED], created_at=at + 10,
        metrics={"e2e_latency": 0.8, "llm_node_ttft": 0.3, "tts_node_ttfb": 0.2},
    )  # fmt: skip
    heard = [SAID[:30], SAID[:60]]
    return [
        ("user_state_changed", _user("listening", "speaking", at)),
        *(("user_input_transcribed", _heard(text, at + 2, final=False)) for text in heard),
        ("user_input_transcribed", _heard(SAID, at + 4, final=True)),
        ("user_state_changed", _user("speaking", "listening", at + 4)),
        ("conversation_item_added", ConversationItemAddedEvent(item=user, created_at=at + 4)),
        ("agent_state_changed", _agent("listening", "thinking", at + 4)),
        ("agent_state_changed", _agent("thinking", "speaking", at + 5)),
        ("conversation_item_added", ConversationItemAddedEvent(item=agent, created_at=at + 10)),
        ("agent_state_changed", _agent("speaking", "listening", at + 10)),
    ]


def tool_call(number: int, result: str = "booked for Monday at ten") -> list[tuple[str, Any]]:
    """The events of one tool call."""
    call = FunctionCall(name="book", call_id=f"call_{number}", arguments='{"day": "Monday"}')
    output = FunctionCallOutput(call_id=call.call_id, output=result, is_error=False)
    ended = ToolCallEnded(id=call.call_id, call_id=call.call_id, message=result, status="done")
    return [
        (
            "tool_execution_updated",
            ToolExecutionUpdatedEvent(update=ToolCallStarted(function_call=call)),
        ),
        ("tool_execution_updated", ToolExecutionUpdatedEvent(update=ended)),
        (
            "function_tools_executed",
            FunctionToolsExecutedEvent(function_calls=[call], function_call_outputs=[output]),
        ),
    ]


def emit(session: AgentSession[Any], events: list[tuple[str, Any]]) -> None:
    """Emit them, and keep the history as the framework does."""
    for name, event in events:
        if name == "conversation_item_added":
            session.history.items.append(event.item)
        session.emit(name, event)  # type: ignore[arg-type]  # mypy sees str, not the Literal


def hang_up(ctx: JobContext) -> None:
    """The caller leaves the room: how the call ends is known, and its record not held back."""
    left = rtc.DisconnectReason.CLIENT_INITIATED
    ctx.room.emit("participant_disconnected", participant(left=left))


async def read() -> None:
    """Let the journal have what was said, as it has long before a call's last turn."""
    await asyncio.sleep(0.5)


def freeze() -> None:
    """As in the framework's forkserver: what is loaded is not looked at by the collector again."""
    gc.collect()
    gc.freeze()


def close(session: AgentSession[Any]) -> None:
    """The event that ends a call."""
    session.emit("close", CloseEvent(reason=CloseReason.PARTICIPANT_DISCONNECTED))


def _user(old: Any, new: Any, at: float) -> UserStateChangedEvent:
    return UserStateChangedEvent(old_state=old, new_state=new, created_at=at)


def _agent(old: Any, new: Any, at: float) -> AgentStateChangedEvent:
    return AgentStateChangedEvent(old_state=old, new_state=new, created_at=at)


def _heard(text: str, at: float, *, final: bool) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=final, created_at=at)
