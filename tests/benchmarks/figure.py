"""One measurement beside its baseline, taken in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What was measured, and what the same costs without this package.

    Attributes:
        name: Unique in the suite; it stays the same from release to release.
        value: Of this package.
        baseline: The same by the baseline, in the same run; None where there is none.
        against: What the baseline is.
        unit: Of both: ms, us, MB, trips.
        target: What `value` is to stay under, in `unit`; None where the ratio is the target.
        ratio_target: How many times the baseline is to cost what this package does, at least.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    against: str = ""
    target: float | None = None
    ratio_target: float | None = None

    @property
    def ratio(self) -> float | None:
        """The baseline over the value: 10 means that the baseline costs ten times as much."""
        if self.baseline is None or self.value <= 0:
            return None
        return self.baseline / self.value

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is not None:
            return self.value <= self.target
        if self.ratio_target is not None:
            return self.ratio is not None and self.ratio >= self.ratio_target
        return None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        values = asdict(self) | {"ratio": self.ratio, "met": self.met}
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def milliseconds(seconds: Sequence[float]) -> float:
    """The median."""
    return statistics.median(seconds) * 1e3


def worst(gaps: Sequence[Sequence[float]]) -> float:
    """The median, over several runs, of the longest gap of each, in milliseconds."""
    return statistics.median(max(each) for each in gaps) * 1e3
