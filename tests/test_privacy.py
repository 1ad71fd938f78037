"""Without consent no content is told; what is told is masked: in every field that there is."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics import call as call_module
from livekit_plugins_analytics.assembly import assemble, bare, parcel
from livekit_plugins_analytics.call import Capture, Found, Remarks
from livekit_plugins_analytics.collectors.transcript import Final, Line
from livekit_plugins_analytics.ending import Evidence
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.parts import Signal, ToolCall, utc
from livekit_plugins_analytics.privacy import WITHHELD, Discretion, masks_in
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.redaction import Redactor, Span, redactor
from livekit_plugins_analytics.replay import replayed

from .collectors.events import T
from .test_assembly import JOB, capture

PHONE = "+1 415 555 0132"
REQUIRED = Settings(transcript="on", content_consent="required")
FROM_GRANT = Settings(transcript="on", content_consent="required", consent_from="grant")
REDACTED = Settings(transcript="on", redact="phone")

# What is the framework's, ours, or the program's, and never the caller's: ids, versions, the names
# of models, tools and prices, times, words from closed lists.
STRUCTURE = {
    *("schema_version", "session_id", "record_status", "plugin_version", "sdk_version"),
    *("environment", "job_id", "room_sid", "worker_id", "trace_id", "start_time", "end_time"),
    *("closed_at", "close_reason", "end_cause", "signal_pack", "consent_timestamp", "outcome"),
    *("participants.kind", "participants.joined_at", "participants.left_at"),
    *("participants.disconnect_reason", "participants.sip.call_id"),
    *("participants.sip.trunk_id", "participants.sip.rule_id"),
    *("signals.name", "signals.status", "signals.rule", "signals.item_id", "signals.at"),
    *("tool_calls.timestamp", "tool_calls.call_id", "tool_calls.status"),
    *("usage.kind", "usage.provider", "usage.model", "usage.mode"),
    *("costs.kind", "costs.provider", "costs.model", "costs.unit", "costs.unit_price"),
    *("costs.amount", "costs.source", "state_history.at", "handoffs.at", "errors.at"),
    *("errors.component", "transcript.source", "transcript.items.id", "transcript.items.role"),
    *("transcript.items.at", "transcript.items.language", "transcript.items.agent"),
    *("transcript_uri", "privacy.withheld", "completeness.missing"),
    *("unpriced.kind", "unpriced.provider", "unpriced.model"),
}
# Without consent these stay: the program's own words for what it does.
PROGRAM = {
    *("agent_name", "conversation_state", "state_history.state", "consent_method"),
    *("handoffs.from", "handoffs.to", "errors.type", "tool_calls.tool", "tool_calls.agent"),
    # The pack's own words for what was found.
    *("discovered_signals", "signals.value"),
}


def planted(hint: Any, text: str) -> Any:
    """A value of a type with a text in every place that takes one."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is str or hint is Any:
        return text
    if origin is typing.Literal:
        return args[0]
    if origin in (typing.Union, types.UnionType):
        return planted(next(a for a in args if a is not type(None)), text)
    if origin is typing.Annotated:
        return planted(args[0], text)
    if origin in (list, tuple):
        item = planted(args[0], text)
        return [item] if origin is list else (item,)
    if origin is dict:
        return {"key": planted(args[1], text)}
    if hint is datetime:
        return utc(T + 1)
    if hint in (int, float, bool):
        return hint(1)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return model(hint, text)
    raise AssertionError(hint)


def model(kind: type[BaseModel], text: str) -> Any:
    values = {n: planted(f.annotation, text) for n, f in kind.model_fields.items()}
    if kind is ToolCall:
        values |= {"customer_name": text, "meeting_booked": True}
    return kind.model_construct(**values)


def full(text: str, **values: Any) -> Capture:
    """A capture with a text in every field that can hold one."""
    hints = typing.get_type_hints(Capture, vars(call_module))
    parts = {
        name: [planted(typing.get_args(hints[name])[0], text)]
        for name in ("participants", "tools", "usage", "handoffs", "errors")
    }
    remarks = {
        f.name: planted(typing.get_type_hints(Remarks, vars(call_module))[f.name], text)
        for f in dataclasses.fields(Remarks)
    }
    remarks |= {"consent": None, "consent_at": T + 30, "note_times": [T + 1]}
    said = [
        Line("item_1", "user", text, T + 1, False, {}, None, "en", 3),
        Line("item_2", "agent", f"And {text}?", T + 40, False, {}, "sales", None, 3),
    ]
    whole = capture(
        facts=dataclasses.replace(JOB, room_name=text, agent_name=text),
        evidence=Evidence(
            now=T + 70, close_reason="user_initiated", closed_at=T + 60, shutdown_reason=text
        ),
        remarks=Remarks(**remarks),
        said=said,
        finals=[Final(f"unheard {text}", T + 2, None, "en", None)],
        found=Found({"key": text}, [model(Signal, text)], "sales@1"),
        **parts,
    )
    return dataclasses.replace(whole, **values)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a record, keys of open maps as well, with the names on the way to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from leaves(inner, path)


def places(record: SessionRecord, text: str) -> set[str]:
    """Where a record has a text."""
    row = record.model_dump(by_alias=True)
    return {_place(path) for path, leaf in leaves(row) if text in leaf}


def _place(path: str) -> str:
    """The column: what is below an open map, or beside an entry's fixed keys, is part of it."""
    for column in ("user_metadata", "custom", "discovered_signals", "evaluations"):
        if path.startswith(column):
            return column
    for column in ("participants.attributes", "tool_calls.arguments"):
        if path.startswith(column):
            return column
    return path


def strings(kind: Any, path: str = "") -> Iterator[str]:
    """Every place of the schema that can hold a text."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is str or kind is Any or kind is datetime or origin is typing.Literal:
        yield path
    elif origin is dict:
        if args[1] in (str, Any):
            yield path
    elif origin in (list, typing.Union, types.UnionType, typing.Annotated):
        for arg in args[:1] if origin is typing.Annotated else args:
            yield from strings(arg, path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            inner = field.alias or name
            yield from strings(field.annotation, f"{path}.{inner}" if path else inner)


# -- the plants are where the schema has a place for them


# Made from what is planted elsewhere, or a map of ours with keys of ours.
DERIVED = {"cost_summary", "unpriced", "user_email"}


def test_the_plants_cover_every_place_of_the_schema_that_is_not_structure() -> None:
    record = assemble(full("Plutonium"), Settings(transcript="on"))
    content = set(strings(SessionRecord)) - STRUCTURE - {"cost_summary", "unpriced"}
    assert content <= places(record, "Plutonium")
    assert "tool_calls.customer_name" in places(record, "Plutonium")


# -- consent


def test_without_a_grant_content_is_nowhere_and_figures_are_there() -> None:
    told = assemble(full("Plutonium"), REQUIRED)
    plain = assemble(full("Plutonium"), Settings(transcript="on"))

    assert places(told, "Plutonium") - STRUCTURE <= PROGRAM
    assert told.transcript is None
    assert [p.identity for p in told.participants] == ["participant-1"]
    (call,) = told.tool_calls
    assert (call.arguments, call.result, call.error) == ({}, None, WITHHELD)
    assert call.model_extra == {"meeting_booked": True}
    assert told.privacy.withheld == [
        *("conversation_notes", "custom", "discovered_signals", "evaluations", "outcome_reason"),
        *("participants", "room_name", "shutdown_reason", "signals.text", "tags", "tool_calls"),
        *("transcript", "user_email", "user_metadata"),
    ]
    for name in ("metrics_summary", "latency", "usage", "costs", "cost_summary", "end_cause"):
        assert getattr(told, name) == getattr(plain, name), name
    assert told.tool_calls[0].duration_seconds == plain.tool_calls[0].duration_seconds


@pytest.mark.parametrize("consent", [None, False])
def test_a_refusal_is_no_grant(consent: bool | None) -> None:
    heard = full("Plutonium")
    remarks = dataclasses.replace(heard.remarks, consent=consent)
    told = assemble(dataclasses.replace(heard, remarks=remarks), REQUIRED)
    assert told.consent_obtained is consent
    assert places(told, "Plutonium") - STRUCTURE <= PROGRAM


def granted(text: str, at: float = 30.0) -> Capture:
    heard = full(text)
    remarks = dataclasses.replace(heard.remarks, consent=True, consent_at=T + at)
    return dataclasses.replace(heard, remarks=remarks)


def test_a_grant_applies_from_the_start_of_the_call() -> None:
    told = assemble(granted("Plutonium"), REQUIRED)
    assert places(told, "Plutonium") == places(
        assemble(granted("Plutonium"), Settings(transcript="on")), "Plutonium"
    )
    assert told.privacy.withheld == []


def test_by_setting_a_grant_applies_from_its_moment_only() -> None:
    told = assemble(granted("Plutonium"), FROM_GRANT)

    assert told.transcript is not None
    assert [(i.id, i.text) for i in told.transcript.items if i.role != "tool"] == [
        ("handoff-1", "handoff: Plutonium to Plutonium"),
        ("item_2", "And Plutonium?"),
    ]
    assert not told.transcript.complete
    assert told.conversation_notes == []
    assert told.tool_calls[0].arguments == {}
    assert [s.text for s in told.signals] == [None]
    assert told.user_email == "Plutonium"
    assert told.privacy.withheld == [
        *("conversation_notes", "signals.text", "tool_calls", "transcript")
    ]


def test_what_comes_after_the_grant_is_told() -> None:
    told = assemble(granted("Plutonium", at=0.5), FROM_GRANT)
    assert told.conversation_notes == ["Plutonium"]
    assert told.tool_calls[0].result == "Plutonium"
    assert told.privacy.withheld == []


def test_a_withdrawal_applies_to_the_whole_call() -> None:
    before, after = granted("Plutonium"), full("Plutonium")
    remarks = dataclasses.replace(after.remarks, consent=False)
    discretion = Discretion(FROM_GRANT)
    assert places(assemble(before, FROM_GRANT, discretion), "Plutonium") - STRUCTURE - PROGRAM
    withdrawn = dataclasses.replace(after, remarks=remarks)
    told = assemble(withdrawn, FROM_GRANT, discretion)
    assert places(told, "Plutonium") - STRUCTURE <= PROGRAM
    assert "transcript" in told.privacy.withheld


def test_livekits_own_redaction_is_stricter_than_a_grant() -> None:
    heard = granted("Plutonium")
    facts = dataclasses.replace(heard.facts, redaction=True)
    told = assemble(dataclasses.replace(heard, facts=facts), Settings(transcript="on"))
    assert places(told, "Plutonium") - STRUCTURE <= PROGRAM


def test_a_reason_of_the_frameworks_own_is_told() -> None:
    evidence = dataclasses.replace(full("x").evidence, shutdown_reason="room disconnected")
    told = assemble(full("Plutonium", evidence=evidence), REQUIRED)
    assert told.shutdown_reason == "room disconnected"


def test_a_bare_record_has_no_content_either() -> None:
    assert bare(full("Plutonium"), REQUIRED, 1).room_name is None
    assert bare(full("Plutonium"), Settings(), 1).room_name == "Plutonium"


# -- redaction


def masking(settings: Settings = REDACTED, found: Redactor | None = None) -> Discretion:
    return Discretion(settings, lambda: found or redactor("phone"))


def test_a_value_is_masked_in_every_place() -> None:
    told = assemble(full(PHONE), REDACTED, masking())

    assert places(told, PHONE) <= STRUCTURE
    content = set(strings(SessionRecord)) - STRUCTURE - {"cost_summary", "unpriced"}
    assert content <= places(told, "[phone-1]")
    assert told.privacy.redacted
    row = told.model_dump(exclude={"transcript": {"text"}})
    assert told.privacy.counts == masks_in(row, ["phone"])
    assert told.privacy.counts["phone"] > 25
    assert told.privacy.withheld == []
    assert told.transcript is not None and told.transcript.complete


def test_the_agents_question_tells_what_a_number_is() -> None:
    said = [
        Line("item_1", "agent", "What's your social?", T + 1, False, {}, "sales", None, 3),
        Line("item_2", "user", "zero seven eight zero five one one two zero", T + 2, False, {},
             None, "en", 9),
    ]  # fmt: skip
    told = assemble(capture(said=said), REDACTED, Discretion(REDACTED, lambda: redactor("ssn")))
    assert told.transcript is not None
    assert told.transcript.items[1].text == "[ssn-1]"


def test_numbers_and_keys_are_masked_and_figures_are_not() -> None:
    remarks = Remarks(
        custom={PHONE: 14155550132, "pay": 4155550132.0, "budget": 42_000, "ok": True},
        user_metadata={"deep": [{"call me": [PHONE]}]},
    )
    told = assemble(capture(remarks=remarks), REDACTED, masking())
    assert told.custom == {
        "[phone-1]": "[phone-1]",
        "pay": "[phone-1]",
        "budget": 42_000,
        "ok": True,
    }
    assert told.user_metadata == {"deep": [{"call me": ["[phone-1]"]}]}


class Numbers:
    """Knows one number, and is quick."""

    entities: Sequence[str] = ("phone",)

    def find(self, text: str) -> list[Span]:
        start = text.find(PHONE)
        return [] if start < 0 else [Span(start, start + len(PHONE), "phone")]


class Broken:
    """A redactor of a team's own that cannot do its work."""

    entities: Sequence[str] = ("secret",)

    def find(self, text: str) -> list[Span]:
        raise ValueError(text)


def test_a_redactor_that_raises_lets_nothing_out() -> None:
    told = assemble(full(PHONE), REDACTED, masking(found=Broken()))
    assert places(told, PHONE) <= STRUCTURE
    assert told.custom == {"[unchecked]": "[unchecked]"}
    assert told.privacy.counts["unchecked"] > 25


def test_of_very_many_texts_not_all_are_remembered() -> None:
    notes = [f"note {number} of {PHONE}" for number in range(20_001)]
    told = assemble(capture(remarks=Remarks(notes=notes)), REDACTED, masking(found=Numbers()))
    assert told.conversation_notes[0] == "note 0 of [phone-1]"
    assert told.conversation_notes[-1] == "note 20000 of [phone-1]"


def test_where_nothing_is_to_be_masked_nothing_is() -> None:
    told = assemble(full(PHONE), Settings(transcript="on"), Discretion(REDACTED, lambda: None))
    assert told == assemble(full(PHONE), Settings(transcript="on"))


def test_without_a_redactor_that_was_asked_for_no_content_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def unable() -> Redactor:
        raise ImportError(PHONE)

    told = assemble(full(PHONE), REDACTED, Discretion(REDACTED, unable))
    assert places(told, PHONE) - STRUCTURE <= PROGRAM
    assert "transcript" in told.privacy.withheld
    assert "cannot redact (ImportError)" in caplog.text and PHONE not in caplog.text


def test_masks_are_counted_by_entity() -> None:
    value = {"[phone-2]": ["[phone]", "x [email-1] [phone-1]"], "n": 1, "t": ("[other-1]",)}
    assert masks_in(value, ["email", "phone"]) == {"email": 1, "phone": 3}


# -- the journal


def journal(pages: Pages, *captures: Capture) -> list[bytes]:
    lines = []
    for each in captures:
        lines += pages.lines(each).split(b"\n")
        pages.written()
    return [each for each in lines if each]


def test_the_journal_has_no_more_than_the_record() -> None:
    for settings, discretion, text in (
        (REQUIRED, Discretion(REQUIRED), "Plutonium"),
        (REDACTED, masking(), PHONE),
    ):
        lines = journal(Pages(settings, discretion), full(text, found=None))
        told = set(_names_with(lines, text))
        assert told <= {"usage", "facts", "remarks", "handoffs", "errors", "participants", "tools"}
        back = replayed(lines, T + 70)
        again = assemble(back.capture, back.as_it_was(Settings()))
        assert places(again, text) - STRUCTURE <= PROGRAM
        record = assemble(full(text, found=None), settings, discretion)
        assert again.privacy.withheld == record.privacy.withheld


def _names_with(lines: list[bytes], text: str) -> Iterator[str]:
    for each in lines:
        if text.encode() in each:
            yield each.split(b'"')[3].decode()


def test_a_recovered_record_counts_the_masks() -> None:
    lines = journal(Pages(REDACTED, masking()), full(PHONE, found=None))
    back = replayed(lines, T + 70)
    recovered = assemble(back.capture, back.as_it_was(Settings()))
    record = assemble(full(PHONE, found=None), REDACTED, masking())
    assert recovered.privacy.redacted
    assert recovered.privacy.counts == record.privacy.counts
    assert places(recovered, PHONE) <= STRUCTURE


def test_a_change_of_what_may_be_told_has_the_journal_written_anew() -> None:
    pages = Pages(REQUIRED)
    assert pages.turn(full("Plutonium")) is None  # nothing is written yet
    assert b"unheard Plut" not in b"".join(journal(pages, full("Plutonium")))
    assert pages.turn(full("Plutonium")) is None

    assert pages.turn(granted("Plutonium")) == "more"
    whole = journal(pages, granted("Plutonium"))
    assert b"unheard Plutonium" in b"".join(whole)
    assert assemble(replayed(whole, T + 70).capture, REQUIRED).transcript is not None

    refused = dataclasses.replace(full("Plutonium").remarks, consent=False)
    withdrawn = full("Plutonium", remarks=refused)
    assert pages.turn(withdrawn) == "less"
    assert b"unheard Plut" not in b"".join(journal(pages, withdrawn))


# -- a transcript of its own


def test_a_separate_transcript_is_beside_the_record() -> None:
    settings = Settings(transcript="separate", s3_bucket="calls", s3_prefix="a/sessions")
    told = assemble(full("Plutonium"), settings)
    packed = parcel(told, settings)

    assert packed.transcript is not None
    record, words = _opened(packed.body), _opened(packed.transcript)
    uri = f"s3://calls/a/transcripts/{packed.name}"
    assert (record["transcript"], record["transcript_uri"]) == (None, uri)
    assert words["transcript"]["items"] and words["session_id"] == record["session_id"]
    assert b"unheard Plut" not in packed.event and uri.encode() in packed.event


def test_in_a_directory_the_place_is_told_from_its_root_on() -> None:
    settings = Settings(transcript="separate")
    packed = parcel(assemble(full("Plutonium"), settings), settings)
    assert _opened(packed.body)["transcript_uri"] == f"transcripts/{packed.name}"


def test_words_that_may_not_be_told_are_taken_back_from_where_they_were() -> None:
    settings = Settings(transcript="separate", s3_bucket="calls", content_consent="required")
    first = parcel(assemble(full("Plutonium"), settings), settings)
    assert first.transcript is None
    later = parcel(assemble(full("Plutonium", revision=2), settings), settings)
    assert later.transcript is not None
    words = _opened(later.transcript)
    assert (words["transcript"]["items"], words["revision"]) == ([], 2)
    assert "transcript" in words["privacy"]["withheld"]
    assert _opened(later.body)["transcript_uri"] is None


def _opened(body: bytes) -> dict[str, Any]:
    import gzip
    import json

    row: dict[str, Any] = json.loads(gzip.decompress(body))
    return row


def test_a_record_of_redaction_is_a_valid_line() -> None:
    record = assemble(full(PHONE), REDACTED, masking())
    assert SessionRecord.model_validate_json(line(record)).privacy == record.privacy
