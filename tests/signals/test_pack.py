"""A wrong pack is refused, with the place of the fault."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from livekit_plugins_analytics.errors import SettingsError
from livekit_plugins_analytics.signals import PackError, RuleSet

TOP = 'name = "p"\n[signals.size]\ntype = "integer"\n'
RULE = '[[rules]]\nname = "r"\nsignal = "size"\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            TOP + RULE + "patterns = ['foo(']\nvalue = 1",
            ["p.toml:5", "'r'", "column 4", "missing )"],
        ),
        (TOP + RULE + "patterns = ['a(?=b)']\nvalue = 1", ["'r'", "column 2", "lookaround"]),
        (TOP + RULE + r"patterns = ['x(a)\1']" + "\nvalue = 1", ["'r'", "column 5"]),
        (TOP + RULE + "patterns = ['{n} {who}']", ["'r'", "column 5", "'who'"]),
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


def test_a_missing_pack_names_those_that_there_are() -> None:
    with pytest.raises(PackError, match="sales"):
        RuleSet.load("sale")


def test_the_error_is_a_settings_error_and_pickles() -> None:
    error = PackError("f.toml", "wrong", rule="r", column=3, line=7)

    assert isinstance(error, SettingsError)
    assert str(pickle.loads(pickle.dumps(error))) == "f.toml:7, rule 'r', column 3: wrong"


def test_the_sales_pack_has_a_name_and_a_version() -> None:
    assert RuleSet.load("sales").id == "sales@1"
