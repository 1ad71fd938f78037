"""One call on its way out: frozen once, added to until the job ends, handed to the courier."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import threading
import time
from collections import Counter
from concurrent.futures import Future
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from .call import Call, Capture
from .delivery import Courier, Hold, Shipment
from .draft import Draft
from .ending import QUIET_SECONDS, Evidence, end_cause
from .guard import Guard
from .parts import Participant, RecordStatus
from .privacy import Discretion, Redacting
from .scribe import Logbook
from .settings import Settings
from .testimony import Testimony
from .turns import turns
from .writers import CLOUDWATCH, Parcel

if TYPE_CHECKING:
    from .job import Job

# How long a record whose end is ambiguous is held back, from the job's first last hook on: what
# the framework does between its two last hooks takes time (it uploads its own report). Where it
# gets stuck there (it leaves a room whose server is silent), the process is killed after 10 s:
# the record has to have gone by then.
_LAST_WORD_SECONDS = 8.0


# What is new is gathered for so long before it goes to the journal, and then the journal rests:
# five times a second at most, whatever happens. That much of a call is lost when it is killed.
_GATHER_SECONDS = 0.05
_PAGE_SECONDS = 0.2

# Calls of real jobs that are not over. Held here because at the end of a process nothing else may
# hold them any more.
_unfinished: set[Export] = set()
_watching: set[int] = set()


class Export:
    """The export of one call. Its methods run on the event loop and never block.

    Args:
        call: What was collected.
        job: The job it belongs to, or None for a session outside of one.
        settings: What the record carries, and when it leaves.
        courier: Who brings it to the sinks.
        guard: Counts what goes wrong in here.
        logbook: Keeps on disk what is known, until the record is there.
        redacting: Finds what redacts the call.
    """

    def __init__(
        self,
        call: Call,
        job: Job | None,
        settings: Settings,
        courier: Courier,
        guard: Guard,
        logbook: Logbook | None = None,
        redacting: Redacting | None = None,
    ) -> None:
        self.call = call
        self._redacting = redacting
        self._job = job
        self._settings = settings
        self._courier = courier
        self._guard = guard
        self._closing = False
        self._draft: Draft | None = None
        self._shipment: Shipment | None = None
        self._logbook = logbook
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._closed = asyncio.Event()
        self._testimony = Testimony(call.annotations, self._tagger)
        self._lost_before: int | None = None
        self._measured = False
        self._counting = threading.Lock()

    @property
    def finished(self) -> bool:
        """Whether the call is over and its record is on its way."""
        return self._closing or self._draft is not None

    @property
    def undecided(self) -> bool:
        """Whether the record is held back because its end is ambiguous."""
        draft = self._draft
        return draft is not None and draft.open and end_cause(draft.capture.evidence) == "unknown"

    def close(self) -> None:
        """The session has closed: `finish`, in one of the loop's next turns where many have."""
        if self.finished:
            return
        self._closing = True
        try:
            turns().do(self.finish_now)
        except RuntimeError:  # no loop
            self.finish_now()

    def finish_now(self) -> None:
        """The call is over. Who asks for one that has closed does not wait for its turn."""
        self._guard(self.finish, "close")("final")

    def finish(self, status: RecordStatus) -> None:
        """The call is over: freeze it, once, and hand it to the courier.

        Args:
            status: What it is where its session has not closed.
        """
        call = self.call
        if self._draft is not None:
            return
        if self._closing:
            status = "final"
        self._guard(call.stop, "stop")()
        if self._job:
            self._guard(self._job.look, "look")()
        if self._timer is not None:
            self._timer.cancel()
        try:
            capture = self._capture(status)
            self._send(capture, self._held(capture.evidence))
        finally:
            self._closed.set()
            _unfinished.discard(self)

    def touch(self) -> None:
        """Something is new: it goes to the journal, soon, with what else is new by then.

        Any thread of the job may call it.
        """
        if self._logbook is None or self._timer is not None or self.finished:
            return
        try:
            loop = self._loop = asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._guard(self.touch, "touch"))
            return
        delay = max(_GATHER_SECONDS, self._quiet_until - loop.time())
        self._timer = loop.call_later(delay, self._guard(self._keep, "journal"))

    def _keep(self) -> None:
        self._timer = None
        if self._logbook is not None and self._loop is not None and not self.finished:
            self._quiet_until = self._loop.time() + _PAGE_SECONDS
            capture = self._capture("partial")
            if not self.call.started:
                # Whether the session has its data redacted is known when it starts.
                facts = dataclasses.replace(capture.facts, redaction=True)
                capture = dataclasses.replace(capture, facts=facts)
            self._logbook.keep(capture)

    def _capture(self, status: RecordStatus) -> Capture:
        capture = self.call.capture(
            status,
            self._evidence(),
            self._testimony.so_far(),
            self._participants(),
            self._dropped(),
        )
        if self._job:
            cuts = Counter(capture.truncated) + Counter(self._job.trimmer.cuts)
            capture = dataclasses.replace(capture, truncated=dict(cuts))
        return capture

    def settle(self, *, last: bool) -> None:
        """Take up what came after the close: remarks, evidence. Send again only for a reason.

        Args:
            last: Nothing more comes.
        """
        if self._closing:
            self.finish_now()
        draft = self._draft
        if draft is None:
            return
        evidence = self._evidence()
        if end_cause(evidence) == "unknown" != end_cause(draft.capture.evidence):
            # What was known at the close is known no more: the caller has come back since.
            evidence = draft.capture.evidence
        now = dataclasses.replace(
            draft.capture,
            evidence=evidence,
            remarks=self._testimony.so_far(),
            participants=self._participants(),
        )
        if draft.update(now):
            self._release(draft, last)
            return
        sent = draft.capture
        if now.remarks == sent.remarks and end_cause(evidence) == end_cause(sent.evidence):
            return
        self._send(dataclasses.replace(now, revision=sent.revision + 1), None)

    def conclude(self) -> None:
        """Nothing more comes: finish the call if it is not, and send what is there."""
        self.finish("partial")
        self.settle(last=True)

    def watch(self) -> None:
        """Finish the call at the orderly end of its process at the latest.

        Where a worker dies, its jobs' event loops stop. Newer frameworks cancel what is left on
        them; livekit-agents 1.7 does not, and only multiprocessing's finalizers run.
        """
        _unfinished.add(self)
        if os.getpid() not in _watching:
            _watching.add(os.getpid())
            # Before the couriers' own (100), which wait for what is under way.
            Finalize(None, _finish_all, exitpriority=200)

    async def delivered(self, seconds: float | None = None) -> bool:
        """Wait until every sink has confirmed, or sending has ended; False where it has not."""
        if self._closing:
            await self._closed.wait()
        if self._shipment is None:
            return False
        limit = self._settings.export_budget_seconds + 1.0 if seconds is None else seconds
        return bool(await _outcome(self._shipment.delivered, limit))

    async def closed(self) -> None:
        """Wait for the close."""
        await self._closed.wait()

    async def handed_over(self) -> None:
        """Wait until the record is delivered, or, where it is held back, on disk."""
        if self._closing:
            await self._closed.wait()
        shipment = self._shipment
        if shipment is None:
            return
        held = self._draft is not None and self._draft.open
        await _outcome(
            shipment.spooled if held else shipment.delivered,
            self._settings.export_budget_seconds + 1.0,
        )

    def _send(self, capture: Capture, hold: Hold | None) -> None:
        job, courier = self._job, self._courier
        draft = self._draft = Draft(capture, hold, lambda: job.ending_at if job else None)
        before = self._shipment
        discretion = Discretion(self._settings, self._redacting)

        def render() -> Parcel:
            # Called in the courier's thread, and again after the hold: with what came meanwhile.
            from .rendering import rendered  # not above: a call can begin without it

            latest = draft.take()
            measured = not draft.open and not self._measured
            self._measured |= measured
            return rendered(
                latest,
                self._settings,
                discretion,
                self._guard,
                lost=self._guard.value(self._lost, 0, "losses"),
                counted=before is not None and before.reached(CLOUDWATCH),
                measured=measured,
            )

        logbook = self._logbook
        token = logbook.token if logbook else None
        shipment = courier.submit(render, hold=hold, after=self._shipment, token=token)
        self._shipment = shipment
        if logbook is None:
            return

        def on_spooled(done: Future[bool]) -> None:
            if done.result():
                logbook.close(safe=True)
            else:
                logbook.keep(capture)  # it may be all that is left

        def on_delivered(done: Future[bool]) -> None:
            if done.result() or shipment is self._shipment:
                logbook.close(safe=done.result())

        # In the courier's thread.
        shipment.spooled.add_done_callback(on_spooled)
        shipment.delivered.add_done_callback(on_delivered)

    def _lost(self) -> int:
        """What was lost before this record, the same in all its revisions. Waits for the disk."""
        with self._counting:
            if self._lost_before is None:
                self._lost_before = self._courier.take_losses()
            return self._lost_before

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
        if self.call.facts.simulated or end_cause(evidence) != "unknown":
            return None
        ending = self._job.ending_at is not None
        return Hold(_LAST_WORD_SECONDS if ending else QUIET_SECONDS)

    def _evidence(self) -> Evidence:
        if self._job:
            return self._job.evidence(self.call.closed, settled=self.call.facts.simulated)
        closed = self.call.closed
        return Evidence(
            now=time.time(),
            close_reason=closed.reason.value if closed else None,
            closed_at=closed.created_at if closed else None,
        )

    def _tagger(self) -> Any:
        return self._job.ctx.tagger if self._job and self._job.ctx else None

    def _participants(self) -> list[Participant]:
        if self._job is None:
            return []
        return self._guard.value(self._job.participants.result, [], "participants")

    def _dropped(self) -> int:
        return self._job.participants.dropped if self._job else 0


def _finish_all() -> None:
    for export in list(_unfinished):
        export._guard(export.conclude)()


async def _outcome(future: Any, seconds: float) -> bool | None:
    """A thread's result, without blocking the loop; None after the time."""
    wrapped = asyncio.wrap_future(future)
    try:
        # Shielded: giving up waiting must not cancel the delivery.
        return bool(await asyncio.wait_for(asyncio.shield(wrapped), seconds))
    except asyncio.TimeoutError:
        return None
