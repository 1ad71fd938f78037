"""No text and no rule can hold the loop, or raise."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livekit_plugins_analytics.signals import Listener, PackError, Rule, RuleSet, Signal
from livekit_plugins_analytics.signals.text import MAX_CHARS, clean, split

SALES = RuleSet.load("sales")

# Ten times the worst that was measured on a busy two-core machine.
_SECONDS = 2.0

_WORDS = st.sampled_from(
    [
        "we",
        "don't",
        "use",
        "salesforce",
        "hubspot",
        "slack",
        "team",
        "of",
        "twenty",
        "five",
        "reps",
        ",",
        ".",
        "?",
        "sorry",
        "not",
        "no",
        "if",
        "our",
        "a",
        "hundred",
        "proposals",
        "month",
        "per",
        "half",
        "million",
        "to",
        "and",
        "thirty",
        "10k",
        "$",
        "’",
        "\xa0",
        "é",
        "½",
        "�",
        "\u200b",
        "my",
        "last",
        "company",
        "had",
        "urgent",
        "manual",
        "process",
        "50-100",
        "привет",
        "我们",
        "١٢",
    ]
)
_TEXTS = st.one_of(
    st.text(st.characters()),
    st.text(st.characters(categories=("Cs", "Cf", "Nd", "Mn", "Zs"))),
    st.lists(_WORDS, max_size=80).map(" ".join),
)


@given(st.lists(st.tuples(st.sampled_from("auf"), _TEXTS), max_size=6))
def test_any_dialogue_is_taken(turns: list[tuple[str, str]]) -> None:
    listener = Listener(SALES)
    for number, (who, text) in enumerate(turns):
        if who == "a":
            listener.agent_said(text)
        elif who == "u":
            listener.user_said(str(number % 3), text)
        else:
            listener.user_final(text)
    values, mentions = listener.result()
    assert all(m.text.strip() or not m.text for m in mentions)
    assert set(values) <= {*SALES.signals, "qualification_tier"}


@given(_TEXTS)
def test_plain_text_knows_its_origin(text: str) -> None:
    plain = clean(text)
    for index in range(len(plain.text)):
        start, end = plain.origin(index, index + 1)
        assert 0 <= start < end <= len(text)


@given(st.text(max_size=3_000))
def test_pieces_are_bounded_and_lose_nothing(text: str) -> None:
    pieces = split(text)
    assert "".join(p for _, p in pieces) == text
    assert all(len(p) <= MAX_CHARS for _, p in pieces)


_PATTERNS = st.recursive(
    st.sampled_from(["a", "b ", "reps", r"\w", r"\d", ".", "{n}", "[a-z]", "é", "^", "$"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,5}", "{0,40}"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_PATTERNS, _TEXTS)
def test_any_valid_rule_reads_any_text(pattern: str, text: str) -> None:
    try:
        rules = pack(pattern)
    except PackError:
        return
    listener = Listener(rules)
    listener.user_said("1", text)
    listener.result()


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a+)+$",
        r"(?:a|aa)+$",
        r"(?:.*,){8}p",
        r"^(?:\w+\s?)+$",
        r"(?:\d+,?)+ people$",
        r".*.*=.*",
        r"\s+$",
        r"(?:x+x+)+y",
        r"(?:(?:a{1,50}){1,10}b)",
        r"(?:(?:(?:a{1,10}){1,10}){1,10})b",
        r"(?:\p{L}+\s?){1,100}",
    ],
)
@pytest.mark.parametrize("text", ["a" * 10_000, "x" * 10_000, "1," * 5_000, " " * 10_000])
def test_catastrophic_patterns_are_refused_or_harmless(pattern: str, text: str) -> None:
    try:
        rules = pack(pattern)
    except PackError as error:
        assert "column" in str(error) and "r1" in str(error)
        return
    listener = Listener(rules)

    begin = time.perf_counter()
    listener.user_said("1", text)

    assert time.perf_counter() - begin < _SECONDS


def test_a_caller_who_names_everything_does_not_hold_the_loop() -> None:
    text = "salesforce hubspot errors we send 100 proposals a month team of 25 urgent " * 50
    listener = Listener(SALES)

    begin = time.perf_counter()
    listener.user_said("1", text[:MAX_CHARS])

    assert time.perf_counter() - begin < _SECONDS


def pack(pattern: str) -> RuleSet:
    return RuleSet(
        name="p",
        version=1,
        signals=[Signal(name="s", type="text")],
        rules=[Rule(name="r1", signal="s", patterns=(pattern,), value="v")],
    )
