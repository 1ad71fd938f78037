"""Who is paid: one name per vendor, from the irregular names that LiveKit's plugins report."""

from __future__ import annotations

import re

# What a plugin reports as its provider -> (the vendor in our keys, its id in voice-prices).
# Plugins report a display name ("ElevenLabs") or, the OpenAI and Anthropic clients, the host
# they talk to; names were read from the plugins of livekit-agents 1.7 and 1.8.
# No id: the vendor is known, but its list price cannot be applied; the reason is beside it.
_KNOWN: dict[str, tuple[str, str | None]] = {
    "openai": ("openai", "openai"),
    "api.openai.com": ("openai", "openai"),
    "anthropic": ("anthropic", "anthropic"),
    "api.anthropic.com": ("anthropic", "anthropic"),
    "gemini": ("google", "google"),
    "google": ("google", "google"),
    "google cloud platform": ("google", "google"),
    "vertex ai": ("google", "google"),
    "generativelanguage.googleapis.com": ("google", "google"),
    # Endpoints that the user deploys himself are billed by the machine.
    "vertex ai model garden": ("google", None),
    "azure": ("azure", None),
    "azure stt": ("azure", "azure"),
    "azure tts": ("azure", "azure"),
    "groq": ("groq", "groq"),
    "api.groq.com": ("groq", "groq"),
    "deepgram": ("deepgram", "deepgram"),
    "elevenlabs": ("elevenlabs", "elevenlabs"),
    "cartesia": ("cartesia", "cartesia"),
    "assemblyai": ("assemblyai", "assemblyai"),
    "rime": ("rime", "rime"),
    "inworld": ("inworld", "inworld"),
    "gladia": ("gladia", "gladia"),
    "soniox": ("soniox", "soniox"),
    # The plugin counts seconds of speech (1.7.0, stt.py:865), the vendor bills the whole stream.
    "speechmatics": ("speechmatics", None),
    "xai": ("xai", "x-ai"),
    "x-ai": ("xai", "x-ai"),
    "api.x.ai": ("xai", "x-ai"),
    "mistral": ("mistral", "mistral"),
    "mistralai": ("mistral", "mistral"),
    "api.mistral.ai": ("mistral", "mistral"),
    "aws": ("aws", "aws"),
    "amazon": ("aws", "aws"),
    "aws bedrock": ("aws", "aws"),
    "amazon polly": ("aws", "aws"),
    "amazon transcribe": ("aws", "aws"),
    "cerebras": ("cerebras", "cerebras"),
    "api.cerebras.ai": ("cerebras", "cerebras"),
    "deepseek": ("deepseek", "deepseek"),
    "api.deepseek.com": ("deepseek", "deepseek"),
    "deepseek-ai": ("deepseek", "deepseek"),
    "fireworksai": ("fireworks", "fireworks"),
    "api.fireworks.ai": ("fireworks", "fireworks"),
    "api.together.xyz": ("together", "together"),
    "api.together.ai": ("together", "together"),
    "perplexity": ("perplexity", "perplexity"),
    "api.perplexity.ai": ("perplexity", "perplexity"),
    # A router: which provider serves, at which price, is decided per request.
    "openrouter.ai": ("openrouter", None),
    "api.telnyx.com": ("telnyx", None),
    # Octave and LMNT sell plans; what a character costs beyond them differs up to threefold.
    "hume": ("hume", None),
    "lmnt": ("lmnt", None),
    "livekit": ("livekit", "livekit"),
    "livekit-local-inference": ("livekit", None),
}

# Hosts with the customer's own name in front.
_SUFFIXES: tuple[tuple[str, str], ...] = (
    # Data residency: some models cost a tenth more there.
    (".api.openai.com", "openai"),
    # The model that the plugin reports is its own argument (default "gpt-4o"), not the model of
    # the deployment; and regional deployments cost more.
    (".azure.com", "azure"),
    (".azure-api.net", "azure"),
    (".aiplatform.googleapis.com", "google"),
    (".amazonaws.com", "aws"),
    (".livekit.cloud", "livekit"),
)

# Longer names are cut: the slug becomes a part of a warehouse column's name.
_SLUG_LENGTH = 64


def vendor(provider: str, model: str = "") -> str:
    """The vendor whose bill a usage line is on, as our keys name it.

    Args:
        provider: What the plugin reports: "ElevenLabs", "api.openai.com", "livekit".
        model: For LiveKit Inference ("livekit") the vendor is the part before the slash.

    Returns:
        ``[a-z0-9_]+``: "openai", "deepgram"; for an unknown host a slug of it; never empty and
        never one that would collide with another key of the summary.
    """
    return _resolve(provider, model)[0]


def names(provider: str) -> frozenset[str]:
    """What a rate card may call who bills usage of this provider, in lower case.

    LiveKit Inference bills itself what it resells, so that there it is "livekit" for any model.
    """
    name = provider.strip().lower()
    return frozenset({name, name.partition(":")[0], _resolve(provider, "")[0]})


def library_provider(provider: str) -> str | None:
    """The provider's exact id in voice-prices; None where its list prices do not apply."""
    return _resolve(provider, "")[1]


def _resolve(provider: str, model: str) -> tuple[str, str | None]:
    name = provider.strip().lower()
    host = name.partition(":")[0]
    if host == "livekit" and "/" in model:
        return _resolve(model.partition("/")[0], "")
    if host in _KNOWN:
        return _KNOWN[host]
    for suffix, known in _SUFFIXES:
        if host.endswith(suffix):
            return known, None
    return _slug(host), None


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", name)[:_SLUG_LENGTH].strip("_") or "unknown"
    # "total_estimated_cost" is the sum's own key.
    return "total_estimated_vendor" if slug == "total_estimated" else slug


def sellers() -> list[str]:
    """The vendors whose public price list holds for all their models.

    Azure's is left out: it holds for speech, while language models are billed by deployment.
    """
    return sorted({name for name, library in _KNOWN.values() if library and library_provider(name)})


def known_names() -> frozenset[str]:
    """Every name of a vendor or a provider that is known here, in lower case."""
    return frozenset(_KNOWN) | {name for name, _ in _KNOWN.values()}
