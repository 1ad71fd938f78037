"""The time that a report covers, and the steps of its time axis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Step = Literal["hour", "day", "week", "month"]

# The longest period that is shown in each step: no chart has more than about 130 bars.
_LONGEST: dict[Step, timedelta] = {
    "hour": timedelta(days=2),
    "day": timedelta(days=130),
    "week": timedelta(weeks=130),
}


@dataclass(frozen=True)
class Period:
    """First and last call, and the step between two points of a chart."""

    first: datetime
    """Start of the first call, UTC."""
    last: datetime
    step: Step
    starts: tuple[str, ...]
    """The beginning of each step, ISO 8601, without gaps."""

    @classmethod
    def of(cls, connection: DuckDBPyConnection) -> Period | None:
        """The period of the table ``calls``; None where there is none."""
        found = connection.execute("SELECT min(start_time), max(start_time) FROM calls").fetchone()
        if found is None or found[0] is None:
            return None
        first, last = found
        step: Step = next((s for s, most in _LONGEST.items() if last - first <= most), "month")
        starts = connection.execute(
            "SELECT unnest(generate_series("
            f"date_trunc('{step}', $1::TIMESTAMP), $2::TIMESTAMP, INTERVAL 1 {step}))",
            [first, last],
        ).fetchall()
        return cls(first, last, step, tuple(start.isoformat() for (start,) in starts))

    @property
    def bucket(self) -> str:
        """SQL: the step in which ``start_time`` is."""
        return f"date_trunc('{self.step}', start_time)"

    def spread(
        self, values: dict[str, float | int | None], absent: int | None = None
    ) -> list[float | int | None]:
        """Values by a step's beginning, as a list; `absent` where there is none."""
        return [values.get(start, absent) for start in self.starts]
