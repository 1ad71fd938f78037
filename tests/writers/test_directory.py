"""The directory sink writes whole files or none, in S3's layout."""

from __future__ import annotations

import errno
import gzip
import os
import string
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.writers.directory import DirectoryWriter, _explained, _sync

from .parcels import NAME, parcel


def files(root: Path) -> list[str]:
    return sorted(each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file())


def test_writes_the_body_under_prefix_and_name(tmp_path: Path) -> None:
    writer = DirectoryWriter(tmp_path / "analytics")
    writer.prepare()
    sent = parcel()

    place = writer.write(sent)

    assert place == str(tmp_path / "analytics" / "sessions" / NAME)
    assert Path(place).read_bytes() == sent.body
    assert files(tmp_path) == [f"analytics/sessions/{NAME}"]


def test_needs_no_preparation_and_no_prefix(tmp_path: Path) -> None:
    DirectoryWriter(tmp_path / "a" / "b", prefix="").write(parcel())

    assert files(tmp_path) == [f"a/b/{NAME}"]


def test_prepare_twice_is_harmless(tmp_path: Path) -> None:
    writer = DirectoryWriter(tmp_path / "analytics")
    writer.prepare()
    writer.prepare()

    assert files(tmp_path) == []


def test_a_later_revision_takes_the_place_of_the_first(tmp_path: Path) -> None:
    writer = DirectoryWriter(tmp_path)
    writer.write(parcel({"revision": 1}))

    place = writer.write(parcel({"revision": 2}))

    assert gzip.decompress(Path(place).read_bytes()) == b'{"revision": 2}\n'
    assert files(tmp_path) == [f"sessions/{NAME}"]


def test_a_probe_goes_beside_the_records(tmp_path: Path) -> None:
    DirectoryWriter(tmp_path).write(parcel(probe=True))

    assert files(tmp_path) == [f"probes/{NAME}"]


def test_records_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    place = DirectoryWriter(tmp_path).write(parcel())

    assert os.stat(place).st_mode == (tmp_path / "other").stat().st_mode


def test_parallel_writes_of_one_name_leave_one_whole_file(tmp_path: Path) -> None:
    writer = DirectoryWriter(tmp_path)
    parcels = [parcel({"n": n, "text": os.urandom(20_000).hex()}) for n in range(8)]
    threads = [threading.Thread(target=writer.write, args=(each,)) for each in parcels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files(tmp_path) == [f"sessions/{NAME}"]
    assert (tmp_path / "sessions" / NAME).read_bytes() in {each.body for each in parcels}


@pytest.mark.parametrize("name", ["../out.json.gz", "a/../../../out.json.gz"])
def test_a_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    writer = DirectoryWriter(tmp_path / "analytics")

    with pytest.raises(SinkError) as caught:
        writer.write(parcel(name=name))

    assert (caught.value.code, caught.value.retryable) == ("InvalidName", False)
    assert files(tmp_path) == []


def test_an_absolute_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="InvalidName"):
        DirectoryWriter(tmp_path, prefix="").write(parcel(name="/etc/out.json.gz"))


@given(st.text(alphabet=[*string.printable, "\0", "\ud800", "é", "\\"], max_size=300))
def test_whatever_the_name_nothing_leaves_the_directory(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("names")
    writer = DirectoryWriter(folder / "analytics")
    try:
        place = writer.write(parcel(name=name))
    except SinkError as error:
        assert not error.retryable
        place = None

    assert list(folder.iterdir()) in ([], [folder / "analytics"])
    assert [str(folder / each) for each in files(folder)] == ([] if place is None else [place])


def test_a_file_in_the_way_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "analytics").touch()
    writer = DirectoryWriter(tmp_path / "analytics")

    for attempt in (writer.prepare, lambda: writer.write(parcel())):
        with pytest.raises(SinkError, match="ANALYTICS_DIRECTORY") as caught:
            attempt()
        assert caught.value.code in ("EEXIST", "ENOTDIR")
        assert not caught.value.retryable


def test_a_folder_in_the_place_of_the_file_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "sessions" / NAME / "full").mkdir(parents=True)

    with pytest.raises(SinkError) as caught:
        DirectoryWriter(tmp_path).write(parcel())

    assert not caught.value.retryable
    assert files(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    program = f"""
import resource
from pathlib import Path
from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.writers.directory import DirectoryWriter
from tests.writers.parcels import parcel
big = parcel(body=b"x" * 100_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    DirectoryWriter(Path({str(tmp_path)!r})).write(big)
except SinkError as error:
    print(error.code, error.retryable)
"""
    result = subprocess.run(
        [sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout == "EFBIG False\n"
    assert files(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs such a file system")
def test_a_file_system_that_cannot_sync_folders_will_do() -> None:
    _sync(Path("/proc/self"))


@pytest.mark.parametrize(
    ("number", "retryable"),
    [
        (errno.ENOSPC, False),
        (errno.EDQUOT, False),
        (errno.EACCES, False),
        (errno.EROFS, False),
        (errno.EIO, True),
        (errno.EMFILE, True),
        (errno.EBUSY, True),
    ],
)
def test_only_what_may_pass_is_tried_again(number: int, retryable: bool) -> None:
    failure = _explained(OSError(number, os.strerror(number)))

    assert failure.code == errno.errorcode[number]
    assert failure.retryable is retryable
    assert "ANALYTICS_DIRECTORY" in failure.fix


def test_a_full_disk_is_called_full() -> None:
    assert "full" in _explained(OSError(errno.ENOSPC, "No space left on device")).fix
