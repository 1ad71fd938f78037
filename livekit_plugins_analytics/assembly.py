"""From a capture to the record, and from the record to the parcel. Runs in a thread."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from .call import Capture, Found
from .collectors.latency import latency
from .collectors.totals import totals
from .collectors.transcript import Line, in_order, words_per_minute
from .costs import Connections, Costs, RateCard, UsageLine, price, service_lines
from .desk import uncollected
from .discovery import Discovery
from .document import TranscriptDocument
from .emf import metric_members
from .ending import end_cause, end_time
from .facts import Facts
from .lines import compressed, event, line
from .parts import EndCause, seconds, utc
from .privacy import WITHHELD, Discretion, masks_in
from .rates import load_rates_leniently
from .reading import PATIENCE_SECONDS, Heard
from .record import (
    ONLY_TIMES,
    Completeness,
    Cost,
    Latency,
    MetricsSummary,
    Privacy,
    SessionRecord,
    Transcript,
)
from .settings import TRANSCRIPTS, Settings
from .transcription import transcript
from .version import __version__
from .writers import MAX_EVENT_BYTES, Parcel, beside, s3_uri

# The facts that stand in the record as they are.
_FACTS = ("job_id", "room_name", "room_sid", "agent_name", "worker_id", "simulated", "sdk_version")


def assemble(
    capture: Capture,
    settings: Settings,
    discretion: Discretion | None = None,
    *,
    lost_before: int = 0,
) -> SessionRecord:
    """The record of a capture.

    Args:
        capture: What was copied on the event loop.
        settings: Whether the words go along, and the environment's name.
        discretion: What may be told of the call; by the settings where it is not given.
        lost_before: Records that were lost before this one and that no other has told.
    """
    discretion = discretion or Discretion(settings)
    capture = discretion.of(capture)
    facts, remarks, evidence = capture.facts, capture.remarks, capture.evidence
    start = capture.started_at
    end = max(end_time(evidence), start)
    rates = load_rates_leniently(settings)
    costs = _costs(capture, rates, utc(start), utc(max(end, evidence.closed_at or end)))
    found = _found(capture, discretion)
    with uncollected():
        lines = in_order(capture.said)
        metrics = _metrics(capture, lines, end)
        stages, implausible = latency(lines, capture.tool_durations, capture.realtime_ttfts)
        words, cut = None, 0
        if settings.transcript != "off" and not discretion.silent:
            words, cut = transcript(
                lines,
                capture.tools,
                finals=capture.finals,
                handoffs=capture.handoffs,
                dropped=capture.unsaid,
            )
    truncated = {"transcript": cut, "latency": implausible}
    record = SessionRecord(
        session_id=capture.session_id,
        revision=capture.revision,
        record_status=capture.status,
        plugin_version=__version__,
        sdk_version=facts.sdk_version,
        environment=settings.environment,
        simulated=facts.simulated,
        job_id=facts.job_id,
        room_name=facts.room_name,
        room_sid=facts.room_sid,
        agent_name=facts.agent_name,
        worker_id=facts.worker_id,
        trace_id=capture.trace_id,
        user_email=remarks.user_email,
        user_metadata=remarks.user_metadata,
        participants=capture.participants,
        start_time=utc(start),
        end_time=utc(end),
        closed_at=None if evidence.closed_at is None else utc(evidence.closed_at),
        duration_seconds=round(end - start, 3),
        close_reason=evidence.close_reason,
        end_cause=_cause(capture),
        shutdown_reason=None if evidence.shutdown_reason == WITHHELD else evidence.shutdown_reason,
        discovered_signals=found.values,
        signals=found.evidence,
        signal_pack=found.pack,
        tool_calls=capture.tools,
        metrics_summary=metrics,
        latency=stages,
        usage=capture.usage,
        cost_summary=costs.figures(),
        costs=[Cost(**row) for row in costs.rows()],
        unpriced=[dict(u) for u in costs.unpriced],
        conversation_notes=remarks.notes,
        conversation_state=remarks.state,
        state_history=remarks.state_history,
        consent_obtained=remarks.consent,
        consent_timestamp=None if remarks.consent_at is None else utc(remarks.consent_at),
        consent_method=remarks.consent_method,
        outcome=remarks.outcome,
        outcome_reason=remarks.outcome_reason,
        tags=remarks.tags,
        evaluations=remarks.evaluations,
        custom=remarks.custom,
        handoffs=capture.handoffs,
        errors=capture.errors,
        transcript=words,
        privacy=Privacy(redacted=bool(capture.masked), withheld=discretion.withheld),
        completeness=Completeness(
            close_event_seen=evidence.close_reason is not None,
            missing=_missing(capture, found, metrics, costs, rates),
            truncated={**capture.truncated, **{k: n for k, n in truncated.items() if n}},
            dropped_events=capture.dropped + found.dropped,
            handler_errors=capture.handler_errors,
            invalid_values=capture.invalid_values,
            lost_records_before=lost_before,
        ),
    )
    if capture.masked:
        # The text of the transcript has its items once more.
        texts = record.model_dump(exclude={"transcript": {"text"}})
        record.privacy.counts = masks_in(texts, capture.masked)
    return record


def _found(capture: Capture, discretion: Discretion) -> Found:
    found = capture.found
    if found is None:
        heard = Heard()
        if capture.hear:
            heard = capture.hear(PATIENCE_SECONDS) or Heard(deaf=True)
        values, evidence = Discovery().of(heard.rules, heard.mentions, capture.remarks)
        pack = heard.rules.id if heard.rules else None
        found = Found(values, evidence, pack, heard.dropped, heard.deaf)
    values, evidence = discretion.found(found.values, found.evidence)
    return dataclasses.replace(found, values=values, evidence=evidence)


def bare(
    capture: Capture,
    settings: Settings,
    handler_errors: int,
    discretion: Discretion | None = None,
) -> SessionRecord:
    """A record of times and names only, for when `assemble` has failed."""
    hidden = capture.facts.room_name and (discretion or Discretion(settings)).needed(capture)
    evidence = capture.evidence
    start = capture.started_at
    end = max(end_time(evidence), start)
    return SessionRecord.model_construct(
        **{
            **{
                name: None
                for name, field in SessionRecord.model_fields.items()
                if field.is_required()
            },
            **{name: getattr(capture.facts, name) for name in _FACTS},
            "session_id": capture.session_id,
            "trace_id": capture.trace_id,
            "revision": capture.revision,
            "record_status": "partial" if capture.status == "final" else capture.status,
            "plugin_version": __version__,
            "environment": settings.environment,
            "start_time": utc(start),
            "end_time": utc(end),
            "closed_at": None if evidence.closed_at is None else utc(evidence.closed_at),
            "duration_seconds": round(end - start, 3),
            "close_reason": evidence.close_reason,
            "end_cause": _cause(capture),
            "metrics_summary": MetricsSummary(),
            "latency": Latency(),
            "room_name": None if hidden else capture.facts.room_name,
            "privacy": Privacy(withheld=["room_name"] if hidden else []),
            "completeness": Completeness(
                close_event_seen=evidence.close_reason is not None,
                missing=[ONLY_TIMES],
                handler_errors=handler_errors,
            ),
        }
    )


def _cause(capture: Capture) -> EndCause:
    """Why the call ended. A process that died left a journal and no other reason."""
    cause = end_cause(capture.evidence)
    return "crashed" if capture.status == "recovered" and cause == "unknown" else cause


@uncollected()
def parcel(record: SessionRecord, settings: Settings, *, counted: bool = False) -> Parcel:
    """The record as it leaves: bytes and a name.

    Args:
        record: The session.
        settings: Whether its event makes metrics, and where the record will be.
        counted: An earlier revision's event has made them: this is not another call.
    """
    words = record.transcript if settings.transcript == "separate" else None
    document = None
    if words is not None:
        document = _document(record, words)
        record = record.model_copy(
            update={"transcript": None, "transcript_uri": _transcript_uri(record, settings)}
        )
    elif settings.transcript == "separate" and record.revision > 1:
        # What the revision before may have put there is not to be told any more.
        nothing = Transcript(source="session", complete=False, text="", items=[])
        document = _document(record, nothing)
    members = {}
    if settings.metrics == "emf" and not counted:
        members = metric_members(record, settings.metrics_namespace, settings.dimensions)
    return Parcel(
        session_id=record.session_id,
        revision=record.revision,
        name=record.name,
        body=compressed(line(record)),
        event=event(
            record,
            limit=MAX_EVENT_BYTES,
            s3_uri=s3_uri(settings, record.name) if settings.keeps_objects else None,
            members=members,
        ),
        happened_at=record.end_time.timestamp(),
        stream=record.agent_name or "",
        transcript=None if document is None else compressed(line(document)),
    )


def _document(record: SessionRecord, words: Transcript) -> TranscriptDocument:
    return TranscriptDocument(
        session_id=record.session_id,
        revision=record.revision,
        room_name=record.room_name,
        room_sid=record.room_sid,
        agent_name=record.agent_name,
        start_time=record.start_time,
        end_time=record.end_time,
        transcript=words,
        privacy=record.privacy,
    )


def _transcript_uri(record: SessionRecord, settings: Settings) -> str:
    """Where the words are: in S3, else in the directory, from its root on."""
    if "s3" in settings.sink_names:
        return s3_uri(settings, record.name, TRANSCRIPTS)
    return beside(settings.s3_prefix, TRANSCRIPTS) + record.name


def _metrics(capture: Capture, lines: list[Line], end: float) -> MetricsSummary:
    talk = capture.talk
    roles = [line.role for line in lines]
    user, agent = talk.user_speaking_seconds(end), talk.agent_speaking_seconds(end)
    silence, dead_air = talk.pauses(end) or (None, None)
    return totals(capture.usage).model_copy(
        update={
            "total_llm_calls": capture.llm_calls,
            "cancelled_llm_calls": capture.cancelled_llm_calls,
            "failed_llm_calls": capture.failed_llm_calls,
            "user_turns": roles.count("user"),
            "agent_turns": roles.count("agent"),
            "interruptions": talk.interruptions(end),
            "false_interruptions": talk.false_interruptions,
            "time_to_first_agent_speech": seconds(talk.first_agent_speech(capture.started_at)),
            "user_speaking_seconds": seconds(user),
            "agent_speaking_seconds": seconds(agent),
            "silence_seconds": seconds(silence),
            "longest_dead_air_seconds": seconds(dead_air),
            "user_words_per_minute": words_per_minute(lines, "user", user, capture.unsaid),
            "agent_words_per_minute": words_per_minute(lines, "agent", agent, capture.unsaid),
        }
    )


def _costs(capture: Capture, rates: RateCard | None, start: datetime, end: datetime) -> Costs:
    card = rates or RateCard()
    lines = [UsageLine(**dict(usage)) for usage in capture.usage]
    if not capture.facts.simulated:
        phones = [(p.joined_at, p.left_at) for p in capture.participants if p.kind == "sip"]
        lines += service_lines(card, Connections.between(start, end, phones), start)
    return price(lines, start, [card], currency=card.currency)


def _missing(
    capture: Capture, found: Found, metrics: MetricsSummary, costs: Costs, rates: RateCard | None
) -> list[str]:
    """Names of what is null, empty or too low because it was not measured."""
    missing = [
        f"metrics_summary.{name}"
        for name in MetricsSummary.model_fields
        if getattr(metrics, name) is None
    ]
    nowhere = Facts(sdk_version=capture.facts.sdk_version, redaction=capture.facts.redaction)
    if capture.facts == nowhere:
        missing.append("participants")  # no job, no room
    if capture.evidence.closed_at is None:
        missing.append("closed_at")
        if capture.status == "recovered":
            missing.append("end_time")  # the last sign of life, or the last departure
    if found.deaf:
        missing.append("discovered_signals")
    if capture.uncounted_llm_calls:
        missing.append("usage.cancelled_llm_calls")
    missing += capture.undercounts
    if rates is None:
        missing.append("costs.rates")
    if not costs.summary.get("complete", False):
        missing.append("cost_summary")
    return missing
