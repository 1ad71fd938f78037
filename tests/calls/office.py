"""A running worker between a livekit-server and AWS, and what arrived there of each call."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from livekit import api

from tests.calls.caller import PATIENCE, Caller
from tests.servers import FaultServer, LiveKitServer, MotoServer

# A dispatch reaches its worker within a second; one that has not by now is lost.
_DISPATCH_SECONDS = 12.0

PROJECT = Path(__file__).parents[2]


class Office:
    """One worker, one bucket, one log group. Start it with ``with``.

    Args:
        livekit: The media server.
        aws: Where records go.
        folder: For the spool and the worker's log.
        executor: "process" or "thread".
        hooks: "all" or "none", see `tests.calls.worker`.
        settings: More ``ANALYTICS_*`` variables.
    """

    def __init__(
        self,
        livekit: LiveKitServer,
        aws: MotoServer | FaultServer,
        folder: Path,
        *,
        executor: str = "process",
        hooks: str = "all",
        settings: dict[str, str] | None = None,
    ) -> None:
        self.livekit = livekit
        self.aws = aws
        self.folder = folder
        self.bucket = f"calls-{uuid.uuid4().hex[:12]}"
        self.group = f"/calls/{uuid.uuid4().hex[:12]}"
        # Every worker of a name gets its share of the jobs: each office needs its own.
        self.agent_name = f"sales-{uuid.uuid4().hex[:8]}"
        self.spool = folder / "spool"
        self.log = folder / "worker.log"
        self._arguments = [self.agent_name, executor, hooks]
        self._settings = settings or {}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Office:
        if isinstance(self.aws, MotoServer):  # the other one has whatever is asked for
            self.aws.create_bucket(self.bucket)
            self.aws.create_log_group(self.group)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANALYTICS_"))},
            **self.livekit.environment(),
            **self.aws.environment(),
            "ANALYTICS_S3_BUCKET": self.bucket,
            "ANALYTICS_LOG_GROUP": self.group,
            "ANALYTICS_SPOOL_DIRECTORY": str(self.spool),
            "ANALYTICS_ENVIRONMENT": "test",
            "ANALYTICS_TRANSCRIPT": "on",
            # 244 MB of a model that no test needs.
            "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
            **self._settings,
        }
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.calls.worker", *self._arguments],
                cwd=PROJECT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(ready,), daemon=True).start()
        if not ready.wait(PATIENCE):
            self.stop()
            raise RuntimeError(f"the worker did not register:\n{self.log.read_text()[-4000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the worker as an orchestrator does, and everything that it started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def kill(self) -> None:
        """End the worker as the kernel does; its jobs notice."""
        assert self._process
        self._process.kill()

    async def dispatch(self, call: str, room: str = "", **metadata: Any) -> str:
        """Send the agent to a room for a kind of call; the room's name."""
        room = room or f"room-{uuid.uuid4().hex[:8]}"
        request = api.CreateAgentDispatchRequest(
            agent_name=self.agent_name,
            room=room,
            metadata=json.dumps({"call": call, **metadata}),
        )
        for _ in range(3):
            before = self._requests()
            async with self.livekit.api() as client:
                await client.agent_dispatch.create_dispatch(request)
            if await self._requested(before):
                return room
            # On a busy machine the server loses one now and then (v1.13.5, seen twice a day).
        raise TimeoutError(f"the server sent no job for {room}:\n{self.log.read_text()[-4000:]}")

    def _requests(self) -> int:
        return self.log.read_text().count("received job request")

    async def _requested(self, before: int) -> bool:
        """Whether the worker gets a job now."""
        end = time.monotonic() + _DISPATCH_SECONDS
        while self._requests() <= before:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)  # between two looks; nobody announces a line
        return True

    async def caller(self, room: str, *, sound: bool = False, **token: Any) -> Caller:
        """Somebody who joins the room."""
        caller = Caller()
        who = self.livekit.token(token.pop("identity", "caller"), room, **token)
        await caller.join(self.livekit.url, who, sound=sound)
        return caller

    def records(self, room: str) -> list[dict[str, Any]]:
        """The records of a room in S3, each under its key as ``_key``."""
        found = []
        for key, body in self.aws.objects(self.bucket).items():
            lines = gzip.decompress(body).splitlines()
            assert len(lines) == 1, "one record, one line"
            record = json.loads(lines[0])
            if record["room_name"] == room:
                found.append({**record, "_key": key})
        return sorted(found, key=lambda r: str(r["start_time"]))

    def events(self, room: str) -> list[dict[str, Any]]:
        """The log events of a room."""
        messages = (e["message"] for e in self.aws.events(self.group))
        return [m for m in messages if m["room_name"] == room]

    async def exported(self, room: str, count: int = 1, revision: int = 1) -> list[dict[str, Any]]:
        """Wait for the records of a room, in S3 and in CloudWatch Logs."""
        end = time.monotonic() + PATIENCE
        while True:
            records = await asyncio.to_thread(self.records, room)
            events = await asyncio.to_thread(self.events, room)
            if (
                len(records) >= count
                and len({e["session_id"] for e in events}) >= count
                and all(r["revision"] >= revision for r in records)
                and max((e["revision"] for e in events), default=0) >= revision
            ):
                return records
            if time.monotonic() > end:
                raise TimeoutError(
                    f"{len(records)} records and {len(events)} events of {room}; "
                    f"the worker's log ends:\n{self.log.read_text()[-4000:]}"
                )
            await asyncio.sleep(0.05)  # between two looks; nobody announces an object

    async def journals(self, text: str) -> None:
        """Wait until a journal holds the text."""
        end = time.monotonic() + PATIENCE
        while not any(text in p.read_text() for p in self.spool.glob("*.journal")):
            if time.monotonic() > end:
                raise TimeoutError(f"no journal holds {text!r}")
            await asyncio.sleep(0.05)  # between two looks; nobody announces a line

    def _listen(self, ready: threading.Event) -> None:
        assert self._process and self._process.stdout
        try:
            for line in self._process.stdout:
                if line.strip() == "READY":
                    ready.set()
        except ValueError:
            return  # closed at the end
