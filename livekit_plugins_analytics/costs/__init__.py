"""Usage lines to money: list prices, exact in Decimal, and null where no price can be trusted."""

from __future__ import annotations

from .catalogue import ListPrices
from .pricing import CostLine, Costs, Unpriced, price
from .rates import NoRate, Rate, Rates
from .usage import UsageLine
from .vendors import vendor

__all__ = [
    "CostLine",
    "Costs",
    "ListPrices",
    "NoRate",
    "Rate",
    "Rates",
    "Unpriced",
    "UsageLine",
    "price",
    "vendor",
]
