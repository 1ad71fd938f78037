"""A session's id, and what is named after it."""

from __future__ import annotations

import re
from datetime import datetime, timezone

# session_id is VARCHAR(100) in the contract with the data team.
MAX_SESSION_ID = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_session_id(text: str) -> str:
    """A session id that is safe in a key, a file's name and VARCHAR(100)."""
    # Athena, Spark and Trino skip files whose names begin with "_" or ".".
    return _UNSAFE.sub("-", text).lstrip("-._")[:MAX_SESSION_ID].rstrip("-.")


def dated_name(start: datetime, session_id: str) -> str:
    """The object's name under its prefix; the date is the start's in UTC."""
    day = start.astimezone(timezone.utc)
    return f"year={day:%Y}/month={day:%m}/day={day:%d}/{session_id}.json.gz"
