"""The framework's own events, built for real, with times in seconds after `T`."""

from __future__ import annotations

from typing import Any

from livekit import rtc
from livekit.agents import (
    AgentStateChangedEvent,
    ChatMessage,
    FunctionToolsExecutedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import FunctionCall, FunctionCallOutput
from livekit.agents.voice.events import (
    ToolCallEnded,
    ToolCallStarted,
    ToolCallUpdated,
    ToolExecutionUpdatedEvent,
)
from livekit.rtc._proto import participant_pb2

# A moment in 2027: 2027-01-15T08:00:00Z.
T = 1_800_000_000.0


def message(role: Any, text: str = "", at: float = 0.0, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[text] if text else [], created_at=T + at, **fields)


def user_state(old: Any, new: Any, at: float) -> UserStateChangedEvent:
    return UserStateChangedEvent(old_state=old, new_state=new, created_at=T + at)


def agent_state(old: Any, new: Any, at: float) -> AgentStateChangedEvent:
    return AgentStateChangedEvent(old_state=old, new_state=new, created_at=T + at)


def call(name: str = "book", call_id: str = "call_1", arguments: str = "{}") -> FunctionCall:
    return FunctionCall(name=name, call_id=call_id, arguments=arguments, created_at=T)


def output(
    text: str, call_id: str = "call_1", *, is_error: bool = False, at: float = 1.0
) -> FunctionCallOutput:
    return FunctionCallOutput(call_id=call_id, output=text, is_error=is_error, created_at=T + at)


def started(function_call: FunctionCall, at: float = 0.0) -> ToolExecutionUpdatedEvent:
    update = ToolCallStarted(function_call=function_call)
    return ToolExecutionUpdatedEvent(update=update, created_at=T + at)


def progress(text: str, call_id: str = "call_1") -> ToolExecutionUpdatedEvent:
    return ToolExecutionUpdatedEvent(
        update=ToolCallUpdated(id=call_id, call_id=call_id, message=text)
    )


def ended(
    status: Any,
    text: str | None = None,
    call_id: str = "call_1",
    *,
    at: float = 1.0,
    deferred: bool = False,
) -> ToolExecutionUpdatedEvent:
    entry = f"{call_id}_final" if deferred else call_id
    update = ToolCallEnded(id=entry, call_id=call_id, message=text, status=status)
    return ToolExecutionUpdatedEvent(update=update, created_at=T + at)


def executed(*pairs: tuple[FunctionCall, FunctionCallOutput]) -> FunctionToolsExecutedEvent:
    return FunctionToolsExecutedEvent(
        function_calls=[c for c, _ in pairs], function_call_outputs=[o for _, o in pairs]
    )


def participant(
    identity: str = "caller",
    *,
    kind: rtc.ParticipantKind.ValueType = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    name: str = "",
    joined: float | None = 0.0,
    left: rtc.DisconnectReason.ValueType | None = None,
    **attributes: str,
) -> rtc.RemoteParticipant:
    """A participant as the room's events bring it; attribute names with ``_`` for the dot."""
    owned = participant_pb2.OwnedParticipant()
    owned.info.identity = identity
    owned.info.name = name
    owned.info.kind = kind
    if joined is not None:
        owned.info.joined_at = int((T + joined) * 1000)
    if left is not None:
        owned.info.disconnect_reason = left
    for key, value in attributes.items():
        owned.info.attributes[key.replace("_", ".")] = value
    return rtc.RemoteParticipant(owned)
