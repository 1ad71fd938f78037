"""A whole sales call without a server, a key or a microphone, and the record that it leaves.

Run it with ``make demo`` or ``python -m examples.offline_call``. Agents, tools and session are
real, the language model plays by a script. The record goes to ``./analytics``, and to whatever
else the ``ANALYTICS_*`` variables name.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livekit.agents import AgentSession, AgentStateChangedEvent
from rich.console import Console
from rich.text import Text

import livekit_plugins_analytics as analytics
from examples.sales import TURNS, Greeter, make_session
from examples.summary import show

SECONDS_PER_WORD = 0.01

# How much of the agent's answer is heard before the caller cuts in.
CUT_IN_AFTER = 0.15


async def call(settings: analytics.Settings) -> tuple[str, bool]:
    """Hold the call.

    Returns:
        The session's id, and whether the record has arrived at every sink.
    """
    session = make_session(SECONDS_PER_WORD)
    recorder = analytics.attach(session, settings=settings, user_metadata={"plan": "trial"})
    await session.start(Greeter(), capture_run=True)
    for turn in TURNS[1:]:
        if turn.cut_off:
            await _begin_to_answer(session, turn.caller)
            await session.interrupt()
        else:
            await session.run(user_input=turn.caller)
    await session.aclose()
    return recorder.session_id, await recorder.delivered()


async def _begin_to_answer(session: AgentSession[Any], text: str) -> None:
    speaking = asyncio.Event()

    def on_state(event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            speaking.set()

    session.on("agent_state_changed", on_state)
    session.generate_reply(user_input=text)
    await speaking.wait()
    await asyncio.sleep(CUT_IN_AFTER)
    session.off("agent_state_changed", on_state)


def read(folder: Path, session_id: str) -> tuple[Path, dict[str, Any]]:
    """Find the record's file and read it."""
    (path,) = folder.rglob(f"{session_id}.json.gz")
    return path, json.loads(gzip.decompress(path.read_bytes()))


def main() -> int:
    """Hold the call and show its record."""
    # The framework logs the failures of the script: they are part of the call.
    logging.getLogger("livekit.agents").setLevel(logging.ERROR)
    console = Console(highlight=False)
    try:
        settings = _settings()
    except analytics.SettingsError as error:
        console.print(f"[red]{error}[/]")
        return 2
    assert settings.directory
    with Console(stderr=True).status("A sales call is going on ..."):
        session_id, delivered = asyncio.run(call(settings))
    path, record = read(settings.directory, session_id)
    show(console, record)
    for where in (path, *_other_sinks(settings)):
        console.print("The record is in", Text(str(where), style="bold"), soft_wrap=True)
    if not delivered:
        console.print(
            f"[red]Not everywhere yet: it waits in {settings.spool} and is sent again.[/]"
        )
    console.print(Text(f"gzip -dc {path} | python -m json.tool", style="dim"), soft_wrap=True)
    return 0 if delivered else 1


def _settings() -> analytics.Settings:
    """The environment's settings, and what the demo needs where they say nothing."""
    given = analytics.Settings.load()
    wanted = {"directory": Path("analytics"), "environment": "demo", "transcript": "on"}
    missing = {k: v for k, v in wanted.items() if k not in given.model_fields_set}
    return given.model_copy(update={**missing, "enabled": True})


def _other_sinks(settings: analytics.Settings) -> Iterator[str]:
    if settings.s3_bucket:
        yield f"s3://{settings.s3_bucket}/{settings.s3_prefix}"
    if settings.log_group:
        yield f"CloudWatch Logs, group {settings.log_group}"


if __name__ == "__main__":
    sys.exit(main())
