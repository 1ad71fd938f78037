"""The short form of ``make volume``: it measures, and the answers agree."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.volume import run

from .records import stored


def test_small_files_and_parquet_give_the_same_answer(tmp_path: Path) -> None:
    for number in range(60):
        day = f"2026-11-{1 + number % 3:02}"
        stored(tmp_path / "sessions", f"s{number}", day, duration_seconds=number + 0.5)

    steps = {each.name: each for each in run(tmp_path, 60, 3, invent=False)}

    assert steps["query of Parquet"].answer["rows"] == [
        {"calls": 60, "seconds": 1800.0, "agents": 1}
    ]
    again = steps["compact, nothing new"].answer["partitions"]
    assert [each["how"] for each in again] == ["unchanged"] * 3
    assert all(each.seconds > 0 and each.peak_megabytes > 0 for each in steps.values())
