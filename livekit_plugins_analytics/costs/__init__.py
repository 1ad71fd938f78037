"""Usage lines to money: own rates, then list prices; exact in Decimal, null where unknown."""

from __future__ import annotations

from .card_file import parse_card
from .catalogue import ListPrices
from .errors import RatesError
from .price_list import NoRate, PriceList, UnitPrice
from .pricing import CostLine, Costs, Unpriced, price
from .rates import Rate, RateCard
from .repricing import Bill, Repricing, Sum, repriced
from .services import Connections, service_lines
from .units import NAMES, SERVICES, UNITS
from .usage import UsageLine
from .vendors import known_names, sellers, vendor

__all__ = [
    "NAMES",
    "SERVICES",
    "UNITS",
    "Bill",
    "Connections",
    "CostLine",
    "Costs",
    "ListPrices",
    "NoRate",
    "PriceList",
    "Rate",
    "RateCard",
    "RatesError",
    "Repricing",
    "Sum",
    "UnitPrice",
    "Unpriced",
    "UsageLine",
    "known_names",
    "parse_card",
    "price",
    "repriced",
    "sellers",
    "service_lines",
    "vendor",
]
