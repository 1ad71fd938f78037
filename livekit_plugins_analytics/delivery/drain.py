"""One pass over what dead processes, and deliveries that failed, left in the spool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SinkError
from .limits import enforce
from .losses import REFUSED
from .pool import Pool
from .round import Round
from .sinks import Sink
from .spool import Entry, Spool

# So many records go one after another before several go at once: an outage that has not ended is
# met by a single request, and what a few calls left arrives in their order.
CAREFUL = 16


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
    *,
    at_once: int = 1,
) -> DrainReport:
    """Send every leftover once, oldest first; then give up what is beyond a spool's limits.

    A sink that fails is not asked again in this pass, so that one that is down gets one request,
    not one for each record, unless the failure is the record's own. Where it fails in the middle
    of a pass that sends several records at a time, those that are under way have asked it too.

    Args:
        spools: Where they are.
        sinks: Where they go.
        budget: Seconds that one record may take.
        progress: Called with each session id that was dealt with, in their order.
        stop: Ends the pass before the next record.
        at_once: How many records may be under way, of as many sessions. They set out oldest
            first, the first `CAREFUL` one after another; so do all after a failure.
    """
    report = DrainReport()
    failed: dict[str, SinkError] = {}
    for spool in spools:
        _Pass(spool, sinks, budget, progress, stop, at_once, failed, report).run()
        if stop.is_set():
            break
        for session_id, reason in enforce(spool, report.kept).items():
            report.kept.pop(session_id, None)
            report.given_up[session_id] = reason
    return report


class _Pass:
    """One pass over one spool. The threads of the rounds send; all else is done in this one."""

    def __init__(
        self,
        spool: Spool,
        sinks: Sequence[Sink],
        budget: float,
        progress: Callable[[str], None],
        stop: threading.Event,
        at_once: int,
        failed: dict[str, SinkError],
        report: DrainReport,
    ) -> None:
        self._spool = spool
        self._sinks = sinks
        self._names = [sink.name for sink in sinks]
        self._budget = budget
        self._progress = progress
        self._stop = stop
        self._at_once = at_once
        self._failed = failed
        self._report = report
        self._pool = Pool()
        self._under_way: deque[_Sending] = deque()
        self._in_a_row = 0
        """How many records every sink has confirmed since the last that one of them did not."""

    def run(self) -> None:
        """Send what waits."""
        try:
            self._run()
        finally:
            self._pool.close()

    def _run(self) -> None:
        self._spool.tidy()
        for path in self._spool.paths():
            # Those of one session go one after another: the last one wins where it is stored.
            session = self._spool.session(path)
            while self._full or any(each.session == session for each in self._under_way):
                self._finish_oldest()
            if self._stop.is_set():
                break
            self._begin(path, session)
        while self._under_way:
            self._finish_oldest()

    @property
    def _full(self) -> bool:
        width = self._at_once if self._in_a_row >= CAREFUL else 1
        return len(self._under_way) >= width

    def _begin(self, path: Path, session: str) -> None:
        spool, report = self._spool, self._report
        if answer := self._hopeless(path):
            self._under_way.append(_Sending(session, session, kept=answer))
        elif entry := spool.claim(path):
            having = spool.confirmed(entry.path, self._names)
            sending = Round(entry.parcel, self._sinks, spool, entry, having, self._pool)
            sending.begin(Round.send, without=dict(self._failed))
            end = time.monotonic() + self._budget
            self._under_way.append(
                _Sending(session, entry.parcel.session_id, entry=entry, sending=sending, end=end)
            )
        else:
            if dead := spool.buried(path):
                report.unreadable.append(dead)
            elif path.exists():
                report.held.append(session)
            self._under_way.append(_Sending(session, session))

    def _hopeless(self, path: Path) -> str | None:
        """The answer that each sink which lacks it would give again.

        The file is not even read: there may be thousands, in the process of a call.
        """
        if not self._failed:
            return None
        lacking = set(self._names) - self._spool.confirmed(path, self._names)
        if lacking and lacking <= self._failed.keys():
            return str(self._failed[min(lacking, key=self._names.index)])
        return None

    def _finish_oldest(self) -> None:
        """Wait for the record that has been under way for longest, and report it."""
        one = self._under_way.popleft()
        if one.kept is not None:
            self._report.kept[one.session_id] = one.kept
        elif one.entry and one.sending:
            self._finish(one, one.entry, one.sending)
        self._progress(one.session_id)

    def _finish(self, one: _Sending, entry: Entry, sending: Round) -> None:
        sending.wait(one.end - time.monotonic())
        # An answer for which the whole budget was too short is not waited for.
        sending.abandon()
        answers, final = self._answers(entry, sending)
        if not answers:
            self._in_a_row += 1
            self._report.sent.append(one.session_id)
            return
        self._in_a_row = 0
        if final and _given_up(self._spool, entry, answers[0]):
            self._report.given_up[one.session_id] = f"{REFUSED}: {answers[0]}"
        else:
            self._report.kept[one.session_id] = answers[0]

    def _answers(self, entry: Entry, sending: Round) -> tuple[list[str], bool]:
        """What the sinks answered that did not take a record, and whether none ever will."""
        failed = self._failed
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
                    self._spool.postpone(entry)
                failed[name] = error
        return answers, final


@dataclass
class _Sending:
    """A record that is under way, or that needs no sending."""

    session: str
    """By its file's name."""
    session_id: str
    kept: str | None = None
    """Why it is not sent."""
    entry: Entry | None = None
    sending: Round | None = None
    end: float = 0.0
    """Until when it is waited for."""


def _given_up(spool: Spool, entry: Entry, answer: str) -> bool:
    """Put a record aside that nobody waits for any more, unless another process was faster."""
    again = spool.claim(entry.path)
    return again is not None and spool.bury(again, REFUSED, answer)
