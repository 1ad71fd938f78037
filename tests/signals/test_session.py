"""Whole dialogues through a real AgentSession give what the direct path gives."""

from __future__ import annotations

import json
import random
from pathlib import Path

from livekit.agents import (
    Agent,
    AgentSession,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    llm,
)

from livekit_plugins_analytics.signals import Listener, RuleSet
from livekit_plugins_analytics.testing import ScriptedLLM

SALES = RuleSet.load("sales")
DIALOGUES = 128
TURNS = 6

Turn = tuple[str, str]
"""What the agent says, and what the caller answers."""


def dialogues() -> list[list[Turn]]:
    """Dialogues of six exchanges, made of the labelled cases in a fixed disorder."""
    lines = (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()
    exchanges: list[Turn] = []
    for line in lines:
        asked = "Okay."
        for turn in json.loads(line)["turns"]:
            if turn["role"] == "agent":
                asked = turn["text"]
            elif turn["text"].encode("utf-8", "ignore").decode() == turn["text"]:
                exchanges.append((asked, turn["text"]))
                asked = "Okay."
    rng = random.Random(4)
    return [[rng.choice(exchanges) for _ in range(TURNS)] for _ in range(DIALOGUES)]


def listen(session: AgentSession[None]) -> Listener:
    """A listener on the session's own events, as the plugin wires it."""
    listener = Listener(SALES)

    def added(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or not item.text_content:
            return
        if item.role == "assistant":
            listener.agent_said(item.text_content, item.created_at)
        elif item.role == "user":
            listener.user_said(item.id, item.text_content, item.created_at)

    def transcribed(event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            listener.user_final(event.transcript, event.created_at)

    session.on("conversation_item_added", added)
    session.on("user_input_transcribed", transcribed)
    return listener


async def test_a_session_tells_what_the_direct_path_tells() -> None:
    told = 0
    for dialogue in dialogues():
        direct = Listener(SALES)
        for number, (asked, answer) in enumerate(dialogue):
            direct.agent_said(asked)
            direct.user_said(str(number), answer)

        agent = ScriptedLLM(*(asked for asked, _ in dialogue), "Thank you.")
        async with AgentSession(llm=agent, vad=None) as session:
            listener = listen(session)
            await session.start(Agent(instructions="Ask."))
            await session.generate_reply()
            for _, answer in dialogue:
                await session.run(user_input=answer)

        values, mentions = listener.result()
        assert values == direct.result()[0], dialogue
        assert [m.value for m in mentions] == [m.value for m in direct.result()[1]]
        assert all(m.item_id and m.at is not None for m in mentions)
        told += len(values)
    assert told > 3 * DIALOGUES
