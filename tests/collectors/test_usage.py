"""Usage is the framework's own sums; requests are counted where they are made."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.llm import (
    LLMError,
    RealtimeCapabilities,
    RealtimeModel,
    RealtimeModelError,
    RealtimeSession,
)
from livekit.agents.metrics import (
    AgentSessionUsage,
    EOTModelUsage,
    InterruptionModelUsage,
    LLMMetrics,
    LLMModelUsage,
    RealtimeModelMetrics,
    STTMetrics,
    STTModelUsage,
    TTSModelUsage,
    VADMetrics,
)
from livekit.agents.metrics.base import Metadata
from livekit.agents.stt import STTError

from livekit_plugins_analytics.collectors import usage as module
from livekit_plugins_analytics.collectors.totals import totals
from livekit_plugins_analytics.collectors.usage import Calls, usage_lines
from livekit_plugins_analytics.guard import Guard
from livekit_plugins_analytics.parts import Usage
from livekit_plugins_analytics.record import MetricsSummary
from livekit_plugins_analytics.testing import Reply, ScriptedLLM, ScriptedSTT, ScriptedTTS
from livekit_plugins_analytics.testing import ToolCall as Ask

from ..dictation import Nowhere
from .events import T


def lines(*models: Any) -> list[Usage]:
    return usage_lines(AgentSessionUsage(model_usage=list(models)))


# -- lines


def test_each_model_is_a_line_with_what_was_used_of_it() -> None:
    assert lines(
        LLMModelUsage(provider="openai", model="gpt-4o-mini", input_tokens=14, output_tokens=3),
        STTModelUsage(provider="deepgram", model="nova-3", audio_duration=450.50049),
        TTSModelUsage(provider="elevenlabs", model="flash", characters_count=25),
        InterruptionModelUsage(provider="livekit", model="adaptive", total_requests=2),
        EOTModelUsage(provider="livekit", model="v1", total_requests=7),
    ) == [
        Usage(
            kind="llm",
            provider="openai",
            model="gpt-4o-mini",
            quantities={"input_tokens": 14, "output_tokens": 3},
        ),
        Usage(
            kind="stt",
            provider="deepgram",
            model="nova-3",
            quantities={"audio_duration": 450.5},
        ),
        Usage(
            kind="tts",
            provider="elevenlabs",
            model="flash",
            quantities={"characters_count": 25},
        ),
        Usage(
            kind="interruption",
            provider="livekit",
            model="adaptive",
            quantities={"total_requests": 2},
        ),
        Usage(kind="eot", provider="livekit", model="v1", quantities={"total_requests": 7}),
    ]


def test_a_model_that_was_not_used_is_a_line_without_quantities() -> None:
    (line,) = lines(LLMModelUsage(provider="p", model="m"))

    assert line.quantities == {}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_quantity_that_is_no_number_is_left_out(number: float) -> None:
    (line,) = lines(
        TTSModelUsage(provider="p", model="m", audio_duration=number, characters_count=5)
    )

    assert line.quantities == {"characters_count": 5}


# -- totals


def test_totals_are_the_sums_over_all_models() -> None:
    both = lines(
        LLMModelUsage(
            provider="a", model="x", input_tokens=10, input_cached_tokens=4, output_tokens=1
        ),
        LLMModelUsage(provider="b", model="y", input_tokens=20, output_tokens=2),
        STTModelUsage(provider="c", model="z", audio_duration=1.5),
        STTModelUsage(provider="d", model="z", audio_duration=2.0),
        TTSModelUsage(provider="e", model="z", audio_duration=0.25, characters_count=7),
    )

    assert totals(both) == MetricsSummary(
        total_input_tokens=30,
        total_cached_input_tokens=4,
        total_output_tokens=3,
        total_stt_duration=3.5,
        total_tts_duration=0.25,
        total_tts_characters=7,
    )


def test_a_component_that_was_not_used_is_null_not_zero() -> None:
    assert totals([]) == MetricsSummary()
    assert totals(lines(LLMModelUsage(provider="p", model="m"))).total_output_tokens == 0


@given(
    st.lists(
        st.builds(
            TTSModelUsage,
            provider=st.just("p"),
            model=st.text(max_size=3),
            characters_count=st.integers(0, 10**9),
            audio_duration=st.floats(0, 1e6),
        ),
        min_size=1,
    )
)
def test_totals_equal_the_frameworks_sums(models: list[TTSModelUsage]) -> None:
    result = totals(lines(*models))

    assert result.total_tts_characters == sum(m.characters_count for m in models)
    assert result.total_tts_duration == pytest.approx(
        sum(m.audio_duration for m in models), abs=0.001 * len(models)
    )


# -- calls, by the models' own metrics


class Heard(ScriptedLLM):
    """A language model whose metrics a test sends by hand."""

    def send(self, metrics: Any) -> None:
        self.emit("metrics_collected", metrics)


def llm_metrics(*, cancelled: bool = False, total_tokens: int = 15) -> LLMMetrics:
    return LLMMetrics(
        label="x",
        request_id="r",
        timestamp=T,
        duration=1,
        ttft=0.3,
        cancelled=cancelled,
        completion_tokens=total_tokens,
        prompt_tokens=0,
        prompt_cached_tokens=0,
        total_tokens=total_tokens,
        tokens_per_second=1,
    )


def request(
    prompt: int, completion: int, *, total: int | None = None, model: str = "gpt-4o-mini"
) -> LLMMetrics:
    """A request of a certain model with these tokens."""
    return llm_metrics().model_copy(
        update={
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion if total is None else total,
            "metadata": Metadata(model_name=model, model_provider="api.openai.com"),
        }
    )


def heard(*, streamed: bool, seconds: float = 1.0, named: bool = True) -> STTMetrics:
    """A piece of audio transcribed."""
    return STTMetrics(
        label="x",
        request_id="r",
        timestamp=T,
        duration=0,
        audio_duration=seconds,
        streamed=streamed,
        metadata=Metadata(model_name="nova-3", model_provider="Deepgram") if named else None,
    )


def realtime_metrics(
    *, cancelled: bool = False, tokens: int = 15, total: int | None = None
) -> RealtimeModelMetrics:
    return RealtimeModelMetrics(
        request_id="r",
        timestamp=T,
        cancelled=cancelled,
        output_tokens=tokens,
        total_tokens=tokens if total is None else total,
        input_token_details=RealtimeModelMetrics.InputTokenDetails(),
        output_token_details=RealtimeModelMetrics.OutputTokenDetails(),
    )


@pytest.fixture
def calls() -> Calls:
    return Calls(Guard())


async def test_every_request_is_counted_and_so_are_the_cancelled(calls: Calls) -> None:
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)

        model.send(llm_metrics())
        model.send(llm_metrics(cancelled=True, total_tokens=7))
        model.send(llm_metrics(cancelled=True, total_tokens=0))
        model.send(
            VADMetrics(
                label="x", timestamp=T, idle_time=0, inference_duration_total=0, inference_count=1
            )
        )

    assert (calls.total, calls.cancelled, calls.uncounted) == (3, 2, 1)


async def test_a_model_is_listened_to_once_however_often_it_is_seen(calls: Calls) -> None:
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x", llm=model))
        for _ in range(3):
            calls.watch(session)

        model.send(llm_metrics())

    assert calls.total == 1


async def test_an_agent_may_bring_a_model_of_its_own(calls: Calls) -> None:
    usual, own = Heard(default="x"), Heard(default="x")
    async with AgentSession[None](llm=usual, vad=None) as session:
        await session.start(Agent(instructions="x", llm=own))
        calls.watch(session)

        own.send(llm_metrics())
        usual.send(llm_metrics())

    assert calls.total == 2


async def test_a_session_without_a_model_has_none_to_listen_to(calls: Calls) -> None:
    async with AgentSession[None](vad=None) as session:
        calls.watch(session)
        assert not calls.seen
        await session.start(Agent(instructions="x"))
        calls.watch(session)

    assert not calls.seen


async def test_a_model_is_left_alone_afterwards(calls: Calls) -> None:
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        calls.stop()

        model.send(llm_metrics())

    assert calls.seen
    assert calls.total == 0


async def test_metrics_that_are_none_raise_nothing_into_the_model() -> None:
    guard = Guard()
    calls = Calls(guard)
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)

        model.send("no metrics")

    assert guard.errors == 1


class Silent(RealtimeModel):
    """A realtime model that says nothing; its session's metrics are sent by hand."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=RealtimeCapabilities(
                message_truncation=False,
                turn_detection=True,
                user_transcription=False,
                auto_tool_reply_generation=False,
                audio_output=False,
                manual_function_calls=False,
            )
        )
        self.sessions: list[RealtimeSession[Any]] = []

    def session(self, *_: Any, **__: Any) -> RealtimeSession[Any]:
        talk: RealtimeSession[Any] = SilentSession(self)
        self.sessions.append(talk)
        return talk

    async def aclose(self) -> None:
        """Do nothing."""


class _Nothing:
    """What an abstract method does here."""

    def __get__(self, *_: Any) -> Callable[..., Any]:
        async def nothing(*_: Any, **__: Any) -> None: ...

        return nothing


SilentSession: Any = type(
    "SilentSession",
    (RealtimeSession,),
    {
        **{name: _Nothing() for name in RealtimeSession.__abstractmethods__},
        "update_options": lambda *_, **__: None,
        "push_audio": lambda *_: None,
        "push_video": lambda *_: None,
        "commit_audio": lambda *_: None,
        "clear_audio": lambda *_: None,
        "interrupt": lambda *_: None,
        "truncate": lambda *_, **__: None,
    },
)


async def test_a_realtime_model_is_counted_by_its_session(calls: Calls) -> None:
    model = Silent()
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        (talk,) = model.sessions

        talk.emit("metrics_collected", realtime_metrics())
        talk.emit("metrics_collected", realtime_metrics(cancelled=True))
        talk.emit("metrics_collected", realtime_metrics(cancelled=True, tokens=0))

    assert (calls.total, calls.cancelled, calls.uncounted) == (3, 2, 1)


async def test_first_tokens_beyond_the_bound_are_counted(calls: Calls) -> None:
    model = Silent()
    quick = realtime_metrics().model_copy(update={"ttft": 0.25})
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        (talk,) = model.sessions
        for _ in range(module._MAX_TTFTS + 2):
            talk.emit("metrics_collected", quick)
        talk.emit("metrics_collected", realtime_metrics())  # has none

    assert calls.realtime_ttfts == [0.25] * module._MAX_TTFTS
    assert calls.dropped == 2


async def test_a_realtime_models_replies_are_not_told_by_speech(calls: Calls) -> None:
    """Its requests do not name the speech: an interrupted one is none that nobody reported."""
    model = Silent()
    async with AgentSession[None](llm=model, vad=None) as session:
        session.on("speech_created", lambda e: calls.on_speech(session, e))
        await session.start(Agent(instructions="x"))
        speech = session.generate_reply()
        speech.interrupt()
        await speech

    assert calls.seen
    assert (calls.uncounted, calls.undercounts) == (0, ())


# -- where the framework's sums are known to be wrong


@pytest.mark.parametrize(
    ("metrics", "undercounts"),
    [
        (request(100, 20), ()),
        (request(100, 20, total=300), ("usage.thinking_tokens",)),
        (request(100, 20, total=0), ()),
        (realtime_metrics(), ()),
        (realtime_metrics(total=90), ("usage.thinking_tokens",)),
    ],
    ids=["whole", "thinking", "no total", "realtime", "realtime thinking"],
)
async def test_tokens_that_are_in_the_total_only_are_named(
    calls: Calls, metrics: Any, undercounts: tuple[str, ...]
) -> None:
    """Gemini's plugin leaves thinking out of the output."""
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)

        model.send(metrics)

    assert calls.undercounts == undercounts


@pytest.mark.parametrize("shared", ["llm", "stt", "tts"])
async def test_a_component_of_two_sessions_at_once_is_named_in_both(
    calls: Calls, shared: str
) -> None:
    """Each session's sums have the other's requests too."""
    component: Any = {"llm": ScriptedLLM, "stt": ScriptedSTT, "tts": ScriptedTTS}[shared]()
    other = Calls(Guard())
    async with (
        AgentSession[None](vad=None, **{shared: component}) as first,
        AgentSession[None](vad=None, **{shared: component}) as second,
    ):
        await first.start(Agent(instructions="x"))
        calls.watch(first)
        assert calls.undercounts == ()
        await second.start(Agent(instructions="x"))
        other.watch(second)
        calls.stop()
        other.stop()

    assert calls.undercounts == other.undercounts == ("usage.shared_models",)


async def test_a_component_that_serves_one_session_after_the_other_is_not_shared(
    calls: Calls,
) -> None:
    model, later = Heard(default="x"), Calls(Guard())
    for each in (calls, later):
        async with AgentSession[None](llm=model, vad=None) as session:
            await session.start(Agent(instructions="x"))
            each.watch(session)
        each.stop()

    assert calls.undercounts == later.undercounts == ()


async def test_sessions_with_models_of_their_own_share_nothing(calls: Calls) -> None:
    other = Calls(Guard())
    async with (
        AgentSession[None](llm=ScriptedLLM(), vad=None) as first,
        AgentSession[None](llm=ScriptedLLM(), vad=None) as second,
    ):
        for each, session in ((calls, first), (other, second)):
            await session.start(Agent(instructions="x"))
            each.watch(session)

    assert calls.undercounts == other.undercounts == ()


async def test_failed_attempts_of_language_models_are_counted(calls: Calls) -> None:
    """Those of other components are in the record's errors only."""
    model = Heard(default="x")
    failed: dict[str, Any] = {"timestamp": T, "label": "x", "error": OSError("x")}
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        for kind in (LLMError, LLMError, RealtimeModelError, STTError):
            model.emit("error", kind(**failed, recoverable=True))

    assert (calls.failed, calls.total) == (3, 0)


# -- what is known of the requests behind a sum


@pytest.mark.parametrize(
    ("metrics", "mode"),
    [
        ([], None),
        ([heard(streamed=True)], "streaming"),
        ([heard(streamed=False), heard(streamed=False)], "batch"),
        ([heard(streamed=False), heard(streamed=True)], "mixed"),
        # A connection reports itself, whatever is done with it.
        ([heard(streamed=True, seconds=0), heard(streamed=False)], "batch"),
        ([heard(streamed=True, named=False)], None),
    ],
    ids=["unheard", "streaming", "batch", "mixed", "connection", "nameless"],
)
async def test_a_line_tells_how_an_stt_was_used(
    calls: Calls, metrics: list[STTMetrics], mode: str | None
) -> None:
    ears = ScriptedSTT()
    async with AgentSession[None](stt=ears, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        for each in metrics:
            ears.emit("metrics_collected", each)

    usage = [STTModelUsage(provider="Deepgram", model="nova-3", audio_duration=2)]
    (line,) = usage_lines(AgentSessionUsage(model_usage=list(usage)), calls)
    assert line.mode == mode
    assert not calls.seen


@pytest.mark.parametrize(
    ("total", "largest"), [(600, 300), (601, None), (0, None)], ids=["all", "missed one", "none"]
)
async def test_a_line_tells_the_largest_request_where_all_were_heard(
    calls: Calls, total: int, largest: int | None
) -> None:
    """Some models cost more in requests above a length."""
    model = Heard(default="x")
    async with AgentSession[None](llm=model, vad=None) as session:
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        for prompt in (200, 300, 100):
            model.send(request(prompt, 1))
        model.send(request(9000, 1, model="another"))

    usage = [LLMModelUsage(provider="api.openai.com", model="gpt-4o-mini", input_tokens=total)]
    (line,) = usage_lines(AgentSessionUsage(model_usage=list(usage)), calls)
    assert line.largest_request == largest


# -- in a real session


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Help.")

    @function_tool
    async def look(self) -> str:
        """Look."""
        return "found"


async def test_a_sessions_usage_and_requests_are_what_its_script_says(calls: Calls) -> None:
    model = ScriptedLLM(
        Reply("Hello.", prompt_tokens=100, completion_tokens=5),
        Reply(
            tool_calls=[Ask("look")],
            then=Reply("Found.", prompt_tokens=300, cached_tokens=200, completion_tokens=7),
            prompt_tokens=200,
            cached_tokens=100,
            completion_tokens=6,
        ),
    )
    async with AgentSession[None](llm=model, vad=None) as session:
        session.on("agent_state_changed", lambda _: calls.watch(session))
        await session.start(Desk())
        await session.run(user_input="hi")
        await session.run(user_input="look")
        result = usage_lines(session.usage)

    assert calls.total == 3
    assert totals(result) == MetricsSummary(
        total_input_tokens=600, total_cached_input_tokens=300, total_output_tokens=18
    )
    assert [(u.kind, u.provider, u.model) for u in result] == [
        ("llm", "api.openai.com", "gpt-4o-mini")
    ]


async def test_a_reply_cut_off_before_its_end_is_a_request_whose_tokens_nobody_knows(
    calls: Calls,
) -> None:
    model = ScriptedLLM(Reply("one two three four", token_delay=30.0))
    begun = asyncio.Event()
    async with AgentSession[None](llm=model, vad=None) as session:
        session.on(
            "agent_state_changed", lambda e: begun.set() if e.new_state == "speaking" else None
        )
        await session.start(Agent(instructions="x"))
        calls.watch(session)
        speech = session.generate_reply()
        await asyncio.wait_for(begun.wait(), 10)
        await session.interrupt()
        await speech

    assert (calls.total, calls.cancelled, calls.uncounted) == (1, 1, 1)


async def test_a_reply_given_up_before_its_first_word_is_a_request_that_nobody_reports(
    calls: Calls,
) -> None:
    """The framework has no metrics of it; the speech tells."""
    model = ScriptedLLM(Reply("late", ttft=60.0))
    asked = asyncio.Event()
    async with AgentSession[None](llm=model, vad=None) as session:
        session.on("speech_created", lambda e: calls.on_speech(session, e))
        session.on(
            "agent_state_changed", lambda e: asked.set() if e.new_state == "thinking" else None
        )
        await session.start(Agent(instructions="x"))
        speech = session.generate_reply()
        await asyncio.wait_for(asked.wait(), 10)
        speech.interrupt()
        await speech

    assert (calls.total, calls.cancelled, calls.uncounted) == (0, 0, 1)
    assert calls.undercounts == ()


async def test_words_that_no_model_wrote_are_no_request(calls: Calls) -> None:
    async with AgentSession[None](
        llm=ScriptedLLM(), tts=ScriptedTTS(ttfb=60.0), vad=None
    ) as session:
        session.on("speech_created", lambda e: calls.on_speech(session, e))
        session.output.audio = Nowhere()
        await session.start(Agent(instructions="x"))
        speech = session.say("Please hold the line.")
        speech.interrupt()
        await speech

    assert (calls.total, calls.uncounted, calls.undercounts) == (0, 0, ())
