"""An agent with real models and analytics: code to copy.

The models are strings, which LiveKit Inference resolves, so that no other plugin is needed:

    export LIVEKIT_URL=... LIVEKIT_API_KEY=... LIVEKIT_API_SECRET=...
    export ANALYTICS_S3_BUCKET=... AWS_REGION=... AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...
    python examples/basic_agent.py start

Without any ``ANALYTICS_*`` variable the records are written to ``./analytics``.
"""

from __future__ import annotations

from typing import Any

from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    JobProcess,
    RunContext,
    cli,
    function_tool,
)
from livekit.agents.evals import JudgeGroup, task_completion_judge

import livekit_plugins_analytics as analytics


class SalesAgent(Agent):
    """Qualifies a caller and books a meeting."""

    def __init__(self) -> None:
        super().__init__(
            id="sales",  # the name in tool calls, handoffs and the transcript
            instructions=(
                "You are a friendly sales agent on the phone. Ask first whether the call may be "
                "recorded. Find out what the caller needs and how large the team is, then offer "
                "a meeting. Keep every answer to one or two sentences."
            ),
        )

    async def on_enter(self) -> None:
        # current() finds the recorder of this call, in tools and in everything they call.
        analytics.current().set_state("DISCOVERY")
        self.session.generate_reply(instructions="Greet the caller and ask for consent.")

    @function_tool
    async def record_consent(self, granted: bool) -> str:
        """Keep the caller's answer to the question whether the call may be recorded.

        Args:
            granted: Whether the caller agrees.
        """
        analytics.current().record_consent(granted, method="verbal")
        return "noted"

    @function_tool
    async def save_requirements(self, use_case: str, team_size: int) -> str:
        """Keep what the caller needs.

        Args:
            use_case: What the caller wants to do, in a few words.
            team_size: How many people will use it.
        """
        recorder = analytics.current()
        recorder.set_signal("use_case", use_case)
        recorder.set_signal("team_size", team_size)
        return "saved"

    @function_tool
    async def book_sales_meeting(
        self, context: RunContext[Any], name: str, email: str, day: str
    ) -> str:
        """Book a meeting with a sales engineer.

        Args:
            name: The caller's name.
            email: The caller's e-mail address.
            day: The day of the meeting.
        """
        # Your calendar's API goes here.
        recorder = analytics.current()
        # These fields stand in the entry of this very call, beside its status and duration. The
        # context is needed only in threads and sub-tasks, but it never hurts.
        recorder.annotate_tool(
            context, customer_name=name, customer_email=email, meeting_booked=True
        )
        recorder.set_user(email=email)
        recorder.note(f"Meeting on {day}")
        recorder.set_state("NEXT_STEPS")
        recorder.outcome(True, "meeting booked")
        return f"The meeting is booked for {day}."


def setup(proc: JobProcess) -> None:
    """Prepare a process before it gets a call.

    With nothing of your own to do, give the server ``setup_fnc=analytics.prewarm`` instead.
    """
    # Makes the AWS clients, and sends what a process that died has left behind.
    analytics.prewarm(proc)


async def on_session_end(ctx: JobContext) -> None:
    """Do what is to be done when a call is over.

    With nothing of your own to do, give ``rtc_session`` ``on_session_end=analytics.on_session_end``
    instead.
    """
    try:
        # The verdicts become part of the record, under "evaluations": it is sent once more, as
        # revision 2, and the last one counts.
        judges = JudgeGroup(llm="openai/gpt-4o-mini", judges=[task_completion_judge()])
        await judges.evaluate(ctx.make_session_report().chat_history)
    finally:
        # Last, so that the job's process does not end before the record has arrived.
        await analytics.on_session_end(ctx)


server = AgentServer(setup_fnc=setup)


@server.rtc_session(agent_name="sales", on_session_end=on_session_end)
async def entrypoint(ctx: JobContext) -> None:
    """Take a call."""
    session = make_session()
    # Before start(), to see it all. Metadata: whatever you know of the caller, as JSON values.
    analytics.attach(session, ctx, user_metadata={"campaign": "spring"})
    await session.start(SalesAgent(), room=ctx.room)


def make_session() -> AgentSession[Any]:
    """Speech to text, language model and voice, all by LiveKit Inference."""
    return AgentSession(
        stt="deepgram/nova-3",
        llm="openai/gpt-4o-mini",
        tts="cartesia/sonic-3",
    )


if __name__ == "__main__":
    cli.run_app(server)
