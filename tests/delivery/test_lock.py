"""A file's lock belongs to one holder, and to nobody once that one is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery.lock import is_at, try_lock, unlock

HOLDER = """
import sys
from livekit_plugins_analytics.delivery.lock import try_lock
file = open(sys.argv[1], "r+b")
print(try_lock(file), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def test_two_holders_in_one_process_keep_each_other_out(path: Path) -> None:
    with path.open("r+b") as one, path.open("r+b") as other:
        assert try_lock(one)
        assert not try_lock(other)
        assert try_lock(one)


def test_closing_another_descriptor_does_not_let_go(path: Path) -> None:
    with path.open("r+b") as one, path.open("r+b") as last:
        assert try_lock(one)
        path.open("r+b").close()
        assert not try_lock(last)


def test_unlocking_lets_the_next_one_in(path: Path) -> None:
    one = path.open("r+b")
    assert try_lock(one)

    unlock(one)

    assert one.closed
    with path.open("r+b") as other:
        assert try_lock(other)


def test_what_was_never_locked_can_be_unlocked(path: Path) -> None:
    file = path.open("r+b")
    unlock(file)
    assert file.closed


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_forked_child_does_not_keep_what_its_parent_lets_go(path: Path) -> None:
    # Forked in a process of one thread, which this one need not be.
    program = f"""
import os
from pathlib import Path
from livekit_plugins_analytics.delivery.lock import try_lock, unlock
one = open({str(path)!r}, "r+b")
print(try_lock(one))
wait, end = os.pipe()
if (child := os.fork()) == 0:
    os.close(end)
    os.read(wait, 1)
    os._exit(0)
unlock(one)
with open({str(path)!r}, "r+b") as other:
    print(try_lock(other))
os.close(end)
os.waitpid(child, 0)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "True\nTrue\n"


def test_the_kernel_lets_go_of_what_a_killed_process_held(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder, path.open("r+b") as file:
        assert holder.stdout
        assert holder.stdout.readline() == "True\n"
        assert not try_lock(file)
        holder.kill()
        holder.wait()
        assert try_lock(file)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a descriptor that cannot be locked")
def test_where_there_are_no_locks_is_not_taken_for_held(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_PATH), "rb") as file, pytest.raises(OSError):
        try_lock(file)


def test_a_path_leads_to_a_file_until_it_is_renamed_or_removed(path: Path) -> None:
    with path.open("r+b") as file:
        assert is_at(path, file)
        path.rename(path.with_name("other"))
        assert not is_at(path, file)
        path.touch()
        assert not is_at(path, file)
