"""What the import costs, and a job's process with `prewarm`, beside the bare framework.

Job processes come from a forkserver: "plugin" as the worker makes them, whose forkserver has loaded
what the registered plugin names; "spawned" has the framework only, as a process that was spawned.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from .figure import Figure
from .server import serving

ROUNDS = 9
_IMPORT = """
import json, sys, time, livekit.agents
began = time.perf_counter(), time.process_time()
{statement}
took = time.perf_counter() - began[0], time.process_time() - began[1]
print(json.dumps([*took, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
_SDK = ("boto3", "botocore", "watchtower", "re2", "phonenumbers")


def measure(*, short: bool) -> list[Figure]:
    """Milliseconds of the import, and of a process' own work until it is ready for a call."""
    rounds = 3 if short else ROUNDS
    # As installed: with its bytecode, which the first import writes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _imported("import livekit_plugins_analytics, boto3, watchtower")
    mine = [_imported("import livekit_plugins_analytics") for _ in range(rounds)]
    theirs = [_imported("import boto3, watchtower") for _ in range(rounds)]
    loaded = set(mine[0][1]) & set(_SDK)
    processes = {kind: [_process(kind) for _ in range(rounds)] for kind in _KINDS}
    cold, processor, memory = (
        {kind: statistics.median(each[name] for each in found) for kind, found in processes.items()}
        for name in ("seconds", "processor_seconds", "private_bytes")
    )
    figures = [
        Figure(
            "startup.import", _median(mine), "ms", _median(theirs), "inline: boto3 and watchtower",
            target=30.0,
        ),
        Figure("startup.sdk_modules_imported", len(loaded), "modules", None, "", target=0.0),
    ]  # fmt: skip
    for kind, milliseconds, megabytes in (("plugin", 25.0, 20.0), ("spawned", None, None)):
        figures += [
            Figure(
                f"startup.process_{kind}", (cold[kind] - cold["bare"]) * 1e3, "ms",
                (cold["inline"] - cold["bare"]) * 1e3, "inline: its clients",
                target=milliseconds,
            ),
            Figure(
                f"startup.processor_{kind}", (processor[kind] - processor["bare"]) * 1e3, "ms",
                (processor["inline"] - processor["bare"]) * 1e3, "inline: its clients",
            ),
            Figure(
                f"startup.memory_{kind}", (memory[kind] - memory["bare"]) / 1e6, "MB",
                (memory["inline"] - memory["bare"]) / 1e6, "inline: its clients",
                target=megabytes,
            ),
        ]  # fmt: skip
    return figures


def _median(found: list[tuple[float, Any]]) -> float:
    return statistics.median(seconds for seconds, _ in found) * 1e3


def _imported(statement: str) -> tuple[float, list[str]]:
    """Seconds of an import where the framework is loaded, and all modules then."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
    )
    took, _, modules = json.loads(done.stdout)
    return took, modules


_KINDS = ("bare", "plugin", "spawned", "inline")


def _process(kind: str) -> dict[str, float]:
    """What one process of a forkserver of its own takes."""
    with tempfile.TemporaryDirectory() as folder, serving():
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.job_process", kind, folder],
            capture_output=True,
            text=True,
            check=True,
        )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer
