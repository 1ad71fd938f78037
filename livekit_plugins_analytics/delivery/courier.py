"""Brings parcels to every sink: spool first, then all sinks at once, from threads of its own.

Daemon threads, never the event loop's default executor: the framework waits for that one when
a job's process ends, and a stuck call in it would hold the process.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import SinkError
from ..log import logger
from ..writers import Parcel, Writer
from .shipment import Hold, Shipment
from .spool import Entry, Spool

# Pauses between attempts: short enough that a blip costs a blink, long enough that a sink which
# is down is not hammered. Full jitter, so that many jobs do not come back at the same moment.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0

_NAMES = {"s3": "S3", "cloudwatch": "CloudWatch Logs", "directory": "the directory"}


@dataclass
class DrainReport:
    """What one pass over the spool did."""

    sent: list[str] = field(default_factory=list)
    """Session ids that every sink has confirmed."""
    kept: dict[str, str] = field(default_factory=dict)
    """Session ids that stay, each with the first sink's answer."""


class Courier:
    """Delivers parcels for one set of sinks.

    Args:
        spool: Where parcels wait; None: memory only, where no directory could be written.
        writers: The sinks.
        budget: Seconds in which sending one parcel is tried, from its submission on.
    """

    def __init__(self, spool: Spool | None, writers: Sequence[Writer], *, budget: float) -> None:
        self.spool = spool
        self.writers = list(writers)
        self.budget = budget
        self.lost = 0
        """Parcels that reached neither the disk nor every sink."""
        self._open: set[Shipment] = set()
        self._lock = threading.Lock()
        self._complained: dict[tuple[str, str], float] = {}
        self._sweeping = threading.Lock()

    def prepare(self, timeout: float | None = None) -> None:
        """Create the sinks' clients now, at most for ``timeout`` seconds; never raises."""
        threads = [_thread(f"prepare-{w.name}", self._prepare, w) for w in self.writers]
        end = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if end is None else max(end - time.monotonic(), 0))

    def submit(
        self,
        render: Callable[[], Parcel],
        *,
        hold: Hold | None = None,
        after: Shipment | None = None,
    ) -> Shipment:
        """Take a parcel; returns at once.

        Args:
            render: Makes the parcel, in the courier's thread; called again after the hold.
            hold: Keep it back, spooled, until this is released.
            after: The same session's earlier shipment: it ends before this one is sent.
        """
        shipment = Shipment(hold)
        with self._lock:
            self._open.add(shipment)
        if after:
            after.supersede()
        _thread("courier", self._run, shipment, render, after)
        return shipment

    def flush(self, timeout: float) -> None:
        """Wait for what is under way, at most ``timeout`` seconds; holds are released."""
        end = time.monotonic() + timeout
        with self._lock:
            shipments = list(self._open)
        for shipment in shipments:
            if shipment.hold:
                shipment.hold.release()
        for shipment in shipments:
            done = threading.Event()
            shipment.delivered.add_done_callback(lambda _, done=done: done.set())  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            done.wait(max(end - time.monotonic(), 0))

    def sweep(self) -> None:
        """Send what dead processes left behind, in a thread, unless that is under way already."""
        if self.spool and self.spool.paths():
            _thread("sweep", self._sweep)

    def drain(self, progress: Callable[[str], None] = lambda _: None) -> DrainReport:
        """Send every leftover once, oldest first, in the calling thread.

        A sink that fails is not asked again in this pass: one that is down gets one request,
        not one per record.

        Args:
            progress: Called with each session id that was dealt with.
        """
        report = DrainReport()
        failed: dict[str, SinkError] = {}
        if self.spool is None:
            return report
        with self._sweeping:
            for entry in self.spool.leftovers():
                answer = self._drain_one(entry, failed)
                if answer is None:
                    report.sent.append(entry.parcel.session_id)
                else:
                    report.kept[entry.parcel.session_id] = answer
                progress(entry.parcel.session_id)
        return report

    def _prepare(self, writer: Writer) -> None:
        try:
            writer.prepare()
        except SinkError as error:
            self._complain(error)
        except Exception as error:
            self._complain(_unexpected(writer, error))

    def _sweep(self) -> None:
        try:
            report = self.drain()
        except Exception:
            logger.exception("the spool could not be swept")
            return
        if report.sent:
            logger.info("Analytics of %d earlier sessions delivered", len(report.sent))

    def _run(
        self, shipment: Shipment, render: Callable[[], Parcel], after: Shipment | None
    ) -> None:
        """A shipment's whole way. Nothing it meets leaves its futures open."""
        delivered = False
        entry: Entry | None = None
        try:
            parcel = render()
            entry = self._keep(parcel)
            shipment.spooled.set_result(entry is not None)
            if shipment.hold:
                shipment.hold.wait()
                later = render()
                if later != parcel:
                    parcel, earlier = later, entry
                    entry = self._keep(parcel) or entry
                    if earlier and earlier is not entry:
                        earlier.release()
            if after:
                after.delivered.result()
            delivered = self._send(shipment, parcel, entry)
            if entry is None and not delivered and not shipment.superseded:
                self.lost += 1
                logger.error("the analytics of session %s are lost", parcel.session_id)
        except Exception:
            logger.exception("an analytics record could not be delivered")
            self.lost += entry is None
        finally:
            if entry:
                entry.release()
            with self._lock:
                self._open.discard(shipment)
            if not shipment.spooled.done():
                shipment.spooled.set_result(False)
            shipment.delivered.set_result(delivered)

    def _keep(self, parcel: Parcel) -> Entry | None:
        """Spool the parcel; where the disk will not have it, it is sent from memory."""
        if self.spool is None:
            return None
        try:
            return self.spool.put(parcel)
        except OSError as error:
            logger.error(
                "the spool took no analytics record (%s); it is kept in memory. "
                "Free the disk of %s or set ANALYTICS_SPOOL_DIRECTORY",
                error.strerror,
                self.spool.directory,
            )
            return None

    def _send(self, shipment: Shipment, parcel: Parcel, entry: Entry | None) -> bool:
        """Send to every sink at once; True when all have confirmed."""
        end = time.monotonic() + self.budget
        done: dict[str, bool] = {}
        threads = [
            _thread(f"send-{w.name}", self._send_one, w, shipment, parcel, entry, end, done)
            for w in self.writers
        ]
        for thread in threads:
            # A call that hangs is left to its thread; the spool has the record.
            thread.join(max(end - time.monotonic(), 0))
        confirmed = all(done.get(w.name) for w in self.writers)
        if confirmed and entry and self.spool:
            self.spool.remove(entry)
        elif entry and not shipment.superseded:
            logger.warning(
                "the analytics of session %s stay in the spool until the next session, prewarm "
                "or `livekit-analytics drain`",
                parcel.session_id,
            )
        return confirmed

    def _send_one(
        self,
        writer: Writer,
        shipment: Shipment,
        parcel: Parcel,
        entry: Entry | None,
        end: float,
        done: dict[str, bool],
    ) -> None:
        pause = _FIRST_PAUSE
        while not shipment.superseded:
            try:
                place = _write(writer, parcel)
            except SinkError as error:
                self._complain(error)
                left = end - time.monotonic()
                if not error.retryable or left <= 0:
                    return
            else:
                shipment.places[writer.name] = place
                self._confirmed(writer, place, entry)
                done[writer.name] = True
                return
            shipment.pause(min(random.uniform(pause / 2, pause), left))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _confirmed(self, writer: Writer, place: str, entry: Entry | None) -> None:
        if entry and self.spool and len(self.writers) > 1:
            self.spool.confirm(entry, writer.name)
        logger.info("Analytics uploaded to %s: %s", _NAMES.get(writer.name, writer.name), place)

    def _drain_one(self, entry: Entry, failed: dict[str, SinkError]) -> str | None:
        """Send one leftover to the sinks that lack it; the first failure's text, or None."""
        assert self.spool is not None
        confirmed = self.spool.confirmed(entry)
        answer: str | None = None
        try:
            for writer in self.writers:
                if writer.name in confirmed:
                    continue
                if writer.name in failed:
                    answer = answer or str(failed[writer.name])
                    continue
                try:
                    place = _write(writer, entry.parcel)
                except SinkError as error:
                    self._complain(error)
                    failed[writer.name] = error
                    answer = answer or str(error)
                else:
                    self._confirmed(writer, place, entry)
            if answer is None:
                self.spool.remove(entry)
        finally:
            entry.release()
        return answer

    def _complain(self, error: SinkError) -> None:
        """Log a sink's failure; the same one once a minute, the first time with the fix."""
        key = (error.sink, error.code)
        now = time.monotonic()
        if now - self._complained.get(key, float("-inf")) < 60:
            return
        self._complained[key] = now
        level = logger.warning if error.retryable else logger.error
        level("analytics sink %s", error)


def _write(writer: Writer, parcel: Parcel) -> str:
    """The sink's answer; a writer of somebody's own may raise anything."""
    try:
        return writer.write(parcel)
    except SinkError:
        raise
    except Exception as error:
        raise _unexpected(writer, error) from error


def _unexpected(writer: Writer, error: Exception) -> SinkError:
    """The type only: the text of an exception may hold what a log must not."""
    return SinkError(writer.name, type(error).__name__, retryable=False)


def _thread(name: str, target: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, name=f"analytics-{name}", daemon=True)
    thread.start()
    return thread
