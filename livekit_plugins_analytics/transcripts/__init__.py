"""Transcripts that come from elsewhere than the session itself, and where they go."""

from __future__ import annotations

from .backfill import Backfill, Summary
from .cloud import CloudTranscripts, Fetched, fetch_transcript
from .errors import (
    CloudError,
    RateLimited,
    RecordingOff,
    RoleMissing,
    TokenRefused,
    Unavailable,
    UnexpectedAnswer,
    UnknownSession,
)
from .export import Export, Exported
from .patience import Patience
from .period import Period
from .survey import Outcome, Terms

__all__ = [
    "Backfill",
    "CloudError",
    "CloudTranscripts",
    "Export",
    "Exported",
    "Fetched",
    "Outcome",
    "Patience",
    "Period",
    "RateLimited",
    "RecordingOff",
    "RoleMissing",
    "Summary",
    "Terms",
    "TokenRefused",
    "Unavailable",
    "UnexpectedAnswer",
    "UnknownSession",
    "fetch_transcript",
]
