"""E-mail addresses, written or spoken: "john dot smith at acme dot com"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import domains
from .digits import TEENS, TENS, UNITS
from .plain import words
from .said import Said
from .span import Span

_WRITTEN = re.compile(
    r"(?<![a-z0-9._%+-])[a-z0-9_%+&*/=?^{}~!#$'-][a-z0-9._%+&*/=?^{}~!#$'-]{0,63}"
    r"@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![a-z0-9@])"
)
_AT = re.compile(r"(?<![a-z0-9._+-])(?:at|@)(?![a-z0-9])|(?<=[a-z0-9])@ | @(?=[a-z0-9])")
_PIECE = re.compile(r"[a-z0-9_]+(?:[.'+-][a-z0-9_]+)*")
_GAP = re.compile(r"(?:[ \n]|, |- )?")
# Between letters that are spelled: "j. o. h. n."
_SPELLED_GAP = re.compile(r"\.?,? ?")
# As far back as a local part goes, in characters and in pieces.
_REACH, _PIECES = 160, 24
_CONNECTORS = frozenset({"dot", "period", "point", "underscore", "dash", "hyphen", "minus", "plus"})
_NUMBERS = frozenset({*UNITS, *TEENS, *TENS, "double", "triple", "hundred", "thousand"})
# What is no name: "it is at", "reach me at", "we are at", "the sofa at".
_NO_NAME = words(
    """
    a about actually address addresses all am an and any are at available back based be been being
    both bought but buy by call called can check come contact could day did do does doing done
    down each email emails end find for from get go going got great had has have he her here hi
    him his how i i'm if in is isn't it it's its just know like listed live look looked looking
    looks mail make may me mean meet meeting might mine more my named nine no not now of off offer
    ok okay on one or order ordered our out over page please price put reach right run runs sale
    saw see sell selling send she shop shopping should site so some start started staying sure
    thanks that that's the their them then there there's they this those to too uh um under up us
    use used visit was we we're website well went were what when where which while who why will
    with work worked working works would write yeah yep yes yet you you're your
    """
)
_LEADS = words(
    """
    address am at bcc be cc contact e-mail email email's emails i'm is it's its mail message on
    reach that's to was write
    """
)
_CONTEXT = re.compile(
    r"(?<![a-z])(?:e ?-?mail(?:s|ed|ing|'s)?|mail|address|write|reply|forward|send|sent|cc|bcc"
    r"|reach|contact|inbox|log ?in|username|account|invite|invoices?|alias|mailbox|gmail|outlook)"
    r"(?![a-z])"
)
_SIP = re.compile(r"(?:sips?|tel):$")
_NAMING = words("it's that's is it be")
# Mailboxes of nobody in particular.
_ROLES = words(
    "accounts admin billing careers hello help helpdesk hr info jobs press sales support"
)
_AFTER = re.compile(r"\W{0,3}(?:is|that's|would be) (?:my|the|our|her|his) (?:\w+ )?e ?-?mail")


def find(said: Said) -> Iterator[Span]:
    """The addresses of a text."""
    plain = said.plain
    if "@" in plain:
        for match in _WRITTEN.finditer(plain):
            if _SIP.search(plain, max(0, match.start() - 5), match.start()):
                continue  # a phone number, which is found as one
            yield Span(match.start(), match.end(), "email")
    for at in _AT.finditer(plain):
        domain = domains.end(plain, at.end())
        if domain is None:
            continue
        start = _local(plain, at.start(), domains.free(plain[at.end() : domain]), domain)
        if start is not None:
            yield Span(start, domain, "email")


def canonical(plain: str) -> str:
    """An address as it would be written."""
    signs = {"at": "@", "underscore": "_", "plus": "+", "dash": "-", "hyphen": "-", "minus": "-"}
    dots = dict.fromkeys(("dot", "period", "point"), ".")
    written = []
    for piece in re.finditer(r"[a-z]+|[^a-z\s,]", plain):
        word = piece[0]
        if word in TENS:
            word = TENS[word] + "0"
        written.append(
            signs.get(word) or dots.get(word) or UNITS.get(word) or TEENS.get(word) or word
        )
    return "".join(written)


def _local(plain: str, at: int, free: bool, domain: int) -> int | None:
    """Where the part before the "at" starts; None where there is none."""
    pieces = list(_PIECE.finditer(plain, max(0, at - _REACH), at))[-_PIECES:]
    if not pieces or not _adjoin(plain, pieces[-1], at):
        return None
    first = len(pieces) - 1
    word = pieces[first][0]
    if not _names(word) and not (_single(word) and first and _single(pieces[first - 1][0])):
        return None
    strong = _shaped(word) or word in _ROLES
    while first > 0:
        word, before = pieces[first][0], pieces[first - 1]
        if not _adjoin(plain, before, pieces[first].start()):
            break
        if before[0] in _CONNECTORS:
            if first < 2 or not _joins(plain, pieces, first - 2):
                break
            first, strong = first - 2, True
        elif _as_in(pieces, first):
            first, strong = first - 3, True
        elif _spelled(before[0]) and (_spelled(word) or before[0] not in "ai"):
            first, strong = first - 1, True
        elif _spelled(word):
            strong = True
            # "sam four two", "smith j": a name before what was spelled; "sure, j o h n" is none.
            alone = first + 1 == len(pieces) or not _spelled(pieces[first + 1][0])
            named = alone or word in _NUMBERS or word.isdigit() or _as_in(pieces, first - 1)
            if not (named and _names(before[0]) and plain[before.end()] == " "):
                break
            first -= 1
        else:
            break
    start = pieces[first].start()
    lead = pieces[first - 1][0] if first else ""
    meant = (
        strong
        or free
        or (lead in _NAMING and pieces[max(0, first - 2)][0] not in ("this", "name"))
        or _CONTEXT.search(plain, max(0, start - 70), start) is not None
        or _AFTER.match(plain, domain) is not None
    )
    return pieces[_back(plain, pieces, first)].start() if meant else None


def _adjoin(plain: str, piece: re.Match[str], start: int) -> bool:
    """Whether what starts here may belong to the same address as the piece before it."""
    gap = _SPELLED_GAP if len(piece[0]) == 1 else _GAP
    return gap.fullmatch(plain, piece.end(), start) is not None


def _back(plain: str, pieces: list[re.Match[str]], first: int) -> int:
    """Further back over plain words, to what introduces an address: "email is john smith"."""
    for i in range(first - 1, max(first - 4, -1), -1):
        word = pieces[i][0]
        if not _GAP.fullmatch(plain, pieces[i].end(), pieces[i + 1].start()):
            return first
        if word in _LEADS:
            return i + 1
        if not _names(word):
            return first
    return first


def _names(word: str) -> bool:
    return word not in _NO_NAME or word in _NUMBERS


def _shaped(word: str) -> bool:
    """Whether a word looks like a part of an address by itself: "john.smith", "jsmith99"."""
    return any(c in "._+" or c.isdigit() for c in word)


def _single(word: str) -> bool:
    return len(word) == 1


def _spelled(word: str) -> bool:
    """Whether a word is a letter or a number by itself."""
    return len(word) == 1 or word in _NUMBERS or word.isdigit()


def _joins(plain: str, pieces: list[re.Match[str]], i: int) -> bool:
    """Whether a piece may stand before a connector."""
    gap = _GAP.fullmatch(plain, pieces[i].end(), pieces[i + 1].start())
    return gap is not None and (_names(pieces[i][0]) or _single(pieces[i][0]))


def _as_in(pieces: list[re.Match[str]], first: int) -> bool:
    """Whether a word only says a letter: "m as in mary"."""
    before = [p[0] for p in pieces[max(0, first - 3) : first]]
    return len(before) == 3 and before[1:] == ["as", "in"] and _single(before[0])
