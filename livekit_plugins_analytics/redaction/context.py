"""What was said just before a value, which tells what the value is."""

from __future__ import annotations

import re

# As far back as a speaker's "my number is, let me see, it should be" goes.
_REACH = 70
_LOOK = 40

_KINDS = {
    "card": r"(?:credit|debit|bank|payment|gift) card|card(?: number)?|visa|master ?card|amex"
    r"|american express|discover|pan",
    "ssn": r"socials?(?: security)?(?: numbers?)?|ssn|s s n|social security|security number"
    r"|tax ?payer id|itin",
    "iban": r"iban|i ban|i b a n",
    "phone": r"phones?|telephone|cell|cellphone|mobile|land ?line|fax|call(?:ed|ing|er)?(?: id)?"
    r"|call ?back|dial(?:ed|ing)?|ring|text(?: me)?|sms|whats ?app|reach(?:ed)?|tel|msisdn"
    r"|area code|switchboard|hotline|direct line|voice ?mail|pager"
    r"|(?:my|your|his|her|our|their|the|best|good|contact|direct|home|work|office|same)"
    r" (?:number|line)(?:'s)?|number's",
    "ip": r"ips?|ip ?address(?:es)?|i p|host|server|router|ping(?:ed|ing)?|gateway|subnet|dns",
    "version": r"versions?|ver|v|release[ds]?|build|firmware|upgrade[ds]?|update[ds]?|semver"
    r"|section|chapter|clause|paragraph|python|node|ios|android|kernel|driver|openssl|java|jdk|chrome|firefox|safari|windows|linux|ubuntu|debian|macos"
    r"|plugin|library|package|sdk",
    "reference": r"orders?|tickets?|invoices?|case|tracking|confirmation|reference|ref|bookings?"
    r"|reservation|policy|member(?:ship)?|account|acct|serial|model|sku|part|po|p o"
    r"|purchase order|claim|shipment|item|ids?|code|room|flight|transaction|zip|pin|batch|lot"
    r"|license|licence|patent|isbn|upc|ean|barcode|package|parcel|routing|aba|version|docket"
    r"|request|incident|job|quote|receipt|contract|customer number|employee|badge|vin",
    "money": r"\$|dollars?|usd|eur|gbp|total(?: of)?|costs?|price[ds]?|revenue|budget",
}
_WORD = re.compile(
    "|".join(rf"(?P<{kind}>(?<![a-z0-9])(?:{words})(?![a-z0-9]))" for kind, words in _KINDS.items())
)


def kinds(plain: str, start: int, reach: int = _REACH) -> list[str]:
    """The kinds of numbers that the words before a place speak of, the nearest first."""
    stretch = plain[max(0, start - reach) : start]
    return [str(m.lastgroup) for m in _WORD.finditer(stretch)][::-1]


def nearest(plain: str, start: int, *wanted: str) -> str | None:
    """Which of the kinds was spoken of last before a place; None for none of them."""
    return next((k for k in kinds(plain, start) if k in wanted), None)


def follows(plain: str, end: int, kind: str) -> bool:
    """Whether the words after a value say that it is of a kind: "... is my cell"."""
    stretch = plain[end : end + _LOOK]
    return any(
        m.lastgroup == kind
        and re.match(r"\W{0,3}(?:is|that's|was) (?:my|our|the|her|his)", stretch)
        for m in _WORD.finditer(stretch)
    )


_MONEY_BEFORE = re.compile(r"\$ ?$")
_AMOUNT_AFTER = re.compile(
    r" ?(?:%|\$)| ?(?:dollars|bucks|cents|euros?|pounds|percent|usd|eur|million|billion|thousand"
    r"|rows|records|users|people|customers|seats|times|miles|meters|metres|feet|kilos|tons|bytes"
    r"|seconds|milliseconds|ms|years|days|hours|minutes)(?![a-z])"
)


def priced(plain: str, start: int, end: int) -> bool:
    """Whether a number is an amount: a sign of money, a unit or a share beside it."""
    return bool(
        _MONEY_BEFORE.search(plain[max(0, start - 2) : start])
        or _AMOUNT_AFTER.match(plain[end : end + 20])
    )
