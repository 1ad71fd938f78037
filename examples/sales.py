"""The sales call of the demos: two agents, their tools, and what everybody says.

Only the models are played. Agents, tools and the calls to analytics are what they would be in a
real project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import Agent, AgentSession, APIConnectionError, ToolError, function_tool

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.testing import Reply, ScriptedLLM, ToolCall

AGENT_NAME = "sales"

# Tokens of the instructions and tools, which a script has no other way to know.
_PROMPT_TOKENS = 1150
# A turn adds about this many. Providers cache prompts in blocks of 128 tokens from 1,024 on.
_TURN_TOKENS = 60
_CACHED_TOKENS = 1024


class Greeter(Agent):
    """Says hello, asks for consent, and finds out who can help."""

    def __init__(self) -> None:
        super().__init__(
            id="greeter",
            instructions="Greet the caller, ask for consent to a recording, pass the call on.",
        )

    async def on_enter(self) -> None:
        self.session.generate_reply(instructions="Greet the caller.")

    @function_tool
    async def record_consent(self, granted: bool) -> str:
        """Keep whether the caller agrees to be recorded."""
        analytics.current().record_consent(granted, method="verbal")
        return "noted"

    @function_tool
    async def transfer_to_sales(self, topic: str) -> Agent:
        """Pass the call on to sales."""
        recorder = analytics.current()
        recorder.note("Writes proposals by hand, and the team is fed up with it")
        recorder.tag(topic)
        return SalesAgent()


class SalesAgent(Agent):
    """Learns what is needed and books a meeting."""

    def __init__(self) -> None:
        super().__init__(id="sales", instructions="Find out what is needed. Book a meeting.")

    async def on_enter(self) -> None:
        analytics.current().set_state("DISCOVERY")
        self.session.generate_reply(instructions="Ask about the team and its tools.")

    @function_tool
    async def save_requirements(
        self, team_size: int, monthly_volume: int, integrations: list[str]
    ) -> str:
        """Keep what the caller needs."""
        # What the caller said of team, volume and tools is found by the rules; this was not said.
        analytics.current().set_signal("lead_id", "L-20417")
        await asyncio.sleep(0.08)  # what a CRM takes
        return "saved"

    @function_tool
    async def get_quote(self, seats: int) -> str:
        """Ask the price service for a quote."""
        await asyncio.sleep(0.2)
        raise ToolError("the price service did not answer")

    @function_tool
    async def book_sales_meeting(
        self, customer_name: str, customer_email: str, day: str, time: str
    ) -> str:
        """Book a meeting with a sales engineer."""
        await asyncio.sleep(0.25)  # what a calendar takes
        recorder = analytics.current()
        recorder.annotate_tool(
            customer_name=customer_name, customer_email=customer_email, meeting_booked=True
        )
        recorder.set_user(email=customer_email)
        recorder.set_custom("calendar_event", "evt-20417")
        recorder.set_state("NEXT_STEPS")
        recorder.note(f"Meeting on {day} at {time}: bring an offer for 25 seats")
        recorder.outcome(True, "meeting booked")
        return f"booked for {day} at {time}"


@dataclass(frozen=True)
class Turn:
    """What the caller says, and what the language model makes of it."""

    caller: str
    """Empty where the agent begins."""
    model: Sequence[Reply | Exception]
    """Its answers in order; an exception is a request that fails and is tried again."""
    cut_off: bool = False
    """Whether the caller does not let the agent finish."""


def _reply(turn: int, text: str = "", *calls: ToolCall, ttft: float = 0.15) -> Reply:
    prompt = _PROMPT_TOKENS + turn * _TURN_TOKENS
    return Reply(
        text,
        tool_calls=calls,
        ttft=ttft,
        prompt_tokens=prompt,
        cached_tokens=0 if turn == 0 else _CACHED_TOKENS,
        # A token is about four characters of English; a tool call has about 30 tokens.
        completion_tokens=max(len(text) // 4, 1) + 30 * len(calls),
    )


TURNS = (
    Turn(
        "",
        [_reply(0, "Hello, this is Ava from Quillmark. May I record this call for our notes?")],
    ),
    Turn(
        "Yes, that's fine.",
        [
            _reply(1, "", ToolCall("record_consent", {"granted": True})),
            _reply(1, "Thank you. What can we do for you?"),
        ],
    ),
    Turn(
        "We write about 100 proposals a month by hand, and everybody is fed up with it.",
        [
            _reply(2, "", ToolCall("transfer_to_sales", {"topic": "sales_proposals"})),
            _reply(2, "Proposals are what we do. How big is your team, and what do you work with?"),
        ],
    ),
    Turn(
        "We are 25, and everything has to end up in Salesforce and HubSpot.",
        [
            _reply(
                3,
                "",
                ToolCall(
                    "save_requirements",
                    {
                        "team_size": 25,
                        "monthly_volume": 100,
                        "integrations": ["salesforce", "hubspot"],
                    },
                ),
            ),
            _reply(
                3,
                "Both are built in. Let me walk you through it: first you connect your Salesforce "
                "account, then you choose which fields go into a proposal, and after that we look "
                "at the templates, of which there are quite a few by now, so let us begin with",
                ttft=0.3,
            ),
        ],
        cut_off=True,
    ),
    Turn(
        "Sorry to cut in: what is it for 25 seats?",
        [
            _reply(4, "", ToolCall("get_quote", {"seats": 25}), ttft=0.2),
            _reply(4, "I can't reach our price list right now. Shall we go through it in a call?"),
        ],
    ),
    Turn(
        "Monday at ten, please. John Doe, john@acme.com.",
        [
            _reply(
                5,
                "",
                ToolCall(
                    "book_sales_meeting",
                    {
                        "customer_name": "John Doe",
                        "customer_email": "john@acme.com",
                        "day": "Monday",
                        "time": "10:00",
                    },
                ),
            ),
            _reply(5, "Done: Monday at ten. The invitation goes to john@acme.com."),
        ],
    ),
    Turn(
        "Great, thank you. Bye!",
        [
            APIConnectionError("the provider hung up"),
            _reply(6, "Thank you, John. Goodbye!", ttft=0.1),
        ],
    ),
)


def make_session(seconds_per_word: float) -> AgentSession[Any]:
    """A session by text with a model that plays its part of the call.

    Args:
        seconds_per_word: How fast the model writes.
    """
    answers = [answer for turn in TURNS for answer in turn.model]
    model = ScriptedLLM(*answers, token_delay=seconds_per_word)
    # Neither speech to text nor a voice: then there is nothing to detect a turn in.
    return AgentSession(llm=model, vad=None, turn_handling={"turn_detection": None})
