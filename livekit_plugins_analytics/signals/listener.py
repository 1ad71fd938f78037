"""A session's ears: takes what is said as it is said, and knows the values at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..coverage import covers
from .fold import fold
from .mention import Mention, When
from .reader import Context, Reader
from .ruleset import RuleSet
from .text import fold as plain

# An hour of fast talk has about 1,500 turns; a session that goes on for days must not grow.
_MAX_TURNS = 20_000
_MAX_MENTIONS = 5_000
# Only the end of what the agent says is the question.
_MAX_LINE = 600


@dataclass(slots=True)
class _Turn:
    """One turn, committed or pieced together from finals."""

    item_id: str | None
    text: str
    at: When
    line: str
    mentions: list[Mention] = field(default_factory=list)


@dataclass(slots=True)
class _Final:
    text: str
    at: When
    item_id: str | None
    line: str


class Listener:
    """Collects the mentions of one session. Pure: no clock, no I/O, nothing that waits.

    No method raises, whatever the text. Feed it in the order of the call.

    Args:
        rules: The pack, shared between sessions.
    """

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.dropped = 0
        """Turns and mentions beyond what one session may hold."""
        self._reader = Reader(rules)
        self._turns: list[_Turn] = []
        self._by_id: dict[str, _Turn] = {}
        self._finals: list[_Final] = []
        self._line = ""
        self._user_spoke = True
        self._count = 0

    def agent_said(self, text: str, at: When = None) -> None:
        """The agent spoke: the context of what the caller says next, never a source of values."""
        so_far = "" if self._user_spoke else self._line
        self._line = f"{so_far} {text[-_MAX_LINE:]}".strip()[-_MAX_LINE:]
        self._user_spoke = False

    def user_said(self, item_id: str | None, text: str, at: When = None) -> None:
        """A turn of the caller was committed. The same item again replaces what it said before."""
        known = self._by_id.get(item_id) if item_id is not None else None
        if known is not None:
            known.text = text
            self._reread(known)
            return
        self._user_spoke = True
        self._settle(text, item_id)
        turn = self._add(_Turn(item_id, text, at, self._line))
        if turn is not None and item_id is not None:
            self._by_id[item_id] = turn

    def user_final(self, text: str, at: When = None, item_id: str | None = None) -> None:
        """A final transcript. It counts only where no committed turn turns out to cover it."""
        if not text or text.isspace() or (item_id is not None and item_id in self._by_id):
            return
        self._user_spoke = True
        last = self._turns[-1] if self._turns else None
        if last is not None and last.line == self._line and covers(plain(last.text), plain(text)):
            return  # the final came after its turn
        if len(self._finals) >= _MAX_TURNS:
            self.dropped += 1
            return
        self._finals.append(_Final(text, at, item_id, self._line))

    def result(self) -> tuple[dict[str, Any], list[Mention]]:
        """The final values, and all mentions in the order of the call. May be called again."""
        mentions = self.mentions()
        return fold(self.rules, mentions), mentions

    def mentions(self) -> list[Mention]:
        """All mentions in the order of the call; `fold` decides which of them count."""
        loose = [t for group in _joined(self._finals) if (t := self._read(group))]
        return [m for t in (*self._turns, *loose) for m in t.mentions]

    def _settle(self, committed: str, item_id: str | None) -> None:
        """A turn was committed: finals that it does not cover were words of their own."""
        waiting, self._finals = self._finals, []
        if not waiting:
            return
        loose = [
            f
            for f in waiting
            if not (item_id is not None and f.item_id == item_id)
            and not covers(plain(committed), plain(f.text))
        ]
        for turn in _joined(loose):
            self._add(turn)

    def _add(self, turn: _Turn) -> _Turn | None:
        if len(self._turns) >= _MAX_TURNS or self._count >= _MAX_MENTIONS:
            self.dropped += 1
            return None
        self._read(turn)
        self._turns.append(turn)
        self._count += len(turn.mentions)
        return turn

    def _read(self, turn: _Turn, before: int | None = None) -> _Turn:
        earlier = self._turns if before is None else self._turns[:before]
        # Two turns back at most: "sorry, thirty" mends what was just said.
        previous = next(
            (
                m
                for t in reversed(earlier[-2:])
                for m in reversed(t.mentions)
                if m.number is not None
            ),
            None,
        )
        turn.mentions = self._reader.read(
            turn.text, Context(turn.line, previous), turn.item_id, turn.at
        )
        return turn

    def _reread(self, turn: _Turn) -> None:
        """Read a revised turn again, and the two after it, whose corrections may refer to it."""
        index = next(i for i in range(len(self._turns) - 1, -1, -1) if self._turns[i] is turn)
        for position in range(index, min(index + 3, len(self._turns))):
            later = self._turns[position]
            self._count -= len(later.mentions)
            self._read(later, position)
            self._count += len(later.mentions)


def _joined(finals: Sequence[_Final]) -> list[_Turn]:
    """Finals that follow one another without the agent in between, as one turn each."""
    turns: list[_Turn] = []
    for final in finals:
        last = turns[-1] if turns else None
        if last is not None and last.line == final.line and last.item_id == final.item_id:
            last.text = f"{last.text} {final.text}"
        else:
            turns.append(_Turn(final.item_id, final.text, final.at, final.line))
    return turns
