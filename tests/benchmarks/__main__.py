"""What the package costs: ``python -m tests.benchmarks [--json] [--only TOPIC] [--short]``.

Each figure stands beside a baseline of the same run: *inline* is analytics as one writes them
without this package (see `inline`), *bare* the same agent with none. Each topic runs in a process
of its own. ``--keep`` makes this run the release's, with which later ones are compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# Most telling first.
TOPICS = ("stall", "event", "export", "startup", "memory", "bulk", "backlog", "crowd")
# Longer ones of their own: each is `python -m tests.benchmarks.NAME`, and has no baseline here.
OTHERS = ("signals", "journal", "redaction")
RELEASE = Path(__file__).parent / "release.json"
_DISTRIBUTIONS = ("livekit-plugins-analytics", "livekit-agents", "boto3", "watchtower")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", choices=(*TOPICS, *OTHERS), metavar="TOPIC")
    parser.add_argument("--short", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--keep", action="store_true", help=f"write {RELEASE.name}")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    topics = tuple(arguments.only or TOPICS)
    if arguments.here:
        (topic,) = topics
        module = importlib.import_module(f"tests.benchmarks.{topic}")
        print(json.dumps([figure.plain() for figure in module.measure(short=arguments.short)]))
        return
    console = Console(stderr=True)
    result: dict[str, Any] = {"machine": _machine(), "short": arguments.short, "figures": {}}
    for topic in topics:
        with console.status(f"measuring: {topic}"):
            if topic in OTHERS:
                result[topic] = _other(topic)
            else:
                result["figures"] |= _figures(topic, short=arguments.short)
    result["machine"]["load_after"] = _load()
    if arguments.json:
        print(json.dumps(result))
    else:
        # A table of seven columns is no use in less.
        Console(width=max(console.width, 150)).print(_table(result))
        for topic in set(topics) & set(OTHERS):
            Console().print_json(data={topic: result[topic]})
    if arguments.keep:  # after the table: it compares with the last one
        RELEASE.write_text(json.dumps(result, indent=1) + "\n")


def _figures(topic: str, *, short: bool) -> dict[str, Any]:
    options = ["--only", topic, "--here", *(["--short"] if short else [])]
    found = _printed("tests.benchmarks", *options)
    return {figure.pop("name"): figure for figure in found}


def _other(topic: str) -> Any:
    return _printed(f"tests.benchmarks.{topic}", "--json")


def _printed(module: str, *options: str) -> Any:
    """What a process prints as JSON in its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *options], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _machine() -> dict[str, Any]:
    """What the figures depend on; nothing that names a machine or a place on it."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": _load(),
        **{name: version(name) for name in _DISTRIBUTIONS},
    }


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _table(result: dict[str, Any]) -> Table:
    before = json.loads(RELEASE.read_text()) if RELEASE.exists() else {}
    # A short run has other sizes.
    comparable = before.get("short") == result["short"]
    known = before.get("figures", {}) if comparable else {}
    table = Table("figure", "measured", "baseline", "ratio", "target", "release", "change")
    for name, figure in result["figures"].items():
        value, baseline, unit = figure["value"], figure["baseline"], figure["unit"]
        target = figure["target"]
        wanted = f"{figure['ratio_target']:g}x" if figure["ratio_target"] else ""
        if target is not None:
            wanted = f"{target:,g} {unit}"
        mark = {True: "[green]", False: "[red]", None: ""}[figure["met"]]
        earlier = known.get(name, {}).get("value")
        table.add_row(
            name,
            f"{mark}{value:,.2f} {unit}",
            "" if baseline is None else f"{baseline:,.2f} ({figure['against']})",
            f"{figure['ratio']:,.1f}x" if figure["ratio"] else "",
            wanted,
            "" if earlier is None else f"{earlier:,.2f}",
            f"{value / earlier - 1:+.0%}" if earlier else "",
        )
    return table


if __name__ == "__main__":
    main()
