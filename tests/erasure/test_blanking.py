"""A blanked record keeps its figures and tells of nobody."""

from __future__ import annotations

import json

from livekit_plugins_analytics import SessionRecord
from livekit_plugins_analytics.erasure import ERASED, blanked

from .people import PERSONAL, PHONE, record


def test_nothing_of_the_person_is_left_and_it_is_a_record_still() -> None:
    old = record("j1")
    kept = json.loads(json.dumps(old))

    new = blanked(old)

    assert old == kept
    text = json.dumps(new, ensure_ascii=False)
    assert [each for each in PERSONAL if each in text] == []
    SessionRecord.model_validate(new)


def test_every_field_that_holds_something_personal_here_is_named() -> None:
    """And no other one is touched: a field that is added to the record has to choose a side."""
    old = record("j1")

    new = blanked(old)

    changed = {name for name in old if new[name] != old[name]}
    assert changed == {
        "user_email",
        "user_metadata",
        "room_name",
        "shutdown_reason",
        "participants",
        "discovered_signals",
        "signals",
        "tool_calls",
        "conversation_notes",
        "outcome_reason",
        "tags",
        "evaluations",
        "custom",
        "transcript",
        "privacy",
        "revision",
    }
    assert new["revision"] == old["revision"] + 1
    assert set(new["privacy"]["withheld"]) == (changed - {"privacy", "revision"}) | {ERASED}


def test_the_figures_of_lists_stay() -> None:
    new = blanked(record("j1"))

    (tool,) = new["tool_calls"]
    assert (tool["tool"], tool["status"], tool["duration_seconds"]) == ("book", "done", 0.5)
    assert (tool["arguments"], tool["result"]) == ({}, None)
    (participant,) = new["participants"]
    assert participant["kind"] == "sip"
    assert participant["disconnect_reason"] == "CLIENT_INITIATED"
    assert (participant["identity"], participant["sip"]) == (ERASED, None)
    (signal,) = new["signals"]
    assert (signal["name"], signal["chosen"], signal["value"]) == ("pain_points", True, None)


def test_a_room_that_is_named_after_nobody_keeps_its_name() -> None:
    assert blanked(record("j1", room_name="room-17"))["room_name"] == "room-17"
    assert blanked(record("j1", room_name=f"call-{PHONE}"))["room_name"] is None
    assert blanked(record("j1", room_name="chat-with-a@b.example"))["room_name"] is None


def test_what_a_newer_version_added_goes_but_its_figures_stay() -> None:
    new = blanked({**record("j1"), "voice_print": "abc", "loudness": 0.5})

    assert "voice_print" not in new
    assert new["loudness"] == 0.5
    assert "voice_print" in new["privacy"]["withheld"]


def test_a_second_time_changes_nothing_but_the_revision() -> None:
    once = blanked(record("j1"))
    assert {**blanked(once), "revision": once["revision"]} == once
