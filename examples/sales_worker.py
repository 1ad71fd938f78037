"""The worker of the LiveKit demo, wired and started as one is in production.

    python -m examples.sales_worker start

Where it finds the LiveKit server and where the records go is told by environment variables.
"""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents import AgentServer, JobContext, cli
from livekit.agents.voice.room_io import RoomOptions

import livekit_plugins_analytics as analytics
from examples.sales import AGENT_NAME, Greeter, make_session

# As fast as one reads along.
SECONDS_PER_WORD = 0.06

server = AgentServer(
    setup_fnc=analytics.prewarm,
    host="127.0.0.1",
    port=0,
    num_idle_processes=1,
    # A worker refuses calls while the machine is busy; in a demo there is no other to take them.
    load_fnc=lambda _: 0.0,
    drain_timeout=5,
)


@server.rtc_session(agent_name=AGENT_NAME, on_session_end=analytics.on_session_end)
async def entrypoint(ctx: JobContext) -> None:
    """Take a call by text."""
    session = make_session(SECONDS_PER_WORD)
    analytics.attach(session, ctx, user_metadata={"plan": "trial"})
    # A text to somebody who is still joining is lost, and this agent speaks first.
    await ctx.connect()
    await _caller_is_there(ctx)
    await session.start(
        Greeter(), room=ctx.room, room_options=RoomOptions(audio_input=False, audio_output=False)
    )


async def _caller_is_there(ctx: JobContext) -> None:
    changed = asyncio.Event()
    ctx.room.on("participant_active", lambda _: changed.set())
    caller = await ctx.wait_for_participant()
    while caller.state != rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
        await changed.wait()
        changed.clear()


if __name__ == "__main__":
    cli.run_app(server)
