"""What was said, item by item, as the session committed it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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

# Thai to Lao, Burmese, Khmer, Japanese, Chinese: scripts without spaces between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Line:
    """One committed message as data; the framework's own object is not needed any more."""

    id: str
    role: Literal["user", "agent"]
    text: str | None
    """None where the words were not to be kept."""
    at: float
    interrupted: bool
    metrics: dict[str, float]
    """Seconds by the framework's names, as reported: implausible ones too."""
    agent: str | None
    language: str | None
    words: int | None = None
    """How many; None where the language puts nothing between them."""

    def line(self) -> Line:
        """This; a `Said` is asked the same way."""
        return self


@dataclass(frozen=True)
class Said:
    """One committed message, and what was known when it was committed."""

    message: ChatMessage
    agent: str | None
    language: str | None

    def line(self) -> Line:
        """The message as data. Copies its text: for a thread."""
        message = self.message
        metrics = dict(message.metrics)
        text = message.text_content or ""
        return Line(
            id=message.id,
            role=_ROLES[message.role],
            text=text,
            at=message.created_at,
            interrupted=message.interrupted,
            metrics={
                name: value
                for name in _LATENCIES
                if isinstance(value := metrics.get(name), (int, float))
            },
            agent=self.agent,
            language=self.language,
            words=_words(text),
        )


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
        """The messages in the order in which they were first committed."""
        return list(self._said.values())


def _words(text: str) -> int | None:
    if _UNSPACED.search(text):
        return None
    return sum(any(c.isalnum() for c in piece) for piece in text.split())


def words_per_minute(
    lines: Iterable[Line], role: str, spoken: float | None, unsaid: int
) -> float | None:
    """How fast one side spoke.

    Args:
        lines: The committed messages of both sides.
        role: Whose words.
        spoken: Seconds in which that side spoke, or None.
        unsaid: Messages that are not among the lines.

    Returns:
        Words by minute of that side's speech, one decimal. None where less than a second was
        spoken, where no word was committed, or where it is not known how many were.
    """
    counts = [line.words for line in lines if line.role == role]
    if unsaid or not spoken or spoken < 1.0 or None in counts:
        return None
    words = sum(count or 0 for count in counts)
    return round(words * 60 / spoken, 1) if words else None


def in_order(said: Iterable[Said | Line]) -> list[Line]:
    """The messages as data, in time order."""
    return sorted((s.line() for s in said), key=lambda line: line.at)


def transcript(
    lines: Sequence[Line], tools: Sequence[ToolCall], dropped: int
) -> tuple[Transcript, int]:
    """The transcript as the record has it, and how many texts were cut.

    Args:
        lines: The messages, in time order.
        tools: The record's tool calls; they appear where they began.
        dropped: Messages that were not kept.
    """
    trimmer = Trimmer()
    items = [_item(line, trimmer) for line in lines]
    items += [_tool(call) for call in tools]
    items.sort(key=lambda i: (i.at is None, i.at))
    speakers = {"user": "User", "agent": "Agent"}
    spoken = [f"{speakers[i.role]}: {i.text}" for i in items if i.role in speakers]
    cut = trimmer.cuts.total()
    whole = Transcript(
        source="session",
        complete=dropped == 0 and not cut,
        text="\n".join(spoken),
        items=items,
    )
    return whole, cut


def _item(line: Line, trimmer: Trimmer) -> TranscriptItem:
    return TranscriptItem(
        id=line.id,
        role=line.role,
        text=trimmer.text("transcript", line.text or ""),
        at=utc(line.at),
        interrupted=line.interrupted,
        language=line.language,
        agent=line.agent if line.role == "agent" else None,
        latency={
            name: value for name, raw in line.metrics.items() if (value := seconds(raw)) is not None
        },
    )


def _tool(call: ToolCall) -> TranscriptItem:
    outcome = call.error if call.status == "error" else call.result
    return TranscriptItem(
        id=call.call_id,
        role="tool",
        text=f"{call.tool}: {call.status}" + (f": {outcome}" if outcome else ""),
        at=call.timestamp,
        agent=call.agent,
    )
