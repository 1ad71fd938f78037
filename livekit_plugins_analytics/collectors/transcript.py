"""What was said, item by item, as the session committed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..record import ToolCall, Transcript, TranscriptItem, seconds, utc
from ..trim import Trimmer

if TYPE_CHECKING:
    from livekit.agents import ChatMessage

# An hour of fast talk has about 1,500 turns; a session that goes on for days must not grow.
_MAX_ITEMS = 20_000

_ROLES: dict[str, Literal["user", "agent"]] = {"user": "user", "assistant": "agent"}

# Durations of a message's MetricsReport that belong to one turn (livekit-agents, chat_context).
_LATENCIES = (
    "e2e_latency",
    "llm_node_ttft",
    "tts_node_ttfb",
    "transcription_delay",
    "end_of_turn_delay",
    "on_user_turn_completed_delay",
    "playback_latency",
)


@dataclass
class Said:
    """One committed message, and what was known when it was committed."""

    message: ChatMessage
    agent: str | None
    language: str | None


class Words:
    """The committed messages, by item id: a realtime model's revision replaces the first one."""

    def __init__(self, trimmer: Trimmer) -> None:
        self._said: dict[str, Said] = {}
        self._trimmer = trimmer
        self._language: str | None = None
        self.dropped = 0

    def on_language(self, language: str | None) -> None:
        """A final transcript came in this language; the turn it belongs to comes next."""
        if language:
            self._language = self._trimmer.text("transcript", language)

    def on_message(self, message: ChatMessage, agent: str | None) -> None:
        """A message was committed. System prompts never are part of the record."""
        if message.role not in _ROLES:
            return
        if message.id not in self._said and len(self._said) >= _MAX_ITEMS:
            self.dropped += 1
            return
        language = self._language if message.role == "user" else None
        self._said[message.id] = Said(message, agent, language)

    @property
    def said(self) -> list[Said]:
        """The messages in time order."""
        return sorted(self._said.values(), key=lambda s: s.message.created_at)

    def result(self, said: list[Said], tools: list[ToolCall]) -> tuple[Transcript, int]:
        """The transcript as the record has it, and how many texts were cut.

        Made in a thread, and perhaps twice: it counts its own cuts.

        Args:
            said: A copy of `said`, taken at the close.
            tools: The record's tool calls; they appear where they began.
        """
        trimmer = Trimmer()
        items = [self._item(s, trimmer) for s in said]
        items += [self._tool(t) for t in tools]
        items.sort(key=lambda i: (i.at is None, i.at))
        speakers = {"user": "User", "agent": "Agent"}
        spoken = [f"{speakers[i.role]}: {i.text}" for i in items if i.role in speakers]
        cut = trimmer.cuts.total()
        transcript = Transcript(
            source="session",
            complete=self.dropped == 0 and not cut,
            text="\n".join(spoken),
            items=items,
        )
        return transcript, cut

    def _item(self, said: Said, trimmer: Trimmer) -> TranscriptItem:
        message = said.message
        metrics = dict(message.metrics)
        return TranscriptItem(
            id=message.id,
            role=_ROLES[message.role],
            text=trimmer.text("transcript", message.text_content or ""),
            at=utc(message.created_at),
            interrupted=message.interrupted,
            language=said.language,
            agent=said.agent if message.role == "assistant" else None,
            latency={
                name: value
                for name in _LATENCIES
                if isinstance(raw := metrics.get(name), (int, float))
                and (value := seconds(raw)) is not None
            },
        )

    def _tool(self, call: ToolCall) -> TranscriptItem:
        outcome = call.error if call.status == "error" else call.result
        return TranscriptItem(
            id=call.call_id,
            role="tool",
            text=f"{call.tool}: {call.status}" + (f": {outcome}" if outcome else ""),
            at=call.timestamp,
            agent=call.agent,
        )
