"""What calls through a real session cost, computed once more by hand."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    AgentTask,
    APIConnectionError,
    APIConnectOptions,
    RunContext,
    function_tool,
)
from livekit.agents.llm import FallbackAdapter
from livekit.agents.voice.agent_session import SessionConnectOptions

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Rate, RateCard, Settings
from livekit_plugins_analytics.testing import (
    MemoryWriter,
    Reply,
    ScriptedLLM,
    ScriptedTTS,
    ToolCall,
)

from .dictation import Dictation, Nowhere, Quiet

AT_ONCE = SessionConnectOptions(llm_conn_options=APIConnectOptions(max_retry=2, retry_interval=0.0))


class Desk(Agent):
    """An agent that asks a colleague, in a task with a model of its own."""

    def __init__(self, colleague: ScriptedLLM | None = None) -> None:
        super().__init__(instructions="Be brief.")
        self._colleague = colleague

    @function_tool
    async def ask(self) -> str:
        """Ask the colleague."""
        assert self._colleague is not None
        return await Question(self._colleague)

    @function_tool
    async def transfer(self, context: RunContext[None]) -> Agent:
        """Hand over to the specialist."""
        assert self._colleague is not None
        return Specialist(self._colleague)


class Question(AgentTask[str]):
    """Done as soon as its model says so."""

    def __init__(self, model: ScriptedLLM) -> None:
        super().__init__(instructions="Answer.", llm=model)

    async def on_enter(self) -> None:
        """Ask the model."""
        self.session.generate_reply()

    @function_tool
    async def answer(self) -> None:
        """Answer."""
        self.complete("forty-two")


class Specialist(Agent):
    """Another agent, with a model of its own."""

    def __init__(self, model: ScriptedLLM) -> None:
        super().__init__(instructions="Be exact.", llm=model)

    async def on_enter(self) -> None:
        """Say hello."""
        self.session.generate_reply()


def said(session: AgentSession[None], text: str) -> asyncio.Future[None]:
    """A future for the agent having said this."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def handle(event: Any) -> None:
        if getattr(event.item, "text_content", None) == text and not future.done():
            future.set_result(None)

    session.on("conversation_item_added", handle)
    return future


def summed(session: AgentSession[None]) -> list[dict[str, Any]]:
    """The framework's own sums, as plain numbers, without zeros; seconds to the millisecond."""
    return [
        {
            "kind": usage.type.removesuffix("_usage"),
            "provider": usage.provider,
            "model": usage.model,
            "quantities": {
                name: value if isinstance(value, int) else round(value, 3)
                for name, value in usage.model_dump(exclude={"type", "provider", "model"}).items()
                if value
            },
        }
        for usage in session.usage.model_usage
    ]


def recorded(record: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("kind", "provider", "model", "quantities")
    return [{name: line[name] for name in names} for line in record["usage"]]


def amounts(record: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    return {(c["model"], c["unit"]): Decimal(c["amount"]) for c in record["costs"]}


async def test_a_call_costs_what_its_models_report() -> None:
    """Two turns: LLM, STT and TTS with known usage, at list prices."""
    model = ScriptedLLM(
        Reply("Hello there.", prompt_tokens=1000, completion_tokens=40),
        Reply("Good bye.", prompt_tokens=1500, cached_tokens=1000, completion_tokens=60),
    )
    hearing, memory = Dictation(), MemoryWriter()
    async with AgentSession[None](
        stt=hearing,
        llm=model,
        tts=ScriptedTTS(seconds_per_character=0.001),
        vad=None,
        turn_handling={"turn_detection": "stt", "preemptive_generation": {"enabled": False}},
    ) as session:
        recorder = analytics.attach(session, writers=[memory])
        session.input.audio, session.output.audio = Quiet(), Nowhere()
        await session.start(Agent(instructions="Be brief."))
        for words, answer, seconds in (("hi", "Hello there.", 7.5), ("bye", "Good bye.", 4.25)):
            done = said(session, answer)
            hearing.say(words, seconds=seconds)
            await asyncio.wait_for(done, 30)
        usage = summed(session)
    assert await recorder.delivered()
    (record,) = memory.records

    assert recorded(record) == usage
    assert {line["kind"]: line["quantities"] for line in usage if line["kind"] != "tts"} == {
        "llm": {"input_tokens": 2500, "input_cached_tokens": 1000, "output_tokens": 100},
        "stt": {"audio_duration": 11.75},
    }
    assert {line["kind"]: line["mode"] for line in record["usage"]}["stt"] == "streaming"
    (llm,) = (line for line in record["usage"] if line["kind"] == "llm")
    assert llm["largest_request"] == 1500
    # "Hello there." and "Good bye." are 21 characters at 40 a million; nova-3 0.0048 a minute;
    # gpt-4o-mini 0.15 / 0.075 / 0.60 a million.
    assert amounts(record) == {
        ("gpt-4o-mini", "input_token"): Decimal("0.000225"),
        ("gpt-4o-mini", "cached_input_token"): Decimal("0.000075"),
        ("gpt-4o-mini", "output_token"): Decimal("0.00006"),
        ("nova-3", "audio_second"): Decimal("0.00094"),
        ("eleven_flash_v2_5", "character"): Decimal("0.00084"),
    }
    # 0.00036 + 0.00094 + 0.00084
    assert record["cost_summary"]["total_estimated_cost"] == 0.00214
    assert record["cost_summary"]["complete"] is True
    assert record["metrics_summary"]["total_llm_calls"] == 2
    assert not [name for name in record["completeness"]["missing"] if name.startswith("usage")]


async def test_the_users_rates_go_first_in_a_call() -> None:
    """The settings hold a card; its source is in the lines."""
    card = RateCard([Rate(vendor="openai", unit="token", price="0.002")], name="acme", version="7")
    model, memory = ScriptedLLM(Reply("Hi.", prompt_tokens=3, completion_tokens=2)), MemoryWriter()
    async with AgentSession[None](llm=model, vad=None) as session:
        recorder = analytics.attach(session, settings=Settings(rates=card), writers=[memory])
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
    assert await recorder.delivered()
    (record,) = memory.records

    assert [(c["amount"], c["source"]) for c in record["costs"]] == [
        ("0.006", "acme@7#1"),
        ("0.004", "acme@7#1"),
    ]
    assert record["cost_summary"]["openai_cost"] == 0.01


async def test_a_card_that_cannot_be_read_costs_the_rates_not_the_record(tmp_path: Any) -> None:
    model, memory = ScriptedLLM(Reply("Hi.", prompt_tokens=1000)), MemoryWriter()
    settings = Settings(rates=tmp_path / "gone.toml")
    async with AgentSession[None](llm=model, vad=None) as session:
        recorder = analytics.attach(session, settings=settings, writers=[memory])
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
    assert await recorder.delivered()
    (record,) = memory.records

    assert amounts(record)["gpt-4o-mini", "input_token"] == Decimal("0.00015")
    assert "costs.rates" in record["completeness"]["missing"]


@pytest.mark.parametrize("tool", ["ask", "transfer"])
async def test_a_colleagues_own_model_counts(tool: str) -> None:
    """Inside an AgentTask, and of an agent that the call was handed to."""
    replies: list[Reply] = [
        Reply(tool_calls=[ToolCall(tool)], then="Done.", prompt_tokens=100, completion_tokens=5)
    ]
    usual = ScriptedLLM(*replies)
    answer = Reply(tool_calls=[ToolCall("answer")], prompt_tokens=40, completion_tokens=3)
    hello = Reply("Hello from upstairs.", prompt_tokens=40, completion_tokens=3)
    colleague = ScriptedLLM(
        answer if tool == "ask" else hello,
        model="claude-haiku-4-5",
        provider="api.anthropic.com",
        default="Fine.",
    )
    memory = MemoryWriter()
    async with AgentSession[None](llm=usual, vad=None) as session:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Desk(colleague))
        end = said(session, "Done." if tool == "ask" else "Hello from upstairs.")
        await session.run(user_input="please")
        await asyncio.wait_for(end, 30)
        usage = summed(session)
    assert await recorder.delivered()
    (record,) = memory.records

    assert recorded(record) == usage
    own = {line["model"]: line["quantities"] for line in usage}["claude-haiku-4-5"]
    assert (own["input_tokens"], own["output_tokens"]) == (40, 3)
    # claude-haiku-4-5: 1 / 5 a million.
    assert amounts(record)["claude-haiku-4-5", "input_token"] == Decimal("0.00004")
    assert amounts(record)["claude-haiku-4-5", "output_token"] == Decimal("0.000015")
    requests = record["metrics_summary"]["total_llm_calls"]
    assert requests == len(usual.inputs) + len(colleague.inputs)
    assert {line["model"]: line["largest_request"] for line in record["usage"]}[
        "claude-haiku-4-5"
    ] == 40


async def test_a_fallback_is_billed_by_whoever_answered() -> None:
    """The adapter passes on the names of the model that it used."""
    first = ScriptedLLM(default=APIConnectionError())
    second = ScriptedLLM(
        Reply("Here I am.", prompt_tokens=1000, completion_tokens=100),
        model="claude-haiku-4-5",
        provider="api.anthropic.com",
    )
    memory = MemoryWriter()
    async with AgentSession[None](llm=FallbackAdapter([first, second]), vad=None) as session:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
        usage = summed(session)
    assert await recorder.delivered()
    (record,) = memory.records

    assert recorded(record) == usage
    assert amounts(record) == {
        ("claude-haiku-4-5", "input_token"): Decimal("0.001"),
        ("claude-haiku-4-5", "output_token"): Decimal("0.0005"),
    }
    assert record["cost_summary"]["anthropic_cost"] == 0.0015


async def test_a_failed_request_is_counted() -> None:
    """Two attempts fail, the third answers: one request, two failures."""
    model = ScriptedLLM(APIConnectionError(), APIConnectionError(), "Hello.")
    memory = MemoryWriter()
    async with AgentSession[None](llm=model, vad=None, conn_options=AT_ONCE) as session:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Agent(instructions="Be brief."))
        await session.run(user_input="hi")
    assert await recorder.delivered()
    (record,) = memory.records

    metrics = record["metrics_summary"]
    assert (metrics["total_llm_calls"], metrics["failed_llm_calls"]) == (1, 2)


async def test_a_preemptive_request_that_was_thrown_away_is_named() -> None:
    """The caller goes on before the answer's first word: the framework reports no such request."""
    model = ScriptedLLM(Reply("Never said.", ttft=60.0), Reply("Booked.", prompt_tokens=50))
    hearing, memory = Dictation(), MemoryWriter()
    async with AgentSession[None](
        stt=hearing,
        llm=model,
        vad=None,
        turn_handling={"turn_detection": "stt", "preemptive_generation": {"enabled": True}},
    ) as session:
        recorder = analytics.attach(session, writers=[memory])
        session.input.audio = Quiet()
        began = asyncio.Event()
        session.on("speech_created", lambda _: began.set())
        await session.start(Agent(instructions="Be brief."))
        hearing.say("Hm", sure=False)
        await asyncio.wait_for(began.wait(), 30)
        done = said(session, "Booked.")
        hearing.say("Book it")
        await asyncio.wait_for(done, 30)
    assert await recorder.delivered()
    (record,) = memory.records

    missing = record["completeness"]["missing"]
    assert [m for m in missing if m.startswith("usage")] == ["usage.preemptive_llm_calls"]
    # It is named, not added.
    assert record["metrics_summary"]["total_llm_calls"] == 1
    (usage,) = record["usage"]
    assert usage["quantities"]["input_tokens"] == 50
