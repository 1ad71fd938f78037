"""``livekit-analytics redact``, as a process."""

from __future__ import annotations

import json
from pathlib import Path

from .command import run

CASES = Path(__file__).parent / "unseen.jsonl"
SAID = "call four one five, five five five, oh one two three or [b]jo@example.com"


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_try_shows_the_masks_and_what_they_hide() -> None:
    done = run("try", SAID)

    assert done.returncode == 0, done.stderr
    assert "call [phone-1] or [b][email-1]" in done.stdout
    assert "four one five, five five five, oh one two three" in done.stdout


def test_try_prints_one_object() -> None:
    done = run("try", SAID, "--entities", "email", "--json")

    assert json.loads(done.stdout) == {
        "redacted": "call four one five, five five five, oh one two three or [b][email-1]",
        "spans": [{"start": 59, "end": 73, "entity": "email", "text": "jo@example.com"}],
        "counts": {"email": 1},
    }


def test_try_reads_stdin_whatever_is_in_it() -> None:
    done = run("try", "-", "--json", stdin="a \U0001f600 192.0.2.1\n".encode() + b"\xff\n")

    assert json.loads(done.stdout)["redacted"] == "a \U0001f600 [ip-1]\n\ufffd"
    assert run("try", stdin=b"nothing here").stdout == "nothing here\nnothing to mask\n"


def test_try_knows_other_regions_and_entities_of_a_file(tmp_path: Path) -> None:
    own = tmp_path / "redact.toml"
    own.write_text("[customer-id]\npatterns = 'C-\\d{6}'\n")

    done = run("try", "C-123456, 020 7946 0958", "--entities", f"phone,{own}", "--region", "gb")

    assert done.stdout.startswith("[customer-id-1], [phone-1]\n")


def test_a_wrong_entity_is_a_wrong_argument() -> None:
    done = run("try", "x", "--entities", "fone")

    assert done.returncode == 2
    assert done.stderr.startswith("no entity 'fone'; did you mean 'phone'?")


def test_score_shows_figures_and_writes_predictions(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    shown = run("score", str(CASES))
    done = run("score", str(CASES), "--json", "--predictions", str(out))

    assert shown.returncode == done.returncode == 0
    assert "precision" in shown.stdout and "leaked" in shown.stdout
    figures = json.loads(done.stdout)
    assert figures["cases"] == len(_lines(CASES))
    assert figures["unreadable"] == 0
    assert set(figures["overall"]) >= {"precision", "recall", "f1", "leaked", "overmasked"}
    first = json.loads(_lines(out)[0])
    label = json.loads(_lines(CASES)[0])
    assert first["id"] == label["id"]
    assert first["spans"] == label["spans"]
    assert first["redacted"].count("[phone-1]") == 1


def test_score_names_lines_that_are_no_cases_and_goes_on(tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(
        '{"id": "a", "text": "jo@a.com", "spans": [{"start": 0, "end": 8, "entity": "email"}]}\n'
        '{"id": 1\n\n[]\n{"id": "b", "text": "none", "spans": []}\n'
    )

    done = run("score", str(cases), "--json")

    assert done.returncode == 1
    assert "cases.jsonl:2: not JSON" in done.stderr
    assert "cases.jsonl:4: a case must be a JSON object" in done.stderr
    figures = json.loads(done.stdout)
    assert (figures["cases"], figures["unreadable"]) == (2, 2)
    assert figures["email"]["f1"] == 1


def test_score_says_what_it_cannot_read_or_write(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")

    assert "no case in it" in run("score", str(empty)).stderr
    missing = run("score", str(tmp_path / "missing.jsonl"))
    assert missing.returncode == 2
    assert "missing.jsonl: No such file or directory" in missing.stderr
    unwritable = run("score", str(CASES), "--predictions", str(tmp_path / "no" / "out.jsonl"))
    assert unwritable.returncode == 2
    assert "out.jsonl: No such file or directory" in unwritable.stderr
