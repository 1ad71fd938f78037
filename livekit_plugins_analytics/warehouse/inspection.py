"""One line against the schema of its version."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from ..record import SCHEMA_VERSION, SessionRecord
from .lines import Lines, whole
from .problem import Severity

# A record with hundreds of wrong values says the same thing hundreds of times.
MAX_FINDINGS = 20

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")
_NAN = (b"NaN", b"Infinity")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a line."""

    severity: Severity
    """``error``: no record, or one that its schema forbids."""
    reason: str


@dataclass(frozen=True)
class Inspection:
    """What a line is."""

    session_id: str | None
    """Null: no record at all, and nothing can be read of it."""
    schema_version: str | None
    findings: list[Finding]
    start_time: str | None = None
    revision: int | None = None

    @property
    def clean(self) -> bool:
        """Whether every value has its type."""
        return not self.findings


def inspect(line: bytes) -> Inspection:
    """Check a line against the schema version that it names.

    A record of an older minor version may lack fields, one of a newer may have more: the latter is
    a warning. Of another major version only what this one knows can be checked.
    """
    if any(each in line for each in _NAN):
        try:
            from_json(line, allow_inf_nan=False)
        except ValueError as error:
            return _no_record(_not_json(line, str(error)))
    try:
        record = SessionRecord.__pydantic_validator__.validate_json(line, strict=True)
    except ValidationError as error:
        return _judged(line, error)
    version = record.schema_version
    findings = [] if version == SCHEMA_VERSION else _of_version(version)
    started = record.start_time.isoformat()
    return Inspection(record.session_id, version, findings, started, record.revision)


def documents(unpacked: Lines) -> list[tuple[int, bytes]]:
    """An object's lines; of one record that somebody has written over several, that one."""
    kept = unpacked.lines
    if len(kept) > 1 and inspect(kept[0][1]).session_id is None and (one := whole(kept)):
        return [(kept[0][0], one)]
    return kept


def _judged(line: bytes, error: ValidationError) -> Inspection:
    details = error.errors(include_url=False, include_context=True, include_input=False)
    if details[0]["type"] == "json_invalid":
        return _no_record(_not_json(line, str(details[0].get("ctx", {}).get("error", ""))))
    try:
        data = from_json(line)
    except ValueError as error_:  # pragma: no cover  # the validator has read it
        return _no_record(_not_json(line, str(error_)))
    if not isinstance(data, dict):
        return _no_record(f"no session record: a JSON {_kind(data)}")
    session_id, version = data.get("session_id"), data.get("schema_version")
    if not isinstance(session_id, str) or not session_id:
        return _no_record("no session record: it has no session_id")
    known = version if isinstance(version, str) else None
    findings = _of_version(known)
    relation = _relation(known)
    for detail in details:
        if finding := _finding(detail, relation):
            findings.append(finding)
    if len(findings) > MAX_FINDINGS:
        more = len(findings) - MAX_FINDINGS
        severity: Severity = (
            "error" if any(f.severity == "error" for f in findings[MAX_FINDINGS:]) else "warning"
        )
        findings = [*findings[:MAX_FINDINGS], Finding(severity, f"{more} more of these")]
    started, revision = data.get("start_time"), data.get("revision")
    return Inspection(
        session_id,
        known,
        findings,
        started if isinstance(started, str) else None,
        revision if isinstance(revision, int) else None,
    )


def _finding(detail: ErrorDetails, relation: str) -> Finding | None:
    """What one error of the validator means for a record of another version."""
    where = ".".join(str(part) for part in detail["loc"])
    kind = detail["type"]
    if kind == "missing":
        return None if relation == "older" else Finding("error", f"{where}: missing")
    if kind == "extra_forbidden":
        severity: Severity = "error" if relation == "same" else "warning"
        return Finding(severity, f"{where}: a field that schema {SCHEMA_VERSION} does not know")
    if kind == "literal_error" and relation == "newer":
        return Finding("warning", f"{where}: a value that schema {SCHEMA_VERSION} does not know")
    if relation == "major":
        # What it was to be nobody here knows; but the columns are this version's.
        return Finding("warning", f"{where}: {_message(detail)}")
    return Finding("error", f"{where}: {_message(detail)}")


def _message(detail: ErrorDetails) -> str:
    text = detail["msg"]
    return text.removeprefix("Input ")


def _of_version(version: str | None) -> list[Finding]:
    relation = _relation(version)
    if version is None:
        return [Finding("error", "schema_version: missing or no text")]
    if relation == "unknown":
        return [Finding("error", "schema_version: not of the form 1.0")]
    if relation == "major":
        return [
            Finding(
                "error",
                f"schema {version} is not checked, this version knows {SCHEMA_VERSION}: "
                "upgrade livekit-plugins-analytics",
            )
        ]
    return []


@cache
def _relation(version: str | None) -> str:
    """How a version stands to ours: same, older, newer (both minor), major or unknown."""
    found = _VERSION.fullmatch(version or "")
    ours = _VERSION.fullmatch(SCHEMA_VERSION)
    assert ours
    if not found:
        return "unknown"
    theirs, own = tuple(map(int, found.groups())), tuple(map(int, ours.groups()))
    if theirs == own:
        return "same"
    if theirs[0] > own[0]:
        return "major"
    return "older" if theirs < own else "newer"


def _no_record(reason: str) -> Inspection:
    return Inspection(None, None, [Finding("error", reason)])


def _not_json(line: bytes, why: str) -> str:
    """Why a line is no JSON; two documents on it are the fault of who forgot the line breaks."""
    try:
        text = line.decode().strip()
        _, end = json.JSONDecoder().raw_decode(text)
        if text[end:].strip()[:1] in ("{", "["):
            return f"two JSON documents on one line (the second begins at column {end + 1})"
    except (ValueError, RecursionError):
        pass
    # The place only: the text around it may be what somebody said.
    return f"not JSON ({why})" if why else "not JSON"


def _kind(value: Any) -> str:
    return {list: "array", str: "string", type(None): "null", bool: "boolean"}.get(
        type(value), "number"
    )
