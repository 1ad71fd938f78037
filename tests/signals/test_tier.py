"""Conditions over values, and what is computed from them."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.signals import Computed, Condition

VALUES = {"size": 5, "share": 0.5, "tools": ["slack", "zoho"], "kind": "law"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("size >= 5", True),
        ("size > 5", False),
        ("size <= 4", False),
        ("size < 5.5", True),
        ("size == 5", True),
        ("size != 5", False),
        ("share >= 0.5", True),
        ("kind == 'law'", True),
        ("kind == legal", False),
        ("kind > 3", False),
        ("kind in law, finance", True),
        ("tools has zapier, zoho", True),
        ("tools has zapier", False),
        ("size known", True),
        ("size unknown", False),
        ("other unknown", True),
        ("other known", False),
        ("other >= 1", False),
    ],
)
def test_a_condition_holds(condition: str, holds: bool) -> None:
    assert Condition.parse(f" {condition} ").holds(VALUES) is holds


@pytest.mark.parametrize("text", ["", "size", "size =", "Size >= 1", "size in"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 'name >= 5'"):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("values", "tier"), [({"size": 9}, "big"), ({"size": 1}, "any"), ({}, None)]
)
def test_the_first_case_that_holds_gives_the_value(values: dict[str, Any], tier: Any) -> None:
    computed = Computed(
        "tier",
        (
            ("big", (Condition.parse("size >= 5"), Condition.parse("share >= 1"))),
            ("any", (Condition.parse("size known"),)),
        ),
    )

    assert computed.value(values) == tier
