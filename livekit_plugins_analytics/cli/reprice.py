"""``livekit-analytics prices reprice``: what stored calls cost under other rates."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..costs import Bill, RateCard, Sum, repriced
from ..stored import Changed, Stored, packed, parsed, stored
from .card import card_or_exit
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = Decimal("0.000001")


@dataclass
class Totals:
    """The bills of all records, before and after."""

    before: dict[str, Bill] = field(default_factory=dict)
    """By currency."""
    after: dict[str, Bill] = field(default_factory=dict)

    def add(self, before: Bill, after: Bill) -> None:
        """One more record."""
        for bills, bill in ((self.before, before), (self.after, after)):
            bills.setdefault(bill.currency, Bill(bill.currency)).include(bill)

    def rows(self) -> list[tuple[str, str, Sum, Sum]]:
        """Currency, vendor or "total", before, after."""
        rows = []
        for currency in sorted({*self.before, *self.after}):
            before = self.before.get(currency, Bill(currency))
            after = self.after.get(currency, Bill(currency))
            for vendor in sorted({*before.vendors, *after.vendors}):
                old, new = before.vendors.get(vendor), after.vendors.get(vendor)
                rows.append((currency, vendor, old or Sum(), new or Sum()))
            rows.append((currency, "total", before.total(), after.total()))
        return rows


def reprice(
    path: Annotated[
        str, typer.Argument(help="A directory of records, a file, or s3://bucket/prefix.")
    ],
    rates: Annotated[
        Path | None, typer.Option("--rates", help="The new rate card; default: ANALYTICS_RATES.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Store each changed record as its next revision.")
    ] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Price stored records again, at their calls' own time, and show the difference.

    Without --write nothing is changed. Exits with 1 where a record could not be priced or written,
    2 where the rates or the path are wrong.
    """
    begin(env_file, verbose=False)
    card = card_or_exit(rates)
    try:
        store = stored(path)
        names = list(store.names())
    except Exception as error:  # whatever the store's SDK has to say
        give_up(f"{path}: {type(error).__name__}: {error}")
    if not names:
        give_up(f"{path}: no records here (*.json.gz)")
    totals, counts = _run(store, names, card, write)
    if as_json:
        typer.echo(json.dumps(_as_object(totals, counts, len(names))))
    else:
        _show(totals, counts, len(names), write)
    if counts["failed"]:
        raise typer.Exit(1)


def _run(
    store: Stored, names: list[str], card: RateCard, write: bool
) -> tuple[Totals, Counter[str]]:
    from rich.progress import track

    totals, counts = Totals(), Counter[str]()
    errors = _console(stderr=True)
    for name in track(names, description="Pricing", console=errors, transient=True):
        try:
            result = repriced(parsed(store.read(name)), card)
            if result.record is not None and write:
                _store(store, name, result.record)
        except Exception as error:  # one bad object must not stop the others
            counts["failed"] += 1
            errors.print(f"{name}: {type(error).__name__}: {error}", style="red")
            continue
        totals.add(result.before, result.after)
        counts["unchanged" if result.record is None else "changed"] += 1
    return totals, counts


def _store(store: Stored, name: str, record: dict[str, Any]) -> None:
    """Put the next revision in the record's place, unless an agent has put its own there."""
    try:
        store.replace(name, packed(record, compress=name.endswith(".gz")))
    except Changed:
        raise RuntimeError("a newer revision came meanwhile; run the command again") from None


def _as_object(totals: Totals, counts: Counter[str], records: int) -> dict[str, Any]:
    def entry(before: Sum, after: Sum) -> dict[str, Any]:
        return {
            "before": _exact(before.amount),
            "after": _exact(after.amount),
            "difference": _exact(after.amount - before.amount),
            "unpriced_before": before.unpriced,
            "unpriced_after": after.unpriced,
        }

    currencies: dict[str, Any] = {}
    for currency, vendor, before, after in totals.rows():
        found = currencies.setdefault(currency, {"vendors": {}})
        if vendor == "total":
            found["total"] = entry(before, after)
        else:
            found["vendors"][vendor] = entry(before, after)
    return {
        "records": records,
        "changed": counts["changed"],
        "unchanged": counts["unchanged"],
        "failed": counts["failed"],
        "currencies": currencies,
    }


def _show(totals: Totals, counts: Counter[str], records: int, written: bool) -> None:
    from rich.table import Table

    console = _console()
    table = Table("Vendor", *("Before", "After", "Difference", "Unpriced lines"))
    for column in table.columns[1:]:
        column.justify = "right"
    for currency, vendor, before, after in totals.rows():
        difference = after.amount - before.amount
        share = f" ({difference / before.amount:+.1%})" if before.amount else ""
        table.add_row(
            vendor,
            f"{before.amount.quantize(_SHOWN):f}",
            f"{after.amount.quantize(_SHOWN):f} {currency}",
            f"{difference.quantize(_SHOWN):+f}{share}",
            f"{before.unpriced} -> {after.unpriced}",
            style="bold" if vendor == "total" else None,
        )
    console.print(table)
    if len({*totals.before, *totals.after}) > 1:
        console.print(
            "The currency differs: nothing is converted, so that the differences say little.",
            style="yellow",
        )
    console.print(
        f"{records} record{'s' * (records != 1)}: {counts['changed']} "
        f"{'changed' if written else 'would change'}, {counts['unchanged']} unchanged, "
        f"{counts['failed']} failed."
    )
    if not written:
        console.print("Nothing was written; --write stores each as its next revision.")


def _exact(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
