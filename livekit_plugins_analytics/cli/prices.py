"""``livekit-analytics prices``: show prices, check a rate card, price stored records again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..costs import (
    SERVICES,
    UNITS,
    ListPrices,
    NoRate,
    RateCard,
    UnitPrice,
    UsageLine,
    sellers,
)
from .card import card_or_exit, check
from .options import AsJson, EnvFile, begin
from .reprice import reprice

if TYPE_CHECKING:
    from rich.console import Console

prices_app = typer.Typer(
    name="prices", help="What models cost: list prices and your own rates.", no_args_is_help=True
)

Rates = Annotated[
    Path | None, typer.Option("--rates", help="A rate card instead of ANALYTICS_RATES.")
]

# Reasons that say that the model is known, and has no price that can be trusted.
_TELLING = {
    "batch_price",
    "doubted",
    "estimate",
    "moving_alias",
    "request_fee",
    "time_of_day",
}


_COLUMNS = ("Vendor", "Model", "Unit", "Price", "Source")


class Found(NamedTuple):
    """A price of a model."""

    vendor: str
    model: str
    unit: str
    mode: str | None
    price: UnitPrice


@prices_app.command()
def show(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="gpt-4o-mini, deepgram/nova-3, ...")
    ],
    rates: Rates = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Prices of this day, UTC."),
    ] = None,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what models cost, with the source of each price.

    A model of LiveKit Inference is named vendor/model. Exits with 1 where one has no price.
    """
    begin(env_file, verbose=False)
    card = card_or_exit(rates)
    moment = (at or datetime.now(timezone.utc)).replace(tzinfo=timezone.utc)
    answers = {model: _found(model, card, moment) for model in models}
    if as_json:
        typer.echo(json.dumps({"at": moment.isoformat(), "models": _as_objects(answers)}))
    else:
        _show(answers)
    if not all(found for found, _ in answers.values()):
        raise typer.Exit(1)


prices_app.command()(check)
prices_app.command()(reprice)


def _found(name: str, card: RateCard, at: datetime) -> tuple[list[Found], list[str]]:
    """All prices of a model, and why there is none where it is known."""
    asked = [(seller, name) for seller in sellers()]
    asked += [(rate.vendor.strip().lower(), name) for rate in card]
    vendor, slash, own = name.partition("/")
    if slash:
        asked.append((vendor, own))
    # A rate for every model of a vendor does not tell that the vendor has this one.
    telling = RateCard([rate for rate in card if rate.model != "*"])
    found: dict[Found, None] = {}
    reasons: dict[str, None] = {}
    for seller, model in dict.fromkeys(asked):
        known, why = _prices(seller, model, telling, at)
        reasons |= dict.fromkeys(why)
        if known or (seller, model) == (vendor, own):
            found |= dict.fromkeys(_prices(seller, model, card, at)[0])
    return list(found), list(reasons)


def _prices(seller: str, model: str, card: RateCard, at: datetime) -> tuple[list[Found], list[str]]:
    found, reasons = [], []
    for line, unit in _lines(seller, model):
        try:
            found.append(Found(seller, model, unit, line.mode, _price(line, unit, card, at)))
        except NoRate as error:
            if error.reason in _TELLING:
                reasons.append(f"{seller}: {error.reason}")
    return found, reasons


def _lines(seller: str, model: str) -> Iterator[tuple[UsageLine, str]]:
    for unit in UNITS:
        if unit in SERVICES:
            continue
        for kind in ("llm", "stt", "tts"):
            yield UsageLine(kind, seller, model), unit
        if unit == "audio_second":
            yield UsageLine("stt", seller, model, mode="batch"), unit


def _price(line: UsageLine, unit: str, card: RateCard, at: datetime) -> UnitPrice:
    try:
        return card.rate(line, unit, at)
    except NoRate:
        return ListPrices().rate(line, unit, at)


def _as_objects(answers: dict[str, tuple[list[Found], list[str]]]) -> list[dict[str, Any]]:
    return [
        {
            "model": name,
            "prices": [
                {
                    "vendor": one.vendor,
                    "model": one.model,
                    "unit": one.unit,
                    "mode": one.mode,
                    "unit_price": f"{one.price.each:f}",
                    "currency": one.price.currency,
                    "source": one.price.source,
                }
                for one in found
            ],
            "reasons": reasons,
        }
        for name, (found, reasons) in answers.items()
    ]


def _show(answers: dict[str, tuple[list[Found], list[str]]]) -> None:
    from rich.table import Column, Table

    console = _console()
    for name, (found, reasons) in answers.items():
        if not found:
            why = f" ({'; '.join(reasons)})" if reasons else ": no list has this model"
            console.print(f"{name}: no price{why}", style="yellow")
            continue
        # A price or a unit in two lines is hard to read, a name or a source is not.
        whole = ("Unit", "Price")
        table = Table(*(Column(n, overflow="fold", no_wrap=n in whole) for n in _COLUMNS))
        for one in found:
            unit = one.unit.replace("_", " ") + (f", {one.mode}" if one.mode else "")
            price = _readable(one.price, one.unit)
            table.add_row(one.vendor, one.model, unit, price, one.price.source)
        console.print(table)


def _readable(price: UnitPrice, unit: str) -> str:
    """The price as the vendors' pages have it: by the million, or by the minute."""
    many, of = 1, unit
    if unit.endswith(("token", "character")):
        many, of = 1_000_000, "million"
    elif unit.endswith("second"):
        many, of = 60, "minute"
    return f"{price.of(Decimal(many)).normalize():f} {price.currency} per {of}"


def _console() -> Console:
    from rich.console import Console

    # Made for each command: the stream may be a test's, a pipe or a terminal.
    return Console(highlight=False, markup=False, soft_wrap=True)
