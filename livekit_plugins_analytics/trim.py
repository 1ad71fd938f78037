"""Anything a session can produce, as bounded plain JSON values, with the cuts counted."""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import numbers
import os
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

# A caller's longest turn in the restaurants data is 300 characters and a page of notes 3,000:
# what is longer is a document that belongs elsewhere.
TEXT_LIMIT = 16_384
# Values in one tool result or one annotation; a 50 KB record has about 1,000 leaves.
NODE_LIMIT = 2_000
DEPTH_LIMIT = 12
# Warehouses read integers as 64 bits.
_INT_MAX = 2**63 - 1
# Python prints a huge integer in quadratic time, and refuses to beyond a limit that can be as
# low as 640 digits; 2,000 bits are 603.
_DECIMAL_BITS = 2_000


class Trimmer:
    """Turns values into plain JSON and counts what it had to cut, by field.

    Args:
        text: Longest string kept, in characters.
        nodes: Most values kept of one nested value.
        depth: Most levels kept of one nested value.
    """

    def __init__(
        self, *, text: int = TEXT_LIMIT, nodes: int = NODE_LIMIT, depth: int = DEPTH_LIMIT
    ) -> None:
        self._text = text
        self._nodes = nodes
        self._depth = depth
        self.cuts: Counter[str] = Counter()

    def text(self, field: str, value: str) -> str:
        """The string, cut to the limit, without lone surrogates."""
        # A plain str of a subclass (LanguageCode, an enum), whose own methods may do anything.
        value = str.__str__(value)
        if len(value) > self._text:
            self.cuts[field] += 1
            value = value[: self._text - 1] + "…"
        if value.isascii():
            return value
        # UTF-16 joins surrogate pairs and replaces each lone one by a single U+FFFD.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def plain(self, field: str, value: Any) -> Any:
        """The value as dicts, lists, strings, numbers, booleans and null; never raises.

        Bytes become base64, numbers that JSON or a 64-bit column cannot hold become null or
        text, objects their fields or their ``repr``, a cycle ends at the depth limit.
        """
        return self._walk(field, value, self._depth, [self._nodes])

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
            if isinstance(value, Collection):
                return self._items(field, value, depth, left)
            return self._walk(field, _fields(value), depth - 1, left)
        except Exception:
            # A value's own __iter__, __repr__ or property raised: the agent's object, not ours.
            self.cuts[field] += 1
            return f"<{type(value).__name__}>"

    def _scalar(self, field: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
            return bool(value)  # the one scalar of numpy that is no number to Python
        if isinstance(value, enum.Enum):
            return self._walk(field, value.value, 2, [2])
        if isinstance(value, str):
            return self.text(field, value)
        if isinstance(value, numbers.Integral):
            number = int(value)
            return number if -_INT_MAX <= number <= _INT_MAX else self.text(field, _digits(number))
        if isinstance(value, (Decimal, UUID, os.PathLike)):
            return self.text(field, str(value))
        if isinstance(value, numbers.Real):
            number_ = float(value)
            return number_ if math.isfinite(number_) else None
        if isinstance(value, (bytes, bytearray, memoryview)):
            octets = memoryview(value).cast("B")
            if len(octets) > self._text:
                self.cuts[field] += 1
            return base64.b64encode(octets[: self._text]).decode("ascii")
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
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return {**fields, **(value.model_extra or {})}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return repr(value)


def _digits(number: int) -> str:
    """A huge integer as text: decimal, or hexadecimal where that would take too long."""
    return str(number) if number.bit_length() <= _DECIMAL_BITS else hex(number)
