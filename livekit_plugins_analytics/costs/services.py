"""What is billed by the minute beside the models: the session, its telephony, its recording."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .rates import RateCard
from .units import SERVICES
from .usage import UsageLine


@dataclass(frozen=True)
class Connections:
    """How long who was connected, in seconds."""

    session: float = 0.0
    """The agent, from the session's start to its close. 0: not connected to any server."""
    telephony: Sequence[float] = ()
    """Each phone participant."""

    @classmethod
    def between(
        cls,
        start: datetime,
        end: datetime,
        phones: Iterable[tuple[datetime | None, datetime | None]],
    ) -> Connections:
        """From moments: the session's, and when each phone participant joined and left.

        Who was there before the session is counted from their own joining; a moment that is not
        known is the session's.
        """
        return cls(
            _seconds(start, end),
            [_seconds(joined or start, left or end) for joined, left in phones],
        )


def service_lines(card: RateCard, connections: Connections, at: datetime) -> list[UsageLine]:
    """A usage line for each service that the card has a rate for, in minutes.

    LiveKit Cloud rounds each connection up to the whole minute and adds up then
    (docs.livekit.io/deploy/admin/billing), and so do the telephone companies.
    """
    session = _minutes(connections.session)
    minutes = {
        "session_minute": session,
        "telephony_minute": sum(_minutes(seconds) for seconds in connections.telephony),
        "recording_minute": session,
    }
    return [
        UsageLine(SERVICES[unit], vendor, "", {"minutes": minutes[unit]})
        for vendor, unit in card.services(at)
        if minutes[unit]
    ]


def _seconds(start: datetime, end: datetime) -> float:
    return max((end - start).total_seconds(), 0.0)


def _minutes(seconds: float) -> int:
    return math.ceil(round(seconds, 3) / 60)
