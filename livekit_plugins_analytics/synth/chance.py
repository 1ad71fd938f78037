"""What chance decides: choices by weight, and times that are never negative."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A seeded source of everything that is invented."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def happens(self, share: float) -> bool:
        """True in this share of the cases."""
        return self._random.random() < share

    def one(self, values: Sequence[T]) -> T:
        """One of the values, all alike."""
        return values[int(self._random.random() * len(values))]

    def some(self, values: Sequence[T], most: int) -> list[T]:
        """One to `most` different values, in their own order."""
        count = 1 + int(self._random.random() * most)
        left = list(range(len(values)))
        chosen = {left.pop(int(self._random.random() * len(left))) for _ in range(count)}
        return [values[i] for i in sorted(chosen)]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by weight."""
        values = list(weights)
        sums = list(accumulate(weights.values()))
        at = bisect(sums, sums[-1] * self._random.random())
        return values[min(at, len(values) - 1)]

    def around(self, median: float, spread: float) -> float:
        """A log-normal value: never negative, with a tail, as times and sizes are."""
        return median * math.exp(self._random.gauss(0.0, spread))

    def between(self, low: float, high: float) -> float:
        """Any value of the range, all alike."""
        return low + (high - low) * self._random.random()

    def digits(self, count: int) -> str:
        """So many hexadecimal digits."""
        return f"{self._random.getrandbits(4 * count):0{count}x}"
