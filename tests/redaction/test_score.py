"""Scores count exact spans, and the characters that leak."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.redaction import Span
from livekit_plugins_analytics.redaction.score import OVERALL, Case, Score, score

TEXT = "call 415-555-0123 or a@b.com"
PHONE, EMAIL = Span(5, 17, "phone"), Span(21, 28, "email")
CASE = Case("1", TEXT, (PHONE, EMAIL))


def test_a_right_prediction() -> None:
    results = score([CASE], [[PHONE, EMAIL]], ["email", "phone", "ip"])

    assert results["phone"] == Score(right=1, characters=12)
    assert results[OVERALL].f1 == results[OVERALL].precision == results["ip"].recall == 1
    assert results["ip"].f1 == results["ip"].precision == 1
    assert results["ip"].leakage == 0


def test_a_span_that_is_not_exact_is_wrong_and_leaks_what_it_leaves() -> None:
    results = score([CASE], [[Span(0, 13, "phone"), EMAIL]], ["email", "phone"])

    assert results["phone"] == Score(
        wrong=1, missed=1, characters=12, leaked=4, overmasked=4, faults=["1"]
    )
    assert results["phone"].precision == results["phone"].recall == results["phone"].f1 == 0
    assert results[OVERALL].leakage == pytest.approx(4 / 19)


def test_a_value_that_another_mask_covers_does_not_leak() -> None:
    results = score([CASE], [[Span(5, 28, "card")]], ["email", "phone", "card"])

    assert results["phone"] == Score(missed=1, characters=12, faults=["1"])
    assert results["card"] == Score(wrong=1, overmasked=2, faults=["1"])


def test_labels_of_other_entities_count_for_nothing() -> None:
    results = score([CASE], [[PHONE, EMAIL]], ["phone"])

    assert results == {n: Score(right=1, characters=12) for n in ("phone", OVERALL)}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ([], "a case must be a JSON object"),
        ({"id": 1, "spans": []}, 'a case needs "text"'),
        ({"id": 1, "text": "a", "spans": {}}, 'a case needs "text"'),
        ({"text": "a", "spans": [1]}, "a span must be an object"),
        ({"text": "a", "spans": [{"start": 0, "end": 2}]}, "is not within the text's 1 characters"),
        ({"text": "a", "spans": [{"start": True, "end": 1}]}, "is not within the text"),
        ({"text": "a", "spans": [{"start": 0, "end": None}]}, "is not within the text"),
        ({"text": "a", "spans": [{"start": 0, "end": 1}]}, 'a span needs "entity"'),
    ],
)
def test_what_is_no_case_is_refused(line: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Case.parse(line)


def test_a_case_is_read() -> None:
    line = {"id": 7, "text": "a@b.com", "spans": [{"start": 0, "end": 7, "entity": "email"}]}

    assert Case.parse(line) == Case("7", "a@b.com", (Span(0, 7, "email"),))
