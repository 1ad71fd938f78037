"""Costs: every amount is computed by hand, and what cannot be trusted is null, never zero."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.costs import (
    Costs,
    NoRate,
    UnitPrice,
    UsageLine,
    known_names,
    price,
    sellers,
    vendor,
)

AT = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
LIBRARY = re.compile(r"voice-prices@\d+\.\d+\.\d+")

OPENAI = "api.openai.com"
ANTHROPIC = "api.anthropic.com"
GROQ = "api.groq.com"


def _line(kind: str, provider: str, model: str, **quantities: int | float) -> UsageLine:
    return UsageLine(kind, provider, model, quantities)


def _mode(mode: str, line: UsageLine) -> UsageLine:
    return dataclasses.replace(line, mode=mode)


def _amounts(costs: Costs) -> dict[str, str | None]:
    """unit -> amount, in plain notation without trailing zeros."""
    return {
        line.unit: None if line.amount is None else f"{line.amount.normalize():f}"
        for line in costs.lines
    }


def _reasons(costs: Costs) -> dict[str, str]:
    return {item["unit"]: item["reason"] for item in costs.unpriced}


# USD per million tokens or characters, or per minute, beside each row; amounts by hand.
PRICED = [
    # gpt-4o-mini 0.15 / 0.075 / 0.60: 5000 x 0.15 + 9000 x 0.075 + 1000 x 0.60, per million.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-4o-mini",
            input_tokens=14000,
            input_cached_tokens=9000,
            output_tokens=1000,
        ),
        {"input_token": "0.00075", "cached_input_token": "0.000675", "output_token": "0.0006"},
    ),
    # A dated release costs what its model costs.
    (
        _line("llm", OPENAI, "gpt-4o-mini-2024-07-18", input_tokens=14000, output_tokens=1000),
        {"input_token": "0.0021", "output_token": "0.0006"},
    ),
    # gpt-4.1 2 / 0.5 / 8.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-4.1",
            input_tokens=20000,
            input_cached_tokens=8000,
            output_tokens=1500,
        ),
        {"input_token": "0.024", "cached_input_token": "0.004", "output_token": "0.012"},
    ),
    # gpt-5-mini 0.25 / - / 2; reasoning is inside the output and not billed twice.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-5-mini",
            input_tokens=4000,
            output_tokens=900,
            output_reasoning_tokens=700,
        ),
        {"input_token": "0.001", "output_token": "0.0018"},
    ),
    # claude-haiku-4-5 1 / 0.10 / write 1.25 / 5: 10000 in = 2000 fresh + 6000 read + 2000 written.
    (
        _line(
            "llm",
            ANTHROPIC,
            "claude-haiku-4-5-20251001",
            input_tokens=10000,
            input_cached_tokens=6000,
            input_cache_creation_tokens=2000,
            output_tokens=800,
        ),
        {
            "input_token": "0.002",
            "cached_input_token": "0.0006",
            "cache_write_token": "0.0025",
            "output_token": "0.004",
        },
    ),
    # claude-sonnet-4-6 3 / 15, flat since 13 March 2026.
    (
        _line("llm", ANTHROPIC, "claude-sonnet-4-6", input_tokens=250000, output_tokens=1000),
        {"input_token": "0.75", "output_token": "0.015"},
    ),
    # gemini-2.5-flash 0.30 / 2.50.
    (
        _line("llm", "Gemini", "gemini-2.5-flash", input_tokens=14000, output_tokens=1000),
        {"input_token": "0.0042", "output_token": "0.0025"},
    ),
    # gemini-2.0-flash 0.10 / 0.40; "-001" is a release.
    (
        _line("llm", "Vertex AI", "gemini-2.0-flash-001", input_tokens=1000, output_tokens=100),
        {"input_token": "0.0001", "output_token": "0.00004"},
    ),
    # llama-3.3-70b-versatile 0.59 / 0.79.
    (
        _line("llm", GROQ, "llama-3.3-70b-versatile", input_tokens=10000, output_tokens=1000),
        {"input_token": "0.0059", "output_token": "0.00079"},
    ),
    # gpt-oss-120b on Cerebras 0.35 / 0.75.
    (
        _line("llm", "api.cerebras.ai", "gpt-oss-120b", input_tokens=1000, output_tokens=1000),
        {"input_token": "0.00035", "output_token": "0.00075"},
    ),
    # amazon.nova-lite 0.06 / 0.24.
    (
        _line("llm", "AWS Bedrock", "amazon.nova-lite-v1:0", input_tokens=9000, output_tokens=500),
        {"input_token": "0.00054", "output_token": "0.00012"},
    ),
    # gpt-realtime text 4 / 0.40 / 16, audio 32 / 0.40 / 64:
    # text 400, 200 of it cached; audio 600, 100 of it cached; out 20 text, 80 audio.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-realtime",
            input_tokens=1000,
            input_text_tokens=400,
            input_audio_tokens=600,
            input_cached_tokens=300,
            input_cached_text_tokens=200,
            input_cached_audio_tokens=100,
            output_tokens=100,
            output_text_tokens=20,
            output_audio_tokens=80,
            session_duration=300.0,
        ),
        {
            "input_token": "0.0008",
            "cached_input_token": "0.00008",
            "input_audio_token": "0.016",
            "cached_input_audio_token": "0.00004",
            "output_token": "0.00032",
            "output_audio_token": "0.00512",
        },
    ),
    # Gemini Live text 0.50 / 2, audio 3 / 12; "-12-2025" is a release.
    (
        _line(
            "llm",
            "Gemini",
            "gemini-2.5-flash-native-audio-preview-12-2025",
            input_tokens=3000,
            input_text_tokens=1000,
            input_audio_tokens=2000,
            output_tokens=500,
            output_audio_tokens=500,
        ),
        {"input_token": "0.0005", "input_audio_token": "0.006", "output_audio_token": "0.006"},
    ),
    # nova-3 streaming 0.0048 a minute, not the 0.0043 for files.
    (
        _line("stt", "Deepgram", "nova-3", audio_duration=450.0),
        {"audio_second": "0.036"},
    ),
    # nova-2 streaming 0.35 an hour; the library keeps six decimals per 1000 s: 0.097222.
    (
        _line("stt", "Deepgram", "nova-2-general", audio_duration=450.0),
        {"audio_second": "0.0437499"},
    ),
    # flux 0.0065 a minute: 0.108333 per 1000 s.
    (
        _line("stt", "Deepgram", "flux-general-en", audio_duration=60),
        {"audio_second": "0.00649998"},
    ),
    # The plugin's default, streaming 0.45 an hour, not the 0.21 for files.
    (
        _line("stt", "AssemblyAI", "universal-3-5-pro", audio_duration=360),
        {"audio_second": "0.045"},
    ),
    # whisper-1 0.006 a minute.
    (_line("stt", OPENAI, "whisper-1", audio_duration=90.5), {"audio_second": "0.00905"}),
    # gpt-4o-transcribe: audio 6, text 2.50, out 10; the tokens are the bill, not the seconds.
    (
        _line(
            "stt",
            OPENAI,
            "gpt-4o-transcribe",
            input_tokens=1200,
            input_audio_tokens=1000,
            output_tokens=300,
            audio_duration=100.0,
        ),
        {"input_audio_token": "0.006", "input_token": "0.0005", "output_token": "0.003"},
    ),
    # 40 per million since October 2026 (June: 50).
    (
        _line("tts", "ElevenLabs", "eleven_flash_v2_5", characters_count=2500, audio_duration=99),
        {"character": "0.1"},
    ),
    # Sonic 50 per million, each version and release.
    (_line("tts", "Cartesia", "sonic-3", characters_count=1000), {"character": "0.05"}),
    (_line("tts", "Cartesia", "sonic-2-2025-03-07", characters_count=10), {"character": "0.0005"}),
    # aura-2 30 per million, aura-1 15; the name has the voice in it.
    (
        _line("tts", "Deepgram", "aura-2-andromeda-en", characters_count=1000),
        {"character": "0.03"},
    ),
    (_line("tts", "Deepgram", "aura-asteria-en", characters_count=1000), {"character": "0.015"}),
    # gpt-4o-mini-tts: text in 0.60, audio out 12; its characters are not billed.
    (
        _line(
            "tts",
            OPENAI,
            "gpt-4o-mini-tts",
            input_tokens=500,
            output_tokens=6000,
            characters_count=2500,
        ),
        {"input_token": "0.0003", "output_audio_token": "0.072"},
    ),
    # tts-1 15 per million characters, whatever tokens are reported.
    (
        _line("tts", OPENAI, "tts-1", input_tokens=9, output_tokens=9, characters_count=2000),
        {"character": "0.03"},
    ),
    # Amazon Polly neural 16 per million: the plugin reports the engine.
    (_line("tts", "Amazon Polly", "neural", characters_count=1000), {"character": "0.016"}),
    # LiveKit Inference, its own list: gpt-4o-mini, nova-3, nova-3-medical 0.0077, sonic-3.
    (
        _line("llm", "livekit", "openai/gpt-4o-mini", input_tokens=14000, output_tokens=1000),
        {"input_token": "0.0021", "output_token": "0.0006"},
    ),
    (
        _line("stt", "livekit", "deepgram/nova-3", audio_duration=450),
        {"audio_second": "0.036"},
    ),
    (
        _line("stt", "livekit", "deepgram/nova-3-medical", audio_duration=60),
        {"audio_second": "0.00769998"},
    ),
    (
        _line("tts", "livekit", "cartesia/sonic-3-latest", characters_count=1000),
        {"character": "0.05"},
    ),
    # cartesia/ink-whisper 0.0030 a minute; the vendor's own list has only ink-2.
    (
        _line("stt", "livekit", "cartesia/ink-whisper", audio_duration=60),
        {"audio_second": "0.003"},
    ),
    # gpt-5.1 1.25 / 0.125 / 10: 10000 x 1.25 + 30000 x 0.125 + 2000 x 10, per million.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-5.1",
            input_tokens=40000,
            input_cached_tokens=30000,
            output_tokens=2000,
        ),
        {"input_token": "0.0125", "cached_input_token": "0.00375", "output_token": "0.02"},
    ),
    # gpt-4o 2.5 / 10.
    (
        _line("llm", OPENAI, "gpt-4o-2024-11-20", input_tokens=12000, output_tokens=800),
        {"input_token": "0.03", "output_token": "0.008"},
    ),
    # gpt-4.1-mini 0.4 / 1.6.
    (
        _line("llm", OPENAI, "gpt-4.1-mini", input_tokens=25000, output_tokens=1250),
        {"input_token": "0.01", "output_token": "0.002"},
    ),
    # gpt-4.1-nano 0.1 / 0.025 / 0.4.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-4.1-nano",
            input_tokens=9000,
            input_cached_tokens=4000,
            output_tokens=100,
        ),
        {"input_token": "0.0005", "cached_input_token": "0.0001", "output_token": "0.00004"},
    ),
    # gpt-5.2 1.75 / 14.
    (
        _line("llm", OPENAI, "gpt-5.2", input_tokens=8000, output_tokens=500),
        {"input_token": "0.014", "output_token": "0.007"},
    ),
    # claude-opus-4-6 5 / write 6.25 / 25; the whole prompt was written to the cache.
    (
        _line(
            "llm",
            "anthropic",
            "claude-opus-4-6",
            input_tokens=8000,
            input_cache_creation_tokens=8000,
            output_tokens=400,
        ),
        {"cache_write_token": "0.05", "output_token": "0.01"},
    ),
    # On Bedrock a tenth more than at Anthropic: 5.5 / 27.5.
    (
        _line("llm", "AWS Bedrock", "claude-opus-4-6", input_tokens=1000, output_tokens=1000),
        {"input_token": "0.0055", "output_token": "0.0275"},
    ),
    # gemini-2.5-flash-lite 0.1 / 0.4.
    (
        _line("llm", "Gemini", "gemini-2.5-flash-lite", input_tokens=20000, output_tokens=1000),
        {"input_token": "0.002", "output_token": "0.0004"},
    ),
    # gpt-realtime-mini text 0.6 / 2.4, audio 10 / 20.
    (
        _line(
            "llm",
            OPENAI,
            "gpt-realtime-mini",
            input_tokens=3000,
            input_text_tokens=1000,
            input_audio_tokens=2000,
            output_tokens=900,
            output_text_tokens=100,
            output_audio_tokens=800,
        ),
        {
            "input_token": "0.0006",
            "input_audio_token": "0.02",
            "output_token": "0.00024",
            "output_audio_token": "0.016",
        },
    ),
    # grok-4 3 / 15.
    (
        _line("llm", "api.x.ai", "grok-4", input_tokens=2000, output_tokens=200),
        {"input_token": "0.006", "output_token": "0.003"},
    ),
    # mistral-large-2411 2 / 6.
    (
        _line("llm", "MistralAI", "mistral-large-2411", input_tokens=4000, output_tokens=500),
        {"input_token": "0.008", "output_token": "0.003"},
    ),
    # llama-3.1-8b-instant 0.05 / 0.08.
    (
        _line("llm", GROQ, "llama-3.1-8b-instant", input_tokens=100000, output_tokens=10000),
        {"input_token": "0.005", "output_token": "0.0008"},
    ),
    # LiveKit Inference: gpt-5-mini 0.25 / 2, grok-4.5 2 / 6.
    (
        _line("llm", "livekit", "openai/gpt-5-mini", input_tokens=16000, output_tokens=1500),
        {"input_token": "0.004", "output_token": "0.003"},
    ),
    (
        _line("llm", "livekit", "xai/grok-4.5", input_tokens=5000, output_tokens=500),
        {"input_token": "0.01", "output_token": "0.003"},
    ),
    # nova-3 for files 0.0043 a minute, 0.071667 per 1000 s: 450 x 0.000071667.
    (
        _mode("batch", _line("stt", "Deepgram", "nova-3", audio_duration=450.0)),
        {"audio_second": "0.03225015"},
    ),
    # nova-2 for files the same.
    (
        _mode("batch", _line("stt", "Deepgram", "nova-2-general", audio_duration=60)),
        {"audio_second": "0.00430002"},
    ),
    # Streamed: the stream's price, as where it is not known.
    (
        _mode("streaming", _line("stt", "Deepgram", "nova-3", audio_duration=100)),
        {"audio_second": "0.008"},
    ),
    # whisper-1 takes files only: one price.
    (
        _mode("batch", _line("stt", OPENAI, "whisper-1", audio_duration=120)),
        {"audio_second": "0.012"},
    ),
    # solaria-1 0.75 an hour streamed, 0.208333 per 1000 s; 0.61 for files.
    (_line("stt", "Gladia", "solaria-1", audio_duration=60), {"audio_second": "0.01249998"}),
    (
        _mode("batch", _line("stt", "Gladia", "solaria-1", audio_duration=1000)),
        {"audio_second": "0.169444"},
    ),
    # scribe_v2_realtime 0.39 an hour: 0.108333 per 1000 s.
    (
        _line("stt", "ElevenLabs", "scribe_v2_realtime", audio_duration=60),
        {"audio_second": "0.00649998"},
    ),
    # LiveKit Inference: flux multilingual 0.0078 a minute, universal-streaming 0.0025.
    (
        _line("stt", "livekit", "deepgram/flux-general-multi", audio_duration=90),
        {"audio_second": "0.0117"},
    ),
    (
        _line("stt", "livekit", "assemblyai/universal-streaming", audio_duration=60),
        {"audio_second": "0.00250002"},
    ),
    # gpt-4o-mini-transcribe: audio 3, text 1.25, out 5.
    (
        _line(
            "stt",
            OPENAI,
            "gpt-4o-mini-transcribe",
            input_tokens=2400,
            input_audio_tokens=2000,
            output_tokens=600,
        ),
        {"input_audio_token": "0.006", "input_token": "0.0005", "output_token": "0.003"},
    ),
    # tts-1-hd 30, Polly standard 4, mistv3 30, inworld-tts-2 25 per million.
    (_line("tts", OPENAI, "tts-1-hd", characters_count=1500), {"character": "0.045"}),
    (_line("tts", "Amazon Polly", "standard", characters_count=2500), {"character": "0.01"}),
    (_line("tts", "Rime", "mistv3", characters_count=2000), {"character": "0.06"}),
    (
        _line("tts", "livekit", "inworld/inworld-tts-2", characters_count=4000),
        {"character": "0.1"},
    ),
]


@pytest.mark.parametrize(
    ("line", "amounts"),
    PRICED,
    ids=[f"{line.provider}-{line.model}-{line.mode}" for line, _ in PRICED],
)
def test_a_line_costs_its_list_price(line: UsageLine, amounts: dict[str, str]) -> None:
    """Every unit of the line has the amount computed by hand, and a source."""
    costs = price([line], AT)

    assert _amounts(costs) == amounts
    assert costs.unpriced == []
    assert costs.summary["complete"] is True
    assert all(cost.source for cost in costs.lines)


TOKENS = {"input_tokens": 1000, "output_tokens": 10}

UNPRICED = [
    # Nobody knows these, and no prefix makes them something else.
    (_line("llm", "unknown", "unknown", **TOKENS), "no_price_list"),
    (_line("llm", "localhost:11434", "llama3", **TOKENS), "no_price_list"),
    (_line("llm", OPENAI, "", **TOKENS), "unknown_model"),
    (_line("llm", OPENAI, "unknown", **TOKENS), "unknown_model"),
    (_line("llm", OPENAI, "scripted-llm", **TOKENS), "unknown_model"),
    (_line("llm", OPENAI, "gpt-4o-mini-2024-07-18-mine", **TOKENS), "unknown_model"),
    (_line("llm", "livekit", "gpt-4o-mini", **TOKENS), "unknown_model"),
    (_line("llm", "livekit", "openai/gpt-99", **TOKENS), "unknown_model"),
    (_line("stt", "livekit", "unknown", audio_duration=1), "unknown_model"),
    # The library would answer with a model of the same beginning: gemini-3.5-flash (5 times as
    # much), gemini-2.5-pro (text instead of speech), ink-2 (3 times as much), claude-4-sonnet.
    (_line("llm", "Gemini", "gemini-3.5-flash-lite", **TOKENS), "unknown_model"),
    (_line("tts", "Gemini", "gemini-2.5-pro-preview-tts", **TOKENS), "unknown_model"),
    (_line("stt", "Cartesia", "ink-whisper", audio_duration=60), "unknown_model"),
    (_line("llm", "Vertex AI", "claude-sonnet-4-5@20250929", **TOKENS), "unknown_model"),
    (_line("tts", "Cartesia", "sonic-2-mine", characters_count=1), "unknown_model"),
    # Or with another provider's price: Anthropic's own instead of Google's.
    (_line("llm", "Vertex AI", "claude-haiku-4-5", **TOKENS), "unknown_model"),
    # The plugin reports its own argument, not the deployment's model.
    (_line("llm", "mine.openai.azure.com", "gpt-4o", **TOKENS), "no_price_list"),
    (_line("llm", "eu.api.openai.com", "gpt-4.1", **TOKENS), "no_price_list"),
    (_line("llm", "openrouter.ai", "openai/gpt-4o-mini", **TOKENS), "no_price_list"),
    (_line("stt", "Speechmatics", "enhanced", audio_duration=60), "no_price_list"),
    # A price for files, where the call was streamed.
    (_line("stt", "Deepgram", "nova-3-batch", audio_duration=60), "batch_price"),
    (_line("stt", "Deepgram", "whisper-large", audio_duration=60), "doubted"),
    (_line("stt", "AssemblyAI", "universal-2", audio_duration=60), "doubted"),
    (_line("stt", GROQ, "whisper-large-v3-turbo", audio_duration=60), "doubted"),
    # The other way round: files, where only the stream has a price; or both, not told apart.
    (
        _mode("batch", _line("stt", "Deepgram", "flux-general-en", audio_duration=9)),
        "no_batch_price",
    ),
    (_mode("batch", _line("stt", "Deepgram", "nova-3", input_tokens=9)), "no_split"),
    (_mode("batch", _line("stt", "AWS", "transcribe", output_tokens=9)), "no_rate"),
    (_mode("mixed", _line("stt", "Deepgram", "nova-3", audio_duration=60)), "mixed_modes"),
    # An entry that contradicts the vendor.
    (_line("tts", "ElevenLabs", "eleven_multilingual_v2", characters_count=10), "doubted"),
    (_line("llm", OPENAI, "gpt-4o-2024-05-13", **TOKENS), "doubted"),
    (_line("llm", "livekit", "openai/gpt-5.4", **TOKENS), "doubted"),
    (_line("llm", "livekit", "openai/gpt-oss-120b", **TOKENS), "doubted"),
    # An entry without a price is not free, nor is a unit without a meter.
    (_line("stt", "Deepgram", "nova", audio_duration=60), "no_rate"),
    (_line("stt", "ElevenLabs", "scribe_v1", audio_duration=60), "no_rate"),
    (_line("tts", OPENAI, "gpt-4o-mini-tts", characters_count=2500), "no_rate"),
    (_line("llm", OPENAI, "moderation", **TOKENS), "no_rate"),
    (_line("llm", OPENAI, "gpt-4o-mini", session_duration=60.0), "no_rate"),
    (_line("tts", OPENAI, "unknown", output_tokens=2, characters_count=9), "unknown_model"),
    # The price depends on what a session's sum does not tell.
    (_line("llm", "Perplexity", "sonar", **TOKENS), "request_fee"),
    (_line("llm", "api.deepseek.com", "deepseek-chat", **TOKENS), "time_of_day"),
    (_line("llm", "MistralAI", "mistral-small-latest", **TOKENS), "moving_alias"),
    (_line("stt", OPENAI, "gpt-4o-transcribe", audio_duration=60.0), "estimate"),
    (_line("llm", OPENAI, "gpt-5.4", input_tokens=272_001), "tiered"),
    # Nothing was measured, which is not nothing.
    (_line("llm", OPENAI, "gpt-4o-mini"), "no_quantity"),
    (_line("stt", "Deepgram", "nova-3", audio_duration=0.0), "no_quantity"),
    (_line("eot", "other", "detector"), "no_quantity"),
    (_line("eot", "other", "detector", total_requests=7), "no_price_list"),
    (_line("interruption", OPENAI, "gpt-4o", total_requests=7), "no_rate"),
    (_line("avatar", "tavus", "x"), "unknown_kind"),
]


@pytest.mark.parametrize(
    ("line", "reason"), UNPRICED, ids=[f"{line.provider}-{line.model}" for line, _ in UNPRICED]
)
def test_what_cannot_be_trusted_is_null(line: UsageLine, reason: str) -> None:
    """No amount, no unit price, no source; named with its reason; the sums say so."""
    costs = price([line], AT)

    assert set(_reasons(costs).values()) == {reason}
    for cost in costs.lines:
        assert (cost.unit_price, cost.amount, cost.source) == (None, None, None)
    assert costs.summary[f"{vendor(line.provider, line.model)}_cost"] is None
    assert costs.summary["total_estimated_cost"] is None
    assert costs.summary["complete"] is False


@pytest.mark.parametrize(
    "number",
    [-1, float("nan"), float("inf"), 10**15 + 1, True, "5", None],
    ids=lambda v: type(v).__name__,
)
def test_a_quantity_that_is_no_count_is_not_billed(number: Any) -> None:
    """It is named without a number: JSON has none for NaN."""
    costs = price([UsageLine("tts", "Cartesia", "sonic-3", {"characters_count": number})], AT)

    assert _reasons(costs) == {"character": "bad_quantity"}
    assert costs.lines[0].quantity == 0
    assert costs.summary["cartesia_cost"] is None


def test_seconds_are_billed_to_the_millisecond() -> None:
    """A sum of floats does not leave its noise in the record."""
    costs = price([_line("stt", "Deepgram", "nova-3", audio_duration=0.1 + 0.2)], AT)

    assert costs.lines[0].quantity == 0.3
    assert costs.lines[0].amount == Decimal("0.000024")


def test_an_unpriced_item_names_the_line() -> None:
    """It has the line's own words, the unit and how much of it."""
    costs = price([_line("llm", "My.Host:8000", "m", input_tokens=3)], AT)

    assert costs.unpriced == [
        {
            "kind": "llm",
            "provider": "My.Host:8000",
            "model": "m",
            "unit": "input_token",
            "quantity": 3,
            "reason": "no_price_list",
        }
    ]


EXAMPLE = [
    _line("llm", OPENAI, "gpt-4o-mini", input_tokens=14000, output_tokens=1000),
    _line("stt", "Deepgram", "nova-3", audio_duration=450.0),
    _line("tts", "ElevenLabs", "eleven_flash_v2_5", characters_count=2500),
]


def test_the_example_of_the_record() -> None:
    """0.0027 + 0.036 + 0.1 = 0.1387, in the contract's keys and their order."""
    costs = price(EXAMPLE, AT)

    assert list(costs.summary.items()) == [
        ("openai_tokens", 15000),
        ("openai_cost", Decimal("0.002700")),
        ("deepgram_minutes", 7.5),
        ("deepgram_cost", Decimal("0.036000")),
        ("elevenlabs_characters", 2500),
        ("elevenlabs_cost", Decimal("0.100000")),
        ("total_estimated_cost", Decimal("0.138700")),
        ("currency", "USD"),
        ("complete", True),
    ]


def test_every_line_names_the_source_of_its_price() -> None:
    """The library with its version, or the page with its date."""
    llm_in, llm_out, stt, tts = price(EXAMPLE, AT).lines

    for line in (llm_in, llm_out, stt):
        assert line.source and LIBRARY.fullmatch(line.source)
    assert tts.source == "elevenlabs.io/pricing/api@2026-10-06"


def test_the_record_example_with_its_cache() -> None:
    """With 9000 of the 14000 cached the LLM costs 0.002025: 0.138025 in all."""
    cached = _line(
        "llm",
        OPENAI,
        "gpt-4o-mini",
        input_tokens=14000,
        input_cached_tokens=9000,
        output_tokens=1000,
    )

    summary = price([cached, *EXAMPLE[1:]], AT).summary

    assert summary["openai_tokens"] == 15000
    assert summary["openai_cost"] == Decimal("0.002025")
    assert summary["total_estimated_cost"] == Decimal("0.138025")


def test_no_usage_costs_nothing() -> None:
    """A session without usage: zero, and that is complete."""
    costs = price([], AT)

    assert costs == Costs(
        [], [], {"total_estimated_cost": Decimal(0), "currency": "USD", "complete": True}
    )


@pytest.mark.parametrize(
    "line",
    [
        _line("eot", "livekit", "turn-detector-v1-mini", total_requests=9),
        _line("eot", "livekit-local-inference", "turn-detector-v1-mini", total_requests=9),
        _line("interruption", "livekit", "adaptive interruption", total_requests=9),
        _line("tts", "ElevenLabs", "eleven_v3", characters_count=0),
    ],
    ids=["eot", "local", "interruption", "silent tts"],
)
def test_what_is_not_billed_is_left_out(line: UsageLine) -> None:
    """LiveKit meters no turn detection; LiveKit counted that no character was sent."""
    assert price([line], AT) == price([], AT)


def test_a_partly_priced_vendor_has_no_cost_and_the_total_is_a_lower_bound() -> None:
    """Priced lines make the total; the vendor's own cost would look whole and is null."""
    costs = price([*EXAMPLE, _line("tts", OPENAI, "gpt-4o-mini-tts", characters_count=10)], AT)

    assert costs.summary["openai_cost"] is None
    assert costs.summary["openai_tokens"] == 15000
    assert costs.summary["openai_characters"] == 10
    assert costs.summary["deepgram_cost"] == Decimal("0.036")
    assert costs.summary["total_estimated_cost"] == Decimal("0.138700")
    assert costs.summary["complete"] is False


def test_one_vendor_reached_in_two_ways_is_one_vendor() -> None:
    """Deepgram's own API and LiveKit Inference add up under one key."""
    summary = price(
        [
            _line("stt", "Deepgram", "nova-3", audio_duration=60),
            _line("stt", "livekit", "deepgram/nova-3", audio_duration=30),
            _line("tts", "Deepgram", "aura-2-thalia-en", characters_count=100),
        ],
        AT,
    ).summary

    assert summary["deepgram_minutes"] == 1.5
    assert summary["deepgram_characters"] == 100
    assert summary["deepgram_cost"] == Decimal("0.0102")  # 1.5 x 0.0048 + 100 x 30 / 1M


def test_the_total_is_the_sum_of_unrounded_lines() -> None:
    """Ten lines of 0.00000015: 0.0000015 is shown as 0.000002, not as ten times nothing."""
    lines = [_line("llm", OPENAI, "gpt-4o-mini", input_tokens=1)] * 10

    costs = price(lines, AT)

    assert {cost.amount for cost in costs.lines} == {Decimal("0.00000015")}
    assert costs.summary["total_estimated_cost"] == Decimal("0.000002")


def test_the_callers_decimal_context_does_not_matter() -> None:
    """A program that computes with three digits gets the same amounts."""
    with localcontext(Context(prec=3)):
        costs = price([_line("llm", OPENAI, "gpt-4o-mini", input_tokens=123457)], AT)

    assert costs.lines[0].amount == Decimal("0.01851855")


@pytest.mark.parametrize(
    ("quantities", "unpriced", "amounts"),
    [
        # More cached than there was.
        (
            {"input_tokens": 10, "input_cached_tokens": 11, "output_tokens": 100},
            {"input_token": "inconsistent"},
            {"input_token": None, "output_token": "0.0016"},
        ),
        # Audio, but what was cached is not told apart.
        (
            {"input_tokens": 10, "input_audio_tokens": 5, "input_cached_tokens": 4},
            {"input_token": "inconsistent"},
            {"input_token": None},
        ),
        # A remainder that is neither text nor audio.
        (
            {"input_tokens": 10, "input_audio_tokens": 5, "input_text_tokens": 4},
            {"input_token": "inconsistent"},
            {"input_token": None},
        ),
        # Only audio is told: the rest is text.
        (
            {"input_tokens": 150, "input_audio_tokens": 50},
            {},
            {"input_token": "0.0004", "input_audio_token": "0.0016"},
        ),
        # Images have a price of their own, which the library has not.
        (
            {"input_tokens": 150, "input_image_tokens": 50},
            {"input_image_token": "no_rate"},
            {"input_token": "0.0004", "input_image_token": None},
        ),
        ({"output_tokens": 1, "output_audio_tokens": 2}, {"output_token": "inconsistent"}, None),
    ],
)
def test_a_split_that_does_not_add_up_has_no_price(
    quantities: dict[str, int],
    unpriced: dict[str, str],
    amounts: dict[str, str | None] | None,
) -> None:
    """Text costs 4 and audio 32: what is neither for sure is not guessed."""
    costs = price([_line("llm", OPENAI, "gpt-realtime", **quantities)], AT)

    assert _reasons(costs) == unpriced
    assert _amounts(costs) == (amounts or dict.fromkeys(unpriced))


def test_cached_tokens_without_a_cached_price_have_none() -> None:
    """The library would bill them as fresh ones."""
    line = _line("llm", "Gemini", "gemini-2.0-flash-lite", input_tokens=9, input_cached_tokens=4)

    costs = price([line], AT)

    assert _reasons(costs) == {"cached_input_token": "no_rate"}
    assert _amounts(costs)["input_token"] == "0.000000375"


@pytest.mark.parametrize(
    ("quantities", "reasons"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, {"input_token": "no_split"}),
        (
            {"input_tokens": 10, "input_audio_tokens": 11, "output_tokens": 5},
            {"input_audio_token": "inconsistent"},
        ),
    ],
)
def test_speech_in_tokens_needs_the_audio_told_apart(
    quantities: dict[str, int], reasons: dict[str, str]
) -> None:
    """gpt-4o-transcribe's audio costs 2.4 times its text."""
    costs = price([_line("stt", OPENAI, "gpt-4o-transcribe", **quantities)], AT)

    assert {unit: _reasons(costs)[unit] for unit in reasons} == reasons
    assert _amounts(costs)["output_token"] == "0.00005"


@pytest.mark.parametrize(
    ("largest", "amount"), [(None, None), (272_000, "0.75"), (272_001, None)], ids=str
)
def test_a_tier_is_reached_by_one_request_not_by_their_sum(
    largest: int | None, amount: str | None
) -> None:
    """gpt-5.4 costs twice as much in requests above 272k tokens, 2.50 below."""
    line = UsageLine("llm", OPENAI, "gpt-5.4", {"input_tokens": 300_000}, largest)

    assert _amounts(price([line], AT)) == {"input_token": amount}


@pytest.mark.parametrize(
    ("at", "amount"),
    [
        # o3 fell from 10 to 2 on 10 June 2025 (UTC).
        (datetime(2025, 6, 9, 23, tzinfo=timezone.utc), "0.01"),
        (datetime(2025, 6, 10, 0, tzinfo=timezone.utc), "0.002"),
        (datetime(2025, 6, 10, 0), "0.002"),
        (datetime(2025, 6, 10, 1, tzinfo=timezone(timedelta(hours=2))), "0.01"),
    ],
)
def test_the_price_is_of_the_calls_time(at: datetime, amount: str) -> None:
    """A price change counts from its own day in UTC, whatever zone the time is given in."""
    costs = price([_line("llm", OPENAI, "o3", input_tokens=1000)], at)

    assert _amounts(costs) == {"input_token": amount}


def test_before_a_correction_was_seen_there_is_no_price() -> None:
    """When between June and October 2026 ElevenLabs changed its price is not known."""
    costs = price([EXAMPLE[2]], datetime(2026, 10, 5, 23, tzinfo=timezone.utc))

    assert _reasons(costs) == {"character": "doubted"}


def test_a_zero_price_is_not_a_price() -> None:
    """rime/coda was listed at 0 in September 2026 only; no zero passes for a price."""
    line = _line("tts", "livekit", "rime/coda", characters_count=1000)

    assert _reasons(price([line], datetime(2026, 9, 15))) == {"character": "no_rate"}
    assert _amounts(price([line], AT)) == {"character": "0.05"}


class OwnRates:
    """A user's list with one model in it."""

    def rate(self, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
        if (line.model, unit) == ("mine", "input_token"):
            return UnitPrice(Decimal("0.001"), "user")
        raise NoRate("not_mine")


class BrokenRates:
    def rate(self, line: UsageLine, unit: str, at: datetime) -> UnitPrice:
        raise RuntimeError("no such file")


def test_other_lists_are_asked_first() -> None:
    """What they do not have, the public lists may."""
    lines = [
        _line("llm", "localhost", "mine", input_tokens=2),
        _line("llm", OPENAI, "gpt-4.1", input_tokens=1000),
    ]

    own, public = price(lines, AT, rates=[OwnRates()]).lines

    assert (own.amount, own.source) == (Decimal("0.002"), "user")
    assert public.amount == Decimal("0.002")


def test_a_list_that_fails_does_not_fail_the_record() -> None:
    """Its exception counts as having no price; the others are still asked."""
    costs = price([EXAMPLE[1]], AT, rates=[BrokenRates()])

    assert _amounts(costs) == {"audio_second": "0.036"}


@contextmanager
def _prices_of(providers: Any, *, downloaded: datetime | None = None) -> Iterator[None]:
    """The library with other data, installed the way its updater does it."""
    from voice_prices import data_snapshot

    data_snapshot.set_custom_snapshot(
        data_snapshot.DataSnapshot(
            providers=providers,
            from_auto_update=downloaded is not None,
            timestamp=downloaded or datetime.now(),
        )
    )
    try:
        yield
    finally:
        data_snapshot.set_custom_snapshot(None)


def test_a_lookup_that_fails_is_unpriced() -> None:
    """Whatever goes wrong in the library costs the price, not the record."""
    with _prices_of(providers=None):
        costs = price([EXAMPLE[1]], AT)

    assert _reasons(costs) == {"audio_second": "lookup_failed"}


def test_downloaded_prices_are_not_passed_off_as_the_release() -> None:
    """Where the program runs the library's updater, the source says of which day."""
    from voice_prices.data import providers

    with _prices_of(providers, downloaded=datetime(2026, 11, 20)):
        (line,) = price([EXAMPLE[1]], AT).lines

    assert re.fullmatch(LIBRARY.pattern + r"\+2026-11-20", line.source or "")


def test_every_price_list_has_a_seller() -> None:
    """The names are distinct, known, and each has a list that can be asked."""
    names = sellers()

    assert {"openai", "deepgram", "xai", "livekit", "google"} <= set(names) <= known_names()
    assert len(set(names)) == len(names)
    assert "azure" in known_names() and "vertex ai" in known_names()
    for name in names:
        costs = price([_line("tts", name, "no-such-model", characters_count=1)], AT)
        assert _reasons(costs) == {"character": "unknown_model"}
    assert "azure" not in names


def test_importing_costs_does_not_import_the_library() -> None:
    """It is imported by the first price, in a thread, after the call."""
    code = (
        "import sys; from livekit_plugins_analytics.costs.pricing import price; "
        "sys.exit('voice_prices' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("api.openai.com", "gpt-4o", "openai"),
        ("eu.api.openai.com", "gpt-4o", "openai"),
        ("mine.openai.azure.com", "gpt-4o", "azure"),
        ("Azure STT", "unknown", "azure"),
        ("api.anthropic.com", "claude-haiku-4-5", "anthropic"),
        ("Vertex AI", "gemini-2.5-flash", "google"),
        ("Gemini", "gemini-2.5-flash", "google"),
        ("Google Cloud Platform", "chirp_3", "google"),
        ("us-central1-aiplatform.googleapis.com", "x", "us_central1_aiplatform_googleapis_com"),
        ("eu.aiplatform.googleapis.com", "x", "google"),
        ("Deepgram", "nova-3", "deepgram"),
        ("ElevenLabs", "eleven_v3", "elevenlabs"),
        ("Cartesia", "sonic-3", "cartesia"),
        ("AssemblyAI", "x", "assemblyai"),
        ("Rime", "mistv2", "rime"),
        ("Inworld", "x", "inworld"),
        ("api.x.ai", "grok-4", "xai"),
        ("xAI", "unknown", "xai"),
        ("MistralAI", "x", "mistral"),
        ("api.mistral.ai", "x", "mistral"),
        ("api.groq.com", "x", "groq"),
        ("AWS Bedrock", "x", "aws"),
        ("Amazon", "x", "aws"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "x", "aws"),
        ("livekit", "deepgram/nova-3", "deepgram"),
        ("livekit", "openai/gpt-4o-mini", "openai"),
        ("livekit", "xai/grok-4.5", "xai"),
        ("livekit", "fishaudio/s2-pro", "fishaudio"),
        ("livekit", "unknown", "livekit"),
        ("livekit", "/x", "unknown"),
        ("livekit-local-inference", "silero", "livekit"),
        (" Camb.AI ", "x", "camb_ai"),
        ("localhost:11434", "llama3", "localhost"),
        ("127.0.0.1:8000", "x", "127_0_0_1"),
        ("", "", "unknown"),
        ("???", "", "unknown"),
        ("Total Estimated", "x", "total_estimated_vendor"),
    ],
)
def test_a_vendor_has_one_name(provider: str, model: str, expected: str) -> None:
    """Display names, hosts and LiveKit Inference's prefixes come to the same key."""
    assert vendor(provider, model) == expected


NAMES = st.one_of(
    st.text(max_size=80),
    st.sampled_from([line.model for line, _ in PRICED]),
    st.sampled_from([line.provider for line, _ in PRICED]),
    st.sampled_from(["livekit", "unknown", "total estimated", "a/b/c", "api.deepseek.com"]),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.integers(0, 100_000), st.floats(0, 10_000))
FIELDS = st.sampled_from(
    [
        "input_tokens",
        "input_cached_tokens",
        "input_cache_creation_tokens",
        "input_audio_tokens",
        "input_cached_audio_tokens",
        "input_text_tokens",
        "input_cached_text_tokens",
        "input_image_tokens",
        "input_cached_image_tokens",
        "output_tokens",
        "output_audio_tokens",
        "output_reasoning_tokens",
        "session_duration",
        "audio_duration",
        "characters_count",
        "total_requests",
        "something_new",
    ]
)
LINES = st.builds(
    UsageLine,
    kind=st.sampled_from(["llm", "stt", "tts", "interruption", "eot", "other"]),
    provider=NAMES,
    model=NAMES,
    quantities=st.dictionaries(FIELDS, NUMBERS),
    largest_request=st.none() | st.integers(),
    mode=st.sampled_from([None, "streaming", "batch", "mixed"]),
)
SESSIONS = st.lists(LINES | st.sampled_from([line for line, _ in PRICED]), max_size=5)
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1))


@given(SESSIONS, MOMENTS)
def test_the_sums_are_of_the_lines(lines: list[UsageLine], at: datetime) -> None:
    """For any strings and numbers: no exception, the total is the sum, the unknown adds nothing."""
    costs = price(lines, at)
    amounts = [line.amount for line in costs.lines]
    known = [amount for amount in amounts if amount is not None]
    total = costs.summary["total_estimated_cost"]

    assert costs.summary["complete"] is (len(known) == len(amounts))
    assert len(costs.unpriced) == len(amounts) - len(known)
    if known or not amounts:
        with localcontext(Context(prec=100)):
            assert total == sum(known, Decimal(0)).quantize(Decimal("0.000001"))
    else:
        assert total is None


@given(SESSIONS, MOMENTS)
def test_money_is_decimal_and_a_price_is_above_zero(lines: list[UsageLine], at: datetime) -> None:
    """Never a float, never a zero price, never an amount without a price and its source."""
    costs = price(lines, at)

    for line in costs.lines:
        if line.unit_price is None:
            assert (line.amount, line.source) == (None, None)
        else:
            assert type(line.unit_price) is Decimal and line.unit_price > 0
            assert type(line.amount) is Decimal and line.amount.is_finite()
            assert line.source
    for key, value in costs.summary.items():
        if key.endswith("_cost"):
            assert value is None or (type(value) is Decimal and value.is_finite())


@given(SESSIONS, MOMENTS)
def test_keys_and_quantities_suit_a_warehouse(lines: list[UsageLine], at: datetime) -> None:
    """Keys are plain names; quantities are numbers that JSON has."""
    costs = price(lines, at)

    assert all(re.fullmatch(r"[a-z0-9_]{1,90}", key) for key in costs.summary)
    for line in costs.lines:
        assert type(line.quantity) in (int, float)
        assert 0 <= line.quantity <= 10**15


@given(SESSIONS, st.text(max_size=30), MOMENTS)
def test_an_unknown_model_changes_no_amount(
    lines: list[UsageLine], model: str, at: datetime
) -> None:
    """What has no price contributes nothing, and makes the total incomplete."""
    unknown = _line("llm", "nobody.example", model, input_tokens=10**6)

    before, after = price(lines, at), price([*lines, unknown], at)

    assert after.lines[:-1] == before.lines
    assert after.summary["complete"] is False
    if any(line.amount is not None for line in before.lines):
        assert after.summary["total_estimated_cost"] == before.summary["total_estimated_cost"]
