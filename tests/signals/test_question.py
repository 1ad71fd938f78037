"""What a yes says."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.signals import Listener, RuleSet
from livekit_plugins_analytics.signals.question import agrees, proposal

SALES = RuleSet.load("sales")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Hello. Are you guys using Slack? Take your time.", "we are guys using slack"),
        ("So you're a team of 20, right?", "we're a team of 20, right"),
        ("Is speed a problem?", "speed is a problem"),
        ("Do you use our app at acme.com?", "we use your company's app at acme.com"),
        ("How many of you?", None),
        ("Great, and what do you do?", None),
        ("We are a team of 20.", None),
        ("", None),
    ],
)
def test_a_question_is_put_in_the_callers_mouth(line: str, says: str | None) -> None:
    assert proposal(line) == says


@pytest.mark.parametrize(
    ("said", "yes"),
    [
        ("Yes.", True),
        ("yeah, that's right", True),
        ("We are, yeah", True),
        ("Oh god yes, every day", True),
        ("correct", True),
        ("right", True),
        ("right so the thing is", False),
        ("yeah no", False),
        ("no", False),
        ("yes but not really", False),
        ("well, yes, but no", False),
        ("I don't think so", False),
        ("yellow", False),
    ],
)
def test_agreement(said: str, yes: bool) -> None:
    assert agrees(said, "we use slack") is yes


@pytest.mark.parametrize("proposed", ["we use slack or zoho", "we have more than 20 users"])
def test_a_choice_or_a_comparison_is_not_agreed_to(proposed: str) -> None:
    assert not agrees("yes", proposed)


@pytest.mark.parametrize(
    ("line", "said", "values"),
    [
        ("Are you on Salesforce?", "Yes, we are.", {"integration_needs": ["salesforce"]}),
        ("Are you on Salesforce?", "Sure, can you hear me?", {}),
        ("We integrate with Salesforce, okay?", "yes", {}),
        ("So roughly twenty people then?", "yeah", {"team_size": 20}),
        ("So roughly twenty people then?", "yeah, well, thirty people", {"team_size": 30}),
        ("So twenty reps?", "no, ten", {"team_size": 10}),
        ("If we had twenty reps, say, would you use it?", "yes", {}),
        (
            "How many NDAs go out in a month?",
            "fifteen",
            {"monthly_volume": 15, "use_case": "ndas"},
        ),
        (
            "How many NDAs go out in a month?",
            "we send fifteen invoices a month",
            {"monthly_volume": 15, "use_case": "invoices"},
        ),
    ],
)
def test_what_is_agreed_to_counts_as_said(line: str, said: str, values: dict[str, Any]) -> None:
    listener = Listener(SALES)
    listener.agent_said(line)
    listener.user_said("1", said, 2.5)

    found, mentions = listener.result()

    assert {k: v for k, v in found.items() if k != "qualification_tier"} == values
    assert all((m.item_id, m.at) == ("1", 2.5) for m in mentions)
    assert all(m.text in said for m in mentions)
