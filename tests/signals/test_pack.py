"""A wrong pack is refused, with the place of the fault."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.errors import SettingsError
from livekit_plugins_analytics.signals import PackError, RuleSet
from livekit_plugins_analytics.signals.place import locate

TOP = 'name = "p"\n[signals.size]\ntype = "integer"\n'
RULE = '[[rules]]\nname = "r"\nsignal = "size"\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            TOP + RULE + "patterns = ['foo(']\nvalue = 1",
            ["p.toml:7, rule 'r', column 17: missing )"],
        ),
        (
            TOP + RULE + "patterns = [\n  'fine',\n  'a(?=b)',\n]\nvalue = 1",
            ["p.toml:9, rule 'r', column 5", "lookaround"],
        ),
        (TOP + RULE + r"patterns = ['x(a)\1']" + "\nvalue = 1", ["p.toml:7", "'r'", "column 18"]),
        (TOP + RULE + r'patterns = ["\\d \u0041(b"]' + "\nvalue = 1", ["p.toml:7", "column 24"]),
        (TOP + RULE + "patterns = ['{n} {who}']", ["p.toml:7", "'r'", "column 18", "'who'"]),
        (
            TOP + "unless = ['b(']\n[words]\nwho = ['x', 'a(']",
            ["p.toml:6, rule 'words.who', column 15: missing )"],
        ),
        (TOP + "unless = ['b(']", ["p.toml:4, rule 'signals.size', column 13"]),
        (TOP + "[values.v]\none = ['(']", ["p.toml:5, rule 'values.v.one', column 9"]),
        (TOP + "[values.v]\none = []", ["values.v.one is empty"]),
        (TOP + "[values]\nv = 1", ["values.v must be a table"]),
        (TOP + "[words]\nwho = 1", ["words.who must be"]),
        (TOP + "[words]\na = '{b}'\nb = '{a}'\n" + RULE + "patterns = ['{a}']\nvalue = 1", ["'b'"]),
        (TOP + RULE + "patterns = ['{value}']\nvalues = 'v'", ["'r'", "'v'"]),
        (
            TOP.replace("integer", "text")
            + "[values.v]\none = 'a'\n"
            + RULE
            + "patterns = ['b']\nvalues = 'v'",
            ["{value}"],
        ),
        (TOP + RULE + "patterns = ['b']\nvalues = 1", ["values must be"]),
        (TOP + RULE + "patterns = ['b']\nvalue = 'x'", ["size is integer", "must be a number"]),
        (
            TOP + "[values.v]\none = 'a'\n" + RULE + "patterns = ['{value}']\nvalues = 'v'",
            ["texts"],
        ),
        ('name = "p"\n[signals.x]\ntype = "text"\nfold = "largest"', ["signals.x", "for numbers"]),
        (TOP + RULE + "patterns = ['b']\nvalue = 1\nwhen = 'answered'", ["answers"]),
        (TOP + RULE + "patterns = ['b']\nvalue = 1\nanswers = 'size'", ["answers"]),
        (TOP + RULE + "patterns = ['a*']\nvalue = 1", ["'r'", "empty text"]),
        (TOP + RULE + "patterns = ['reps']", ["'r'", "{n}"]),
        (TOP + RULE + "patterns = ['{n}']\nper = 'week'", ["'r'", "'week'"]),
        (TOP + RULE + "patterns = ['(?:(?:a{1,50}){1,10}b){1,10}']\nvalue = 1", ["'r'", "column"]),
        (TOP + RULE + "pattern = 'x'", ["'r'", "'pattern'"]),
        (TOP + RULE + "patterns = [1]", ["'r'", "patterns"]),
        (TOP + RULE + "patterns = ['{n}']\nwhen = 'never'", ["'r'", "always, asked"]),
        (TOP + RULE + "patterns = ['{n}']\nchecks = ['mood']", ["'r'", "'mood'"]),
        (TOP + RULE + "patterns = ['{n}']\n" + RULE + "patterns = ['{n}']", ["'r'", "second rule"]),
        (
            TOP + RULE.replace('"size"', '"other"') + "patterns = ['x']\nvalue = 1",
            ["'other'", "size"],
        ),
        (TOP + "[signals.x]\ntype = 'dict'", ["signals.x", "integer"]),
        (TOP + "[units]\nweek = 'x'", ["units.week"]),
        (TOP + "[[computed]]\nsignal = 't'\n[[computed.cases]]\nvalue = 1\nany = ['?']", ["'t'"]),
        ("version = 1", ["no name"]),
        ('name = "p"\nversion = true', ["version must be"]),
        ('name = "p"\nwords = 1', ["words must be a table"]),
        ('name = "p"\nrules = 1', ["rules must be tables"]),
        ('name = "p"\n[signals]\nx = 1', ["must be a table"]),
        ('name = "p"\n[signals.x]', ["signals.x", "no type"]),
        ('name = "p"\n[signals.x]\ntype = "text"\nminimum = "1"', ["minimum must be"]),
        (TOP + "[[rules]]", ["rule number 1 has no name"]),
        (TOP + '[[rules]]\nname = "r"\nsignal = "size"', ["'r'", "no patterns"]),
        (TOP + '[[rules]]\nname = "r"\nsignal = 1\npatterns = []', ["signal must be"]),
        (TOP + RULE + "patterns = []", ["'r'", "no patterns"]),
        (TOP + RULE + "patterns = ['x']\nvalue = []", ["value must be"]),
        (TOP + RULE + "patterns = ['{n}']\nadd = 1.5", ["add must be"]),
        (TOP.replace("integer", "text") + RULE + "patterns = ['{n}']", ["size is no number"]),
        (TOP + "[units]\nweek = true", ["units.week"]),
        (TOP + "[[computed]]", ["[[computed]] without signal"]),
        (TOP + "[[computed]]\nsignal = 't'\n[[computed.cases]]\nvalue = 1", ["a case needs"]),
        ('name = "p"\nlanguage = "xx"', ["'xx'"]),
        ("name = ", ["TOML"]),
        ("nam = 1", ["'nam'"]),
    ],
)
def test_the_message_names_file_rule_and_column(tmp_path: Path, body: str, says: list[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text(body, "utf-8")

    with pytest.raises(PackError) as error:
        RuleSet.load(path)

    assert all(part in str(error.value) for part in ["p.toml", *says])


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    st.data(),
)
def test_a_string_is_found_where_it_stands(value: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(value) - 1))
    escaped = "".join(f"\\U{ord(c):08x}" if c in "\\\"'" else c for c in value)
    form = data.draw(st.sampled_from(['"{}"', '"""{}"""', '"""\n{}"""']))
    text = "# a 'comment'\n  key = [" + form.format(escaped) + ", 'other']\n"

    at = locate(text, value, offset)

    before = "".join(f"\\U{ord(c):08x}" if c in "\\\"'" else c for c in value[:offset])
    start = text.index(escaped, text.index("[")) + len(before)
    line = text.count("\n", 0, start) + 1
    assert at == (line, start - (text.rfind("\n", 0, start) + 1) + 1)


def test_of_equal_strings_the_one_below_the_rule_is_meant() -> None:
    text = "a = 'x'\nb = 'x'\nc = 'x'\n"

    assert locate(text, "x", 0, 2) == (2, 6)
    assert locate(text, "x", 0, 9) == (1, 6)
    assert locate(text, "y", 0) is None
    assert locate(text, "x", 1) == (1, 7)  # past its end: what follows it


def test_one_string_does_for_a_list(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(TOP + RULE + "patterns = '{n} reps'", "utf-8-sig")

    assert RuleSet.load(path).rules[0].patterns == ("{n} reps",)


def test_what_is_no_text_or_too_much_of_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PackError, match="UTF-8"):
        RuleSet.load(path)
    with open(path, "r+b") as file:
        file.truncate(20_000_001)  # a sparse file
    with pytest.raises(PackError, match="20 MB"):
        RuleSet.load(path)
    with pytest.raises(PackError, match="not a file's name"):
        RuleSet.load("a\0b")


def test_a_missing_pack_names_those_that_there_are() -> None:
    with pytest.raises(PackError, match="sales"):
        RuleSet.load("sale")


def test_the_error_is_a_settings_error_and_pickles() -> None:
    error = PackError("f.toml", "wrong", rule="r", column=3, line=7)

    assert isinstance(error, SettingsError)
    assert str(pickle.loads(pickle.dumps(error))) == "f.toml:7, rule 'r', column 3: wrong"


def test_the_sales_pack_has_a_name_and_a_version() -> None:
    assert RuleSet.load("sales").id == "sales@1"
