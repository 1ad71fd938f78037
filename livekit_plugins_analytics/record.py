"""The record: one JSON object per session. Its schema; how it becomes bytes: see `lines`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .parts import (
    EndCause,
    Error,
    Handoff,
    Json,
    Part,
    Participant,
    RecordStatus,
    Signal,
    StateChange,
    Timestamp,
    ToolCall,
    Usage,
)
from .session_id import MAX_SESSION_ID, dated_name

SCHEMA_VERSION = "1.0"

ONLY_TIMES = "everything but the times"
"""In ``completeness.missing`` of a record whose making failed."""


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
