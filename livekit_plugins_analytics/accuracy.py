"""How often what was found is what there is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Accuracy:
    """Counts of what was found against what there is."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    faults: list[str] = field(default_factory=list)
    """Ids of the cases that were not all right."""

    @property
    def precision(self) -> float:
        """Of what was found, the share that is right; 1 where nothing was found."""
        found = self.right + self.wrong
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """Of what there was, the share that was found; 1 where there was nothing."""
        there = self.right + self.missed
        return self.right / there if there else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0
