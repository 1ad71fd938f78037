"""Latencies are numpy's percentiles of plausible values; the others are counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.collectors.latency import distribution, latency
from livekit_plugins_analytics.collectors.transcript import Line, Said
from livekit_plugins_analytics.record import Distribution, Latency

from .events import message

# Half of the third decimal, and what floating point adds.
ROUNDING = 0.000_500_1


def said(role: str, **metrics: Any) -> Line:
    return Said(message(role, "x", metrics=metrics), None, None).line()


@given(st.lists(st.floats(0, 60), min_size=1, max_size=200))
def test_percentiles_are_numpys(values: list[float]) -> None:
    result = distribution(values)

    for name, percent in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)):
        assert abs(getattr(result, name) - np.percentile(values, percent)) <= ROUNDING
    assert abs((result.mean or 0.0) - np.mean(values)) <= ROUNDING
    assert (result.min, result.max) == (round(min(values), 3), round(max(values), 3))
    assert result.num == len(values)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_lie_in_order_between_the_extremes(values: list[float]) -> None:
    d = distribution(values)
    ordered = [d.min, d.p50, d.p90, d.p95, d.p99, d.max]

    assert None not in ordered
    assert ordered == sorted(ordered, key=float)  # type: ignore[arg-type]  # none is null here
    assert d.min <= d.mean <= d.max  # type: ignore[operator]  # none is null here


def test_the_order_of_the_values_does_not_matter() -> None:
    assert distribution([3, 1, 2]) == distribution([1, 2, 3])


def test_one_value_is_every_percentile() -> None:
    assert distribution([0.8126]) == Distribution(
        p50=0.813, p90=0.813, p95=0.813, p99=0.813, min=0.813, max=0.813, mean=0.813, num=1
    )


def test_no_value_is_null_and_counted_as_none() -> None:
    assert distribution([]) == Distribution()
    assert latency([], []) == (Latency(), 0)


def test_each_stage_is_of_its_own_metric() -> None:
    stages, implausible = latency(
        [
            said("user", transcription_delay=0.1, end_of_turn_delay=0.2),
            said("assistant", llm_node_ttft=0.3, tts_node_ttfb=0.4, e2e_latency=0.5),
            said("assistant", started_speaking_at=1e9, llm_node_tps=99.0),
        ],
        [0.6],
    )

    assert {name: d.p50 for name, d in stages if d.num} == {
        "transcription_delay": 0.1,
        "end_of_turn_delay": 0.2,
        "llm_ttft": 0.3,
        "tts_ttfb": 0.4,
        "e2e": 0.5,
        "tool": 0.6,
    }
    assert implausible == 0


def test_a_realtime_models_first_tokens_are_those_of_its_own_metrics() -> None:
    stages, implausible = latency([said("assistant", llm_node_ttft=0.3)], [], [0.5, -2.0, 61.0])

    assert (stages.llm_ttft.num, stages.llm_ttft.min, stages.llm_ttft.max) == (2, 0.3, 0.5)
    assert implausible == 2


@pytest.mark.parametrize("value", [-0.001, 60.001, math.nan, math.inf, -math.inf])
def test_an_implausible_value_is_left_out_and_counted(value: float) -> None:
    stages, implausible = latency(
        [said("assistant", e2e_latency=value), said("assistant", e2e_latency=0.5)], []
    )

    assert (stages.e2e.num, stages.e2e.max) == (1, 0.5)
    assert implausible == 1


@pytest.mark.parametrize("value", [0.0, 60.0])
def test_the_bounds_are_plausible(value: float) -> None:
    stages, implausible = latency([said("assistant", e2e_latency=value)], [])

    assert (stages.e2e.num, implausible) == (1, 0)


def test_a_tool_may_take_longer_than_a_minute_but_not_less_than_no_time() -> None:
    stages, implausible = latency([], [300.0, -1.0, math.nan, math.inf])

    assert (stages.tool.num, stages.tool.max) == (1, 300.0)
    assert implausible == 3
