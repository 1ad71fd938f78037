"""Text as rules see it: lower case, plain quotes and spaces, no accents; with the way back."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence

# A rule's time grows with the text (9 ns a character and instruction): longer turns are split.
# The longest turn of restaurants-8k has 300 characters.
MAX_CHARS = 1_000
# One sign may be a whole sentence (U+FDFA is 18 letters); such a one is a space, so that plain
# text is at most this many times as long as what was said.
_MAX_PARTS = 4
MAX_PLAIN = _MAX_PARTS * MAX_CHARS

# What keyboards and recognisers write for one and the same sign.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´＇", "'"),
        **dict.fromkeys("“”„‟″«»＂", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
        **dict.fromkeys("\t\n\r\v\f\x85\u2028\u2029", " "),
        "…": "...",
        "½": ".5",
        "ß": "ss",
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "æ": "ae",
        "œ": "oe",
    }
)


class Clean:
    """A text in plain form, and where each of its characters came from.

    Args:
        text: The plain form.
        origins: The index in the original of each character, and its length at the end;
            None where nothing moved.
    """

    __slots__ = ("_origins", "text")

    def __init__(self, text: str, origins: Sequence[int] | None = None) -> None:
        self.text = text
        self._origins = origins

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The original span of a span of the plain form."""
        if self._origins is None:
            return start, end
        last = self._origins[end - 1] + 1 if end > start else self._origins[start]
        return self._origins[start], max(last, self._origins[start])


def clean(text: str) -> Clean:
    """The plain form of what was said. Never raises, whatever the text."""
    if text.isascii():
        if text.isprintable():
            return Clean(text.lower())
        return Clean("".join(c if c.isprintable() else " " for c in text.lower()))
    plain: list[str] = []
    origins: list[int] = []
    for index, char in enumerate(text):
        piece = _plain(char)
        plain.append(piece)
        origins.extend([index] * len(piece))
    origins.append(len(text))
    return Clean("".join(plain), origins)


def fold(text: str) -> str:
    """The plain form alone."""
    return clean(text).text


def _plain(char: str) -> str:
    if char.isascii():
        return char.lower() if char.isprintable() else " "
    lowered = char.lower().translate(_PLAIN)
    if lowered.isascii():
        return lowered
    pieces = []
    parts = unicodedata.normalize("NFKD", lowered)
    if len(parts) > _MAX_PARTS:
        return " "
    for c in parts:
        kind = unicodedata.category(c)
        if kind in ("Mn", "Cf", "Cs"):
            # Accents, invisible joiners, and halves of a pair, which no encoder takes.
            continue
        if kind == "Nd":
            pieces.append(str(unicodedata.digit(c)))
        elif kind in ("Zs", "Zl", "Zp", "Cc"):
            pieces.append(" ")
        else:
            pieces.append(c.lower().translate(_PLAIN))
    return "".join(pieces)


def split(text: str, limit: int = MAX_CHARS) -> list[tuple[int, str]]:
    """The text in pieces of bounded length, cut at a sentence's end or a space, with offsets."""
    if len(text) <= limit:
        return [(0, text)]
    pieces = []
    start = 0
    while len(text) - start > limit:
        end = start + limit
        cut = max(text.rfind(mark, start + limit // 2, end) for mark in (". ", "? ", "! "))
        if cut < 0:
            cut = text.rfind(" ", start + limit // 2, end)
        cut = end if cut < 0 else cut + 1
        pieces.append((start, text[start:cut]))
        start = cut
    pieces.append((start, text[start:]))
    return pieces


class Rewritten:
    """A text with some spans replaced, and the way back.

    Args:
        text: The text before.
        changes: Start, end and replacement, in order, without overlap.
    """

    __slots__ = ("_after", "_before", "spans", "text")

    def __init__(self, text: str, changes: Sequence[tuple[int, int, str]]) -> None:
        pieces: list[str] = []
        # Pairs of equal length: where a stretch begins in the text after, and before.
        self._after: list[int] = [0]
        self._before: list[int] = [0]
        self.spans: list[tuple[int, int]] = []
        at = position = 0
        for start, end, new in changes:
            pieces += (text[at:start], new)
            position += start - at
            self._after += (position, position + len(new))
            self._before += (start, end)
            self.spans.append((position, position + len(new)))
            position += len(new)
            at = end
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def before(self, start: int, end: int) -> tuple[int, int]:
        """The span before the change; a replaced span counts as a whole."""
        if len(self._after) == 1:
            return start, end
        return self._at(start, left=True), self._at(end, left=False)

    def _at(self, position: int, *, left: bool) -> int:
        index = bisect_right(self._after, position) - 1
        inside_replacement = index % 2 == 1
        if inside_replacement:
            if left or position == self._after[index]:
                return self._before[index]
            return self._before[index + 1]
        return self._before[index] + position - self._after[index]
