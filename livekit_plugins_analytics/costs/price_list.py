"""What a price list is: it has a price for a unit of a model at a moment, or says why not."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from .usage import UsageLine

# A price per minute is none per second that ends: shown, and billed, to this many decimals.
_FINEST = Decimal("1e-18")


class UnitPrice(NamedTuple):
    """What a number of units costs."""

    price: Decimal
    source: str
    """Where it is from: "voice-prices@0.11.0"."""
    per: int = 1
    """Units that the price is for: one token, a million of them, sixty seconds."""
    currency: str = "USD"
    """ISO 4217."""

    @property
    def each(self) -> Decimal:
        """The price of one unit."""
        return self.of(Decimal(1))

    def of(self, quantity: Decimal) -> Decimal:
        """The price of so many units: exact, or where that does not end, to 18 decimals.

        The multiplication comes first, so that 450 seconds at 0.0043 a minute are 0.03225.
        """
        amount = self.price * quantity
        if self.per == 1:
            return amount
        amount /= self.per
        return amount if len(_decimals(amount)) <= 18 else amount.quantize(_FINEST)


class NoRate(LookupError):
    """There is no price to be trusted; ``reason`` is a code that never changes meaning."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class PriceList(Protocol):
    """A price list."""

    def rate(self, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
        """What this ``unit`` of this model cost at that moment.

        Raises:
            NoRate: The list does not have it.
        """
        ...


def _decimals(number: Decimal) -> str:
    return f"{number:f}".partition(".")[2]
