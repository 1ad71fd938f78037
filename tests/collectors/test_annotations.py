"""What the agent says of a call is kept as it was said, and nothing it says ever raises."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.collectors import annotations as module
from livekit_plugins_analytics.collectors.annotations import Annotations
from livekit_plugins_analytics.trim import Trimmer


class Stage(enum.Enum):
    DISCOVERY = "DISCOVERY"
    SECOND = 2


class Angry:
    """Will not even say what it is."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError("angry")

    def __repr__(self) -> str:
        raise ValueError("angry")


class AngryMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise OSError("angry")

    def __iter__(self) -> Iterator[str]:
        raise OSError("angry")

    def __len__(self) -> int:
        return 1


class AngryEnum(enum.Enum):
    ONE = 1

    @property
    def value(self) -> Any:
        raise OSError("angry")


# What is no text, and no number or enum that could be meant as one.
NO_TEXT: dict[str, Callable[[], Any]] = {
    "null": lambda: None,
    "empty": lambda: "",
    "blank": lambda: " \n",
    "bytes": lambda: b"text",
    "bool": lambda: True,
    "list": lambda: ["text"],
    "dict": lambda: {"a": 1},
    "object": object,
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "decimal nan": lambda: Decimal("NaN"),
    "signalling nan": lambda: Decimal("sNaN"),
    "huge": lambda: 10**400,
    "angry": Angry,
    "angry enum": lambda: AngryEnum.ONE,
    "mock": MagicMock,
}
no_text = pytest.mark.parametrize("make", NO_TEXT.values(), ids=NO_TEXT)


@pytest.fixture
def said() -> Annotations:
    return Annotations(Trimmer())


# -- notes and tags


def test_notes_are_kept_in_order(said: Annotations) -> None:
    assert said.add_note("first")
    assert said.add_note("  second \n")
    assert said.add_note("first")

    assert said.notes == ["first", "second", "first"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (2.5, "2.5"),
        (Decimal("0.10"), "0.10"),
        (np.int64(7), "7"),
        (Stage.DISCOVERY, "DISCOVERY"),
        (Stage.SECOND, "2"),
        ("a\ud800", "a\ufffd"),
    ],
)
def test_a_number_or_an_enum_is_a_text_as_well(said: Annotations, value: Any, text: str) -> None:
    assert said.add_note(value)
    assert said.add_tag(value)

    assert said.notes == said.tags == [text]


@no_text
def test_what_is_no_text_is_neither_note_nor_tag_nor_state(
    said: Annotations, make: Callable[[], Any]
) -> None:
    assert not said.add_note(make())
    assert not said.add_tag(make())
    assert not said.set_state(make())

    assert (said.notes, said.tags, said.state, said.state_history) == ([], [], None, [])


def test_a_tag_is_kept_once(said: Annotations) -> None:
    assert said.add_tag("vip") and said.add_tag("vip")

    assert said.tags == ["vip"]


# -- state


def test_a_state_has_a_history(said: Annotations) -> None:
    before = time.time()
    for name in ("GREETING", "GREETING", "DISCOVERY", "GREETING"):
        assert said.set_state(name)

    assert said.state == "GREETING"
    assert [s.state for s in said.state_history] == ["GREETING", "DISCOVERY", "GREETING"]
    assert all(before - 1 <= s.at.timestamp() <= time.time() + 1 for s in said.state_history)


# -- consent


@pytest.mark.parametrize("granted", [True, False])
def test_consent_is_given_or_refused_at_a_time(said: Annotations, granted: bool) -> None:
    before = time.time()

    assert said.record_consent(granted, "verbal")

    assert (said.consent, said.consent_method) == (granted, "verbal")
    assert said.consent_at is not None and before <= said.consent_at <= time.time()


def test_the_method_of_a_consent_may_be_left_open(said: Annotations) -> None:
    assert said.record_consent(True, None)
    assert said.consent_method is None


@pytest.mark.parametrize(
    "granted",
    [None, 1, 0, "yes", "no", "", [], [False], 1.0, np.True_, object(), MagicMock(spec=bool)],
    ids=lambda v: type(v).__name__,
)
def test_only_a_bool_is_consent(said: Annotations, granted: Any) -> None:
    assert not said.record_consent(granted, "verbal")

    assert (said.consent, said.consent_at, said.consent_method) == (None, None, None)


def test_whoever_will_not_say_what_it_is_is_no_consent(said: Annotations) -> None:
    assert not said.record_consent(Angry(), None)
    assert not said.set_outcome(Angry(), None)


def test_a_bad_method_costs_itself_not_the_consent(said: Annotations) -> None:
    assert not said.record_consent(True, object())

    assert (said.consent, said.consent_method) == (True, None)


def test_the_last_consent_counts(said: Annotations) -> None:
    said.record_consent(True, "verbal")
    said.record_consent(False, None)

    assert (said.consent, said.consent_method) == (False, None)


# -- user


def test_the_user_is_known_piece_by_piece(said: Annotations) -> None:
    assert said.set_user("jo@acme.com", {"plan": "pro"})
    assert said.set_user(None, {"seats": 5})
    assert said.set_user(None, None)

    assert said.user_email == "jo@acme.com"
    assert said.user_metadata == {"plan": "pro", "seats": 5}


@no_text
def test_a_bad_email_leaves_the_one_before(said: Annotations, make: Callable[[], Any]) -> None:
    said.set_user("jo@acme.com", None)
    value = make()

    assert said.set_user(value, {"plan": "pro"}) is (value is None)

    assert said.user_email == "jo@acme.com"
    assert said.user_metadata == {"plan": "pro"}


@pytest.mark.parametrize(
    "make", [lambda: "x", lambda: [("a", 1)], lambda: 5, Angry, AngryMapping], ids=range(5)
)
def test_metadata_is_a_mapping(said: Annotations, make: Callable[[], Any]) -> None:
    assert not said.set_user("jo@acme.com", make())

    assert (said.user_email, said.user_metadata) == ("jo@acme.com", {})


def test_a_bad_key_costs_itself_only(said: Annotations) -> None:
    assert not said.set_user(None, {"": 1, None: 2, 5: "five", "ok": 3})

    assert said.user_metadata == {"5": "five", "ok": 3}


# -- signals and custom


@pytest.mark.parametrize("method", ["set_signal", "set_custom"])
def test_a_value_is_kept_as_plain_json_of_that_moment(said: Annotations, method: str) -> None:
    value = {"list": [1, Decimal("0.5")], "bad": Angry()}

    assert getattr(said, method)("name", value)
    value["list"] = []

    kept = said.signals if method == "set_signal" else said.custom
    assert kept == {"name": {"list": [1, "0.5"], "bad": "<Angry>"}}


@no_text
def test_a_name_is_a_text(said: Annotations, make: Callable[[], Any]) -> None:
    assert not _set(said.set_signal, make())
    assert not _set(said.set_custom, make())

    assert (said.signals, said.custom) == ({}, {})


def _set(method: Callable[[Any, Any], bool], name: Any) -> bool:
    try:
        hash(name)
    except TypeError:
        name = object()  # what cannot be a key is stopped by Python itself
    return method(name, 1)


def test_the_last_value_counts(said: Annotations) -> None:
    said.set_signal("team_size", 5)
    said.set_signal("team_size", 25)

    assert said.signals == {"team_size": 25}


# -- outcome


def test_an_outcome_is_success_or_fail(said: Annotations) -> None:
    assert said.set_outcome(True, "booked")
    assert (said.outcome, said.outcome_reason) == ("success", "booked")

    assert said.set_outcome(False, None)
    assert (said.outcome, said.outcome_reason) == ("fail", None)


@pytest.mark.parametrize(
    "success", [None, 1, "success", np.False_, object()], ids=lambda v: type(v).__name__
)
def test_only_a_bool_is_an_outcome(said: Annotations, success: Any) -> None:
    assert not said.set_outcome(success, "why")
    assert (said.outcome, said.outcome_reason) == (None, None)


def test_a_bad_reason_costs_itself_not_the_outcome(said: Annotations) -> None:
    assert not said.set_outcome(True, b"why")
    assert (said.outcome, said.outcome_reason) == ("success", None)


# -- bounds


@pytest.mark.parametrize(
    ("say", "held", "limit"),
    [
        (lambda a, n: a.add_note(f"{n}"), lambda a: a.notes, module._MAX_NOTES),
        (lambda a, n: a.set_state(f"{n}"), lambda a: a.state_history, module._MAX_NOTES),
        (lambda a, n: a.add_tag(f"{n}"), lambda a: a.tags, module._MAX_KEYS),
        (lambda a, n: a.set_custom(f"{n}", n), lambda a: a.custom, module._MAX_KEYS),
        (lambda a, n: a.set_signal(f"{n}", n), lambda a: a.signals, module._MAX_KEYS),
        (lambda a, n: a.set_user(None, {f"{n}": n}), lambda a: a.user_metadata, module._MAX_KEYS),
    ],
    ids=["notes", "states", "tags", "custom", "signals", "metadata"],
)
def test_what_comes_after_the_bound_is_counted_not_refused(
    said: Annotations, say: Any, held: Any, limit: int
) -> None:
    assert all(say(said, number) for number in range(limit + 3))

    assert len(held(said)) == limit
    assert said.dropped == 3


def test_at_the_bound_known_names_still_change(said: Annotations) -> None:
    for number in range(module._MAX_KEYS):
        said.set_custom(f"{number}", number)
        said.add_tag(f"{number}")
    for number in range(module._MAX_NOTES + 1):
        said.set_state(f"{number}")

    assert said.set_custom("0", "new") and said.add_tag("0")

    assert said.custom["0"] == "new"
    assert said.state == f"{module._MAX_NOTES}"
    assert said.dropped == 1


def test_cuts_are_counted_under_the_records_own_names() -> None:
    trimmer = Trimmer(text=5)
    said = Annotations(trimmer)

    said.add_note("x" * 6)
    said.set_state("x" * 6)
    said.add_tag("x" * 6)
    said.set_user("x" * 6, {"a": "x" * 6})
    said.record_consent(True, "x" * 6)
    said.set_outcome(True, "x" * 6)
    said.set_signal("a", "x" * 6)
    said.set_custom("a", "x" * 6)
    said.plain("evaluations", ["x" * 6])

    assert trimmer.cuts == {
        "conversation_notes": 1,
        "conversation_state": 1,
        "tags": 1,
        "user_email": 1,
        "user_metadata": 1,
        "consent_method": 1,
        "outcome_reason": 1,
        "discovered_signals": 1,
        "custom": 1,
        "evaluations": 1,
    }


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
ANYTHING = st.recursive(
    SCALAR | st.decimals() | st.sampled_from(list(Stage)) | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(SCALAR, inner) | st.tuples(inner),
    max_leaves=10,
)


@given(ANYTHING, ANYTHING)
def test_nothing_that_is_said_raises(first: Any, second: Any) -> None:
    said = Annotations(Trimmer())

    answers = [
        said.add_note(first),
        said.add_tag(first),
        said.set_state(first),
        said.record_consent(first, second),
        said.set_user(first, second),
        said.set_outcome(first, second),
        _set(said.set_signal, first),
        _set(said.set_custom, second),
    ]

    assert all(type(answer) is bool for answer in answers)
    assert said.consent is (first if isinstance(first, bool) else None)


def test_consent_that_is_given_twice_holds_since_the_first_time() -> None:
    annotations = Annotations(Trimmer())
    assert annotations.record_consent(True, "verbal")
    first = annotations.consent_at
    assert annotations.record_consent(True, "dtmf")
    assert (annotations.consent_at, annotations.consent_method) == (first, "dtmf")

    assert annotations.record_consent(False, None)
    assert annotations.consent is False
    assert first is not None and annotations.consent_at is not None
    assert annotations.consent_at >= first
