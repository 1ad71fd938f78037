"""The recorder of one session: what the agent's code sees, and how a call becomes a parcel."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .assembly import assemble, bare, parcel
from .call import Call, Capture, Remarks
from .collectors.annotations import Annotations
from .delivery import Courier, Hold, Shipment
from .draft import Draft
from .ending import QUIET_SECONDS, Evidence, end_cause
from .facts import Facts, numbered
from .guard import Guard
from .log import logger
from .record import RecordStatus
from .settings import Settings
from .writers import Parcel

if TYPE_CHECKING:
    from livekit.agents import AgentSession, RunContext

    from .job import Job

# Every event that is listened to. The deprecated session event `metrics_collected` is not.
_EVENTS = (
    "agent_false_interruption",
    "agent_state_changed",
    "close",
    "conversation_item_added",
    "error",
    "function_tools_executed",
    "speech_created",
    "tool_execution_updated",
    "user_input_transcribed",
    "user_state_changed",
)

# How long a record whose end is ambiguous is held back, from the job's first last hook on: what
# the framework does between its two last hooks takes time (it uploads its own report).
_LAST_WORD_SECONDS = 10.0

# What the end of a process may be held for where nothing else has: a worker that was killed.
_TEARDOWN_SECONDS = 5.0

_ids: Counter[str] = Counter()


class Recorder:
    """Records one session. Made by `attach`; in a tool or handler, `current` finds it.

    None of its methods raises into the agent: a value that cannot be kept is counted under
    ``completeness.invalid_values``, logged without the value, and the call goes on. What is
    added after the session has closed is sent once more, as the next revision.
    """

    def __init__(
        self,
        session: AgentSession[Any] | None,
        job: Job | None,
        settings: Settings,
        courier: Courier | None,
        session_id: str | None,
    ) -> None:
        self.session = session
        self._job = job
        self._settings = settings
        self._courier = courier
        self._guard = Guard()
        self._facts = job.facts if job else Facts()
        self._base_id = session_id or self._facts.session_id()
        self._tool_tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = (
            weakref.WeakKeyDictionary()
        )
        self._sentinel: asyncio.Task[None] | None = None
        self._complained: set[str] = set()
        self._shipments: list[Shipment] = []
        self._call: Call | None = None
        self._draft: Draft | None = None
        self._closed = asyncio.Event()
        if session is not None:
            self._begin(session)
            for name in _EVENTS:
                session.on(name, self._guard(self._handler(name), f"on_{name}"))  # type: ignore[arg-type]  # a Literal, checked by a test

    # -- for the agent's code

    @property
    def session_id(self) -> str:
        """The record's id; empty for a recorder that records nothing."""
        return self._call.session_id if self._call else ""

    def note(self, text: str) -> None:
        """Add a remark to ``conversation_notes``."""
        self._say("note", lambda a: a.add_note(text))

    def set_state(self, name: str) -> None:
        """Set ``conversation_state``, such as "DISCOVERY"; the change goes to the history."""
        self._say("set_state", lambda a: a.set_state(name))

    def record_consent(self, granted: bool, *, method: str | None = None) -> None:
        """Record that consent was given or refused, and how ("verbal", "dtmf", ...)."""
        self._say("record_consent", lambda a: a.record_consent(granted, method))

    def set_user(
        self, *, email: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Say who the caller is; metadata is merged into what is known."""
        self._say("set_user", lambda a: a.set_user(email, metadata))

    def set_signal(self, name: str, value: Any) -> None:
        """Set a value in ``discovered_signals``."""
        self._say("set_signal", lambda a: a.set_signal(name, value))

    def tag(self, *tags: str) -> None:
        """Add tags."""
        for tag in tags:
            self._say("tag", lambda a, tag=tag: a.add_tag(tag))  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    def set_custom(self, key: str, value: Any) -> None:
        """Set a value in ``custom``, for whatever has no place of its own."""
        self._say("set_custom", lambda a: a.set_custom(key, value))

    def outcome(self, success: bool, reason: str | None = None) -> None:
        """Say whether the call reached its goal, and why."""
        self._say("outcome", lambda a: a.set_outcome(success, reason))

    def annotate_tool(self, context: RunContext[Any] | None = None, /, **fields: Any) -> None:
        """Add fields to the entry of the tool call that is running: ``meeting_booked=True``.

        Args:
            context: The tool's own `RunContext`. Needed only in threads and sub-tasks of a tool
                while several tools run.
            **fields: Names and values; they stand beside the entry's fixed keys. A name that
                is one of these gets ``annotated_`` before it.
        """
        self._say("annotate_tool", lambda a: self._annotate_tool(a, context, fields))

    async def delivered(self, timeout: float | None = None) -> bool:
        """Wait until every sink has confirmed the record, or sending has ended.

        Args:
            timeout: Seconds to wait at most; None: as long as the export budget lasts.

        Returns:
            True where all have. False before the session's close, and where the record stays in
            the spool.
        """
        if not self._shipments:
            return False
        limit = self._settings.export_budget_seconds + 1.0 if timeout is None else timeout
        return bool(await _outcome(self._shipments[-1].delivered, limit))

    # -- for the job

    @property
    def started(self) -> bool:
        """Whether the session has begun."""
        return self._call is not None and self._call.started

    @property
    def finished(self) -> bool:
        """Whether the call is over and its record is on its way."""
        return self._draft is not None or self._call is None

    @property
    def undecided(self) -> bool:
        """Whether the record is held back because its end is ambiguous."""
        draft = self._draft
        return draft is not None and draft.open and end_cause(draft.capture.evidence) == "unknown"

    def finish(self, status: RecordStatus) -> None:
        """The call is over: freeze it, once, and hand it to the courier."""
        call = self._call
        if call is None or self._draft is not None:
            return
        self._guard(call.stop, "stop")()
        if self._job:
            self._guard(self._job.look, "look")()
        evidence = self._evidence(call)
        capture = call.capture(
            status, evidence, self._remarks(call), self._participants(), self._dropped()
        )
        if self._job:
            cuts = Counter(capture.truncated) + Counter(self._job.trimmer.cuts)
            capture = dataclasses.replace(capture, truncated=dict(cuts))
        self._send(capture, self._held(evidence))
        self._closed.set()

    def settle(self, *, last: bool) -> None:
        """Take up what came after the close: remarks, evidence. Send again only for a reason.

        Args:
            last: Nothing more comes.
        """
        call, draft = self._call, self._draft
        if call is None or draft is None:
            return
        now = dataclasses.replace(
            draft.capture,
            evidence=self._evidence(call),
            remarks=self._remarks(call),
            participants=self._participants(),
        )
        if draft.update(now):
            self._release(draft, last)
            return
        sent = draft.capture
        cause = end_cause(now.evidence)
        if now.remarks == sent.remarks and cause in ("unknown", end_cause(sent.evidence)):
            return
        if cause == "unknown":
            now = dataclasses.replace(now, evidence=sent.evidence)
        self._send(dataclasses.replace(now, revision=sent.revision + 1), None)

    async def closed(self) -> None:
        """Wait for the close."""
        await self._closed.wait()

    async def handed_over(self) -> None:
        """Wait until the record is delivered, or, where it is held back, on disk."""
        if not self._shipments:
            return
        shipment = self._shipments[-1]
        held = self._draft is not None and self._draft.open
        await _outcome(
            shipment.spooled if held else shipment.delivered,
            self._settings.export_budget_seconds + 1.0,
        )

    # -- inside

    def _begin(self, session: AgentSession[Any]) -> None:
        """A new call of the session: the first, or one after a restart."""
        _ids[self._base_id] += 1
        session_id = numbered(self._base_id, _ids[self._base_id])
        before, self._call = self._call, Call(session, session_id, self._facts, self._guard)
        if before:
            self._call.annotations.set_user(
                before.annotations.user_email, before.annotations.user_metadata
            )
        self._draft = None
        self._closed = asyncio.Event()
        if self._job and not self._facts.simulated:
            self._sentinel = asyncio.create_task(self._stand_by(), name="analytics_sentinel")

    def _handler(self, name: str) -> Callable[[Any], None]:
        def handle(event: Any) -> None:
            call = self._call
            if call is None:
                return
            if self.finished:
                # Stragglers of a call that is over are not events of the next one.
                if name != "agent_state_changed" or event.old_state != "initializing":
                    return
                self._begin(call.session)
                call = self._call
            if name == "tool_execution_updated":
                self._claim_tool_task(event)
            if name == "agent_state_changed" and self._job:
                self._job.look()
            getattr(call, f"on_{name}")(event)
            if name == "close":
                self.finish("final")

        return handle

    def _send(self, capture: Capture, hold: Hold | None) -> None:
        assert self._courier is not None
        job, courier = self._job, self._courier
        draft = self._draft = Draft(capture, hold, lambda: job.ending_at if job else None)

        def render() -> Parcel:
            # Called in the courier's thread, and again after the hold: with what came meanwhile.
            latest = draft.take()
            try:
                record = assemble(latest, self._settings, lost_before=courier.lost)
            except Exception as error:
                # Half a record beats none: what cannot fail, and the failure counted.
                self._guard.failed("assembly", error)
                record = bare(latest, self._settings, self._guard.errors)
            return parcel(record, self._settings)

        after = self._shipments[-1] if capture.revision > 1 else None
        self._shipments = [courier.submit(render, hold=hold, after=after)]

    def _release(self, draft: Draft, last: bool) -> None:
        """Send a held record now, or wait longer for the job's last word."""
        if draft.hold is None:
            return
        at_close = self._settings.export_at == "close"
        if last or (at_close and not self.undecided):
            draft.hold.release()
        elif at_close:
            draft.hold.extend(_LAST_WORD_SECONDS)

    def _held(self, evidence: Evidence) -> Hold | None:
        """Whether the record waits for the job's last word before it is sent."""
        if self._job is None:
            return None
        if self._settings.export_at == "session_end":
            return Hold(None)
        if self._facts.simulated or end_cause(evidence) != "unknown":
            return None
        ending = self._job.ending_at is not None
        return Hold(_LAST_WORD_SECONDS if ending else QUIET_SECONDS)

    def _evidence(self, call: Call) -> Evidence:
        if self._job:
            return self._job.evidence(call.closed, settled=self._facts.simulated)
        closed = call.closed
        return Evidence(
            now=time.time(),
            close_reason=closed.reason.value if closed else None,
            closed_at=closed.created_at if closed else None,
        )

    def _remarks(self, call: Call) -> Remarks:
        said = call.annotations
        tagger = self._job.ctx.tagger if self._job and self._job.ctx else None
        tags = list(said.tags)
        if tagger:
            tags += sorted(t for t in tagger.tags if t not in tags)
        evaluations = said.plain("evaluations", tagger.evaluations) if tagger else []
        outcome, reason = said.outcome, said.outcome_reason
        if outcome is None and tagger and tagger.outcome:
            outcome, reason = tagger.outcome, tagger.outcome_reason
        return Remarks(
            notes=list(said.notes),
            state=said.state,
            state_history=list(said.state_history),
            consent=said.consent,
            consent_at=said.consent_at,
            consent_method=said.consent_method,
            user_email=said.user_email,
            user_metadata=copy.deepcopy(said.user_metadata),
            signals=copy.deepcopy(said.signals),
            tags=tags,
            evaluations=evaluations or [],
            custom=copy.deepcopy(said.custom),
            outcome=outcome,
            outcome_reason=reason,
        )

    def _participants(self) -> list[Any]:
        if self._job is None:
            return []
        return self._guard.value(self._job.participants.result, [], "participants")

    def _dropped(self) -> int:
        return self._job.participants.dropped if self._job else 0

    def _say(self, method: str, keep: Callable[[Annotations], bool]) -> None:
        call = self._call
        if call is None:
            return
        try:
            kept = keep(call.annotations)
        except Exception as error:
            self._guard.failed(method, error)
            kept = False
        if kept:
            return
        call.invalid_values += 1
        if method not in self._complained:
            self._complained.add(method)
            logger.warning(
                "analytics: recorder.%s() got a value that it cannot keep; "
                "counted under completeness.invalid_values",
                method,
            )

    def _annotate_tool(
        self, annotations: Annotations, context: Any, fields: dict[str, Any]
    ) -> bool:
        assert self._call is not None
        call_id = self._running_tool(context)
        if call_id is None or not fields:
            return False
        values = {n: annotations.plain("tool_calls", v) for n, v in fields.items()}
        return self._call.tools.annotate(call_id, values)

    def _running_tool(self, context: Any) -> str | None:
        assert self._call is not None
        if context is not None:
            call_id = getattr(getattr(context, "function_call", None), "call_id", None)
            return call_id if isinstance(call_id, str) else None
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None  # a thread of the tool
        if task is not None and task in self._tool_tasks:
            return self._tool_tasks[task]
        running = self._call.tools.running()
        return running[-1] if running else None

    def _claim_tool_task(self, event: Any) -> None:
        """Remember which task runs a tool call, so that `annotate_tool` knows who is speaking.

        The framework makes the task, named ``tool_exec_{tool}``, right before this event.
        """
        if event.update.type != "tool_call_started":
            return
        name = f"tool_exec_{event.update.function_call.name}"
        for task in asyncio.all_tasks():
            if task.get_name() == name and task not in self._tool_tasks:
                self._tool_tasks[task] = event.update.function_call.call_id

    async def _stand_by(self) -> None:
        """The last resort: where neither a close nor a hook comes, the loop's end cancels this."""
        try:
            await self._closed.wait()
        except asyncio.CancelledError:
            self.finish("partial")
            self.settle(last=True)
            await self.delivered(_TEARDOWN_SECONDS)
            raise


async def _outcome(future: Any, seconds: float) -> bool | None:
    """A thread's result, without blocking the loop; None after the time."""
    wrapped = asyncio.wrap_future(future)
    try:
        # Shielded: giving up waiting must not cancel the delivery.
        return bool(await asyncio.wait_for(asyncio.shield(wrapped), seconds))
    except asyncio.TimeoutError:
        return None
