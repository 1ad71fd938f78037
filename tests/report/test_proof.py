"""The report of very many calls: how long it takes, what it needs, and that its page stays usable.

In the suite with 2,000 calls; ``make report-proof`` has 100,000 and prints the figures.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import environment
from tests.report.browser import Browser
from tests.report.looks import assert_drawn_everywhere, assert_quiet
from tests.report.pages import invented

CALLS = int(os.environ.get("ANALYTICS_REPORT_CALLS", "2000"))


def test_page_of_very_many_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page does not grow with the calls, and neither does the time until it is drawn."""
    path = invented(tmp_path, CALLS)
    page = tmp_path / "report.html"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "livekit_plugins_analytics.cli", "report", path, "-o", page],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
    )
    took = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert f"{CALLS:,} calls" in done.stdout
    size = page.stat().st_size
    assert size < 12e6
    with Browser() as browser:
        began = time.monotonic()
        browser.open(page)
        drawn = time.monotonic() - began
        began = time.monotonic()
        browser.one("input[type=search]").send_keys("support")
        searched = time.monotonic() - began
        assert "of 0 calls" not in browser.text(".pages")
        assert set(browser.ask(AGENTS)) == {"support"}
        assert_drawn_everywhere(browser, CALLS)
        assert_quiet(browser, page)
    with capsys.disabled():
        print(
            f"\nreport of {CALLS:,} calls ({path.stat().st_size / 1e6:,.0f} MB of JSON): "
            f"{took:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of a processor, "
            f"{used.ru_maxrss / 1e6:.2f} GB at most; page {size / 1e6:.1f} MB, "
            f"drawn in {drawn:.1f} s, a search of 7 keys in {searched:.1f} s"
        )


AGENTS = (
    "return [...document.querySelectorAll('tr.call > td:nth-child(2)')].map((c) => c.innerText)"
)
