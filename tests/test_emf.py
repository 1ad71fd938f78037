"""The log event makes CloudWatch metrics by itself, and stays the event it was."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from livekit.agents import Agent, AgentSession
from livekit.agents.testing import fake_job_context

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics import settings as module
from livekit_plugins_analytics.assembly import assemble, bare, parcel
from livekit_plugins_analytics.call import Capture, Remarks
from livekit_plugins_analytics.collectors.conversation import Cut, Talk
from livekit_plugins_analytics.collectors.transcript import Line
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.facts import Facts
from livekit_plugins_analytics.figures import WATCHED, Unit
from livekit_plugins_analytics.parts import Error, ToolCall, utc
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.testing import ScriptedLLM
from livekit_plugins_analytics.writers import MAX_EVENT_BYTES
from livekit_plugins_analytics.writers.cloudwatch import CloudWatchWriter
from tests.servers import MotoServer

from .collectors.events import T
from .delivery.sinks import DENIED, Sink
from .test_assembly import JOB, LLM_USAGE, OFF, capture

EMF = Settings(metrics="emf")

SCHEMA = json.loads((Path(__file__).parent / "data" / "emf.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def tool(number: int, status: Any) -> ToolCall:
    return ToolCall(tool="book", timestamp=utc(T), call_id=f"c{number}", status=status)


def turn(number: int, e2e: float) -> Line:
    return Line(f"i{number}", "agent", "x", T + number, False, {"e2e_latency": e2e}, None, None)


BUSY = capture(
    usage=[LLM_USAGE],
    said=[turn(n, e2e) for n, e2e in enumerate((0.5, 0.7, 1.5))],
    talk=Talk(cuts=[Cut(T + 5, True), Cut(T + 9, True)]),
    tools=[tool(1, "done"), tool(2, "error"), tool(3, "cancelled"), tool(4, "error")],
    errors=[Error(component="tts", type="APIError", recoverable=True, at=utc(T))] * 3,
)


def event_of(state: Capture, settings: Settings = EMF) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(parcel(assemble(state, settings), settings).event)
    return event


def metrics(event: dict[str, Any]) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    """What CloudWatch makes of an event, by namespace: the dimensions, and each metric's value.

    With the specification's rules that its schema does not say.
    """
    VALIDATOR.validate(event)
    found = {}
    for directive in event["_aws"]["CloudWatchMetrics"]:
        (names,) = directive["Dimensions"]
        dimensions = {name: event[name] for name in names}
        for value in dimensions.values():
            assert isinstance(value, str) and value.strip() and len(value) <= 1024
        assert 0 < len(directive["Metrics"]) <= 100
        values = {each["Name"]: event[each["Name"]] for each in directive["Metrics"]}
        assert all(type(value) in (int, float) for value in values.values())
        found[directive["Namespace"]] = (dimensions, values)
    return found


def test_a_calls_figures_are_metrics() -> None:
    event = event_of(BUSY)

    assert metrics(event) == {
        "LiveKitAnalytics": (
            {"agent_name": "sales", "environment": "production"},
            {
                "Sessions": 1,
                "SessionDuration": 60.0,
                # 1,000 and 100 tokens of gpt-4o-mini: 0.00015 + 0.00006
                "EstimatedCost": 0.00021,
                "E2ELatencyP95": 1.42,
                "SessionErrors": 3,
                "Interruptions": 2,
                "ToolFailures": 2,
            },
        )
    }
    assert event["_aws"]["Timestamp"] == (T + 60) * 1000
    units = {m["Name"]: m["Unit"] for m in event["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == {each.name: each.unit for each in WATCHED}
    assert set(units.values()) <= set(get_args(Unit))


def test_a_null_is_no_metric_and_never_zero() -> None:
    ((_, values),) = metrics(event_of(capture())).values()

    assert "E2ELatencyP95" not in values
    assert values["Interruptions"] == 0


def test_without_a_known_cost_there_is_no_cost() -> None:
    unknown = LLM_USAGE.model_copy(update={"model": "nobody-knows", "provider": "nobody"})
    state = capture(usage=[unknown])
    cost = assemble(state, EMF).cost_summary["total_estimated_cost"]
    ((_, values),) = metrics(event_of(state)).values()

    assert cost is None
    assert "EstimatedCost" not in values


def test_of_a_record_whose_making_failed_only_the_times_are_known() -> None:
    event = json.loads(parcel(bare(BUSY, EMF, 1), EMF).event)

    ((_, values),) = metrics(event).values()
    assert values == {"Sessions": 1, "SessionDuration": 60.0}


def test_what_was_counted_is_not_counted_again() -> None:
    packed = parcel(assemble(capture(revision=2), EMF), EMF, counted=True)

    event = json.loads(packed.event)
    assert "_aws" not in event
    assert not {each.name for each in WATCHED} & set(event)


@pytest.mark.parametrize(
    ("first_fails", "revisions"), [(None, [1]), (DENIED, [2])], ids=["confirmed", "refused"]
)
async def test_a_call_that_is_sent_twice_is_counted_once(
    first_fails: SinkError | None, revisions: list[int], tmp_path: Path
) -> None:
    """By the event that arrived first, whichever revision it is of."""
    sink = Sink("cloudwatch", first_fails)
    settings = Settings(metrics="emf", spool_directory=tmp_path)
    with fake_job_context() as ctx:
        session = AgentSession[None](
            llm=ScriptedLLM("Hello."), vad=None, turn_handling={"turn_detection": None}
        )
        recorder = analytics.attach(session, ctx, settings=settings, writers=[sink])
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
        await session.aclose()
        assert await recorder.delivered() is (first_fails is None)
        sink.fail_with = None
        recorder.outcome(True)
        await analytics.on_session_end(ctx)
        assert await recorder.delivered()

    arrived = [json.loads(each.event) for each in sink.parcels]
    assert arrived[-1]["revision"] == 2
    assert [event["revision"] for event in arrived if "_aws" in event] == revisions


def test_without_being_asked_for_the_event_is_what_it_was() -> None:
    record = assemble(BUSY, OFF)
    plain, measured = parcel(record, OFF), parcel(record, EMF)

    assert measured.body == plain.body
    added = {each.name for each in WATCHED} | {"_aws"}
    event = json.loads(measured.event)
    assert {k: v for k, v in event.items() if k not in added} == json.loads(plain.event)
    assert not added & set(json.loads(plain.event))
    # None of them is a field of the record, now or in any spelling.
    assert not {name.lower() for name in added} & {n.lower() for n in SessionRecord.model_fields}


def test_namespace_and_dimensions_are_the_settings() -> None:
    settings = Settings(
        metrics="emf", metrics_namespace="Acme/Voice", metrics_dimensions="end_cause,close_reason"
    )
    event = event_of(capture(), settings)

    assert list(metrics(event)) == ["Acme/Voice"]
    dimensions, _ = metrics(event)["Acme/Voice"]
    assert dimensions == {"end_cause": event["end_cause"], "close_reason": "user_initiated"}


def test_no_dimensions_are_one_empty_set() -> None:
    settings = Settings(metrics="emf", metrics_dimensions="none")

    ((dimensions, values),) = metrics(event_of(BUSY, settings)).values()
    assert dimensions == {}
    assert len(values) == len(WATCHED)


def test_every_dimension_that_can_be_set_is_a_text_of_the_record() -> None:
    record = assemble(BUSY, EMF)
    for name in module._DIMENSIONS:
        assert isinstance(getattr(record, name), str | None), name
        nullable = type(None) in get_args(SessionRecord.model_fields[name].annotation)
        assert nullable == (name not in module.DIMENSIONS_WITHOUT_NULL), name
    assert set(module._DIMENSIONS) | module._UNBOUNDED <= set(SessionRecord.model_fields)
    assert not set(module._DIMENSIONS) & module._UNBOUNDED
    everything = Settings(metrics="emf", metrics_dimensions=",".join(module._DIMENSIONS))
    metrics(event_of(BUSY, everything))


@pytest.mark.parametrize(
    "name",
    [None, "", "  ", ":a", "Empfang für München", "a\nb", "x" * 1025, "a\ud800"],
    ids=["null", "empty", "blank", "colon", "umlaut", "control", "long", "surrogate"],
)
def test_a_value_that_is_no_dimension_is_left_out(name: str | None) -> None:
    facts = Facts(**{**vars(JOB), "agent_name": name})

    ((dimensions, values),) = metrics(event_of(capture(facts=facts))).values()
    assert dimensions == {"environment": "production"}
    assert values["Sessions"] == 1


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_long_record_keeps_its_metrics_and_the_limit(size: int) -> None:
    notes = ["é" * 16_000] * (size // 16_000)
    packed = parcel(assemble(capture(remarks=Remarks(notes=notes)), EMF), EMF)

    assert len(packed.event) <= MAX_EVENT_BYTES
    assert b"\n" not in packed.event
    assert metrics(json.loads(packed.event))


async def test_metrics_of_a_real_session_arrive_in_one_event(
    moto: MotoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in moto.environment().items():
        monkeypatch.setenv(name, value)
    group = "/calls/emf"
    moto.create_log_group(group)
    settings = Settings(
        metrics="emf", log_group=group, environment="staging", spool_directory=tmp_path
    )
    before = time.time()
    async with AgentSession[None](
        llm=ScriptedLLM("Hello."), vad=None, turn_handling={"turn_detection": None}
    ) as session:
        recorder = analytics.attach(
            session, settings=settings, writers=[CloudWatchWriter(settings)]
        )
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
    assert await recorder.delivered()

    (stored,) = moto.logs().filter_log_events(logGroupName=group)["events"]
    event = json.loads(stored["message"])
    ((dimensions, values),) = metrics(event).values()
    assert dimensions == {"environment": "staging"}
    assert values["Sessions"] == 1
    assert values["SessionDuration"] == event["duration_seconds"]
    assert values["EstimatedCost"] == event["cost_summary"]["total_estimated_cost"] > 0
    # Within what CloudWatch takes: two weeks back, two hours ahead; and the event's own time.
    assert before * 1000 - 1 <= event["_aws"]["Timestamp"] <= time.time() * 1000 + 1
    assert event["_aws"]["Timestamp"] == stored["timestamp"]
