"""Precision, recall and F1 over labelled cases."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.signals import Computed, Condition, RuleSet, Signal
from livekit_plugins_analytics.signals.score import Case, Score, score

PACK = RuleSet(
    name="p",
    version=1,
    signals=[Signal(name="size", type="number"), Signal(name="tools", type="list")],
    rules=[],
    computed=[Computed("tier", (("big", (Condition.parse("size >= 5"),)),))],
)


def case(name: str, **expect: Any) -> Case:
    return Case.parse({"id": name, "turns": [], "expect": expect, "tags": ["ignored"]})


def test_a_list_counts_by_its_elements() -> None:
    cases = [case("a", tools=["slack", "zoho"], size=2.0), case("b", size=None), case("c", size=3)]
    found: dict[str, dict[str, Any]] = {
        "a": {"tools": ["slack", "stripe"], "size": 2},
        "b": {"size": 7, "tier": "big"},
    }

    scores = score(PACK, cases, found)

    tools, size = scores["tools"], scores["size"]
    assert (tools.right, tools.wrong, tools.missed, tools.faults) == (1, 1, 1, ["a"])
    assert (size.right, size.wrong, size.missed, size.faults) == (1, 1, 1, ["b", "c"])
    assert tools.f1 == size.precision == size.recall == 0.5


def test_a_computed_signal_counts_only_where_a_case_names_it() -> None:
    scores = score(PACK, [case("a"), case("b", tier="big")], {"a": {"tier": "big"}, "b": {}})

    assert (scores["tier"].wrong, scores["tier"].missed) == (0, 1)


def test_nothing_wanted_and_nothing_found_is_right() -> None:
    nothing = Score()

    assert (nothing.precision, nothing.recall, nothing.f1) == (1, 1, 1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "JSON object"),
        ({"turns": {}}, "turns"),
        ({"turns": [], "expect": []}, "turns"),
        ({"turns": ["x"]}, "role"),
        ({"turns": [{"role": "tool", "text": "x"}]}, "role"),
        ({"turns": [{"role": "user", "text": 1}]}, "role"),
    ],
)
def test_what_is_no_case_is_refused(data: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Case.parse(data)
