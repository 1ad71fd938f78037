"""What a log event holds of a record, for those who store records and not log events."""

from __future__ import annotations

import json
from typing import Any

# The member by which the embedded metric format names its metrics; see `emf`.
_METRICS = "_aws"


def members(event: bytes | str) -> dict[str, Any]:
    """The members of a log event that are the record's: without those that make metrics.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        values = json.loads(event)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    directives = values.pop(_METRICS, None)
    for name in _metric_names(directives):
        values.pop(name, None)
    return values


def pointer(event: bytes, s3_uri: str) -> bytes:
    """One line in the place of a record that is too large: what its event says, and where it is.

    Args:
        event: The record's log event.
        s3_uri: Where the whole record is.
    """
    values = {**members(event), "truncated": True, "s3_uri": s3_uri}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _metric_names(directives: Any) -> list[str]:
    """What `emf` has put beside the record. Of a foreign event, whatever can be read."""
    names = []
    if isinstance(directives, dict):
        for directive in _list(directives.get("CloudWatchMetrics")):
            metrics = directive.get("Metrics") if isinstance(directive, dict) else None
            names += [each.get("Name") for each in _list(metrics) if isinstance(each, dict)]
    return [name for name in names if isinstance(name, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
