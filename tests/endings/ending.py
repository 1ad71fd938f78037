"""One ending: how it is brought about, and what is true of its record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.endings.stage import Stage

Play = Callable[["Stage"], Awaitable[None]]
"""Brings a call about and ends it: stamps `Stage.trigger`, and sees to it that the job ends."""

By = Literal["live", "sweep", "next worker", "drain"]
"""Who delivered a record: its own process, another one of its worker's, the first prewarm of a
worker that was started afterwards, or ``livekit-analytics drain``."""


@dataclass(frozen=True)
class WorkerOptions:
    """How the worker of an ending runs."""

    mode: Literal["start", "dev"] = "start"
    executor: Literal["process", "thread"] = "process"
    drain_timeout: int = 3600
    """Seconds; the framework's default."""
    session_end_timeout: float = 300.0
    """Seconds; the framework's default."""
    memory_limit_mb: float = 0
    """None where 0."""
    sweeps: bool = False
    """Whether the worker's own process calls `prewarm` at its start, and so sweeps too."""


@dataclass(frozen=True)
class ServerOptions:
    """The livekit-server of an ending. Those that differ in nothing share one."""

    departure_timeout: int = 20
    """Seconds; LiveKit's default. What an agent waits for after its caller has left."""
    of_its_own: bool = False
    """For who kills or stops it."""


@dataclass(frozen=True)
class Ending:
    """A row of the table."""

    name: str
    what: str
    """How it comes about, in a few words for the table."""
    play: Play
    causes: frozenset[str]
    """The values of ``end_cause`` that are true of it."""
    closes: frozenset[str | None]
    """The framework's close reasons that were seen; None: no close event."""
    statuses: frozenset[str] = frozenset({"final"})
    by: frozenset[By] = frozenset({"live"})
    within: float = 10.0
    """Seconds from the trigger to the delivery, at most; where the record's own process does not
    deliver it, from that process' end, or from the start of who does."""
    lasts: float = 45.0
    """Seconds from the end of the play to the end of its jobs, at most."""
    sessions: int = 1
    call: str = "plain"
    """The kind of call, see `tests.endings.agents`."""
    options: dict[str, Any] = field(default_factory=dict)
    """What the job's metadata says besides."""
    settings: dict[str, str] = field(default_factory=dict)
    """More ``ANALYTICS_*`` variables."""
    worker: WorkerOptions = WorkerOptions()
    server: ServerOptions = ServerOptions()
    sink: Literal["directory", "s3"] = "directory"
    sure: bool = False
    """Whether the cause is always known: "unknown" is not enough."""
