"""The card of the user's own rates."""

from __future__ import annotations

from ...costs import RatesError
from ...rates import load_rates
from ...settings import Settings
from .check import Check


def check_rates(settings: Settings) -> Check:
    """Whether the card can be used."""
    if settings.rates is None:
        return Check("skipped", "ANALYTICS_RATES is not set: list prices only")
    try:
        card = load_rates(settings)
    except RatesError as error:
        return Check(
            "failed", str(error), "Mend the card (livekit-analytics prices check), or unset it"
        )
    facts = {"rates": len(card), "currency": card.currency}
    return Check("ok", f"{len(card)} rates in {card.currency}", "", facts)
