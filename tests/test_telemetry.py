"""A call's figures reach the user's OpenTelemetry, and its trace id the record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# A meter provider can be set once a process, so each case has a process of its own.
CALL = """
import asyncio, json, sys
from livekit.agents import Agent, AgentSession, telemetry
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.testing import MemoryWriter, ScriptedLLM

case = sys.argv[1]
# Without rules: a process that ends at once would end in the middle of their compilation.
SETTINGS = Settings(environment="staging", signals="off")
reader = InMemoryMetricReader()
# As the framework makes it (1.7.0 and 1.8.9, telemetry/traces.py).
named = {"service.name": "livekit-agents", "room_id": "RM_1", "job_id": "AJ_1"}
provider = MeterProvider([reader], Resource.create(named if case == "cloud" else {}))
if case != "none":
    metrics.set_meter_provider(provider)
if case == "cloud":
    from livekit.agents.telemetry import traces
    if hasattr(traces, "_cloud"):
        traces._cloud._owned_meter_provider = provider
traces_provider = TracerProvider()
if case == "user":
    telemetry.set_tracer_provider(traces_provider)

async def call(memory):
    async with AgentSession(
        llm=ScriptedLLM("Hello."), vad=None, turn_handling={"turn_detection": None}
    ) as session:
        recorder = analytics.attach(
            session, settings=SETTINGS, writers=[memory]
        )
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
    assert await recorder.delivered()

async def main():
    memory = MemoryWriter()
    if case == "user":
        with traces_provider.get_tracer("x").start_as_current_span("job") as span:
            await call(memory)
            await call(memory)
            trace_id = f"{span.get_span_context().trace_id:032x}"
    else:
        await call(memory)
        trace_id = None
    data = json.loads(reader.get_metrics_data().to_json()) if case != "none" else {}
    found = {
        metric["name"]: metric
        for resource in data.get("resource_metrics", [])
        for scope in resource["scope_metrics"]
        if scope["scope"]["name"] == "livekit-plugins-analytics"
        for metric in scope["metrics"]
    }
    print(json.dumps({"found": found, "trace_id": trace_id, "records": memory.records}))

asyncio.run(main())
"""


def played(case: str, folder: Path) -> dict[str, Any]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANALYTICS_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", CALL, case],
        env={**kept, "PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_figures_of_two_calls_add_up_with_the_users_provider(tmp_path: Path) -> None:
    answer = played("user", tmp_path)
    found, records = answer["found"], answer["records"]

    def point(name: str) -> dict[str, Any]:
        (point,) = found[name]["data"]["data_points"]
        return point  # type: ignore[no-any-return]  # JSON

    assert len(records) == 2
    assert point("analytics.sessions")["value"] == 2
    assert point("analytics.sessions")["attributes"] == {"environment": "staging"}
    duration = point("analytics.session.duration")
    assert duration["count"] == 2
    assert duration["sum"] == pytest.approx(sum(r["duration_seconds"] for r in records))
    cost = point("analytics.session.cost")
    costs = [record["cost_summary"]["total_estimated_cost"] for record in records]
    assert cost["value"] == pytest.approx(sum(costs)) and sum(costs) > 0
    assert cost["attributes"] == {"environment": "staging", "currency": "USD"}
    assert point("analytics.session.interruptions")["value"] == 0
    # Nobody spoke, so there is no latency: a null is left out, never zero.
    assert "analytics.session.e2e_latency_p95" not in found
    assert [record["trace_id"] for record in records] == [answer["trace_id"]] * 2


def test_without_a_provider_nothing_happens(tmp_path: Path) -> None:
    (record,) = played("none", tmp_path)["records"]

    assert record["trace_id"] is None
    assert record["completeness"]["handler_errors"] == 0


def test_the_frameworks_own_provider_gets_nothing(tmp_path: Path) -> None:
    """It sends to LiveKit Cloud, and nobody asked to send costs there."""
    answer = played("cloud", tmp_path)

    assert answer["found"] == {}
    assert len(answer["records"]) == 1
