"""Entities of a team's own, in files and in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from livekit_plugins_analytics import errors
from livekit_plugins_analytics.redaction import Masks, Own, RedactionError, redactor

FILE = """
[customer-id]
patterns = ['C-\\d{6}', '(?i)customer (?P<value>\\d{4,8})']
examples = ["my id is C-123456"]

[seat]
patterns = '\\d{1,2}[A-F]'
context = ["seat", "Sitz"]
"""


def _file(directory: Path, text: str) -> str:
    path = directory / "redact.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_file_defines_entities_beside_the_built_in_ones(tmp_path: Path) -> None:
    finder = redactor(f"email, seat,{_file(tmp_path, FILE)}")
    masks = Masks(finder)

    assert finder.entities == ("email", "customer-id", "seat")
    assert masks.text("CUSTOMER 77001 is C-123456, jo@example.com, c-123456") == (
        "CUSTOMER [customer-id-1] is [customer-id-2], [email-1], c-123456"
    )


def test_context_must_be_near(tmp_path: Path) -> None:
    masks = Masks(redactor(_file(tmp_path, FILE)))

    assert masks.text("Seat 12A") == "Seat [seat-1]"
    assert masks.text("12A is my SITZ") == "[seat-1] is my SITZ"
    assert masks.text("building 12A") == "building 12A"
    assert masks.text("seat" + " " * 60 + "12A") == "seat" + " " * 60 + "12A"


def test_places_are_characters_whatever_the_script() -> None:
    masks = Masks(redactor([], own=[Own("code", ["K[0-9]+"])]))

    assert (
        masks.text("né \U0001f600 \ud800 K12 и K7.") == "né \U0001f600 \ud800 [code-1] и [code-2]."
    )


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("", "no entity to redact; name some of: email, phone"),
        ("email,fone", "no entity 'fone'; did you mean 'phone'?"),
        ("Email", "no entity 'Email'; did you mean 'email'?"),
        ("zzz", "no entity 'zzz'; there are: email"),
        ("nowhere.toml", "nowhere.toml: cannot be read (No such file or directory)"),
        ("\0.toml", "cannot be read (not a file's name)"),
    ],
)
def test_a_wrong_name_is_refused_with_the_fix(names: str, problem: str) -> None:
    with pytest.raises(RedactionError) as caught:
        redactor(names)
    assert problem in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, errors.SettingsError)


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        ("UK", "no region 'UK'; did you mean 'GB'?"),
        ("Utopia", "no region 'Utopia'; give a country"),
    ],
)
def test_a_wrong_region_is_refused(region: str, problem: str) -> None:
    with pytest.raises(RedactionError, match=problem.replace("?", r"\?")):
        redactor("phone", region=region)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "redact.toml: no entity; write a table"),
        ("[", "redact.toml: not TOML: "),
        ("x = 1", "redact.toml:1: 'x' must be a table: [x]"),
        ("\n[Id]\npatterns = 'x'", "redact.toml:2: 'Id' cannot be an entity's name"),
        ("[code-2]\npatterns = 'x'", "redact.toml:1: 'code-2' cannot be an entity's name"),
        ("[phone]\npatterns = 'x'", "redact.toml:1: entity 'phone' is built in"),
        (
            "[a]\npatterns = 'x'\n[ 'b' ]\nwords = 1",
            "redact.toml:3: entity 'b': no such key 'words'",
        ),
        ("[a]", "redact.toml:1: entity 'a': no patterns"),
        ("[a]\npatterns = 1", "entity 'a': patterns must be a list of strings"),
        ("[a]\npatterns = ['']", "entity 'a': patterns must be a list of strings"),
        ("[a]\npatterns = ['x', 'y(']", "entity 'a', pattern 'y(': missing ): y("),
        ("[a]\npatterns = 'x(?=y)'", "RE2 has no lookaround: name what is masked (?P<value>...)"),
        ("[a]\npatterns = 'x*'", "matches the empty text"),
        ("[a]\npatterns = '[a-z]{900}[0-9]{900}[a-z]{900}'", "instructions, 2000 are allowed"),
        (f"[a]\npatterns = '{'x' * 1_001}'", "longer than 1000 characters"),
        ("[a]\npatterns = 'x'\nexamples = 'y'", "entity 'a': example 'y' is not found"),
        ('"a\\n" = 1', "redact.toml: 'a\\n' must be a table"),
        ("[a]\npatterns='x'\n" + "y = " + "[" * 100_000, "redact.toml: not TOML: "),
    ],
    ids=lambda v: "".join(c for c in v[:30] if c.isalnum()),
)
def test_a_wrong_file_is_refused_with_place_and_fix(
    text: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(RedactionError) as caught:
        redactor(_file(tmp_path, text))
    assert problem in str(caught.value)


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "redact.toml"

    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RedactionError, match="not UTF-8 text; save it as UTF-8"):
        redactor(str(path))
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(RedactionError, match="larger than 1 MB; split it"):
        redactor(str(path))
    with pytest.raises(RedactionError, match="cannot be read"):
        redactor(f"{tmp_path}/.toml")


def test_an_entity_is_defined_once() -> None:
    with pytest.raises(RedactionError, match="entity 'a' is defined twice; rename one"):
        redactor("email", own=[Own("a", ["x"]), Own("a", ["y"])])


def test_a_pattern_with_half_a_pair_is_refused() -> None:
    with pytest.raises(RedactionError, match="a lone surrogate"):
        Own("a", ["\ud800"])
