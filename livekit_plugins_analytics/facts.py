"""Who and where a session is: what is known when the recorder is attached."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit import agents

from .session_id import MAX_SESSION_ID, safe_session_id

if TYPE_CHECKING:
    from livekit.agents import AgentSession, JobContext


@dataclass(frozen=True)
class Facts:
    """The job that a session belongs to; all null for a session outside of a job."""

    job_id: str | None = None
    room_name: str | None = None
    room_sid: str | None = None
    agent_name: str | None = None
    worker_id: str | None = None
    simulated: bool = True
    redaction: bool = False
    """The project or the session has its data redacted: what was said is not for export."""
    sdk_version: str = agents.__version__

    @classmethod
    def of(cls, ctx: JobContext | None) -> Facts:
        """Read them from the job itself: its room's sid is there before any connection."""
        if ctx is None:
            return cls()
        job = ctx.job
        return cls(
            job_id=_text(job.id),
            room_name=_text(job.room.name),
            room_sid=_text(job.room.sid),
            agent_name=_text(job.agent_name),
            worker_id=_text(ctx.worker_id),
            simulated=_simulated(ctx),
            redaction=job.enable_redaction is True,
        )

    def session_id(self) -> str:
        """``{room sid}-{job id}``, unique by itself; with a random part where it would not be."""
        parts = [p for p in (self.room_sid, self.job_id) if p]
        if self.simulated or len(parts) < 2:
            parts = [*parts, uuid.uuid4().hex[:12]] if parts else [f"local-{uuid.uuid4().hex}"]
        return safe_session_id("-".join(parts))


def redaction_wanted(session: AgentSession[Any]) -> bool:
    """Whether the session was started with ``record={"redaction": True}``; before, it is not."""
    options = session.options.recording_options
    return bool(options and options.get("redaction"))


def numbered(session_id: str, number: int) -> str:
    """The id of a job's second, third, ... session."""
    if number == 1:
        return session_id
    suffix = f"-{number}"
    return session_id[: MAX_SESSION_ID - len(suffix)] + suffix


def _text(value: Any) -> str | None:
    """A text that says something; a fake job's room is a mock whose every attribute is one."""
    return value if isinstance(value, str) and value else None


def _simulated(ctx: JobContext) -> bool:
    return ctx.is_fake_job() or ctx.simulation_context() is not None


def current_trace_id() -> str | None:
    """The trace of the span that is current here: 32 hexadecimal digits, None where there is none.

    The framework makes a span for each job and each session, in which their events are emitted.
    """
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
