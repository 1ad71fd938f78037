"""How a call ended: one cause from evidence that often points several ways.

The framework's close reason is `user_initiated` for almost everything, and events race each
other. Where the evidence is shared by several causes the answer is "unknown", never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .parts import EndCause


@dataclass(frozen=True)
class Gone:
    """A caller's departure: when, and the reason LiveKit gave."""

    at: float
    reason: str | None


@dataclass(frozen=True)
class Evidence:
    """What is known of an ending at some moment; more may come."""

    now: float
    """Unix seconds at which the evidence was taken."""
    close_reason: str | None = None
    """The framework's CloseReason; null: no close event."""
    closed_at: float | None = None
    gone: list[Gone] = field(default_factory=list)
    """Callers who left and did not come back, in time order."""
    callers_present: int = 0
    room_reason: str | None = None
    """The reason of the room's own `disconnected` event."""
    room_gone_at: float | None = None
    shutdown_reason: str | None = None
    """What the job's shutdown callback was told; null: it has not run."""
    entrypoint_failed: bool | None = None
    """Whether the entrypoint raised while the room was still there; null: not seen to end."""
    job_ending_at: float | None = None
    """When the first of the job's own last hooks ran; null: none has."""
    settled: bool = True
    """No more evidence is awaited."""


# Reasons of a departure (livekit.protocol DisconnectReason) that tell who ended the call. Not
# here: MIGRATION, DUPLICATE_IDENTITY (the same person is back within seconds), ROOM_CLOSED,
# UNKNOWN_REASON and USER_UNAVAILABLE (nobody answered, and the agent decides what follows).
_DEPARTURES: dict[str, EndCause] = {
    "CLIENT_INITIATED": "caller_hung_up",
    "USER_REJECTED": "caller_hung_up",
    "PARTICIPANT_REMOVED": "caller_removed",
    "ROOM_DELETED": "room_deleted",
    "CONNECTION_TIMEOUT": "connection_lost",
    "SIGNAL_CLOSE": "connection_lost",
    "STATE_MISMATCH": "connection_lost",
    "JOIN_FAILURE": "connection_lost",
    "MEDIA_FAILURE": "connection_lost",
    "SIP_TRUNK_FAILURE": "connection_lost",
    "SERVER_SHUTDOWN": "connection_lost",
}

# Reasons of the agent's own disconnection. Not here: CLIENT_INITIATED (the agent's own doing or
# the framework's), ROOM_CLOSED (emptied, by whom is not said), PARTICIPANT_REMOVED (the agent).
_ROOM: dict[str, EndCause] = {
    "ROOM_DELETED": "room_deleted",
    "SERVER_SHUTDOWN": "connection_lost",
    "STATE_MISMATCH": "connection_lost",
    "SIGNAL_CLOSE": "connection_lost",
    "CONNECTION_TIMEOUT": "connection_lost",
    "MEDIA_FAILURE": "connection_lost",
    "UNKNOWN_REASON": "connection_lost",
}

# Reasons that the framework itself gives a shutdown callback (livekit-agents 1.8.9,
# ipc/job_proc_lazy_main.py); anything else is the text of the agent's own ctx.shutdown().
_CRASH = "job crashed"
_ROOM_GONE = "room disconnected"
_PARENT = "parent process shutdown"

# A departure is announced up to this long after the close that it caused: both come from one
# message of the server, in no fixed order.
_RACE_SECONDS = 0.5
# The room's own event is waited for, once, for half a second after the close (job.py).
_ROOM_RACE_SECONDS = 1.0

QUIET_SECONDS = 2.0
"""A job that shuts down runs its last hooks within milliseconds of the close. Where none has run
for so long, the agent has closed its session and the job goes on (endings.md)."""


def end_cause(evidence: Evidence) -> EndCause:
    """Why the call ended, or "unknown"."""
    if evidence.close_reason == "error":
        return "error"
    last = _last_caller(evidence)
    if last and (cause := _DEPARTURES.get(last.reason or "")):
        return cause
    crashed = evidence.shutdown_reason == _CRASH and evidence.entrypoint_failed is None
    if evidence.entrypoint_failed or crashed:
        return "crashed"
    if cause := _ROOM.get(_room_reason(evidence) or ""):
        return cause
    return "agent_ended" if _agent_ended(evidence) else "unknown"


def end_time(evidence: Evidence) -> float:
    """When the call ended, in unix seconds: its last caller's departure, else its close."""
    last = _last_caller(evidence)
    ends = [evidence.now if evidence.closed_at is None else evidence.closed_at]
    if evidence.room_gone_at is not None:
        ends.append(evidence.room_gone_at)
    if last:
        ends.append(last.at)
    return min(ends)


def _last_caller(evidence: Evidence) -> Gone | None:
    """The departure that ended the call, if one did."""
    gone = [g for g in evidence.gone if _may_have_ended(evidence, g)]
    if not gone:
        return None
    # With somebody else still on the line, a departure ended the call only where the framework
    # says that it did (the participant that the session was linked to).
    if evidence.callers_present and evidence.close_reason != "participant_disconnected":
        return None
    return gone[-1]


def _may_have_ended(evidence: Evidence, gone: Gone) -> bool:
    """Whether a departure came before the close, or races it."""
    close = evidence.now if evidence.closed_at is None else evidence.closed_at
    if gone.at <= close:
        return True
    # Who hangs up is seen to leave before the framework closes for it. After the close it is
    # somebody who hangs up because the agent has ended the call.
    by_server = _DEPARTURES.get(gone.reason or "") != "caller_hung_up"
    return by_server and gone.at <= close + _RACE_SECONDS


def _room_reason(evidence: Evidence) -> str | None:
    """Why the agent left the room, where that came before the close or races it."""
    close, gone = evidence.closed_at, evidence.room_gone_at
    if close is not None and gone is not None and gone > close + _ROOM_RACE_SECONDS:
        return None
    return evidence.room_reason


def _agent_ended(evidence: Evidence) -> bool:
    # A caller's leaving closed it, who may have come back since: then no departure is left.
    if evidence.close_reason == "participant_disconnected":
        return False
    if _room_reason(evidence) not in (None, "CLIENT_INITIATED"):
        return False
    if evidence.close_reason == "user_initiated" and _job_went_on(evidence):
        return True
    # "room disconnected" with no reason from the server's side: the agent left by itself.
    return evidence.shutdown_reason not in (None, _PARENT, _CRASH)


def _job_went_on(evidence: Evidence) -> bool:
    """Whether the session closed by itself, not because the job was ending."""
    if evidence.job_ending_at is None:
        return evidence.settled
    return (
        evidence.closed_at is not None
        and evidence.job_ending_at - evidence.closed_at > QUIET_SECONDS
    )
