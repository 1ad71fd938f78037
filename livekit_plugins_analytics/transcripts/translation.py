"""LiveKit Cloud's transcript as the record's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from ..parts import seconds, utc
from ..record import Transcript, TranscriptItem
from ..transcription import readable
from ..trim import Trimmer
from .wire import Item, Message

_Role = Literal["user", "agent", "tool", "system"]

_ROLES: dict[str, _Role] = {"ROLE_USER": "user", "ROLE_AGENT": "agent"}
_NOTHING = Message()


def transcript(items: Sequence[Item], *, whole: bool) -> Transcript:
    """The transcript as the record has it, in time order.

    A tool's call and its result are an item each. What is known of a kind that this package does
    not know is its name. System prompts are never part of it: of a change of configuration only
    the names of tools are kept, and of a message by anyone but user and agent only that it was
    there.

    Args:
        items: What was fetched, oldest first.
        whole: Nothing is missing as far as the server said. A text that is cut here makes the
            transcript incomplete all the same.
    """
    trimmer = Trimmer()
    translated: list[TranscriptItem] = []
    agent: str | None = None
    for number, item in enumerate(items, 1):
        if item.agent_handoff is not None:
            agent = trimmer.text("transcript", item.agent_handoff.to_agent_id) or None
        translated.append(_item(item, number, agent, trimmer))
    return sorted_transcript(translated, complete=whole and not trimmer.cuts.total())


def sorted_transcript(items: Sequence[TranscriptItem], *, complete: bool) -> Transcript:
    """These items as a transcript; those without a time stay behind the one before them."""
    ordered = [item for _, item in sorted(timed(items), key=lambda pair: pair[0])]
    return Transcript(source="cloud", complete=complete, text=readable(ordered), items=ordered)


def timed(items: Iterable[TranscriptItem]) -> Iterator[tuple[float, TranscriptItem]]:
    """Each item with its time in Unix seconds: without one, with that of the item before it."""
    last = float("-inf")
    for item in items:
        last = last if item.at is None else item.at.timestamp()
        yield last, item


def _item(item: Item, number: int, agent: str | None, trimmer: Trimmer) -> TranscriptItem:
    message = item.message or _NOTHING
    role, words = _words(item)
    return TranscriptItem(
        id=trimmer.text("transcript", item.id) or f"item-{number}",
        role=role,
        text=trimmer.text("transcript", words),
        at=None if item.timestamp is None else utc(item.timestamp.timestamp()),
        interrupted=message.interrupted,
        agent=None if role == "user" else agent,
        latency=_latency(message),
    )


def _words(item: Item) -> tuple[_Role, str]:
    if item.message is not None:
        role = _ROLES.get(item.message.role)
        if role is None:
            return "system", f"message of {item.message.role or 'nobody'}"
        return role, item.message.text
    if (call := item.tool_call) is not None:
        return "tool", f"{call.name}: called" + (f": {call.arguments}" if call.arguments else "")
    if (result := item.tool_result) is not None:
        status = "error" if result.is_error else "done"
        return "tool", f"{result.name}: {status}" + (f": {result.output}" if result.output else "")
    if item.agent_handoff is not None:
        return "system", f"handoff to {item.agent_handoff.to_agent_id or 'another agent'}"
    if item.config_update is not None:
        return "system", _configuration(item.config_update)
    return "system", item.unknown_kind or "nothing"


def _latency(message: Message) -> dict[str, float]:
    """Seconds, by the framework's names."""
    milliseconds = {
        "e2e_latency": message.e2e_latency_ms,
        "end_of_turn_delay": message.end_of_turn_delay_ms,
    }
    return {
        name: value
        for name, raw in milliseconds.items()
        if raw is not None and (value := seconds(raw / 1000.0)) is not None
    }


def _configuration(update: dict[str, object]) -> str:
    """Which tools came and went; of anything else its name."""
    said = []
    for name, value in update.items():
        names = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
        listed = name in ("toolsAdded", "toolsRemoved", "tools_added", "tools_removed") and names
        said.append(f"{name} {', '.join(names)}" if listed else name)
    return "configuration: " + ("; ".join(said) or "changed")
