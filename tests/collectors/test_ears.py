"""The caller's words reach the rules, whenever these are ready, and nothing is read on the loop."""

from __future__ import annotations

import threading

import pytest
from livekit.agents import UserInputTranscribedEvent

from livekit_plugins_analytics.collectors import ears as module
from livekit_plugins_analytics.collectors.ears import Ears
from livekit_plugins_analytics.reading import Heard, Reading, Say
from livekit_plugins_analytics.rulebook import Rules, ready
from livekit_plugins_analytics.signals import PackError, RuleSet

from .events import message


@pytest.fixture(scope="module")
def pack() -> RuleSet:
    return RuleSet.load("sales")


def ears_with(rules: Rules) -> Ears:
    def failed(where: str, error: BaseException) -> None:
        raise AssertionError(where) from error

    return Ears(Reading(rules, failed))


def heard(ears: Ears, wait: float = 0.0) -> Heard:
    hear = ears.heard()
    assert hear is not None
    found = hear(wait)
    assert found is not None
    return found


def values(ears: Ears) -> list[tuple[str, object]]:
    return [(m.name, m.value) for m in heard(ears).mentions]


def final(text: str) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(transcript=text, is_final=True)


def test_the_agents_question_is_context_and_no_source(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    ears.on_message(message("assistant", "How many people are on your team? Twenty?", at=1))
    ears.on_message(message("user", "twelve", at=2))
    found = heard(ears)
    (mention,) = found.mentions
    assert (mention.name, mention.value, mention.asked) == ("team_size", 12, True)
    assert found.rules is pack and not found.deaf


def test_what_was_said_before_the_rules_were_ready_is_not_missed(pack: RuleSet) -> None:
    rules = Rules()
    ears = ears_with(rules)
    ears.on_message(message("user", "we are a team of 25", at=1))
    early = ears.heard()
    assert early is not None and early(0.0) is None
    ears.on_message(message("user", "we use salesforce", at=2))
    rules.set_result(pack)
    assert values(ears) == [("team_size", 25), ("integration_needs", "salesforce")]


def test_a_call_that_is_over_first_waits_for_its_rules(pack: RuleSet) -> None:
    rules = Rules()
    ears = ears_with(rules)
    ears.on_message(message("user", "we are a team of 25", at=1))
    hear = ears.heard()
    assert hear is not None
    compiled = threading.Thread(target=rules.set_result, args=(pack,))
    compiled.start()
    found = hear(30.0)
    compiled.join()
    assert found is not None and [m.value for m in found.mentions] == [25]


def test_what_comes_after_the_moment_is_not_in_it(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    ears.on_message(message("user", "we are a team of 25", at=1))
    hear = ears.heard()
    ears.on_message(message("user", "after the close: we use salesforce", at=2))
    assert hear is not None
    found = hear(0.0)
    assert found is not None and [m.name for m in found.mentions] == ["team_size"]


def test_nothing_is_read_twice(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    ears.on_message(message("user", "we are a team of 25", at=1))
    first = heard(ears)
    ears.on_message(message("user", "and we use salesforce", at=2))
    second = heard(ears)
    assert second.mentions[0] is first.mentions[0]
    assert len(second.mentions) == 2


def test_a_final_that_no_turn_covers_counts(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    ears.on_final(final("we use Salesforce"))
    ears.on_message(message("user", "we use salesforce", at=2))
    ears.on_final(final("and we are a team of nine"))
    assert values(ears) == [("integration_needs", "salesforce"), ("team_size", 9)]


def test_a_revised_turn_replaces_its_predecessor(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    first, second = message("user", "a team of 50", at=1), message("user", "a team of 15", at=1)
    ears.on_message(first)
    ears.on_message(second.model_copy(update={"id": first.id}))
    assert values(ears) == [("team_size", 15)]


def test_system_prompts_are_nobodys_words(pack: RuleSet) -> None:
    ears = ears_with(ready(pack))
    ears.on_message(message("system", "The caller has a team of 50.", at=1))
    assert values(ears) == []


def test_switched_off_nothing_is_kept() -> None:
    ears = Ears(None)
    ears.on_message(message("user", "a team of 50", at=1))
    assert (ears.heard(), ears.dropped) == (None, 0)


def test_a_pack_that_cannot_be_used_costs_the_signals_only() -> None:
    rules = Rules()
    rules.set_exception(PackError("ours.toml", "not TOML"))
    ears = ears_with(rules)
    ears.on_message(message("user", "a team of 50", at=1))
    assert heard(ears) == Heard(deaf=True)


def test_what_cannot_be_read_is_told_and_costs_no_other_turn(pack: RuleSet) -> None:
    told: list[str] = []
    reading = Reading(ready(pack), lambda where, error: told.append(f"{where} {type(error)}"))

    def broken(_: object) -> None:
        raise ValueError

    said: list[Say | None] = [broken, lambda ears: ears.user_said("1", "a team of 25", 1.0)]
    found = reading.until(said, 2, 0.0)
    assert found is not None and [m.value for m in found.mentions] == [25]
    assert told == ["signals <class 'ValueError'>"]


def test_what_is_kept_is_bounded(pack: RuleSet) -> None:
    ears = ears_with(Rules())
    hello = message("assistant", "Hello", at=1)
    for _ in range(module._MAX_SAID + 3):
        ears.on_message(hello)
    assert ears.dropped == 3
