"""Words that many rows share: what may be true of an ending."""

from __future__ import annotations

from tests.endings.ending import By, ServerOptions

# End causes.
HUNG_UP = frozenset({"caller_hung_up"})
REMOVED = frozenset({"caller_removed"})
LOST = frozenset({"connection_lost"})
AGENT = frozenset({"agent_ended"})
DELETED = frozenset({"room_deleted"})
SHUTDOWN = frozenset({"worker_shutdown"})
CRASHED = frozenset({"crashed"})
ERROR = frozenset({"error"})
NONE_OF_OURS: frozenset[str] = frozenset()
"""No value of ``end_cause`` means it: the record has to say that it does not know."""

# Close reasons of the framework; None: no close event.
LEFT: frozenset[str | None] = frozenset({"participant_disconnected"})
CLOSED: frozenset[str | None] = frozenset({"user_initiated"})
FAILED: frozenset[str | None] = frozenset({"error"})
JOB: frozenset[str | None] = frozenset({"job_shutdown"})
NEVER: frozenset[str | None] = frozenset({None})

# Record statuses.
PARTIAL = frozenset({"partial"})
RECOVERED = frozenset({"recovered"})

# Who delivers.
SWEEP: frozenset[By] = frozenset({"sweep"})
DRAIN: frozenset[By] = frozenset({"drain"})
NEXT_WORKER: frozenset[By] = frozenset({"next worker"})

OWN_SERVER = ServerOptions(of_its_own=True)
# Rooms that go soon, where that is not what the row is about.
BRIEF = ServerOptions(departure_timeout=2)

DEPARTURE = 20.0
"""Seconds a room lives on after its last caller, LiveKit's default."""
