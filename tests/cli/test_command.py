"""The command as such: its version, its help and its usage."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import Run, environment


def test_it_says_its_version(run: Run) -> None:
    outcome = run("--version")

    expected = f"livekit-analytics {version('livekit-plugins-analytics')}\n"
    assert (outcome.code, outcome.out, outcome.err) == (0, expected, "")


def test_the_console_script_is_the_same_command(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("livekit-analytics")

    done = subprocess.run(
        [script, "--version"], env=environment(), cwd=tmp_path, capture_output=True, text=True
    )

    assert done.stdout.startswith("livekit-analytics ")


def test_its_help_names_the_commands(run: Run) -> None:
    outcome = run("--help")

    assert outcome.code == 0
    assert "doctor" in outcome.out
    assert "drain" in outcome.out


def test_help_imports_no_sdk(tmp_path: Path) -> None:
    program = (
        "import sys; from livekit_plugins_analytics.cli.app import app;"
        "app(['--help'], standalone_mode=False);"
        "print([m for m in ('boto3', 'botocore', 'watchtower') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )

    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("arguments", [["heal"], ["doctor", "--loud"], ["drain", "everything"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    outcome = run(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err


@pytest.mark.parametrize("command", ["doctor", "drain"])
def test_a_file_of_variables_must_exist(run: Run, command: str) -> None:
    outcome = run(command, "--env-file", "absent")

    assert (outcome.code, outcome.out) == (2, "")
    assert "absent" in outcome.err


def test_a_file_of_variables_must_be_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "variables").write_bytes(b"A=\xff\xfe\x00secret")

    outcome = run("doctor", "--env-file", "variables")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "variables cannot be read: UnicodeDecodeError. It must be a text file in UTF-8.\n"
    )
