"""Social security numbers of the United States, written or spoken."""

from __future__ import annotations

from collections.abc import Iterator

from .digits import Item, Run
from .said import Said
from .span import Span

_LENGTH = 9
_KINDS = ("ssn", "phone", "reference", "card", "iban", "money")


def find(said: Said) -> Iterator[Span]:
    """The numbers of a text: three, two and four digits, or nine that are said to be one."""
    for run in said.runs:
        if len(run.digits) >= _LENGTH:
            yield from _in_run(said, run)


def _in_run(said: Said, run: Run) -> Iterator[Span]:
    from stdnum.us import ssn

    kind = said.nearest(run.start, *_KINDS)
    asked = kind == "ssn" or said.follows(run.end, "ssn")
    items = run.items
    i = 0
    while i < len(items):
        digits, stop = "", 0
        for j in range(i, len(items)):
            digits += items[j].digits
            if len(digits) >= _LENGTH:
                stop = j + 1
                break
        window = items[i:stop]
        whole = i == 0 and stop == len(items)
        if len(digits) == _LENGTH and (
            (asked and (whole or _grouped(window)))
            or (_grouped(window) and ssn.is_valid(digits) and _own(said, window, kind))
        ):
            yield Span(items[i].start, items[stop - 1].end, "ssn")
            i = stop
        else:
            i += 1


def _own(said: Said, window: tuple[Item, ...], kind: str | None) -> bool:
    """Whether the grouping alone is enough: with hyphens it is, else where no other is named."""
    first, second = window[0], window[1]
    return said.plain[first.end : second.start] == "-" or kind is None


def _grouped(items: tuple[Item, ...]) -> bool:
    """Whether there are three groups, of three, two and four digits."""
    if [len(i.digits) for i in items] == [3, 2, 4]:
        return True
    at, starts = 0, []
    for item in items:
        if item.apart:
            starts.append(at)
        at += len(item.digits)
    return starts[-2:] == [3, 5]
