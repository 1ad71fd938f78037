"""The transcript of a real session has what its history leaves out."""

from __future__ import annotations

import asyncio

from livekit.agents import Agent, AgentSession, ChatContext, ChatMessage, StopResponse

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.testing import MemoryWriter, ScriptedLLM, ScriptedTTS

from .dictation import Dictation, Nowhere, Quiet

ON = Settings(transcript="on", signals="off")


class Deaf(Agent):
    """Does not let a turn become one: the framework keeps no word of it."""

    def __init__(self) -> None:
        super().__init__(instructions="Be brief.")
        self.refused = asyncio.Event()

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        self.refused.set()
        raise StopResponse


async def test_what_was_heard_and_dropped_is_there() -> None:
    hearing, memory, agent = Dictation(), MemoryWriter(), Deaf()
    async with AgentSession[None](
        stt=hearing,
        llm=ScriptedLLM(default="I see."),
        tts=ScriptedTTS(),
        vad=None,
        turn_handling={"turn_detection": "stt"},
    ) as session:
        recorder = analytics.attach(session, settings=ON, writers=[memory])
        session.input.audio, session.output.audio = Quiet(), Nowhere()
        await session.start(agent)
        hearing.say("Cancel my order!", sure=False)
        hearing.say("Cancel my order!")
        await asyncio.wait_for(agent.refused.wait(), 30)
    assert await recorder.delivered()

    assert session.history.messages() == []
    (record,) = memory.records
    (item,) = record["transcript"]["items"]
    assert (item["role"], item["text"], item["committed"]) == ("user", "Cancel my order!", False)
    assert item["language"] == "en"
    assert record["metrics_summary"]["user_turns"] == 0
    assert record["transcript"]["text"] == "User: Cancel my order!"


async def test_what_is_typed_is_there_and_the_prompt_is_not() -> None:
    memory = MemoryWriter()
    async with AgentSession[None](llm=ScriptedLLM(default="I see."), vad=None) as session:
        recorder = analytics.attach(session, settings=ON, writers=[memory])
        await session.start(Agent(instructions="A secret."))
        await session.run(user_input="I type this")
    assert await recorder.delivered()
    (record,) = memory.records
    assert record["transcript"]["text"] == "User: I type this\nAgent: I see."
    assert "secret" not in str(record)
