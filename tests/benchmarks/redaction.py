"""How fast texts are masked, beside libphonenumber's matcher alone in the same run.

Run it as ``python -m tests.benchmarks.redaction [--json]``. The baseline looks for one entity of
the six, and only as it is written; with Presidio installed its patterns, without a model, are
measured too.
"""

from __future__ import annotations

import argparse
import json
import random
from importlib.util import find_spec
from typing import Any

from phonenumbers import PhoneNumberMatcher

from livekit_plugins_analytics.redaction import ENTITIES, Masks, redactor

from .signals import COMMON, milliseconds, text

WORDS = (10, 50, 500)
RICH = (
    " my number is 415-555-0123 or four one five, five five five, oh one two three, write to"
    " john dot smith at example dot com, card 4242 4242 4242 4242, ip 192.0.2.1"
)


def rows() -> list[dict[str, Any]]:
    """Microseconds a text, for plain talk and for talk full of values."""
    rng = random.Random(7)
    finder = redactor(ENTITIES)
    presidio = _presidio()
    measured = []
    for count in WORDS:
        plain = text(count, COMMON, rng)
        for kind, said in (("plain", plain), ("rich", plain + RICH)):

            def ours(said: str = said) -> None:
                Masks(finder).text(said)

            def baseline(said: str = said) -> None:
                list(PhoneNumberMatcher(said, "US"))

            ours()  # the first one loads what the libraries know
            baseline()
            row: dict[str, Any] = {
                "words": len(said.split()),
                "kind": kind,
                "redaction_us": round(milliseconds(ours) * 1_000, 1),
                "phonenumbers_us": round(milliseconds(baseline) * 1_000, 1),
            }
            row["ratio"] = round(row["redaction_us"] / row["phonenumbers_us"], 2)
            if presidio is not None:

                def theirs(said: str = said) -> None:
                    Masks(presidio).text(said)

                row["presidio_us"] = round(milliseconds(theirs) * 1_000, 1)
            measured.append(row)
    return measured


def _presidio() -> Any:
    if find_spec("presidio_analyzer") is None:
        return None
    from livekit_plugins_analytics.redaction.presidio import Presidio

    return Presidio(["CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"])


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    measured = rows()
    if arguments.json:
        print(json.dumps({"redaction": measured}))
        return
    titles = ("words", "kind", "us", "phonenumbers us", "ratio", "presidio us")
    print("{:>6} {:>6} {:>9} {:>16} {:>7} {:>12}".format(*titles))
    for row in measured:
        print(
            f"{row['words']:>6} {row['kind']:>6} {row['redaction_us']:>9} "
            f"{row['phonenumbers_us']:>16} {row['ratio']:>7} {row.get('presidio_us', '-'):>12}"
        )


if __name__ == "__main__":
    main()
