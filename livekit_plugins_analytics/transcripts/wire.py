"""The answers of LiveKit Cloud's session observability API, as far as they are needed.

Protobuf's JSON leaves out zeros, false and empty lists, and writes 64-bit numbers as text: every
field has a default, and numbers are read from text too.
"""

from __future__ import annotations

from typing import Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

_UNSETTLED = frozenset({"DATA_STATE_SESSION_ACTIVE", "DATA_STATE_SETTLING"})
_UNKNOWN = frozenset({"", "DATA_STATE_UNSPECIFIED"})


class Wire(BaseModel):
    """A message of the API: what it has besides is passed over."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        # To protobuf's JSON a null is a field that is not there.
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class Message(Wire):
    """Something said."""

    role: str = ""
    text: str = ""
    interrupted: bool = False
    end_of_turn_delay_ms: float | None = None
    e2e_latency_ms: float | None = Field(default=None, alias="e2eLatencyMs")


class ToolCall(Wire):
    """The agent's model asked for a tool."""

    name: str = ""
    call_id: str = ""
    arguments: str = ""
    """JSON text, as the model wrote it."""


class ToolResult(Wire):
    """What the tool returned."""

    name: str = ""
    call_id: str = ""
    output: str = ""
    is_error: bool = False


class AgentHandoff(Wire):
    """Another agent took over."""

    to_agent_id: str = ""


class Item(Wire):
    """One thing said or done."""

    model_config = ConfigDict(extra="allow")

    id: str = ""
    timestamp: AwareDatetime | None = None
    """For a message, when its speaker began."""
    message: Message | None = None
    tool_call: ToolCall | None = None
    tool_result: ToolResult | None = None
    agent_handoff: AgentHandoff | None = None
    config_update: dict[str, Any] | None = None

    @property
    def unknown_kind(self) -> str | None:
        """The name of a kind that this package does not know."""
        return next(iter(self.model_extra or {}), None)


class PageInfo(Wire):
    """Where the next page begins."""

    next_cursor: str = ""
    has_more: bool = False


class DataStatus(Wire):
    """Whether more can still arrive."""

    state: str = ""

    @property
    def settled(self) -> bool:
        """True where nothing more will arrive: the state is known, and none of waiting."""
        return self.state not in _UNSETTLED | _UNKNOWN

    @property
    def waiting(self) -> bool:
        """True where the server says that more can arrive."""
        return self.state in _UNSETTLED


class Page(Wire):
    """One page of a transcript."""

    items: list[Any] = []
    page_info: PageInfo = PageInfo()
    skipped_records: int = 0
    """Records that the server could not read."""
    data_status: DataStatus = DataStatus()


class RecordingUrl(Wire):
    """Where a recording can be fetched for a while, by whoever has the URL."""

    url: str = ""


class Failure(Wire):
    """An answer that is none."""

    code: int = 0
    message: str = ""
    details: list[dict[str, Any]] = []


def read_items(raw: list[Any]) -> tuple[list[Item], int]:
    """The items of a page, and how many could not be read."""
    items, unread = [], 0
    for each in raw:
        try:
            items.append(Item.model_validate(each))
        except ValidationError:
            unread += 1
    return items, unread
