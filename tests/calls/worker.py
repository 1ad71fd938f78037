"""A worker in a process of its own, as `python -m tests.calls.worker`; says READY on its output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

from livekit.agents import AgentServer, JobExecutorType

import livekit_plugins_analytics as analytics
from tests.calls.agents import entrypoint, own_session_end


async def main(agent_name: str, executor: str, hooks: str) -> None:
    """Run until SIGTERM.

    Args:
        agent_name: What the worker registers as.
        executor: "process" or "thread".
        hooks: "all": everything wired; "none": only `attach`.
    """
    wired = hooks == "all"
    server = AgentServer(
        job_executor_type=JobExecutorType[executor.upper()],
        host="127.0.0.1",
        port=0,
        # A busy machine's worker would refuse jobs, silently.
        load_fnc=lambda _: 0.0,
        num_idle_processes=1,
        drain_timeout=5,
    )
    if wired:
        server.setup_fnc = analytics.prewarm
    server.rtc_session(
        entrypoint, agent_name=agent_name, on_session_end=own_session_end if wired else None
    )
    server.on("worker_registered", lambda *_: print("READY", flush=True))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    running = asyncio.create_task(server.run(devmode=False))
    await asyncio.wait([running, asyncio.create_task(stop.wait())], return_when="FIRST_COMPLETED")
    with contextlib.suppress(asyncio.TimeoutError):  # a call that is still going on
        await server.drain()
    await server.aclose()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    asyncio.run(main(*sys.argv[1:]))
