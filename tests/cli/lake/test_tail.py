"""Records as they arrive."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from tests.cli.conftest import Run, environment
from tests.warehouse.samples import record, store


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


@contextmanager
def following(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that waits for records."""
    command = [sys.executable, "-m", "livekit_plugins_analytics.cli", "tail", str(path)]
    with subprocess.Popen(
        [*command, "--interval", "0.1", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_newest_records_are_shown_and_the_command_ends(run: Run, tmp_path: Path) -> None:
    store(tmp_path, record("a", today(), revision=2), record("old", "2026-01-01"))

    outcome = run("tail", str(tmp_path), "--once")

    (line,) = outcome.out.splitlines()
    assert line.split() == [
        *(today(), "10:00:00", "1:00", "a", "sales", "agent_ended", "-", "0.0002", "USD"),
        *("revision", "2"),
    ]


def test_what_arrives_is_shown_once_as_it_arrives(tmp_path: Path) -> None:
    store(tmp_path, record("before", today()))
    with following(tmp_path, "--json", "--count", "4") as process:
        assert process.stdout
        arrived = [json.loads(process.stdout.readline())]
        for each in (record("a", today()), record("b", today()), record("a", today(), revision=2)):
            store(tmp_path, each)
            arrived.append(json.loads(process.stdout.readline()))
        assert process.wait(60) == 0
        assert process.stdout.read() == ""

    assert [(each["session_id"], each["revision"]) for each in arrived] == [
        ("before", 1),
        ("a", 1),
        ("b", 1),
        ("a", 2),
    ]


def test_one_begins_with_as_many_as_one_likes(run: Run, tmp_path: Path) -> None:
    store(tmp_path, *(record(f"s{n}", today()) for n in range(5)))

    def lines(*arguments: str) -> int:
        return len(run("tail", str(tmp_path), "--once", *arguments).out.splitlines())

    assert [lines("--last", "0"), lines("-n", "3"), lines(), lines("--count", "2")] == [0, 3, 5, 2]


def test_a_place_that_is_none_is_wrong_usage(run: Run) -> None:
    outcome = run("tail", "nowhere", "--once")

    assert (outcome.code, outcome.out) == (2, "")
    assert "no such file or directory" in outcome.err


def test_a_bad_record_is_named_and_the_rest_is_shown(run: Run, tmp_path: Path) -> None:
    store(tmp_path, record("good", today()))
    (folder,) = {each.parent for each in tmp_path.rglob("*.gz")}
    (folder / "bad.json.gz").write_bytes(b"<html>")

    outcome = run("tail", str(tmp_path), "--once")

    assert outcome.code == 0
    assert "good" in outcome.out
    assert "bad.json.gz:1: not JSON" in outcome.err
