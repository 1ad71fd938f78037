"""A fetched transcript with masks in the place of values, as the record's other words have them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..record import Transcript, TranscriptItem
from ..redaction import Masks, Redactor
from .translation import sorted_transcript

_SOME_MASK = re.compile(r"\[[a-z][a-z0-9-]*\]")


def masks_beside(redactor: Redactor, record: Mapping[str, Any]) -> Masks:
    """Masks whose numbers are none that the record has already.

    What a mask of the record stands for is not known any more: the same value gets another number
    in the transcript than in a tool's arguments.

    Args:
        redactor: What finds the values.
        record: As parsed from its JSON. Its transcript does not count: it is replaced.
    """
    masks = Masks(redactor)
    rest = {key: value for key, value in record.items() if key != "transcript"}
    masks.text(" ".join(_SOME_MASK.findall(json.dumps(rest))))
    return masks


def masked(transcript: Transcript, masks: Masks) -> Transcript:
    """The transcript with a mask for every value; what was said before tells what a value is."""
    items: list[TranscriptItem] = []
    before = ""
    for item in transcript.items:
        words = masks.text(item.text, before=before)
        items.append(item.model_copy(update={"text": words}))
        before = item.text
    return sorted_transcript(items, complete=transcript.complete)
