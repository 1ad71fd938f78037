"""Which tools ran: one entry per call, whatever became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..record import ToolCall, seconds, utc
from ..trim import Trimmer

if TYPE_CHECKING:
    from livekit.agents import FunctionToolsExecutedEvent
    from livekit.agents.llm import FunctionCall, FunctionCallOutput
    from livekit.agents.voice.events import ToolCallEnded, ToolExecutionUpdatedEvent

# A call with more tool calls than that is an agent in a loop; the count goes on.
_MAX_CALLS = 2_000


@dataclass
class _Call:
    tool: str
    call_id: str
    started_at: float
    arguments: dict[str, Any]
    agent: str | None
    status: Literal["running", "done", "error", "cancelled"] = "running"
    ended_at: float | None = None
    result: str | None = None
    error: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class Tools:
    """Tool calls by their call id, in the order in which they began."""

    def __init__(self, trimmer: Trimmer) -> None:
        self._calls: dict[str, _Call] = {}
        self._trimmer = trimmer
        self.dropped = 0

    def on_updated(self, event: ToolExecutionUpdatedEvent, agent: str | None) -> None:
        """A tool call began or ended; progress reports are not results."""
        update = event.update
        if update.type == "tool_call_started":
            self._begin(update.function_call, event.created_at, agent)
        elif update.type == "tool_call_ended":
            self._end(update, event.created_at)

    def on_executed(self, event: FunctionToolsExecutedEvent, agent: str | None) -> None:
        """A batch was executed: the outputs as the model gets them, unknown tools included."""
        for call, output in event.zipped():
            # A deferred call's later reports have ids of their own; they are not calls.
            entry = self._calls.get(call.call_id) or self._begin(call, call.created_at, agent)
            if entry is not None:
                self._output(entry, output)

    def annotate(self, call_id: str, fields: dict[str, Any]) -> bool:
        """Add the tool's own fields to a call's entry.

        Returns:
            False where there is no such call.
        """
        call = self._calls.get(call_id)
        if call is None:
            return False
        for name, value in fields.items():
            # The fixed keys keep their meaning: a clash gets a name of its own.
            key = f"annotated_{name}" if name in ToolCall.model_fields else name
            call.notes[key] = value
        return True

    def running(self, tool: str | None = None) -> list[str]:
        """Ids of the calls that run now, the latest last; of one tool where it is named."""
        return [
            c.call_id
            for c in self._calls.values()
            if c.status == "running" and tool in (None, c.tool)
        ]

    @property
    def durations(self) -> list[float]:
        """Seconds of each call that ended by itself."""
        return [
            c.ended_at - c.started_at
            for c in self._calls.values()
            if c.ended_at is not None and c.status != "cancelled"
        ]

    def result(self) -> list[ToolCall]:
        """The calls as the record has them."""
        return [
            ToolCall(
                tool=c.tool,
                timestamp=utc(c.started_at),
                call_id=c.call_id,
                status=c.status,
                duration_seconds=(
                    None if c.ended_at is None else seconds(max(c.ended_at - c.started_at, 0.0))
                ),
                arguments=c.arguments,
                result=c.result,
                error=c.error,
                agent=c.agent,
                **c.notes,
            )
            for c in self._calls.values()
        ]

    def _begin(self, call: FunctionCall, at: float, agent: str | None) -> _Call | None:
        if len(self._calls) >= _MAX_CALLS:
            self.dropped += 1
            return None
        entry = _Call(
            tool=self._trimmer.text("tool_calls", call.name),
            call_id=self._trimmer.text("tool_calls", call.call_id),
            started_at=at,
            arguments=self._arguments(call.arguments),
            agent=agent,
        )
        self._calls[call.call_id] = entry
        return entry

    def _end(self, update: ToolCallEnded, at: float) -> None:
        call = self._calls.get(update.call_id)
        if call is None:
            return
        call.ended_at = at
        call.status = update.status
        if update.message is None:
            return
        message = self._trimmer.text("tool_calls", update.message)
        if update.status == "error":
            call.error = message
        else:
            call.result = message

    def _output(self, call: _Call, output: FunctionCallOutput) -> None:
        if call.status == "running" and call.ended_at is None and output.is_error:
            # Never started: an unknown tool, or arguments that did not fit.
            call.status, call.ended_at = "error", output.created_at
            call.error = self._trimmer.text("tool_calls", output.output)
        if call.status == "done" and output.output:
            # What the model was told; a deferred call has not ended yet at this point, and its
            # output here is only a placeholder.
            call.result = self._trimmer.text("tool_calls", output.output)

    def _arguments(self, text: str) -> dict[str, Any]:
        """The arguments as an object, always: one type for the column."""
        text = self._trimmer.text("tool_calls", text)
        try:
            parsed = json.loads(text or "{}")
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            return {"_raw": text}
        plain: dict[str, Any] = self._trimmer.plain("tool_calls", parsed)
        return plain
