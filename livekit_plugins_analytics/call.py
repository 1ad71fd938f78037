"""One call: a session from its start to its close, and the collectors that listen to it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .collectors.annotations import Annotations
from .collectors.conversation import Conversation, Talk
from .collectors.ears import Ears
from .collectors.failures import Failures
from .collectors.tools import Tools
from .collectors.transcript import Final, Line, Said, Words
from .collectors.usage import Calls, usage_lines
from .ending import Evidence
from .facts import Facts, current_trace_id, redaction_wanted
from .guard import Guard
from .parts import Error, Handoff, Participant, RecordStatus, Signal, StateChange, ToolCall, Usage
from .reading import Hear, Reading
from .trim import Trimmer

if TYPE_CHECKING:
    from livekit.agents import (
        AgentFalseInterruptionEvent,
        AgentSession,
        AgentStateChangedEvent,
        CloseEvent,
        ConversationItemAddedEvent,
        ErrorEvent,
        FunctionToolsExecutedEvent,
        SpeechCreatedEvent,
        UserInputTranscribedEvent,
        UserStateChangedEvent,
    )
    from livekit.agents.voice.events import ToolExecutionUpdatedEvent

    from .rulebook import Rules


# None of these has a repr: it would quote the caller.
@dataclass(frozen=True, repr=False)
class Remarks:
    """What the agent said of the call, copied at one moment: it may say more after the close."""

    notes: list[str] = field(default_factory=list)
    note_times: list[float] = field(default_factory=list)
    """Unix seconds of each."""
    state: str | None = None
    state_history: list[StateChange] = field(default_factory=list)
    consent: bool | None = None
    consent_at: float | None = None
    consent_method: str | None = None
    user_email: str | None = None
    user_metadata: dict[str, Any] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)
    signal_times: dict[str, float] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    evaluations: list[Any] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    outcome_reason: str | None = None


@dataclass(frozen=True, repr=False)
class Found:
    """What the rules had made of the mentions, where these are not there any more."""

    values: dict[str, Any]
    evidence: list[Signal]
    pack: str | None
    dropped: int = 0
    deaf: bool = False
    """Whether signals were wanted, and the pack could not be used."""


@dataclass(frozen=True, repr=False)
class Capture:
    """Everything a record is made of, copied on the event loop at one moment.

    The record itself is made from it later, in a thread.
    """

    facts: Facts
    session_id: str
    status: RecordStatus
    revision: int
    started_at: float
    evidence: Evidence
    remarks: Remarks
    participants: list[Participant]
    tools: list[ToolCall]
    tool_durations: list[float]
    said: list[Said] | list[Line]
    unsaid: int
    """Messages beyond what one record holds."""
    talk: Talk
    usage: list[Usage]
    llm_calls: int | None
    cancelled_llm_calls: int | None
    uncounted_llm_calls: int
    hear: Hear | None
    """Reads what was said, for the signal rules; None where they are off."""
    handoffs: list[Handoff]
    errors: list[Error]
    truncated: dict[str, int]
    dropped: int
    handler_errors: int
    invalid_values: int
    failed_llm_calls: int | None = None
    undercounts: tuple[str, ...] = ()
    realtime_ttfts: list[float] = field(default_factory=list)
    trace_id: str | None = None
    finals: list[Final] = field(default_factory=list)
    """What was heard, in the order in which it came; empty where no transcript is wanted."""
    withheld: tuple[str, ...] = ()
    """Names of what was there and may not be told, once `privacy` has been asked."""
    masked: tuple[str, ...] = ()
    """Entities that were looked for in all texts, and masked."""
    found: Found | None = None
    """Instead of `hear`, in a capture that comes from a journal."""


class Call:
    """The collectors of one call. Its methods run on the event loop, between audio frames.

    Args:
        session: The session; its events are brought here by the recorder.
        session_id: The record's id.
        facts: The job it belongs to.
        guard: Counts what our handlers raise.
        rules: What to find in the caller's words; None: nothing.
        finals: Whether what was heard is kept, for the transcript.
    """

    def __init__(
        self,
        session: AgentSession[Any],
        session_id: str,
        facts: Facts,
        guard: Guard,
        rules: Rules | None = None,
        *,
        finals: bool = True,
    ) -> None:
        self.session_id = session_id
        self.facts = facts
        self.trimmer = Trimmer()
        self.tools = Tools(self.trimmer)
        self.annotations = Annotations(self.trimmer)
        self.closed: CloseEvent | None = None
        self.invalid_values = 0
        self.session = session
        self._guard = guard
        self._attached_at = time.time()
        self._first_event_at: float | None = None
        self._trace_id: str | None = None
        self._words = Words(self.trimmer, finals=finals)
        self._conversation = Conversation()
        # One for all: a session keeps its speeches, and each its callbacks.
        self._speech_done = guard(self._conversation.on_speech_done)
        self._failures = Failures()
        self._calls = Calls(guard)
        self._ears = Ears(Reading(rules, guard.failed) if rules else None)

    @property
    def started(self) -> bool:
        """Whether the session has begun: it has emitted something."""
        return self._first_event_at is not None

    def on_conversation_item_added(self, event: ConversationItemAddedEvent) -> None:
        self._begin(event)
        item = event.item
        if item.type == "message":
            self._conversation.on_message(item)
            self._words.on_message(item, self._conversation.agent)
            self._ears.on_message(item)
        elif item.type == "agent_handoff":
            self._conversation.on_handoff(item)
            self._calls.watch(self.session)

    def on_agent_state_changed(self, event: AgentStateChangedEvent) -> None:
        self._begin(event)
        self._conversation.on_agent_state(event)
        self._calls.watch(self.session)

    def on_user_state_changed(self, event: UserStateChangedEvent) -> None:
        # The framework marks the turns of a caller who types as well: that is no voice.
        voice = self.session.input.audio is not None
        self._conversation.on_user_state(event, voice=voice)

    def on_user_input_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self._words.on_final(event)
            self._ears.on_final(event)

    def on_agent_false_interruption(self, event: AgentFalseInterruptionEvent) -> None:
        self._conversation.on_false_interruption(event)

    def on_speech_created(self, event: SpeechCreatedEvent) -> None:
        self._begin(event)
        self._calls.on_speech(self.session, event)
        event.speech_handle.add_done_callback(self._speech_done)

    def on_tool_execution_updated(self, event: ToolExecutionUpdatedEvent) -> None:
        self.tools.on_updated(event, self._conversation.agent)

    def on_function_tools_executed(self, event: FunctionToolsExecutedEvent) -> None:
        self.tools.on_executed(event, self._conversation.agent)

    def on_error(self, event: ErrorEvent) -> None:
        self._failures.on_error(event)

    def on_close(self, event: CloseEvent) -> None:
        self._begin(event)
        self.closed = event

    def stop(self) -> None:
        """Listen to nothing any more."""
        self._calls.stop()

    def capture(
        self,
        status: RecordStatus,
        evidence: Evidence,
        remarks: Remarks,
        participants: list[Participant],
        dropped: int,
    ) -> Capture:
        """Copy what the record needs: lists of references, no text is touched."""
        dropped += sum(
            c.dropped
            for c in (
                self.tools,
                self.annotations,
                self._words,
                self._conversation,
                self._failures,
                self._ears,
                self._calls,
            )
        )
        value = self._guard.value
        redaction = value(lambda: redaction_wanted(self.session), True, "redaction")
        facts = dataclasses.replace(self.facts, redaction=True) if redaction else self.facts
        return Capture(
            facts=facts,
            session_id=self.session_id,
            status=status,
            revision=1,
            started_at=self._first_event_at or self._attached_at,
            evidence=evidence,
            remarks=remarks,
            participants=participants,
            tools=value(self.tools.result, [], "tools"),
            tool_durations=self.tools.durations,
            said=self._words.said,
            unsaid=self._words.dropped,
            talk=self._conversation.talk,
            usage=value(lambda: usage_lines(self.session.usage, self._calls), [], "usage"),
            llm_calls=self._calls.total if self._calls.seen else None,
            cancelled_llm_calls=self._calls.cancelled if self._calls.seen else None,
            uncounted_llm_calls=self._calls.uncounted,
            hear=self._ears.heard(),
            handoffs=list(self._conversation.handoffs),
            errors=self._failures.result(),
            truncated=dict(self.trimmer.cuts),
            dropped=dropped,
            handler_errors=self._guard.errors,
            invalid_values=self.invalid_values,
            failed_llm_calls=self._calls.failed if self._calls.seen else None,
            undercounts=self._calls.undercounts,
            realtime_ttfts=list(self._calls.realtime_ttfts),
            trace_id=self._trace_id,
            finals=self._words.finals,
        )

    def _begin(self, event: Any) -> None:
        if self._first_event_at is None:
            self._trace_id = self._guard.value(current_trace_id, None, "trace_id")
            self._first_event_at = min(event.created_at, time.time())
