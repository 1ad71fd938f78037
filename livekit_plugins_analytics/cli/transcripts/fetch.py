"""``livekit-analytics transcripts fetch``: transcripts from LiveKit Cloud."""

from __future__ import annotations

from ..options import give_up


def fetch() -> None:
    """Fetch transcripts from LiveKit Cloud."""
    give_up("not there yet")
