"""Anything a session can produce, as bounded plain JSON values, with the cuts counted."""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import numbers
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

# A caller's longest turn in the restaurants data is 300 characters and a page of notes 3,000:
# what is longer is a document that belongs elsewhere.
TEXT_LIMIT = 16_384
# Values in one tool result or one annotation; a 50 KB record has about 1,000 leaves.
NODE_LIMIT = 2_000
DEPTH_LIMIT = 12
# Warehouses read integers as 64 bits.
_INT_MAX = 2**63 - 1


class Trimmer:
    """Turns values into plain JSON and counts what it had to cut, by field.

    Args:
        text: Longest string kept, in characters.
        nodes: Most values kept of one nested value.
    """

    def __init__(self, *, text: int = TEXT_LIMIT, nodes: int = NODE_LIMIT) -> None:
        self._text = text
        self._nodes = nodes
        self.cuts: Counter[str] = Counter()

    def text(self, field: str, value: str) -> str:
        """The string, cut to the limit, without lone surrogates."""
        if len(value) > self._text:
            self.cuts[field] += 1
            value = value[: self._text - 1] + "…"
        if not value.isascii():
            # str subclasses (LanguageCode, enums) come out as plain str here as well.
            # UTF-16 joins surrogate pairs and replaces each lone one by a single U+FFFD.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return str.__str__(value)

    def plain(self, field: str, value: Any) -> Any:
        """The value as dicts, lists, strings, numbers, booleans and null; never raises.

        Bytes become base64, numbers that JSON or a 64-bit column cannot hold become null or
        text, objects their fields or their ``repr``, a cycle ends at the depth limit.
        """
        return self._walk(field, value, DEPTH_LIMIT, [self._nodes])

    def _walk(self, field: str, value: Any, depth: int, left: list[int]) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth == 0:
            self.cuts[field] += 1
            return None
        try:
            scalar = self._scalar(field, value)
            if scalar is not NotImplemented:
                return scalar
            if isinstance(value, Mapping):
                return self._mapping(field, value, depth, left)
            if isinstance(value, (list, tuple, set, frozenset)):
                return self._items(field, value, depth, left)
            return self._walk(field, _fields(value), depth - 1, left)
        except Exception:
            # A value's own __iter__, __repr__ or property raised: the agent's object, not ours.
            self.cuts[field] += 1
            return f"<{type(value).__name__}>"

    def _scalar(self, field: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, enum.Enum):
            return self._walk(field, value.value, 2, [2])
        if isinstance(value, str):
            return self.text(field, value)
        if isinstance(value, numbers.Integral):
            number = int(value)
            return number if -_INT_MAX <= number <= _INT_MAX else self.text(field, _digits(number))
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, numbers.Real):
            number_ = float(value)
            return number_ if math.isfinite(number_) else None
        if isinstance(value, (bytes, bytearray, memoryview)):
            kept = bytes(value[: self._text])
            self.cuts[field] += len(value) > len(kept)
            return base64.b64encode(kept).decode("ascii")
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        return NotImplemented

    def _mapping(self, field: str, value: Mapping[Any, Any], depth: int, left: list[int]) -> Any:
        result: dict[str, Any] = {}
        for key, item in value.items():
            if left[0] <= 0:
                self.cuts[field] += 1
                break
            name = self.text(field, key if isinstance(key, str) else str(key))
            result[name] = self._walk(field, item, depth - 1, left)
        return result

    def _items(self, field: str, value: Any, depth: int, left: list[int]) -> Any:
        result = []
        for item in value:
            if left[0] <= 0:
                self.cuts[field] += 1
                break
            result.append(self._walk(field, item, depth - 1, left))
        return result


def _fields(value: Any) -> Any:
    """An object's fields where it has declared some, else its repr."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return repr(value)


def _digits(number: int) -> str:
    """A huge integer as text; Python refuses to print more than 4,300 digits."""
    try:
        return str(number)
    except ValueError:
        return hex(number)
