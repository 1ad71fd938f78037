"""The words of a call as an object of their own, for teams that restrict who may read them."""

from __future__ import annotations

from pydantic import Field

from .parts import Part, Timestamp
from .record import SCHEMA_VERSION, Privacy, Transcript
from .session_id import MAX_SESSION_ID, dated_name


class TranscriptDocument(Part):
    """One transcript, beside the record of the same session or in the place of one.

    Field order is the order on the line. A document of a room that was watched has the room's sid
    as its ``session_id``, unless another was given: nobody in the room knows the agent's job.
    """

    schema_version: str = SCHEMA_VERSION
    session_id: str = Field(max_length=MAX_SESSION_ID)
    revision: int = 1
    room_name: str | None
    room_sid: str | None
    agent_name: str | None
    start_time: Timestamp
    end_time: Timestamp
    transcript: Transcript
    privacy: Privacy = Field(default_factory=Privacy)

    @property
    def name(self) -> str:
        """``year=YYYY/month=MM/day=DD/{session_id}.json.gz``, as the record's is."""
        return dated_name(self.start_time, self.session_id)
