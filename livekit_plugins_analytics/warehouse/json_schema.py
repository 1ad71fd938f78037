"""The record as JSON Schema (draft 2020-12): what is in the bucket, for whoever checks it."""

from __future__ import annotations

from typing import Any

from ..record import SCHEMA_VERSION, SessionRecord


def json_schema() -> dict[str, Any]:
    """The schema of a line of this schema version.

    What was added since the version began is not required: older lines of the version lack it.
    """
    schema = SessionRecord.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:livekit-plugins-analytics:record:{SCHEMA_VERSION}",
        **schema,
    }
