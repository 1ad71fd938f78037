"""One shipment's way: on disk, held back, to every sink, and off the disk again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from ..errors import SinkError
from ..log import logger
from ..writers import Parcel
from .lineage import Busy
from .round import Round
from .shipment import Shipment
from .sinks import Sink
from .spool import Entry, Spool

# Pauses between attempts: short enough that a blip costs a blink, long enough that a sink which
# is down is not hammered. With jitter, so that many jobs do not come back at the same moment.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0

# Between two looks whether another process is done with an earlier revision.
_LOOK_SECONDS = 0.05


class Passage:
    """What a shipment's thread does. The thread calls its methods in their order.

    Args:
        spool: Where the parcel waits; None: in memory.
        sinks: Where it goes.
        shipment: What the sender sees of it.
        render: Makes the parcel.
    """

    def __init__(
        self,
        spool: Spool | None,
        sinks: Sequence[Sink],
        shipment: Shipment,
        render: Callable[[], Parcel],
    ) -> None:
        self.spooled = False
        """Whether the parcel is on disk, or was until every sink confirmed it."""
        self.delivered = False
        self._spool = spool
        self._sinks = sinks
        self._shipment = shipment
        self._render = render
        self._parcel: Parcel | None = None
        self._entry: Entry | None = None  # ours to release
        self._round: Round | None = None

    @property
    def lost(self) -> bool:
        """Whether the parcel is neither on disk nor with every sink, nor carried by another."""
        return not (self.spooled or self.delivered or self._shipment.superseded)

    def render(self) -> None:
        """Make the parcel and spool it, or make it anew and spool what is new in it."""
        parcel = self._render()
        if parcel == self._parcel:
            return
        self._parcel = parcel
        if entry := self._kept(parcel):
            self.release()
            self._entry = entry
            self.spooled = True
        # Else the file of what was there before stands in, if there is one.

    def send(self, budget: float) -> None:
        """Send to every sink at once, for so many seconds."""
        end = time.monotonic() + budget
        try:
            self._entry = self._newest(end)
        except Busy:
            return
        if self._parcel and not self._shipment.superseded:
            self._round = Round(self._parcel, self._sinks, self._spool, self._entry)
            self._entry = None
            self._round.begin(lambda sending, sink: self._attempts(sending, sink, end))
            self.delivered = self._round.wait(end - time.monotonic())

    def linger(self, seconds: float) -> bool:
        """Give attempts that outlast the budget more time; True where every sink has confirmed."""
        if not self._round:
            return False
        confirmed = self._round.wait(seconds)
        self._round.abandon()
        return confirmed

    def release(self) -> None:
        """Let go of the file, unless it is being sent."""
        if self._entry:
            self._entry.release()
            self._entry = None

    def log_end(self) -> None:
        """Say where the parcel is, unless all is well."""
        if self.delivered or self._shipment.superseded or not self._parcel:
            return
        session_id = self._parcel.session_id
        if self.spooled:
            logger.warning(
                "the analytics of session %s stay in the spool until the next session, prewarm "
                "or `livekit-analytics drain`",
                session_id,
            )
        else:
            logger.error(
                "the analytics of session %s are lost (memory): neither the disk nor every sink "
                "took them",
                session_id,
            )

    def _superseded(self) -> bool:
        return self._shipment.superseded

    def _kept(self, parcel: Parcel) -> Entry | None:
        """Spool the parcel; where the disk will not have it, it is sent from memory."""
        if self._spool is None:
            return None
        try:
            entry = self._shipment.lineage.put(self._spool, parcel, unless=self._superseded)
        except OSError as error:
            self._spool.note_disk(error)
            return None
        self._spool.note_disk(None)
        return entry

    def _newest(self, end: float) -> Entry | None:
        """Wait until nobody sends an earlier revision, and none is left on disk.

        Raises:
            Busy: Somebody still does.
        """
        if self._spool is None:
            return None
        lineage, names = self._shipment.lineage, [sink.name for sink in self._sinks]
        while True:
            try:
                return lineage.newest(self._spool, self._entry, names, unless=self._superseded)
            except Busy:
                left = end - time.monotonic()
                if left <= 0:
                    raise
                self._shipment.pause(min(_LOOK_SECONDS, left))

    def _attempts(self, sending: Round, sink: Sink, end: float) -> None:
        """Try one sink until it confirms, refuses for good, or the time is over."""
        shipment = self._shipment
        turn = shipment.lineage.turn(sink.name)
        if not turn.acquire(timeout=max(end - time.monotonic(), 0)):
            return
        try:
            pause = _FIRST_PAUSE
            while not shipment.superseded and time.monotonic() < end:
                try:
                    shipment.places[sink.name] = sending.send(sink)
                    return
                except SinkError as error:
                    if not error.retryable:
                        return
                jittered = random.uniform(pause / 2, pause)
                shipment.pause(min(jittered, end - time.monotonic()))
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            turn.release()
