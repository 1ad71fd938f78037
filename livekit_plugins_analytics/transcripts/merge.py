"""A transcript into a stored record: whether it may, whether it is better, and how."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from ..privacy import masks_in
from ..record import Transcript
from ..redaction.masks import UNCHECKED

HAS_ONE = "has a complete transcript"
NO_BETTER = "has one that is no poorer"
SEPARATE = "its transcript is an object of its own (transcript_uri)"
WITHHELD = "content was withheld for the caller's sake (privacy.withheld)"
REFUSED = "the caller did not consent (consent_obtained is false)"
NOT_ASKED = "there is no consent, which ANALYTICS_CONTENT_CONSENT requires (consent_obtained)"
REDACTED = (
    "its words are masked (privacy.redacted): set ANALYTICS_REDACT as its agent has it, or --redact"
)
UNKNOWN_MASKS = "it has masks for what ANALYTICS_REDACT or --redact does not name here"


def obstacle(
    record: Mapping[str, Any],
    *,
    replace: bool,
    masked: Collection[str] | None,
    consent_required: bool = False,
) -> str | None:
    """Why a record is to stay as it is, whatever a transcript may bring; None: it may get one.

    A team that kept words out of a record had a reason, which a later look-up does not undo: what
    was withheld stays withheld, and `replace` changes nothing about that.

    Args:
        record: As parsed from its JSON.
        replace: Also where it has a complete transcript.
        masked: Entities that are masked in what will be merged; None: nothing is masked.
        consent_required: Only where the caller has granted it.
    """
    privacy = record.get("privacy")
    privacy = privacy if isinstance(privacy, Mapping) else {}
    if privacy.get("withheld"):
        return WITHHELD
    if record.get("consent_obtained") is False:
        return REFUSED
    if consent_required and record.get("consent_obtained") is not True:
        return NOT_ASKED
    if record.get("transcript_uri"):
        return SEPARATE
    before = record.get("transcript")
    if not replace and isinstance(before, Mapping) and before.get("complete") is True:
        return HAS_ONE
    if privacy.get("redacted"):
        if masked is None:
            return REDACTED
        counts = privacy.get("counts")
        unknown = set(counts if isinstance(counts, Mapping) else ()) - {*masked, UNCHECKED}
        if unknown:
            return f"{UNKNOWN_MASKS}: {', '.join(sorted(unknown))}"
    return None


def merged(
    record: Mapping[str, Any],
    transcript: Transcript,
    *,
    replace: bool,
    masked: Collection[str] | None = None,
) -> dict[str, Any] | None:
    """The record with this transcript, one revision up; everything else as it was.

    Args:
        record: As parsed from its JSON; there is no `obstacle`.
        transcript: What was fetched.
        replace: Also where the record's own is better.
        masked: Entities that are masked in it; None: nothing is masked.

    Returns:
        The new record; None where its own transcript stays.
    """
    new = transcript.model_dump(by_alias=True)
    before = record.get("transcript")
    if before == new:
        return None
    if isinstance(before, Mapping) and not replace and worth(before) >= worth(new):
        return None
    result = copy.deepcopy(dict(record))
    result["transcript"] = new
    revision = record.get("revision")
    result["revision"] = (revision if isinstance(revision, int) else 1) + 1
    if masked is not None:
        result["privacy"] = _privacy(result, masked)
    return result


def worth(transcript: Mapping[str, Any]) -> tuple[bool, int, int]:
    """What one transcript has over another: completeness, then things said, then items."""
    items = transcript.get("items")
    known = [i for i in items if isinstance(i, Mapping)] if isinstance(items, list) else []
    said = sum(item.get("role") in ("user", "agent") for item in known)
    return transcript.get("complete") is True, said, len(known)


def _privacy(record: Mapping[str, Any], masked: Collection[str]) -> dict[str, Any]:
    """The block of a record with masks in its transcript; all of its masks are counted anew."""
    before = record.get("privacy")
    result = dict(before) if isinstance(before, Mapping) else {"withheld": []}
    known = result.get("counts")
    # The text of the transcript has its items once more.
    items = {k: v for k, v in record["transcript"].items() if k != "text"}
    texts = {**record, "privacy": None, "transcript": items}
    entities = {*masked, *(known if isinstance(known, Mapping) else ()), UNCHECKED}
    result["redacted"] = True
    result["counts"] = masks_in(texts, entities)
    return result
