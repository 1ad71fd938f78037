"""Phone numbers, written (by libphonenumber) and spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .digits import Item, Run, runs
from .said import Said
from .span import Span

# Regions of the North American plan: ten digits, whose first and fourth are no 0 or 1.
_NANP = frozenset({"US", "CA", "PR", "DO", "JM", "TT", "BS", "BB"})
_NATIONAL = re.compile(r"1?[2-9][0-9]{2}[2-9][0-9]{6}")
# What is dialled before the code of another country.
_ABROAD = re.compile("011|00")
_PLUS = re.compile(r"(?:\bplus|\+) ?$")
# What only a phone number is written like: "(415) 555-0132", "415-555-0132", "415.555.0132".
_SHAPED = re.compile(
    r"\+ ?[0-9]|\([0-9]{3}\)|(?:1[-.])?[0-9]{3}([-.])[0-9]{3}\1[0-9]{4}$|0[0-9]{2,4}[-/ ]"
)
_LOCAL = re.compile(r"[2-9][0-9]{2}[-. ][0-9]{4}")
# Enough digits for libphonenumber to be asked at all.
_LIKELY = re.compile(r"[0-9](?:[^0-9a-z]{0,4}[0-9]){6}")
# "PA_4155550123" is an identifier; SIP participants and rooms are named by their numbers.
_NAMED = re.compile(r"([a-z0-9]+)_$")
_DECIMAL = re.compile(r"[0-9]\.$")
_BY_NUMBER = frozenset({"sip", "call", "caller", "phone", "tel", "number"})
_YEARS = re.compile("(?:(?:19|20)[0-9]{2}){2,}")
_EXTENSION = re.compile(r"[\s,;]*(?:ext|x|#|доб)", re.IGNORECASE)
# A number has 15 digits at most, by E.164, and the sign of another country before it.
_MOST = 15
# libphonenumber takes 0.2 ms a candidate; a longer text is searched in pieces of this size.
_MAX_TRIES = 2_000


def find(said: Said, region: str) -> Iterator[Span]:
    """The phone numbers of a text.

    Args:
        said: The text.
        region: The country whose numbers are written without a country code: "US", "GB".
    """
    yield from _written(said, region)
    for run in said.runs:
        yield from _in_run(said, run, region)


def canonical(digits: str, region: str) -> str:
    """The number in one form, whatever prefix it was said with."""
    import phonenumbers

    for text in (f"+{digits}", digits) if len(digits) > 10 else (digits, f"+{digits}"):
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return digits[-10:]


def _written(said: Said, region: str) -> Iterator[Span]:
    if not _LIKELY.search(said.plain):
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    for match in PhoneNumberMatcher(said.plain, region, Leniency.VALID, _MAX_TRIES):
        start, end = match.start, match.end
        named = _NAMED.search(said.plain, max(0, start - 12), start)
        if named and named[1] not in _BY_NUMBER:
            continue
        if extension := _EXTENSION.search(said.plain, start + 1, end):
            end = extension.start()
        if _DECIMAL.search(said.plain, max(0, start - 2), start):
            continue
        number = said.plain[start:end]
        if number.startswith("(") and ")" not in number:
            start += 1
        if _SHAPED.match(number):
            yield Span(start, end, "phone")
            continue
        said_as = list(runs(number))
        asked = said.nearest(start, *_KINDS) == "phone"
        if any(map(_counting, said_as)) or _other(said, start, end):
            continue
        if asked or region not in _NANP or all(_grouped(run.items) for run in said_as):
            yield Span(start, end, "phone")
    for local in _LOCAL.finditer(said.plain):
        around = (
            said.plain[local.start() - 1 : local.start()]
            + said.plain[local.end() : local.end() + 1]
        )
        if not re.search(r"[\w-]", around) and said.nearest(local.start(), *_KINDS) == "phone":
            yield Span(local.start(), local.end(), "phone")


_KINDS = ("phone", "reference", "card", "ssn", "iban", "version", "money")


def _other(said: Said, start: int, end: int) -> bool:
    """Whether what is around a number says that it is something else."""
    if said.follows(end, "phone"):
        return False
    kind = said.nearest(start, *_KINDS)
    return said.priced(start, end) or kind in ("reference", "version")


def _in_run(said: Said, run: Run, region: str) -> Iterator[Span]:
    if len(run.digits) < 7 or _counting(run):
        return
    if _DECIMAL.search(said.plain, max(0, run.start - 2), run.start):
        return
    plus = _PLUS.search(said.plain[max(0, run.start - 6) : run.start])
    start = run.start - len(plus[0]) if plus else run.start
    if said.plain[max(0, start - 1) : start] == "(" and ")" in said.plain[start : run.end]:
        start -= 1
    if run.quantity:
        return
    other = not plus and _other(said, start, run.end)
    asked = said.nearest(start, *_KINDS) == "phone" or said.follows(run.end, "phone")
    items = run.items
    # First what stands apart: commas tell where a number begins and ends.
    i, found = 0, False
    while i < len(items):
        stop = 0
        if items[i].apart:
            stop = _number(items, i, region, plus is not None and i == 0, asked, apart=True)
        if stop:
            found = True
            # "Room 12, 415 555 0123": only the first of them is the room's.
            if not other or i > 0:
                yield Span(start if i == 0 else items[i].start, items[stop - 1].end, "phone")
        i = stop or i + 1
    if found or other:
        return
    within = [(i, _number(items, i, region, False, asked, apart=False)) for i in range(len(items))]
    stops = [(i, stop) for i, stop in within if stop]
    # Rather the one at the end: what is before it may be anything.
    for i, stop in [s for s in stops if s[1] == len(items)][:1] or stops:
        yield Span(items[i].start, items[stop - 1].end, "phone")


def _number(
    items: tuple[Item, ...], i: int, region: str, plus: bool, asked: bool, *, apart: bool
) -> int:
    """The item after the number that starts with item i; 0 where none does."""
    digits, best, whole = "", 0, len(items)
    for j in range(i, whole):
        digits += items[j].digits
        if len(digits) > _MOST + 3:
            break
        if apart and j + 1 < whole and not items[j + 1].apart:
            continue
        if plus:
            best = j + 1 if len(digits) >= 8 and _valid(f"+{digits}", region) else best
        elif _looks(digits, region, items[i : j + 1], asked, alone=i == 0 and j + 1 == whole):
            best = j + 1
    if plus and not best and 8 <= len(digits) <= _MOST:
        return whole
    return best


def _looks(digits: str, region: str, items: tuple[Item, ...], asked: bool, *, alone: bool) -> bool:
    if region in _NANP:
        if _NATIONAL.fullmatch(digits):
            return asked or _grouped(items)
        if (abroad := _ABROAD.match(digits)) and len(digits) >= 11:
            return _valid(f"+{digits[abroad.end() :]}", region, possible=asked)
        return asked and alone and len(digits) in (7, 10, 11)
    if not 7 <= len(digits) <= _MOST:
        return False
    return _valid(digits, region, possible=asked and alone)


def _grouped(items: tuple[Item, ...]) -> bool:
    """Whether written groups end where those of a number do: 3, 3 and 4 digits."""
    position = -1 if sum(len(i.digits) for i in items) == 11 else 0
    for item in items:
        after = position + len(item.digits)
        rest = after == 10 and position in (-1, 0, 3)
        if not item.spoken and not rest and any(position < edge < after for edge in (3, 6)):
            return False
        position = after
    return True


def _counting(run: Run) -> bool:
    """Whether somebody counts, "one two three four five ...", or lists years."""
    values = [int(i.digits) for i in run.items if len(i.digits) < 4]
    steps = {b - a for a, b in zip(values, values[1:], strict=False)}
    return (len(values) >= 8 and len(steps) == 1) or _YEARS.fullmatch(run.digits) is not None


def _valid(text: str, region: str, *, possible: bool = False) -> bool:
    """Whether there is such a number, or could be: numbers for films are never given away."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(
        phonenumbers.is_valid_number(number)
        or (possible and phonenumbers.is_possible_number(number))
    )
