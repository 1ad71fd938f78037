"""An error is its component and type, never its text, which may quote the caller."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    ErrorEvent,
)
from livekit.agents.inference.interruption import InterruptionDetectionError
from livekit.agents.llm import LLMError, RealtimeModelError
from livekit.agents.stt import STTError
from livekit.agents.tts import TTSError
from livekit.agents.voice.agent_session import SessionConnectOptions

from livekit_plugins_analytics.collectors import failures as module
from livekit_plugins_analytics.collectors.failures import Failures
from livekit_plugins_analytics.parts import Error, utc
from livekit_plugins_analytics.testing import ScriptedLLM

from .events import T

SECRET = "the caller said 4111 1111"


def event(error: Any) -> ErrorEvent:
    return ErrorEvent(error=error, source=ScriptedLLM("x"), created_at=T)


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        (LLMError, "llm"),
        (STTError, "stt"),
        (TTSError, "tts"),
        (RealtimeModelError, "realtime_model"),
        (InterruptionDetectionError, "interruption_detection"),
    ],
)
@pytest.mark.parametrize("recoverable", [True, False])
def test_a_component_fails(kind: Any, component: str, recoverable: bool) -> None:
    failures = Failures()
    cause = APIStatusError(SECRET, status_code=429)

    failures.on_error(event(kind(timestamp=T, label="x", error=cause, recoverable=recoverable)))

    assert failures.result() == [
        Error(component=component, type="APIStatusError", recoverable=recoverable, at=utc(T))
    ]
    assert SECRET not in failures.result()[0].model_dump_json()


@pytest.mark.parametrize(
    "error", [ValueError(SECRET), SECRET, None, object()], ids=lambda v: type(v).__name__
)
def test_whatever_else_fails_has_its_type(error: Any) -> None:
    failures = Failures()

    failures.on_error(event(error))

    assert failures.result() == [
        Error(component="unknown", type=type(error).__name__, recoverable=None, at=utc(T))
    ]


def test_errors_beyond_the_bound_are_counted() -> None:
    failures = Failures()
    for _ in range(module._MAX_ERRORS + 2):
        failures.on_error(event(ValueError()))

    assert len(failures.result()) == module._MAX_ERRORS
    assert failures.dropped == 2


def test_the_result_is_a_copy() -> None:
    failures = Failures()
    before = failures.result()

    failures.on_error(event(ValueError()))

    assert before == []


async def test_a_session_tells_retried_errors_and_final_ones() -> None:
    failures = Failures()
    model = ScriptedLLM(*[APIConnectionError(SECRET)] * 2)
    options = SessionConnectOptions(
        llm_conn_options=APIConnectOptions(max_retry=1, retry_interval=0.0)
    )
    async with AgentSession[None](llm=model, vad=None, conn_options=options) as session:
        session.on("error", failures.on_error)
        await session.start(Agent(instructions="x"))
        await session.generate_reply()

    assert [(e.component, e.type, e.recoverable) for e in failures.result()] == [
        ("llm", "APIConnectionError", True),
        ("llm", "APIConnectionError", False),
    ]
