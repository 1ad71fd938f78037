"""What was said in a room, put together from its text streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..parts import utc
from ..record import Transcript, TranscriptItem
from ..redaction import Masks
from ..trim import TEXT_LIMIT, Trimmer

# As many as a session's own transcript keeps; an hour of fast talk has about 1,500.
MAX_LINES = 20_000
# Characters of all lines. A day of talk without a pause is 1.5 million.
MAX_CHARACTERS = 20_000_000

Role = Literal["user", "agent"]

_SPEAKERS = {"user": "User", "agent": "Agent"}


@dataclass
class Line:
    """One segment of speech, or one typed message."""

    id: str
    identity: str
    at: float
    """Unix seconds by this machine's clock, when its first word came."""
    stream: int = 0
    """The stream whose text this is: a later one of the same segment takes its place."""
    text: str = ""
    final: bool = False


class Conversation:
    """The lines of a room, bounded however long it lives. Used by one thread.

    A segment may come as one stream that grows (the agent's) or as one stream for each update with
    the whole text so far (the caller's): the last stream of a segment is what was said.

    Args:
        lines: Most lines kept.
        characters: Most characters kept of all of them.
    """

    def __init__(self, *, lines: int = MAX_LINES, characters: int = MAX_CHARACTERS) -> None:
        self._lines: dict[str, Line] = {}
        self._max_lines = lines
        self._max_characters = characters
        self._characters = 0
        self._streams = 0
        self._agents: dict[str, str | None] = {}
        self.dropped = 0
        """Lines and ends of lines that there was no room for."""

    def agent(self, identity: str, name: str | None) -> None:
        """Somebody is an agent; everybody else is a caller."""
        self._agents[identity] = name or self._agents.get(identity)

    @property
    def agent_name(self) -> str | None:
        """The first agent's name, where one is known."""
        return next(filter(None, self._agents.values()), None)

    def opened(self, segment: str, identity: str, at: float) -> Callable[[str], None] | None:
        """A stream began.

        Args:
            segment: Its segment's id; streams with the same one are the same line.
            identity: Whose words they are.
            at: When, in Unix seconds.

        Returns:
            What takes the stream's text as it grows, or None where there is no room for it.
        """
        line = self._lines.get(segment)
        if line is None:
            if len(self._lines) >= self._max_lines or self._characters >= self._max_characters:
                self.dropped += 1
                return None
            line = self._lines[segment] = Line(segment, identity, at)
        self._streams += 1
        stream, kept = self._streams, line

        def grow(text: str) -> None:
            # An update that comes late says less than the one that took its place.
            if stream < kept.stream:
                return
            if stream > kept.stream:
                kept.stream = stream
                self._characters -= len(kept.text)
                kept.text = ""
            self._add(kept, text)

        return grow

    def ended(self, segment: str, final: bool) -> None:
        """A stream of a segment ended; `final`: no other one follows it."""
        if final and segment in self._lines:
            self._lines[segment].final = True

    def counts(self) -> dict[Role, int]:
        """How many lines each side has."""
        found: dict[Role, int] = {"agent": 0, "user": 0}
        for line in self._lines.values():
            found[self._role(line)] += bool(line.text)
        return found

    def line(self, segment: str) -> tuple[Role, str] | None:
        """Who said a line, and what."""
        line = self._lines.get(segment)
        return (self._role(line), line.text) if line and line.text else None

    @property
    def unfinished(self) -> int:
        """Lines whose end never came."""
        return sum(not line.final for line in self._lines.values())

    def transcript(self, *, complete: bool, masks: Masks | None = None) -> Transcript:
        """The lines in the order in which they began.

        Args:
            complete: Whether nothing is missing, as far as the one who listened knows.
            masks: What stands in the place of what must not be kept.
        """
        trimmer = Trimmer(text=TEXT_LIMIT)
        lines = sorted((_plain(line) for line in self._lines.values()), key=lambda line: line.at)
        lines = [line for line in lines if line.text.strip()]
        items: list[TranscriptItem] = []
        before = ""
        for line in lines:
            role = self._role(line)
            said = trimmer.text("transcript", line.text)
            text = masks.text(said, before=before) if masks else said
            before = said
            items.append(
                TranscriptItem(
                    id=line.id,
                    role=role,
                    text=text,
                    at=utc(line.at),
                    agent=self._agents.get(line.identity) if role == "agent" else None,
                )
            )
        names = self._names(lines)
        spoken = (
            f"{names[line.identity]}: {item.text}" for line, item in zip(lines, items, strict=True)
        )
        cut = self.dropped or trimmer.cuts.total()
        return Transcript(
            source="room", complete=complete and not cut, text="\n".join(spoken), items=items
        )

    def _add(self, line: Line, text: str) -> None:
        # One more than is kept, so that a cut is seen.
        room = min(TEXT_LIMIT + 1 - len(line.text), self._max_characters - self._characters)
        if len(text) > room:
            self.dropped += 1
            text = text[: max(room, 0)]
        line.text += text
        self._characters += len(text)

    def _role(self, line: Line) -> Role:
        return "agent" if line.identity in self._agents else "user"

    def _names(self, lines: list[Line]) -> dict[str, str]:
        """What each speaker is called. Never the identity, which may be a telephone number."""
        names: dict[str, str] = {}
        for role, label in _SPEAKERS.items():
            speakers = list(
                dict.fromkeys(line.identity for line in lines if self._role(line) == role)
            )
            for number, identity in enumerate(speakers, 1):
                names[identity] = label if len(speakers) == 1 else f"{label} {number}"
        return names


def _plain(line: Line) -> Line:
    """The line as text, where the agent sends its words as JSON with their times.

    That is livekit-agents' ``TextOutputOptions.json_format``: one object a word, one word a line.
    """
    if not line.text.startswith("{"):
        return line
    try:
        words = [json.loads(word)["text"] for word in line.text.splitlines() if word]
        text = "".join(map(str, words))
    except (KeyError, TypeError, ValueError):
        return line  # somebody said it in braces
    return Line(line.id, line.identity, line.at, line.stream, text, line.final)
