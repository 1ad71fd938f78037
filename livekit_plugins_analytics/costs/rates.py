"""A user's own rates: what was agreed with the vendors goes before any public list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

from .errors import RatesError
from .price_list import NoRate, UnitPrice
from .units import SERVICES, meant
from .usage import MODES, UsageLine
from .vendors import names

# Beyond these a number is a slip: a million dollars a token, or a price that rounds to nothing.
_HIGHEST = Decimal(10**9)
_FINEST = 18

KINDS = ("llm", "stt", "tts", "interruption", "eot", *SERVICES.values())


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One entry of a rate card: what a vendor charges for a unit.

    Example:
        ```python
        Rate(vendor="openai", model="gpt-4.1*", unit="input_token", price="1.80", per=1_000_000)
        Rate(vendor="deepgram", unit="audio_minute", price="0.0043")
        ```

    Raises:
        RatesError: A value is wrong; the message says which and the fix.
    """

    vendor: str
    """Who bills: "openai", "deepgram", "livekit" for LiveKit Inference; or the provider as the
    plugin reports it, such as a host. Case does not matter."""
    unit: str
    """A unit of the cost lines, "token" for every token, or "audio_minute" or "audio_hour"."""
    price: Decimal | int | str
    """What `per` units cost. Never a float, which is no exact number: write "0.15"."""
    per: int = 1
    """How many units the price is for."""
    model: str = "*"
    """A glob over the model's name; case does not matter."""
    kind: str | None = None
    """llm, stt, tts, ... where the unit alone does not tell; None: any."""
    mode: str | None = None
    """STT only: "streaming" or "batch" where they cost differently; None: either."""
    currency: str | None = None
    """ISO 4217; None: the card's."""
    valid_from: datetime | None = None
    """The first moment it holds; None: always did. Without a time zone: UTC."""
    valid_until: datetime | None = None
    """The first moment it does not hold any more; None: still does."""
    note: str | None = None
    """Shown with the source: the contract's number."""

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            raise RatesError(str(error), source="Rate") from None
        object.__setattr__(self, "price", Decimal(self.price))

    def _check(self) -> None:
        for name in ("vendor", "unit", "model"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f'{name} must be a text, such as {name} = "{_EXAMPLES[name]}"')
        meant(self.unit)
        _check_price(self.price)
        if isinstance(self.per, bool) or not isinstance(self.per, int) or self.per < 1:
            raise ValueError("per must be a whole number above 0, such as per = 1_000_000")
        _check_choice("kind", self.kind, KINDS)
        _check_choice("mode", self.mode, MODES[:2])
        if self.currency is not None:
            check_currency(self.currency)
        for name in ("valid_from", "valid_until"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, _checked_moment(name, moment))
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("valid_from must be before valid_until")
        if not isinstance(self.note, (str, type(None))):
            raise ValueError("note must be a text")

    def covers(self, line: UsageLine, unit: str, at: datetime) -> bool:
        """Whether it is the price of this unit of this model at that moment."""
        return (
            unit in meant(self.unit).units
            and self.holds(at)
            and self.kind in (None, line.kind)
            and self.mode in (None, line.mode)
            and self.vendor.strip().lower() in names(line.provider)
            and fnmatchcase(line.model.strip().lower(), self.model.strip().lower())
        )

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at that moment (with a time zone)."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )

    def shadows(self, later: Rate) -> bool:
        """Whether the later entry surely never applies because this one comes first."""
        mine, other = self.model.strip().lower(), later.model.strip().lower()
        return (
            self.vendor.strip().lower() == later.vendor.strip().lower()
            and meant(self.unit).units >= meant(later.unit).units
            and self.kind in (None, later.kind)
            and self.mode in (None, later.mode)
            # Sound for asterisks only: these alone match another glob's signs as if they were text.
            and (mine == other or (not set("?[") & set(mine) and fnmatchcase(other, mine)))
            and (self.valid_from or _EARLIEST) <= (later.valid_from or _EARLIEST)
            and (self.valid_until or _LATEST) >= (later.valid_until or _LATEST)
        )


class RateCard:
    """Rates in order: the first that covers a unit of a model is its price.

    Args:
        rates: The entries, the more special ones first.
        currency: The records' currency. Nothing is ever converted: what has a price in another
            currency only, as the public lists have in USD, is left unpriced.
        name: What the source of a cost line calls it.
        version: Which state of the card it is; empty: the source does not say.

    Raises:
        RatesError: The currency is none.
    """

    def __init__(
        self,
        rates: Iterable[Rate] = (),
        *,
        currency: str = "USD",
        name: str = "rates",
        version: str = "",
    ) -> None:
        try:
            check_currency(currency)
        except ValueError as error:
            raise RatesError(str(error), source=name) from None
        self.currency = currency
        self.name = name
        self.version = version
        self._rates = tuple(rates)

    def __iter__(self) -> Iterator[Rate]:
        return iter(self._rates)

    def __len__(self) -> int:
        return len(self._rates)

    def __bool__(self) -> bool:
        """An empty card is a card: it may have a currency of its own."""
        return True

    def __repr__(self) -> str:
        return f"RateCard({self.name!r}, {len(self)} rates, {self.currency})"

    def rate(self, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
        """See `PriceList.rate`."""
        for number, rate in enumerate(self._rates, 1):
            if rate.covers(line, unit, at):
                return UnitPrice(
                    Decimal(rate.price),
                    self._source(number, rate),
                    rate.per * meant(rate.unit).per,
                    rate.currency or self.currency,
                )
        raise NoRate("no_rate")

    def services(self, at: datetime) -> dict[tuple[str, str], None]:
        """The services (vendor, unit) that have a rate at that moment, in the card's order."""
        found: dict[tuple[str, str], None] = {}
        for rate in self._rates:
            vendor, kind = rate.vendor.strip().lower(), SERVICES.get(rate.unit)
            if kind and rate.covers(UsageLine(kind, vendor, ""), rate.unit, at):
                found[vendor, rate.unit] = None
        return found

    def _source(self, number: int, rate: Rate) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.name}{version}#{number}" + (f" {rate.note}" if rate.note else "")


_EXAMPLES = {"vendor": "openai", "unit": "input_token", "model": "gpt-4.1*"}
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)


def utc(moment: datetime) -> datetime:
    """The moment in UTC, which one without a time zone is taken to be in."""
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def _checked_moment(name: str, value: object) -> datetime:
    try:
        if isinstance(value, datetime):
            return utc(value)
    except OverflowError:
        pass  # the first or the last day there is, in another time zone
    raise ValueError(f"{name} must be a date, such as {name} = 2026-11-01")


def digest(text: str) -> str:
    """A short name for a state of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def check_currency(value: object) -> None:
    """Raise ValueError where it is no currency's code."""
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper()):
        raise ValueError('currency must be a code of three letters, such as currency = "EUR"')


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ValueError(f"{name} must be one of: {', '.join(choices)}; or left out for any")


def _check_price(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise ValueError('price must be an exact number, such as price = "0.15", not a float')
    try:
        price = Decimal(value)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite():
        raise ValueError("price must be a number, such as price = 0.15")
    exponent = price.as_tuple().exponent
    if not 0 <= price <= _HIGHEST or not isinstance(exponent, int) or exponent < -_FINEST:
        raise ValueError(
            f"price must be from 0 to {_HIGHEST:,} with at most {_FINEST} decimals; "
            "a price for a million tokens is price = 0.15, per = 1_000_000"
        )
