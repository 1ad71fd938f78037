"""One pass over what dead processes, and deliveries that failed, left in the spool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SinkError
from .round import Round
from .sinks import Sink
from .spool import Entry, Spool


@dataclass
class DrainReport:
    """What one pass over the spool did."""

    sent: list[str] = field(default_factory=list)
    """Session ids that every sink has confirmed."""
    kept: dict[str, str] = field(default_factory=dict)
    """Session ids that stay, each with the first sink's answer."""
    held: list[str] = field(default_factory=list)
    """Session ids that another process, or another thread, is sending or keeping back."""
    unreadable: list[Path] = field(default_factory=list)
    """Files that were put aside, where they are now."""


def drain(
    spool: Spool,
    sinks: Sequence[Sink],
    budget: float,
    progress: Callable[[str], None],
    stop: threading.Event,
) -> DrainReport:
    """Send every leftover once, oldest first.

    A sink that fails is not asked again in this pass, so that one that is down gets one request,
    not one for each record, unless the failure is the record's own.

    Args:
        spool: Where they are.
        sinks: Where they go.
        budget: Seconds that one record may take.
        progress: Called with each session id that was dealt with.
        stop: Ends the pass before the next record.
    """
    report = DrainReport()
    failed: dict[str, SinkError] = {}
    names = [sink.name for sink in sinks]
    spool.tidy()
    for path in spool.paths():
        session_id = spool.session(path)
        lacking = set(names) - spool.confirmed(path, names)
        if lacking and lacking <= failed.keys():
            # Not even read: there may be thousands, in the process of a call.
            report.kept[session_id] = str(failed[min(lacking, key=names.index)])
        elif entry := spool.claim(path):
            session_id = entry.parcel.session_id
            if answer := _send(spool, entry, sinks, budget, failed):
                report.kept[session_id] = answer
            else:
                report.sent.append(session_id)
        elif dead := spool.buried(path):
            report.unreadable.append(dead)
        elif path.exists():
            report.held.append(session_id)
        progress(session_id)
        if stop.is_set():
            break
    return report


def _send(
    spool: Spool,
    entry: Entry,
    sinks: Sequence[Sink],
    budget: float,
    failed: dict[str, SinkError],
) -> str | None:
    """Send one leftover to the sinks that lack it; the first failure's text, or None."""
    having = spool.confirmed(entry.path, [sink.name for sink in sinks])
    sending = Round(entry.parcel, sinks, spool, entry, having)
    sending.begin(Round.send, without=failed)
    sending.wait(budget)
    # An answer for which the whole budget was too short is not waited for.
    sending.abandon()
    answers = []
    for name in sending.missing:
        error = sending.errors.get(name)
        if error is None:
            error = failed.get(name) or SinkError(name, "Timeout", retryable=True)
        answers.append(str(error))
        if not error.of_record:
            if not error.retryable and name not in failed:
                # Perhaps it is this record after all: not before all others, for ever.
                spool.postpone(entry)
            failed[name] = error
    return answers[0] if answers else None
