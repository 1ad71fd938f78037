"""What is heard: turns, finals, revisions, questions."""

from __future__ import annotations

from typing import Any

import pytest

from livekit_plugins_analytics.signals import Listener, Rule, RuleSet, Signal


@pytest.fixture
def listener() -> Listener:
    return Listener(RuleSet.load("sales"))


def values(listener: Listener) -> dict[str, Any]:
    found = listener.result()[0]
    return {k: v for k, v in found.items() if k != "qualification_tier"}


def test_a_mention_carries_its_evidence(listener: Listener) -> None:
    listener.user_said("item_3", "We have a Team of Twenty Five.", 12.5)

    (mention,) = listener.result()[1]

    assert (mention.name, mention.value, mention.status) == ("team_size", 25, "affirmed")
    assert (mention.rule, mention.text) == ("team-of-n", "Team of Twenty Five")
    assert (mention.item_id, mention.at, mention.asked) == ("item_3", 12.5, False)
    assert mention.chosen


def test_the_agents_words_are_context_only(listener: Listener) -> None:
    listener.agent_said("So a team of 40 on Salesforce. How many people are on your team?")
    listener.user_said("1", "twelve")

    assert values(listener) == {"team_size": 12}
    assert listener.result()[1][0].asked


def test_a_revised_turn_replaces_its_predecessor(listener: Listener) -> None:
    listener.user_said("1", "We have fifteen reps")
    listener.user_said("1", "We have fifty reps")

    assert values(listener) == {"team_size": 50}
    assert len(listener.result()[1]) == 1


def test_a_correction_follows_the_revised_turn(listener: Listener) -> None:
    listener.user_said("1", "We have a team of twenty")
    listener.user_said("2", "sorry, thirty not twenty five")
    listener.user_said("1", "We have a team of twenty five")

    assert values(listener) == {"team_size": 30}


def test_finals_of_a_committed_turn_count_once(listener: Listener) -> None:
    listener.user_final("We have twenty")
    listener.user_final("five reps")
    listener.user_said("1", "We have twenty five reps")

    assert [m.value for m in listener.result()[1]] == [25]


def test_a_late_final_of_a_committed_turn_counts_once(listener: Listener) -> None:
    listener.user_said("1", "We use Slack")
    listener.user_final("we use Slack.")

    assert len(listener.result()[1]) == 1


def test_finals_that_no_turn_covers_are_joined(listener: Listener) -> None:
    listener.user_final("we send a hundred")
    listener.user_final("proposals a month")

    assert values(listener) == {"monthly_volume": 100, "use_case": "sales_proposals"}


def test_finals_before_another_turn_are_kept(listener: Listener) -> None:
    listener.user_final("we are on HubSpot")
    listener.agent_said("And your team?")
    listener.user_said("1", "There are nine of us")

    assert values(listener) == {"integration_needs": ["hubspot"], "team_size": 9}


def test_the_result_may_be_asked_for_at_any_time(listener: Listener) -> None:
    listener.user_final("we use Slack")
    assert listener.result() == listener.result()
    listener.user_said("1", "we use Slack")

    assert len(listener.result()[1]) == 1


def test_a_later_negation_takes_a_value_back(listener: Listener) -> None:
    listener.user_said("1", "We use Salesforce and Slack")
    listener.user_said("2", "Actually we don't use Slack anymore")

    assert values(listener) == {"integration_needs": ["salesforce"]}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("we don't use salesforce", "negated"),
        ("what if we had salesforce", "hypothetical"),
        ("my last company used salesforce", "someone_else"),
        ("we use salesforce", "affirmed"),
        ("our customers say we need salesforce", "affirmed"),
        ("our customers use salesforce", "someone_else"),
        ("does it do salesforce? that's our crm", "affirmed"),
        ("does it do salesforce?", "hypothetical"),
        ("it's no good without salesforce", "affirmed"),
        ("they didn't do salesforce, which we need", "affirmed"),
        ("salesforce? we tried it and dropped it", "negated"),
        ("we'll look at salesforce by next year", "hypothetical"),
        ("thirty reps would be nice", "hypothetical"),
    ],
)
def test_the_status_says_why(listener: Listener, said: str, status: str) -> None:
    listener.user_said("1", said)

    assert [m.status for m in listener.result()[1]] == [status]


def test_a_session_has_an_end(listener: Listener) -> None:
    for number in range(20_001):
        listener.user_said(str(number), "hm")
    listener.user_said("one more", "we use Slack")

    assert listener.dropped == 2
    assert listener.result() == ({}, [])


def test_finals_have_an_end_too(listener: Listener) -> None:
    for number in range(20_002):
        listener.user_final(f"word{number}")

    assert listener.dropped == 2


def test_a_mention_is_a_line_of_the_record(listener: Listener) -> None:
    listener.user_said("1", "we use Slack", "2026-01-01T00:00:00.000Z")

    assert listener.result()[1][0].line() == {
        "name": "integration_needs",
        "value": "slack",
        "status": "affirmed",
        "chosen": True,
        "rule": "slack",
        "item_id": "1",
        "at": "2026-01-01T00:00:00.000Z",
        "text": "Slack",
        "asked": False,
    }


def test_a_correction_beyond_the_caps_is_none(listener: Listener) -> None:
    listener.user_said("1", "we have twenty reps")
    listener.user_said("2", "sorry, five million")

    assert values(listener) == {"team_size": 20}


def test_a_negation_may_have_a_value_of_its_own() -> None:
    rules = RuleSet(
        name="p",
        version=1,
        signals=[Signal(name="mood", type="text")],
        rules=[Rule(name="r", signal="mood", patterns=("happy",), value="good", negated="bad")],
    )
    listener = Listener(rules)
    listener.user_said("1", "I'm not happy")

    assert listener.result()[0] == {"mood": "bad"}


def test_they_are_whoever_was_named_before(listener: Listener) -> None:
    listener.user_said("1", "My brother has a firm. They use Slack, they have 30 people")
    listener.user_said("2", "Our reps are spread out, they're 40 reps now")

    assert values(listener) == {"team_size": 40}


def test_the_tier_follows_from_the_values(listener: Listener) -> None:
    assert listener.result()[0] == {}
    listener.user_said("1", "There are four of us")
    assert listener.result()[0]["qualification_tier"] == "self_serve"
    listener.user_said("2", "sorry, five")
    assert listener.result()[0]["qualification_tier"] == "qualified"
