"""A speech-to-text service that hears what the script says."""

from __future__ import annotations

import asyncio
from dataclasses import KW_ONLY, dataclass
from typing import Any

from livekit.agents import LanguageCode, stt, utils
from livekit.agents.types import NOT_GIVEN, APIConnectOptions, NotGivenOr
from livekit.agents.utils import AudioBuffer
from livekit.agents.utils.audio import calculate_audio_duration

__all__ = ["ScriptedSTT", "Transcript"]


@dataclass(frozen=True)
class Transcript:
    """One recognised piece of speech.

    Example:
        ```python
        Transcript("bonjour", language="fr", delay=0.3, confidence=0.6)
        ```
    """

    text: str
    """What was heard. An empty text is speech that nobody understood: it makes no turn."""
    _: KW_ONLY
    delay: float | None = None
    """Seconds the recognition takes. `None` takes the setting of the service."""
    language: str | None = None
    """Language of the text, such as `"en"`. `None` takes the setting of the service."""
    confidence: float = 1.0
    """How sure the recognition is, from 0 to 1."""
    speaker_id: str | None = None
    """Who spoke, where a service tells speakers apart."""


class ScriptedSTT(stt.STT[Any]):
    """A speech-to-text service for tests: the framework's own base class, hearing by script.

    Each piece of speech that the session's voice activity detection cuts out gets the next
    transcript, whatever its sound. When the script is used up nothing more is understood, unless
    `default` says otherwise. An exception in the script fails one attempt, so the next item is
    what the framework's retry gets.

    The service does not stream: the session puts its stream adapter around it, and the framework
    itself measures the seconds of audio, so `session.usage` is exact.

    Args:
        *script: Transcripts in order: a `Transcript`, its text, or an exception.
        default: What every further attempt gets.
        delay: Seconds a recognition takes.
        language: Language of the texts.
        model: Model name in metrics and usage.
        provider: Provider name in metrics and usage.

    Example:
        ```python
        AgentSession(
            stt=ScriptedSTT("I would like to book a meeting", "yes please", delay=0.2),
            llm=ScriptedLLM("Shall I book Monday?", "Done."),
            tts=ScriptedTTS(),
        )
        ```
    """

    def __init__(
        self,
        *script: Transcript | str | Exception,
        default: Transcript | str | Exception = "",
        delay: float = 0.0,
        language: str = "en",
        model: str = "nova-3",
        provider: str = "Deepgram",
    ) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._script = list(script)
        self._default = default
        self._delay = delay
        self._language = language
        self._model = model
        self._provider = provider
        self._attempts = 0

    @property
    def model(self) -> str:
        """Model name in metrics and usage."""
        return self._model

    @property
    def provider(self) -> str:
        """Provider name in metrics and usage."""
        return self._provider

    @property
    def attempts(self) -> int:
        """How often a recognition was attempted so far, failed attempts included."""
        return self._attempts

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        item = self._script[self._attempts] if self._attempts < len(self._script) else self._default
        self._attempts += 1
        if isinstance(item, Exception):
            raise item

        heard = Transcript(item) if isinstance(item, str) else item
        delay = self._delay if heard.delay is None else heard.delay
        if delay > 0:
            await asyncio.sleep(delay)
        spoken = heard.language or (language if utils.is_given(language) else self._language)
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            request_id=utils.shortuuid("scripted_stt_"),
            alternatives=[
                stt.SpeechData(
                    language=LanguageCode(spoken),
                    text=heard.text,
                    end_time=calculate_audio_duration(buffer),
                    confidence=heard.confidence,
                    speaker_id=heard.speaker_id,
                )
            ],
        )
