"""``livekit-analytics report``: the file that it writes, and what it says."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from livekit_plugins_analytics.synth import lines, write
from tests.cli.conftest import Account, Run

END = date(2026, 3, 10)


def stored(root: Path, count: int = 20) -> Path:
    """Records as an agent has written them."""
    for _ in write(lines(count, seed=3, days=5, end=END), root):
        pass
    return root


def summary(page: Path) -> dict[str, Any]:
    """What the page has to show."""
    found = re.search(r'id="summary">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


def test_writes_one_file(run: Run, tmp_path: Path) -> None:
    """With everything in it: no address of anything else, and a policy against loading any."""
    stored(tmp_path / "calls")
    done = run("report", "calls", "-o", "out/report.html", "--json")
    page = tmp_path / "out" / "report.html"
    assert done.json == {
        "records": 20,
        "calls": 20,
        "left_out": 0,
        "report": "out/report.html",
        "bytes": page.stat().st_size,
        "problems": [],
    }
    assert [each.name for each in page.parent.iterdir()] == ["report.html"]
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text and "'unsafe-eval'" not in text
    own = text[text.index("</head>") :]
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", own.split("<script>", 1)[0])
    assert text.count("<script") - text.count("<script>") == 2  # the data
    assert len(summary(page)["calls"]["rows"]) == 20


def test_takes_days(run: Run, tmp_path: Path) -> None:
    """From and to are UTC days, both included."""
    stored(tmp_path / "calls")
    done = run("report", "calls", "--from", "2026-03-08", "--to", "2026-03-09")
    expected = sum(
        "day=08" in each.name or "day=09" in each.name
        for each in lines(20, seed=3, days=5, end=END)
    )
    assert f"{expected} calls" in done.out
    found = summary(tmp_path / "report.html")
    assert found["totals"]["calls"] == expected > 0
    assert (found["meta"]["since"], found["meta"]["until"]) == ("2026-03-08", "2026-03-09")


def test_names_what_could_not_be_read(run: Run, tmp_path: Path) -> None:
    """On the page and on stderr, and shows the rest."""
    root = stored(tmp_path / "calls")
    bad = root / "sessions" / "year=2026" / "month=03" / "day=10" / "broken.json.gz"
    bad.write_bytes(gzip.compress(b'{"session_id": "x"}')[:-9])
    done = run("report", "calls")
    assert done.code == 0
    assert "broken.json.gz" in done.err
    meta = summary(tmp_path / "report.html")["meta"]
    assert meta["left_out"] == 1 and "broken.json.gz" in meta["problems"][0]
    assert summary(tmp_path / "report.html")["totals"]["calls"] == 20


def test_a_period_without_calls_is_a_page(run: Run, tmp_path: Path) -> None:
    """It says so."""
    stored(tmp_path / "calls")
    done = run("report", "calls", "--from", "2031-01-01")
    assert done.code == 0 and done.out.startswith("0 calls")
    assert summary(tmp_path / "report.html")["meta"]["first"] is None


def test_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    """Wrong usage is 2, with the way out; what was there stays."""
    stored(tmp_path / "calls", 1)
    (tmp_path / "report.html").write_text("mine", "utf-8")
    for arguments, said in (
        (("nowhere",), "nowhere"),
        (("calls", "--from", "soon"), "soon"),
        (("calls", "-o", "calls/sessions/x.html/y.html"), "y.html"),
    ):
        if "y.html" in said:
            (tmp_path / "calls" / "sessions" / "x.html").write_text("", "utf-8")
        done = run("report", *arguments)
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err
    assert (tmp_path / "report.html").read_text("utf-8") == "mine"


def test_reads_a_bucket(run: Run, account: Account, tmp_path: Path) -> None:
    """As the agent's settings name it."""
    for each in lines(5, seed=3, days=5, end=END):
        account.server.s3().put_object(
            Bucket=account.bucket, Key=f"sessions/{each.name}", Body=gzip.compress(each.text)
        )
    done = run("report", "--no-cache", **account.variables)
    assert done.code == 0, done.err
    assert summary(tmp_path / "report.html")["totals"]["calls"] == 5
