"""Transcripts that come from elsewhere than the session itself, and where they go."""

from __future__ import annotations

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
from .patience import Patience

__all__ = [
    "CloudError",
    "CloudTranscripts",
    "Fetched",
    "Patience",
    "RateLimited",
    "RecordingOff",
    "RoleMissing",
    "TokenRefused",
    "Unavailable",
    "UnexpectedAnswer",
    "UnknownSession",
    "fetch_transcript",
]
