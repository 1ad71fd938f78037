"""When two texts say the same value: "415-555-0132" and "four one five, five five five ..."."""

from __future__ import annotations

import re

from . import phone
from .digits import read
from .plain import plain

_SIGNS = re.compile(r"[^a-z0-9]")


def canonical(entity: str, text: str, region: str = "US") -> str:
    """A value in the one form that all its spellings share.

    Args:
        entity: What it is.
        text: As it was written or said.
        region: The country of phone numbers without a country code.
    """
    if entity in ("phone", "card", "ssn") and (digits := read(plain(text))):
        return phone.canonical(digits, region) if entity == "phone" else digits
    return " ".join(text.casefold().split())
