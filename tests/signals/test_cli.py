"""``livekit-analytics signals``, as a process."""

from __future__ import annotations

import json
from pathlib import Path

from .command import run

CASES = Path(__file__).parent / "cases.jsonl"


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
