"""What the models were used for: the framework's own sums, and the calls they were made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from ..record import MetricsSummary, Usage, seconds

if TYPE_CHECKING:
    from livekit.agents import Agent, AgentSession, AgentSessionUsage
    from livekit.agents.llm import LLM, RealtimeSession


class Calls:
    """Requests to language models, counted on the models' own metrics events.

    The session's event of that name is deprecated; the components' is not. It tells what the
    session's sums do not: how many requests there were, and how many were cancelled.
    """

    def __init__(self, guard: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
        self._handler = guard(self._on_metrics)
        self._watched: dict[int, LLM[Any] | RealtimeSession[Any]] = {}
        self.total = 0
        self.cancelled = 0
        self.uncounted = 0
        """Cancelled requests whose tokens nobody reported: usage is a lower bound."""

    def watch(self, session: AgentSession[Any]) -> None:
        """Listen to the models in use, each once: an agent may bring one of its own."""
        from livekit.agents.llm import LLM

        try:
            agent = session.current_agent
        except RuntimeError:
            return  # not begun, or between two agents
        for model in (session.llm, agent.llm, _realtime(agent)):
            if id(model) in self._watched or not (isinstance(model, LLM) or _is_realtime(model)):
                continue
            model.on("metrics_collected", self._handler)
            self._watched[id(model)] = model

    def stop(self) -> None:
        """Leave the models alone: one may serve the next session of this process."""
        for model in self._watched.values():
            model.off("metrics_collected", self._handler)

    @property
    def seen(self) -> bool:
        """Whether there was any model to listen to."""
        return bool(self._watched)

    def _on_metrics(self, metrics: Any) -> None:
        if metrics.type not in ("llm_metrics", "realtime_model_metrics"):
            return
        self.total += 1
        if metrics.cancelled:
            self.cancelled += 1
            tokens = getattr(metrics, "total_tokens", 0) or getattr(metrics, "output_tokens", 0)
            self.uncounted += not tokens


def _realtime(agent: Agent) -> RealtimeSession[Any] | None:
    """A realtime model reports through its session, which it has while its agent is active."""
    try:
        return agent.realtime_llm_session
    except RuntimeError:
        return None


def _is_realtime(model: object) -> TypeGuard[RealtimeSession[Any]]:
    from livekit.agents.llm import RealtimeSession

    return isinstance(model, RealtimeSession)


def usage_lines(usage: AgentSessionUsage) -> list[Usage]:
    """One line per model of each provider, zero quantities left out."""
    lines = []
    for model in usage.model_usage:
        values = model.model_dump(exclude={"type", "provider", "model"})
        quantities = {
            name: value if isinstance(value, int) else round(float(value), 3)
            for name, value in values.items()
            if isinstance(value, (int, float)) and value and math.isfinite(value)
        }
        lines.append(
            Usage(
                kind=model.type.removesuffix("_usage"),
                provider=model.provider,
                model=model.model,
                quantities=quantities,
            )
        )
    return lines


def totals(lines: list[Usage]) -> MetricsSummary:
    """The sums over all models. A component that was not used has null, not zero."""

    def total(kind: str, name: str) -> int | float | None:
        of_kind = [line for line in lines if line.kind == kind]
        return sum(line.quantities.get(name, 0) for line in of_kind) if of_kind else None

    def count(kind: str, name: str) -> int | None:
        value = total(kind, name)
        return None if value is None else int(value)

    return MetricsSummary(
        total_stt_duration=seconds(total("stt", "audio_duration")),
        total_tts_duration=seconds(total("tts", "audio_duration")),
        total_tts_characters=count("tts", "characters_count"),
        total_input_tokens=count("llm", "input_tokens"),
        total_cached_input_tokens=count("llm", "input_cached_tokens"),
        total_output_tokens=count("llm", "output_tokens"),
    )
