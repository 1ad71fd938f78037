"""Masks take the place of values, the same for the same value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

from livekit_plugins_analytics.redaction import (
    ENTITIES,
    Masks,
    RedactionError,
    Redactor,
    Several,
    Span,
    redactor,
)

ALL = redactor(ENTITIES)


class Words:
    """A team's own redactor: finds every occurrence of some words."""

    def __init__(self, **words: str) -> None:
        self._words = words

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(self._words)

    def find(self, text: str) -> Iterable[Span]:
        for entity, word in self._words.items():
            at = text.find(word)
            while at >= 0:
                yield Span(at, at + len(word), entity)
                at = text.find(word, at + 1)


class Folded(Words):
    """One that knows how names are written, and of nicks nothing."""

    def canonical(self, entity: str, text: str) -> str:
        return {"name": text.lower()}[entity]


class Broken(Words):
    """One that breaks its promise."""

    def find(self, text: str) -> Iterable[Span]:
        raise OSError("its server is away")


@pytest.mark.parametrize(
    "texts",
    [
        (
            "415-555-0123",
            "(415) 555 0123",
            "+1 415.555.0123",
            "4155550123",
            "call four one five, five five five, oh one two three",
            "plus one four one five triple five zero one twenty three",
        ),
        ("+44 20 7946 0958", "plus four four two oh seven nine four six zero nine five eight"),
        (
            "john.smith@acme.com",
            "John.Smith@ACME.com",
            "john dot smith at acme dot com",
            "my email is john dot smith at acme, dot com",
        ),
        ("it's j_doe9@gmail.com", "it's j underscore doe nine at gmail dot com"),
        ("card 4242 4242 4242 4242", "card four two four two, 4242, forty two forty two, 4242"),
        ("DE89 3704 0044 0532 0130 00", "iban de89370400440532013000"),
        ("ssn 212-33-4567", "my social is two one two, thirty three, forty five sixty seven"),
        ("10.0.0.12", "ten dot zero dot zero dot twelve"),
        ("host 2001:db8::1", "host 2001:0DB8:0:0:0:0:0:1"),
        ("two hundred five dot one dot one dot one", "205.1.1.1"),
    ],
)
def test_the_same_value_has_the_same_mask_however_it_is_said(texts: tuple[str, ...]) -> None:
    masks = Masks(ALL)

    masked = [masks.text(t) for t in texts]

    assert all("-1]" in m for m in masked), masked
    assert sum(masks.counts.values()) == len(texts)


def test_other_values_have_other_masks() -> None:
    masks = Masks(ALL)

    assert (
        masks.text("415-555-0123 or 415-555-0124, a@b.com") == "[phone-1] or [phone-2], [email-1]"
    )
    assert masks.text("415 555 0124, c@b.com") == "[phone-2], [email-2]"
    assert masks.counts == {"email": 2, "phone": 3}


def test_masks_without_numbers() -> None:
    masks = Masks(ALL, stable=False)

    assert masks.text("415-555-0123 or 415-555-0124") == "[phone] or [phone]"
    assert masks.text("[phone] or 415-555-0125") == "[phone] or [phone]"


def test_redacting_twice_changes_nothing_and_gives_no_number_twice() -> None:
    once = Masks(ALL).text("call 415-555-0123 or 415-555-0124")

    again = Masks(ALL)

    assert again.text(once) == once
    assert again.text("and 415-555-0125") == "and [phone-3]"
    assert again.counts == {"phone": 1}


def test_numbers_that_come_later_in_a_value_are_not_given_away_before() -> None:
    masked = Masks(ALL).value({"said": "415-555-0123", "before": ["[phone-2]", {"[phone-1]": 1}]})

    assert masked == {"said": "[phone-3]", "before": ["[phone-2]", {"[phone-1]": 1}]}


def test_what_only_looks_like_a_mask_hides_nothing() -> None:
    masks = Masks(ALL)

    assert masks.text("[call-4155550123] [phone-0] [phone-4155550123]") == (
        "[call-[phone-1]] [phone-0] [phone-[phone-1]]"
    )


def test_a_value_is_walked_with_its_keys() -> None:
    value = {
        "phone_number": 4155550123,
        "note": "call 415-555-0123",
        "jo@example.com": {"calls": [("a@example.com", None), True, 12]},
        "card": 4242424242424242.0,
        "huge": 10**5_000,
        "ratio": 1732295131.5,
        "none": math.nan,
        "order_number": "4155550124",
        "orderId": 4155550125,
        "startedAt": 1732295131,
        7: "x",
    }

    masked = Masks(ALL).value(value)

    assert math.isnan(masked.pop("none"))
    assert masked == {
        "phone_number": "[phone-1]",
        "note": "call [phone-1]",
        "[email-1]": {"calls": [["[email-2]", None], True, 12]},
        "card": "[card-1]",
        "huge": 10**5_000,
        "ratio": 1732295131.5,
        "order_number": "4155550124",
        "orderId": 4155550125,
        "startedAt": 1732295131,
        7: "x",
    }
    assert value["phone_number"] == 4155550123


def test_keys_that_masks_make_the_same_stay_apart() -> None:
    masked = Masks(ALL, stable=False).value({"a@b.com": 1, "c@d.com": 2, "e@f.com": 3})

    assert sorted(masked.values()) == [1, 2, 3]
    assert all(k.startswith("[email]") for k in masked)


def test_what_was_said_before_tells_what_a_number_is() -> None:
    masks = Masks(ALL)
    answer = "one two three four five six seven eight nine"

    assert masks.text(answer) == answer
    assert masks.text(answer, before="And what is your social security number?") == "[ssn-1]"
    assert masks.text("4155550123", before="What's the order number?") == "4155550123"
    assert masks.text("555 0123", before="Which phone?") == "[phone-1]"


def test_what_was_said_before_is_not_part_of_a_value() -> None:
    masks = Masks(ALL)

    assert masks.text("at acme dot com", before="john dot smith") == "at acme dot com"
    assert masks.text("0123", before="415 555") == "0123"


def test_a_redactor_of_ones_own() -> None:
    own = Words(name="Ada", place="Bath")
    masks = Masks(Several(redactor("phone"), own))

    assert isinstance(own, Redactor)
    assert (
        masks.text("Ada in Bath, 415-555-0123, Ada") == "[name-1] in [place-1], [phone-1], [name-1]"
    )
    assert masks.text("ADA") == "ADA"


def test_spans_that_overlap_are_one_mask_named_by_the_longest() -> None:
    masks = Masks(Words(short="Ada", long="da Lovelace", inner="Love"))

    assert masks.text("Ada Lovelace!") == "[long-1]!"


def test_a_span_across_a_mask_leaves_the_mask() -> None:
    masks = Masks(Words(name="Ada ||||||||| Lovelace"))

    assert masks.text("so Ada [phone-1] Lovelace") == "so [name-1][phone-1][name-2]"


def test_spans_before_and_after_masks() -> None:
    masks = Masks(Words(name="Ada"))

    assert masks.text("Ada [name-4] Ada [phone-1][phone-2] Ada") == (
        "[name-5] [name-4] [name-5] [phone-1][phone-2] [name-5]"
    )


def test_a_redactor_may_know_when_two_texts_say_the_same() -> None:
    masks = Masks(Several(Folded(name="Ada"), Words(nick="ADA"), redactor("phone", region="GB")))

    assert masks.text("Ada, ADA, 020 7946 0958, +44 20 7946 0958") == (
        "[name-1], [nick-1], [phone-1], [phone-1]"
    )
    assert Masks(Folded(name="Ada", nick="Bea")).text("Bea Ada Bea") == "[nick-1] [name-1] [nick-1]"


def test_spans_that_are_odd_hide_what_they_can() -> None:
    class Odd(Words):
        def find(self, text: str) -> Iterable[Span]:
            return [
                Span(-3, 2, "name"),
                Span(9, 4, "name"),
                Span(6, 6, "name"),
                Span(8, 99, "name"),
            ]

    masks = Masks(Odd(name="Ada"))

    assert masks.text("0123456789") == "[name-1]234567[name-2]"
    assert Masks(Odd(other="Ada")).text("0123456789") == "[unchecked]"


@pytest.mark.parametrize("name", ["PERSON", "code-2", "", "two words"])
def test_an_entity_that_cannot_be_a_mask_is_refused(name: str) -> None:
    with pytest.raises(RedactionError, match="cannot be a mask: write lower-case letters"):
        Masks(Words(**{name: "Ada"}))


def test_of_a_redactor_that_raises_nothing_leaves() -> None:
    masks = Masks(Broken(name="Ada"))

    assert masks.value(["Ada", "", 7]) == ["[unchecked]", "", "[unchecked]"]
    assert masks.counts == {"unchecked": 2}


def test_values_in_other_scripts_keep_apart() -> None:
    masks = Masks(ALL)

    assert masks.text("почта@пример.рф и другая@пример.рф") == "[email-1] и [email-2]"


@pytest.mark.parametrize("value", [None, True, False, 1.5, 7, "", [], {}])
def test_what_holds_nothing_stays(value: Any) -> None:
    assert Masks(ALL).value(value) == value
