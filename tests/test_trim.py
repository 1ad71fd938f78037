"""Whatever an agent hands over becomes bounded plain JSON, without ever raising."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import json
import math
import time
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.agents.language import LanguageCode
from pydantic import BaseModel, ConfigDict, SecretStr

from livekit_plugins_analytics.trim import DEPTH_LIMIT, NODE_LIMIT, TEXT_LIMIT, Trimmer


class Colour(enum.Enum):
    RED = "red"
    ODD = object()


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    """A text whose own methods cannot be trusted."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __getitem__(self, key: Any) -> str:
        raise RuntimeError("no item")

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Angry:
    """Raises whatever one asks of it."""

    def __init__(self, error: type[Exception] = ValueError) -> None:
        object.__setattr__(self, "_error", error)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "_error")("angry")

    def __repr__(self) -> str:
        raise object.__getattribute__(self, "_error")("angry")

    __str__ = __repr__


class Sour(Angry):
    """The same, but hypothesis can bear it."""

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)


class AngryMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise OSError("angry")

    def __iter__(self) -> Iterator[str]:
        raise OSError("angry")

    def __len__(self) -> int:
        raise OSError("angry")


class AngryList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("angry")

    def __len__(self) -> int:
        raise RuntimeError("angry")


class Endless:
    """A collection that never ends, and lies about it."""

    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1

    def __len__(self) -> int:
        return 0


@dataclasses.dataclass
class Booking:
    day: str
    seats: int = 2


class Customer(BaseModel):
    name: str
    secret: SecretStr = SecretStr("hush")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Grumpy(BaseModel):
    name: str = "x"

    def __getattribute__(self, name: str) -> Any:
        if name == "name":
            raise LookupError("grumpy")
        return super().__getattribute__(name)


def plain(value: Any, **limits: int) -> Any:
    return Trimmer(**limits).plain("field", value)


def is_json(value: Any) -> bool:
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    return True


# -- what becomes of each type


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (-1.5, -1.5),
        ("text", "text"),
        ("Grüße 😀", "Grüße 😀"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),  # two halves of one character
        (b"\x00\xff", "AP8="),
        (bytearray(b"ab"), "YWI="),
        (memoryview(b"ab"), "YWI="),
        (memoryview(b"ab").cast("H"), "YWI="),
        (float("nan"), None),
        (float("inf"), None),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (-(2**63), str(-(2**63))),
        (Decimal("0.10"), "0.10"),
        (Decimal("NaN"), "NaN"),
        (Fraction(1, 4), 0.25),
        (1 + 2j, "(1+2j)"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), "2026-01-02T03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (clock(3, 4), "03:04:00"),
        (timedelta(minutes=1.5), 90.0),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (LanguageCode("en-US"), "en-US"),
        ((1, "a"), [1, "a"]),
        (frozenset({1}), [1]),
        (collections.deque([1, 2]), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (range(3), [0, 1, 2]),
        ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Booking("Monday"), {"day": "Monday", "seats": 2}),
        (Booking, repr(Booking)),
        (Customer(name="Jo"), {"name": "Jo", "secret": "SecretStr('**********')"}),
        (Open(anything=1), {"anything": 1}),
        (np.float64(1.5), 1.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.uint64(2**64 - 1), str(2**64 - 1)),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.float64("nan"), None),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    ],
)
def test_a_value_becomes_plain(value: Any, kept: Any) -> None:
    trimmer = Trimmer()

    result = trimmer.plain("field", value)

    assert result == kept
    assert type(result) is type(kept)
    assert is_json(result)
    assert not trimmer.cuts


def test_an_object_becomes_its_repr() -> None:
    assert plain(types.SimpleNamespace(a=1)) == "namespace(a=1)"


def test_a_generator_is_not_consumed() -> None:
    numbers = (n for n in range(3))

    assert plain(numbers).startswith("<generator")
    assert list(numbers) == [0, 1, 2]


def test_the_result_shares_nothing_with_the_value() -> None:
    value = {"list": [1]}

    kept = plain(value)
    value["list"].append(2)

    assert kept == {"list": [1]}


@pytest.mark.parametrize("plain_text", ["abc", "ü", "x" * 10])
def test_a_text_of_a_subclass_becomes_plain_whatever_its_methods_do(plain_text: str) -> None:
    kept = Trimmer(text=5).text("field", Text(plain_text))

    assert type(kept) is str
    assert kept in ("abc", "ü", "xxxx…")


BAD: dict[str, Callable[[], Any]] = {
    "attributes": Angry,
    "recursion": lambda: Angry(RecursionError),
    "attribute": lambda: Angry(AttributeError),
    "mapping": AngryMapping,
    "list": lambda: AngryList([1]),
    "model": Grumpy,
    "number": lambda: Fraction(10**400),
    "key": lambda: {Angry(): 1},
    "memory": lambda: memoryview(b"abcd")[::2],
    "array": lambda: np.array(1),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_a_value_that_raises_costs_itself_only_and_is_counted(make: Callable[[], Any]) -> None:
    trimmer = Trimmer()

    kept = trimmer.plain("field", {"before": 1, "bad": make(), "after": 2})

    assert kept["before"] == 1 and kept["after"] == 2
    assert isinstance(kept["bad"], str) and is_json(kept)
    assert trimmer.cuts == {"field": 1}


def test_a_bad_item_costs_itself_only() -> None:
    assert plain([1, Angry(), 2]) == [1, "<Angry>", 2]


def test_what_is_not_an_error_passes_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    class Stop:
        def __repr__(self) -> str:
            interrupted()
            return ""

    with pytest.raises(KeyboardInterrupt):
        plain(Stop())


# -- bounds


def test_a_long_text_is_cut_and_counted() -> None:
    trimmer = Trimmer()

    kept = trimmer.plain("notes", "x" * (TEXT_LIMIT + 1))

    assert kept == "x" * (TEXT_LIMIT - 1) + "…"
    assert trimmer.cuts == {"notes": 1}


def test_a_text_of_exactly_the_limit_is_whole() -> None:
    trimmer = Trimmer()

    assert len(trimmer.plain("notes", "x" * TEXT_LIMIT)) == TEXT_LIMIT
    assert not trimmer.cuts


def test_cuts_are_counted_by_field() -> None:
    trimmer = Trimmer(text=2)

    trimmer.text("a", "xxx")
    trimmer.text("a", "xxx")
    trimmer.plain("b", b"xxx")

    assert trimmer.cuts == {"a": 2, "b": 1}


def test_a_long_list_keeps_its_beginning() -> None:
    trimmer = Trimmer(nodes=10)

    assert trimmer.plain("list", list(range(100))) == list(range(9))
    assert trimmer.cuts == {"list": 1}


def test_a_long_mapping_keeps_its_beginning() -> None:
    trimmer = Trimmer(nodes=3)

    assert trimmer.plain("map", {str(n): n for n in range(9)}) == {"0": 0, "1": 1}
    assert trimmer.cuts == {"map": 1}


def test_a_collection_without_end_is_cut() -> None:
    assert plain(Endless(), nodes=5) == [1, 1, 1, 1]


def test_no_node_left_is_null() -> None:
    trimmer = Trimmer(nodes=0)

    assert trimmer.plain("field", 1) is None
    assert trimmer.cuts == {"field": 1}


def test_a_cycle_ends_at_the_depth_limit() -> None:
    loop: list[Any] = []
    loop.append(loop)

    kept = plain(loop)

    assert json.dumps(kept).count("[") == DEPTH_LIMIT
    assert "null" in json.dumps(kept)


def test_an_enum_of_something_strange_is_a_text() -> None:
    assert plain(Colour.ODD).startswith("<object object")


def _size(value: Any) -> tuple[int, int, int]:
    """Nodes, depth and longest text of a plain value."""
    if isinstance(value, dict):
        below = [_size(v) for v in value.values()]
        longest = max((len(k) for k in value), default=0)
    elif isinstance(value, list):
        below, longest = [_size(v) for v in value], 0
    else:
        return 1, 1, len(value) if isinstance(value, str) else 0
    return (
        1 + sum(n for n, _, _ in below),
        1 + max((d for _, d, _ in below), default=0),
        max([longest, *(t for _, _, t in below)]),
    )


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**64, 2**4000)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.decimals()
    | st.fractions()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from(list(Colour))
    | st.sampled_from(list(Level))
    | st.floats(width=32).map(np.float32)
    | st.booleans().map(np.bool_)
    | st.integers(-(2**63), 2**63 - 1).map(np.int64)
    | st.builds(Booking, st.text())
    | st.builds(Customer, name=st.text(), secret=st.just(SecretStr("hush")))
    | st.builds(Text, st.text())
    | st.sampled_from([ValueError, RecursionError, AttributeError, TypeError]).map(Sour)
    | st.builds(AngryMapping)
    | st.builds(AngryList)
    | st.builds(Grumpy)
    | st.builds(Endless)
    | st.builds(object)
    | st.functions()
)
HASHABLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(collections.deque)
        | st.lists(inner).map(iter)
        | st.sets(HASHABLE)
        | st.dictionaries(HASHABLE | st.builds(Sour), inner)
        | inner.map(lambda v: functools.partial(print, v))
        | inner.map(lambda v: Open(value=v))
        | inner.map(Booking)
    ),
    max_leaves=30,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANYTHING)
def test_anything_becomes_json(value: Any) -> None:
    assert is_json(plain(value))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANYTHING, st.integers(1, 20), st.integers(1, 40), st.integers(1, 5))
def test_anything_stays_within_the_limits(value: Any, text: int, nodes: int, depth: int) -> None:
    trimmer = Trimmer(text=text, nodes=nodes, depth=depth)

    kept = trimmer.plain("field", value)

    assert is_json(kept)
    size, levels, longest = _size(kept)
    assert size <= nodes
    # The values, and a null, a text or a scalar below the last level.
    assert levels <= depth + 1
    # Bytes become base64, which is longer, and so are the short texts of dates and floats.
    assert longest <= max(4 * math.ceil(text / 3), 64)


@settings(deadline=None)
@given(ANYTHING)
def test_what_was_trimmed_stays_as_it_is(value: Any) -> None:
    trimmer = Trimmer()
    once = trimmer.plain("field", value)

    assert Trimmer().plain("field", once) == once


# -- time: it runs between audio frames


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * 10_000_000,
        lambda: "ü" * 10_000_000,
        lambda: b"x" * 10_000_000,
        lambda: list(range(1_000_000)),
        lambda: dict.fromkeys(range(1_000_000)),
        lambda: set(range(1_000_000)),
        lambda: [["x" * 100] * 1_000] * 1_000,
        lambda: 1 << 10_000_000,
        lambda: np.zeros(10_000_000),
        lambda: {"x" * 10_000_000: 1},
    ],
    ids=["ascii", "text", "bytes", "list", "dict", "set", "nested", "integer", "array", "key"],
)
def test_a_huge_value_takes_hardly_longer_than_a_small_one(make: Any) -> None:
    value = make()
    took = []

    for _ in range(3):  # the best of three: the machine may have other work
        start = time.perf_counter()
        kept = plain(value)
        took.append(time.perf_counter() - start)

    assert min(took) < 0.25
    assert _size(kept)[0] <= NODE_LIMIT
    assert len(json.dumps(kept)) < 400_000
