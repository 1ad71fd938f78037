"""The same sales call through a real LiveKit server, exported to S3 and CloudWatch Logs.

Run it with ``make demo-livekit`` or ``python -m examples.livekit_call``, in a checkout with the
development tools installed. Server, room, worker, job process and caller are real; the language
model plays by a script, and moto plays AWS on this machine.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from livekit import api, rtc
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from examples.sales import AGENT_NAME, TURNS
from examples.summary import pairs, put, section, show
from tests import tools
from tests.servers import LiveKitServer, MotoServer
from tests.servers.process import ServerProcess

PROJECT = Path(__file__).resolve().parent.parent

ROOM = "call-4711"
BUCKET = "acme-call-records"
LOG_GROUP = "/acme/calls"

# What a person takes to begin to type.
THINKING_SECONDS = 0.5
# How many characters of the agent's answer are read before the caller cuts in.
CUT_IN_AFTER = 60

# Longer than anything takes on a busy machine with two cores.
PATIENCE = 60.0

# Fields of the log event to show, of about fifty.
EVENT_FIELDS = ("session_id", "agent_name", "end_cause", "duration_seconds", "cost_summary")


class Worker(ServerProcess):
    """The agent's worker in a process of its own.

    Args:
        secrets: Its environment variables, as LiveKit Cloud would set them.
    """

    # It lets calls that are going on end; there are none but after Ctrl-C.
    term_timeouts = (10.0, 3.0)

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__("worker")
        self._secrets = secrets

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-W", "ignore", "-m", "examples.sales_worker", "start"]

    def _environment(self) -> Mapping[str, str]:
        foreign = ("AWS_", "ANALYTICS_", "LIVEKIT_")
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(foreign)},
            **self._secrets,
            "PYTHONPATH": str(PROJECT),
            "ANALYTICS_SPOOL_DIRECTORY": str(self.folder / "spool"),
            # 244 MB of a model for turns of speech.
            "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
        }

    def _ready(self) -> bool:
        return "registered worker" in self.log


class Caller:
    """Somebody in the room who types, and sees the agent's words as they come."""

    def __init__(self, console: Console) -> None:
        self.room = rtc.Room()
        self._microphone = rtc.AudioSource(16_000, 1)
        self._console = console
        self._answers = 0
        self._current: str | None = None
        """The answer that is being written; None between two."""
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, url: str, token: str) -> None:
        """Enter the room, with a microphone that stays silent."""
        self.room.register_text_stream_handler("lk.transcription", self._on_text)
        await self.room.connect(url, token)
        # The server is in no hurry to announce the coming and going of who publishes nothing.
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._microphone)
        await self.room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        )

    async def type(self, text: str) -> None:
        """Write to the agent, and show it once the agent is silent."""
        await self.room.local_participant.send_text(text, topic="lk.chat")
        await self._until(lambda: self._current is None)
        put(self._console, _line("caller", text, "blue"))

    async def answered(self, times: int) -> None:
        """Wait until the agent has answered so often."""
        await self._until(lambda: self._answers >= times)

    async def reads(self, characters: int) -> None:
        """Wait until so much of an answer has come."""
        await self._until(lambda: len(self._current or "") >= characters)

    async def hang_up(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()
        await self._microphone.aclose()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE)

    def _on_text(self, reader: rtc.TextStreamReader, _identity: str) -> None:
        task = asyncio.create_task(self._read(reader))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        await self._until(lambda: self._current is None)
        text = ""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            async for piece in reader:
                text += piece
                await self._note(text)
                live.update(_line("agent", text, "magenta"), refresh=True)
        put(self._console, _line("agent", text, "magenta"))
        self._answers += 1
        await self._note(None)

    async def _note(self, text: str | None) -> None:
        async with self._changed:
            self._current = text
            self._changed.notify_all()


async def call(livekit: LiveKitServer, console: Console) -> None:
    """Send the agent to a room, and hold the call there."""
    async with livekit.api() as client:
        await client.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=ROOM)
        )
    caller = Caller(console)
    try:
        await caller.join(livekit.url, livekit.token("john", ROOM))
        await caller.answered(1)
        for number, turn in enumerate(TURNS[1:], start=2):
            await asyncio.sleep(THINKING_SECONDS)
            await caller.type(turn.caller)
            if turn.cut_off:
                await caller.reads(CUT_IN_AFTER)
            else:
                await caller.answered(number)
    finally:
        await caller.hang_up()


def main() -> int:
    """Hold the call, show what arrived, and leave nothing running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end it the same way
    logging.getLogger("livekit").setLevel(logging.ERROR)
    console = Console(highlight=False)
    try:
        with ExitStack() as running:
            _run(console, running)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except tools.ToolUnavailable as error:
        console.print(Text(f"This demo needs {error}", style="red"))
        return 1
    return 0


def _run(console: Console, running: ExitStack) -> None:
    tools.livekit_server()  # may be built now, and tells of its progress
    with _step(console, "Starting the LiveKit server"):
        livekit = running.enter_context(LiveKitServer())
    console.print(f"[dim]LiveKit server[/]  {livekit.url}")
    with _step(console, "Starting S3 and CloudWatch Logs"):
        aws = running.enter_context(MotoServer())
        aws.create_bucket(BUCKET)
        aws.create_log_group(LOG_GROUP)
    console.print(f"[dim]AWS by moto[/]     {aws.endpoint_url}")
    analytics_secrets = {
        "ANALYTICS_S3_BUCKET": BUCKET,
        "ANALYTICS_LOG_GROUP": LOG_GROUP,
        "ANALYTICS_TRANSCRIPT": "on",
        "ANALYTICS_ENVIRONMENT": "demo",
    }
    secrets = {**livekit.environment(), **aws.environment(), **analytics_secrets}
    with _step(console, "Starting the worker"):
        worker = running.enter_context(Worker(secrets))
    console.print("[dim]Worker[/]          registered, with these secrets:")
    for name, value in analytics_secrets.items():
        console.print(f"                {name}={value}")

    console.print()
    put(console, section("Live", Group()))
    try:
        asyncio.run(call(livekit, console))
        console.print(" The caller hangs up.", style="dim")
        hung_up = time.monotonic()
        with _step(console, "Waiting for the export"):
            _wait_for_export(aws)
    except (TimeoutError, asyncio.TimeoutError):
        console.print(Text(f"Nothing came; the worker's log ends:\n{worker.log[-4000:]}"))
        raise
    console.print(f" Exported {time.monotonic() - hung_up:.1f} s later.\n", style="dim")

    key, body = _show_object(console, aws)
    show(console, json.loads(gzip.decompress(body)))
    _show_event(console, aws)
    console.print("The record was in", Text(f"s3://{BUCKET}/{key}", style="bold"), soft_wrap=True)


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    with console.status(f"{what} ..."):
        yield


def _wait_for_export(aws: MotoServer) -> None:
    end = time.monotonic() + PATIENCE
    while not (aws.objects(BUCKET) and aws.events(LOG_GROUP)):
        if time.monotonic() > end:
            raise TimeoutError("the record did not arrive")
        time.sleep(0.1)  # nobody announces an object


def _show_object(console: Console, aws: MotoServer) -> tuple[str, bytes]:
    ((key, body),) = aws.objects(BUCKET).items()
    head = aws.s3().head_object(Bucket=BUCKET, Key=key)["ResponseMetadata"]["HTTPHeaders"]
    rows = {
        "Key": key,
        "Size": f"{len(body):,} bytes; unzipped one line of {len(gzip.decompress(body)):,}",
        **{name: head.get(name, "none") for name in ("content-type", "content-encoding", "etag")},
    }
    put(console, section("The object in S3", pairs(rows)))
    console.print()
    return key, body


def _show_event(console: Console, aws: MotoServer) -> None:
    (event,) = aws.logs().filter_log_events(logGroupName=LOG_GROUP)["events"]
    message: dict[str, Any] = json.loads(event["message"])
    rows = {
        "Group": LOG_GROUP,
        "Stream": event["logStreamName"],
        "Size": f"{len(event['message'].encode()):,} bytes, without the transcript",
        **{name: json.dumps(message[name]) for name in EVENT_FIELDS},
    }
    put(console, section("The event in CloudWatch Logs", pairs(rows)))
    console.print()


def _line(speaker: str, text: str, style: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style=style, width=7)
    grid.add_column(overflow="fold")
    grid.add_row(f" {speaker}", Text(text.strip()))
    return grid


if __name__ == "__main__":
    sys.exit(main())
