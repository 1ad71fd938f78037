"""How invented calls end."""

from __future__ import annotations

from dataclasses import dataclass

from ..parts import EndCause, RecordStatus
from .chance import Chance


@dataclass(frozen=True)
class Ending:
    """A call's end, as the record has it."""

    cause: EndCause
    close_reason: str | None
    disconnect_reason: str | None
    """The caller's; null: was still there, or nobody saw it."""
    shutdown_reason: str | None = None
    status: RecordStatus = "final"


_ENDINGS = {
    Ending("caller_hung_up", "participant_disconnected", "CLIENT_INITIATED"): 0.62,
    Ending("agent_ended", "user_initiated", None, "the agent is done"): 0.2,
    Ending("room_deleted", "participant_disconnected", "ROOM_DELETED"): 0.05,
    Ending("connection_lost", "participant_disconnected", "CONNECTION_TIMEOUT"): 0.04,
    Ending("caller_removed", "participant_disconnected", "PARTICIPANT_REMOVED"): 0.01,
    Ending("error", "error", None): 0.02,
    Ending("crashed", None, None, status="recovered"): 0.015,
    Ending("caller_hung_up", None, "CLIENT_INITIATED", status="recovered"): 0.005,
    Ending("unknown", "user_initiated", None): 0.025,
    Ending("unknown", None, None, status="partial"): 0.015,
}


def ending(chance: Chance) -> Ending:
    """One of the ways in which calls end, as often as they do."""
    return chance.weighted(_ENDINGS)
