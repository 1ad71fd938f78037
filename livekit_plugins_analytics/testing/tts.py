"""A text-to-speech service that speaks in a quiet tone."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

from livekit.agents import tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

__all__ = ["ScriptedTTS", "Speech"]

# An integer number of waves a second, so that one second of tone repeats without a click.
_TONE_HZ = 220
# About 30 dB below full scale: visible in a recording, no trouble for a loudspeaker.
_AMPLITUDE = 1000
# Audio is handed over in blocks of this length when it is paced.
_BLOCK_SECONDS = 0.1


@dataclass(frozen=True)
class Speech:
    """How one request for speech goes, where it differs from the service's settings.

    Example:
        ```python
        Speech(ttfb=1.5)  # a slow start
        Speech(error=APIConnectionError())  # breaks off half-way
        ```
    """

    _: KW_ONLY
    ttfb: float | None = None
    """Seconds until the first audio. `None` takes the service's setting."""
    seconds_per_character: float | None = None
    """Seconds of audio for each character. `None` takes the service's setting."""
    error: Exception | None = None
    """Raised after half of the audio was handed over."""


class ScriptedTTS(tts.TTS[Any]):
    """A text-to-speech service for tests: the framework's own base class, making real audio.

    Every text becomes a quiet tone whose length follows the number of characters. No script is
    needed: items of the script change the first attempts, one each, in order. An exception fails
    its attempt, so the next item is what the framework's retry gets; `None` is an ordinary one.

    The framework itself counts characters and seconds of audio, so `session.usage` is exact.
    Without `streaming` the session asks once for every sentence, with it once for every reply.

    Args:
        *script: What happens to the first attempts: a `Speech`, an exception, or `None`.
        default: What happens to every further attempt.
        ttfb: Seconds until the first audio of an attempt.
        seconds_per_character: Seconds of audio for each character of text.
        pace: Seconds it takes to make one second of audio. 0 hands all audio over at once, 1 makes
            it exactly as fast as it is played.
        streaming: Take text piece by piece while the language model still writes.
        sample_rate: Samples a second, 16 bit mono.
        model: Model name in metrics and usage.
        provider: Provider name in metrics and usage.

    Example:
        ```python
        ScriptedTTS(APIConnectionError(), Speech(ttfb=1.5), ttfb=0.2)
        ```
    """

    def __init__(
        self,
        *script: Speech | Exception | None,
        default: Speech | Exception | None = None,
        ttfb: float = 0.0,
        seconds_per_character: float = 0.06,
        pace: float = 0.0,
        streaming: bool = False,
        sample_rate: int = 24000,
        model: str = "eleven_flash_v2_5",
        provider: str = "ElevenLabs",
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=streaming),
            sample_rate=sample_rate,
            num_channels=1,
        )
        self._script = list(script)
        self._default = default
        self._ttfb = ttfb
        self._seconds_per_character = seconds_per_character
        self._pace = pace
        self._model = model
        self._provider = provider
        self._attempts = 0
        self._texts: list[str] = []
        self._second = _one_second(sample_rate)

    @property
    def model(self) -> str:
        """Model name in metrics and usage."""
        return self._model

    @property
    def provider(self) -> str:
        """Provider name in metrics and usage."""
        return self._provider

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that were spoken to their end, in order."""
        return tuple(self._texts)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Speak a whole text."""
        return _ScriptedChunkedStream(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        """Speak a text that arrives in pieces."""
        return _ScriptedSynthesizeStream(self, conn_options)

    async def _speak(self, pieces: AsyncIterator[str], emitter: tts.AudioEmitter) -> None:
        """Push the audio of one attempt."""
        item = self._script[self._attempts] if self._attempts < len(self._script) else self._default
        self._attempts += 1
        if isinstance(item, Exception):
            raise item

        speech = item or Speech()
        ttfb = self._ttfb if speech.ttfb is None else speech.ttfb
        per_character = speech.seconds_per_character
        if per_character is None:
            per_character = self._seconds_per_character
        text = ""
        sample = 0
        async for piece in pieces:
            if not text and ttfb > 0:
                await asyncio.sleep(ttfb)
            text += piece
            wanted = round(len(text) * per_character * self.sample_rate)
            if speech.error is not None:
                wanted //= 2
            await self._push(sample, wanted, emitter)
            sample = wanted
        if speech.error is not None:
            emitter.flush()
            # The emitter works in a task of its own: let it hand the audio over before the error
            # ends the attempt.
            while sample and emitter.pushed_duration() == 0.0:
                await asyncio.sleep(0)
            raise speech.error
        if text:
            self._texts.append(text)

    async def _push(self, start: int, stop: int, emitter: tts.AudioEmitter) -> None:
        """Push the samples of the tone from `start` up to `stop`."""
        block = round(_BLOCK_SECONDS * self.sample_rate) if self._pace > 0 else stop - start
        while start < stop:
            count = min(block, stop - start)
            first = start % self.sample_rate * 2
            seconds = (first + count * 2) // len(self._second) + 1
            emitter.push((self._second * seconds)[first : first + count * 2])
            start += count
            if self._pace > 0:
                await asyncio.sleep(count / self.sample_rate * self._pace)


class _ScriptedChunkedStream(tts.ChunkedStream):
    def __init__(self, service: ScriptedTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=service, input_text=text, conn_options=conn_options)
        self._service = service

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, self._service, stream=False)
        await self._service._speak(self._pieces(), output_emitter)

    async def _pieces(self) -> AsyncIterator[str]:
        yield self._input_text


class _ScriptedSynthesizeStream(tts.SynthesizeStream):
    def __init__(self, service: ScriptedTTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=service, conn_options=conn_options)
        self._service = service

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, self._service, stream=True)
        output_emitter.start_segment(segment_id=utils.shortuuid("scripted_segment_"))
        await self._service._speak(self._pieces(), output_emitter)
        output_emitter.end_segment()

    async def _pieces(self) -> AsyncIterator[str]:
        async for data in self._input_ch:
            if isinstance(data, str):
                self._mark_started()
                yield data


def _initialize(emitter: tts.AudioEmitter, service: ScriptedTTS, *, stream: bool) -> None:
    emitter.initialize(
        request_id=utils.shortuuid("scripted_tts_"),
        sample_rate=service.sample_rate,
        num_channels=service.num_channels,
        mime_type="audio/pcm",
        stream=stream,
    )


def _one_second(sample_rate: int) -> bytes:
    """Make one second of tone: 16 bit mono, in the machine's byte order as frames are."""
    step = 2 * math.pi * _TONE_HZ / sample_rate
    samples = (round(_AMPLITUDE * math.sin(step * n)) for n in range(sample_rate))
    return array("h", samples).tobytes()
