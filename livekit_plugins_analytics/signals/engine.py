"""RE2, bounded: the one module that meets the regular-expression engine.

The bound (measured, worst case): 9 ns x instructions x characters. With 1,100 instructions and
1,000 characters (`text.MAX_CHARS`) one pattern costs at most 10 ms, whatever it is and whatever
is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import re2

from .text import fold

# Instructions of a compiled pattern; a list of 40 words has about 300, two or three lists fit.
MAX_PROGRAM = 1_100
# As in Vapi's regex outputs, the nearest relative: longer patterns are data, not patterns.
MAX_PATTERN_CHARS = 1_000
# Refuses patterns such as (?:\p{L}+\s?){1,100}, whose automaton has no reasonable size.
_MAX_MEMORY = 256 * 1024
# RE2's filter has 8 MiB for its own automaton: more patterns than this are cut in shards.
_SHARD = 1_000

_NUMBER = r"\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)?"
_MACRO = re.compile(r"(?<!\\p)(?<!\\P)\{([a-z_][a-z0-9_]*)\}")


class PatternError(ValueError):
    """A pattern cannot be used; `column` counts from 1 in the pattern as it was written."""

    def __init__(self, problem: str, column: int = 1) -> None:
        self.problem, self.column = problem, column
        super().__init__(f"column {column}: {problem}")


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return options


_OPTIONS = _options()


class Pattern:
    """One compiled pattern; it matches whole words of plain text (see `text.clean`).

    Args:
        written: RE2 syntax. ``{n}`` stands for a number, ``{name}`` for a word list.
        words: The word lists, as alternatives: ``{"people": "reps?|users?"}``.

    Raises:
        PatternError: RE2 refuses it, or its cost cannot be bounded.
    """

    __slots__ = ("_regexp", "groups", "numbers", "source")

    def __init__(self, written: str, words: Mapping[str, str] | None = None) -> None:
        if len(written) > MAX_PATTERN_CHARS:
            raise PatternError(
                f"longer than {MAX_PATTERN_CHARS} characters; make it several patterns",
                MAX_PATTERN_CHARS + 1,
            )
        self.source = _bounded(_lowered(_expanded(written, words or {})))
        try:
            self._regexp = re2.compile(self.source.encode(), _OPTIONS)
        except re2.error as error:
            raise _explained(error, written) from None
        except UnicodeEncodeError as error:
            raise PatternError("a lone surrogate", error.start + 1) from None
        if self._regexp.programsize > MAX_PROGRAM:
            raise PatternError(
                f"compiles to {self._regexp.programsize} instructions, {MAX_PROGRAM} are allowed; "
                "make it several patterns or lower the repetition counts"
            )
        if any((m := self._regexp.search(t)) and m.end() == m.start() for t in (b"", b"zz")):
            raise PatternError("matches the empty text; something in it must be required")
        named = {k.decode(): v for k, v in self._regexp.groupindex.items()}
        self.groups: dict[str, int] = named
        self.numbers = tuple(named[k] for k in ("n", "n2", "n3", "n4") if k in named)

    def matches(self, text: bytes) -> Iterator[re2._Match]:
        """All matches in a text, left to right, with offsets in bytes."""
        return iter(self._regexp.finditer(text))

    def found(self, text: bytes) -> bool:
        """Whether it matches anywhere."""
        return self._regexp.search(text) is not None


class Prefilter:
    """Many patterns, asked at once: which of them match a text.

    Args:
        patterns: The patterns; `matching` answers with indexes into them.
    """

    __slots__ = ("_shards",)

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._shards: list[tuple[int, re2.Filter]] = []
        for start in range(0, len(patterns), _SHARD):
            shard = re2.Filter()
            for pattern in patterns[start : start + _SHARD]:
                shard.Add(pattern.source.encode(), _OPTIONS)
            shard.Compile()
            self._shards.append((start, shard))

    def matching(self, text: bytes, *, potential: bool = False) -> list[int]:
        """Indexes of the patterns that match, in order; `potential`: that might match."""
        found: list[int] = []
        for start, shard in self._shards:
            hits = shard.Match(text, potential)
            if hits:
                found.extend(sorted(start + i for i in hits))
        return found


def _expanded(written: str, words: Mapping[str, str]) -> str:
    numbers = 0

    def replacement(match: re.Match[str]) -> str:
        nonlocal numbers
        name = match[1]
        if name == "n":
            numbers += 1
            return f"(?P<n{numbers if numbers > 1 else ''}>{_NUMBER})"
        if name not in words:
            known = ", ".join(sorted(words)) or "none"
            raise PatternError(f"no word list {name!r}; there are: {known}", match.start() + 1)
        return f"(?:{words[name]})"

    return _MACRO.sub(replacement, written)


def _lowered(pattern: str) -> str:
    """The pattern as the text is: plain and lower case, except in its own syntax."""
    pieces = []
    for piece in re.split(r"(\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.|\(\?P?<\w+>|\(\?[a-zA-Z]+)", pattern):
        pieces.append(piece if piece.startswith(("\\", "(?")) else fold(piece))
    return "".join(pieces)


def _bounded(pattern: str) -> str:
    """Anchor the pattern at words' ends, where its own ends are letters, groups or repeats.

    RE2's boundary knows ASCII only: a pattern in another script is left as it is.
    """
    if not pattern.isascii():
        return f"(?:{pattern})"
    before = "" if pattern.startswith(("^", "\\", "[^", ".")) else r"\b"
    open_end = pattern.endswith(("$", ".", r"\W", r"\S", r"\s", r"\B", r"\b", "*", "%", " "))
    return f"{before}(?:{pattern})" + ("" if open_end else r"\b")


def _explained(error: Exception, written: str) -> PatternError:
    # RE2 speaks bytes: b"missing ): foo(" names the part at fault after the colon.
    raw = error.args[0] if error.args else ""
    message = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    problem, _, part = message.partition(": ")
    if "too large" in problem:
        problem = "too large: its cost cannot be bounded; lower the repetition counts"
    if "(?=" in part or "(?!" in part or "(?<" in part:
        problem = "RE2 has no lookaround; use 'unless' for what must not be there"
    at = written.lower().find(part.lower()) if part else -1
    if problem == "missing )":
        at = written.rfind("(")
    return PatternError(problem or "RE2 refuses it", max(at, 0) + 1)
