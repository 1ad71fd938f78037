"""The worker of an ending, as a user starts it: ``python -m tests.endings.worker start``."""

from __future__ import annotations

import json
import os

from livekit.agents import AgentServer, JobExecutorType, JobProcess, cli
from livekit.agents.worker import ServerEnvOption

import livekit_plugins_analytics as analytics
from tests.endings import wire
from tests.endings.agents import entrypoint, session_end

VARIABLE = "ENDINGS_WORKER"
"""The options as JSON: the fields of `WorkerOptions`, and ``agent_name``."""


def setup(proc: JobProcess) -> None:
    """A user's own set-up of a process."""
    wire.listen()
    analytics.prewarm(proc)


def main() -> None:
    """Run until a signal."""
    wire.listen()
    options = json.loads(os.environ[VARIABLE])
    server = AgentServer(
        job_executor_type=JobExecutorType[options["executor"].upper()],
        host="127.0.0.1",
        port=0,
        # A busy machine's worker would refuse jobs, silently.
        load_fnc=lambda _: 0.0,
        # As by default; in production one is enough here.
        num_idle_processes=ServerEnvOption(dev_default=0, prod_default=1),
        drain_timeout=options["drain_timeout"],
        session_end_timeout=options["session_end_timeout"],
        job_memory_limit_mb=options["memory_limit_mb"],
        setup_fnc=setup,
    )
    server.rtc_session(entrypoint, agent_name=options["agent_name"], on_session_end=session_end)
    server.on("worker_registered", lambda *_: wire.tell("registered"))
    if options["sweeps"]:
        analytics.prewarm()
    cli.run_app(server)


if __name__ == "__main__":
    main()
