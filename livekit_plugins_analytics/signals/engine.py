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
# "(?:$|[.,;])": the pattern itself says what follows its last word.
_MARK_AT_END = re.compile(r"(?:\[[^\w\\\]]+\]\)*|\\[^\w\s]|[,;:!&/-])$")
# What is none of a pattern's structure, and what is: escapes, classes; groups and bars.
_SYNTAX = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|[()|]")
_GAP = re.compile(r"gap([1-9])")
# Word lists in word lists; more is a circle.
_MAX_DEPTH = 5


class PatternError(ValueError):
    """A pattern cannot be used; `column` counts from 1 in the pattern as it was written.

    `divisible`: it would do in parts.
    """

    def __init__(self, problem: str, column: int = 1, *, divisible: bool = False) -> None:
        self.problem, self.column, self.divisible = problem, column, divisible
        super().__init__(f"column {column}: {problem}")


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return options


_OPTIONS = _options()


def check(words: str) -> None:
    """See whether a part of a pattern, as a word list has it, is a pattern in itself.

    Raises:
        PatternError: RE2 refuses it.
    """
    try:
        re2.compile(_MACRO.sub("x", _lowered(words)).encode(), _OPTIONS)
    except re2.error as error:
        raise _explained(error, words) from None
    except UnicodeEncodeError as error:
        raise PatternError("a lone surrogate", error.start + 1) from None


class Pattern:
    """One compiled pattern; it matches whole words of plain text (see `text.clean`).

    Args:
        written: RE2 syntax. ``{n}`` stands for a number, ``{name}`` for a word list, ``{gap3}``
            for up to three words and the spaces after them.
        words: The word lists, as alternatives: ``{"people": "reps?|users?"}``. A list may name
            others.

    Raises:
        PatternError: RE2 refuses it, or its cost cannot be bounded.
    """

    __slots__ = ("_filter", "_regexp", "gaps", "groups", "numbers", "source")

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
        if self.size > MAX_PROGRAM:
            raise PatternError(
                f"compiles to {self.size} instructions, {MAX_PROGRAM} are allowed; "
                "make it several patterns or lower the repetition counts",
                divisible=True,
            )
        if any((m := self._regexp.search(t)) and m.end() == m.start() for t in (b"", b"zz")):
            raise PatternError("matches the empty text; something in it must be required")
        named = {k.decode(): v for k, v in self._regexp.groupindex.items()}
        self.groups: dict[str, int] = named
        self.numbers = tuple(named[k] for k in ("n", "n2", "n3", "n4") if k in named)
        self.gaps = tuple(index for name, index in named.items() if name.startswith("gap"))

    def share(self, shard: re2.Filter, index: int) -> None:
        """Use what a filter has compiled of the same source: two of each take twice the memory."""
        # The filter owns it.
        self._filter = shard
        self._regexp = shard.re(index)

    @property
    def size(self) -> int:
        """Instructions of the compiled pattern; with the text's length the bound of its time."""
        return int(self._regexp.programsize)

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

    __slots__ = ("_patterns", "_shards")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._shards: list[tuple[int, re2.Filter]] = []
        for start in range(0, len(patterns), _SHARD):
            shard = re2.Filter()
            for pattern in patterns[start : start + _SHARD]:
                pattern.share(shard, shard.Add(pattern.source.encode(), _OPTIONS))
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

    def any(self, text: bytes) -> bool:
        """Whether one of the patterns matches."""
        return any(
            self._patterns[start + i].found(text)
            for start, shard in self._shards
            for i in shard.Match(text, True) or ()
        )

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where the patterns match, in bytes, pattern by pattern."""
        return [
            match.span()
            for start, shard in self._shards
            for i in shard.Match(text, True) or ()
            for match in self._patterns[start + i].matches(text)
        ]


def _expanded(written: str, words: Mapping[str, str]) -> str:
    count = dict.fromkeys(("n", "gap"), 0)

    def named(group: str) -> str:
        count[group] += 1
        return f"(?P<{group}{count[group] if count[group] > 1 else ''}>"

    def replacement(match: re.Match[str], depth: int) -> str:
        name = match[1]
        if name == "n":
            return f"{named('n')}{_NUMBER})"
        if gap := _GAP.fullmatch(name):
            return rf"{named('gap')}(?:[\w&'.-]+ ){{0,{gap[1]}}}?)"
        if name not in words:
            known = ", ".join(sorted(words)) or "none"
            raise PatternError(f"no word list {name!r}; there are: {known}", match.start() + 1)
        if depth == _MAX_DEPTH:
            raise PatternError(f"word list {name!r} names itself, or lists nested too deep")
        inner = _MACRO.sub(lambda m: replacement(m, depth + 1), words[name])
        return f"(?P<value>{inner})" if name == "value" else f"(?:{inner})"

    return _MACRO.sub(lambda m: replacement(m, 0), written)


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
    return f"(?:{'|'.join(_at_words(a) for a in _alternatives(pattern))})"


def _at_words(part: str) -> str:
    before = "" if part.startswith(("^", "\\", "[^", ".")) else r"\b"
    open_end = _MARK_AT_END.search(part) or part.endswith(
        ("$", ".", r"\W", r"\S", r"\s", r"\B", r"\b", "*", "%", " ")
    )
    return f"{before}(?:{part})" + ("" if open_end else r"\b")


def _alternatives(pattern: str) -> list[str]:
    """The parts between the bars that no group holds."""
    parts, depth, start = [], 0, 0
    for match in _SYNTAX.finditer(pattern):
        sign = match[0]
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and depth == 0:
            parts.append(pattern[start : match.start()])
            start = match.end()
    return [*parts, pattern[start:]]


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
    return PatternError(problem or "RE2 refuses it", max(at, 0) + 1, divisible="large" in problem)
