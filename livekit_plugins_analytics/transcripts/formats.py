"""A conversation as a model wants it, and as a person reads it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from ..parts import iso
from .dialogue import Dialogue, Turn

_CHAT_ROLES = {"user": "user", "agent": "assistant", "tool": "tool", "system": "system"}
_SPEAKERS = {"user": "User", "agent": "Agent", "tool": "Tool", "system": "System"}

# What makes a terminal do something, or nothing visible.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """The text without control characters; its line breaks are kept, one kind of them."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def speaker(turn: Turn) -> str:
    """Who it was: "User", "Agent", or "Agent (sales)" where an agent is named."""
    named = turn.role == "agent" and turn.agent
    return f"{_SPEAKERS[turn.role]} ({turn.agent})" if named else _SPEAKERS[turn.role]


def chat(dialogue: Dialogue) -> dict[str, Any]:
    """One object of a JSON lines file: the conversation as messages of a chat.

    The agent is the assistant. What a tool did and returned is one message of the role "tool".
    """
    return {
        "session_id": dialogue.session_id,
        "start_time": None if dialogue.start is None else iso(dialogue.start),
        "agent_name": dialogue.agent_name,
        "outcome": dialogue.outcome,
        "source": dialogue.source,
        "complete": dialogue.complete,
        "messages": [
            {"role": _CHAT_ROLES[turn.role], "content": turn.text} for turn in dialogue.turns
        ],
    }


def text(dialogue: Dialogue) -> str:
    """A page to read: what is known of the session, then a line for each turn."""
    start = dialogue.start
    head = {
        "Session": dialogue.session_id,
        "Start": None if start is None else iso(start),
        "Agent": dialogue.agent_name,
        "Outcome": dialogue.outcome,
        "Source": dialogue.source,
        "Complete": "yes" if dialogue.complete else "no",
    }
    lines = [f"{name}: {visible(value)}" for name, value in head.items() if value]
    lines.append("")
    for turn in dialogue.turns:
        said = visible(turn.text).replace("\n", "\n    ") + " [interrupted]" * turn.interrupted
        lines.append(f"[{_clock(start, turn.at)}] {visible(speaker(turn))}: {said}")
    return "\n".join(lines) + "\n"


def _clock(start: datetime | None, at: datetime | None) -> str:
    if start is None or at is None:
        return "--:--"
    seconds = max(0, int((at - start).total_seconds()))
    minutes = f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{minutes}" if seconds >= 3600 else minutes
