"""``livekit-analytics prices check``: a rate card, and what is wrong with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..costs import SERVICES, RateCard, RatesError, known_names
from ..rates import load_rates, read_card
from .options import AsJson, give_up, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console


def check(
    path: Annotated[Path, typer.Argument(metavar="RATES", help="A rate card in TOML.")],
    as_json: AsJson = False,
) -> None:
    """Check a rate card; names file, line, entry and fix of what is wrong.

    Exits with 0 where it can be used, warnings or not, and 1 where it cannot.
    """
    try:
        card = read_card(path)
    except RatesError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "error": str(error)}))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    warnings = list(_warnings(card))
    if as_json:
        body = {"ok": True, "rates": len(card), "currency": card.currency, "warnings": warnings}
        typer.echo(json.dumps({**body, "version": card.version}))
        return
    _show_card(card, warnings)


def card_or_exit(path: Path | None) -> RateCard:
    """The card of this file, else of the settings; where it is wrong, the command ends."""
    try:
        return read_card(path) if path else load_rates(settings_or_exit())
    except RatesError as error:
        give_up(str(error))


def _warnings(card: RateCard) -> Iterator[str]:
    rates = list(card)
    now = datetime.now(timezone.utc)
    for number, rate in enumerate(rates, 1):
        for earlier, first in enumerate(rates[: number - 1], 1):
            if first.shadows(rate):
                yield f"rate {number} never applies: rate {earlier} comes first and covers it"
                break
        if rate.currency not in (None, card.currency):
            yield (
                f"rate {number} is in {rate.currency}, the card in {card.currency}: what it covers "
                "stays unpriced, for nothing is converted"
            )
        if rate.valid_until and rate.valid_until <= now:
            yield f"rate {number} ended on {rate.valid_until:%Y-%m-%d}"
        name = rate.vendor.strip().lower()
        if rate.unit not in SERVICES and name not in known_names() and not set(".:") & set(name):
            near = difflib.get_close_matches(name, known_names(), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"rate {number}: no vendor is known here as {rate.vendor!r}{hint}"


def _show_card(card: RateCard, warnings: list[str]) -> None:
    from rich.table import Table

    console = _console()
    console.print(
        f"{card.name} can be used: {len(card)} rates, {card.currency}, version {card.version}",
        style="green",
    )
    table = Table("", "Vendor", "Model", "Unit", "Price", "Valid")
    for number, rate in enumerate(card, 1):
        per = f" per {rate.per:,}" if rate.per > 1 else ""
        days = [f"{m:%Y-%m-%d}" if m else "" for m in (rate.valid_from, rate.valid_until)]
        kinds = [k for k in (rate.kind, rate.mode) if k]
        table.add_row(
            str(number),
            rate.vendor,
            rate.model,
            rate.unit + (f" ({', '.join(kinds)})" if kinds else ""),
            f"{rate.price:f} {rate.currency or card.currency}{per}",
            f"{days[0]}..{days[1]}" if any(days) else "always",
        )
    console.print(table)
    for warning in warnings:
        console.print(f"Warning: {warning}.", style="yellow")


def _console() -> Console:
    from rich.console import Console

    # Made for each command: the stream may be a test's, a pipe or a terminal.
    return Console(highlight=False, markup=False, soft_wrap=True)
