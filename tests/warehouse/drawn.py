"""Records drawn from the schema, seeded: every field, every null, and texts that hurt."""

from __future__ import annotations

import random
import types
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from livekit_plugins_analytics.lines import compressed, line
from livekit_plugins_analytics.parts import ToolCall
from livekit_plugins_analytics.record import SessionRecord

FIRST_DAY = datetime(2026, 10, 30, tzinfo=timezone.utc)
DAYS = 4
"""Over the end of a month."""

TEXTS = (
    "plain",
    "",
    'it\'s "quoted" \\ and 50 %',
    "two\nlines\tand a tab",
    "Grüße, 東京, שלום 👩🏽‍💻",
    "{not: json}",
    '{"json": [1, null]}',
    "null",
    "25",
    "-- ; DROP TABLE sessions",
    "\u2028$1 ${year} %s {}",
)
KEYS = ("plan", "CamelCase", "with space", "dot.ted", 'qu"ote', "from", "größe", "$ref", "0")


def drawn(count: int, seed: int = 8) -> Iterator[SessionRecord]:
    """As many records, always the same for a seed; a tenth of the sessions comes twice, as
    revision 1 and later as revision 2."""
    draw = _Draw(random.Random(seed))
    for number in range(count):
        record = draw.session(number)
        yield record
        if number % 10 == 0:
            yield record.model_copy(update={"revision": 2, "outcome": "revised"})


def store(records: Iterator[SessionRecord], folder: Path) -> list[tuple[str, bytes]]:
    """Write them as the writers do, revision 1 under a name of its own; the names and bodies."""
    written = []
    for record in records:
        name = record.name
        if record.revision == 1:
            name = name.replace(".json.gz", "-first.json.gz")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        body = compressed(line(record))
        path.write_bytes(body)
        written.append((name, body))
    return written


class _Draw:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def session(self, number: int) -> SessionRecord:
        values = self._values(SessionRecord)
        values["session_id"] = f"RM_{number:06}-AJ_{self._chance.getrandbits(40):010x}"
        values["schema_version"] = "1.0"
        values["revision"] = 1
        values["discovered_signals"] = {
            **self._map(),
            "team_size": self._chance.randrange(500),
            "integration_needs": ["salesforce", "hubspot"][: self._chance.randrange(3)],
            "urgency": self._chance.choice(["high", "low", None]),
        }
        values["cost_summary"] = {
            "openai_tokens": self._chance.randrange(20_000),
            "total_estimated_cost": self._chance.choice(
                [None, round(self._chance.uniform(0, 2), 6)]
            ),
            "currency": "USD",
        }
        return SessionRecord.model_validate(values)

    def _values(self, model: type[BaseModel]) -> dict[str, Any]:
        values = {
            field.alias or name: self._value(field.annotation)
            for name, field in model.model_fields.items()
        }
        if model is ToolCall:
            values |= {"meeting_booked": self._chance.random() < 0.5, **self._map()}
        return values

    def _value(self, of: Any) -> Any:
        chance = self._chance
        if hasattr(of, "__metadata__"):
            of = of.__origin__
        origin, arguments = get_origin(of), get_args(of)
        if origin in (Union, types.UnionType):
            return self._value(chance.choice(arguments))
        if origin is Literal:
            return chance.choice(arguments)
        if origin is list:
            return [self._value(arguments[0]) for _ in range(chance.randrange(4))]
        if origin is dict:
            keys = chance.sample(KEYS, chance.randrange(4))
            return {key: self._value(arguments[1]) for key in keys}
        if isinstance(of, type) and issubclass(of, BaseModel):
            return self._values(of)
        return self._scalar(of)

    def _scalar(self, of: Any) -> Any:
        chance = self._chance
        if of is type(None):
            return None
        if of is bool:
            return chance.random() < 0.5
        if of is int:
            return chance.choice([0, chance.randrange(1_000), chance.randrange(10**12)])
        if of is float:
            return chance.choice([0.0, round(chance.uniform(0, 900), 3)])
        if of is datetime:
            return FIRST_DAY + timedelta(milliseconds=chance.randrange(DAYS * 86_400_000))
        return chance.choice(TEXTS) if of is str else self._anything()

    def _anything(self) -> Any:
        return self._chance.choice(
            [None, True, 25, 2.5, "high", ["a", 1, None], {"deep": [{"x": None}]}, [], {}]
        )

    def _map(self) -> dict[str, Any]:
        return {key: self._anything() for key in self._chance.sample(KEYS, 2)}
