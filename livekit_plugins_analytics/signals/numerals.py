"""Numbers as people say them: "twenty five", "10k", "two and a half thousand", "50 to 100"."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from . import number_words as words
from .tokens import Token, tokens


@dataclass(frozen=True)
class Numeral:
    """A number in a text. `low` and `high` differ for a range."""

    start: int
    end: int
    low: Fraction
    high: Fraction

    @property
    def text(self) -> str:
        """Digits in the form that ``{n}`` in a pattern matches."""
        low, high = shown(self.low), shown(self.high)
        return low if self.low == self.high else f"{low}-{high}"


def shown(value: Fraction) -> str:
    """A number in digits, at most three of them after the point."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def numerals(text: str) -> list[Numeral]:
    """The numbers of an English text in plain form (see `text.clean`), in order."""
    if not words.may_hold_numbers(text):
        return []
    return _Parser(text, tokens(text)).numerals()


class _Parser:
    """One pass over the tokens of one text; every numeral takes the longest reading."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens

    def numerals(self) -> list[Numeral]:
        found: list[Numeral] = []
        i = 0
        while i < len(self._tokens):
            between = self._word(i - 1) == "between"
            read = self._number(i, glue=not between) if between else None
            if read is None or self._word(read[1]) != "and":
                read = self._number(i)
            if read is None:
                i += 1
                continue
            low, after = read
            low, high, after = self._range(i, low, after, between)
            after = self._vagueness(after)
            start, end = self._tokens[i].start, self._tokens[after - 1].end
            if self._text[end : end + 1] == "+":
                end += 1
            found.append(Numeral(start, end, low, high))
            i = after
        return found

    def _range(
        self, i: int, low: Fraction, after: int, between: bool
    ) -> tuple[Fraction, Fraction, int]:
        """Low, high and the token after "50 to 100"; high is low where no range follows."""
        link, second = self._word(after), None
        if link in ("to", "or", "till") or (link == "and" and between):
            second = self._number(after + 1)
        elif self._gap(after).strip() == "-" and after < len(self._tokens):
            second = self._number(after)
        if second is None:
            return low, low, after
        high, end = second
        if not self._has_scale(i, after) and self._has_scale(end - 1, end):
            low = _carried(low, high)
        return (low, high, end) if high > low else (low, low, after)

    def _has_scale(self, start: int, end: int) -> bool:
        return any(t.scale > 1 or t.word in words.SCALES for t in self._tokens[start:end])

    def _number(self, i: int, *, glue: bool = True) -> tuple[Fraction, int] | None:
        """The number that starts at token i, and the token after it."""
        if i >= len(self._tokens):
            return None
        token = self._tokens[i]
        if token.value is not None:
            return self._scaled(token.value * token.scale, i + 1)
        word = token.word
        if word in ("half", "quarter", "a", "an", "couple"):
            return self._informal(i)
        if word not in words.CARDINALS:
            return None
        if word == "one" and self._pronoun(i):
            return None
        return self._cardinal(i, glue)

    def _pronoun(self, i: int) -> bool:
        return self._word(i - 1) in words.BEFORE_PRONOUN or self._word(i + 1) in (
            "of",
            "another",
        )

    def _informal(self, i: int) -> tuple[Fraction, int] | None:
        """ "half a million", "a quarter million", "a couple of hundred", "a dozen"."""
        article = self._word(i) in ("a", "an")
        j = i + article
        word = self._word(j)
        if word in ("half", "quarter"):
            part = Fraction(1, 2) if word == "half" else Fraction(1, 4)
            j += 1
            if self._word(j) == "of":
                j += 1
            if self._word(j) in ("a", "an"):
                j += 1
            scale = words.SCALES.get(self._word(j))
            return (part * scale, j + 1) if scale else None
        if word == "couple":
            j += 1
            k = j + (self._word(j) == "of")
            if self._word(k) in words.SCALES:
                return self._scaled(Fraction(2), k)
            # "a couple of weeks" is "2 weeks"; "a couple of us" stays "2 of us".
            return Fraction(2), j if self._word(k) in words.AFTER_SHARE else k
        if article and word in words.SCALES and word != "k":
            return self._cardinal(j, True, Fraction(1))
        return None

    def _cardinal(
        self, i: int, glue: bool, start: Fraction | None = None
    ) -> tuple[Fraction, int] | None:
        """Words of one number: "two hundred and five", "nineteen ninety nine", "one fifty"."""
        total, current = Fraction(0), start or Fraction(0)
        last = 0 if start is None else 1
        largest, begun = 0, i  # the last great scale, and the token after it
        j = i
        while j < len(self._tokens):
            word = self._word(j)
            if j > i and not self._adjoining(j):
                break
            if word == "and" and j > i and glue and last >= 100 and self._tail(j + 1, last):
                j += 1
                continue
            if word == "and" and j > i and self._half_follows(j):
                return self._scaled(total + current + Fraction(1, 2), j + 3)
            if word == "point" and j > i:
                return self._decimal(total + current, j)
            if word in words.SCALES and current and word != "k":
                scale = words.SCALES[word]
                if scale < 1000:
                    if current >= 100 and last >= 100:
                        break
                    current *= scale
                else:
                    if total and scale >= largest:
                        # "Two thousand, three thousand": another number has begun.
                        return total, begun
                    total, current = total + current * scale, Fraction(0)
                    largest, begun = scale, j + 1
                last = scale
                j += 1
                continue
            value = words.CARDINALS.get(word)
            if value is None:
                break
            grown = _joined(current, value, last)
            if grown is None or (value == 0 and j > i):
                break
            current, last = grown, value
            j += 1
        return (total + current, j) if j > i else None

    def _half_follows(self, j: int) -> bool:
        return self._word(j + 1) in ("a", "one") and self._word(j + 2) == "half"

    def _tail(self, j: int, last: int) -> bool:
        """Whether what follows "and" belongs to the number: below the scale before it."""
        value = words.CARDINALS.get(self._word(j))
        if value is None or value == 0 or (value == 1 and self._pronoun(j)):
            return False
        after = j + 1
        if value >= 20 and 0 < words.CARDINALS.get(self._word(after), 0) < 10:
            after += 1
        scale = words.SCALES.get(self._word(after), 1)
        return scale == 1 or scale >= 1000 if last == 100 else scale < last

    def _decimal(self, whole: Fraction, j: int) -> tuple[Fraction, int]:
        digits, k = "", j + 1
        while (value := words.CARDINALS.get(self._word(k))) is not None and value < 10:
            digits += str(value)
            k += 1
        if not digits:
            return whole, j
        return self._scaled(whole + Fraction(int(digits), 10 ** len(digits)), k)

    def _scaled(self, value: Fraction, j: int) -> tuple[Fraction, int]:
        """The value times the scales that follow: "1.5 million", "2 dozen", "10 k"."""
        if self._word(j) == "and" and self._half_follows(j):
            value, j = value + Fraction(1, 2), j + 3
        scale = words.SCALES.get(self._word(j))
        while scale is not None and self._gap(j).strip() in ("", "-"):
            value, j = value * scale, j + 1
            scale = words.SCALES.get(self._word(j)) if scale < 1000 else None
        return value, j

    def _vagueness(self, j: int) -> int:
        """Past "odd", "or so", "something": twenty odd people are twenty people."""
        if self._word(j) in words.VAGUE and self._gap(j).strip() in ("", "-"):
            return j + 1
        if self._word(j) == "or" and self._word(j + 1) in ("so", "more", "thereabouts"):
            return j + 2
        if self._word(j) == "and" and self._word(j + 1) in ("change", "counting", "some"):
            return j + 2
        return j

    def _word(self, i: int) -> str:
        return self._tokens[i].word if 0 <= i < len(self._tokens) else ""

    def _gap(self, i: int) -> str:
        if not 0 < i < len(self._tokens):
            return "?"
        return self._text[self._tokens[i - 1].end : self._tokens[i].start]

    def _adjoining(self, i: int) -> bool:
        gap = self._gap(i).strip()
        if gap in ("", "-"):
            return True
        # "one thousand, two hundred"; "fifty, a hundred" are two numbers.
        return (
            gap == ","
            and words.SCALES.get(self._word(i - 1), 0) >= 1000
            and self._word(i + 1) == "hundred"
        )


def _joined(current: Fraction, value: int, last: int) -> Fraction | None:
    """The value after one more word, or None where that word begins another number."""
    if last == 0 or last >= 100:
        return current + value if not current or value < 100 else None
    if 20 <= last < 100 and last % 10 == 0 and 0 < value < 10:
        return current + value
    if current in (19, 20) and 10 <= value < 100:
        return current * 100 + value  # a year
    if 0 < current < 10 and 20 <= value < 100:
        return current * 100 + value  # "one fifty"
    return None


def _carried(low: Fraction, high: Fraction) -> Fraction:
    """ "two or three hundred" is 200 to 300, "10 to 15k" is 10,000 to 15,000."""
    for scale in (1_000_000, 1_000, 100, 12):
        if high >= scale and high % scale == 0 and low < high / scale:
            return low * scale
    return low
