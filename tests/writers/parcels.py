"""Parcels for the tests, as the recorder would make them."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from typing import Any

from livekit_plugins_analytics.writers import Parcel

NAME = "year=2026/month=07/day=04/RM_a-AJ_b.json.gz"


def parcel(record: dict[str, Any] | None = None, **changes: Any) -> Parcel:
    """Return a parcel of a record, by default one that says little."""
    line = json.dumps(record or {"session_id": "RM_a-AJ_b"}, ensure_ascii=False).encode()
    made = Parcel(
        session_id="RM_a-AJ_b",
        revision=1,
        name=NAME,
        body=gzip.compress(line + b"\n", mtime=0),
        event=line,
        happened_at=time.time(),
        stream="front-desk",
    )
    return replace(made, **changes)
