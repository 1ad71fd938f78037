"""Brings parcels to every sink: spool first, then all sinks at once, from threads of its own."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..desk import hurried
from ..log import logger
from ..writers import CONNECTIONS, Parcel, Writer
from .losses import MEMORY, Losses
from .passage import Passage
from .shipment import Hold, Shipment
from .sinks import named
from .spool import Spool
from .threads import start, start_soon

if TYPE_CHECKING:
    from .drain import DrainReport


def _no_sweep() -> None:
    """Say so."""
    logger.warning("the spool is not swept: the system gives no more threads")


class Courier:
    """Delivers parcels for one set of sinks. Any thread may call it.

    Args:
        spool: Where parcels wait, or what opens it: called once, in a thread of the courier's.
            None: memory only, where no directory could be written.
        writers: The sinks.
        budget: Seconds in which sending one parcel is tried, from the moment sending begins.
        others: Finds further spools in which dead processes may have left something; asked at each
            pass.
    """

    def __init__(
        self,
        spool: Spool | Callable[[], Spool | None] | None,
        writers: Sequence[Writer],
        *,
        budget: float,
        others: Callable[[], Sequence[Spool]] = tuple,
    ) -> None:
        self.budget = budget
        self._sinks = named(writers)
        self._others = others
        # Of this process, where there is no disk to count on.
        self._losses = Losses(None)
        self._open: set[Shipment] = set()
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._given = spool
        self._draining = threading.Lock()
        self._ending = threading.Event()

    @property
    def spool(self) -> Spool | None:
        """The spool. The first to ask may wait for the disk."""
        with self._opening:
            if not callable(self._given):
                return self._given
            try:
                self._given = self._given()
            except Exception as error:
                logger.error("the spool cannot be opened (%s)", type(error).__name__)
                self._given = None
            return self._given

    @property
    def on_disk(self) -> bool:
        """Whether there is to be a spool. Asks no disk."""
        return self._given is not None

    @property
    def losses(self) -> Losses:
        """What did not reach every sink. The first to ask may wait for the disk."""
        return self.spool.losses if self.spool else self._losses

    def take_losses(self) -> int:
        """How many losses no record has told yet; the caller's does. It waits for the disk."""
        counts = [self.losses, *(spool.losses for spool in self._others())]
        return sum(losses.take() for losses in counts)

    def prepare(self, timeout: float | None = None) -> None:
        """Open the spool and create the sinks' clients now; never raises.

        Args:
            timeout: The longest that is waited for, in seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        threads = []
        try:
            # A spool that cannot be used is told now, not at the end of the first call.
            threads.append(start("open-spool", lambda: self.spool))
            for sink in self._sinks:
                threads.append(start(f"prepare-{sink.name}", sink.prepare))
        except RuntimeError:
            logger.warning("analytics sinks are not prepared: the system gives no more threads")
        for thread in threads:
            thread.join(None if end is None else max(end - time.monotonic(), 0))

    def rehearse(self) -> None:
        """Have the sinks do what else they can before the first record; never raises.

        For a thread: it may wait for the network, which credentials of a role come from.
        """
        for sink in self._sinks:
            sink.rehearse()

    def submit(
        self,
        render: Callable[[], Parcel],
        *,
        hold: Hold | None = None,
        after: Shipment | None = None,
        token: str | None = None,
    ) -> Shipment:
        """Take a parcel; returns at once and never raises.

        Args:
            render: Makes the parcel, in the courier's thread; called again after the hold.
            hold: Keep it back, spooled, until this is released.
            after: The same session's earlier shipment: nothing of it arrives after this one.
            token: Of the session's journal, which goes when the record is safe.
        """
        shipment = Shipment(hold, after, token)
        with self._lock:
            self._open.add(shipment)

        def only_spool() -> None:
            # Better a blocked moment than a lost record. Who sweeps next will send it.
            logger.error("the system gives no more threads: an analytics record is only spooled")
            self._run(shipment, render, send=False)

        start_soon("courier", lambda: self._run(shipment, render), only_spool)
        return shipment

    def flush(self, timeout: float) -> None:
        """At the process' end: wait for what is under way, at most ``timeout`` seconds.

        Holds are released, and a pass over the spool ends with the record that it is at.
        """
        end = time.monotonic() + timeout
        self._ending.set()
        with self._lock:
            shipments = list(self._open)
        for shipment in shipments:
            if shipment.hold:
                shipment.hold.release()
        concurrent.futures.wait([s.delivered for s in shipments], timeout)
        if self._draining.acquire(timeout=max(end - time.monotonic(), 0)):
            self._draining.release()

    def sweep(self, first: Callable[[Spool], object] = lambda _: None) -> None:
        """Send what dead processes left behind, in a thread, unless that is under way already.

        Args:
            first: Called in that thread, with the spool, before it is read.
        """
        start_soon("sweep", lambda: self.sweep_now(first), _no_sweep)

    def sweep_now(self, first: Callable[[Spool], object] = lambda _: None) -> DrainReport | None:
        """The same, in this thread; never raises. None where it could not be done now."""
        if not self._draining.acquire(blocking=False):
            return None
        try:
            for spool in self._spools():
                first(spool)
            # One after another: there may be a call in this process.
            report = self._drain(lambda _: None, at_once=1)
        except Exception as error:
            logger.error("the spool could not be swept (%s)", type(error).__name__)
            return None
        finally:
            self._draining.release()
        if report.sent:
            logger.info("Analytics of %d earlier sessions delivered", len(report.sent))
        return report

    def drain(self, progress: Callable[[str], None] = lambda _: None) -> DrainReport:
        """Send every leftover once, oldest first; returns when that is done.

        A sink that fails is not asked again in this pass: one that is down gets one request,
        not one per record. Of many leftovers several are under way at once.

        Args:
            progress: Called with each session id that was dealt with.

        Raises:
            OSError: The spool cannot be read.
        """
        with self._draining:
            return self._drain(progress, at_once=CONNECTIONS)

    def _drain(self, progress: Callable[[str], None], at_once: int) -> DrainReport:
        from .drain import drain  # not above: for a thread that nobody waits for

        return drain(
            self._spools(), self._sinks, self.budget, progress, self._ending, at_once=at_once
        )

    def _spools(self) -> list[Spool]:
        return [*([self.spool] if self.spool else []), *self._others()]

    def _run(self, shipment: Shipment, render: Callable[[], Parcel], send: bool = True) -> None:
        """A shipment's whole way. Nothing it meets leaves its futures open."""
        passage = Passage(self.spool, self._sinks, shipment, render)
        try:
            with hurried():
                passage.render()
            shipment.spooled.set_result(passage.spooled)
            if send:
                if shipment.hold:
                    shipment.hold.wait()
                with hurried():  # the sinks' threads as well
                    if shipment.hold:
                        self._render_again(shipment, passage)
                    passage.send(self.budget)
            passage.log_end()
        except BaseException as error:  # whatever it is, somebody waits for the end
            logger.error("an analytics record could not be sent (%s)", type(error).__name__)
        passage.release()
        lost = passage.lost
        if lost:
            self.losses.add(MEMORY)
        with self._lock:
            self._open.discard(shipment)
        if not shipment.spooled.done():
            shipment.spooled.set_result(False)
        shipment.delivered.set_result(passage.delivered)
        if passage.linger(self.budget) and lost:
            self.losses.add(MEMORY, -1)

    def _render_again(self, shipment: Shipment, passage: Passage) -> None:
        """Take what came during the hold."""
        if shipment.superseded:
            return
        try:
            passage.render()
        except Exception as error:
            logger.error("what came after a call's end is missing (%s)", type(error).__name__)
