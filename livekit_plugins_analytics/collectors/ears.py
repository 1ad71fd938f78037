"""What the caller said, kept for the signal rules: reading it is for a thread, not for the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..reading import Hear, Reading, Say

if TYPE_CHECKING:
    from livekit.agents import ChatMessage, UserInputTranscribedEvent

    from ..signals import Listener

# An hour of fast talk has about 3,000 of these; a session that goes on for days must not grow.
_MAX_SAID = 60_000


# None of these has a repr: it would quote the caller.
@dataclass(frozen=True, slots=True, repr=False)
class _Agent:
    message: ChatMessage

    def __call__(self, ears: Listener) -> None:
        ears.agent_said(self.message.text_content or "", self.message.created_at)


@dataclass(frozen=True, slots=True, repr=False)
class _User:
    message: ChatMessage

    def __call__(self, ears: Listener) -> None:
        message = self.message
        ears.user_said(message.id, message.text_content or "", message.created_at)


@dataclass(frozen=True, slots=True, repr=False)
class _Final:
    event: UserInputTranscribedEvent

    def __call__(self, ears: Listener) -> None:
        event = self.event
        ears.user_final(event.transcript, event.created_at, event.item_id)


class Ears:
    """Keeps what is said in one session.

    Args:
        reading: Who reads it; None where signals are off.
    """

    def __init__(self, reading: Reading | None) -> None:
        self._reading = reading
        self._said: list[Say | None] = []
        """None: read, and not needed any more."""
        self.dropped = 0

    def on_message(self, message: ChatMessage) -> None:
        """A message was committed; the same id again is a revision."""
        if message.role == "assistant":
            self._keep(_Agent(message))
        elif message.role == "user":
            self._keep(_User(message))

    def on_final(self, event: UserInputTranscribedEvent) -> None:
        """A final transcript; as a rule a committed turn has its words too."""
        self._keep(_Final(event))

    def heard(self) -> Hear | None:
        """What was said so far, to be read in a thread; None where signals are off."""
        reading, said, count = self._reading, self._said, len(self._said)
        return None if reading is None else lambda wait: reading.until(said, count, wait)

    def _keep(self, say: Say) -> None:
        if self._reading is None:
            return
        if len(self._said) < _MAX_SAID:
            self._said.append(say)
        else:
            self.dropped += 1
