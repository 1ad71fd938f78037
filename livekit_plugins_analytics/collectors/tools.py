"""Which tools ran: one entry per call, whatever became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..parts import ToolCall, seconds, utc
from ..trim import Trimmer

if TYPE_CHECKING:
    from livekit.agents import FunctionToolsExecutedEvent
    from livekit.agents.llm import FunctionCall, FunctionCallOutput
    from livekit.agents.voice.events import ToolCallEnded, ToolExecutionUpdatedEvent

# A call with more tool calls than that is an agent in a loop; the count goes on.
_MAX_CALLS = 2_000
# Fields that a tool may add to one entry: beyond that it writes a log, not an annotation.
_MAX_NOTES = 500


@dataclass(repr=False)  # a repr would quote the caller
class _Call:
    tool: str
    call_id: str
    started_at: float
    arguments: dict[str, Any]
    agent: str | None
    status: Literal["running", "done", "error", "cancelled"] = "running"
    answered: bool = False
    """The model has been told an output; a provider may use the id once more from now on."""
    deferred: bool = False
    """It ended after the model had been told of its progress: the batch has no result of it."""
    ended_at: float | None = None
    result: str | None = None
    error: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    part: ToolCall | None = None
    """As the record has it; None: not made since it last changed."""


class Tools:
    """Tool calls in the order in which they began."""

    def __init__(self, trimmer: Trimmer) -> None:
        self._calls: list[_Call] = []
        self._latest: dict[str, _Call] = {}
        """By call id; some providers number the calls of each reply anew."""
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
        """A batch was executed: the outputs as the model gets them, unknown tools included.

        Of a deferred call this has the first report only; its end is told by `on_updated`.
        """
        for call, output in event.zipped():
            entry = self._latest.get(call.call_id)
            if entry is None or entry.answered:
                # It never ran: an unknown tool, arguments that did not fit, or a duplicate.
                entry = self._begin(call, call.created_at, agent)
                if entry is not None:
                    entry.status = "done"
            if entry is not None:
                self._output(entry, output)
                # Now, one at a time: at a close there may be thousands.
                entry.part = self._part(entry)

    def annotate(self, call_id: str, fields: dict[str, Any]) -> bool:
        """Add the tool's own fields to a call's entry.

        Returns:
            False where there is no such call.
        """
        call = self._latest.get(call_id)
        if call is None:
            return False
        call.part = None
        for name, value in fields.items():
            # The fixed keys keep their meaning: a clash gets a name of its own.
            key = f"annotated_{name}" if name in ToolCall.model_fields else name
            if key in call.notes or len(call.notes) < _MAX_NOTES:
                call.notes[key] = value
            else:
                self.dropped += 1
        return True

    def running(self, tool: str | None = None) -> list[str]:
        """Ids of the calls that run now, the latest last; of one tool where it is named."""
        return [c.call_id for c in self._calls if c.status == "running" and tool in (None, c.tool)]

    @property
    def durations(self) -> list[float]:
        """Seconds of each call that ended by itself."""
        return [
            c.ended_at - c.started_at
            for c in self._calls
            if c.ended_at is not None and c.status != "cancelled"
        ]

    def result(self) -> list[ToolCall]:
        """The calls as the record has them; one that still runs ends with the call.

        Asked while the call goes on as well: what has not changed is not made again.
        """
        for call in self._calls:
            if call.part is None:
                call.part = self._part(call)
        return [call.part for call in self._calls if call.part]

    def _part(self, call: _Call) -> ToolCall:
        took = None if call.ended_at is None else max(call.ended_at - call.started_at, 0.0)
        return ToolCall(
            tool=call.tool,
            timestamp=utc(call.started_at),
            call_id=call.call_id,
            status="cancelled" if call.status == "running" else call.status,
            duration_seconds=None if took is None else seconds(took),
            arguments=call.arguments,
            result=call.result,
            error=call.error,
            agent=call.agent,
            **call.notes,
        )

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
        self._calls.append(entry)
        self._latest[call.call_id] = entry
        return entry

    def _end(self, update: ToolCallEnded, at: float) -> None:
        call = self._latest.get(update.call_id)
        if call is None or call.ended_at is not None:
            return
        call.part = None
        call.ended_at = at
        call.deferred = update.id != update.call_id
        call.status = update.status
        if update.status == "error":
            # The event has the exception's raw text, which may hold anything. What the model was
            # told comes with the batch, except of a call that failed after its first report.
            call.error = call.error or "failed"
        elif update.message is not None:
            call.result = self._trimmer.text("tool_calls", update.message)

    def _output(self, call: _Call, output: FunctionCallOutput) -> None:
        call.answered = True
        if call.status not in ("done", "error") or call.deferred:
            return  # the output is only a first report, or `on_updated` knows better
        text = self._trimmer.text("tool_calls", output.output)
        if output.is_error or call.status == "error":
            call.status, call.error, call.result = "error", text or call.error, None
        elif text:
            call.result = text  # what the model was told

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
