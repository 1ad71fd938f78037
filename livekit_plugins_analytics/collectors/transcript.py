"""What was said, item by item: as the session committed it, and as it was heard."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..trim import Trimmer

if TYPE_CHECKING:
    from livekit.agents import ChatMessage, UserInputTranscribedEvent

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

# From its first letter or digit to the next space; punctuation by itself is no word.
_WORD = re.compile(r"[^\W_]\S*")


# None of these has a repr: it would quote the caller.
@dataclass(frozen=True, slots=True, repr=False)
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


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """One committed message, and what was known when it was committed."""

    message: ChatMessage
    agent: str | None
    language: str | None

    def line(self) -> Line:
        """The message as data. Copies its text: for a thread."""
        message = self.message
        metrics = dict(message.metrics)
        text = _text(message)
        return Line(
            id=message.id,
            role=_ROLES[message.role],
            text="\n".join([*([text] if text else []), *_unspoken(message)]),
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


@dataclass(frozen=True, slots=True, repr=False)
class Final:
    """One final transcript, whether or not the session made a turn of it."""

    text: str | None
    """None where the words were not to be kept."""
    at: float
    item_id: str | None
    language: str | None
    behind: str | None
    """The last message of the caller that had been committed by then, by its id."""


class Words:
    """The committed messages, by item id: a realtime model's revision replaces the first one.

    Args:
        trimmer: Bounds what is kept.
        finals: Whether what was heard is kept beside what was committed.
    """

    def __init__(self, trimmer: Trimmer, *, finals: bool = True) -> None:
        self._said: dict[str, Said] = {}
        self._finals: list[Final] = []
        self._keeps_finals = finals
        self._behind: str | None = None
        self._trimmer = trimmer
        self._language: str | None = None
        self.dropped = 0

    def on_final(self, event: UserInputTranscribedEvent) -> None:
        """A final transcript came; as a rule the turn it belongs to comes next."""
        if event.language:
            self._language = self._trimmer.text("transcript", event.language)
        if not self._keeps_finals or not event.transcript:
            return
        if len(self._finals) >= _MAX_ITEMS:
            self.dropped += 1
            return
        self._finals.append(
            Final(event.transcript, event.created_at, event.item_id, self._language, self._behind)
        )

    def on_message(self, message: ChatMessage, agent: str | None) -> None:
        """A message was committed. System prompts never are part of the record."""
        if message.role not in _ROLES:
            return
        if message.id not in self._said and len(self._said) >= _MAX_ITEMS:
            self.dropped += 1
            return
        language = None
        if message.role == "user":
            language, self._behind = self._language, message.id
        self._said[message.id] = Said(message, agent, language)

    @property
    def said(self) -> list[Said]:
        """The messages in the order in which they were first committed."""
        return list(self._said.values())

    @property
    def finals(self) -> list[Final]:
        """The final transcripts in the order in which they came."""
        return list(self._finals)


def _text(message: ChatMessage) -> str:
    """What was said or typed, also where a realtime model has it beside the sound."""
    texts = [message.text_content or ""]
    for content in message.content:
        if getattr(content, "type", None) == "audio_content":
            texts.append(getattr(content, "transcript", None) or "")
    return "\n".join(text for text in texts if text)


def _unspoken(message: ChatMessage) -> list[str]:
    """Names of what a message has beside its words: pictures, and sound that nobody wrote down."""
    names = []
    for content in message.content:
        kind = getattr(content, "type", None)
        if kind == "image_content":
            names.append("[image]")
        elif kind == "audio_content" and not getattr(content, "transcript", None):
            names.append("[audio]")
    return names


@cache
def _unspaced() -> re.Pattern[str]:
    """Thai to Lao, Burmese, Khmer, Japanese, Chinese: scripts without spaces between words.

    Compiled by the thread that asks first: it takes more than a millisecond.
    """
    return re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def _words(text: str) -> int | None:
    if _unspaced().search(text):
        return None
    return len(_WORD.findall(text))


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
