"""A stored transcript, as far as a reader needs it, whatever version wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .period import moment

_ROLES = ("user", "agent", "tool", "system")


@dataclass(frozen=True)
class Turn:
    """One thing said or done."""

    role: str
    """user, agent, tool or system."""
    text: str
    at: datetime | None = None
    agent: str | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Dialogue:
    """What was said in one session."""

    session_id: str
    start: datetime | None
    """The session's start; without one, the first turn's."""
    end: datetime | None
    agent_name: str | None
    outcome: str | None
    source: str | None
    complete: bool
    turns: tuple[Turn, ...]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Dialogue | None:
        """The conversation of a stored record, or of a transcript that is stored by itself.

        Args:
            stored: As parsed from its JSON.

        Returns:
            The conversation; None where no words are in it.

        Raises:
            ValueError: What stands there is no transcript.
        """
        transcript = stored.get("transcript")
        if transcript is None:
            return None
        if not isinstance(transcript, Mapping) or not isinstance(transcript.get("items"), list):
            raise ValueError("its transcript has no items")
        turns = tuple(_turn(item) for item in transcript["items"])
        times = [turn.at for turn in turns if turn.at is not None]
        return cls(
            session_id=str(stored["session_id"]),
            start=moment(stored.get("start_time")) or min(times, default=None),
            end=moment(stored.get("end_time")),
            agent_name=_text(stored.get("agent_name")),
            outcome=_text(stored.get("outcome")),
            source=_text(transcript.get("source")),
            complete=transcript.get("complete") is True,
            turns=turns,
        )


def _turn(item: Any) -> Turn:
    if not isinstance(item, Mapping) or not isinstance(item.get("text"), str):
        raise ValueError("an item of its transcript has no text")
    if item.get("role") not in _ROLES:
        raise ValueError("an item of its transcript has no role")
    return Turn(
        role=item["role"],
        text=item["text"],
        at=moment(item.get("at")),
        agent=_text(item.get("agent")),
        interrupted=item.get("interrupted") is True,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
