"""One pass over what dead processes, and deliveries that failed, left in the spool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SinkError
from .limits import enforce
from .losses import REFUSED
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
    """Files that nobody can read, where they were put aside."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Session ids that were put aside, each with the reason."""


def drain(
    spools: Iterable[Spool],
    sinks: Sequence[Sink],
    budget: float,
    progress: Callable[[str], None],
    stop: threading.Event,
) -> DrainReport:
    """Send every leftover once, oldest first; then give up what is beyond a spool's limits.

    A sink that fails is not asked again in this pass, so that one that is down gets one request,
    not one for each record, unless the failure is the record's own.

    Args:
        spools: Where they are.
        sinks: Where they go.
        budget: Seconds that one record may take.
        progress: Called with each session id that was dealt with.
        stop: Ends the pass before the next record.
    """
    report = DrainReport()
    failed: dict[str, SinkError] = {}
    for spool in spools:
        _drain(spool, sinks, budget, progress, stop, failed, report)
        if stop.is_set():
            break
        for session_id, reason in enforce(spool, report.kept).items():
            report.kept.pop(session_id, None)
            report.given_up[session_id] = reason
    return report


def _drain(
    spool: Spool,
    sinks: Sequence[Sink],
    budget: float,
    progress: Callable[[str], None],
    stop: threading.Event,
    failed: dict[str, SinkError],
    report: DrainReport,
) -> None:
    """Send what waits in one spool."""
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
            answers, final = _send(spool, entry, sinks, budget, failed)
            if not answers:
                report.sent.append(session_id)
            elif final and _given_up(spool, entry, answers[0]):
                report.given_up[session_id] = f"{REFUSED}: {answers[0]}"
            else:
                report.kept[session_id] = answers[0]
        elif dead := spool.buried(path):
            report.unreadable.append(dead)
        elif path.exists():
            report.held.append(session_id)
        progress(session_id)
        if stop.is_set():
            break


def _send(
    spool: Spool,
    entry: Entry,
    sinks: Sequence[Sink],
    budget: float,
    failed: dict[str, SinkError],
) -> tuple[list[str], bool]:
    """Send one leftover to the sinks that lack it.

    Returns:
        What those answered that did not take it, and whether none of them ever will.
    """
    having = spool.confirmed(entry.path, [sink.name for sink in sinks])
    sending = Round(entry.parcel, sinks, spool, entry, having)
    sending.begin(Round.send, without=failed)
    sending.wait(budget)
    # An answer for which the whole budget was too short is not waited for.
    sending.abandon()
    answers, final = [], True
    for name in sending.missing:
        error = sending.errors.get(name)
        if error is None:
            error = failed.get(name) or SinkError(name, "Timeout", retryable=True)
        answers.append(str(error))
        final = final and error.final
        if not error.of_record:
            if not error.retryable and name not in failed:
                # Perhaps it is this record after all: not before all others, for ever.
                spool.postpone(entry)
            failed[name] = error
    return answers, final


def _given_up(spool: Spool, entry: Entry, answer: str) -> bool:
    """Put a record aside that nobody waits for any more, unless another process was faster."""
    again = spool.claim(entry.path)
    return again is not None and spool.bury(again, REFUSED, answer)
