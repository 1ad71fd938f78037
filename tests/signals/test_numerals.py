"""Numbers are read as people say them."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from livekit_plugins_analytics.signals import (
    Listener,
    PackError,
    Rule,
    RuleSet,
    Signal,
    languages,
)
from livekit_plugins_analytics.signals.languages import numerals_of
from livekit_plugins_analytics.signals.numerals import numerals
from livekit_plugins_analytics.signals.pack import parse


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("fifty to a hundred", ["50-100"]),
        ("10k", ["10000"]),
        ("2.5k", ["2500"]),
        ("a couple dozen", ["24"]),
        ("a couple of hundred", ["200"]),
        ("half a million", ["500000"]),
        ("a quarter of a million", ["250000"]),
        ("half a dozen", ["6"]),
        ("1,500", ["1500"]),
        ("1.5 million", ["1500000"]),
        ("two point five million", ["2500000"]),
        ("two and a half thousand", ["2500"]),
        ("fifteen hundred", ["1500"]),
        ("one fifty", ["150"]),
        ("nineteen ninety nine", ["1999"]),
        ("fifteen fifteen", ["15", "15"]),
        ("twenty-odd", ["20"]),
        ("25+", ["25"]),
        ("thirty or so", ["30"]),
        ("two or three hundred", ["200-300"]),
        ("10 to 15k", ["10000-15000"]),
        ("between a hundred and two hundred", ["100-200"]),
        ("between 5 and 10 thousand", ["5000-10000"]),
        ("thirty not twenty five", ["30", "25"]),
        ("ten, maybe twelve", ["10", "12"]),
        ("a hundred and two", ["102"]),
        ("no one", []),
        ("five to", ["5"]),
        ("five point", ["5"]),
        ("two hundred hundred", ["200"]),
        ("two thousand three thousand", ["2000", "3000"]),
        ("two million three thousand", ["2003000"]),
        ("twenty one of us", ["21"]),
        ("2 and a half thousand", ["2500"]),
        ("three hundred and change", ["300"]),
        ("a hundred and ten's fair", ["110"]),
        ("10,000, give or take", ["10000"]),
        ("1,2345", ["1", "2345"]),
        ("one of our clients", []),
        ("at 5pm", []),
        ("b2b", []),
        ("10:30", []),
        ("hundreds of people", []),
    ],
)
def test_english(said: str, read: list[str]) -> None:
    assert [n.text for n in numerals(said)] == read


def test_num2words_comes_back_up_to_two_thousand() -> None:
    for number in range(2_001):
        _returns(number)


@pytest.mark.parametrize("thousand", range(0, 1_000_000, 100_000))
def test_num2words_comes_back_everywhere(thousand: int) -> None:
    for number in [*range(thousand, thousand + 100_001, 97), thousand + 100_000]:
        _returns(number)


@given(st.integers(0, 1_000_000))
def test_num2words_comes_back(number: int) -> None:
    _returns(number)


def _returns(number: int) -> None:
    words = num2words(number)
    (numeral,) = numerals(words)
    assert numeral.low == number == numeral.high
    assert (numeral.start, numeral.end) == (0, len(words))


@given(st.text(st.sampled_from("0123456789,.-k to and half a one fifty hundred")))
def test_spans_are_in_order_and_inside_the_text(text: str) -> None:
    at = 0
    for numeral in numerals(text):
        assert at <= numeral.start < numeral.end <= len(text)
        assert numeral.low <= numeral.high
        at = numeral.end


@pytest.mark.parametrize(
    ("language", "said", "read"),
    [
        ("fr", "nous sommes vingt-cinq personnes", ["25"]),
        ("de", "wir sind fünfundzwanzig leute", ["25"]),
        ("es", "somos veinticinco personas", ["25"]),
        ("fr", "2.000 devis", ["2000"]),
        ("fr", "2,5 fois, un client sur vingt", ["2.5", "20"]),
        ("de", "ein team von zwei", ["2"]),
        ("xx", "fünf 6", ["6"]),
    ],
)
def test_other_languages(language: str, said: str, read: list[str]) -> None:
    assert [n.text for n in numerals_of(said, language)] == read


def test_a_pack_in_another_language_reads_its_numbers() -> None:
    rules = RuleSet(
        name="equipe",
        version=1,
        language="fr",
        signals=[Signal(name="taille", type="integer")],
        rules=[Rule(name="r", signal="taille", patterns=("nous sommes {n}",))],
    )
    listener = Listener(rules)
    listener.agent_said("Vous êtes combien?")
    listener.user_said("1", "Nous sommes vingt-cinq, oui")

    assert listener.result()[0] == {"taille": 25}


def test_without_the_extra_digits_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "text_to_num", None)  # as if it were not installed
    languages._converter.cache_clear()
    try:
        assert [n.text for n in numerals_of("vingt 5", "fr")] == ["5"]
        with pytest.raises(PackError, match=r"livekit-plugins-analytics\[languages\]"):
            parse('name = "p"\nlanguage = "fr"')
    finally:
        languages._converter.cache_clear()
