"""What is masked is known at start-up, in every process, and a team may bring its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings, SettingsError
from livekit_plugins_analytics.masking import chained, load_redactor
from livekit_plugins_analytics.redaction import RedactionError, Redactor, Span
from livekit_plugins_analytics.testing import MemoryWriter, ScriptedLLM


class Orders:
    """A redactor of a team's own."""

    entities: Sequence[str] = ("order",)

    def find(self, text: str) -> list[Span]:
        return [Span(m.start(), m.end(), "order") for m in re.finditer(r"ORD-\d+", text)]


async def record_of(
    settings: Settings, redactor: Redactor | None = None, **values: Any
) -> dict[str, Any]:
    memory = MemoryWriter()
    async with AgentSession[None](llm=ScriptedLLM(default="Noted."), vad=None) as session:
        recorder = analytics.attach(
            session, settings=settings, writers=[memory], redactor=redactor, **values
        )
        await session.start(Agent(instructions="x"))
        await session.run(user_input="ORD-123, jane@example.com")
    assert await recorder.delivered()
    (record,) = memory.records
    return record


async def test_a_redactor_of_ones_own_works_beside_the_built_in_one() -> None:
    record = await record_of(Settings(transcript="on", redact="email"), Orders())
    assert record["transcript"]["items"][0]["text"] == "[order-1], [email-1]"
    assert record["privacy"]["counts"] == {"email": 1, "order": 1}


async def test_a_redactor_of_ones_own_needs_no_setting() -> None:
    record = await record_of(Settings(transcript="on"), Orders())
    assert record["transcript"]["items"][0]["text"] == "[order-1], jane@example.com"
    assert record["privacy"]["redacted"] is True


async def test_an_id_with_personal_data_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(redact="email")
    record = await record_of(settings, session_id="jane@example.com")
    assert "jane" not in record["session_id"]
    assert "session id has what is to be masked" in caplog.text and "jane" not in caplog.text
    plain = "a-call-of-no-one"  # another test's would be numbered
    assert (await record_of(settings, session_id=plain))["session_id"] == plain


async def test_where_nothing_can_be_masked_no_content_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    settings = Settings(transcript="on", redact="emial")
    record = await record_of(settings, session_id="call-4712", user_email="jane@example.com")
    assert (record["transcript"], record["user_email"]) == (None, None)
    assert record["privacy"]["withheld"] == ["transcript", "user_email"]
    assert record["session_id"] != "call-4712"
    assert "ANALYTICS_REDACT: no entity 'emial'; did you mean 'email'?" in caplog.text


def test_a_redactor_is_built_once(tmp_path: Path) -> None:
    assert load_redactor(Settings(redact="ip")) is load_redactor(Settings(redact="ip"))
    assert load_redactor(Settings(redact="ip")) is not load_redactor(Settings(redact="ssn"))
    assert load_redactor(Settings()) is None
    missing = Settings(redact=str(tmp_path / "none.toml"))
    for _ in range(2):
        with pytest.raises(RedactionError, match="none.toml"):
            load_redactor(missing)


def test_of_two_redactors_one_may_be_none() -> None:
    own = Orders()
    assert chained(None, None) is None
    assert chained(own, None) is chained(None, own) is own
    both = chained(load_redactor(Settings(redact="email")), own)
    assert both is not None and list(both.entities) == ["email", "order"]


def test_at_start_up_a_wrong_entity_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_REDACT", "phnoe")
    monkeypatch.setenv("ANALYTICS_SIGNALS", "off")
    with pytest.raises(SettingsError, match="ANALYTICS_REDACT: .*did you mean 'phone'"):
        analytics.prewarm()
