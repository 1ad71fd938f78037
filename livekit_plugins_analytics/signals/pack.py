"""Packs: rules as TOML, validated with the place of every fault."""

from __future__ import annotations

import sys
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from .engine import PatternError, check
from .errors import PackError
from .languages import EXTRA, LANGUAGES, available
from .place import locate
from .ruleset import CHECKS, Rule, RuleSet, Signal
from .tier import Computed, Condition

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover  # the standard library has it from 3.11 on
    import tomli as tomllib

_PACKS = Path(__file__).parent / "packs"
# The sales pack has 40 KB; a bigger one than this is no pack.
_MAX_BYTES = 20_000_000

_TOP = {"name", "version", "language", "words", "values", "units", "signals", "rules", "computed"}
_SIGNAL = {f.name for f in fields(Signal)} - {"name"}
_RULE = {f.name for f in fields(Rule)}
_CHOICES: dict[str, tuple[str, ...]] = {
    "type": ("integer", "number", "text", "list"),
    "fold": ("last", "first", "largest", "union"),
    "range": ("low", "high", "middle"),
    "when": ("always", "asked", "answered"),
}


def names() -> list[str]:
    """The packs that ship with the package."""
    return sorted(p.stem for p in _PACKS.glob("*.toml"))


def load(path_or_name: str | Path) -> RuleSet:
    """See `RuleSet.load`."""
    path = Path(path_or_name)
    if isinstance(path_or_name, str) and path_or_name in names():
        path = _PACKS / f"{path_or_name}.toml"
    source = str(path_or_name)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PackError(source, f"larger than {_MAX_BYTES // 1_000_000} MB; split the pack")
        text = path.read_text("utf-8-sig")
    except PackError:
        raise
    except UnicodeDecodeError:
        raise PackError(source, "not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        known = ", ".join(names())
        reason = getattr(error, "strerror", None) or "not a file's name"
        raise PackError(
            source, f"cannot be read ({reason}); give a TOML file or one of: {known}"
        ) from None
    return parse(text, source)


def parse(text: str, source: str = "pack") -> RuleSet:
    """A pack from TOML text.

    Raises:
        PackError: Something in it is wrong; names file, line, rule and column.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PackError(source, f"not TOML: {error}") from None
    reader = _Reader(source, text)
    try:
        return reader.pack(data)
    except PackError as error:
        if error.rule is None or error.line is not None:
            raise
        raise reader.placed(error) from None


class _Reader:
    """Turns parsed TOML into rules; knows where in the file a rule stands."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._text = text
        self._lines = text.splitlines()

    def line_of(self, rule: str) -> int | None:
        """The line that names a rule or a signal."""
        wanted = (f'"{rule}"', f"'{rule}'", f"[{rule}]")
        for number, line in enumerate(self._lines, 1):
            if any(w in line for w in wanted) and line.lstrip().startswith(("name", "[")):
                return number
        return None

    def placed(self, error: PackError) -> PackError:
        """The error with the place of its fault in the file."""
        line = None if error.rule is None else self.line_of(error.rule)
        column = error.column
        if error.pattern is not None and column is not None:
            at = locate(self._text, error.pattern, column - 1, line or 1)
            line, column = at or (line, column)
        return PackError(
            self._source,
            error.problem,
            rule=error.rule,
            column=column,
            line=line,
            pattern=error.pattern,
        )

    def pack(self, data: dict[str, Any]) -> RuleSet:
        """The pack of a parsed file."""
        self._only(data, _TOP, None)
        name = data.get("name")
        if not isinstance(name, str) or not name:
            self._fail('no name; write name = "..." at the top')
        version = data.get("version", 1)
        if isinstance(version, bool) or not isinstance(version, (int, str)):
            self._fail("version must be a number or a string")
        language = data.get("language", "en")
        if language not in LANGUAGES:
            self._fail(
                f"language {language!r} is not known; one of: {', '.join(sorted(LANGUAGES))}"
            )
        if not available(language):
            self._fail(f"number words of {language!r} need an extra: pip install '{EXTRA}'")
        signals = [self._signal(n, t) for n, t in self._table(data, "signals").items()]
        rules = [self._rule(i, t) for i, t in enumerate(self._tables(data, "rules"), 1)]
        computed = [self._computed(t) for t in self._tables(data, "computed")]
        return RuleSet(
            name=name,
            version=version,
            language=language,
            signals=signals,
            rules=rules,
            words=self._words(data),
            values=self._values(data),
            units=self._units(data),
            computed=computed,
            source=self._source,
        )

    def _signal(self, name: str, table: Any) -> Signal:
        place = f"signals.{name}"
        if not isinstance(table, dict):
            self._fail("must be a table", place)
        self._only(table, _SIGNAL, place)
        if "type" not in table:
            self._fail(f"no type; one of: {', '.join(_CHOICES['type'])}", place)
        self._choices(table, place)
        for key in ("minimum", "maximum"):
            if isinstance(table.get(key, 0), bool) or not isinstance(
                table.get(key, 0), (int, float)
            ):
                self._fail(f"{key} must be a number", place)
        return Signal(
            name=name, **self._patterns(table, ("questions", "unless", "barriers"), place)
        )

    def _rule(self, position: int, table: dict[str, Any]) -> Rule:
        name = table.get("name")
        if not isinstance(name, str) or not name:
            self._fail(f"rule number {position} has no name")
        self._only(table, _RULE, name)
        for key in ("signal", "patterns"):
            if key not in table:
                self._fail(f"no {key}", name)
        if not isinstance(table["signal"], str):
            self._fail("signal must be a string", name)
        self._choices(table, name)
        for key in ("add", "weight"):
            if not isinstance(table.get(key, 0), int) or isinstance(table.get(key, 0), bool):
                self._fail(f"{key} must be a whole number", name)
        for key, what in (
            ("per", "a unit's name"),
            ("values", "the name of a table of values"),
            ("answers", "a signal's name"),
        ):
            if not isinstance(table.get(key, ""), str):
                self._fail(f"{key} must be {what}", name)
        for key in ("value", "negated"):
            if isinstance(table.get(key), (dict, list)):
                self._fail(f"{key} must be a string, a number or a boolean", name)
        ready = self._patterns(table, ("patterns", "near", "unless", "checks"), name)
        unknown = set(ready.get("checks", ())) - set(CHECKS)
        if unknown:
            self._fail(f"no check {sorted(unknown)[0]!r}; there are: {', '.join(CHECKS)}", name)
        return Rule(**ready)

    def _computed(self, table: dict[str, Any]) -> Computed:
        name = table.get("signal")
        if not isinstance(name, str):
            self._fail('a [[computed]] without signal = "..."')
        self._only(table, {"signal", "cases"}, name)
        cases = []
        for case in self._tables(table, "cases"):
            self._only(case, {"value", "any"}, name)
            conditions = case.get("any")
            if "value" not in case or not isinstance(conditions, list):
                self._fail('a case needs a value and any = ["condition", ...]', name)
            try:
                parsed = tuple(Condition.parse(str(c)) for c in conditions)
            except ValueError as error:
                self._fail(str(error), name)
            cases.append((case["value"], parsed))
        return Computed(name, tuple(cases))

    def _words(self, data: dict[str, Any]) -> dict[str, str]:
        return {
            n: "|".join(self._list(v, f"words.{n}")) for n, v in self._table(data, "words").items()
        }

    def _values(self, data: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
        tables = {}
        for name, table in self._table(data, "values").items():
            if not isinstance(table, dict):
                self._fail(f"values.{name} must be a table: [values.{name}]")
            tables[name] = {n: self._list(v, f"values.{name}.{n}") for n, v in table.items()}
        return tables

    def _list(self, value: Any, where: str) -> list[str]:
        """A list of words."""
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
            self._fail(f"{where} must be a string or a list of strings")
        if not words:
            self._fail(f"{where} is empty")
        for word in words:
            try:
                check(word)
            except PatternError as error:
                fault = PackError(
                    self._source, error.problem, rule=where, column=error.column, pattern=word
                )
                raise self.placed(fault) from None
        return words

    def _units(self, data: dict[str, Any]) -> dict[str, Fraction]:
        units = {}
        for name, value in self._table(data, "units").items():
            try:
                if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                    raise ValueError
                units[name] = Fraction(str(value))
            except (ValueError, ZeroDivisionError):
                self._fail(f'units.{name} must be a number or a fraction such as "52/12"')
        return units

    def _patterns(self, table: dict[str, Any], keys: tuple[str, ...], place: str) -> dict[str, Any]:
        ready = dict(table)
        for key in keys:
            value = ready.get(key, [])
            if isinstance(value, str):
                value = [value]
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                self._fail(f"{key} must be a list of strings", place)
            if key in ready:
                ready[key] = tuple(value)
        return ready

    def _choices(self, table: dict[str, Any], place: str) -> None:
        for key, allowed in _CHOICES.items():
            if key in table and table[key] not in allowed:
                self._fail(f"{key} must be one of: {', '.join(allowed)}", place)

    def _only(self, table: dict[str, Any], known: set[str], place: str | None) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            self._fail(f"no such key {unknown[0]!r}; there are: {', '.join(sorted(known))}", place)

    def _table(self, data: dict[str, Any], key: str) -> dict[str, Any]:
        value = data.get(key, {})
        if not isinstance(value, dict):
            self._fail(f"{key} must be a table: [{key}]")
        return value

    def _tables(self, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self._fail(f"{key} must be tables: [[{key}]]")
        return value

    def _fail(self, problem: str, place: str | None = None) -> NoReturn:
        line = None if place is None else self.line_of(place)
        raise PackError(self._source, problem, rule=place, line=line)
