"""The figures of a call, computed once more from the raw times of its events."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from livekit.agents import Agent, AgentSession

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.collectors.conversation import Side, Talk
from livekit_plugins_analytics.collectors.transcript import Line
from livekit_plugins_analytics.testing import MemoryWriter, Reply, ScriptedLLM, ScriptedTTS

from .collectors.events import T
from .collectors.test_conversation import pauses_by_hand
from .collectors.test_usage import Silent, realtime_metrics
from .dictation import Dictation, Nowhere, Quiet
from .test_assembly import capture, spoken

OFF = Settings(transcript="off")

# The framework takes the time of an event a moment before or after it takes that of the metric.
MOMENT = 0.05


class Punctual(Nowhere):
    """A loudspeaker that says when it began."""

    def on_playback_started(self, *, created_at: float) -> None:
        """The first sound of a speech."""
        super().on_playback_started(created_at=time.time())


async def test_latencies_and_silence_are_those_of_the_raw_event_times() -> None:
    delays = (0.1, 0.3, 0.2)
    hearing, memory = Dictation(), MemoryWriter()
    times: list[tuple[str, float]] = []
    async with AgentSession[None](
        stt=hearing,
        llm=ScriptedLLM(*(Reply("I see.", ttft=delay) for delay in delays)),
        tts=ScriptedTTS(ttfb=0.1),
        vad=None,
        turn_handling={"turn_detection": "stt", "preemptive_generation": {"enabled": False}},
    ) as session:
        recorder = analytics.attach(session, writers=[memory])
        done = asyncio.Queue[None]()

        def on_state(event: Any) -> None:
            side = "user" if event.type == "user_state_changed" else "agent"
            if event.new_state == "speaking":
                times.append((f"{side} began", event.created_at))
            elif event.old_state == "speaking":
                times.append((f"{side} ended", event.created_at))
                if side == "agent":
                    done.put_nowait(None)

        session.on("user_state_changed", on_state)
        session.on("agent_state_changed", on_state)
        session.input.audio, session.output.audio = Quiet(), Punctual()
        await session.start(Agent(instructions="Be brief."))
        for _ in delays:
            hearing.say("hello there", sure=False)
            hearing.say("hello there")
            await asyncio.wait_for(done.get(), 30)
    assert await recorder.delivered()
    (record,) = memory.records

    def when(what: str) -> list[float]:
        return [at for each, at in times if each == what]

    waits = [b - a for a, b in zip(when("user ended"), when("agent began"), strict=True)]
    e2e = record["latency"]["e2e"]
    assert e2e["num"] == len(delays)
    for name, percent in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)):
        assert e2e[name] == pytest.approx(np.percentile(waits, percent), abs=MOMENT)
    assert e2e["mean"] == pytest.approx(np.mean(waits), abs=MOMENT)
    assert (e2e["min"], e2e["max"]) == (
        pytest.approx(min(waits), abs=MOMENT),
        pytest.approx(max(waits), abs=MOMENT),
    )
    # A machine under load is later, never earlier.
    for stage, least in (("llm_ttft", delays), ("tts_ttfb", (0.1, 0.1, 0.1))):
        figures = record["latency"][stage]
        assert figures["num"] == len(delays)
        assert min(least) - 0.001 <= figures["min"] <= figures["max"] < e2e["max"]
    assert record["completeness"]["truncated"] == {}

    summary = record["metrics_summary"]
    sides = [zip(when(f"{s} began"), when(f"{s} ended"), strict=True) for s in ("user", "agent")]
    end = unix(record["end_time"])
    wanted = pauses_by_hand([stretch for side in sides for stretch in side], end)
    assert wanted is not None
    assert summary["silence_seconds"] == pytest.approx(wanted[0], abs=0.002)
    assert summary["longest_dead_air_seconds"] == pytest.approx(wanted[1], abs=0.002)
    assert max(waits) - 0.002 <= summary["longest_dead_air_seconds"]


def unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


async def test_a_realtime_models_first_tokens_are_those_that_it_reports() -> None:
    model, memory = Silent(), MemoryWriter()
    ttfts = [0.31, 0.28, 0.9, 0.45]
    async with AgentSession[None](llm=model, vad=None) as session:
        recorder = analytics.attach(session, writers=[memory])
        await session.start(Agent(instructions="Be brief."))
        (talk,) = model.sessions
        for ttft in (*ttfts, -1, -7.0):  # a response without a token, and a clock that jumped
            metrics = realtime_metrics().model_copy(update={"ttft": ttft})
            talk.emit("metrics_collected", metrics)
    assert await recorder.delivered()
    (record,) = memory.records

    figures = record["latency"]["llm_ttft"]
    assert figures["num"] == len(ttfts)
    assert figures["p95"] == pytest.approx(np.percentile(ttfts, 95), abs=0.000_6)
    assert (figures["min"], figures["max"]) == (0.28, 0.9)
    assert record["completeness"]["truncated"] == {"latency": 1}
    assert record["metrics_summary"]["total_llm_calls"] == len(ttfts) + 2


# -- words per minute


def talk(user: float, agent: float) -> Talk:
    return Talk(Side(user, first=T), Side(agent, first=T), user_heard=True)


def paces(talk: Talk, *texts: str, **values: Any) -> tuple[float | None, float | None]:
    """Words per minute of the caller and the agent; the caller's is every other text."""
    summary = assemble(capture(talk=talk, **spoken(*texts), **values), OFF).metrics_summary
    return summary.user_words_per_minute, summary.agent_words_per_minute


def test_words_per_minute_are_committed_words_by_the_sides_own_speech() -> None:
    heard = ("It's 20 people - well, twenty-one.", "I see!", "Bye ...", "Good bye, then.")

    # 5 + 1 words in 4 s, 2 + 3 words in 2.5 s.
    assert paces(talk(4.0, 2.5), *heard) == (90.0, 120.0)


@pytest.mark.parametrize(
    ("side", "texts", "values"),
    [
        (Talk(), ("typed", "answered"), {}),
        (talk(0.9, 0.9), ("hello", "hello"), {}),
        (talk(4.0, 4.0), (), {}),
        (talk(4.0, 4.0), ("...", "?"), {}),
        (talk(4.0, 4.0), ("hello", "hello"), {"unsaid": 1}),
        (talk(4.0, 4.0), ("你好,我想订一张桌子", "かしこまりました"), {}),
        (talk(4.0, 4.0), ("hello", "hello", "สวัสดีครับ", "ขอบคุณ"), {}),
    ],
    ids=["no sound", "too short", "no turns", "no words", "not all", "Chinese, Japanese", "Thai"],
)
def test_where_words_or_seconds_are_not_known_there_is_no_pace(
    side: Talk, texts: tuple[str, ...], values: dict[str, Any]
) -> None:
    assert paces(side, *texts, **values) == (None, None)


def test_words_of_a_script_with_spaces_are_counted_in_any_language() -> None:
    assert paces(talk(6.0, 6.0), "Guten Tag, Frau Grün", "здравствуйте как дела") == (40.0, 30.0)


def test_a_journal_without_the_count_of_words_gives_no_pace() -> None:
    old = Line("item_1", "user", None, T, False, {}, None, None)
    summary = assemble(capture(talk=talk(4.0, 4.0), said=[old]), OFF).metrics_summary

    assert summary.user_words_per_minute is None
