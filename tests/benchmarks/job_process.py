"""A job's process of a forkserver: ``python -m tests.benchmarks.job_process KIND FOLDER``."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

# What the worker adds to the packages of registered plugins, of its own modules only what a job
# without sound has use for: the framework, and last what freezes all that was loaded.
_FRAMEWORK = ["livekit.agents", "livekit.agents.ipc._preload_freeze"]


def preloaded(kind: str) -> list[str]:
    """What the forkserver loads: "plugin" as the worker does, the others only the framework."""
    if kind != "plugin":
        return _FRAMEWORK
    from livekit.agents import Plugin

    import livekit_plugins_analytics  # noqa: F401  # to have it registered

    return [*(plugin.package for plugin in Plugin.registered_plugins), *_FRAMEWORK]


def private_bytes() -> int:
    """What this process has for itself alone: its unique set size."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def ready(kind: str, connection: Connection) -> None:
    """In the child: what it does before its first call."""
    began, used = time.perf_counter(), time.process_time()
    if kind in ("plugin", "spawned"):
        from livekit.agents import JobExecutorType, JobProcess

        import livekit_plugins_analytics as analytics

        process = JobProcess(
            executor_type=JobExecutorType.PROCESS, user_arguments=None, http_proxy=None
        )
        analytics.prewarm(process)
    elif kind == "inline":
        import boto3
        from watchtower import CloudWatchLogHandler

        boto3.client("s3")
        CloudWatchLogHandler("/calls", create_log_group=False, boto3_client=boto3.client("logs"))
    seconds = time.perf_counter() - began
    processor = _idle() - used
    connection.send(
        {"seconds": seconds, "processor_seconds": processor, "private_bytes": private_bytes()}
    )


def _idle() -> float:
    """The processor's seconds once nothing goes on any more: a ready process may still be busy."""
    used = -1.0
    while used < (now := time.process_time()) - 0.001:
        used = now
        time.sleep(0.2)
    return now


def main() -> None:
    """Print what the second process of a forkserver took: the first starts the server."""
    kind, folder = sys.argv[1:]
    os.environ.update(
        ANALYTICS_S3_BUCKET="calls",
        ANALYTICS_LOG_GROUP="/calls",
        ANALYTICS_SPOOL_DIRECTORY=folder,
    )
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preloaded(kind))
    for _ in range(2):
        mine, theirs = context.Pipe()
        process = context.Process(target=ready, args=(kind, theirs))
        process.start()
        theirs.close()  # or nobody would hear of a child that fails
        answer = mine.recv()
        process.join()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
