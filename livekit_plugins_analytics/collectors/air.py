"""The pauses of a call: when neither side spoke, summed as they come."""

from __future__ import annotations

from dataclasses import dataclass

# Speeches of one side while the other side's end of speech is awaited.
_MAX_STRETCHES = 8


@dataclass(frozen=True)
class Air:
    """When anybody spoke: the pauses so far, summed as they come."""

    silence: float = 0.0
    """Seconds of the pauses before `recent`."""
    longest: float = 0.0
    """Seconds of the longest of them."""
    recent: tuple[tuple[float, float], ...] = ()
    """The latest stretches of speech of either side, apart from each other, in time order: the end
    of a speech is told late, and a speech of the other side may have begun and ended meanwhile."""

    def heard(self, since: float, until: float, speaking: float | None = None) -> Air:
        """This, and one more stretch of speech.

        Args:
            since: When it began.
            until: When it ended.
            speaking: When the other side, still speaking, began.
        """
        if not since < until:
            return self
        recent = _merged([*self.recent, (since, until)])
        silence, longest = self.silence, self.longest
        while len(recent) > _MAX_STRETCHES:
            (first, a), (b, last), *rest = recent
            if speaking is not None and speaking <= b:
                recent = [(first, last), *rest]  # the other side spoke: no pause
                continue
            silence, longest = silence + b - a, max(longest, b - a)
            recent = recent[1:]
        return Air(silence, longest, tuple(recent))

    def until(self, end: float, *speaking: float | None) -> tuple[float, float] | None:
        """Seconds of all pauses, and of the longest; None where nobody has spoken.

        Args:
            end: Where the last pause ends.
            *speaking: When each side that is still speaking began.
        """
        going_on = [(since, end) for since in speaking if since is not None and since < end]
        recent = _merged([s for s in self.recent if s[0] < end] + going_on)
        if not recent:
            return None
        ends = [b for b, _ in recent[1:]] + [end]
        pauses = [max(b - a, 0.0) for (_, a), b in zip(recent, ends, strict=True)]
        return self.silence + sum(pauses), max(self.longest, *pauses)


def _merged(stretches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for since, until in sorted(stretches):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged
