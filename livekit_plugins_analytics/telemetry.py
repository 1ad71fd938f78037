"""OpenTelemetry: a call's figures for the user's meter provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from . import figures
from .record import SessionRecord
from .version import __version__

_METER = "livekit-plugins-analytics"

# Seconds go to histograms, what can be added up over calls to counters.
_INSTRUMENTS = {
    figures.SESSIONS: ("analytics.sessions", "{session}"),
    figures.DURATION: ("analytics.session.duration", "s"),
    figures.COST: ("analytics.session.cost", "{currency}"),
    figures.LATENCY: ("analytics.session.e2e_latency_p95", "s"),
    figures.ERRORS: ("analytics.session.errors", "{error}"),
    figures.INTERRUPTIONS: ("analytics.session.interruptions", "{interruption}"),
    figures.TOOL_FAILURES: ("analytics.session.tool_failures", "{call}"),
}

_Add = Callable[[float, dict[str, str]], None]


def measure(record: SessionRecord, dimensions: Sequence[str]) -> None:
    """Record a call's figures with the user's meter provider; nothing happens where there is none.

    Args:
        record: The session. A null figure is left out.
        dimensions: The record's fields that become attributes; a null is left out.
    """
    if _is_the_frameworks():
        return
    values = {name: getattr(record, name) for name in dimensions}
    attributes = {name: value for name, value in values.items() if isinstance(value, str)}
    currency = record.cost_summary.get("currency")
    for watched, value in figures.figures(record).items():
        more = {"currency": str(currency)} if watched is figures.COST else {}
        _instruments()[watched](value, {**attributes, **more})


@cache
def _instruments() -> dict[figures.Watched, _Add]:
    from opentelemetry import metrics

    # Where no provider is set, the API's own stands in, and hands over to one that is set later.
    meter = metrics.get_meter(_METER, __version__)
    made: dict[figures.Watched, _Add] = {}
    for watched, (name, unit) in _INSTRUMENTS.items():
        if watched.unit == "Seconds":
            made[watched] = meter.create_histogram(name, unit, watched.description).record
        else:
            made[watched] = meter.create_counter(name, unit, watched.description).add
    return made


def _is_the_frameworks() -> bool:
    """Whether the provider is that of LiveKit Cloud's observability, which the user did not set.

    The framework says so nowhere else; where it keeps it in another place, it counts as the user's.
    """
    from livekit.agents.telemetry import traces
    from opentelemetry import metrics

    provider = metrics.get_meter_provider()
    cloud = getattr(traces, "_cloud", None)
    if cloud is not None:
        return getattr(cloud, "_owned_meter_provider", None) is provider
    # livekit-agents 1.7 keeps it nowhere, but its resource names the framework and the job.
    resource = getattr(getattr(provider, "_sdk_config", None), "resource", None)
    attributes = getattr(resource, "attributes", {})
    return attributes.get("service.name") == "livekit-agents" and "job_id" in attributes
