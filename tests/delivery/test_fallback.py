"""What a process left in the temporary directory is sent by those that need not go there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Spool, courier_for, open_fallback, open_spool
from livekit_plugins_analytics.delivery.fallback import left_elsewhere
from livekit_plugins_analytics.settings import Settings

from .sinks import files, left, made, settled


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of this test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def settings_with(spool: Path, tmp_path: Path) -> Settings:
    return Settings(spool_directory=spool, directory=tmp_path / "records", spool_max_days=7)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_with(tmp_path / "spool", tmp_path)


@pytest.fixture
def fallback(temporary: Path, tmp_path: Path) -> Spool:
    """The fallback, as a process opened it that could not use its own spool."""
    (tmp_path / "file").touch()
    spool = open_spool(settings_with(tmp_path / "file", tmp_path))
    assert spool and spool.directory.parent == temporary
    return spool


def test_where_there_is_none_none_is_made(temporary: Path, settings: Settings) -> None:
    assert open_fallback(settings) is None
    assert left_elsewhere(settings, open_spool(settings)) == []
    assert list(temporary.iterdir()) == []


def test_it_has_the_limits_that_are_set(fallback: Spool, settings: Settings) -> None:
    found = open_fallback(settings)
    assert found
    assert fallback.limits == found.limits
    assert found.limits.seconds == 7 * 24 * 3600


def test_a_pass_sends_what_is_there_too(
    fallback: Spool, settings: Settings, tmp_path: Path
) -> None:
    left(fallback, made("elsewhere"))
    courier = courier_for(settings)
    assert courier.spool
    left(courier.spool, made("here"))

    assert courier.drain().sent == ["here", "elsewhere"]

    assert len(files(tmp_path / "records")) == 2
    assert files(fallback.directory) == files(courier.spool.directory) == []


def test_a_sweep_sends_what_is_there_too(
    fallback: Spool, settings: Settings, tmp_path: Path
) -> None:
    left(fallback, made("elsewhere"))
    courier_for(settings).sweep()
    settled()
    assert files(fallback.directory) == []
    assert len(files(tmp_path / "records")) == 1


def test_what_was_lost_there_is_told_too(fallback: Spool, settings: Settings) -> None:
    fallback.losses.add("memory", 2)
    courier = courier_for(settings)
    courier.losses.add("refused")
    assert courier.take_losses() == 3
    assert courier.take_losses() == 0


def test_who_is_there_anyway_does_not_look_twice(
    fallback: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left(fallback, made())
    fallback.losses.add("memory")
    courier = courier_for(settings_with(tmp_path / "file", tmp_path))
    assert courier.drain().sent == ["s1"]
    assert courier.take_losses() == 1


def test_one_that_others_may_read_is_left_alone(
    fallback: Spool, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    left(fallback, made())
    fallback.directory.chmod(0o755)
    assert courier_for(settings).drain().sent == []
    assert "others may read it" in caplog.text
    assert len(fallback.paths()) == 1


def test_without_a_temporary_directory_there_is_none(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    assert open_fallback(settings) is None


def test_preparing_says_that_the_spool_cannot_be_used(
    temporary: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    courier_for(settings_with(tmp_path / "file", tmp_path)).prepare()
    assert "ANALYTICS_SPOOL_DIRECTORY" in caplog.text
    assert f"{temporary}/livekit-analytics-spool" in caplog.text


def test_prewarm_in_the_worker_s_own_process_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = """
        import logging, sys
        logging.basicConfig(stream=sys.stdout)
        import livekit_plugins_analytics as analytics
        analytics.prewarm()
        print("goes on")
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(map(str.strip, program.splitlines()))],
        env={
            "ANALYTICS_SPOOL_DIRECTORY": str(tmp_path / "file"),
            "ANALYTICS_DIRECTORY": str(tmp_path / "records"),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("goes on\n")
    assert "the spool directory" in done.stdout
    assert f"{tmp_path}/livekit-analytics-spool" in done.stdout
