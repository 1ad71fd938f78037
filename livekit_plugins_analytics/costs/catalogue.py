"""List prices from the voice-prices library, taken only where they surely are this model's.

The library answers generously: it matches models by prefix ("ink-whisper" gets the price of
"ink-2", three times too much), bills what has no meter by another one, and answers zero for what
it does not know. Here a price counts only if the name is the model's own, the unit has its own
meter, and the rate is above zero. Everything else is `NoRate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .corrections import ALIASES, CORRECTIONS, DOUBTED, FAMILIES, ONE_PRICE, RELEASE
from .price_list import NoRate, UnitPrice
from .usage import UsageLine
from .vendors import library_provider

if TYPE_CHECKING:
    from voice_prices.types import ModelInfo, PriceCalculation


class _Meter(NamedTuple):
    usage: dict[str, int]
    """Usage of exactly one unit, in the library's terms: its totals include their parts."""
    component: str
    """The part of the library's answer that this unit makes up."""
    rate: str
    """The field of the model's prices that pays for it."""


# Every unit but images (the library has no rate for them), session seconds (its per-minute rates
# are of whole agents) and requests.
_METERS: dict[str, _Meter] = {
    "input_token": _Meter({"input_tokens": 1}, "input_tokens", "input_mtok"),
    "cached_input_token": _Meter(
        {"input_tokens": 1, "cache_read_tokens": 1}, "cache_read_tokens", "cache_read_mtok"
    ),
    "cache_write_token": _Meter(
        {"input_tokens": 1, "cache_write_tokens": 1}, "cache_write_tokens", "cache_write_mtok"
    ),
    "output_token": _Meter({"output_tokens": 1}, "output_tokens", "output_mtok"),
    "input_audio_token": _Meter(
        {"input_tokens": 1, "input_audio_tokens": 1}, "input_audio_tokens", "input_audio_mtok"
    ),
    "cached_input_audio_token": _Meter(
        {
            "input_tokens": 1,
            "input_audio_tokens": 1,
            "cache_read_tokens": 1,
            "cache_audio_read_tokens": 1,
        },
        "cache_audio_read_tokens",
        "cache_audio_read_mtok",
    ),
    "output_audio_token": _Meter(
        {"output_tokens": 1, "output_audio_tokens": 1}, "output_audio_tokens", "output_audio_mtok"
    ),
    "character": _Meter({"characters": 1}, "input_kchars", "input_kchars"),
    "audio_second": _Meter(
        {"audio_input_seconds": 1}, "input_audio_kseconds", "input_audio_kseconds"
    ),
}


@dataclass(frozen=True)
class ListPrices:
    """Public list prices in USD, the vendor's plan without commitment, as of the call's time.

    What they cannot know: discounts and plans; Deepgram's surcharge for `language="multi"`;
    ElevenLabs' voice multipliers; Gemini's thinking tokens, which its plugin does not count.
    """

    def rate(self, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
        """See `PriceList.rate`. Imports voice-prices (17 ms in an agent's process)."""
        provider = library_provider(line.provider)
        if provider is None:
            raise NoRate("no_price_list")
        model = line.model.strip().lower()
        correction = CORRECTIONS.get((provider, model))
        if correction and correction.unit == unit and at >= correction.since:
            return correction.rate
        if line.kind == "stt" and line.mode in ("batch", "mixed") and provider not in ONE_PRICE:
            return _for_files(provider, model, line, unit, at)
        answer = _answer(provider, ALIASES.get((provider, model), model), line, unit, at)
        if answer.model.id.endswith("-batch"):
            raise NoRate("batch_price")
        return _price(answer)


def _for_files(provider: str, model: str, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
    """The price for files, where the framework cut the audio into turns and sent each as one."""
    if line.mode == "mixed":
        raise NoRate("mixed_modes")
    name = model.removesuffix("-batch").removesuffix("-general")
    try:
        answer = _answer(provider, f"{name}-batch", line, unit, at)
    except NoRate as error:
        # The price of the stream, which some vendors have alone, is higher or lower.
        reason = "no_batch_price" if error.reason == "unknown_model" else error.reason
        raise NoRate(reason) from None
    return _price(answer)


def _answer(
    provider: str, model: str, line: UsageLine, unit: str, at: datetime
) -> PriceCalculation:
    from voice_prices import Usage, calc_price

    meter = _METERS.get(unit)
    if meter is None:
        raise NoRate("no_rate")
    try:
        answer = calc_price(
            Usage(**meter.usage),  # type: ignore[arg-type]  # plain ints are welcome
            model,
            provider_id=provider,
            genai_request_timestamp=at,
        )
    except LookupError:
        raise NoRate("unknown_model") from None
    _check_model(answer, provider, model)
    _check_price(answer, meter, line)
    return answer


def _price(answer: PriceCalculation) -> UnitPrice:
    return UnitPrice(answer.breakdown.sum(), _source(answer))


def _check_model(answer: PriceCalculation, provider: str, model: str) -> None:
    """The entry found must be this model's, and this provider's."""
    entry = answer.model
    # The library falls back to other providers' lists (Google's for Claude: Anthropic's).
    own = any(entry is known for known in answer.provider.models)
    if not own or not _is_named(provider, entry, model):
        raise NoRate("unknown_model")
    if provider != "livekit" and model.endswith("-latest"):
        # Points at whatever is newest, the list at what was newest when it was written.
        raise NoRate("moving_alias")
    if not DOUBTED.isdisjoint({(provider, entry.id), (provider, model)}):
        raise NoRate("doubted")


def _check_price(answer: PriceCalculation, meter: _Meter, line: UsageLine) -> None:
    """The unit must have a meter of its own, and the price must hold for a session's sum."""
    entry = answer.model
    if getattr(answer.breakdown, meter.component) <= 0:
        raise NoRate("no_rate")
    if answer.breakdown.requests:
        # The number of requests is not in LiveKit's sums.
        raise NoRate("request_fee")
    if entry.provenance and meter.rate in (entry.provenance.estimated_fields or ()):
        raise NoRate("estimate")
    if isinstance(entry.prices, list) and any(
        hasattr(price.constraint, "start_time") for price in entry.prices
    ):
        raise NoRate("time_of_day")
    tiers = getattr(getattr(answer.model_price, meter.rate), "tiers", ())
    if tiers:
        # A tier is reached by one long request, never by the sum of a session's.
        largest = line.largest_request
        if largest is None:
            largest = int(line.quantities.get("input_tokens", 0))
        if largest > tiers[0].start:
            raise NoRate("tiered")


def _is_named(provider: str, entry: ModelInfo, model: str) -> bool:
    """Whether the entry names this model, but for its release."""
    stems = [name for name in (entry.id.lower(), *_literals(entry.match)) if model.startswith(name)]
    family = FAMILIES.get((provider, entry.id))
    if family and (member := family.match(model)):
        stems.append(member[0])
    return any(RELEASE.fullmatch(model, len(stem)) for stem in stems)


def _literals(clause: Any) -> list[str]:
    """The names in a match clause."""
    parts = [*getattr(clause, "or_", ()), *getattr(clause, "and_", ())]
    names = [
        getattr(clause, kind).lower()
        for kind in ("equals", "starts_with", "ends_with", "contains")
        if hasattr(clause, kind)
    ]
    return [*names, *(name for part in parts for name in _literals(part))]


@cache
def _version() -> str:
    from voice_prices import __version__

    return f"voice-prices@{__version__}"


def _source(answer: PriceCalculation) -> str:
    # Set where the user's code runs the library's updater: not the prices of that release.
    updated = answer.auto_update_timestamp
    return f"{_version()}+{updated:%Y-%m-%d}" if updated else _version()
