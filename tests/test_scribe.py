"""The journal is kept by a thread of its own, and whatever the disk does, the call goes on."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from livekit_plugins_analytics import Settings
from livekit_plugins_analytics.call import Capture, Remarks
from livekit_plugins_analytics.checkpoint import Checkpoints
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.delivery.journal import Full, Journal, lines_of, orphans
from livekit_plugins_analytics.delivery.names import new_token
from livekit_plugins_analytics.pages import Pages
from livekit_plugins_analytics.replay import replayed
from livekit_plugins_analytics.scribe import Logbook
from livekit_plugins_analytics.testing import MemoryWriter

from .journal_chaos import call

PATIENCE = 30.0
SETTINGS = Settings(transcript="on")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def book(spool: Spool | None, session_id: str = "RM_1-AJ_1") -> Logbook:
    return Logbook(session_id, SETTINGS, lambda: spool)


def pages_of(spool: Spool) -> int:
    """How many messages the only journal holds."""
    (path,) = spool.journals()
    return len(replayed(lines_of(path), 1.0).capture.said)


def until(true: Callable[[], object]) -> None:
    """Wait for what the thread does; nobody announces a file."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def scribes() -> int:
    return sum(t.name == "analytics-scribe" for t in threading.enumerate())


def test_a_thread_writes_what_is_kept_and_ends_with_the_last_call(spool: Spool) -> None:
    first, second = book(spool, "one"), book(spool, "two")
    for number in range(1, 4):
        first.keep(call("one", number))
        second.keep(call("two", number))
    until(lambda: len(spool.journals()) == 2)
    until(
        lambda: all(
            len(replayed(lines_of(path), 1.0).capture.said) == 3 for path in spool.journals()
        )
    )
    assert scribes() == 1

    first.close(safe=True)
    until(lambda: len(spool.journals()) == 1)
    second.close(safe=True)
    until(lambda: not spool.journals() and not scribes())


def test_a_call_whose_record_is_nowhere_leaves_its_journal(spool: Spool) -> None:
    logbook = book(spool)
    logbook.keep(call("RM_1-AJ_1", 2))
    logbook.close(safe=False)
    until(lambda: spool.journals() and not scribes())
    (orphan,) = orphans(spool)
    assert orphan.orphaned and orphan.token == logbook.token
    assert orphan.session == "RM_1-AJ_1"
    orphan.discard()
    assert spool.journals() == []


def test_what_comes_after_the_end_is_not_kept(spool: Spool) -> None:
    logbook = book(spool)
    logbook.write(call("RM_1-AJ_1", 1))
    logbook.close(safe=True)
    logbook.close(safe=False)
    logbook.finish(True)
    logbook.keep(call("RM_1-AJ_1", 2))
    logbook.write(call("RM_1-AJ_1", 2))
    assert spool.journals() == []


def test_without_a_spool_there_is_no_journal() -> None:
    logbook = book(None)
    logbook.write(call("RM_1-AJ_1", 1))
    logbook.beat()
    logbook.finish(False)
    assert logbook.failures == 0


def test_a_disk_that_fails_is_named_once_and_caught_up_with(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    logbook = book(spool)
    shutil.rmtree(spool.directory)
    for number in (1, 2):
        logbook.write(call("RM_1-AJ_1", number))
    assert logbook.failures == 2
    (message,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "RM_1-AJ_1" in message and "not kept up" in message

    spool.directory.mkdir(mode=0o700)
    logbook.write(call("RM_1-AJ_1", 3))
    assert pages_of(spool) == 3
    logbook.finish(True)


def test_a_journal_grows_only_so_far(spool: Spool) -> None:
    journal = Journal(spool, "s", new_token(), b"first\n", limit=20)
    journal.append(b"second\n")
    with pytest.raises(Full):
        journal.append(b"this is too much\n")
    journal.append(b"third\n")
    assert lines_of(journal.path) == [b"first", b"second", b"third"]
    assert journal.size == journal.path.stat().st_size
    journal.discard()


def test_a_sign_of_life_is_the_files_own_time(spool: Spool) -> None:
    logbook = book(spool)
    logbook.write(call("RM_1-AJ_1", 1))
    (path,) = spool.journals()
    before = path.stat()
    logbook.beat()
    assert path.stat().st_mtime_ns > before.st_mtime_ns
    assert path.stat().st_size == before.st_size
    logbook.finish(True)


def test_what_a_full_disk_cut_off_costs_no_other_line(spool: Spool) -> None:
    journal = Journal(spool, "s", new_token(), b'{"f":"journal","v":1}\n')
    journal._torn = True  # as after a write that the disk took half of
    with journal.path.open("ab") as file:
        file.write(b'{"f":"dropped","v"')
    journal._file.seek(0, 2)
    journal.append(b'{"f":"dropped","v":2}\n')
    assert lines_of(journal.path)[-1] == b'{"f":"dropped","v":2}'
    journal.discard()


def test_names_of_sessions_that_are_no_names_of_files(spool: Spool) -> None:
    journal = Journal(spool, "a/b", new_token(), b"x\n")
    assert journal.path.parent == spool.directory
    journal.leave()
    (orphan,) = orphans(spool)
    assert orphan.session.startswith("=")
    orphan.discard()


def test_one_call_that_cannot_be_written_costs_no_other(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Spool | None:
        raise ValueError("secret words")

    bad, good = Logbook("bad", SETTINGS, broken), book(spool, "good")
    bad.keep(call("bad", 1))
    good.keep(call("good", 1))
    until(lambda: len(spool.journals()) == 1)
    bad.close(safe=True)
    good.close(safe=True)
    until(lambda: not scribes())
    assert "ValueError" in caplog.text and "secret words" not in caplog.text


# -- what may be told changes


def heard(number: int, consent: bool | None) -> Capture:
    plain = call("RM_1-AJ_1", number)
    return dataclasses.replace(plain, remarks=Remarks(consent=consent, consent_at=2.0))


GATE = Settings(transcript="on", content_consent="required")


def words_of(spool: Spool) -> list[str | None]:
    (path,) = spool.journals()
    said = replayed(lines_of(path), 1.0).capture.said
    return [each.line().text for each in said]


def test_a_grant_brings_the_words_and_a_withdrawal_takes_them_away(spool: Spool) -> None:
    logbook = Logbook("RM_1-AJ_1", GATE, lambda: spool)
    logbook.write(heard(1, None))
    (path,) = spool.journals()
    assert words_of(spool) == [None]

    logbook.write(heard(2, True))
    assert None not in words_of(spool) and len(words_of(spool)) == 2
    logbook.write(heard(3, True))
    words = [text.encode() for text in words_of(spool) if text]
    assert len(words) == 3

    logbook.write(heard(3, False))
    assert spool.journals() == [path]
    assert words_of(spool) == [None] * 3
    assert not any(text in path.read_bytes() for text in words)
    # It is still this process' own, and goes on.
    assert list(orphans(spool)) == []
    logbook.write(heard(4, False))
    assert words_of(spool) == [None] * 4
    logbook.finish(False)
    (orphan,) = orphans(spool)
    assert orphan.orphaned
    orphan.discard()


def test_where_the_disk_is_full_the_words_go_all_the_same(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    logbook = Logbook("RM_1-AJ_1", GATE, lambda: spool)
    logbook.write(heard(1, True))
    (path,) = spool.journals()
    before = path.read_bytes()

    # No file can be made in a directory that is gone, and the journal is still open.
    moved = tmp_path / "moved"
    spool.directory.rename(moved)
    logbook.write(heard(1, False))
    assert logbook.failures == 1
    moved.rename(spool.directory)
    assert path.read_bytes() == before  # nobody could reach it

    logbook.write(heard(2, False))
    assert words_of(spool) == [None] * 2
    logbook.finish(True)


def test_a_grant_that_cannot_be_written_costs_nothing_that_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    logbook = Logbook("RM_1-AJ_1", GATE, lambda: spool)
    logbook.write(heard(1, None))
    moved = tmp_path / "moved"
    spool.directory.rename(moved)
    logbook.write(heard(1, True))
    assert logbook.failures == 1
    moved.rename(spool.directory)
    logbook.write(heard(2, True))
    assert len(words_of(spool)) == 2 and None not in words_of(spool)
    logbook.finish(True)


def test_the_last_checkpoint_is_replaced_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    memory = MemoryWriter()
    settings = GATE.model_copy(update={"checkpoint_seconds": 3600.0})
    checkpoints = Checkpoints(settings, memory)
    journal = Journal(spool, "RM_1-AJ_1", new_token(), Pages(settings).lines(call("RM_1-AJ_1", 1)))
    checkpoints.hurry()  # nothing has been sent: there is nothing to replace
    checkpoints.look(journal.path, journal.size)
    assert memory.parcels == []
    first = Checkpoints(settings.model_copy(update={"checkpoint_seconds": 0.0}), memory)
    first.look(journal.path, journal.size)
    memory.wait(1)
    first.hurry()
    until(lambda: _sent_again(first, journal, memory))
    journal.discard()


def _sent_again(checkpoints: Checkpoints, journal: Journal, memory: MemoryWriter) -> bool:
    checkpoints.look(journal.path, journal.size)
    return len(memory.parcels) > 1
