"""From mentions to values."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.signals import Mention, RuleSet, Signal, Status
from livekit_plugins_analytics.signals.fold import fold


def mention(
    value: Any, status: Status = "affirmed", *, turn: str = "1", weight: int = 1
) -> Mention:
    return Mention("s", value, status, False, "r", turn, None, "", False, weight=weight)


def folded(kind: Any, policy: Any, *mentions: Mention) -> Any:
    rules = RuleSet(
        name="p", version=1, signals=[Signal(name="s", type=kind, fold=policy)], rules=[]
    )
    values = fold(rules, mentions)
    assert all(m.value == values["s"] for m in mentions if m.chosen and kind != "list")
    return values.get("s")


@pytest.mark.parametrize(("policy", "value"), [("last", 2), ("first", 3), ("largest", 7)])
def test_the_policy_chooses(policy: str, value: int) -> None:
    assert folded("integer", policy, mention(3), mention(7), mention(2)) == value


def test_the_heaviest_comes_first() -> None:
    assert folded("integer", "last", mention(3, weight=2), mention(7)) == 3


@pytest.mark.parametrize("status", ["negated", "hypothetical", "someone_else"])
def test_what_is_not_affirmed_gives_nothing(status: Status) -> None:
    assert folded("text", "last", mention("a", status)) is None


def test_a_later_denial_takes_back() -> None:
    assert folded("text", "last", mention("a"), mention("a", "negated", turn="2")) is None
    assert folded("text", "last", mention("a"), mention("a", "negated")) == "a"
    assert folded("list", "union", mention("a"), mention("a", "negated", turn="2")) is None
    assert folded("list", "union", mention("a"), mention("a", "negated")) == ["a"]


def test_a_list_keeps_the_order_and_has_an_end() -> None:
    many = [mention(f"v{i}") for i in range(60)]

    assert folded("list", "union", *many, *many) == [f"v{i}" for i in range(50)]
