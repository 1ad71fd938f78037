"""What is billed: the units of the cost lines, and those that a rate card may name instead."""

from __future__ import annotations

import difflib
from functools import cache
from typing import NamedTuple

# In the order in which they are listed.
UNITS: dict[str, str] = {
    "input_token": "a token of the prompt that was not cached",
    "cached_input_token": "a token of the prompt that the vendor had in its cache",
    "cache_write_token": "a token of the prompt that was written to the cache",
    "output_token": "a token of the answer, reasoning included",
    "input_audio_token": "a token of audio in",
    "cached_input_audio_token": "a token of audio in, from the cache",
    "output_audio_token": "a token of audio out",
    "input_image_token": "a token of an image in",
    "cached_input_image_token": "a token of an image in, from the cache",
    "character": "a character of text to speak",
    "audio_second": "a second of audio to transcribe",
    "session_second": "a second of a realtime model's connection",
    "request": "a request",
    "session_minute": "a minute of the session, begun ones count",
    "telephony_minute": "a minute of a phone participant, begun ones count",
    "recording_minute": "a minute of recording, begun ones count",
}

SERVICES: dict[str, str] = {
    "session_minute": "session",
    "telephony_minute": "telephony",
    "recording_minute": "recording",
}
"""Units of what is no model, with the kind of their cost lines: billed only where a card has a
rate for them."""

# What a card may say for short, or as the vendor does: every unit of a kind, or so many of one.
_ANY_TOKEN = "token"
_MANY: dict[str, tuple[str, int]] = {
    "audio_minute": ("audio_second", 60),
    "audio_hour": ("audio_second", 3600),
}
NAMES = (*UNITS, _ANY_TOKEN, *_MANY)


class Meant(NamedTuple):
    """What a unit's name in a card stands for."""

    units: frozenset[str]
    per: int


@cache
def meant(name: str) -> Meant:
    """The units that a card's name stands for, and how many of them it is.

    Raises:
        ValueError: There is no such unit; the message has the nearest.
    """
    if name in UNITS:
        return Meant(frozenset({name}), 1)
    if name in _MANY:
        unit, per = _MANY[name]
        return Meant(frozenset({unit}), per)
    if name == _ANY_TOKEN:
        return Meant(frozenset(unit for unit in UNITS if unit.endswith("_token")), 1)
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no unit {name!r}{hint} There are: {', '.join(NAMES)}")
