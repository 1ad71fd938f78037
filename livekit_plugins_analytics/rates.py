"""The rate card that the settings name: read once per state of its file."""

from __future__ import annotations

from pathlib import Path

from .costs import RateCard, RatesError, parse_card
from .log import logger
from .settings import Settings

_read: dict[Path, tuple[tuple[int, int], RateCard]] = {}
_complained: set[str] = set()


def load_rates(settings: Settings) -> RateCard:
    """The settings' rate card; an empty one where they have none.

    Reads the file when it has changed since the last time. Not for an event loop during a call.

    Raises:
        RatesError: The card cannot be used; the message names the file, the entry and the fix.
    """
    rates = settings.rates
    if rates is None:
        return RateCard()
    return rates if isinstance(rates, RateCard) else read_card(rates)


def load_rates_leniently(settings: Settings) -> RateCard | None:
    """The same for a call, which a wrong card must not fail.

    Returns:
        None where the card cannot be used; that is logged, once for each thing that is wrong.
    """
    try:
        return load_rates(settings)
    except RatesError as error:
        if str(error) not in _complained:
            _complained.add(str(error))
            logger.error(
                "ANALYTICS_RATES is ignored, list prices are used, and calls go on. %s", error
            )
        return None


def read_card(path: Path) -> RateCard:
    """The rate card of a file.

    Raises:
        RatesError: It cannot be read, or is no card.
    """
    try:
        stat = path.stat()
        state = (stat.st_mtime_ns, stat.st_size)
        known = _read.get(path)
        if known and known[0] == state:
            return known[1]
        text = path.read_text("utf-8-sig")  # editors on Windows put a mark first
    except OSError as error:
        raise RatesError(
            f"cannot be read: {error.strerror or error}. Set ANALYTICS_RATES to the path of a "
            "rate card",
            source=str(path),
        ) from None
    except UnicodeDecodeError:
        raise RatesError("not a text in UTF-8", source=str(path)) from None
    card = parse_card(text, path.name)
    _read[path] = (state, card)
    return card
