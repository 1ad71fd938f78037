"""Rules, compiled once, and what they find in one utterance."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from .engine import Pattern, PatternError, Prefilter
from .errors import PackError
from .exceptions import Exceptions
from .rule import CHECKS, Check, Hit, Rule, Signal
from .tier import Computed
from .utterance import Utterance
from .validity import problem_of

# A pack with more rules than this is a dictionary; the benchmark ends here too.
MAX_RULES = 20_000
# Matches of one pattern in one utterance; more is a caller reading a list aloud, or an attack.
_MAX_MATCHES = 50
_ONE = Fraction(1)


__all__ = ["CHECKS", "Check", "Hit", "Rule", "RuleSet", "Signal"]


class RuleSet:
    """A compiled pack: immutable, shared by all sessions of a process.

    Args:
        name: The pack's name; with the version it stands in the record: ``sales@1``.
        version: The pack's version.
        signals: What is looked for.
        rules: How; where two claim the same words, the earlier wins.
        words: Word lists for ``{name}`` in patterns.
        values: Tables for rules with `values`: table, value, its words.
        units: Units of time for ``per``, in months: ``{"week": Fraction(52, 12)}``.
        computed: Signals made of others at close.
        language: Of number words: en, and with the extra de, es, fr, it, nl, pt.
        source: The file, for messages.

    Raises:
        PackError: A rule is wrong or cannot be bounded; names file, rule and column.
    """

    def __init__(
        self,
        *,
        name: str,
        version: str | int,
        signals: Sequence[Signal],
        rules: Sequence[Rule],
        words: Mapping[str, str] | None = None,
        values: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        units: Mapping[str, Fraction] | None = None,
        computed: Sequence[Computed] = (),
        language: str = "en",
        source: str | None = None,
    ) -> None:
        self.name, self.version, self.language = name, str(version), language
        self.source = source or name
        self.signals = {s.name: s for s in signals}
        self.rules = tuple(rules)
        self.computed = tuple(computed)
        self.units = dict(units or {})
        self._words = dict(words or {})
        self._values = {name: dict(table) for name, table in (values or {}).items()}
        if len(self.rules) > MAX_RULES:
            raise PackError(self.source, f"more than {MAX_RULES} rules; split the pack")
        self._compile()

    @classmethod
    def load(cls, path_or_name: str | Path) -> RuleSet:
        """Load a pack: a name that ships with the package (``sales``), or a TOML file.

        Raises:
            PackError: There is no such pack, or something in it is wrong.
        """
        from .pack import load

        return load(path_or_name)

    @property
    def id(self) -> str:
        """``name@version``, the record's ``signal_pack``."""
        return f"{self.name}@{self.version}"

    def unfiltered(self) -> list[str]:
        """Rules that the prefilter cannot rule out: they are tried on every utterance."""
        always = set(self._prefilter.matching(b"", potential=True))
        return sorted({self._patterns[i][0].name for i in always})

    def asked(self, line: Utterance) -> frozenset[str]:
        """The signals that the agent's line asks for."""
        return frozenset(self._question_of[i] for i in self._questions.matching(line.data))

    def hits(
        self,
        utterance: Utterance,
        asked: frozenset[str] = frozenset(),
        line: Utterance | None = None,
    ) -> list[Hit]:
        """All matches in one utterance, in the order of the rules.

        Args:
            utterance: The caller's words.
            asked: What the agent had asked for.
            line: The agent's last line, for rules with ``near``.
        """
        found: list[Hit] = []
        exceptions = Exceptions(self._unless, utterance)
        # "Potential": what may match is searched once here, not once in the filter as well.
        for index in self._prefilter.matching(utterance.data, potential=True):
            rule, pattern, value = self._patterns[index]
            if rule.when == "answered" or (rule.when == "asked" and rule.signal not in asked):
                continue
            if rule.near and not self._is_near(rule, utterance, line):
                continue
            for count, match in enumerate(pattern.matches(utterance.data)):
                if count == _MAX_MATCHES:
                    break
                hit = self._hit(rule, pattern, value, match, utterance, line, exceptions)
                if hit is not None:
                    found.append(hit)
        return found

    def answered(self, line: Utterance, given: Container[str]) -> list[Hit]:
        """What the agent's question tells, now that the caller has answered it.

        Args:
            line: The agent's last line.
            given: The signals that the answer gave.
        """
        return [
            Hit(rule, 0, 0, value)
            for rule, pattern, value in self._answered
            if rule.answers in given and pattern.found(line.data)
        ]

    def _compile(self) -> None:
        self._patterns: list[tuple[Rule, Pattern, Any]] = []
        self._near: dict[str, list[Pattern]] = {}
        self._unless: dict[str, tuple[Prefilter, Prefilter]] = {}
        for signal in self.signals.values():
            if signal.fold == "largest" and signal.type not in ("integer", "number"):
                problem = 'fold = "largest" is for numbers; use last or first'
                raise PackError(self.source, problem, rule=f"signals.{signal.name}")
        seen: set[str] = set()
        # As RE2 has them in its groups: bytes.
        self._barriers = {
            s.name: frozenset(w.encode() for w in s.barriers) for s in self.signals.values()
        }
        by_signal = {
            s.name: Prefilter([self._pattern(p, f"signals.{s.name}") for p in s.unless])
            for s in self.signals.values()
        }
        for rule in self.rules:
            if rule.name in seen:
                raise PackError(self.source, "a second rule of this name", rule=rule.name)
            seen.add(rule.name)
            if rule.signal not in self.signals:
                known = ", ".join(sorted(self.signals))
                raise PackError(
                    self.source, f"no signal {rule.signal!r}; there are: {known}", rule=rule.name
                )
            compiled = self._compiled(rule)
            self._check(rule, [p for p, _ in compiled])
            self._patterns += [(rule, p, value) for p, value in compiled]
            self._near[rule.name] = [self._pattern(p, rule.name) for p in rule.near]
            own = Prefilter([self._pattern(p, rule.name) for p in rule.unless])
            self._unless[rule.name] = (own, by_signal[rule.signal])
        self._answered = [r for r in self._patterns if r[0].when == "answered"]
        self._prefilter = Prefilter([p for _, p, _ in self._patterns])
        asking = [
            (s.name, self._pattern(q, f"signals.{s.name}"))
            for s in self.signals.values()
            for q in s.questions
        ]
        self._question_of = [name for name, _ in asking]
        self._questions = Prefilter([p for _, p in asking])

    def _compiled(self, rule: Rule) -> list[tuple[Pattern, Any]]:
        """The rule's patterns and the value of each."""
        if rule.values is None:
            return [(self._pattern(p, rule.name), rule.value) for p in rule.patterns]
        table = self._values.get(rule.values)
        if table is None:
            known = ", ".join(sorted(self._values)) or "none"
            raise PackError(
                self.source, f"no values {rule.values!r}; there are: {known}", rule=rule.name
            )
        return [
            (pattern, value)
            for value, words in table.items()
            for p in rule.patterns
            for pattern in self._divided(p, rule.name, tuple(words))
        ]

    def _divided(self, written: str, rule: str, words: Sequence[str]) -> list[Pattern]:
        """The pattern for all words of a value; several where one would be too large."""
        try:
            return [self._pattern(written, rule, {"value": "|".join(words)})]
        except PackError as error:
            cause = error.__cause__
            if len(words) < 2 or not (isinstance(cause, PatternError) and cause.divisible):
                raise
        half = len(words) // 2
        return [
            *self._divided(written, rule, words[:half]),
            *self._divided(written, rule, words[half:]),
        ]

    def _pattern(self, written: str, rule: str, more: Mapping[str, str] | None = None) -> Pattern:
        try:
            return Pattern(written, {**self._words, **more} if more else self._words)
        except PatternError as error:
            raise PackError(
                self.source,
                f"{error.problem} (in {written[:80]!r})",
                rule=rule,
                column=error.column,
                pattern=written,
            ) from error

    def _check(self, rule: Rule, compiled: list[Pattern]) -> None:
        problem = problem_of(rule, compiled, self.signals, self.units)
        if problem:
            raise PackError(self.source, problem, rule=rule.name)

    def _is_near(self, rule: Rule, utterance: Utterance, line: Utterance | None) -> bool:
        texts = [utterance.data] + ([line.data] if line else [])
        return any(p.found(t) for p in self._near[rule.name] for t in texts)

    def _hit(
        self,
        rule: Rule,
        pattern: Pattern,
        value: Any,
        match: Any,
        said: Utterance,
        line: Utterance | None,
        exceptions: Exceptions,
    ) -> Hit | None:
        barriers = self._barriers[rule.signal]
        if barriers and any(not barriers.isdisjoint(match[g].split()) for g in pattern.gaps):
            return None
        start, end = said.chars(*match.span())
        first, last = start, end
        group = pattern.groups.get("value", pattern.groups.get("focus", 0))
        if group and match.span(group)[0] >= 0:
            first, last = said.chars(*match.span(group))
        if exceptions.touch(rule, first, last):
            return None
        if value is not None:
            return Hit(rule, start, end, value, focus=first)
        spans = tuple(said.chars(*match.span(g)) for g in pattern.numbers if match.span(g)[0] >= 0)
        if (not spans and not rule.add) or any(s not in said.numerals for s in spans):
            return None
        number = sum((self._end(rule, said, s) for s in spans), Fraction(rule.add))
        factor = self._factor(rule, pattern, match, line)
        amount = self.amount(rule.signal, number * factor)
        focus = spans[0][0] if spans else start
        return (
            None if amount is None else Hit(rule, start, end, amount, number, factor, spans, focus)
        )

    def amount(self, signal: str, number: Fraction) -> int | float | None:
        """A number as the signal's value; None where it is beyond the caps."""
        kind = self.signals[signal]
        value = round(number) if kind.type == "integer" else round(float(number), 3)
        low = -math.inf if kind.minimum is None else kind.minimum
        high = math.inf if kind.maximum is None else kind.maximum
        return value if low <= value <= high else None

    def _end(self, rule: Rule, said: Utterance, span: tuple[int, int]) -> Fraction:
        numeral = said.numerals[span]
        if rule.range == "middle":
            return (numeral.low + numeral.high) / 2
        return numeral.low if rule.range == "low" else numeral.high

    def _factor(self, rule: Rule, pattern: Pattern, match: Any, line: Utterance | None) -> Fraction:
        unit = rule.per
        if unit == "asked":
            unit = next((w for w in reversed(_words(line)) if w in self.units), None)
        if "per" in pattern.groups and (captured := match.group(pattern.groups["per"])):
            unit = captured.decode("utf-8", "replace")
        return self.units.get(unit, _ONE) if unit else _ONE


def _words(line: Utterance | None) -> list[str]:
    return line.text.replace("?", " ").replace(".", " ").split() if line else []
