"""The tuning set restaurants-8k as cases: a turn, what the agent asked, how many people."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from livekit_plugins_analytics.signals.numerals import numerals
from livekit_plugins_analytics.signals.score import Case

DATA = Path(__file__).parents[3] / "shared/data/restaurants-8k-train.jsonl.gz"

# Every fourth turn is held out; the pack was written on the others.
HELD_OUT = 4


def cases(*, held_out: bool) -> Iterator[Case]:
    """The labelled turns; `held_out`: those that no rule was written on."""
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if (number % HELD_OUT == 0) is not held_out:
                continue
            row = json.loads(line)
            turns = [("user", row["text"])]
            if "people" in row["asked"]:
                turns.insert(0, ("agent", "For how many people?"))
            value = sum(count(span) for span in row["people"])
            yield Case(f"turn-{number}", tuple(turns), {"people": value or None})


def count(span: str) -> int:
    """How many people a labelled span says: "me, my wife and 2 kids" are four."""
    text = span.lower()
    total = sum(int(n.high) for n in numerals(text))
    if re.search(r"\bcouples\b", text):
        total *= 2
    total += bool(re.search(r"\b(me|myself|i)\b", text))
    singles = re.findall(
        r"\bmy (?:\w+ )?(?:wife|husband|son|daughter|friend|partner|mom|mother|dad|father|"
        r"girlfriend|boyfriend|brother|sister|boss|child|kid)\b|\band an? (?:child|kid|baby)\b",
        text,
    )
    return total + len(singles)
