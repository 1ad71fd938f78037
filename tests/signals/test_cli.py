"""``livekit-analytics signals``, as a process."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases.jsonl"


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from livekit_plugins_analytics.cli.signals import app; app()"]
        + list(arguments),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def stored(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return data


def record(items: list[dict[str, Any]] | None, **more: Any) -> bytes:
    transcript = None if items is None else {"source": "session", "text": "", "items": items}
    data = {"session_id": "s", "revision": 1, "transcript": transcript, **more}
    return gzip.compress(json.dumps(data).encode())


def test_check_accepts_the_sales_pack() -> None:
    done = run("check", "sales")

    assert done.returncode == 0
    assert "sales@1 is valid" in done.stdout


def test_check_names_file_rule_and_column(tmp_path: Path) -> None:
    pack = tmp_path / "mine.toml"
    pack.write_text(
        "name = 'p'\n[signals.s]\ntype = 'text'\n[[rules]]\nname = 'r'\nsignal = 's'\n"
        "value = 'v'\npatterns = ['a(']\n"
    )

    done = run("check", str(pack))

    assert done.returncode == 1
    assert "mine.toml:8, rule 'r', column 15: missing )" in done.stderr


def test_try_shows_mentions_and_values() -> None:
    done = run("try", "sales", "We don't use Slack, we use Zoho")

    assert "negated" in done.stdout
    assert '{"integration_needs": ["zoho"]' in done.stdout


def test_try_reads_a_dialogue_from_stdin() -> None:
    done = run(
        "try", "sales", "--json", stdin="Agent: How many people are on your team?\nUser: twelve\n"
    )

    assert json.loads(done.stdout)["discovered_signals"]["team_size"] == 12


def test_score_writes_predictions(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    done = run("score", "sales", str(CASES), "--json", "--predictions", str(out))

    assert json.loads(done.stdout)["team_size"]["f1"] > 0.9
    assert json.loads(out.read_text().splitlines()[0])["discovered_signals"]["team_size"] == 25


def test_score_names_the_line_that_is_no_case(tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"id": "a", "turns": [], "expect": {}}\n{"id": 1}\n')

    done = run("score", "sales", str(cases))

    assert done.returncode == 1
    assert "cases.jsonl:2" in done.stderr


def test_rescan_writes_the_new_values_in_place(tmp_path: Path) -> None:
    day = tmp_path / "year=2026"
    day.mkdir()
    path = day / "s.json.gz"
    items = [
        {"id": "1", "role": "agent", "text": "How many of you?", "at": "2026-01-01T00:00:00.000Z"},
        {"id": "2", "role": "user", "text": "a dozen", "at": "2026-01-01T00:00:01.000Z"},
    ]
    path.write_bytes(record(items, discovered_signals={"budget": 7, "team_size": 3}, signals=[]))
    (day / "t.json.gz").write_bytes(record(None))

    dry = run("rescan", str(tmp_path), "--pack", "sales", "--dry-run")
    assert "1 would change" in dry.stdout and stored(path)["revision"] == 1
    done = run("rescan", str(tmp_path), "--pack", "sales")
    again = run("rescan", str(tmp_path), "--pack", "sales")

    assert "1 changed" in done.stdout and "1 without transcript" in done.stdout
    assert "1 unchanged" in again.stdout
    new = stored(path)
    assert (new["revision"], new["signal_pack"]) == (2, "sales@1")
    assert new["discovered_signals"] == {
        "team_size": 12,
        "qualification_tier": "qualified",
        "budget": 7,
    }
    assert new["signals"][0]["item_id"] == "2" and new["signals"][0]["asked"]


def test_a_broken_object_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(b"\x1f\x8bnonsense")
    items = [{"id": "1", "role": "user", "text": "we use Slack", "at": None}]
    (tmp_path / "b.json.gz").write_bytes(record(items))

    done = run("rescan", str(tmp_path), "--pack", "sales")

    assert done.returncode == 1
    assert "1 changed" in done.stdout and "1 failed" in done.stdout
    assert "a.json.gz" in done.stderr
