"""Sound for a session without any sound: what is heard is dictated, what is spoken is gone."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit import rtc
from livekit.agents import LanguageCode, stt
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities

Kind = stt.SpeechEventType


class Dictation(stt.STT[Any]):
    """A streaming speech-to-text service that hears what a test says, when it says so.

    Args:
        model: Model name in metrics and usage.
        provider: Provider name in metrics and usage.
    """

    def __init__(self, model: str = "nova-3", provider: str = "Deepgram") -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self._names = (model, provider)
        self._dictated: asyncio.Queue[stt.SpeechEvent] = asyncio.Queue()

    @property
    def model(self) -> str:
        """Model name in metrics and usage."""
        return self._names[0]

    @property
    def provider(self) -> str:
        """Provider name in metrics and usage."""
        return self._names[1]

    def say(self, text: str, *, sure: bool = True, seconds: float = 0.0) -> None:
        """Hear a text.

        Args:
            text: What was said.
            sure: Whether the turn is over with it; else the service only expects it to be.
            seconds: How much audio the service says that it has heard for it.
        """
        heard = [stt.SpeechData(language=LanguageCode("en"), text=text, confidence=1.0)]
        if not sure:
            self._put(Kind.START_OF_SPEECH)
            self._put(Kind.PREFLIGHT_TRANSCRIPT, alternatives=heard)
            return
        self._put(Kind.FINAL_TRANSCRIPT, alternatives=heard)
        self._put(Kind.END_OF_SPEECH)
        if seconds:
            used = stt.RecognitionUsage(audio_duration=seconds)
            self._put(Kind.RECOGNITION_USAGE, recognition_usage=used)

    def _put(self, kind: Kind, **fields: Any) -> None:
        self._dictated.put_nowait(stt.SpeechEvent(type=kind, **fields))

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        raise NotImplementedError("it streams")

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """Hear what is dictated from now on."""
        return _Listening(self, conn_options)


class _Listening(stt.RecognizeStream):
    def __init__(self, service: Dictation, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=service, conn_options=conn_options)
        self._service = service

    async def _run(self) -> None:
        while True:
            self._event_ch.send_nowait(await self._service._dictated.get())


class Quiet(AudioInput):
    """A microphone that hears nothing."""

    def __init__(self) -> None:
        super().__init__(label="Quiet")

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.Event().wait()
        raise StopAsyncIteration


class Nowhere(AudioOutput):
    """A loudspeaker that is done with everything at once."""

    def __init__(self) -> None:
        super().__init__(label="Nowhere", capabilities=AudioOutputCapabilities(pause=False))
        self._seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a piece of sound."""
        await super().capture_frame(frame)
        if not self._seconds:
            self.on_playback_started(created_at=0.0)
        self._seconds += frame.duration

    def flush(self) -> None:
        """It was all of a speech."""
        super().flush()
        self.clear_buffer()

    def clear_buffer(self) -> None:
        """Forget what there is."""
        if self._seconds:
            self.on_playback_finished(playback_position=self._seconds, interrupted=False)
            self._seconds = 0.0
