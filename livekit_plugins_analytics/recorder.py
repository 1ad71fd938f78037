"""The recorder of one session: what the agent's code sees, and what listens to its events."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .call import Call
from .collectors.annotations import Annotations
from .delivery import Courier
from .export import Export
from .facts import Facts, numbered
from .guard import Guard
from .log import logger
from .privacy import Discretion, Redacting
from .scribe import Logbook
from .settings import Settings

if TYPE_CHECKING:
    from livekit.agents import AgentSession, RunContext

    from .job import Job
    from .rulebook import Rules

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
        rules: Rules | None = None,
        redacting: Redacting | None = None,
    ) -> None:
        self.session = session
        self._job = job
        self._settings = settings
        self._rules = rules
        self._redacting = redacting
        self._guard = Guard()
        self._facts = job.facts if job else Facts()
        self._base_id = session_id or self._facts.session_id()
        self._tool_tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = (
            weakref.WeakKeyDictionary()
        )
        self._sentinel: asyncio.Task[None] | None = None
        self._complained: set[str] = set()
        self._call: Call | None = None
        self._exports: list[Export] = []
        if session is not None and courier is not None:
            self._begin(session, courier)
            for name in _EVENTS:
                session.on(name, self._guard(self._handler(name, courier), f"on_{name}"))  # type: ignore[arg-type]  # mypy sees str, not the Literal

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
        return await self._exports[-1].delivered(timeout) if self._exports else False

    # -- inside

    def _begin(self, session: AgentSession[Any], courier: Courier) -> None:
        """A new call of the session: the first, or one after a restart."""
        _ids[self._base_id] += 1
        session_id = numbered(self._base_id, _ids[self._base_id])
        before = self._call
        call = Call(
            session,
            session_id,
            self._facts,
            self._guard,
            self._rules,
            finals=self._settings.transcript != "off",
        )
        if before:
            known = before.annotations
            call.annotations.set_user(known.user_email, known.user_metadata)
        self._call = call
        export = Export(
            call,
            self._job,
            self._settings,
            courier,
            self._guard,
            self._logbook(call, courier),
            self._redacting,
        )
        self._exports.append(export)
        if self._job:
            self._job.exports.append(export)
            if not self._facts.simulated:
                export.watch()
                name = "analytics_sentinel"
                self._sentinel = asyncio.create_task(_stand_by(export), name=name)
        export.touch()

    def _logbook(self, call: Call, courier: Courier) -> Logbook | None:
        """A journal for a real call; what is played in a test or a console needs none."""
        if self._job is None or self._facts.simulated or not courier.on_disk:
            return None
        discretion = Discretion(self._settings, self._redacting)
        return Logbook(call.session_id, self._settings, lambda: courier.spool, discretion)

    def _handler(self, name: str, courier: Courier) -> Callable[[Any], None]:
        def handle(event: Any) -> None:
            export = self._exports[-1]
            if export.finished:
                # Stragglers of a call that is over are not events of the next one.
                if name != "agent_state_changed" or event.old_state != "initializing":
                    return
                export.finish_now()
                self._begin(export.call.session, courier)
                export = self._exports[-1]
            if name == "tool_execution_updated":
                self._claim_tool_task(event)
            if name == "agent_state_changed" and self._job:
                self._job.look()
            getattr(export.call, f"on_{name}")(event)
            if name == "close":
                export.close()
            else:
                export.touch()

        return handle

    def _say(self, method: str, keep: Callable[[Annotations], bool]) -> None:
        call = self._call
        if call is None:
            return
        try:
            kept = keep(call.annotations)
        except Exception as error:
            self._guard.failed(method, error)
            kept = False
        if self._exports:
            self._exports[-1].touch()
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


async def _stand_by(export: Export) -> None:
    """The last resort: where neither a close nor a hook comes, the loop's end cancels this."""
    try:
        await export.closed()
    except asyncio.CancelledError:
        export.conclude()
        await export.delivered(_TEARDOWN_SECONDS)
        raise
