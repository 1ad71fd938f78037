"""``livekit-analytics forget`` in a process of its own: what it says, asks, changes and admits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Spool
from tests.erasure.people import DAY, EMAIL, JANES, PERSONAL, fill, record, stored_by_name, tree
from tests.erasure.test_spools import parcel

from .conftest import Account, Run, environment

HER = ("--user-email", EMAIL)
COUNT = len(JANES) + 1  # one is spooled


@pytest.fixture
def analytics(tmp_path: Path) -> Path:
    """A directory of records, and beside it a spool in which one of hers waits."""
    Spool(tmp_path / ".analytics-spool").put(parcel(record("j9"))).release()
    return fill(tmp_path / "analytics")


def test_a_dry_run_names_everything_and_changes_nothing(run: Run, analytics: Path) -> None:
    before = tree(analytics.parent)
    done = run("forget", *HER, "--dry-run", "--json", "analytics")

    assert done.code == 0
    assert tree(analytics.parent) == before
    said = done.json
    (spooled,) = (name for name in said["found"] if name.endswith(".parcel"))
    assert {*said["found"]} - {spooled} == {f"analytics/{name}" for name in JANES}
    assert (said["dry_run"], said["deleted"]) == (True, [])
    assert said["session_ids"] == ["j1", "j2", "j3", "j9"]
    assert said["mentions"] == [f"analytics/sessions/{DAY}/m2.json.gz"]


def test_it_deletes_and_says_what_it_cannot_reach(run: Run, analytics: Path) -> None:
    (analytics / "sessions/old.parquet").write_bytes(b"PAR1")
    before = tree(analytics)
    done = run("forget", *HER, "--yes", "analytics", ANALYTICS_LOG_GROUP="/voice/calls")

    assert done.code == 0
    assert tree(analytics) == {k: v for k, v in before.items() if k not in JANES}
    assert not list((analytics.parent / ".analytics-spool").glob("*.parcel"))
    for sentence in (
        f"{COUNT} found",
        "log group /voice/calls",
        'filter session_id in ["j1", "j2", "j3", "j9"]',
        "DELETE FROM sessions WHERE session_id IN ('j1', 'j2', 'j3', 'j9')",
        "old.parquet was not looked into",
        "LiveKit Cloud",
        "Backups",
    ):
        assert sentence in done.out


def test_rewritten_ones_hold_nothing_of_her_and_other_tools_read_them(
    run: Run, analytics: Path
) -> None:
    done = run("forget", *HER, "--rewrite", "--yes", "--json", "analytics/sessions")

    assert done.code == 0
    said = done.json
    assert len([n for n in said["rewritten"] if n.startswith("analytics/sessions/")]) == 3
    # Beside the records, though they were not named.
    assert f"analytics/transcripts/{DAY}/j1.json.gz" in said["deleted"]
    assert f"analytics/checkpoints/{DAY}/j1.json.gz" in said["rewritten"]
    repriced = run("prices", "reprice", "analytics/sessions", "--json")
    assert repriced.json["failed"] == 0
    again = run("forget", *HER, "--dry-run", "--json", "analytics").json
    assert again["found"] == []


def test_sessions_beside_a_bucket_s_prefix(run: Run, account: Account) -> None:
    s3 = account.server.s3()
    for name, body in stored_by_name().items():
        s3.put_object(Bucket=account.bucket, Key=f"voice/{name}", Body=body)
    done = run(
        "forget",
        *HER,
        "--yes",
        "--json",
        f"s3://{account.bucket}/voice/sessions/",
        **account.variables,
    )

    assert done.code == 0
    assert {name.removeprefix("voice/") for name in done.json["deleted"]} == JANES
    left = account.server.objects(account.bucket)
    assert left == {
        f"voice/{name}": body for name, body in stored_by_name().items() if name not in JANES
    }
    assert done.json["not_reached"]["log_group"] == account.group


def test_without_a_terminal_and_without_yes_nothing_is_changed(run: Run, analytics: Path) -> None:
    before = tree(analytics.parent)
    done = run("forget", *HER, "analytics")

    assert done.code == 2
    assert "add --yes, or --dry-run" in done.err
    assert tree(analytics.parent) == before


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("y", 0)])
def test_on_a_terminal_it_asks_once(analytics: Path, answer: str, code: int) -> None:
    before = tree(analytics)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "livekit_plugins_analytics.cli", "forget", *HER, "analytics"],
        cwd=analytics.parent,
        env=environment({"TMPDIR": str(analytics.parent)}),
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)

    assert done.returncode == code
    assert done.stderr.count(f"Delete {COUNT} objects?") == 1
    assert (tree(analytics) == before) == (answer == "n")


def test_bad_objects_are_named_and_the_exit_code_tells(run: Run, analytics: Path) -> None:
    (analytics / "torn.json.gz").write_bytes(b"\x1f\x8b torn")
    done = run("forget", *HER, "--yes", "--json", "analytics")

    assert done.code == 1
    said = done.json
    assert list(said["unreadable"]) == ["analytics/torn.json.gz"]
    assert len(said["deleted"]) == COUNT
    assert said["ok"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("analytics",), "nobody is named"),
        ((*HER, "nowhere"), "no such directory"),
        (("--user-email", "jane", "analytics"), "no email address"),
        ((*HER, "--spool", "nowhere", "analytics"), "no such directory"),
    ],
    ids=["nobody", "nowhere", "no-email", "no-spool"],
)
def test_wrong_usage_is_told(
    run: Run, analytics: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run("forget", "--yes", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_nothing_of_the_person_is_said_where_it_was_not_given(run: Run, analytics: Path) -> None:
    done = run("forget", "--session-id", "j1", "--dry-run", "-v", "analytics")
    assert [each for each in PERSONAL if each in done.out + done.err] == []
