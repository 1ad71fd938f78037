"""Where one ending takes place: its worker, its callers, its folder."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import time
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from livekit import api
from livekit.protocol.agent import JobStatus

from tests.calls.agents import BOOKED, GREETING
from tests.calls.caller import Caller
from tests.endings import caller as caller_process
from tests.endings import worker
from tests.endings.ending import Ending
from tests.endings.processes import PythonProcess
from tests.endings.remains import BUCKET, Remains
from tests.endings.wire import Message, Wire, watch
from tests.servers import FaultServer, LiveKitServer

# How long anything in the play may take on a busy machine with two cores.
PATIENCE = 60.0

# From a job's begin to the moment at which the media server knows that it runs: 5.4 s at most were
# measured in 300 jobs (endings.md).
_KNOWN_SECONDS = 8.0

# Between two questions to the media server, which announces nothing of a job's state.
_POLL = 0.2


class Stage:
    """Where one ending takes place. Use it with ``async with``.

    Args:
        ending: The ending.
        livekit: The media server, running.
        folder: For records, spool and logs; emptied.

    Attributes:
        ending: The ending.
        livekit: The media server.
        faults: S3, for an ending whose sink it is.
        wire: What the processes say.
        remains: What the ending leaves.
        room: The name of the (last) room.
        dispatch_id: Of the last dispatch.
        booked: When a meeting was booked, in unix seconds, by the room.
        triggers: When the calls were ended, in unix seconds.
        worker: The worker that was started last.
        groups: The process groups of the workers that were started, in order.
    """

    def __init__(self, ending: Ending, livekit: LiveKitServer, folder: Path) -> None:
        self.ending = ending
        self.livekit = livekit
        self.folder = folder
        self.faults = FaultServer()
        self.wire = Wire()
        self.remains = Remains(self.wire, folder, self.faults if ending.sink == "s3" else None)
        self.room = self.dispatch_id = ""
        self.booked: dict[str, float] = {}
        self.triggers: list[float] = []
        self.groups: list[int] = []
        self.worker: PythonProcess
        self._agent_name = f"sales-{uuid.uuid4().hex[:8]}"
        self._callers: list[Caller] = []
        self._processes: list[PythonProcess] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: set[int] = set()

    async def __aenter__(self) -> Stage:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.ending.sink == "s3":
            self.faults.start()
        await self.wire.__aenter__()
        try:
            await self.start_worker()
        except BaseException:
            await self._clear()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._clear()

    # -- what a play does

    def trigger(self, at: float | None = None) -> None:
        """What ends the call is now, or was at some moment."""
        self.triggers.append(time.time() if at is None else at)

    async def acts(self, caller: Caller, what: str) -> None:
        """Have the agent do something; that it begins is the trigger."""
        await caller.type(f"please {what}.")
        await self.triggered_by("acts", what=what)

    async def triggered_by(self, event: str, **facts: Any) -> None:
        """Wait for what ends the call, where one of the processes tells it."""
        self.trigger((await self.wire.message(event, PATIENCE, **facts)).at)

    async def call(self) -> Caller:
        """A call until its end: the agent in a room, a caller who books a meeting."""
        await self.dispatch()
        caller = await self.caller()
        await caller.hears(GREETING)
        await caller.type("book")
        await caller.hears(BOOKED)
        self.booked[self.room] = time.time()
        await self.known()
        return caller

    async def dispatch(self, room: str = "", **options: Any) -> Message:
        """Send the agent to a room; returns when its job has begun."""
        self.room = room or f"{self.ending.name}-{uuid.uuid4().hex[:8]}"
        metadata = {"call": self.ending.call, **self.ending.options, **options}
        before = len(self.remains.jobs)
        request = api.CreateAgentDispatchRequest(
            agent_name=self._agent_name, room=self.room, metadata=json.dumps(metadata)
        )
        try:
            job = await self._dispatched(request, before + 1, PATIENCE / 2)
        except TimeoutError:
            # On a busy machine the server loses a dispatch now and then (v1.13.5).
            job = await self._dispatched(request, before + 1, PATIENCE)
        if not job.facts["in_thread"]:
            self._watch(job.pid, job.group)
        return job

    async def _dispatched(
        self, request: api.CreateAgentDispatchRequest, number: int, seconds: float
    ) -> Message:
        async with self.livekit.api() as client:
            dispatch = await client.agent_dispatch.create_dispatch(request)
        self.dispatch_id = dispatch.id
        return await self.wire.message("job", seconds, times=number)

    async def known(self) -> None:
        """Wait until the media server knows the job that was dispatched last to be running.

        That takes it five seconds, and whatever it does at a call's end it does only then. Now and
        then, on a busy machine, it never does: then this is no reason to wait longer.
        """
        end = time.monotonic() + _KNOWN_SECONDS
        async with self.livekit.api() as client:
            while time.monotonic() < end:
                dispatches = await client.agent_dispatch.list_dispatch(self.room)
                jobs = [j for d in dispatches if d.id == self.dispatch_id for j in d.state.jobs]
                if any(job.state.status == JobStatus.JS_RUNNING for job in jobs):
                    return
                await asyncio.sleep(_POLL)

    async def caller(self, identity: str = "caller", *, sound: bool = False) -> Caller:
        """Somebody who joins the room."""
        caller = Caller()
        self._callers.append(caller)
        token = self.livekit.token(identity, self.room)
        await caller.join(self.livekit.url, token, sound=sound)
        return caller

    async def caller_process(self) -> PythonProcess:
        """A caller in a process of its own, who has heard the greeting."""
        environment = {
            caller_process.URL: self.livekit.url,
            caller_process.TOKEN: self.livekit.token("caller", self.room),
        }
        process = PythonProcess(
            "caller", ["tests.endings.caller"], environment, self.wire, "greeted"
        )
        self._processes.append(process)
        await asyncio.to_thread(process.start)
        return process

    async def leave(self) -> None:
        """Have everybody hang up who is still there."""
        callers, self._callers = self._callers, []
        await asyncio.gather(*(c.hang_up() for c in callers), return_exceptions=True)

    async def start_worker(self) -> None:
        """Start a worker on the same host: the same folders, the same environment."""
        options = {**dataclasses.asdict(self.ending.worker), "agent_name": self._agent_name}
        process = PythonProcess(
            "worker",
            ["tests.endings.worker", self.ending.worker.mode],
            {**self.environment(), worker.VARIABLE: json.dumps(options)},
            self.wire,
            "registered",
        )
        self._processes.append(process)
        await asyncio.to_thread(process.start)
        self.groups.append(process.pid)
        self._watch(process.pid, process.pid)
        self.worker = process

    async def replace_worker(self) -> None:
        """End the worker, if it lives, without asking it, and start the next one."""
        await self._stop(self.worker)
        await self.start_worker()

    @property
    def job_pid(self) -> int:
        """The process of the last job."""
        return self.remains.jobs[-1].pid

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the worker and all its processes, as a supervisor does."""
        os.killpg(self.worker.pid, number)

    async def drains(self) -> None:
        """Wait until the worker has heard that it shall end."""
        await self.wire.until(
            lambda: any("draining worker" in m.facts["text"] for m in self.wire.all("log")),
            PATIENCE,
            "draining worker",
        )

    @property
    def worker_gone(self) -> bool:
        """Whether the worker that was started last has ended."""
        return any(m.pid == self.groups[-1] for m in self.wire.all("ended"))

    async def jobs_end(self, seconds: float) -> None:
        """Wait until every job that began has ended.

        Raises:
            TimeoutError: One has not.
        """
        await self.wire.until(
            lambda: all(map(self.remains.ended_at, self.remains.jobs)), seconds, "end of the job"
        )

    def environment(self) -> dict[str, str]:
        """What a user sets."""
        sink = {"ANALYTICS_DIRECTORY": str(self.remains.directory)}
        if self.ending.sink == "s3":
            sink = {**self.faults.environment(), "ANALYTICS_S3_BUCKET": BUCKET}
        return {
            **self.livekit.environment(),
            **sink,
            "ANALYTICS_SPOOL_DIRECTORY": str(self.remains.spool),
            "ANALYTICS_ENVIRONMENT": "test",
            **self.ending.settings,
        }

    # -- inside

    def _watch(self, pid: int, group: int) -> None:
        if pid not in self._seen:
            self._seen.add(pid)
            self._spawn(watch(pid, self.wire, group))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self, process: PythonProcess) -> None:
        """End a process and those that it started, and keep its log."""
        if process.log:
            number = self._processes.index(process) + 1
            (self.folder / f"{process.name}-{number}.log").write_text(process.log)
        await asyncio.to_thread(process.stop)

    async def _clear(self) -> None:
        """End what is left, whatever state it is in."""
        for process in self._processes:
            await self._stop(process)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.leave(), PATIENCE)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.wire.__aexit__()
        if self.ending.sink == "s3":
            self.faults.stop()
