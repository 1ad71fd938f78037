"""Who spoke for how long, who cut whom off, and who took over."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import (
    Agent,
    AgentFalseInterruptionEvent,
    AgentSession,
    APIError,
    function_tool,
)
from livekit.agents.llm import AgentHandoff, FunctionCall
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities
from livekit.agents.voice.speech_handle import SpeechHandle

from livekit_plugins_analytics.collectors import air
from livekit_plugins_analytics.collectors import conversation as module
from livekit_plugins_analytics.collectors.conversation import Conversation
from livekit_plugins_analytics.parts import Handoff, utc
from livekit_plugins_analytics.testing import Reply, ScriptedLLM, ScriptedTTS, Speech
from livekit_plugins_analytics.testing import ToolCall as Ask

from .events import T, agent_state, message, user_state


@pytest.fixture
def conversation() -> Conversation:
    return Conversation()


# -- talk time


def test_talk_time_is_the_sum_of_what_each_side_spoke(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    conversation.on_user_state(user_state("speaking", "listening", 3.5))
    conversation.on_agent_state(agent_state("thinking", "speaking", 4))
    conversation.on_agent_state(agent_state("speaking", "listening", 9))
    conversation.on_user_state(user_state("listening", "speaking", 10))
    conversation.on_user_state(user_state("speaking", "away", 11))

    assert conversation.talk.user_speaking_seconds(T + 60) == 3.5
    assert conversation.talk.agent_speaking_seconds(T + 60) == 5.0


def test_who_still_speaks_at_the_end_spoke_until_then(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    conversation.on_agent_state(agent_state("thinking", "speaking", 2))

    assert conversation.talk.user_speaking_seconds(T + 5) == 4.0
    assert conversation.talk.agent_speaking_seconds(T + 5) == 3.0


def test_who_begins_after_the_end_spoke_for_no_time(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 9))

    assert conversation.talk.user_speaking_seconds(T + 5) == 0.0


def test_an_end_dated_back_before_its_start_counts_nothing(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 5))
    conversation.on_user_state(user_state("speaking", "listening", 4.5))

    assert conversation.talk.user_speaking_seconds(T + 60) == 0.0


def test_a_start_that_is_told_twice_begins_once(conversation: Conversation) -> None:
    conversation.on_agent_state(agent_state("thinking", "speaking", 1))
    conversation.on_agent_state(agent_state("listening", "speaking", 3))
    conversation.on_agent_state(agent_state("speaking", "listening", 4))
    conversation.on_agent_state(agent_state("speaking", "listening", 9))

    assert conversation.talk.agent_speaking_seconds(T + 60) == 3.0


def test_nobody_was_listened_for_is_null_not_zero(conversation: Conversation) -> None:
    assert conversation.talk.user_speaking_seconds(T) is None
    assert conversation.talk.agent_speaking_seconds(T) is None


def test_a_caller_who_types_has_no_voice(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1), voice=False)
    conversation.on_user_state(user_state("speaking", "listening", 1.5), voice=False)

    assert conversation.talk.user_speaking_seconds(T + 60) is None


def test_a_silent_caller_who_was_listened_for_spoke_for_no_time(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "away", 15))

    assert conversation.talk.user_speaking_seconds(T + 60) == 0.0


# -- silence


def pauses_by_hand(stretches: list[tuple[float, float]], end: float) -> tuple[float, float] | None:
    """Silence and dead air, by walking through all stretches of speech in their order."""
    heard = sorted((a, min(b, end)) for a, b in stretches if a < b and a < end)
    if not heard:
        return None
    gaps, reached = [], heard[0][1]
    for since, until in heard[1:]:
        gaps.append(max(since - reached, 0.0))
        reached = max(reached, until)
    gaps.append(end - reached)
    return sum(gaps), max(gaps)


def test_silence_is_when_neither_side_speaks(conversation: Conversation) -> None:
    """From the first speech, not from the start; until the end, not until the last speech."""
    conversation.on_agent_state(agent_state("thinking", "speaking", 5))
    conversation.on_user_state(user_state("listening", "speaking", 7))
    conversation.on_agent_state(agent_state("speaking", "listening", 8))
    conversation.on_user_state(user_state("speaking", "listening", 10))
    conversation.on_agent_state(agent_state("thinking", "speaking", 13))
    conversation.on_agent_state(agent_state("speaking", "listening", 14))

    assert conversation.talk.pauses(T + 15.5) == (4.5, 3.0)
    assert conversation.talk.pauses(T + 60) == (49.0, 46.0)


def test_who_still_speaks_is_not_silent(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    conversation.on_user_state(user_state("speaking", "listening", 2))
    conversation.on_agent_state(agent_state("thinking", "speaking", 5))

    assert conversation.talk.pauses(T + 60) == (3.0, 3.0)


def test_what_is_said_after_the_end_is_not_counted(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    conversation.on_user_state(user_state("speaking", "listening", 2))
    conversation.on_agent_state(agent_state("thinking", "speaking", 9))
    conversation.on_agent_state(agent_state("speaking", "listening", 12))

    assert conversation.talk.pauses(T + 6) == (4.0, 4.0)


def test_an_end_that_is_told_late_leaves_the_pause_before_the_answer(
    conversation: Conversation,
) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    conversation.on_agent_state(agent_state("thinking", "speaking", 5))
    conversation.on_agent_state(agent_state("speaking", "listening", 6))
    conversation.on_user_state(user_state("speaking", "listening", 3))

    assert conversation.talk.pauses(T + 7) == (3.0, 2.0)


def test_without_a_voice_or_a_word_silence_is_not_known(conversation: Conversation) -> None:
    conversation.on_agent_state(agent_state("thinking", "speaking", 1))
    conversation.on_agent_state(agent_state("speaking", "listening", 2))
    assert conversation.talk.pauses(T + 60) is None

    silent = Conversation()
    silent.on_user_state(user_state("listening", "away", 15))
    assert silent.talk.pauses(T + 60) is None


# Lengths in quarters of a second, which add up exactly.
LENGTHS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(LENGTHS, LENGTHS, st.integers(0, 800))
def test_pauses_are_those_of_all_stretches_however_the_sides_overlap(
    user: list[tuple[int, int]], agent: list[tuple[int, int]], end: int
) -> None:
    told: list[tuple[float, str, str]] = []
    stretches = []
    for side, lengths in (("user", user), ("agent", agent)):
        at = 0.0
        for pause, speech in lengths:
            since = at + pause / 4
            at = since + speech / 4
            stretches.append((T + since, T + at))
            told += [(since, "began", side), (at, "ended", side)]
            at += 0.25
    conversation = Conversation()
    conversation.on_user_state(user_state("listening", "away", 0))
    last = max([at for at, *_ in told], default=0.0) + end / 4
    for at, what, side in sorted(told, key=lambda t: t[0]):
        states = ("listening", "speaking") if what == "began" else ("speaking", "listening")
        if side == "user":
            conversation.on_user_state(user_state(*states, at))
        else:
            conversation.on_agent_state(agent_state(*states, at))

    assert conversation.talk.pauses(T + last) == pauses_by_hand(stretches, T + last)
    assert len(conversation.talk.air.recent) <= air._MAX_STRETCHES


def test_a_side_that_goes_on_speaking_leaves_no_pause_however_often_the_other_does(
    conversation: Conversation,
) -> None:
    conversation.on_user_state(user_state("listening", "speaking", 1))
    for n in range(100):
        conversation.on_agent_state(agent_state("listening", "speaking", 2 + n))
        conversation.on_agent_state(agent_state("speaking", "listening", 2.5 + n))
    assert len(conversation.talk.air.recent) <= air._MAX_STRETCHES
    conversation.on_user_state(user_state("speaking", "listening", 110))

    assert conversation.talk.pauses(T + 112) == (2.0, 2.0)


# -- the agent's first words


def test_the_first_speech_is_counted_from_the_start(conversation: Conversation) -> None:
    conversation.on_agent_state(agent_state("initializing", "listening", 0.1))
    conversation.on_message(message("assistant", "Hello.", at=0.4))  # generated, not heard yet
    conversation.on_agent_state(agent_state("listening", "speaking", 0.9))
    conversation.on_agent_state(agent_state("speaking", "listening", 4))
    conversation.on_agent_state(agent_state("listening", "speaking", 9))

    assert conversation.talk.first_agent_speech(T) == pytest.approx(0.9)


def test_without_sound_the_first_message_counts(conversation: Conversation) -> None:
    conversation.on_message(message("user", "Hi.", at=1))
    conversation.on_message(message("system", "A prompt.", at=1))
    conversation.on_message(message("assistant", "Hello.", at=2))
    conversation.on_message(message("assistant", "Still there?", at=9))

    assert conversation.talk.first_agent_speech(T) == 2.0


def test_an_agent_that_never_spoke_has_no_first_speech(conversation: Conversation) -> None:
    conversation.on_message(message("user", "Hi."))

    assert conversation.talk.first_agent_speech(T) is None


def test_a_clock_that_was_set_back_gives_no_negative_time(conversation: Conversation) -> None:
    conversation.on_message(message("assistant", "Hello.", at=-1))

    assert conversation.talk.first_agent_speech(T) == 0.0


# -- handoffs


def test_the_first_agents_start_is_no_handoff(conversation: Conversation) -> None:
    conversation.on_handoff(AgentHandoff(new_agent_id="greeter", created_at=T))
    conversation.on_handoff(
        AgentHandoff(old_agent_id="greeter", new_agent_id="sales", created_at=T + 5)
    )

    assert conversation.handoffs == [Handoff(from_agent="greeter", to="sales", at=utc(T + 5))]
    assert conversation.agent == "sales"


def test_handoffs_beyond_the_bound_are_counted(conversation: Conversation) -> None:
    for number in range(module._MAX_HANDOFFS + 2):
        conversation.on_handoff(AgentHandoff(old_agent_id="a", new_agent_id=f"{number}"))

    assert len(conversation.handoffs) == module._MAX_HANDOFFS
    assert conversation.dropped == 2
    assert conversation.agent == f"{module._MAX_HANDOFFS + 1}"


# -- interruptions


def speech(*items: Any, interrupted: bool = True) -> SpeechHandle:
    """A speech that is over, with what it said."""
    handle = SpeechHandle.create()
    handle._item_added(items)
    if interrupted:
        handle.interrupt()
    handle._mark_done()
    return handle


def cut_off() -> SpeechHandle:
    return speech(message("assistant", "I was say", interrupted=True))


async def test_a_speech_that_the_caller_talks_over_is_an_interruption(
    conversation: Conversation,
) -> None:
    conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))

    conversation.on_speech_done(cut_off())

    assert conversation.talk.interruptions(time.time() + 1) == 1


async def test_a_caller_who_goes_on_after_the_cut_has_interrupted(
    conversation: Conversation,
) -> None:
    conversation.on_speech_done(cut_off())
    conversation.on_message(message("user", "Wait.", at=time.time() - T + 1))

    assert conversation.talk.interruptions(time.time() + 5) == 1


async def test_the_turn_that_interrupts_may_have_begun_before_the_cut(
    conversation: Conversation,
) -> None:
    """livekit-agents 1.7 dates it so; it is committed after the cut."""
    conversation.on_speech_done(cut_off())
    conversation.on_message(message("user", "Wait.", at=time.time() - T - 1))

    assert conversation.talk.interruptions(time.time() + 5) == 1


async def test_what_is_cut_off_by_the_close_is_no_interruption(conversation: Conversation) -> None:
    conversation.on_message(message("user", "Bye.", at=time.time() - T - 1))
    conversation.on_speech_done(cut_off())

    assert conversation.talk.interruptions(time.time() + 1) == 0


async def test_what_is_cut_off_after_the_caller_has_left_is_no_interruption(
    conversation: Conversation,
) -> None:
    left = time.time() - 1
    conversation.on_user_state(user_state("listening", "speaking", left - T))

    conversation.on_speech_done(cut_off())

    assert conversation.talk.interruptions(left) == 0


async def test_a_caller_who_falls_silent_has_not_interrupted(conversation: Conversation) -> None:
    conversation.on_speech_done(cut_off())
    conversation.on_user_state(user_state("listening", "away", time.time() - T + 15))

    assert conversation.talk.interruptions(time.time() + 60) == 0


async def test_a_speech_that_ended_by_itself_is_no_interruption(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))

    conversation.on_speech_done(speech(message("assistant", "Done."), interrupted=False))

    assert conversation.talk.interruptions(time.time() + 1) == 0


async def test_a_speech_whose_voice_failed_is_no_interruption(conversation: Conversation) -> None:
    conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))

    # The framework marks the message as interrupted, not the speech.
    conversation.on_speech_done(
        speech(message("assistant", "I was", interrupted=True), interrupted=False)
    )

    assert conversation.talk.interruptions(time.time() + 1) == 0


@pytest.mark.parametrize(
    "items",
    [
        [],
        [message("assistant", "Whole.")],
        [FunctionCall(call_id="c", name="f", arguments="{}")],
        [message("user", "Mine.", interrupted=True)],
    ],
    ids=["nothing", "whole", "tool", "user"],
)
async def test_a_speech_that_was_not_heard_is_not_interrupted(
    conversation: Conversation, items: list[Any]
) -> None:
    conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))

    conversation.on_speech_done(speech(*items))

    assert conversation.talk.interruptions(time.time() + 1) == 0


async def test_interruptions_beyond_the_bound_are_counted(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_INTERRUPTIONS", 3)
    conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))
    for _ in range(5):
        conversation.on_speech_done(cut_off())

    assert conversation.talk.interruptions(time.time() + 1) == 3
    assert conversation.dropped == 2


def test_a_noise_that_paused_the_agent_is_a_false_interruption(conversation: Conversation) -> None:
    conversation.on_false_interruption(AgentFalseInterruptionEvent(resumed=True))

    assert conversation.false_interruptions == 1
    assert conversation.talk.interruptions(time.time()) == 0


# -- in a real session


class Speaker(AudioOutput):
    """A speaker that plays at once what it is given, or goes on until it is told to stop."""

    def __init__(self, *, endless: bool = False) -> None:
        super().__init__(
            label="speaker", capabilities=AudioOutputCapabilities(pause=False), sample_rate=24000
        )
        self.plays = asyncio.Event()
        self._endless = endless

    async def capture_frame(self, frame: Any) -> None:
        await super().capture_frame(frame)
        if not self.plays.is_set():
            self.on_playback_started(created_at=time.time())
            self.plays.set()

    def flush(self) -> None:
        super().flush()
        if not self._endless:
            self.on_playback_finished(playback_position=0.5, interrupted=False)

    def clear_buffer(self) -> None:
        self.on_playback_finished(playback_position=0.5, interrupted=True)


def listened(session: AgentSession[None]) -> Conversation:
    """The collector, subscribed to a session's events."""
    conversation = Conversation()

    def item(event: Any) -> None:
        if event.item.type == "message":
            conversation.on_message(event.item)
        else:
            conversation.on_handoff(event.item)

    session.on("conversation_item_added", item)
    session.on("agent_state_changed", conversation.on_agent_state)
    session.on("user_state_changed", conversation.on_user_state)
    session.on(
        "speech_created", lambda e: e.speech_handle.add_done_callback(conversation.on_speech_done)
    )
    return conversation


async def test_in_a_session_a_caller_who_types_over_the_agent_interrupts_it() -> None:
    speaker = Speaker(endless=True)
    model = ScriptedLLM("A long story about something.", "Yes?")
    async with AgentSession[None](llm=model, tts=ScriptedTTS(), vad=None) as session:
        conversation = listened(session)
        session.output.audio = speaker
        await session.start(Agent(instructions="Talk."))
        session.generate_reply()
        await asyncio.wait_for(speaker.plays.wait(), 10)
        said = asyncio.Event()
        session.on(
            "conversation_item_added",
            lambda e: said.set() if getattr(e.item, "role", "") == "user" else None,
        )

        await session.interrupt()  # as the room does when a text of the caller's comes
        session.generate_reply(user_input="Stop!")
        await asyncio.wait_for(said.wait(), 10)

        assert conversation.talk.interruptions(time.time()) == 1
        spoken = conversation.talk.agent_speaking_seconds(time.time())
        assert spoken is not None and spoken > 0


async def test_in_a_session_the_close_interrupts_nobody() -> None:
    speaker = Speaker(endless=True)
    model = ScriptedLLM("A long story about something.")
    session = AgentSession[None](llm=model, tts=ScriptedTTS(), vad=None)
    conversation = listened(session)
    session.output.audio = speaker
    await session.start(Agent(instructions="Talk."))
    handle = session.generate_reply()
    await asyncio.wait_for(speaker.plays.wait(), 10)

    await session.aclose()

    assert handle.interrupted
    assert conversation._cuts, "the framework cut it off"
    assert conversation.talk.interruptions(time.time() + 1) == 0


async def test_in_a_session_a_voice_that_fails_is_no_interruption() -> None:
    voice = ScriptedTTS(default=Speech(error=APIError("no voice", retryable=False)))
    model = ScriptedLLM("Hello there.")
    async with AgentSession[None](llm=model, tts=voice, vad=None) as session:
        conversation = listened(session)
        session.output.audio = Speaker()
        await session.start(Agent(instructions="Talk."))
        # The caller is talking all the while.
        conversation.on_user_state(user_state("listening", "speaking", time.time() - T - 1))
        speech = session.generate_reply()
        await speech

        assert [i.type for i in speech.chat_items] == ["message"]
        assert conversation.talk.interruptions(time.time() + 1) == 0


class Sales(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Sell.", id="sales")


class Greeter(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="Greet.", id="greeter")

    @function_tool
    async def to_sales(self) -> Any:
        """Hand over."""
        return Sales(), "passing you on"


async def test_in_a_session_a_tool_hands_over() -> None:
    model = ScriptedLLM(Reply(tool_calls=[Ask("to_sales")], then="Sales here."), default="Yes?")
    async with AgentSession[None](llm=model, vad=None) as session:
        conversation = listened(session)
        await session.start(Greeter())
        assert conversation.handoffs == []
        await session.run(user_input="Sales, please.")

    assert [(h.from_agent, h.to) for h in conversation.handoffs] == [("greeter", "sales")]
    assert conversation.agent == "sales"
