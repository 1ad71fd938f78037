"""The sums over all models that a record has. Made in a thread, of a capture."""

from __future__ import annotations

from ..parts import Usage, seconds
from ..record import MetricsSummary


def totals(lines: list[Usage]) -> MetricsSummary:
    """The sums over all models. A component that was not used has null, not zero."""

    def total(kind: str, name: str) -> int | float | None:
        of_kind = [line for line in lines if line.kind == kind]
        return sum(line.quantities.get(name, 0) for line in of_kind) if of_kind else None

    def count(kind: str, name: str) -> int | None:
        value = total(kind, name)
        return None if value is None else int(value)

    return MetricsSummary(
        total_stt_duration=seconds(total("stt", "audio_duration")),
        total_tts_duration=seconds(total("tts", "audio_duration")),
        total_tts_characters=count("tts", "characters_count"),
        total_input_tokens=count("llm", "input_tokens"),
        total_cached_input_tokens=count("llm", "input_cached_tokens"),
        total_output_tokens=count("llm", "output_tokens"),
    )
