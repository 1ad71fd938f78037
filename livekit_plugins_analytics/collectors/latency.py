"""How fast the agent was: percentiles of each stage, as the framework reports it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..parts import seconds
from ..record import Distribution, Latency
from .transcript import Line

# What is over a minute or negative is a clock's jump, not a stage of a turn.
_PLAUSIBLE_SECONDS = 60.0

_STAGES = {
    "e2e": "e2e_latency",
    "llm_ttft": "llm_node_ttft",
    "tts_ttfb": "tts_node_ttfb",
    "transcription_delay": "transcription_delay",
    "end_of_turn_delay": "end_of_turn_delay",
}


def latency(
    lines: Iterable[Line], tools: Sequence[float], realtime: Sequence[float] = ()
) -> tuple[Latency, int]:
    """The stages' distributions, and how many implausible values were left out.

    Args:
        lines: The committed messages.
        tools: Seconds of each tool call. A tool may take longer than a minute.
        realtime: Seconds to the first token of each response of realtime models, whose messages
            do not carry it.
    """
    values: dict[str, list[float]] = {stage: [] for stage in _STAGES}
    ran = [t for t in tools if 0 <= t < math.inf]
    implausible = len(tools) - len(ran)
    reported = [("llm_ttft", ttft) for ttft in realtime]
    for line in lines:
        reported += [(s, line.metrics[n]) for s, n in _STAGES.items() if n in line.metrics]
    for stage, raw in reported:
        if math.isfinite(raw) and 0 <= raw <= _PLAUSIBLE_SECONDS:
            values[stage].append(float(raw))
        else:
            implausible += 1
    distributions = {stage: distribution(v) for stage, v in values.items()}
    return Latency(**distributions, tool=distribution(ran)), implausible


def distribution(values: Sequence[float]) -> Distribution:
    """Percentiles, extremes and mean of the values, in seconds."""
    if not values:
        return Distribution()
    ordered = sorted(values)
    return Distribution(
        p50=seconds(_percentile(ordered, 50)),
        p90=seconds(_percentile(ordered, 90)),
        p95=seconds(_percentile(ordered, 95)),
        p99=seconds(_percentile(ordered, 99)),
        min=seconds(ordered[0]),
        max=seconds(ordered[-1]),
        mean=seconds(math.fsum(ordered) / len(ordered)),
        num=len(ordered),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Linear interpolation between the closest ranks, as numpy does by default."""
    rank = (len(ordered) - 1) * percent / 100
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
