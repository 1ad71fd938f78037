"""What a call is collected in: the record's parts that a live call has, and their types.

The record that they go into is in `record`, which no live call needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

RecordStatus = Literal["final", "partial", "recovered"]
EndCause = Literal[
    "caller_hung_up",
    "agent_ended",
    "room_deleted",
    "connection_lost",
    "caller_removed",
    "error",
    "crashed",
    "worker_shutdown",
    "unknown",
]


def utc(seconds: float) -> datetime:
    """Unix seconds as an aware datetime, to the millisecond that the record keeps."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc)


def iso(moment: datetime) -> str:
    """``2025-10-29T14:30:00.000Z``: UTC, milliseconds, Z."""
    if moment.tzinfo is not timezone.utc:
        moment = moment.astimezone(timezone.utc)
    text = moment.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def seconds(value: float | None) -> float | None:
    """A duration as the record keeps it: at most 3 decimals; what is no number is null."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), 3)


Timestamp = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Json = Any
"""A JSON value, already trimmed."""


class Part(BaseModel):
    """A piece of the record with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid")


PartT = TypeVar("PartT", bound=Part)


def lean(kind: type[PartT]) -> Callable[..., PartT]:
    """Makes parts of which a call has thousands, with all their fields given.

    They share one set of the names of what is given. Each would have 700 bytes of its own for
    that, and the collector an object more to look at.
    """
    names = set(kind.model_fields)

    def make(**values: Any) -> PartT:
        part = kind(**values)
        object.__setattr__(part, "__pydantic_fields_set__", names)
        return part

    return make


class Sip(Part):
    """What LiveKit SIP says of a phone call (participant attributes ``sip.*``)."""

    call_id: str | None = None
    phone_number: str | None = None
    trunk_phone_number: str | None = None
    trunk_id: str | None = None
    rule_id: str | None = None


class Participant(Part):
    """Someone in the room other than this agent, as seen while they were there."""

    identity: str
    kind: str
    name: str | None = None
    joined_at: Timestamp | None = None
    left_at: Timestamp | None = None
    disconnect_reason: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    sip: Sip | None = None


class Signal(Part):
    """One mention of something discovered, chosen or not."""

    name: str
    value: Json
    status: str
    chosen: bool
    rule: str | None = None
    item_id: str | None = None
    at: Timestamp | None = None
    text: str | None = None
    asked: bool | None = None


class ToolCall(BaseModel):
    """One tool call. What the tool annotated stands beside the fixed keys."""

    model_config = ConfigDict(extra="allow")

    tool: str
    timestamp: Timestamp
    call_id: str
    status: Literal["done", "error", "cancelled"]
    duration_seconds: float | None = None
    arguments: dict[str, Json] = Field(default_factory=dict)
    result: str | None = None
    error: str | None = None
    agent: str | None = None


class Usage(Part):
    """What one model of one provider was used for, as the framework summed it."""

    kind: str
    provider: str
    model: str
    quantities: dict[str, int | float] = Field(default_factory=dict)
    mode: str | None = None
    """STT: streaming, batch or mixed; null: not known."""
    largest_request: int | None = None
    """LLM: input tokens of the largest single request; null: not known."""


class StateChange(Part):
    """A conversation state and when it began."""

    state: str
    at: Timestamp


class Handoff(BaseModel):
    """One agent handing the call to another."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_agent: str = Field(alias="from")
    to: str
    at: Timestamp


class Error(Part):
    """A failure that the framework reported: the component and the type, never the text."""

    component: str
    type: str
    recoverable: bool | None = None
    at: Timestamp
