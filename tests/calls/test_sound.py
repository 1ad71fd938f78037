"""A call with sound: what a microphone, a voice detector and real frames leave in the record."""

from __future__ import annotations

import pytest

from tests.calls import agents
from tests.calls.office import Office


async def test_call_with_sound_has_real_latencies_talk_time_and_an_interruption(
    office: Office,
) -> None:
    pytest.importorskip("livekit.local_inference", reason="the local voice detector")
    room = await office.dispatch("with_sound")
    caller = await office.caller(room, sound=True)
    listening = await caller.sees("listening")
    caller.say("hello.wav")
    await caller.sees("speaking")
    caller.say("interrupt.wav")
    interrupted = await caller.sees("listening", after=listening)
    await caller.sees("listening", after=await caller.sees("speaking", after=interrupted))
    await caller.hang_up()
    (record,) = await office.exported(room)

    assert record["end_cause"] == "caller_hung_up"
    metrics = record["metrics_summary"]
    assert metrics["interruptions"] == 1
    assert metrics["user_turns"] == 2
    assert metrics["agent_turns"] == 2
    # hello.wav has 3 s of voice and interrupt.wav 2 s; the detector's edges are rough.
    assert 3.0 < metrics["user_speaking_seconds"] < 8.0
    assert metrics["agent_speaking_seconds"] > 1.0
    assert metrics["total_stt_duration"] > 3.0
    assert metrics["total_tts_duration"] > 5.0
    assert metrics["total_tts_characters"] > 100
    assert metrics["time_to_first_agent_speech"] > 3.0
    latency = record["latency"]
    assert latency["llm_ttft"]["num"] == 2
    assert 0.1 <= latency["llm_ttft"]["min"] < 5.0
    assert latency["tts_ttfb"]["num"] == 2
    assert 0.1 <= latency["tts_ttfb"]["min"] < 5.0
    for stage in ("e2e", "end_of_turn_delay", "transcription_delay"):
        # The oldest supported framework does not measure the turn that interrupts.
        assert latency[stage]["num"] in (1, 2)
        assert 0 < latency[stage]["p50"] <= latency[stage]["p99"] < 30.0
    assert {line["kind"] for line in record["usage"]} >= {"llm", "stt", "tts"}
    assert record["cost_summary"]["complete"] is True
    assert record["cost_summary"]["deepgram_minutes"] == pytest.approx(
        metrics["total_stt_duration"] / 60, abs=0.001
    )
    assert record["cost_summary"]["elevenlabs_characters"] == metrics["total_tts_characters"]
    spoken = [i for i in record["transcript"]["items"] if i["role"] in ("user", "agent")]
    assert [i["role"] for i in spoken] == ["user", "agent", "user", "agent"]
    assert [i["interrupted"] for i in spoken] == [False, True, False, False]
    assert spoken[0]["text"] == agents.HELLO
    assert spoken[0]["language"] == "en"
    # Only what was heard before the interruption, not the whole reply.
    assert spoken[1]["text"].startswith("Of course.")
    assert len(spoken[1]["text"]) < 200
    assert record["completeness"]["handler_errors"] == 0
