"""A transcript that stands beside its record."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from livekit_plugins_analytics.document import TranscriptDocument
from livekit_plugins_analytics.lines import compressed, line
from livekit_plugins_analytics.parts import utc
from livekit_plugins_analytics.record import SCHEMA_VERSION, Transcript, TranscriptItem

START = datetime(2025, 10, 30, 1, 30, tzinfo=timezone(timedelta(hours=2)))


def document(session_id: str = "RM_abc") -> TranscriptDocument:
    """A document of one line."""
    said = TranscriptItem(id="SG_1", role="user", text="Zwölf ✓", at=utc(START.timestamp()))
    return TranscriptDocument(
        session_id=session_id,
        room_name="sales-1",
        room_sid="RM_abc",
        agent_name=None,
        start_time=START,
        end_time=START + timedelta(seconds=90),
        transcript=Transcript(source="room", complete=True, text="User: Zwölf ✓", items=[said]),
    )


def test_it_is_named_after_the_utc_day_of_its_start_as_the_record_is() -> None:
    assert document().name == "year=2025/month=10/day=29/RM_abc.json.gz"


def test_it_is_one_line_of_json_with_its_nulls_and_comes_back_the_same() -> None:
    body = compressed(line(document()))

    (text,) = gzip.decompress(body).splitlines()
    data = json.loads(text)
    assert list(data) == [
        "schema_version",
        "session_id",
        "revision",
        "room_name",
        "room_sid",
        "agent_name",
        "start_time",
        "end_time",
        "transcript",
        "privacy",
    ]
    assert data["schema_version"] == SCHEMA_VERSION
    assert data["agent_name"] is None
    assert data["start_time"] == "2025-10-29T23:30:00.000Z"
    assert data["privacy"] == {"redacted": False, "counts": {}, "withheld": []}
    assert TranscriptDocument.model_validate(data) == document()


def test_a_session_id_that_the_data_team_has_no_room_for_is_refused() -> None:
    with pytest.raises(ValidationError):
        document("x" * 101)
