"""What stands beside a number, and how it is grouped, decides what it is."""

from __future__ import annotations

import pytest

from livekit_plugins_analytics.redaction import ENTITIES, Masks, redactor
from livekit_plugins_analytics.redaction.canonical import canonical

ALL = redactor(ENTITIES)


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        # An order's number stays, but for one that only a phone number is written like.
        ("order 4155550123", "order 4155550123"),
        ("order (415) 555-0123", "order [phone-1]"),
        ("order 77, and my number is 415 555 0123", "order 77, and my number is [phone-1]"),
        ("case 415 555 0123 is my cell", "case [phone-1] is my cell"),
        ("415 555 0123 dollars", "415 555 0123 dollars"),
        ("+1 415 555 0123 dollars", "[phone-1] dollars"),
        # Groups of other lengths are no phone number unless one is spoken of.
        ("2025 11 22 10", "2025 11 22 10"),
        ("call 2025 11 22 10", "call [phone-1]"),
        ("1998 2025 123", "1998 2025 123"),
        ("room 12 415 555 0123", "room 12 415 555 0123"),
        ("room 12, 415 555 0123", "room 12, [phone-1]"),
        ("order four one five, five five five, oh one two three", None),
        ("room six four one five five five five oh one two three", None),
        ("suite 12, 415 555 0123", "suite 12, [phone-1]"),
        ("twelve four one five five five five oh one two three", "twelve [phone-1]"),
        (
            "nineteen eighty four, nineteen eighty five",
            "nineteen eighty four, nineteen eighty five",
        ),
        ("plus one two two four five six seven eight", "[phone-1]"),
        ("plus one two three four", "plus one two three four"),
        # Extensions and what a number is named after.
        ("call 415-555-0123 x12", "call [phone-1] x12"),
        ("PA_4155550123 sip_4155550123", "PA_4155550123 sip_[phone-1]"),
        # A part of an address that has no name before it.
        ("is dot smith at gmail dot com", "is [email-1]"),
        ("dot smith at gmail dot com", "dot [email-1]"),
        ("smith. dot jones at gmail dot com", "smith. dot [email-1]"),
        ("at gmail dot com", "at gmail dot com"),
        ("me at gmail dot com", "me at gmail dot com"),
        ("email is dot at acme dot dot com", "email is dot at acme dot dot com"),
        ("this is john at acme dot com", "this is john at acme dot com"),
        ("write to jo. at acme dot com", "write to jo. at acme dot com"),
        ("john dot smith at dot com", "john dot smith at dot com"),
        ("john dot smith at one two three four five six dot com", "john dot smith at [x]"),
        # Addresses that are none.
        ("ip 1:2::3::4", "ip 1:2::3::4"),
        ("ip 300 dot 1 dot 1 dot 1", "ip 300 dot 1 dot 1 dot 1"),
        ("version one dot two dot three dot four", "version one dot two dot three dot four"),
        ("ip two hundred and one dot one dot two dot zero", "ip [ip-1]"),
        # Account numbers: the length is the country's, the check digits decide.
        ("DE89 3704 0044 0532 0130 0", "DE89 3704 0044 0532 0130 0"),
        ("ZZ89 3704 0044 0532 0130 00", "ZZ89 3704 0044 0532 0130 00"),
        ("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
        ("my iban is DE88 3704 0044 0532 0130 00", "my iban is [iban-1]"),
        # A misheard digit of a card.
        ("four two four two " * 3 + "four two four three", "[card-1]"),
        ("order " + "four two four two " * 3 + "four two four three", None),
        ("my card is 4242 4242 4242 4243", "my card is [card-1]"),
        ("4242 4242 4242 4243", "4242 4242 4242 4243"),
        ("\uff14\uff11\uff15-555-0123", "[phone-1]"),
        ("4\ufe0f\u20e31\ufe0f\u20e35\ufe0f\u20e3 555 0123 is my phone", "[phone-1] is my phone"),
    ],
)
def test_what_is_around_a_number_decides(said: str, masked: str | None) -> None:
    if masked is not None and "[x]" in masked:
        masked = said
    assert Masks(ALL).text(said) == (said if masked is None else masked)


@pytest.mark.parametrize(
    ("region", "said", "masked"),
    [
        ("GB", "oh two oh, seven nine four six, oh nine five eight", "[phone-1]"),
        ("GB", "020 7946 0958", "[phone-1]"),
        ("GB", "one two three four five six seven", "one two three four five six seven"),
        ("GB", "seven " * 20, "seven " * 20),
        ("DE", "ring 030 901820", "ring [phone-1]"),
    ],
)
def test_a_region_has_its_own_numbers(region: str, said: str, masked: str) -> None:
    assert Masks(redactor("phone", region=region)).text(said) == masked


@pytest.mark.parametrize(
    ("entity", "text", "form"),
    [
        ("phone", "nothing", "nothing"),
        ("phone", "12", "12"),
        ("ip", "1:2::3::4", "1:2::3::4"),
        ("ip", "010.001.0.1", "10.1.0.1"),
        ("name", "  Ada   LOVELACE ", "ada lovelace"),
        ("email", "Ünal@Example.com", "ünal@example.com"),
    ],
)
def test_what_is_read_by_nobody_is_at_least_written_alike(
    entity: str, text: str, form: str
) -> None:
    assert canonical(entity, text) == form
