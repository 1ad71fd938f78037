"""A courier's sinks: writers that may be anybody's, kept from doing harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from ..desk import desk, hurried
from ..errors import SinkError
from ..log import logger
from ..writers import Parcel, Rehearsing, Writer

T = TypeVar("T")

_LABELS = {
    "s3": "S3",
    "cloudwatch": "CloudWatch Logs",
    "firehose": "Firehose",
    "webhook": "the webhook",
    "directory": "the directory",
}

# One line a minute says enough of a sink that is down.
_QUIET_SECONDS = 60.0


class Sink:
    """A writer under a name that no other sink of its courier has."""

    def __init__(self, name: str, writer: Writer) -> None:
        self.name = name
        self._writer = writer
        self._lock = threading.Lock()
        self._complained: dict[str, float] = {}

    def prepare(self) -> None:
        """Create what the writer needs; never raises."""
        self._get_ready(self._writer.prepare)

    def rehearse(self) -> None:
        """Have the writer rehearse, if it does; never raises."""
        if isinstance(self._writer, Rehearsing):
            self._get_ready(self._writer.rehearse)

    def write(self, parcel: Parcel) -> str:
        """Send the parcel.

        Raises:
            SinkError: Whatever the writer raised; it is logged.
        """
        try:
            with desk().errand():
                return self._guarded(lambda: self._writer.write(parcel))
        except SinkError as error:
            self._complain(error)
            raise

    def log(self, place: str) -> None:
        """Say where the parcel is."""
        logger.info("Analytics uploaded to %s: %s", _LABELS.get(self.name, self.name), place)

    def _get_ready(self, how: Callable[[], None]) -> None:
        try:
            with hurried():  # where jobs are threads, there may be calls in this process
                self._guarded(how)
        except SinkError as error:
            self._complain(error)

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except SinkError:
            raise
        except BaseException as error:  # sys.exit() too: it would end our thread without a word
            # The type only: the text of an exception may hold what a log must not.
            raise SinkError(self.name, type(error).__name__, retryable=False) from None

    def _complain(self, error: SinkError) -> None:
        """Log a failure with its fix, the same one once a minute."""
        now = time.monotonic()
        with self._lock:
            if now - self._complained.get(error.code, float("-inf")) < _QUIET_SECONDS:
                return
            self._complained[error.code] = now
        level = logger.warning if error.retryable else logger.error
        level("analytics sink %s", error)


def named(writers: Iterable[Writer]) -> list[Sink]:
    """The writers as sinks; a second one of a name is ``name-2``, and so on."""
    sinks: dict[str, Sink] = {}
    for writer in writers:
        name, count = writer.name, 1
        while name in sinks:
            count += 1
            name = f"{writer.name}-{count}"
        sinks[name] = Sink(name, writer)
    return list(sinks.values())
