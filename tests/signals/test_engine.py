"""Patterns: macros, words' ends, what is refused."""

from __future__ import annotations

import pytest

from livekit_plugins_analytics.signals import Listener, PackError, Rule, RuleSet, Signal
from livekit_plugins_analytics.signals.engine import Pattern, PatternError, Prefilter, check


def found(pattern: str, text: str, **words: str) -> list[str]:
    return [m.group().decode() for m in Pattern(pattern, words).matches(text.encode())]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("rep|api", "rapid reports, api", ["api"]),
        ("rep(?:$|[.,])", "reps. rep. rep", ["rep.", "rep"]),
        (r"how\?|why", "whys how? show?", ["how?"]),
        (r"a \(b\)|y[|(]x", "a (b) y|x", ["a (b)", "y|x"]),
        ("Größe", "die große GROSSE grosse", ["grosse"]),
        ("привет", "привет", ["привет"]),
        ("{n}", "5-10, 1.5", ["5-10", "1.5"]),
        ("we {gap2}reps", "we have 9 reps. we have only 9 reps", ["we have 9 reps"]),
    ],
)
def test_a_pattern_matches_whole_words(pattern: str, text: str, matches: list[str]) -> None:
    assert found(pattern, text) == matches


def test_word_lists_may_name_others() -> None:
    assert found("{who}s", "two seniors, three bosses", who="{old}|boss", old="senior") == [
        "seniors"
    ]


@pytest.mark.parametrize(
    ("pattern", "problem", "column"),
    [
        ("x" * 1_001, "longer than", 1_001),
        ("a{who}", "no word list 'who'", 2),
        ("{loop}", "names itself", 1),
        ("a\\\ud800", "lone surrogate", 3),
        ("a*", "empty text", 1),
        ("foo(", "missing )", 4),
        ("a(?!b)", "lookaround", 2),
    ],
)
def test_a_wrong_pattern_is_refused_with_its_column(
    pattern: str, problem: str, column: int
) -> None:
    with pytest.raises(PatternError) as error:
        Pattern(pattern, {"loop": "{loop}"})

    assert problem in error.value.problem and error.value.column >= 1
    if problem != "lone surrogate":
        assert error.value.column == column


@pytest.mark.parametrize("words", ["a(", "a\\\ud800"])
def test_a_part_of_a_pattern_is_checked_too(words: str) -> None:
    with pytest.raises(PatternError):
        check(words)


def test_a_prefilter_finds_what_its_patterns_find() -> None:
    patterns = [Pattern(p) for p in ("slack", "{n} reps", "we .* use")]
    prefilter = Prefilter(patterns)

    assert prefilter.matching(b"we all use slack") == [0, 2]
    assert prefilter.any(b"9 reps") and not prefilter.any(b"nothing")
    assert prefilter.spans(b"9 reps on slack") == [(10, 15), (0, 6)]


def test_words_of_a_value_are_divided_where_they_are_too_many() -> None:
    words = [f"w{i}(?:a|b){{1,30}}x" for i in range(40)]
    rules = RuleSet(
        name="p",
        version=1,
        signals=[Signal(name="s", type="text")],
        rules=[Rule(name="r", signal="s", patterns=("{value}",), values="v")],
        values={"v": {"one": words}},
    )
    listener = Listener(rules)
    listener.user_said("1", "first w7abx")

    assert listener.result()[0] == {"s": "one"}
    with pytest.raises(PackError, match="instructions"):
        RuleSet(
            name="p",
            version=1,
            signals=[Signal(name="s", type="text")],
            rules=[Rule(name="r", signal="s", patterns=("{value}",), values="v")],
            values={"v": {"one": ["(?:(?:ab){1,30}c){1,30}"]}},
        )


def test_a_value_built_in_python_is_checked_too() -> None:
    rule = Rule(name="r", signal="s", patterns=("x",), value=["a"])

    with pytest.raises(PackError, match="a string, a number or a boolean"):
        RuleSet(name="p", version=1, signals=[Signal(name="s", type="list")], rules=[rule])


def test_there_is_an_end_to_rules() -> None:
    rule = Rule(name="r", signal="s", patterns=("x",), value=1)

    with pytest.raises(PackError, match="20000 rules"):
        RuleSet(name="p", version=1, signals=[], rules=[rule] * 20_001)


def test_one_pattern_matches_fifty_times_at_most() -> None:
    rules = RuleSet(
        name="p",
        version=1,
        signals=[Signal(name="s", type="integer", fold="largest")],
        rules=[
            Rule(name="r", signal="s", patterns=("a {n}",), range="middle", checks=()),
            Rule(name="plain", signal="s", patterns=("b",), value=3),
        ],
    )
    listener = Listener(rules)
    listener.user_said("1", "a 1 to 5, " + " ".join("b" for _ in range(60)))

    assert [m.value for m in listener.result()[1]] == [3] * 51
    assert "plain" in rules.unfiltered()
