"""Usage lines to cost lines and the record's cost summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Context, Decimal, localcontext
from typing import Any, TypedDict

from .catalogue import ListPrices
from .price_list import NoRate, PriceList, UnitPrice
from .units import SERVICES
from .usage import Billed, UsageLine, ways_to_bill
from .vendors import vendor

# The summary shows a millionth of a dollar: a short call costs less than a cent.
_SHOWN = Decimal("0.000001")

# Exact for every quantity that is let through times every price that is; and ours, because a
# program may have set a context of its own.
EXACT = Context(prec=80)


@dataclass(frozen=True)
class CostLine:
    """One billed unit of one usage line."""

    kind: str
    provider: str
    model: str
    unit: str
    quantity: int | float
    """Tokens, characters, requests, seconds or minutes."""
    unit_price: Decimal | None
    """Price of one unit in the costs' currency. None: no price that can be trusted."""
    amount: Decimal | None
    """In the costs' currency, unrounded (18 decimals, where a price per minute or per thousand
    does not end)."""
    source: str | None
    """Where the price is from: "voice-prices@0.11.0", "rates.toml@2026-11#3"."""


class Unpriced(TypedDict):
    """A cost line without a price, and why."""

    kind: str
    provider: str
    model: str
    unit: str
    quantity: int | float
    reason: str


@dataclass(frozen=True)
class Costs:
    """What a session cost, as far as the price lists tell."""

    lines: list[CostLine]
    unpriced: list[Unpriced]
    """The lines without a price, with the reason."""
    summary: dict[str, object]
    """The record's `cost_summary`. Per vendor used ``{vendor}_tokens`` (input and output),
    ``{vendor}_minutes`` (of audio transcribed), ``{vendor}_characters`` or, for what is no model,
    ``{vendor}_session_minutes``, ``_telephony_minutes``, ``_recording_minutes``; and
    ``{vendor}_cost`` (Decimal; None unless all of the vendor's lines have a price);
    ``total_estimated_cost`` (the sum of the priced lines: a lower bound unless ``complete``;
    None where no line has a price); ``currency``; ``complete``."""

    def rows(self) -> list[dict[str, Any]]:
        """The lines as the record has them: money as decimal text."""
        return [
            {
                "kind": line.kind,
                "provider": line.provider,
                "model": line.model,
                "unit": line.unit,
                "quantity": line.quantity,
                "unit_price": None if line.unit_price is None else f"{line.unit_price:f}",
                "amount": None if line.amount is None else f"{line.amount:f}",
                "source": line.source,
            }
            for line in self.lines
        ]

    def figures(self) -> dict[str, Any]:
        """The summary as the record has it: money as JSON numbers, for warehouses."""
        return {k: float(v) if isinstance(v, Decimal) else v for k, v in self.summary.items()}


def price(
    lines: Iterable[UsageLine],
    at: datetime,
    rates: Sequence[PriceList] = (),
    *,
    currency: str = "USD",
) -> Costs:
    """Price a session's usage.

    The first use imports voice-prices: call it from a thread, after the call.

    Args:
        lines: The session's usage.
        at: When it was used; prices have dates. Without a time zone: UTC.
        rates: Price lists to ask first, in this order; the public list prices come last.
        currency: The currency of the sums. Nothing is converted: a price in another one is none.

    Returns:
        A line per billed unit. Never raises for what it cannot price.
    """
    at = at.replace(tzinfo=timezone.utc) if at.utcoffset() is None else at.astimezone(timezone.utc)
    asked = (*rates, ListPrices())
    costs: list[tuple[str, CostLine]] = []
    unpriced: list[Unpriced] = []
    with localcontext(EXACT):
        for line in lines:
            name = vendor(line.provider, line.model)
            for cost, reason in _bill(line, at, asked, currency):
                costs.append((name, cost))
                if reason:
                    unpriced.append(
                        Unpriced(
                            kind=cost.kind,
                            provider=cost.provider,
                            model=cost.model,
                            unit=cost.unit,
                            quantity=cost.quantity,
                            reason=reason,
                        )
                    )
        summary = _summary(costs, currency)
    return Costs([cost for _, cost in costs], unpriced, summary)


def _bill(
    line: UsageLine, at: datetime, asked: Sequence[PriceList], currency: str
) -> list[tuple[CostLine, str | None]]:
    """The line billed in the first way for which there is a price, else in the last way."""
    way = _way(line, at, asked)
    return [_cost(line, billed, at, asked, currency) for billed in way]


def _way(line: UsageLine, at: datetime, asked: Sequence[PriceList]) -> list[Billed]:
    """How to bill: the list that is asked first decides between the ways that it has a price for.

    Whoever gives a rate per character for a model that is listed by the token means it.
    """
    ways = ways_to_bill(line)
    for rates in asked:
        for way in ways:
            if any(b.reason is None and _ask(line, b.unit, at, [rates])[0] for b in way):
                return way
    return ways[-1] if ways else []


def _cost(
    line: UsageLine, billed: Billed, at: datetime, asked: Sequence[PriceList], currency: str
) -> tuple[CostLine, str | None]:
    rate, reason = None, billed.reason
    if reason is None:
        rate, reason = _ask(line, billed.unit, at, asked)
    if rate and rate.currency != currency:
        rate, reason = None, "other_currency"
    whole = billed.quantity == billed.quantity.to_integral_value()
    cost = CostLine(
        kind=line.kind,
        provider=line.provider,
        model=line.model,
        unit=billed.unit,
        quantity=int(billed.quantity) if whole else float(billed.quantity),
        unit_price=rate.each if rate else None,
        amount=rate.of(billed.quantity) if rate else None,
        source=rate.source if rate else None,
    )
    return cost, reason


def _ask(
    line: UsageLine, unit: str, at: datetime, asked: Sequence[PriceList]
) -> tuple[UnitPrice | None, str | None]:
    reason = "no_rate"
    for rates in asked:
        try:
            return rates.rate(line, unit, at), None
        except NoRate as error:
            reason = error.reason
        except Exception:  # A price is never worth the record.
            reason = "lookup_failed"
    return None, reason


def _summary(costs: Sequence[tuple[str, CostLine]], currency: str) -> dict[str, object]:
    summary: dict[str, object] = {}
    for name in dict.fromkeys(name for name, _ in costs):
        own = [cost for vendor_name, cost in costs if vendor_name == name]
        tokens = [cost.quantity for cost in own if cost.unit.endswith("_token")]
        seconds = [cost.quantity for cost in own if cost.unit == "audio_second"]
        characters = [cost.quantity for cost in own if cost.unit == "character"]
        if tokens:
            summary[f"{name}_tokens"] = sum(tokens)
        if seconds:
            summary[f"{name}_minutes"] = round(sum(seconds) / 60, 3)
        if characters:
            summary[f"{name}_characters"] = sum(characters)
        for cost in own:
            if cost.unit in SERVICES:
                summary[f"{name}_{cost.unit}s"] = cost.quantity
        # A vendor's cost that leaves something out would look like the whole bill.
        summary[f"{name}_cost"] = _sum([cost.amount for cost in own], partly=False)
    amounts = [cost.amount for _, cost in costs]
    summary["total_estimated_cost"] = _sum(amounts, partly=True)
    summary["currency"] = currency
    summary["complete"] = None not in amounts
    return summary


def _sum(amounts: Sequence[Decimal | None], *, partly: bool) -> Decimal | None:
    """The sum, rounded as shown; None where nothing, or without `partly` not all, is known."""
    known = [amount for amount in amounts if amount is not None]
    if amounts and (not known or (len(known) < len(amounts) and not partly)):
        return None
    return sum(known, Decimal(0)).quantize(_SHOWN)
