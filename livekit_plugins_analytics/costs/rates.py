"""What a price list is: it has a rate for a unit of a model at a moment, or says why not."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from .usage import UsageLine


class Rate(NamedTuple):
    """What one unit costs."""

    unit_price: Decimal
    """USD per one unit: one token, one character, one second."""
    source: str
    """Where the price is from: "voice-prices@0.11.0"."""


class NoRate(LookupError):
    """There is no price to be trusted; ``reason`` is a code that never changes meaning."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Rates(Protocol):
    """A price list."""

    def rate(self, line: UsageLine, unit: str, at: datetime) -> Rate:
        """What one ``unit`` of this model cost at that moment.

        Raises:
            NoRate: The list does not have it.
        """
        ...
