"""The record: one JSON object per session. Its schema; how it becomes bytes: see `lines`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

SCHEMA_VERSION = "1.0"

ONLY_TIMES = "everything but the times"
"""In ``completeness.missing`` of a record whose making failed."""

# session_id is VARCHAR(100) in the contract with the data team.
MAX_SESSION_ID = 100

RecordStatus = Literal["final", "partial", "recovered"]
EndCause = Literal[
    "caller_hung_up",
    "agent_ended",
    "room_deleted",
    "connection_lost",
    "caller_removed",
    "error",
    "crashed",
    "worker_shutdown",
    "unknown",
]


def utc(seconds: float) -> datetime:
    """Unix seconds as an aware datetime, to the millisecond that the record keeps."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc)


def iso(moment: datetime) -> str:
    """``2025-10-29T14:30:00.000Z``: UTC, milliseconds, Z."""
    if moment.tzinfo is not timezone.utc:
        moment = moment.astimezone(timezone.utc)
    text = moment.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def seconds(value: float | None) -> float | None:
    """A duration as the record keeps it: at most 3 decimals; what is no number is null."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), 3)


Timestamp = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Json = Any
"""A JSON value, already trimmed."""


class Part(BaseModel):
    """A piece of the record with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid")


PartT = TypeVar("PartT", bound=Part)


def lean(kind: type[PartT]) -> Callable[..., PartT]:
    """Makes parts of which a call has thousands, with all their fields given.

    They share one set of the names of what is given. Each would have 700 bytes of its own for
    that, and the collector an object more to look at.
    """
    names = set(kind.model_fields)

    def make(**values: Any) -> PartT:
        part = kind(**values)
        object.__setattr__(part, "__pydantic_fields_set__", names)
        return part

    return make


class Sip(Part):
    """What LiveKit SIP says of a phone call (participant attributes ``sip.*``)."""

    call_id: str | None = None
    phone_number: str | None = None
    trunk_phone_number: str | None = None
    trunk_id: str | None = None
    rule_id: str | None = None


class Participant(Part):
    """Someone in the room other than this agent, as seen while they were there."""

    identity: str
    kind: str
    name: str | None = None
    joined_at: Timestamp | None = None
    left_at: Timestamp | None = None
    disconnect_reason: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    sip: Sip | None = None


class Signal(Part):
    """One mention of something discovered, chosen or not."""

    name: str
    value: Json
    status: str
    chosen: bool
    rule: str | None = None
    item_id: str | None = None
    at: Timestamp | None = None
    text: str | None = None
    asked: bool | None = None


class ToolCall(BaseModel):
    """One tool call. What the tool annotated stands beside the fixed keys."""

    model_config = ConfigDict(extra="allow")

    tool: str
    timestamp: Timestamp
    call_id: str
    status: Literal["done", "error", "cancelled"]
    duration_seconds: float | None = None
    arguments: dict[str, Json] = Field(default_factory=dict)
    result: str | None = None
    error: str | None = None
    agent: str | None = None


class MetricsSummary(Part):
    """Totals of the session. A null was not measured; ``completeness.missing`` names it.

    "The framework's sums" are ``session.usage``, over all models of that kind. "Speaking" is what
    the session's state events say; a caller's end of speech is dated back to the true one.
    """

    total_llm_calls: int | None = None
    """Requests to language models and responses of realtime models, as they report themselves;
    without those that failed, or that were given up before the first word."""
    total_stt_duration: float | None = None
    """Seconds of audio that were transcribed: the framework's sums."""
    total_tts_duration: float | None = None
    """Seconds of audio that were synthesized, heard or not: the framework's sums."""
    total_tts_characters: int | None = None
    """Characters that were synthesized: the framework's sums."""
    total_input_tokens: int | None = None
    """Tokens sent to language models, cached ones included: the framework's sums."""
    total_cached_input_tokens: int | None = None
    """Those of them that the provider had in its cache."""
    total_output_tokens: int | None = None
    """Tokens that language models wrote: the framework's sums; cancelled requests report none."""
    user_turns: int = 0
    """The caller's messages, spoken or typed, that the session committed."""
    agent_turns: int = 0
    """The agent's messages that the session committed, those cut off included; without what was
    cut off before any of it was heard."""
    interruptions: int = 0
    """How often the caller cut off what the agent was saying; without what the call's end cut off,
    and without false interruptions."""
    false_interruptions: int = 0
    """How often a noise paused the agent and no words followed, as the framework reports it."""
    cancelled_llm_calls: int | None = None
    """Those of the requests that were broken off."""
    failed_llm_calls: int | None = None
    """Attempts that ended in an error, retried ones included."""
    time_to_first_agent_speech: float | None = None
    """Seconds from the session's start to the agent's first speech."""
    user_speaking_seconds: float | None = None
    """Seconds of the caller's voice; null where no voice was listened for."""
    agent_speaking_seconds: float | None = None
    """Seconds in which the agent was speaking; null where it never was."""
    silence_seconds: float | None = None
    """Seconds in which neither side was speaking, from the first speech of either side to the
    call's end (``end_time``); null where no voice was listened for or nobody spoke."""
    longest_dead_air_seconds: float | None = None
    """Seconds of the longest stretch of that silence, the wait before the end included."""
    user_words_per_minute: float | None = None
    """Words of the committed messages by minute of speaking, one decimal. Typed words count too;
    what was heard but not committed does not. Null under a second of speech, without a word, and
    in scripts that put nothing between words."""
    agent_words_per_minute: float | None = None
    """The same of the agent. Of a message that was cut off the text counts that the framework
    keeps: what was heard where the room synchronizes the text, else the whole."""


class Distribution(Part):
    """Percentiles (linear interpolation, numpy's default) in seconds; null where num is 0."""

    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    num: int = 0


class Latency(Part):
    """How long each stage took, from the metrics of the committed messages.

    What is negative or over 60 seconds is left out (a tool may take longer), and counted under
    ``completeness.truncated["latency"]``.
    """

    e2e: Distribution = Field(default_factory=Distribution)
    """End of the caller's speech to the start of the reply's; the first message of each reply to a
    spoken turn (``e2e_latency``)."""
    llm_ttft: Distribution = Field(default_factory=Distribution)
    """First token (``llm_node_ttft``); of a realtime model each response, tool calls' included, as
    its own metrics have it."""
    tts_ttfb: Distribution = Field(default_factory=Distribution)
    """First text to first audio (``tts_node_ttfb``)."""
    transcription_delay: Distribution = Field(default_factory=Distribution)
    """End of the caller's speech to its transcript."""
    end_of_turn_delay: Distribution = Field(default_factory=Distribution)
    """End of the caller's speech to the decision that the turn is over."""
    tool: Distribution = Field(default_factory=Distribution)
    """Each tool call, whatever it ended in."""


class Usage(Part):
    """What one model of one provider was used for, as the framework summed it."""

    kind: str
    provider: str
    model: str
    quantities: dict[str, int | float] = Field(default_factory=dict)
    mode: str | None = None
    """STT: streaming, batch or mixed; null: not known."""
    largest_request: int | None = None
    """LLM: input tokens of the largest single request; null: not known."""


class Cost(Part):
    """One billed unit of one usage line, or of a service that the user has a rate for.

    Money as decimal text in the summary's currency; null: no known price.
    """

    kind: str
    provider: str
    model: str
    unit: str
    quantity: int | float
    unit_price: str | None = None
    amount: str | None = None
    source: str | None = None


class StateChange(Part):
    """A conversation state and when it began."""

    state: str
    at: Timestamp


class Handoff(BaseModel):
    """One agent handing the call to another."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_agent: str = Field(alias="from")
    to: str
    at: Timestamp


class Error(Part):
    """A failure that the framework reported: the component and the type, never the text."""

    component: str
    type: str
    recoverable: bool | None = None
    at: Timestamp


class TranscriptItem(Part):
    """One thing said or done, in time order."""

    id: str
    role: Literal["user", "agent", "tool", "system"]
    text: str
    at: Timestamp | None = None
    interrupted: bool = False
    language: str | None = None
    agent: str | None = None
    latency: dict[str, float] = Field(default_factory=dict)
    """Seconds by the framework's names, such as e2e_latency."""
    committed: bool = True
    """Whether the session made a turn of it; false: it was heard, and dropped."""


class Transcript(Part):
    """The words of the call."""

    source: Literal["session", "room", "cloud"]
    complete: bool
    text: str
    items: list[TranscriptItem]


class Privacy(Part):
    """What was masked or kept back."""

    redacted: bool = False
    counts: dict[str, int] = Field(default_factory=dict)
    withheld: list[str] = Field(default_factory=list)


class Completeness(Part):
    """What this record does not know, and why."""

    close_event_seen: bool = False
    missing: list[str] = Field(default_factory=list)
    truncated: dict[str, int] = Field(default_factory=dict)
    dropped_events: int = 0
    handler_errors: int = 0
    invalid_values: int = 0
    lost_records_before: int = 0


class SessionRecord(Part):
    """One session. Field order is the order on the line: scalars first, words last."""

    schema_version: str = SCHEMA_VERSION
    session_id: str = Field(max_length=MAX_SESSION_ID)
    revision: int = 1
    record_status: RecordStatus
    plugin_version: str
    sdk_version: str
    environment: str
    simulated: bool

    job_id: str | None
    room_name: str | None
    room_sid: str | None
    agent_name: str | None
    worker_id: str | None
    trace_id: str | None = None
    """OpenTelemetry's, of the span in which the session began: 32 hexadecimal digits."""
    user_email: str | None
    user_metadata: dict[str, Json] = Field(default_factory=dict)
    participants: list[Participant] = Field(default_factory=list)

    start_time: Timestamp
    end_time: Timestamp
    closed_at: Timestamp | None
    duration_seconds: float
    close_reason: str | None
    end_cause: EndCause
    shutdown_reason: str | None

    discovered_signals: dict[str, Json] = Field(default_factory=dict)
    signals: list[Signal] = Field(default_factory=list)
    signal_pack: str | None = None

    tool_calls: list[ToolCall] = Field(default_factory=list)

    metrics_summary: MetricsSummary
    latency: Latency
    usage: list[Usage] = Field(default_factory=list)

    cost_summary: dict[str, Json] = Field(default_factory=dict)
    costs: list[Cost] = Field(default_factory=list)
    unpriced: list[dict[str, Json]] = Field(default_factory=list)

    conversation_notes: list[str] = Field(default_factory=list)
    conversation_state: str | None
    state_history: list[StateChange] = Field(default_factory=list)
    consent_obtained: bool | None
    consent_timestamp: Timestamp | None
    consent_method: str | None
    outcome: str | None
    outcome_reason: str | None
    tags: list[str] = Field(default_factory=list)
    evaluations: list[Json] = Field(default_factory=list)
    custom: dict[str, Json] = Field(default_factory=dict)
    handoffs: list[Handoff] = Field(default_factory=list)
    errors: list[Error] = Field(default_factory=list)

    transcript: Transcript | None = None
    transcript_uri: str | None = None
    """Where the words are, when they are kept beside the record."""
    privacy: Privacy = Field(default_factory=Privacy)
    completeness: Completeness = Field(default_factory=Completeness)

    @property
    def name(self) -> str:
        """``year=YYYY/month=MM/day=DD/{session_id}.json.gz``; the date is the start's in UTC."""
        return dated_name(self.start_time, self.session_id)


def dated_name(start: datetime, session_id: str) -> str:
    """The object's name under its prefix; the date is the start's in UTC."""
    day = start.astimezone(timezone.utc)
    return f"year={day:%Y}/month={day:%m}/day={day:%d}/{session_id}.json.gz"


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_session_id(text: str) -> str:
    """A session id that is safe in a key, a file's name and VARCHAR(100)."""
    # Athena, Spark and Trino skip files whose names begin with "_" or ".".
    return _UNSAFE.sub("-", text).lstrip("-._")[:MAX_SESSION_ID].rstrip("-.")
