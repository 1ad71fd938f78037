"""A stored record under other prices: what the same usage costs then."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from .pricing import EXACT, Costs, price
from .rates import RateCard, utc
from .services import Connections, service_lines
from .usage import UsageLine
from .vendors import vendor

# Names under `completeness.missing` that tell of the costs.
INCOMPLETE = "cost_summary"
WITHOUT_RATES = "costs.rates"


@dataclass
class Sum:
    """What was paid to one vendor."""

    amount: Decimal = Decimal(0)
    """The priced lines together, unrounded."""
    unpriced: int = 0
    """Lines without a price: the amount is a lower bound."""

    def include(self, other: Sum) -> None:
        """Add another's lines."""
        with localcontext(EXACT):
            self.amount += other.amount
        self.unpriced += other.unpriced


@dataclass
class Bill:
    """The costs of a session by vendor, in one currency."""

    currency: str
    vendors: dict[str, Sum] = field(default_factory=dict)

    def add(self, provider: str, model: str, amount: Decimal | None) -> None:
        """One more line; None: it has no price."""
        line = Sum(unpriced=1) if amount is None else Sum(amount)
        self.vendors.setdefault(vendor(provider, model), Sum()).include(line)

    def include(self, other: Bill) -> None:
        """Add another bill in this currency."""
        for name, paid in other.vendors.items():
            self.vendors.setdefault(name, Sum()).include(paid)

    def total(self) -> Sum:
        """All vendors together."""
        total = Sum()
        for paid in self.vendors.values():
            total.include(paid)
        return total


@dataclass(frozen=True)
class Repricing:
    """A record before and after."""

    before: Bill
    after: Bill
    record: dict[str, Any] | None
    """The record with the new costs, one revision up; None where nothing changes."""


def repriced(record: Mapping[str, Any], card: RateCard) -> Repricing:
    """Price a stored record's usage again, at the prices of the call's own time.

    Args:
        record: As parsed from its JSON.
        card: The rates to go first.

    Returns:
        The costs before and after, and the new record.

    Raises:
        ValueError: The record is none that can be priced: it has no usage or no time.
    """
    try:
        costs = _costs(record, card)
        before = _bill(record)
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"no record of usage: {type(error).__name__} {error}") from None
    after = Bill(card.currency)
    for line in costs.lines:
        after.add(line.provider, line.model, line.amount)
    changed = {
        "cost_summary": costs.figures(),
        "costs": costs.rows(),
        "unpriced": [dict(item) for item in costs.unpriced],
    }
    if all(record.get(key) == value for key, value in changed.items()):
        return Repricing(before, after, None)
    return Repricing(before, after, _next(record, changed, bool(costs.summary["complete"])))


def usage_line(line: Mapping[str, Any]) -> UsageLine:
    """A line of the record's ``usage``."""
    return UsageLine(
        kind=line["kind"],
        provider=line["provider"],
        model=line["model"],
        quantities=line["quantities"],
        largest_request=line.get("largest_request"),
        mode=line.get("mode"),
    )


def _costs(record: Mapping[str, Any], card: RateCard) -> Costs:
    start = _moment(record["start_time"])
    lines = [usage_line(line) for line in record["usage"]]
    if not record.get("simulated"):
        phones = [
            (_known(p.get("joined_at")), _known(p.get("left_at")))
            for p in record.get("participants") or []
            if p.get("kind") == "sip"
        ]
        end = max(_moment(record["end_time"]), _known(record.get("closed_at")) or start)
        lines += service_lines(card, Connections.between(start, end, phones), start)
    return price(lines, start, [card], currency=card.currency)


def _bill(record: Mapping[str, Any]) -> Bill:
    bill = Bill(str((record.get("cost_summary") or {}).get("currency", "USD")))
    for row in record.get("costs") or []:
        amount = row["amount"]
        bill.add(row["provider"], row["model"], None if amount is None else Decimal(amount))
    return bill


def _next(record: Mapping[str, Any], changed: dict[str, Any], complete: bool) -> dict[str, Any]:
    result = copy.deepcopy(dict(record))
    result.update(changed)
    revision = record.get("revision")
    result["revision"] = (revision if isinstance(revision, int) else 1) + 1
    completeness = result.get("completeness")
    if isinstance(completeness, dict) and isinstance(completeness.get("missing"), list):
        missing = [m for m in completeness["missing"] if m not in (INCOMPLETE, WITHOUT_RATES)]
        completeness["missing"] = missing if complete else [*missing, INCOMPLETE]
    return result


def _known(text: str | None) -> datetime | None:
    return _moment(text) if text else None


def _moment(text: str) -> datetime:
    # Python 3.10 does not read the Z.
    return utc(datetime.fromisoformat(text.replace("Z", "+00:00")))
