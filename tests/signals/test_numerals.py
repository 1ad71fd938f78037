"""Numbers are read as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from livekit_plugins_analytics.signals.languages import numerals_of
from livekit_plugins_analytics.signals.numerals import numerals


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
    ],
)
def test_other_languages(language: str, said: str, read: list[str]) -> None:
    assert [n.text for n in numerals_of(said, language)] == read
