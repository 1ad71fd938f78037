"""The caller's words reach the rules, whenever these are ready."""

from __future__ import annotations

import pytest
from livekit.agents import UserInputTranscribedEvent

from livekit_plugins_analytics.collectors.ears import _MAX_WAITING, Ears
from livekit_plugins_analytics.rulebook import Rules, ready
from livekit_plugins_analytics.signals import PackError, RuleSet

from .events import message


@pytest.fixture(scope="module")
def pack() -> RuleSet:
    return RuleSet.load("sales")


def values(ears: Ears) -> list[tuple[str, object]]:
    return [(m.name, m.value) for m in ears.mentions()]


def final(text: str) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=True)


def test_the_agents_question_is_context_and_no_source(pack: RuleSet) -> None:
    ears = Ears(ready(pack))
    ears.on_message(message("assistant", "How many people are on your team? Twenty?", at=1))
    ears.on_message(message("user", "twelve", at=2))
    (mention,) = ears.mentions()
    assert (mention.name, mention.value, mention.asked) == ("team_size", 12, True)
    assert ears.rules is pack


def test_what_was_said_before_the_rules_were_ready_is_not_missed(pack: RuleSet) -> None:
    rules = Rules()
    ears = Ears(rules)
    ears.on_message(message("user", "we are a team of 25", at=1))
    assert ears.mentions() == [] and not ears.deaf
    rules.set_result(pack)
    ears.on_message(message("user", "we use salesforce", at=2))
    assert values(ears) == [("team_size", 25), ("integration_needs", "salesforce")]
    assert not ears.deaf


def test_a_final_that_no_turn_covers_counts(pack: RuleSet) -> None:
    ears = Ears(ready(pack))
    ears.on_final(final("we use Salesforce"))
    ears.on_message(message("user", "we use salesforce", at=2))
    ears.on_final(final("and we are a team of nine"))
    assert values(ears) == [("integration_needs", "salesforce"), ("team_size", 9)]


def test_a_revised_turn_replaces_its_predecessor(pack: RuleSet) -> None:
    ears = Ears(ready(pack))
    first, second = message("user", "a team of 50", at=1), message("user", "a team of 15", at=1)
    ears.on_message(first)
    ears.on_message(second.model_copy(update={"id": first.id}))
    assert values(ears) == [("team_size", 15)]


def test_system_prompts_are_nobodys_words(pack: RuleSet) -> None:
    ears = Ears(ready(pack))
    ears.on_message(message("system", "The caller has a team of 50.", at=1))
    assert ears.mentions() == []


def test_switched_off_nothing_is_kept() -> None:
    ears = Ears(None)
    ears.on_message(message("user", "a team of 50", at=1))
    assert (ears.mentions(), ears.rules, ears.deaf, ears.dropped) == ([], None, False, 0)


def test_a_pack_that_cannot_be_used_costs_the_signals_only() -> None:
    rules = Rules()
    ears = Ears(rules)
    ears.on_message(message("user", "a team of 50", at=1))
    rules.set_exception(PackError("ours.toml", "not TOML"))
    ears.on_message(message("user", "a team of 60", at=2))
    assert (ears.mentions(), ears.rules, ears.deaf, ears.dropped) == ([], None, True, 0)


def test_a_call_that_is_over_first_is_heard_later(pack: RuleSet) -> None:
    rules = Rules()
    ears = Ears(rules)
    ears.on_message(message("user", "we are a team of 25", at=1))
    late = ears.late()
    ears.on_message(message("user", "after the close: a team of 50", at=2))
    assert late is not None
    rules.set_result(pack)
    found, mentions = late()
    assert found is pack
    assert [(m.name, m.value) for m in mentions] == [("team_size", 25)]
    assert ears.late() is None


def test_a_pack_that_turns_out_unusable_later_has_heard_nothing() -> None:
    rules = Rules()
    late = Ears(rules).late()
    assert late is not None
    rules.set_exception(PackError("ours.toml", "not TOML"))
    assert late() == (None, [])


def test_what_waits_for_the_rules_is_bounded(pack: RuleSet) -> None:
    rules = Rules()
    ears = Ears(rules)
    for number in range(_MAX_WAITING + 3):
        ears.on_message(message("assistant", "Hello", at=number))
    assert ears.dropped == 3
    rules.set_result(pack)
    assert ears.mentions() == []
    assert ears.dropped == 3
