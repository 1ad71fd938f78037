"""A record is a person's by what identifies callers, not by what somebody said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from livekit_plugins_analytics.erasure import Person

from .people import EMAIL, IDENTITY, PHONE, record


@pytest.mark.parametrize(
    "known",
    [
        {"emails": [EMAIL]},
        {"emails": [f" {EMAIL.upper()} "]},
        {"session_ids": ["j1"]},
        {"identities": [IDENTITY]},
        {"phones": [PHONE]},
        {"phones": ["0049 30 123456789"]},
        {"phones": ["+49 (30) 123-456-789"]},
        {"emails": ["nobody@x.example"], "session_ids": ["j1"]},
    ],
)
def test_one_thing_that_the_person_is_known_by_is_enough(known: dict[str, Any]) -> None:
    assert Person.of(**known).is_in(record("j1"))
    assert not Person.of(**known).is_in(record("m1", of="max"))


@pytest.mark.parametrize(
    "known",
    [
        {"emails": ["doe@acme.example"]},  # the end of another address
        {"phones": ["+49301234567"]},  # the beginning of another number
        {"phones": ["+30123456789"]},
        {"identities": ["sip_+49301234"]},
        {"session_ids": ["j"]},
    ],
)
def test_parts_of_a_persons_data_are_somebody_elses(known: dict[str, Any]) -> None:
    assert not Person.of(**known).is_in(record("j1"))


def test_an_email_counts_in_metadata_and_attributes_and_is_a_mention_elsewhere() -> None:
    person = Person.of(emails=[EMAIL])
    empty: dict[str, Any] = {"user_email": None, "participants": [], "user_metadata": {}}
    caller = {"identity": "c", "kind": "standard", "attributes": {"email": EMAIL.lower()}}
    assert person.is_in(record("j1", **{**empty, "user_metadata": {"a": [{"b": EMAIL}]}}))
    assert person.is_in(record("j1", **{**empty, "participants": [caller]}))
    elsewhere = record("j1", **empty)
    assert not person.is_in(elsewhere)
    assert person.is_mentioned_in(elsewhere)


def test_days_are_inclusive_and_the_callers_start_counts() -> None:
    person = Person.of(emails=[EMAIL], first=date(2026, 11, 20), last=date(2026, 11, 20))
    assert person.is_in(record("j1"))
    assert not person.is_in(record("j1", start_time="2026-11-19T23:59:59.999Z"))
    assert not person.is_in(record("j1", start_time="2026-11-21T00:00:00.000Z"))
    assert person.may_be_at("sessions/year=2026/month=11/day=20/x.json.gz")
    assert not person.may_be_at("sessions/year=2026/month=11/day=21/x.json.gz")
    assert person.may_be_at("a/file/without/days.json.gz")


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({}, "nobody is named"),
        ({"emails": ["jane"]}, "no email address"),
        ({"phones": ["110"]}, "no telephone number"),
        ({"session_ids": [" "]}, "empty"),
        ({"session_ids": ["x"], "first": date(2026, 2, 1), "last": date(2026, 1, 1)}, "after"),
    ],
)
def test_what_would_match_too_much_is_refused(known: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Person.of(**known)
