"""When two texts say the same value: "415-555-0132" and "four one five, five five five ..."."""

from __future__ import annotations

from . import email, iban, ip, phone
from .digits import read
from .plain import plain

_WRITTEN = {"email": email.canonical, "iban": iban.canonical, "ip": ip.canonical}


def canonical(entity: str, text: str, region: str = "US") -> str:
    """A value in the one form that all its spellings share.

    Args:
        entity: What it is.
        text: As it was written or said.
        region: The country of phone numbers without a country code.
    """
    said = plain(text)
    if entity in ("phone", "card", "ssn") and (digits := read(said)):
        return phone.canonical(digits, region) if entity == "phone" else digits
    # Another script has no plain form of its own.
    if entity in _WRITTEN and text.isascii():
        return _WRITTEN[entity](said)
    return " ".join(text.casefold().split())
