"""A rate card's text: TOML to rates, with the place of whatever is wrong."""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import fields
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from .errors import RatesError
from .rates import Rate, RateCard, digest

_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*rates[ \t]*\]\]", re.MULTILINE)
_TOP = ("currency", "version", "rates")
_KEYS = tuple(field.name for field in fields(Rate))
_NEEDED = ("vendor", "unit", "price")


def parse_card(text: str, name: str) -> RateCard:
    """The rate card of a TOML text.

    Args:
        text: ``currency`` and ``version``, both optional, and ``[[rates]]`` with the fields of
            `Rate`. Numbers are read as the decimals that are written, never as floats.
        name: What errors and sources call it, usually the file's name.

    Returns:
        The card. Where the text has no version, it is a digest of the text.

    Raises:
        RatesError: The text is no card; the message names the entry and the fix.
    """
    # Here, not above: it takes 3 ms, and most teams have no card.
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover  # the standard library has it from 3.11 on
        import tomli as tomllib

    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers without end
        raise RatesError(f"not TOML: {error}", source=name) from None
    _check_keys(data, _TOP, name)
    version = data.get("version", digest(text))
    if not isinstance(version, (str, int)) or not str(version):
        raise RatesError('version must be a text, such as version = "2026-11"', source=name)
    entries = data.get("rates", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise RatesError("rates must be tables: [[rates]]", source=name)
    lines = [text.count("\n", 0, match.start()) + 1 for match in _ENTRY.finditer(text)]
    if len(lines) != len(entries):
        lines = [0] * len(entries)  # written inline: no place to name
    rates = [
        _rate(entry, name, number, line or None)
        for number, (entry, line) in enumerate(zip(entries, lines, strict=True), 1)
    ]
    return RateCard(rates, currency=data.get("currency", "USD"), name=name, version=str(version))


def _rate(entry: dict[str, Any], name: str, number: int, line: int | None) -> Rate:
    try:
        _check_keys(entry, _KEYS, name)
        for key in _NEEDED:
            if key not in entry:
                raise RatesError(f"{key} is missing; a rate needs {', '.join(_NEEDED)}")
        return Rate(**{key: _moment(value) for key, value in entry.items()})
    except RatesError as error:
        raise RatesError(error.problem, source=name, entry=number, line=line) from None


def _check_keys(table: dict[str, Any], known: tuple[str, ...], name: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise RatesError(
                f"there is no {key!r}{hint} There are: {', '.join(known)}", source=name
            )


def _moment(value: Any) -> Any:
    """A TOML date is the beginning of that day in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value
