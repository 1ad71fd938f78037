"""What a usage line is billed in: its quantities, split so that nothing is counted twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from .units import SERVICES
from .vendors import vendor

# Above it a quantity is a fault of the source: 1e15 seconds are thirty million years.
_LARGEST = 10**15

_FIELDS: dict[str, tuple[str, ...]] = {
    "llm": (
        "input_tokens",
        "input_cached_tokens",
        "input_cache_creation_tokens",
        "input_text_tokens",
        "input_cached_text_tokens",
        "input_audio_tokens",
        "input_cached_audio_tokens",
        "input_image_tokens",
        "input_cached_image_tokens",
        "output_tokens",
        "output_audio_tokens",
        "session_duration",
    ),
    "stt": ("input_tokens", "input_audio_tokens", "output_tokens", "audio_duration"),
    "tts": ("input_tokens", "output_tokens", "characters_count"),
    "interruption": ("total_requests",),
    "eot": ("total_requests",),
    **dict.fromkeys(SERVICES.values(), ("minutes",)),
}

# The unit named when nothing countable was reported.
_USUAL_UNIT = {
    "llm": "input_token",
    "stt": "audio_second",
    "tts": "character",
    **{kind: unit for unit, kind in SERVICES.items()},
}

# How audio was transcribed: as a stream, in files of a turn each, or both in one session.
MODES = ("streaming", "batch", "mixed")


@dataclass(frozen=True)
class UsageLine:
    """What one model of one provider was used for in a session, as LiveKit summed it."""

    kind: str
    """llm, stt, tts, interruption or eot; session, telephony or recording."""
    provider: str
    """As LiveKit reports it: "api.openai.com", "Deepgram", "livekit"."""
    model: str
    quantities: Mapping[str, int | float] = field(default_factory=dict)
    """LiveKit's own ModelUsage field names. Tokens, characters and requests are counts,
    durations are seconds; what is left out is zero."""
    largest_request: int | None = None
    """Input tokens of the largest single request, where known. Some models cost more in requests
    above a length, which the sum over a session cannot tell."""
    mode: str | None = None
    """How an STT was used, one of `MODES`, where known."""


class Billed(NamedTuple):
    """A quantity of one unit; with a reason where it is known to be unpriceable."""

    unit: str
    quantity: Decimal
    reason: str | None = None


def ways_to_bill(line: UsageLine) -> list[list[Billed]]:
    """The ways in which a vendor may bill this usage, the more special one first.

    Vendors of the same kind bill differently (OpenAI's speech by the token, ElevenLabs' by the
    character), and LiveKit reports all it knows: the model's price list decides between them.

    Returns:
        Alternatives, each a list of units that together are the whole bill. No alternative:
        nothing is billed.
    """
    kind = line.kind
    if kind in ("interruption", "eot") and vendor(line.provider) == "livekit":
        # Run locally, or on LiveKit Cloud, which meters tokens, seconds of STT and characters
        # only (docs.livekit.io/home/cloud/billing, livekit.com/pricing/inference, 2026-09):
        # these requests have a quota and, beyond it, a fallback, but no price.
        return []
    if kind not in _FIELDS:
        return [[Billed("unknown", Decimal(0), "unknown_kind")]]
    unit = _USUAL_UNIT.get(kind, "request")
    quantities: dict[str, Decimal] = {}
    for name in _FIELDS[kind]:
        number = _number(line.quantities.get(name, 0))
        if number is None:
            return [[Billed(unit, Decimal(0), "bad_quantity")]]
        quantities[name] = number
    if kind == "tts":
        return [way for way in _tts(quantities) if way]
    if "minutes" in quantities:
        return [_nonzero(Billed(unit, quantities["minutes"]))]
    ways = [way for way in _OTHERS[kind](quantities) if way]
    # LiveKit counts characters itself, so that a zero there is one. Tokens and seconds come from
    # the vendor or its plugin: zero means that nothing was reported, not that it was free.
    return ways or [[Billed(unit, Decimal(0), "no_quantity")]]


def _llm(q: Mapping[str, Decimal]) -> list[list[Billed]]:
    # No public list bills a connection by its length, so that a rate for it is the user's own word.
    return [
        _nonzero(Billed("session_second", q["session_duration"])),
        _nonzero(*_llm_input(q), *_llm_output(q)),
    ]


def _llm_input(q: Mapping[str, Decimal]) -> list[Billed]:
    """`input_tokens` is everything: text, audio, images; fresh, cached, written to the cache."""
    total, cached, written = (
        q["input_tokens"],
        q["input_cached_tokens"],
        q["input_cache_creation_tokens"],
    )
    audio, cached_audio = q["input_audio_tokens"], q["input_cached_audio_tokens"]
    image, cached_image = q["input_image_tokens"], q["input_cached_image_tokens"]
    cached_text = cached - cached_audio - cached_image
    text = total - cached - written - (audio - cached_audio) - (image - cached_image)
    parts = [
        Billed("input_token", text),
        Billed("cached_input_token", cached_text),
        Billed("cache_write_token", written),
        Billed("input_audio_token", audio - cached_audio),
        Billed("cached_input_audio_token", cached_audio),
        Billed("input_image_token", image - cached_image),
        Billed("cached_input_image_token", cached_image),
    ]
    if any(part.quantity < 0 for part in parts) or not _split_is_whole(q):
        return [Billed("input_token", total, "inconsistent")]
    return parts


def _split_is_whole(q: Mapping[str, Decimal]) -> bool:
    """Whether the kinds of token, where they are told apart, add up to their totals.

    Audio costs eight times as much as text (gpt-realtime): a remainder of unknown kind has no
    price.
    """
    other = q["input_audio_tokens"] + q["input_image_tokens"]
    if not other:
        return True
    cached = (
        q["input_cached_text_tokens"]
        + q["input_cached_audio_tokens"]
        + q["input_cached_image_tokens"]
    )
    text = q["input_text_tokens"]
    whole = not text or text + other == q["input_tokens"]
    return whole and cached == q["input_cached_tokens"]


def _llm_output(q: Mapping[str, Decimal]) -> list[Billed]:
    """`output_tokens` holds audio and reasoning; reasoning is billed as text."""
    total, audio = q["output_tokens"], q["output_audio_tokens"]
    if audio > total:
        return [Billed("output_token", total, "inconsistent")]
    return [Billed("output_token", total - audio), Billed("output_audio_token", audio)]


def _stt(q: Mapping[str, Decimal]) -> list[list[Billed]]:
    total, audio = q["input_tokens"], q["input_audio_tokens"]
    heard = [Billed("input_audio_token", audio), Billed("input_token", total - audio)]
    if not audio:
        # Mostly audio, but how much of it is not told (agents before 1.8), and it costs more.
        heard = [Billed("input_token", total, "no_split")]
    elif audio > total:
        heard = [Billed("input_audio_token", audio, "inconsistent")]
    return [
        _nonzero(*heard, Billed("output_token", q["output_tokens"])),
        _nonzero(Billed("audio_second", q["audio_duration"])),
    ]


def _tts(q: Mapping[str, Decimal]) -> list[list[Billed]]:
    return [
        _nonzero(
            Billed("input_token", q["input_tokens"]),
            Billed("output_audio_token", q["output_tokens"]),
        ),
        _nonzero(Billed("character", q["characters_count"])),
    ]


def _requests(q: Mapping[str, Decimal]) -> list[list[Billed]]:
    return [_nonzero(Billed("request", q["total_requests"]))]


_OTHERS = {"llm": _llm, "stt": _stt, "interruption": _requests, "eot": _requests}


def _nonzero(*parts: Billed) -> list[Billed]:
    return [part for part in parts if part.quantity]


def _number(value: object) -> Decimal | None:
    """None for what is no count: NaN, negative, absurdly large, not a number at all."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= _LARGEST:
        return None
    # Seconds are sums of floats: to the millisecond, as the record has them.
    return Decimal(value) if isinstance(value, int) else Decimal(str(round(float(value), 3)))
