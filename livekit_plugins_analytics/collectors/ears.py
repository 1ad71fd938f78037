"""What the caller said, brought to the signal rules."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.agents import ChatMessage, UserInputTranscribedEvent

    from ..signals import Listener, Mention, RuleSet

# How long a record waits for its rules at most; compiling them takes about 0.5 s.
_LATE_SECONDS = 10.0
# What is said before the rules are compiled: they are, long before anybody has said so much.
_MAX_WAITING = 1_000


Late = Callable[[], "tuple[RuleSet | None, list[Mention]]"]
"""Rules and mentions; no rules where the pack cannot be used."""


class Ears:
    """Listens to one session's turns; keeps them while the rules are still being compiled.

    Args:
        rules: The pack, perhaps not compiled yet; None where signals are off.
    """

    def __init__(self, rules: concurrent.futures.Future[RuleSet] | None) -> None:
        self._rules = rules
        self._listener: Listener | None = None
        self._waiting: list[Callable[[Listener], None]] = []
        self._missed = 0

    @property
    def rules(self) -> RuleSet | None:
        """The pack; None where signals are off, or where it could not be used."""
        listener = self._listening()
        return listener.rules if listener else None

    @property
    def deaf(self) -> bool:
        """Whether signals were wanted, and the pack cannot be used."""
        rules = self._rules
        return rules is not None and rules.done() and rules.exception() is not None

    def late(self) -> Late | None:
        """For a call that is over before its rules are compiled: finds its mentions, in a thread.

        None where they are compiled, or off.
        """
        rules = self._rules
        if rules is None or rules.done():
            return None
        waiting = list(self._waiting)

        def heard() -> tuple[RuleSet | None, list[Mention]]:
            try:
                pack = rules.result(_LATE_SECONDS)
            except Exception:  # whatever a pack may raise; it has been logged
                return None, []
            from ..signals import Listener

            listener = Listener(pack)
            for say in waiting:
                say(listener)
            return pack, listener.mentions()

        return heard

    @property
    def dropped(self) -> int:
        """Turns and mentions beyond what one session may hold."""
        return self._missed + (self._listener.dropped if self._listener else 0)

    def on_message(self, message: ChatMessage) -> None:
        """A message was committed; the same id again is a revision."""
        text, at = message.text_content or "", message.created_at
        if message.role == "assistant":
            self._hear(lambda ears: ears.agent_said(text, at))
        elif message.role == "user":
            self._hear(lambda ears: ears.user_said(message.id, text, at))

    def on_final(self, event: UserInputTranscribedEvent) -> None:
        """A final transcript; as a rule a committed turn has its words too."""
        text, at, item_id = event.transcript, event.created_at, event.item_id
        self._hear(lambda ears: ears.user_final(text, at, item_id))

    def mentions(self) -> list[Mention]:
        """All mentions so far, in the order of the call; what counts is not decided yet."""
        listener = self._listening()
        return listener.mentions() if listener else []

    def _hear(self, say: Callable[[Listener], None]) -> None:
        if self._rules is None:
            return
        if listener := self._listening():
            say(listener)
        elif not self._rules.done():
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.append(say)
            else:
                self._missed += 1

    def _listening(self) -> Listener | None:
        if self._listener is None and self._rules is not None and self._rules.done():
            if self._rules.exception() is not None:
                self._waiting.clear()
                return None
            from ..signals import Listener  # loaded by the thread that compiled the rules

            self._listener = Listener(self._rules.result())
            for say in self._waiting:
                say(self._listener)
            self._waiting.clear()
        return self._listener
