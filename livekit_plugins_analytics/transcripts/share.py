"""One room's transcript among the records of the sessions that were in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..record import Transcript
from .translation import sorted_transcript, timed


@dataclass(frozen=True)
class Span:
    """From a session's start to its close."""

    start: datetime
    end: datetime

    def distance(self, at: float) -> float:
        """Seconds between it and a moment; 0 within it."""
        return max(self.start.timestamp() - at, at - self.end.timestamp(), 0.0)

    def overlaps(self, other: Span) -> bool:
        """True where both went on at one moment."""
        return self.start < other.end and other.start < self.end


def share(transcript: Transcript, session_id: str, spans: Mapping[str, Span]) -> Transcript:
    """What belongs to one session of a room.

    LiveKit Cloud has one transcript per room, and names no job in it: what was said while a
    session went on is its own, and what was said in none goes to the nearest. Where two went on
    at the same time nobody can tell whose agent spoke: both get those items, and neither
    transcript is complete.

    Args:
        transcript: The room's.
        session_id: Whose share.
        spans: All sessions of the room, by session id. Where there is one, or this is none of
            them, the share is everything.
    """
    own = spans.get(session_id)
    if own is None or len(spans) < 2:
        return transcript
    shared = any(own.overlaps(span) for key, span in spans.items() if key != session_id)
    items = [
        item
        for at, item in timed(transcript.items)
        if own.distance(at) <= min(span.distance(at) for span in spans.values())
    ]
    return sorted_transcript(items, complete=transcript.complete and not shared)
