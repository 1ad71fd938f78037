"""Losses are counted by reason, once, by many processes, and told once."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery.lock import try_lock
from livekit_plugins_analytics.delivery.losses import Losses

from .sinks import files, nearly_full_disk


@pytest.fixture
def losses(tmp_path: Path) -> Losses:
    return Losses(tmp_path)


def test_without_a_loss_there_is_no_file(losses: Losses, tmp_path: Path) -> None:
    assert losses.total() == {}
    assert losses.take() == 0
    assert files(tmp_path) == []


def test_losses_are_counted_by_reason(losses: Losses, tmp_path: Path) -> None:
    losses.add("refused")
    losses.add("expired", 3)
    losses.add("refused")

    assert losses.total() == Losses(tmp_path).total() == {"expired": 3, "refused": 2}
    assert files(tmp_path) == ["lost.json"]
    assert (tmp_path / "lost.json").stat().st_mode & 0o777 == 0o600


def test_each_loss_is_told_once(losses: Losses, tmp_path: Path) -> None:
    losses.add("refused", 2)
    other = Losses(tmp_path)

    assert other.take() == 2
    assert losses.take() == 0
    losses.add("expired")
    assert other.take() == 1
    assert losses.total() == {"expired": 1, "refused": 2}


def test_what_came_back_counts_no_more(losses: Losses) -> None:
    losses.add("refused", 3)
    losses.add("refused", -2)
    assert losses.total() == {"refused": 1}
    assert losses.take() == 1
    losses.add("refused", -1)
    assert losses.total() == {}


def test_what_came_back_hides_no_later_loss(losses: Losses) -> None:
    losses.add("refused", 2)
    assert losses.take() == 2
    losses.add("refused", -2)
    losses.add("refused")
    assert losses.take() == 1


def test_more_than_was_lost_cannot_come_back(losses: Losses) -> None:
    losses.add("refused", -3)
    losses.add("expired")
    assert losses.total() == {"expired": 1}
    losses.add("refused")
    assert losses.total() == {"expired": 1, "refused": 1}


def test_a_loss_under_another_reason_is_told_no_second_time(losses: Losses) -> None:
    losses.add("refused", 2)
    assert losses.take() == 2
    losses.add("refused")

    losses.move("refused", "deleted", 2)

    assert losses.total() == {"deleted": 2, "refused": 1}
    assert losses.take() == 1


def test_only_what_was_counted_moves(losses: Losses) -> None:
    losses.move("refused", "deleted")
    assert losses.total() == {}


def test_processes_count_together(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from livekit_plugins_analytics.delivery.losses import Losses
        losses = Losses(Path(sys.argv[1]))
        for n in range(50):
            losses.add("refused")
            losses.add("expired")
            losses.add("expired", -1)
    """
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(tmp_path)])
        for _ in range(3)
    ]
    losses = Losses(tmp_path)
    taken = 0
    while any(each.poll() is None for each in processes):
        taken += losses.take()
    assert [each.returncode for each in processes] == [0, 0, 0]
    taken += losses.take()

    assert losses.total() == {"refused": 150}
    # Of those that were told while they were lost some came back.
    assert taken >= 150
    assert files(tmp_path) == ["lost.json"]


def test_threads_count_together(losses: Losses) -> None:
    threads = [threading.Thread(target=losses.add, args=("memory",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert losses.total() == {"memory": 20}


def test_without_a_directory_this_process_counts() -> None:
    losses = Losses(None)
    losses.add("memory", 2)
    assert losses.total() == {"memory": 2}
    assert (losses.take(), losses.take()) == (2, 0)
    losses.add("memory", -1)
    losses.add("memory")
    assert losses.take() == 1
    assert losses.total() == {"memory": 2}


def test_what_the_disk_does_not_take_is_counted_here_until_it_does(tmp_path: Path) -> None:
    losses = Losses(tmp_path / "gone")
    losses.add("memory", 2)
    assert losses.total() == {"memory": 2}
    assert losses.take() == 2
    (tmp_path / "gone").mkdir()

    losses.add("memory")

    assert Losses(tmp_path / "gone").total() == {"memory": 3}
    assert Losses(tmp_path / "gone").take() == 1


def test_on_a_disk_that_takes_nothing_the_file_stays_whole(losses: Losses, tmp_path: Path) -> None:
    losses.add("refused", 2)
    before = (tmp_path / "lost.json").read_bytes()
    with nearly_full_disk(len(before) - 1):
        losses.add("memory")
        # What is on the disk cannot be noted as told.
        assert losses.take() == 1

    assert (tmp_path / "lost.json").read_bytes() == before
    assert losses.total() == {"memory": 1, "refused": 2}
    assert losses.take() == 2
    assert Losses(tmp_path).total() == {"memory": 1, "refused": 2}


def test_a_file_that_another_holds_for_long_is_not_waited_for(
    losses: Losses, tmp_path: Path
) -> None:
    losses.add("refused")
    with (tmp_path / "lost.json").open("r+b") as file:
        assert try_lock(file)
        losses.add("refused")
        assert Losses(tmp_path).total() == {"refused": 1}
    assert losses.total() == {"refused": 2}
    losses.add("refused")
    assert Losses(tmp_path).total() == {"refused": 3}


@pytest.mark.parametrize(
    "content", [b"\0", b"[]", b"{}", b'{"lost": {"a": "b"}, "told": {}}', b'{"lost": 1}']
)
def test_a_damaged_file_is_begun_again_and_told(
    losses: Losses, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lost.json").write_bytes(content)

    losses.add("refused")

    assert Losses(tmp_path).total() == {"refused": 1}
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "lost.json is damaged" in caplog.text


def test_what_a_killed_process_left_is_written_over(losses: Losses, tmp_path: Path) -> None:
    (tmp_path / "lost.new").write_bytes(b"half of a much longer file" * 100)
    losses.add("refused")
    assert json.loads((tmp_path / "lost.json").read_bytes()) == {"lost": {"refused": 1}, "told": {}}
    assert files(tmp_path) == ["lost.json"]


def test_a_file_in_the_way_costs_nothing_but_the_disk(tmp_path: Path) -> None:
    (tmp_path / "lost.json").mkdir()
    losses = Losses(tmp_path)
    losses.add("refused")
    assert losses.total() == {"refused": 1}
    with pytest.raises(OSError) as caught:
        os.open(tmp_path / "lost.json", os.O_RDWR)
    assert caught.value.errno == errno.EISDIR
