"""From the journal of a dead process to a record in the spool."""

from __future__ import annotations

import threading

from .assembly import assemble, bare, parcel
from .delivery import Spool
from .delivery.journal import Orphan, orphans
from .delivery.losses import JOURNAL_UNREADABLE
from .desk import desk
from .log import logger
from .replay import Replay, Unusable, replayed
from .settings import Settings
from .writers import Parcel


def recover(spool: Spool, settings: Settings, stop: threading.Event | None = None) -> list[str]:
    """Make records of the journals that no living process holds.

    Each is spooled before its journal goes, and whoever drains the spool sends it. Of several
    processes that try at once, one succeeds.

    Args:
        spool: Where the journals are.
        settings: Where the records will go. What they may hold, and the environment's name, is in
            the journal.
        stop: Ends the pass before the next journal.

    Returns:
        Session ids of the records that were made.
    """
    recovered = []
    for orphan in orphans(spool):
        try:
            if stop is not None and stop.is_set():
                break
            if not orphan.orphaned:
                orphan.discard()  # its record is here, or somebody else was faster
            elif session_id := _recovered(orphan, spool, settings):
                recovered.append(session_id)
        except OSError as error:
            # The journal stays, and the next pass tries again.
            logger.error(
                "the journal %s could not be made into a record (%s)",
                orphan.path.name,
                error.strerror,
            )
        finally:
            orphan.release()
    return recovered


def _recovered(orphan: Orphan, spool: Spool, settings: Settings) -> str | None:
    lines = orphan.lines()
    try:
        with desk().seated():  # there may be a call in this process
            replay = replayed(lines, orphan.last_alive)
    except Unusable as error:
        dead = orphan.bury()
        spool.losses.add(JOURNAL_UNREADABLE)  # after: what cannot be put aside is met again
        logger.error(
            "the journal %s is unreadable (%s) and was put aside in %s",
            orphan.path.name,
            error,
            dead.parent,
        )
        return None
    record = record_of(replay, settings, lost_before=spool.losses.take())
    entry = spool.put(record, token=orphan.token)
    orphan.discard()
    entry.release()
    logger.warning(
        "session %s never reported its end: its record was recovered from its journal",
        replay.capture.session_id,
    )
    return replay.capture.session_id


def record_of(
    replay: Replay, settings: Settings, *, lost_before: int, words: bool = True
) -> Parcel:
    """The record of what a journal says.

    Args:
        replay: What it says.
        settings: Where the record will go.
        lost_before: Records that were lost before this one.
        words: Whether a separate transcript goes along.
    """
    as_it_was = replay.as_it_was(settings)
    if not words and as_it_was.transcript == "separate":
        as_it_was = as_it_was.model_copy(update={"transcript": "off"})
    with desk().seated():
        try:
            record = assemble(replay.capture, as_it_was, lost_before=lost_before)
        except Exception as error:
            logger.error("a recovered record holds times only (%s)", type(error).__name__)
            record = bare(replay.capture, as_it_was, 1)
        return parcel(record, as_it_was)
