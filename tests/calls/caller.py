"""A caller: a real participant that types, speaks and hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from pathlib import Path
from typing import Any

from livekit import rtc

DATA = Path(__file__).parents[1] / "data"

# How long anything in a call may take on a busy machine with two cores.
PATIENCE = 45.0

# 20 ms of the fixtures' sound: 16 kHz, mono, 16 bit.
_FRAME_BYTES = 640


class Caller:
    """Somebody in a room. Its microphone sends silence in real time, and files when told to."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard: list[str] = []
        self._changed = asyncio.Condition()
        self._states: list[str] = []
        self._pending = b""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._microphone: rtc.AudioSource | None = None
        self._gone = asyncio.Event()

    async def join(self, url: str, token: str, *, sound: bool = False) -> None:
        """Enter the room, with a microphone; without ``sound`` it stays silent."""
        self.room.register_text_stream_handler("lk.transcription", self._on_text)
        self.room.on("participant_attributes_changed", self._on_attributes)
        self.room.on("participant_connected", lambda p: self._on_attributes(p.attributes, p))
        self.room.on("disconnected", lambda *_: self._gone.set())
        await self.room.connect(url, token)
        for participant in self.room.remote_participants.values():
            self._on_attributes(participant.attributes, participant)
        # The server announces who publishes nothing up to 3 s late.
        self._microphone = rtc.AudioSource(16_000, 1, queue_size_ms=200)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._microphone)
        await self.room.local_participant.publish_track(
            track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        )
        if sound:
            self._spawn(self._send_sound(self._microphone))

    async def type(self, text: str) -> None:
        """Write to the agent."""
        await self.room.local_participant.send_text(text, topic="lk.chat")

    def say(self, file: str) -> None:
        """Play a file of ``tests/data`` into the microphone."""
        with wave.open(str(DATA / file)) as sound:
            self._pending += sound.readframes(sound.getnframes())

    async def hears(self, text: str, times: int = 1) -> None:
        """Wait until the agent, or several, have said this so often."""
        await self._until(lambda: sum(text in heard for heard in self.heard) >= times)

    async def sees(self, state: str, *, after: int = 0) -> int:
        """Wait for a state of the agent's ("listening", "speaking").

        Args:
            state: Its name.
            after: Look at states from this position on.

        Returns:
            The position after it, for the next call.
        """
        await self._until(lambda: state in self._states[after:])
        return self._states.index(state, after) + 1

    async def is_put_out(self) -> None:
        """Wait until the room is gone."""
        await asyncio.wait_for(self._gone.wait(), PATIENCE)

    async def hang_up(self) -> None:
        """Leave."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()
        if self._microphone:
            await self._microphone.aclose()

    async def _until(self, condition: Any) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_text(self, reader: rtc.TextStreamReader, _identity: str) -> None:
        self._spawn(self._read(reader))

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        text = await reader.read_all()
        async with self._changed:
            self.heard.append(text)
            self._changed.notify_all()

    def _on_attributes(self, changed: dict[str, str], _participant: Any) -> None:
        if state := changed.get("lk.agent.state"):
            self._spawn(self._state(state))

    async def _state(self, state: str) -> None:
        async with self._changed:
            self._states.append(state)
            self._changed.notify_all()

    async def _send_sound(self, source: rtc.AudioSource) -> None:
        # capture_frame waits while more than the queue is buffered: that is the pace.
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                data, self._pending = self._pending[:_FRAME_BYTES], self._pending[_FRAME_BYTES:]
                frame = rtc.AudioFrame(
                    data.ljust(_FRAME_BYTES, b"\0"), 16_000, 1, _FRAME_BYTES // 2
                )
                await source.capture_frame(frame)
