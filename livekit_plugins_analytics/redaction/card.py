"""Payment cards, written or spoken; the check digit decides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .digits import Run
from .said import Said
from .span import Span

# First digits and lengths of the networks.
_NETWORK = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}"
    r"|3[0689][0-9]{12}|3[05][0-9]{14}|6[0-9]{15}|6[0-9]{18}"
)
_SHORTEST, _LONGEST = 13, 19


def find(said: Said) -> Iterator[Span]:
    """The card numbers of a text."""
    for run in said.runs:
        if len(run.digits) >= _SHORTEST:
            yield from _in_run(said, run)


def _in_run(said: Said, run: Run) -> Iterator[Span]:
    from stdnum import luhn

    items = run.items
    i, found = 0, False
    while i < len(items):
        digits, stop = "", 0
        for j in range(i, len(items)):
            digits += items[j].digits
            if len(digits) > _LONGEST:
                break
            if _NETWORK.fullmatch(digits) and luhn.is_valid(digits):
                stop = j + 1
        if stop:
            yield Span(items[i].start, items[stop - 1].end, "card")
            found = True
        i = stop or i + 1
    if not found and _misheard(said, run):
        yield Span(run.start, run.end, "card")


def _misheard(said: Said, run: Run) -> bool:
    """Whether it is a card's number but for a digit that was misheard or mistyped."""
    if not _NETWORK.fullmatch(run.digits):
        return False
    kind = said.nearest(run.start, "card", "phone", "reference", "iban")
    return kind == "card" or (kind is None and run.spoken)
