"""A pack is compiled once for a process, and a wrong one never fails a call."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from livekit_plugins_analytics.rulebook import rules_for
from livekit_plugins_analytics.signals import PackError


def test_a_pack_is_compiled_once() -> None:
    rules = rules_for("sales")
    assert rules is not None
    assert rules_for("sales") is rules
    assert rules.result(30).id == "sales@1"


def test_off_is_no_pack() -> None:
    assert rules_for("off") is None


def test_a_wrong_pack_is_logged_once_with_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pack = tmp_path / "ours.toml"
    pack.write_text('name = "ours"\nversion = "1"\nrules = 3\n')
    rules = rules_for(str(pack))
    assert rules is not None
    error = rules.exception(30)
    assert isinstance(error, PackError)
    assert rules_for(str(pack)) is rules
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    (line,) = said
    assert line.startswith(f"ANALYTICS_SIGNALS: {pack}") and "calls go on" in line


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1])
def test_a_process_that_ends_while_the_rules_are_compiled_ends_well(moment: float) -> None:
    """The engine's C++ aborts a process whose interpreter ends under it."""
    code = (
        "import time\n"
        "from livekit_plugins_analytics.rulebook import rules_for\n"
        f"assert rules_for('sales')\ntime.sleep({moment})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
