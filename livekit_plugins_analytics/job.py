"""One job: its room, its last hooks, and the recorders of its sessions."""

from __future__ import annotations

import asyncio
import time
import weakref
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.agents import CloseEvent, JobContext

from .collectors.participants import Participants, disconnect_reason
from .ending import Evidence, Gone
from .facts import Facts
from .guard import Guard
from .trim import Trimmer

if TYPE_CHECKING:
    from .export import Export
    from .recorder import Recorder

# The framework's name for the task that runs the entrypoint (livekit-agents 1.7 to 1.8.9,
# ipc/job_proc_lazy_main.py). Where it is another, a crash is told by the shutdown reason.
_ENTRYPOINT = "job_user_entrypoint"

# The room's own event races the server's order to terminate the job: it is given this long,
# once, where the cause of an ending is not known (0.1 s seen; endings.md D3).
_RACE_SECONDS = 0.5

# The framework kills the process 10 s after its shutdown callbacks began.
_CALLBACK_SECONDS = 8.0
# Of these, what a second session of the job may take to close by itself.
_CLOSE_SECONDS = 4.0


class Job:
    """What the sessions of one job share. Lives on the job's event loop."""

    _known: weakref.WeakKeyDictionary[JobContext, Job] = weakref.WeakKeyDictionary()

    def __init__(self, ctx: JobContext) -> None:
        self.facts = Facts.of(ctx)
        self.guard = Guard()
        self.trimmer = Trimmer()
        self.participants = Participants(self.trimmer)
        self.recorders: list[Recorder] = []
        self.exports: list[Export] = []
        """One per call: a session that is restarted has several."""
        self.ending_at: float | None = None
        """When the first of the job's last hooks ran."""
        self.shutdown_reason: str | None = None
        self._ctx = weakref.ref(ctx)
        self._room_reason: str | None = None
        self._room_gone_at: float | None = None
        self._room_gone = asyncio.Event()
        self._entrypoint_failed: bool | None = None
        self._entrypoint_done_at: float | None = None
        if (entrypoint := _entrypoint()) is not None:
            entrypoint.add_done_callback(self.guard(self._on_entrypoint_done))
        self._room = _real_room(ctx)
        if self._room is not None:
            self._listen(self._room)
        ctx.add_shutdown_callback(self._on_shutdown)

    @classmethod
    def of(cls, ctx: JobContext) -> Job:
        """The job of this context, made on first use."""
        if ctx not in cls._known:
            cls._known[ctx] = cls(ctx)
        return cls._known[ctx]

    @classmethod
    def known(cls, ctx: JobContext) -> Job | None:
        """The job of this context, if a recorder was attached in it."""
        return cls._known.get(ctx)

    @property
    def ctx(self) -> JobContext | None:
        """The framework's context while it lives."""
        return self._ctx()

    def look(self) -> None:
        """See who is in the room: those who were there first are not announced."""
        if self._room is not None and self._room.isconnected():
            for participant in list(self._room.remote_participants.values()):
                self.participants.on_present(participant)

    def evidence(self, closed: CloseEvent | None, *, settled: bool) -> Evidence:
        """What is known now of how a session of this job ended."""
        return Evidence(
            now=time.time(),
            close_reason=closed.reason.value if closed else None,
            closed_at=closed.created_at if closed else None,
            gone=[Gone(at=d.at, reason=d.reason) for d in self.participants.departures],
            callers_present=self.participants.callers_present,
            room_reason=self._room_reason,
            room_gone_at=self._room_gone_at,
            shutdown_reason=self.shutdown_reason,
            entrypoint_failed=self._failed_before(closed),
            job_ending_at=self.ending_at,
            settled=settled,
        )

    async def session_end(self) -> None:
        """The job's session has ended: what is not closed by now will not be."""
        self._begin_end()
        for export in self.exports:
            if self._is_over(export):
                export.finish("partial")
        if any(e.undecided for e in self.exports) and not self._room_gone.is_set():
            await _bounded(self._room_gone.wait(), _RACE_SECONDS)
        for export in self.exports:
            export.settle(last=False)
        await asyncio.gather(*(e.handed_over() for e in self.exports))

    async def _on_shutdown(self, reason: str) -> None:
        """The framework's shutdown callback. Raising here would cancel everybody else's."""
        try:
            await self._shut_down(reason)
        except Exception as error:
            self.guard.failed("shutdown callback", error)

    async def _shut_down(self, reason: str) -> None:
        self._begin_end()
        self.shutdown_reason = self.trimmer.text("shutdown_reason", str(reason)) or None
        until = time.monotonic() + _CALLBACK_SECONDS
        # What is closed goes at once: another callback that raises ends this one in 60 ms.
        for export in self.exports:
            export.settle(last=True)
        still_open = [e for e in self.exports if not e.finished and e.call.started]
        if still_open:
            # The framework closes a job's other sessions in a callback of its own, right now.
            await _bounded(asyncio.gather(*(e.closed() for e in still_open)), _CLOSE_SECONDS)
        for export in self.exports:
            export.conclude()
        waits = (e.delivered(max(until - time.monotonic(), 0.1)) for e in self.exports)
        await asyncio.gather(*waits)
        if ctx := self.ctx:
            self._known.pop(ctx, None)

    def _begin_end(self) -> None:
        if self.ending_at is None:
            self.ending_at = time.time()

    def _is_over(self, export: Export) -> bool:
        """Whether a call's session can not close any more, at the job's session end."""
        if export.finished:
            return False
        if not export.call.started:
            return True
        try:
            return self.ctx is not None and export.call.session is self.ctx.primary_session
        except RuntimeError:
            return True

    def _failed_before(self, closed: CloseEvent | None) -> bool | None:
        """Whether the entrypoint failed in time to be what ended a session."""
        if closed is None or self._entrypoint_done_at is None:
            return self._entrypoint_failed
        return self._entrypoint_failed and self._entrypoint_done_at <= closed.created_at

    def _on_entrypoint_done(self, task: asyncio.Task[Any]) -> None:
        self._entrypoint_done_at = time.time()
        # An entrypoint that waits for something in a room that goes fails as well: a consequence.
        gone = self._room_gone_at is not None
        self._entrypoint_failed = not gone and not task.cancelled() and task.exception() is not None

    def _listen(self, room: rtc.Room) -> None:
        people = self.participants

        def on_connected(participant: rtc.RemoteParticipant) -> None:
            people.on_connected(participant)
            self._touch()

        def on_disconnected(participant: rtc.RemoteParticipant) -> None:
            people.on_disconnected(participant)
            self._touch()

        room.on("participant_connected", self.guard(on_connected))
        room.on("participant_disconnected", self.guard(on_disconnected))
        room.on("participant_attributes_changed", self.guard(self._on_attributes))
        room.on("connection_state_changed", self.guard(self._on_connection_state))
        room.on("disconnected", self.guard(self._on_room_disconnected))
        self.look()

    def _on_attributes(self, _changed: Any, participant: Any) -> None:
        if type(participant) is rtc.RemoteParticipant:
            self.participants.on_present(participant)
            self._touch()

    def _touch(self) -> None:
        for export in self.exports:
            export.touch()

    def _on_connection_state(self, state: Any) -> None:
        self.look()
        # Comes before the `disconnected` event, and so does all that fails because of it.
        if state == rtc.ConnectionState.CONN_DISCONNECTED and self._room_gone_at is None:
            self._room_gone_at = time.time()

    def _on_room_disconnected(self, reason: Any = None) -> None:
        self._room_reason = disconnect_reason(reason if isinstance(reason, int) else 0)
        if self._room_gone_at is None:
            self._room_gone_at = time.time()
        self._room_gone.set()


def _entrypoint() -> asyncio.Task[Any] | None:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None  # attached before any loop runs, as in a test's fake job
    return task if task is not None and task.get_name() == _ENTRYPOINT else None


def _real_room(ctx: JobContext) -> rtc.Room | None:
    """The room, unless it is the mock of a fake job, which passes for one everywhere else."""
    room = ctx.room
    return room if issubclass(type(room), rtc.Room) else None


async def _bounded(awaitable: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        return
