"""Personal data masked before it leaves: e-mail addresses, phone numbers, cards and the like.

    masks = Masks(redactor("email,phone,card"))
    masks.text("call 415-555-0132")  # "call [phone-1]"
    masks.counts                     # {"phone": 1}

Pure: no LiveKit, no asyncio, no AWS; only `pack` reads files.
"""

from __future__ import annotations

from .detector import Several, redactor
from .entities import ENTITIES
from .errors import RedactionError
from .masks import Masks
from .own import Own
from .span import Redactor, Span

__all__ = ["ENTITIES", "Masks", "Own", "RedactionError", "Redactor", "Several", "Span", "redactor"]
