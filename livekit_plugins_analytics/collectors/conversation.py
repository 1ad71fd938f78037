"""Who spoke when: turns, talk time, interruptions, handoffs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..parts import Handoff, utc
from .air import Air

if TYPE_CHECKING:
    from livekit.agents import (
        AgentFalseInterruptionEvent,
        AgentStateChangedEvent,
        ChatMessage,
        SpeechHandle,
        UserStateChangedEvent,
    )
    from livekit.agents.llm import AgentHandoff

# Bounds for sessions that never end.
_MAX_HANDOFFS = 1_000
_MAX_INTERRUPTIONS = 20_000


@dataclass(frozen=True)
class Cut:
    """A speech that was cut off."""

    at: float
    user_was_speaking: bool


@dataclass(frozen=True)
class Side:
    """Seconds that one side was in the state "speaking"."""

    total: float = 0.0
    since: float | None = None
    """Speaking since then; None: silent."""
    first: float | None = None

    def on(self, old: str, new: str, at: float) -> Side:
        """This side after a change of state."""
        if new == "speaking" and self.since is None:
            return Side(self.total, at, at if self.first is None else self.first)
        if old == "speaking" and self.since is not None:
            # A user's end of speech is dated back to the true end, sometimes before its start.
            return Side(self.total + max(at - self.since, 0.0), None, self.first)
        return self

    def until(self, end: float) -> float:
        """Seconds of speech, with what is being said at the end."""
        return self.total + (max(end - self.since, 0.0) if self.since is not None else 0.0)


@dataclass(frozen=True)
class Talk:
    """Who spoke how long, as data: a copy of one moment."""

    user: Side = Side()
    agent: Side = Side()
    user_heard: bool = False
    """Whether there was a voice to listen for."""
    user_active_at: float = 0.0
    cuts: list[Cut] = field(default_factory=list)
    first_agent_message: float | None = None
    false_interruptions: int = 0
    air: Air = Air()

    def interruptions(self, end: float) -> int:
        """How often the caller cut the agent off before ``end`` (unix seconds).

        The framework cuts off what is being said when it closes a session as well; that is no
        interruption. It is told apart by the caller: speaking at that moment, or later on.
        """
        return sum(
            cut.at < end and (cut.user_was_speaking or self.user_active_at > cut.at)
            for cut in self.cuts
        )

    def first_agent_speech(self, start: float) -> float | None:
        """Seconds from the session's start to the agent's first speech.

        A message is dated when its generation began; it counts only where nothing was spoken.
        """
        first = self.first_agent_message if self.agent.first is None else self.agent.first
        return None if first is None else max(first - start, 0.0)

    def user_speaking_seconds(self, end: float) -> float | None:
        """Seconds of the caller's voice; null where no voice was listened for."""
        return self.user.until(end) if self.user_heard else None

    def agent_speaking_seconds(self, end: float) -> float | None:
        """Seconds in which the agent was speaking; null where it never was."""
        return self.agent.until(end) if self.agent.first is not None else None

    def pauses(self, end: float) -> tuple[float, float] | None:
        """Seconds in which neither side spoke, and those of the longest such pause.

        Counted from the first speech of either side, so that ringing is no silence, to ``end``, so
        that waiting in vain is. None where no voice was listened for, or nobody spoke.
        """
        return self.air.until(end, self.user.since, self.agent.since) if self.user_heard else None


class Conversation:
    """Turns, talk time, interruptions and handoffs of one session."""

    def __init__(self) -> None:
        self._user = Side()
        self._agent = Side()
        self._air = Air()
        self._user_heard = False
        self._user_active_at = 0.0
        self._cuts: list[Cut] = []
        self._first_agent_message: float | None = None
        self.false_interruptions = 0
        self.handoffs: list[Handoff] = []
        self.agent: str | None = None
        self.dropped = 0

    def on_message(self, message: ChatMessage) -> None:
        """A message was committed."""
        if message.role == "user":
            # When it was committed, not when it began: the turn that interrupts began before.
            self._user_active_at = max(self._user_active_at, message.created_at, time.time())
        elif message.role == "assistant" and self._first_agent_message is None:
            self._first_agent_message = message.created_at

    def on_handoff(self, handoff: AgentHandoff) -> None:
        """Another agent took over; the first agent's start is no handoff."""
        before, self.agent = handoff.old_agent_id, handoff.new_agent_id
        if before is None:
            return
        if len(self.handoffs) >= _MAX_HANDOFFS:
            self.dropped += 1
            return
        self.handoffs.append(
            Handoff(from_agent=before, to=handoff.new_agent_id, at=utc(handoff.created_at))
        )

    def on_user_state(self, event: UserStateChangedEvent, *, voice: bool = True) -> None:
        """The caller began or ended speaking (voice activity).

        Args:
            event: The change.
            voice: Whether there is a microphone at all; typed turns have these states too.
        """
        self._user_heard = self._user_heard or voice
        if "speaking" in (event.old_state, event.new_state):  # "away" is no activity
            self._user_active_at = max(self._user_active_at, event.created_at)
        before, self._user = (
            self._user,
            self._user.on(event.old_state, event.new_state, event.created_at),
        )
        self._spoke(before, self._user, self._agent, event.created_at)

    def on_agent_state(self, event: AgentStateChangedEvent) -> None:
        """The agent began or ended speaking."""
        before, self._agent = (
            self._agent,
            self._agent.on(event.old_state, event.new_state, event.created_at),
        )
        self._spoke(before, self._agent, self._user, event.created_at)

    def on_false_interruption(self, _event: AgentFalseInterruptionEvent) -> None:
        """A noise paused the agent, and nobody had said anything."""
        self.false_interruptions += 1

    def on_speech_done(self, speech: SpeechHandle) -> None:
        """A speech ended. It was cut off where a message of it, begun, stayed unfinished."""
        if not speech.interrupted:
            return
        heard = any(
            item.type == "message" and item.role == "assistant" and item.interrupted
            for item in speech.chat_items
        )
        if not heard:
            return
        if len(self._cuts) >= _MAX_INTERRUPTIONS:
            self.dropped += 1
            return
        self._cuts.append(Cut(time.time(), self._user.since is not None))

    def _spoke(self, before: Side, after: Side, other: Side, at: float) -> None:
        if before.since is not None and after.since is None:
            self._air = self._air.heard(before.since, at, other.since)

    @property
    def talk(self) -> Talk:
        """Who spoke how long so far."""
        return Talk(
            user=self._user,
            agent=self._agent,
            user_heard=self._user_heard,
            user_active_at=self._user_active_at,
            cuts=list(self._cuts),
            first_agent_message=self._first_agent_message,
            false_interruptions=self.false_interruptions,
            air=self._air,
        )
