"""What many calls take on one machine: ``python -m tests.benchmarks.volume [--count N] [--json]``.

Invents records, asks a question of the small files, compacts them, compacts them again, and asks
the same question of the Parquet: wall time, processor time and peak memory of each command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_QUESTION = (
    "SELECT count(*) AS calls, round(sum(duration_seconds), 3) AS seconds, "
    "count(DISTINCT agent_name) AS agents FROM sessions"
)
_COMMAND = (sys.executable, "-m", "livekit_plugins_analytics.cli")


@dataclass(frozen=True)
class Step:
    """One command."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    records_per_second: float
    answer: Any
    """What it wrote on stdout."""


def measured(name: str, count: int, *arguments: str) -> Step:
    """Run the command and measure its process.

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen([*_COMMAND, *arguments], stdout=out, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}: {text[-500:]}")
    return Step(
        name,
        round(seconds, 2),
        round(usage.ru_utime + usage.ru_stime, 2),
        # Linux counts kilobytes, macOS bytes.
        round(usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1),
        round(count / seconds, 1),
        json.loads(text),
    )


def run(folder: Path, count: int, days: int, *, invent: bool, again: bool = True) -> list[Step]:
    """Do all of it below a folder: ``sessions/`` and ``parquet/``.

    Args:
        folder: Where.
        count: Records.
        days: Over which they are spread.
        invent: Whether to make the records; else they are there.
        again: Whether to compact a second time.

    Raises:
        RuntimeError: A command failed, or the two answers differ.
    """
    sessions, parquet = str(folder / "sessions"), str(folder / "parquet")
    steps = []
    if invent:
        size = ("--count", str(count), "--days", str(days), "--end", "2026-11-21")
        steps.append(measured("synth", count, "synth", *size, "--to", str(folder), "--json"))
    asked = ("query", _QUESTION, sessions, "--json")
    steps.append(measured("query of small files", count, *asked))
    compact = ("compact", sessions, "--to", parquet, "--json")
    steps.append(measured("compact", count, *compact))
    if steps[-1].answer["rows"] != count:
        raise RuntimeError(f"{steps[-1].answer['rows']} of {count} records are in the Parquet")
    if again:
        steps.append(measured("compact, nothing new", count, *compact))
    steps.append(measured("query of Parquet", count, *asked))
    before, after = (s.answer["rows"] for s in steps if s.name.startswith("query"))
    if before != after:
        raise RuntimeError(f"the answers differ: {before}, then {after}")
    return steps


def main() -> None:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="keep what is made here; default: nowhere")
    parser.add_argument("--there", action="store_true", help="the records are in --folder already")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="analytics-volume-") as temporary:
        folder = options.folder or Path(temporary)
        steps = run(folder, options.count, options.days, invent=not options.there)
    if options.json:
        print(json.dumps({"count": options.count, "steps": [asdict(step) for step in steps]}))
        return
    table = Table("", *("seconds", "CPU seconds", "peak MB", "records/s"))
    for column in table.columns[1:]:
        column.justify = "right"
    for step in steps:
        table.add_row(
            step.name,
            f"{step.seconds:,.1f}",
            f"{step.cpu_seconds:,.1f}",
            f"{step.peak_megabytes:,.0f}",
            f"{step.records_per_second:,.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
