"""How long to wait for LiveKit Cloud, and how often to ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Bounds of waiting. All of them are in seconds, unless they say otherwise."""

    settled: float = 120.0
    """For a session's data to settle, after which what is there is taken; 0: not at all."""
    poll: float = 10.0
    """Between two looks at data that settles."""
    attempts: int = 5
    """Requests, for one answer, while the failure is one that passes."""
    backoff: float = 1.0
    """Before the second attempt; doubled before each one after it."""
    longest: float = 90.0
    """Between two attempts at most. A rate limit is by the minute, so that the server may ask for
    a whole one."""
    connect: float = 5.0
    """For a connection."""
    answer: float = 60.0
    """For the whole of one answer, however slowly it comes."""
    requests_per_minute: float = 60.0
    """Requests to the API, evenly spaced. LiveKit limits them by project and plan, and counts those
    of everybody else in the project too."""
