"""Records of a bucket in a folder, and back to queries over it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Account, Run
from tests.warehouse.samples import body, name, record, upload, write


def test_a_bucket_becomes_a_folder_that_can_be_queried(
    run: Run, account: Account, tmp_path: Path
) -> None:
    upload(account.server, account.bucket, record("a"), record("b"))
    path = f"s3://{account.bucket}/sessions/"

    first = run("sync", path, "copy", "--json", **account.variables)
    second = run("sync", path, "copy", **account.variables)

    assert first.json == {
        "ok": True,
        "dry_run": False,
        "copied": 2,
        "bytes": len(body(record("a")) + body(record("b"))),
        "unchanged": 0,
        "deleted": [],
        "problems": [],
    }
    assert second.out == "0 copied (0.0 MB), 2 unchanged, 0 deleted, 0 failed\n"
    assert run("query", "SELECT count(*) AS n FROM sessions", "copy", "--json").json["rows"] == [
        {"n": 2}
    ]


def test_what_cannot_be_written_is_named(run: Run, account: Account, tmp_path: Path) -> None:
    write(tmp_path, "copy/year=2026", b"a file in the way")
    upload(account.server, account.bucket, record("a"))

    outcome = run("sync", f"s3://{account.bucket}/sessions/", "copy", **account.variables)

    assert outcome.code == 1
    assert f"left out {name('a')}: cannot be written" in outcome.err
    assert outcome.out == "0 copied (0.0 MB), 0 unchanged, 0 deleted, 1 failed\n"


def test_a_bucket_that_is_none_is_wrong_usage(run: Run, account: Account) -> None:
    outcome = run("sync", "s3://no-such-bucket-here/", "copy", **account.variables)

    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no bucket no-such-bucket-here" in outcome.err
