"""A file in the spool is whole or put aside, belongs to one process, and is never lost."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livekit_plugins_analytics.delivery import Entry, Spool, SpoolError
from livekit_plugins_analytics.delivery.lock import try_lock
from livekit_plugins_analytics.writers import Parcel

from .sinks import files, made

# A text of Python's may hold lone surrogates; so may a session's id that a user gives.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=150)
PARCELS = st.builds(
    Parcel,
    session_id=ANY_TEXT,
    revision=st.integers(min_value=0),
    name=ANY_TEXT,
    body=st.binary(max_size=300),
    event=st.binary(max_size=300),
    happened_at=st.floats(allow_nan=False),
    stream=ANY_TEXT,
    probe=st.booleans(),
)

# Claims each file that it is told of, and says which it got; holds them until its input ends.
CLAIMER = """
import sys
from pathlib import Path
from livekit_plugins_analytics.delivery import Spool
spool = Spool(Path(sys.argv[1]))
held = []
for line in sys.stdin:
    for path in spool.paths():
        if entry := spool.claim(path):
            held.append(entry)
            print(entry.parcel.session_id, end=" ")
    print(flush=True)
"""


def left(spool: Spool, parcel: Parcel) -> Path:
    """The file of a parcel that nobody holds."""
    entry = spool.put(parcel)
    entry.release()
    return entry.path


def claimed(spool: Spool) -> list[Entry]:
    return [entry for path in spool.paths() if (entry := spool.claim(path))]


def aged(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


# -- what is in a file


@given(PARCELS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_put_comes_back(spool: Spool, parcel: Parcel) -> None:
    path = left(spool, parcel)
    assert path.parent == spool.directory

    entry = spool.claim(path)

    assert entry
    assert entry.parcel == parcel
    spool.remove(entry, [])
    assert files(spool.directory) == []


def test_a_time_that_is_no_number_comes_back(spool: Spool) -> None:
    entry = spool.claim(left(spool, made(happened_at=float("nan"))))
    assert entry
    assert entry.parcel.happened_at != entry.parcel.happened_at
    entry.release()


def test_every_truncation_is_told(spool: Spool) -> None:
    whole = left(spool, made(body=b"\n\0" * 20)).read_bytes()
    for length in range(len(whole)):
        path = spool.directory / f"cut-{length}.parcel"
        path.write_bytes(whole[:length])
        assert spool.claim(path) is None
        assert not path.exists()


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072])
def test_a_file_of_any_size_is_read_to_its_end(size: int, spool: Spool) -> None:
    """What is read at once, a byte less, a byte more, and as much again."""
    parcel = made(body=b"x" * size)
    while (excess := (path := left(spool, parcel)).stat().st_size - size) != 0:
        parcel = made(body=b"x" * (len(parcel.body) - excess))

    entry = spool.claim(path)

    assert entry
    assert entry.parcel == parcel
    entry.release()
    with path.open("ab") as file:
        file.write(b"x")
    assert spool.claim(path) is None
    assert spool.buried(path)


def test_every_changed_bit_is_told(spool: Spool) -> None:
    whole = left(spool, made(body=b"body", event=b"event")).read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            path = spool.directory / "flipped.parcel"
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            assert spool.claim(path) is None, (at, bit)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_told(spool: Spool, data: st.DataObject) -> None:
    path = left(spool, data.draw(PARCELS))
    whole = path.read_bytes()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin, min(begin + 4, len(whole))))
    damaged = whole[:begin] + data.draw(st.binary(max_size=4)) + whole[end:]
    if damaged == whole:
        damaged += b"\0"
    path.write_bytes(damaged)

    assert spool.claim(path) is None
    assert spool.buried(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"analytics-parcel 2 00000000 0\n",
        b"x" * 1000,
        *(
            b"analytics-parcel 1 %08x %d\n" % (zlib.crc32(rest), len(rest)) + rest
            for rest in (b"", b"[]\n", b"{}\n", b'{"body": null}\n', b"\xff\n")
        ),
    ],
)
def test_what_is_no_parcel_is_put_aside_and_told_once(
    spool: Spool, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = spool.directory / "odd.parcel"
    path.write_bytes(content)

    assert spool.claim(path) is None

    assert files(spool.directory) == ["dead/odd.json", "dead/odd.parcel", "lost.json"]
    assert spool.buried(path) == spool.directory / "dead" / "odd.parcel"
    assert spool.claim(path) is None
    assert len(caplog.records) == 1
    assert "odd.parcel" in caplog.text
    assert "dead" in caplog.text


def test_a_damaged_file_is_told_without_its_content(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = left(spool, made(event=b"secret words"))
    path.write_bytes(path.read_bytes().replace(b"secret", b"SECRET"))

    assert spool.claim(path) is None

    assert "damaged" in caplog.text
    assert "secret" not in caplog.text.lower()


def test_an_unreadable_file_that_cannot_be_put_aside_is_told_once(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    (spool.directory / "dead").touch()
    path = spool.directory / "odd.parcel"
    path.touch()

    assert spool.claim(path) is None
    assert spool.claim(path) is None

    assert path.exists()
    assert len(caplog.records) == 1
    assert "cannot be put aside" in caplog.text


def test_what_cannot_be_opened_is_told_once(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    path = spool.directory / "folder.parcel"
    path.mkdir()

    assert spool.claim(path) is None
    assert spool.claim(path) is None

    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "cannot be opened" in caplog.text


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that gives errors")
def test_what_cannot_be_read_is_told_and_stays(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    path = spool.directory / "bad.parcel"
    path.symlink_to("/proc/self/mem")

    assert spool.claim(path) is None

    assert path.is_symlink()
    assert "cannot be read" in caplog.text


# -- the directory


def test_a_spool_is_its_user_s_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a" / "spool")
    path = left(spool, made())
    Spool(tmp_path / "a" / "spool")

    assert spool.directory.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert files(spool.directory) == [path.name]


def test_a_spool_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spool = Spool(Path("spool"))
    monkeypatch.chdir("/")
    assert left(spool, made()).parent == tmp_path / "spool"


def test_a_file_in_the_way_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(SpoolError, match=r"spool .* set ANALYTICS_SPOOL_DIRECTORY"):
        Spool(tmp_path / "spool")


def test_a_directory_that_was_removed_is_made_again(spool: Spool) -> None:
    spool.directory.rmdir()
    assert spool.paths() == []
    spool.tidy()
    assert left(spool, made()).exists()


def test_a_directory_that_others_may_read_is_not_private(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", private=True)
    (tmp_path / "spool").chmod(0o755)
    with pytest.raises(SpoolError, match="others may read it"):
        Spool(tmp_path / "spool", private=True)


def test_a_link_is_not_private(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpoolError, match="belongs to somebody else"):
        Spool(tmp_path / "spool", private=True)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    program = f"""
import resource, sys
from pathlib import Path
from livekit_plugins_analytics.delivery import Spool
from tests.delivery.sinks import made
spool = Spool(Path({str(tmp_path)!r}))
entry = spool.put(made(body=b"1" * 1000))
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for size in (9_900, 20_000, 3_000_000):
    try:
        spool.put(made(body=b"x" * size), after=entry)
    except OSError as error:
        print(error.strerror)
print(len(entry.path.read_bytes()) > 1000)
"""
    result = subprocess.run(
        [sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout == "File too large\n" * 3 + "True\n"
    (name,) = files(tmp_path)
    assert name.endswith("~1.parcel")


# -- who holds a file


def test_the_name_tells_the_session_and_no_two_are_the_same(spool: Spool) -> None:
    one, other = left(spool, made("RM_a-AJ_b")), left(spool, made("RM_a-AJ_b"))

    assert one != other
    assert spool.session(one) == spool.session(other) == "RM_a-AJ_b"
    assert one.match("RM_a-AJ_b~*~1.parcel")


@pytest.mark.parametrize("session_id", ["", ".", "..", "../x", "a/b", "a~b", "x" * 101, "\ud800"])
def test_an_id_that_cannot_be_part_of_a_name_is_a_digest(spool: Spool, session_id: str) -> None:
    path = left(spool, replace(made(), session_id=session_id))
    assert path.parent == spool.directory
    assert spool.session(path).startswith("=")


def test_a_held_file_is_nobody_else_s_until_it_is_released(spool: Spool) -> None:
    entry = spool.put(made())
    assert claimed(spool) == []
    assert claimed(Spool(spool.directory)) == []

    entry.release()

    (again,) = claimed(spool)
    assert again.parcel == entry.parcel
    assert claimed(spool) == []
    again.release()


def test_a_held_file_is_not_another_process_s_either(spool: Spool) -> None:
    entry = spool.put(made("held"))
    left(spool, made("free"))
    claimer = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, str(spool.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with claimer:
        assert claimer.stdin and claimer.stdout
        print(file=claimer.stdin, flush=True)
        assert claimer.stdout.readline().split() == ["free"]
        assert claimed(spool) == []
        entry.release()
        print(file=claimer.stdin, flush=True)
        assert claimer.stdout.readline().split() == ["held"]
        claimer.kill()
        claimer.wait()
    again = claimed(spool)
    assert {each.parcel.session_id for each in again} == {"held", "free"}
    for each in again:
        each.release()


def test_several_users_hold_a_file_until_the_last_is_done(spool: Spool) -> None:
    entry = spool.put(made())
    assert entry.share()

    entry.release()
    assert claimed(spool) == []
    entry.release()

    assert not entry.share()
    (again,) = claimed(spool)
    again.release()


def test_leftovers_come_oldest_first(spool: Spool) -> None:
    paths = [left(spool, made(f"s{n}")) for n in range(5)]
    for age, path in zip((3, 5, 1, 4, 2), paths, strict=True):
        aged(path, age)
    assert [spool.session(p) for p in spool.paths()] == ["s1", "s3", "s0", "s4", "s2"]

    entry = spool.claim(paths[1])
    assert entry
    spool.postpone(entry)
    entry.release()

    assert [spool.session(p) for p in spool.paths()] == ["s3", "s0", "s4", "s2", "s1"]


def test_a_file_that_was_postponed_is_as_old_as_before(spool: Spool) -> None:
    path = left(spool, made())
    aged(path, 1000)
    entry = spool.claim(path)
    assert entry
    spool.postpone(entry)

    assert time.time() - path.stat().st_mtime >= 1000
    spool.remove(entry, [])
    assert files(spool.directory) == []


def test_a_file_that_is_gone_is_not_postponed(spool: Spool) -> None:
    entry = spool.put(made())
    spool.remove(entry, [])
    spool.postpone(entry)
    assert files(spool.directory) == []


# -- marks


def test_a_mark_says_that_a_sink_has_this_file(spool: Spool) -> None:
    entry, other = spool.put(made()), spool.put(made())
    spool.confirm(entry, "s3")
    spool.confirm(entry, "odd/name")

    sinks = ["s3", "cloudwatch", "odd/name"]
    assert spool.confirmed(entry.path, sinks) == {"s3", "odd/name"}
    assert spool.confirmed(other.path, sinks) == set()
    spool.remove(entry, sinks)
    assert files(spool.directory) == [other.path.name]
    other.release()


def test_what_is_gone_is_not_marked(spool: Spool) -> None:
    entry = spool.put(made())
    spool.remove(entry, [])
    spool.confirm(entry, "s3")
    assert files(spool.directory) == []


def test_a_mark_that_cannot_be_made_is_told(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    entry = spool.put(made())
    # A link into nowhere: there is no mark, and none can be made.
    entry.path.with_name(f"{entry.path.stem}~s3.done").symlink_to("nowhere/at/all")

    spool.confirm(entry, "s3")

    assert spool.confirmed(entry.path, ["s3"]) == set()
    assert "could not be noted" in caplog.text
    entry.release()


def test_a_file_that_cannot_be_removed_is_marked_as_sent(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    entry = spool.put(made())
    entry.path.unlink()
    entry.path.mkdir()

    spool.remove(entry, ["s3", "cloudwatch"])

    assert spool.confirmed(entry.path, ["s3", "cloudwatch"]) == {"s3", "cloudwatch"}
    assert "cannot be removed" in caplog.text


def test_a_late_confirmation_removes_what_every_sink_has(spool: Spool) -> None:
    entry = spool.put(made())
    spool.confirm(entry, "s3")
    entry.release()

    spool.settle(entry, ["s3", "cloudwatch"])
    assert entry.path.exists()
    spool.confirm(entry, "cloudwatch")
    spool.settle(entry, ["s3", "cloudwatch"])

    assert files(spool.directory) == []
    spool.settle(entry, ["s3", "cloudwatch"])


def test_a_late_confirmation_leaves_a_file_to_who_holds_it_now(spool: Spool) -> None:
    entry = spool.put(made())
    entry.release()
    (other,) = claimed(spool)
    spool.confirm(entry, "s3")

    spool.settle(entry, ["s3"])

    assert other.in_place
    assert spool.confirmed(other.path, ["s3"]) == {"s3"}
    spool.remove(other, ["s3"])
    assert files(spool.directory) == []


# -- successors


def test_a_successor_has_the_name_and_the_next_number(spool: Spool) -> None:
    first = spool.put(made())
    second = spool.put(made(revision=2), after=first)

    assert first.path.name.replace("~1.", "~2.") == second.path.name
    assert files(spool.directory) == [first.path.name, second.path.name]
    first.release()
    second.release()


def test_a_file_with_a_successor_is_not_sent_but_removed(spool: Spool) -> None:
    # As a process leaves them that dies between writing the one and removing the other.
    first = spool.put(made())
    second = spool.put(made(revision=2), after=first)
    first.release()
    second.release()

    assert spool.claim(first.path) is None
    (entry,) = claimed(spool)

    assert entry.parcel.revision == 2
    assert files(spool.directory) == [second.path.name]
    entry.release()


def test_nobody_sends_a_successor_while_its_forerunner_is_there(spool: Spool) -> None:
    first = spool.put(made())
    second = spool.put(made(revision=2), after=first)
    third = spool.put(made(revision=3), after=second)
    for entry in (second, third):
        entry.release()

    assert claimed(spool) == []  # the first may be on its way
    assert len(spool.paths()) == 3
    first.release()
    (entry,) = claimed(spool)  # from the oldest on
    assert entry.parcel.revision == 3
    assert spool.paths() == [third.path]
    entry.release()


def test_retiring_a_file_waits_for_who_sends_it(spool: Spool) -> None:
    entry = spool.put(made())
    entry.release()
    (other,) = claimed(spool)

    assert not spool.retire(entry, ["s3"])
    spool.confirm(other, "s3")
    other.release()
    assert spool.retire(entry, ["s3"])

    assert files(spool.directory) == []
    assert spool.retire(entry, ["s3"])


def test_what_this_process_holds_it_can_retire(spool: Spool) -> None:
    entry = spool.put(made())
    assert spool.retire(entry, [])
    assert files(spool.directory) == []
    assert not entry.in_place
    entry.release()


def test_what_cannot_be_opened_cannot_be_retired(spool: Spool) -> None:
    entry = spool.put(made())
    entry.release()
    entry.path.unlink()
    entry.path.mkdir()
    assert not spool.retire(entry, [])


# -- what dead processes leave


def test_files_of_writers_that_died_are_swept(spool: Spool) -> None:
    (spool.directory / "dead-one.tmp").write_bytes(b"half a par")
    living = (spool.directory / "living.tmp").open("w+b")
    assert try_lock(living)
    (spool.directory / "folder.tmp").mkdir()

    spool.tidy()

    assert files(spool.directory) == ["living.tmp"]
    living.close()


def test_marks_without_their_file_are_swept(spool: Spool) -> None:
    entry, gone = spool.put(made()), spool.put(made())
    spool.confirm(entry, "s3")
    spool.confirm(gone, "s3")
    spool.remove(gone, [])
    assert len(files(spool.directory)) == 3

    (spool.directory / "gone~abc~1.later").touch()
    spool.postpone(entry)

    spool.tidy()

    stem = entry.path.stem
    assert files(spool.directory) == [f"{stem}.later", f"{stem}.parcel", f"{stem}~s3.done"]
    entry.release()


def test_a_journal_is_left_to_those_who_know_it(spool: Spool) -> None:
    (spool.directory / "s1~abc.journal").write_bytes(b"a call that goes on")

    spool.tidy()

    assert spool.paths() == []
    assert files(spool.directory) == ["s1~abc.journal"]


def test_the_header_is_json_in_a_line(spool: Spool) -> None:
    _, header, _ = left(spool, made()).read_bytes().split(b"\n", 2)
    assert json.loads(header)["session_id"] == "s1"
