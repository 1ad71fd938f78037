"""No text and no rule can hold the loop, or raise."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livekit_plugins_analytics.signals import (
    Computed,
    Condition,
    Listener,
    PackError,
    Rule,
    RuleSet,
    Signal,
)
from livekit_plugins_analytics.signals.engine import (
    MAX_PROGRAM,
    Pattern,
    PatternError,
    Prefilter,
)
from livekit_plugins_analytics.signals.rule import CHECKS
from livekit_plugins_analytics.signals.text import MAX_CHARS, MAX_PLAIN, Rewritten, clean, split
from livekit_plugins_analytics.signals.utterance import Utterance

SALES = RuleSet.load("sales")

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


def test_a_text_is_cut_at_a_sentence_a_space_or_anywhere() -> None:
    assert [p for _, p in split("ab. cd ef", 5)] == ["ab.", " cd ", "ef"]
    assert [p for _, p in split("abcdefgh", 5)] == ["abcde", "fgh"]


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


_SIGNALS = [
    Signal(name="size", type="integer", minimum=1, questions=("how many",), barriers=("for",)),
    Signal(name="first", type="number", fold="first", unless=("not",)),
    Signal(name="most", type="integer", fold="largest"),
    Signal(name="tools", type="list", questions=("which",)),
    Signal(name="kind", type="text"),
]
_NUMBERS = st.sampled_from(["{n}", "{n} {gap2}", "(?:a )?{n}[a-z ]*", "{n} (?:{n} )?"])


@st.composite
def _rules(draw: st.DrawFn, name: str) -> Rule:
    signal = draw(st.sampled_from(_SIGNALS))
    numeric = signal.type in ("integer", "number")
    written = draw(st.lists(_PATTERNS, min_size=1, max_size=3))
    options: dict[str, Any] = {}
    if numeric and draw(st.booleans()):
        prefix = draw(_NUMBERS)
        written = [prefix + p for p in written]
        options["range"] = draw(st.sampled_from(["low", "high", "middle"]))
        options["per"] = draw(st.sampled_from([None, "asked", "week"]))
    elif draw(st.booleans()):
        written = [p + "{gap1}{value}" for p in written]
        options["values"] = "kinds"
    else:
        options["value"] = 3 if numeric else "x"
    if draw(st.booleans()):
        options["near"] = (draw(_PATTERNS),)
    if draw(st.booleans()):
        options["unless"] = (draw(_PATTERNS),)
    if draw(st.booleans()):
        options["negated"] = 1 if numeric else "y"
    options["when"] = draw(st.sampled_from(["always", "asked", "answered"]))
    if options["when"] == "answered":
        options["answers"] = "size"
    return Rule(
        name=name,
        signal=signal.name,
        patterns=tuple(written),
        add=draw(st.integers(0, 2)),
        weight=draw(st.integers(0, 3)),
        checks=tuple(draw(st.sets(st.sampled_from(CHECKS)))),
        **options,
    )


@st.composite
def _packs(draw: st.DrawFn) -> RuleSet | None:
    """Any pack that is accepted; None for one that is refused."""
    rules = [draw(_rules(f"r{i}")) for i in range(draw(st.integers(1, 4)))]
    try:
        return RuleSet(
            name="any",
            version=1,
            signals=_SIGNALS,
            rules=rules,
            values={"kinds": {"k1": ["a", "reps?"], "k2": ["b+"]}},
            units={"week": Fraction(52, 12)},
            computed=[Computed("tier", (("big", (Condition.parse("size >= 5"),)),))],
        )
    except PackError as error:
        assert error.rule is not None
        return None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_packs(), st.lists(st.tuples(st.sampled_from("auf"), _TEXTS), max_size=4))
def test_any_pack_takes_any_dialogue(rules: RuleSet | None, turns: list[tuple[str, str]]) -> None:
    if rules is None:
        return
    listener = Listener(rules)
    for number, (who, text) in enumerate(turns):
        if who == "a":
            listener.agent_said(text)
        elif who == "u":
            listener.user_said(str(number % 3), text)
        else:
            listener.user_final(text)
    values, mentions = listener.result()
    assert set(values) <= {*rules.signals, "tier"}
    assert all(
        m.status in ("affirmed", "negated", "hypothetical", "someone_else") for m in mentions
    )
    assert (values, mentions) == listener.result()


@given(_PATTERNS, _TEXTS)
def test_the_work_of_a_pattern_is_bounded(pattern: str, text: str) -> None:
    """RE2 takes at most so many steps as instructions times characters, whatever they are."""
    try:
        compiled = Pattern(pattern)
    except PatternError as error:
        assert error.problem and error.column >= 1
        return
    assert compiled.size <= MAX_PROGRAM
    for _, piece in split(text):
        utterance = Utterance(piece)
        assert len(utterance.text) <= MAX_PLAIN
        assert all(
            0 <= a <= b <= len(utterance.data)
            for a, b in Prefilter([compiled]).spans(utterance.data)
        )


CATASTROPHIC = [
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
]


@pytest.mark.parametrize("pattern", CATASTROPHIC)
@pytest.mark.parametrize("text", ["a" * 10_000, "x" * 10_000, "1," * 5_000, " " * 10_000])
def test_catastrophic_patterns_are_refused_or_harmless(pattern: str, text: str) -> None:
    try:
        rules = pack(pattern)
    except PackError as error:
        assert "column" in str(error) and "r1" in str(error)
        return
    listener = Listener(rules)

    # A backtracking engine would not come back from some of these.
    listener.user_said("1", text)

    assert Pattern(pattern).size * MAX_CHARS <= MAX_PROGRAM * MAX_CHARS


def test_a_caller_who_names_everything_makes_no_more_mentions_than_a_turn_may() -> None:
    text = "salesforce hubspot errors we send 100 proposals a month team of 25 urgent " * 50
    listener = Listener(SALES)

    listener.user_said("1", text[:MAX_CHARS])

    assert 20 < len(listener.result()[1]) < 200


def test_a_sign_that_is_a_sentence_is_a_space() -> None:
    assert clean("a\ufdfab").text == "a b"


def test_what_cannot_be_printed_is_a_space() -> None:
    assert clean("A\x00b\tc").text == "a b c"


def test_a_part_of_a_replaced_span_counts_as_the_whole() -> None:
    rewritten = Rewritten("a dozen reps", [(0, 7, "12")])

    assert rewritten.text == "12 reps"
    assert rewritten.before(0, 1) == rewritten.before(1, 2) == (0, 7)
    assert rewritten.before(2, 7) == (7, 12)


def pack(pattern: str) -> RuleSet:
    return RuleSet(
        name="p",
        version=1,
        signals=[Signal(name="s", type="text")],
        rules=[Rule(name="r1", signal="s", patterns=(pattern,), value="v")],
    )
