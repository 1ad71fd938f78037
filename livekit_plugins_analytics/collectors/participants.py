"""Who was in the room, seen while they were there: at the close they are gone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..parts import Participant, Sip, utc
from ..trim import Trimmer

if TYPE_CHECKING:
    from livekit import rtc

# Kinds of participant that are a person on the line (livekit.protocol, ParticipantInfo.Kind);
# agents, recorders and ingests come and go without ending a call.
_CALLERS = frozenset({"standard", "sip", "connector", "bridge"})

# SIP has about ten; what is more than this is a database in the wrong place.
_MAX_ATTRIBUTES = 500

# More people than that in one room is a conference, and its record would be a guest list.
_MAX_PARTICIPANTS = 500

_SIP = {
    "call_id": "sip.callID",
    "phone_number": "sip.phoneNumber",
    "trunk_phone_number": "sip.trunkPhoneNumber",
    "trunk_id": "sip.trunkID",
    "rule_id": "sip.ruleID",
}


@dataclass(frozen=True)
class Departure:
    """A caller who left and did not come back."""

    identity: str
    reason: str | None
    at: float


@dataclass
class _Seen:
    identity: str
    """As it was trimmed, like the rest: this is asked for many times."""
    kind: str
    name: str
    joined_at: float
    raw_name: str = ""
    raw: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    full: bool = False
    left_at: float | None = None
    reason: str | None = None


class Participants:
    """Everybody in the room but this agent."""

    def __init__(self, trimmer: Trimmer) -> None:
        self._seen: dict[str, _Seen] = {}
        self._trimmer = trimmer
        self.dropped = 0

    def on_present(self, participant: rtc.RemoteParticipant) -> None:
        """A participant is in the room: newly, again, or with other attributes."""
        seen = self._seen.get(participant.identity)
        if seen is None:
            if len(self._seen) >= _MAX_PARTICIPANTS:
                self.dropped += 1
                return
            joined = participant.joined_at
            seen = self._seen[participant.identity] = _Seen(
                identity=self._trimmer.text("participants", participant.identity),
                kind=_kind(participant.kind),
                name="",
                joined_at=joined.timestamp() if joined else time.time(),
            )
        if participant.name and participant.name != seen.raw_name:
            seen.raw_name = participant.name
            seen.name = self._trimmer.text("participants", participant.name)
        # Attributes are kept from while they were there: SIP's change during the call.
        for name, value in participant.attributes.items():
            if seen.raw.get(name) == value:
                continue
            if name not in seen.raw and len(seen.raw) >= _MAX_ATTRIBUTES:
                self.dropped += not seen.full  # asked again and again: counted once
                seen.full = True
                continue
            seen.raw[name] = value
            key = self._trimmer.text("participants", name)
            seen.attributes[key] = self._trimmer.text("participants", value)

    def on_connected(self, participant: rtc.RemoteParticipant) -> None:
        """A participant joined, perhaps one that had left before."""
        self.on_present(participant)
        if seen := self._seen.get(participant.identity):
            seen.left_at = seen.reason = None

    def on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        """A participant left."""
        self.on_present(participant)
        if seen := self._seen.get(participant.identity):
            seen.left_at = time.time()
            seen.reason = disconnect_reason(participant.disconnect_reason)

    @property
    def callers_present(self) -> int:
        """How many people are on the line now."""
        return sum(s.kind in _CALLERS and s.left_at is None for s in self._seen.values())

    @property
    def departures(self) -> list[Departure]:
        """Callers who left and are still gone, in the order in which they left."""
        gone = [
            Departure(s.identity, s.reason, s.left_at)
            for s in self._seen.values()
            if s.kind in _CALLERS and s.left_at is not None
        ]
        return sorted(gone, key=lambda d: d.at)

    def result(self) -> list[Participant]:
        """The participants as the record has them, by the time they joined."""
        return [self._part(s) for s in sorted(self._seen.values(), key=lambda s: s.joined_at)]

    @staticmethod
    def _part(seen: _Seen) -> Participant:
        sip = {field: seen.attributes.get(key) for field, key in _SIP.items()}
        return Participant(
            identity=seen.identity,
            kind=seen.kind,
            name=seen.name or None,
            joined_at=utc(seen.joined_at),
            left_at=None if seen.left_at is None else utc(seen.left_at),
            disconnect_reason=seen.reason,
            attributes=dict(seen.attributes),
            sip=Sip(**sip) if seen.kind == "sip" or any(sip.values()) else None,
        )


def disconnect_reason(value: int | None) -> str | None:
    """LiveKit's name of a disconnect reason; null where the server gave none."""
    from livekit import rtc

    if value is None:
        return None
    # Looked up by number: a newer server may send one that this SDK has no name for.
    names: dict[int, str] = {int(n): name for name, n in rtc.DisconnectReason.items()}
    return names.get(value, f"REASON_{value}")


def _kind(value: int) -> str:
    from livekit import rtc

    names: dict[int, str] = {int(n): name for name, n in rtc.ParticipantKind.items()}
    return names.get(value, f"KIND_{value}").removeprefix("PARTICIPANT_KIND_").lower()
