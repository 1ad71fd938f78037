"""Where the voice-prices library is not taken at its word, each with the reason and its date.

To be gone through with every release of the library that is let in.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import NamedTuple

from .price_list import UnitPrice

# The library's names where the plugin's differ: (provider, plugin's model) -> its model.
ALIASES: dict[tuple[str, str], str] = {
    # The bare name is the price for files; the plugin only streams, at more than twice that.
    ("assemblyai", "universal-3-5-pro"): "universal-3-5-pro-streaming",
    ("aws", "standard"): "polly-standard",
    ("aws", "neural"): "polly-neural",
    ("aws", "generative"): "polly-generative",
    ("aws", "long-form"): "polly-long-form",
}

# Names that differ from their list entry in more than a version, at the same price:
# Deepgram's carry the voice, and every Sonic costs one credit per character
# (docs.cartesia.ai/pricing).
FAMILIES: dict[tuple[str, str], re.Pattern[str]] = {
    ("deepgram", "aura-1"): re.compile(r"aura-[a-z]+-[a-z]{2}"),
    ("deepgram", "aura-2"): re.compile(r"aura-2-[a-z]+-[a-z]{2}"),
    ("cartesia", "sonic-3"): re.compile(r"sonic-(?:2|3\.\d|turbo)"),
}

# A dated or numbered release of the same model: "-20251001", "-2025-04-14", "-12-2025", "-001",
# "-v1:0". Four digits (Mistral's "-2508") are not among them: there the price changes.
RELEASE = re.compile(r"([-@](\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{3}))?(-v\d+(:\d+)?)?")

# Entries of voice-prices 0.11.0 that contradict the vendor or do not fit live calls:
# (provider, name of the model or the entry).
DOUBTED = frozenset(
    {
        # Lowered by a fifth between 20 August and 6 October 2026 (notes/costs.md); 0.11.0 has the
        # prices of June. `CORRECTIONS` has what is known of the new ones.
        ("elevenlabs", "eleven_flash_v2"),
        ("elevenlabs", "eleven_flash_v2_5"),
        ("elevenlabs", "eleven_turbo_v2"),
        ("elevenlabs", "eleven_turbo_v2_5"),
        ("elevenlabs", "eleven_multilingual_v2"),
        ("elevenlabs", "eleven_v3"),
        # Equal to the vendor's price for contexts above 200k or 272k tokens, where LiveKit
        # otherwise charges the vendor's base price.
        ("livekit", "google/gemini-2.5-pro"),
        ("livekit", "google/gemini-3.1-pro-preview"),
        ("livekit", "openai/gpt-5.4"),
        ("livekit", "openai/gpt-5.5"),
        # Two prices, by who serves it (Baseten 0.10/0.50, Groq 0.15/0.60), and usage hides who.
        ("livekit", "openai/gpt-oss-120b"),
        # Audio at the price of text.
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "gpt-4o-mini-audio-preview"),
        # These releases cost more than the later ones they are listed with.
        ("openai", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-realtime-preview-2024-10-01"),
        # Searches are billed on top.
        ("openai", "gpt-4o-mini-search-preview"),
        ("openai", "gpt-4o-mini-search-preview-2025-03-11"),
        ("openai", "gpt-4o-search-preview"),
        # Listed with nova-3, while LiveKit resells it at 1.6 times nova-3.
        ("deepgram", "nova-3-medical"),
        # From the table for files.
        ("deepgram", "whisper-large"),
        ("assemblyai", "universal-2"),
        ("soniox", "stt-async"),
        # Each request is billed as ten seconds at least, and a turn is mostly shorter.
        ("groq", "whisper-large-v3"),
        ("groq", "whisper-large-v3-turbo"),
    }
)


# Vendors who transcribe files and streams at one price, or files only.
ONE_PRICE = frozenset({"openai", "groq"})


class Correction(NamedTuple):
    since: datetime
    unit: str
    rate: UnitPrice


_ELEVENLABS = Correction(
    datetime(2026, 10, 6, tzinfo=timezone.utc),
    "character",
    UnitPrice(Decimal("0.00004"), "elevenlabs.io/pricing/api@2026-10-06"),
)

# Prices that the library has wrong, with the date from which they were seen. To be dropped when
# a release of the library has them.
CORRECTIONS: dict[tuple[str, str], Correction] = {
    ("elevenlabs", "eleven_flash_v2_5"): _ELEVENLABS,
    ("elevenlabs", "eleven_turbo_v2_5"): _ELEVENLABS,
}
