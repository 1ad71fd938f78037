"""What came of an ending, and what is wrong with that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.endings.ending import By, Ending
from tests.endings.remains import Upload
from tests.endings.stage import Stage

# What is that young when a process is killed may be lost: the journal gathers for so long (0.2 s),
# and the machine is busy.
_KEPT_SECONDS = 1.0


@dataclass(frozen=True)
class Delivery:
    """One session's record, and how it arrived."""

    session_id: str
    close_reason: str | None
    close_event_seen: bool
    record_status: str
    end_cause: str
    revision: int
    after_trigger: float
    """Seconds from what ended the call."""
    after_end: float | None
    """Seconds from the end of the job's process, or from the start of the worker or the drain
    that delivered; None: the job's own process did."""
    by: By


@dataclass
class Help:
    """When those came who deliver after an ending what it has left."""

    since: dict[By, float] = field(default_factory=dict)
    """Unix seconds at which they were started."""
    drained_at: float = 0.0
    """When the drain had ended."""


@dataclass(frozen=True)
class Outcome:
    """What came of an ending."""

    ending: Ending
    deliveries: list[Delivery] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """What the whole took."""

    @property
    def passed(self) -> bool:
        """Whether all is as it has to be."""
        return not self.problems


def outcome(stage: Stage, help_: Help, seconds: float) -> Outcome:
    """Judge what an ending left.

    Args:
        stage: Where it took place; everything is over there.
        help_: Who came after the ending.
        seconds: What the whole took.
    """
    ending = stage.ending
    records = stage.remains.records()
    deliveries = [
        _delivery(stage, record, _first(stage, place), help_)
        for place, record in sorted(records.items(), key=lambda item: str(item[1]["start_time"]))
    ]
    problems = [problem for d in deliveries for problem in _wrong(ending, d)]
    if len(deliveries) != ending.sessions:
        problems.append(f"{len(deliveries)} records of {ending.sessions} sessions")
    for room, at in stage.booked.items():
        of_room = [r for r in records.values() if r["room_name"] == room]
        long_ago = stage.triggers[0] - at > _KEPT_SECONDS
        if of_room and long_ago and not any(map(_knows, of_room)):
            problems.append("no record knows who called, the state and the booked meeting")
    places = [u.place for u in stage.remains.uploads]
    for place, record in records.items():
        if (times := places.count(place)) > record["revision"]:
            problems.append(f"delivered {times} times, though revision {record['revision']}")
    if ending.options.get("raises") and not stage.wire.all("raises"):
        problems.append("nothing raised: this ending was not produced")
    if leftovers := stage.remains.leftovers():
        problems.append(f"left in the spool: {', '.join(leftovers)}")
    return Outcome(ending, deliveries, problems, seconds)


def _knows(record: dict[str, Any]) -> bool:
    """Whether a record has what the agent and its tool said during the call."""
    booked = [t.get("meeting_booked") for t in record["tool_calls"] if t["status"] == "done"]
    user, state = record["user_email"], record["conversation_state"]
    return (user, state) == ("user@company.com", "DISCOVERY") and True in booked


def _first(stage: Stage, place: str) -> Upload | None:
    """Who delivered it first; None: whoever does not speak to us, the drain."""
    return next((u for u in stage.remains.uploads if u.place == place), None)


def _delivery(stage: Stage, record: dict[str, Any], upload: Upload | None, help_: Help) -> Delivery:
    by = _by(stage, record, upload)
    at = upload.at if upload else help_.drained_at
    ends = [end for job in stage.remains.jobs if (end := stage.remains.ended_at(job))]
    since: float | None = None
    if by == "sweep":
        since = max((e for e in ends if e <= at), default=None)
    elif by != "live":
        since = help_.since.get(by)
    before = [t for t in stage.triggers if t <= at] or stage.triggers[:1]
    return Delivery(
        session_id=record["session_id"],
        close_reason=record["close_reason"],
        close_event_seen=record["completeness"]["close_event_seen"],
        record_status=record["record_status"],
        end_cause=record["end_cause"],
        revision=record["revision"],
        after_trigger=at - before[-1],
        after_end=None if since is None else at - since,
        by=by,
    )


def _by(stage: Stage, record: dict[str, Any], upload: Upload | None) -> By:
    if upload is None:
        return "drain"
    # In a thread, the job's process is the worker's, which sweeps as well.
    own = [job for job in stage.remains.jobs if job.pid == upload.pid]
    if own and record["record_status"] != "recovered":
        return "live"
    return "sweep" if upload.group == stage.groups[0] else "next worker"


def _wrong(ending: Ending, delivery: Delivery) -> list[str]:
    """What a delivery should not be."""
    causes = ending.causes if ending.sure else ending.causes | {"unknown"}
    problems = [
        f"{name} {value!r}, not {_listed(right)}"
        for name, value, right in (
            ("end_cause", delivery.end_cause, causes),
            ("record_status", delivery.record_status, ending.statuses),
            ("close_reason", delivery.close_reason, ending.closes),
            ("delivered by", delivery.by, ending.by),
        )
        if value not in right
    ]
    if delivery.close_event_seen != (delivery.close_reason is not None):
        problems.append(f"close_event_seen {delivery.close_event_seen}")
    late = delivery.after_trigger if delivery.after_end is None else delivery.after_end
    if late > ending.within:
        problems.append(f"delivered after {late:.1f} s, not within {ending.within:g} s")
    return problems


def _listed(values: frozenset[Any]) -> str:
    return " or ".join(sorted(repr(v) for v in values))
