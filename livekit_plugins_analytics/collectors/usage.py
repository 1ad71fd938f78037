"""What the models were used for: the framework's own sums, and the calls they were made of."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..parts import Usage

if TYPE_CHECKING:
    from livekit.agents import (
        Agent,
        AgentSession,
        AgentSessionUsage,
        SpeechCreatedEvent,
        SpeechHandle,
    )
    from livekit.agents.llm import LLM, RealtimeSession
    from livekit.agents.stt import STT
    from livekit.agents.tts import TTS

    _Component = LLM[Any] | RealtimeSession[Any] | STT[Any] | TTS[Any]

# An hour of fast talk has about 1,500 responses; a session that goes on for days must not grow.
_MAX_TTFTS = 20_000

# What the framework says of a response without a token.
_NO_TTFT = -1

_Event = Literal["metrics_collected", "error"]


# Who listens to a component: two sessions of a process that share one are counted twice.
_listeners: dict[int, weakref.WeakSet[Calls]] = {}

_Key = tuple[str, str]
"""Provider and model, by which the framework sums."""


class Calls:
    """Requests to the models, counted on the models' own metrics events.

    The session's event of that name is deprecated; the components' is not. It tells what the
    session's sums do not: how many requests to language models there were, how many were cancelled
    or failed, how an STT was used, and where the sums are known to be wrong.
    """

    def __init__(self, guard: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
        self._handlers: dict[_Event, Callable[..., None]] = {
            "metrics_collected": guard(self._on_metrics),
            "error": guard(self._on_error),
        }
        self._watched: dict[int, _Component] = {}
        self._modes: dict[_Key, set[bool]] = {}
        self._prompts: dict[_Key, list[int]] = {}
        self._requests: list[Any] = []
        self._interrupted: dict[str, bool] = {}
        self._speech_done = guard(self._on_speech_done)
        self._thinking = False
        self._shared = False
        self.seen = False
        """Whether there was any language model to listen to."""
        self.total = 0
        self.cancelled = 0
        self.failed = 0
        """Attempts that ended in an error, retried ones included."""
        self.unknown = 0
        """Cancelled requests that reported no tokens: usage is a lower bound."""
        self.realtime_ttfts: list[float] = []
        """Seconds to the first token of each response of a realtime model: its messages carry none.
        One that had no token has none."""
        self.dropped = 0

    def watch(self, session: AgentSession[Any]) -> None:
        """Listen to the models in use, each once: an agent may bring some of its own."""
        from livekit.agents.llm import LLM, RealtimeSession
        from livekit.agents.stt import STT
        from livekit.agents.tts import TTS

        try:
            agent = session.current_agent
        except RuntimeError:
            return  # not begun, or between two agents
        own = (agent.llm, _realtime(agent), agent.stt, agent.tts)
        for each in (session.llm, session.stt, session.tts, *own):
            if id(each) in self._watched or not isinstance(each, (LLM, RealtimeSession, STT, TTS)):
                continue
            self.seen |= isinstance(each, (LLM, RealtimeSession))
            for name, handler in self._handlers.items():
                each.on(name, handler)
            self._watched[id(each)] = each
            self._share(id(each))

    def stop(self) -> None:
        """Leave the models alone: one may serve the next session of this process."""
        for key, each in self._watched.items():
            for name, handler in self._handlers.items():
                each.off(name, handler)
            _listeners[key].discard(self)
            if not _listeners[key]:
                del _listeners[key]
        self._watched.clear()

    def on_speech(self, session: AgentSession[Any], event: SpeechCreatedEvent) -> None:
        """A speech began: the model that writes it is asked from now on."""
        self.watch(session)
        if event.source != "say":
            event.speech_handle.add_done_callback(self._speech_done)

    @property
    def uncounted(self) -> int:
        """Cancelled requests whose tokens nobody reported; those cut off before their first word
        are not even among the `cancelled`."""
        return self.unknown + sum(self._unreported())

    @property
    def undercounts(self) -> tuple[str, ...]:
        """Where else the framework's sums are known not to be what is billed."""
        found = {
            "usage.preemptive_llm_calls": not all(self._unreported()),
            "usage.thinking_tokens": self._thinking,
            "usage.shared_models": self._shared,
        }
        return tuple(name for name, so in found.items() if so)

    def mode(self, provider: str, model: str) -> str | None:
        """How an STT was used."""
        modes = self._modes.get((provider, model))
        if not modes:
            return None
        return "mixed" if len(modes) > 1 else "streaming" if modes == {True} else "batch"

    def largest_request(self, provider: str, model: str, total: int | float) -> int | None:
        """Input tokens of a language model's largest request; None unless all were heard."""
        prompts = self._prompts.get((provider, model), [])
        return max(prompts) if prompts and sum(prompts) == total else None

    def _share(self, key: int) -> None:
        listeners = _listeners.setdefault(key, weakref.WeakSet())
        listeners.add(self)
        together = list(listeners)
        for calls in together if len(together) > 1 else ():
            calls._shared = True

    def _unreported(self) -> list[bool]:
        """Replies broken off of which no request was reported: whether each was ever due.

        One that was not is a preemptive one: asked for before the caller had finished, and thrown
        away. The framework reports no request that was given up before its first word.
        """
        # Read late: the framework writes the speech into the event, after us or before.
        reported = {request.speech_id for request in self._requests}
        return [due for speech, due in self._interrupted.items() if speech not in reported]

    def _on_speech_done(self, handle: SpeechHandle) -> None:
        # A realtime model's requests are not told by speech.
        if handle.interrupted and not self._has_realtime():
            self._interrupted[handle.id] = handle.scheduled

    def _has_realtime(self) -> bool:
        from livekit.agents.llm import RealtimeSession

        return any(isinstance(each, RealtimeSession) for each in self._watched.values())

    def _on_error(self, error: Any) -> None:
        self.failed += error.type in ("llm_error", "realtime_model_error")

    def _on_metrics(self, metrics: Any) -> None:
        if metrics.type == "stt_metrics":
            # A connection reports itself, before any audio.
            if metrics.audio_duration or metrics.input_tokens:
                self._modes.setdefault(_key(metrics), set()).add(metrics.streamed)
        elif metrics.type == "llm_metrics":
            self._requests.append(metrics)
            self._prompts.setdefault(_key(metrics), []).append(metrics.prompt_tokens)
            self._count(metrics, metrics.prompt_tokens + metrics.completion_tokens)
        elif metrics.type == "realtime_model_metrics":
            self._count(metrics, metrics.input_tokens + metrics.output_tokens)
            if metrics.ttft != _NO_TTFT and len(self.realtime_ttfts) < _MAX_TTFTS:
                self.realtime_ttfts.append(metrics.ttft)
            else:
                self.dropped += metrics.ttft != _NO_TTFT

    def _count(self, metrics: Any, tokens: int) -> None:
        self.total += 1
        # Gemini's plugin leaves thinking out of the output, but not out of the total.
        self._thinking |= metrics.total_tokens > tokens
        if metrics.cancelled:
            self.cancelled += 1
            self.unknown += not (tokens or metrics.total_tokens)


def _key(metrics: Any) -> _Key:
    """As the framework does it."""
    known = metrics.metadata
    return (known.model_provider or "", known.model_name or "") if known else ("", "")


def _realtime(agent: Agent) -> RealtimeSession[Any] | None:
    """A realtime model reports through its session, which it has while its agent is active."""
    try:
        return agent.realtime_llm_session
    except RuntimeError:
        return None


def usage_lines(usage: AgentSessionUsage, calls: Calls | None = None) -> list[Usage]:
    """One line per model of each provider, zero quantities left out.

    Args:
        usage: The framework's sums.
        calls: What is known of the requests behind them.
    """
    lines = []
    for model in usage.model_usage:
        values = model.model_dump(exclude={"type", "provider", "model"})
        quantities = {
            name: value if isinstance(value, int) else round(float(value), 3)
            for name, value in values.items()
            if isinstance(value, (int, float)) and value and math.isfinite(value)
        }
        line = Usage(
            kind=model.type.removesuffix("_usage"),
            provider=model.provider,
            model=model.model,
            quantities=quantities,
        )
        if calls and line.kind == "stt":
            line.mode = calls.mode(line.provider, line.model)
        if calls and line.kind == "llm":
            tokens = quantities.get("input_tokens", 0)
            line.largest_request = calls.largest_request(line.provider, line.model, tokens)
        lines.append(line)
    return lines
