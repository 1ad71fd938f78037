"""What dead processes left behind is sent, and what cannot be sent stays."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Spool
from tests.servers import FaultServer
from tests.writers.parcels import parcel

from .conftest import Account, Run, environment

_ROOT = Path(__file__).resolve().parents[2]

# Puts parcels into the spool and dies as a killed process does.
_DYING = """
import os, sys
from pathlib import Path
from livekit_plugins_analytics.delivery import Spool
from tests.writers.parcels import parcel

spool = Spool(Path("spool"))
for id_ in sys.argv[1:]:
    kept = spool.put(parcel(session_id=id_, name=f"year=2026/month=07/day=04/{id_}.json.gz"))
os._exit(137)
"""


def die_with(folder: Path, *ids: str) -> None:
    """Leave records in ``folder/spool``, as a process does that is killed."""
    done = subprocess.run(
        [sys.executable, "-c", _DYING, *ids],
        cwd=folder,
        env=environment({"PYTHONPATH": str(_ROOT)}),
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (137, b"")


class TestDelivery:
    """What waits reaches the sinks."""

    def test_leftovers_are_sent(self, run: Run, account: Account, tmp_path: Path) -> None:
        die_with(tmp_path, "RM_a-AJ_b", "RM_c-AJ_d")

        outcome = run("drain", "--json", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.json == {
            "ok": True,
            "spool": str(tmp_path / "spool"),
            "sent": ["RM_a-AJ_b", "RM_c-AJ_d"],
            "kept": [],
            "held": [],
            "given_up": [],
            "unreadable": [],
        }
        assert sorted(account.server.objects(account.bucket)) == [
            "sessions/year=2026/month=07/day=04/RM_a-AJ_b.json.gz",
            "sessions/year=2026/month=07/day=04/RM_c-AJ_d.json.gz",
        ]
        assert len(account.server.events(account.group)) == 2
        assert Spool(tmp_path / "spool").paths() == []

    def test_people_read_what_was_sent(self, run: Run, account: Account, tmp_path: Path) -> None:
        die_with(tmp_path, "RM_a-AJ_b")

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert (outcome.code, outcome.out) == (0, "1 record sent: RM_a-AJ_b\n")
        assert outcome.err == "1/1 RM_a-AJ_b\n"

    def test_many_are_counted(self, run: Run, tmp_path: Path) -> None:
        die_with(tmp_path, *(f"RM_{number:02}-AJ" for number in range(12)))

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", ANALYTICS_DIRECTORY="here")

        assert outcome.out.startswith("12 records sent: RM_00-AJ, RM_01-AJ, ")
        assert outcome.out.endswith(", RM_09-AJ and 2 more\n")

    def test_all_that_is_logged_is_shown_on_demand(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b")

        outcome = run("drain", "-v", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert f"INFO Analytics uploaded to S3: s3://{account.bucket}/" in outcome.err

    def test_a_terminal_shows_a_bar(self, account: Account, tmp_path: Path) -> None:
        # Not on Windows, and so not for mypy there.
        if (openpty := getattr(os, "openpty", None)) is None:
            pytest.skip("this system has no such terminals")
        die_with(tmp_path, "RM_a-AJ_b")
        ours, theirs = openpty()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "livekit_plugins_analytics.cli", "drain", "-v"],
                cwd=tmp_path,
                env=environment(
                    {
                        **account.variables,
                        "ANALYTICS_SPOOL_DIRECTORY": "spool",
                        "TERM": "xterm",
                    }
                ),
                stdout=subprocess.PIPE,
                stderr=theirs,
            )
            shown = os.read(ours, 1_000_000).decode()
        finally:
            os.close(ours)
            os.close(theirs)

        assert done.returncode == 0
        assert "Sending" in shown
        assert "INFO Analytics uploaded" in shown
        assert "1/1" not in shown

    def test_the_variables_may_be_in_a_file(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b")
        variables = {**account.variables, "ANALYTICS_SPOOL_DIRECTORY": "spool"}
        lines = "\n".join(f"{name}={value}" for name, value in variables.items())
        (tmp_path / "variables").write_text(lines, encoding="utf-8-sig")

        outcome = run("drain", "--env-file", "variables")

        assert (outcome.code, outcome.out) == (0, "1 record sent: RM_a-AJ_b\n")


class TestWhatStays:
    """A record that was not confirmed stays, and the reason is told."""

    def test_a_sink_that_refuses_is_named_with_the_fix(
        self, run: Run, faults: FaultServer, faulty: dict[str, str], tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b", "RM_c-AJ_d")
        faults.s3_mode = "access_denied"
        faulty["ANALYTICS_SPOOL_DIRECTORY"] = "spool"

        outcome = run("drain", "--json", **faulty)

        assert (outcome.code, outcome.json["ok"], outcome.json["sent"]) == (1, False, [])
        kept = sorted(each["session_id"] for each in outcome.json["kept"])
        assert kept == ["RM_a-AJ_b", "RM_c-AJ_d"]
        for each in outcome.json["kept"]:
            assert each["reason"] == "s3: AccessDenied"
            assert each["fix"].startswith("Allow s3:PutObject on the bucket")
        assert len(Spool(tmp_path / "spool").paths()) == 2
        assert len(faults.events("/calls")) == 2

        page = run("drain", **faulty)

        assert page.code == 1
        assert page.out.splitlines() == [
            f"2 records kept in {tmp_path / 'spool'}: RM_a-AJ_b, RM_c-AJ_d",
            "  s3: AccessDenied",
            f"  {outcome.json['kept'][0]['fix']}",
        ]

        faults.s3_mode = "ok"
        assert run("drain", **faulty).code == 0
        # Confirmed the first time.
        assert len(faults.events("/calls")) == 2
        assert len(faults.objects("calls")) == 2

    def test_one_without_a_fix_is_told_as_well(
        self, run: Run, faults: FaultServer, faulty: dict[str, str], tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b")
        faults.mode = "503"

        outcome = run("drain", "--quiet", ANALYTICS_SPOOL_DIRECTORY="spool", **faulty)

        assert outcome.code == 1
        assert outcome.out.splitlines()[1:] == ["  s3: ServiceUnavailable"]

    def test_what_a_running_process_sends_is_left_to_it(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        entry = Spool(tmp_path / "spool").put(parcel())
        try:
            outcome = run("drain", "--json", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)
            page = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)
            quiet = run("drain", "-q", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)
        finally:
            entry.release()

        assert (outcome.code, outcome.json["held"]) == (1, ["RM_a-AJ_b"])
        assert page.out == "1 record held by a running process: RM_a-AJ_b\n"
        assert (quiet.code, quiet.out, quiet.err) == (1, "", "")
        assert account.server.objects(account.bucket) == {}

    def test_what_nobody_can_read_is_put_aside(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b", "RM_c-AJ_d")
        torn, _ = Spool(tmp_path / "spool").paths()
        torn.write_bytes(torn.read_bytes()[:-5])

        outcome = run("drain", "-q", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        aside = tmp_path / "spool" / "dead" / torn.name
        assert aside.exists()
        assert outcome.code == 1
        assert f"Unreadable, put aside: {aside}" in outcome.out
        assert "RM_c-AJ_d" in outcome.out
        assert "unreadable" in outcome.err
        assert len(account.server.objects(account.bucket)) == 1

    def test_what_waited_for_too_long_is_put_aside(
        self, run: Run, faults: FaultServer, faulty: dict[str, str], tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b", "RM_c-AJ_d")
        old, _ = Spool(tmp_path / "spool").paths()
        os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
        faults.mode = "503"
        faulty |= {"ANALYTICS_SPOOL_DIRECTORY": "spool", "ANALYTICS_SPOOL_MAX_DAYS": "1"}

        outcome = run("drain", "--json", **faulty)

        assert outcome.code == 1
        assert [each["session_id"] for each in outcome.json["kept"]] == ["RM_c-AJ_d"]
        (given_up,) = outcome.json["given_up"]
        assert given_up["session_id"] == "RM_a-AJ_b"
        assert given_up["reason"].startswith("expired: waited for 2 days, ANALYTICS_SPOOL_MAX_DAYS")
        # Told once: the next pass has nothing to do with it.
        faults.mode = "ok"
        assert run("drain", **faulty).code == 0
        assert len(faults.objects("calls")) == 1


class TestFallback:
    """What a process left that could not use its own spool."""

    def left_in(self, folder: Path) -> Spool:
        spool = Spool(folder / "tmp" / f"livekit-analytics-spool-{os.getuid()}")
        spool.put(parcel()).release()
        return spool

    def test_it_is_sent(self, run: Run, tmp_path: Path) -> None:
        spool = self.left_in(tmp_path)
        die_with(tmp_path, "RM_c-AJ_d")

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", ANALYTICS_DIRECTORY="here")

        assert (outcome.code, outcome.out) == (0, "2 records sent: RM_a-AJ_b, RM_c-AJ_d\n")
        assert spool.paths() == []

    def test_it_is_sent_where_the_spool_cannot_be_used_either(
        self, run: Run, tmp_path: Path
    ) -> None:
        spool = self.left_in(tmp_path)
        (tmp_path / "file").touch()

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="file", ANALYTICS_DIRECTORY="here")

        assert (outcome.code, outcome.out) == (2, "1 record sent: RM_a-AJ_b\n")
        assert "ANALYTICS_SPOOL_DIRECTORY" in outcome.err
        assert spool.paths() == []


class TestNothingToDo:
    """An empty spool, and settings that cannot work."""

    def test_an_empty_spool_is_fine(self, run: Run, account: Account, tmp_path: Path) -> None:
        (tmp_path / "spool").mkdir()

        loud = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)
        quiet = run("drain", "--quiet", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert (loud.code, loud.out) == (0, f"Nothing waits in {tmp_path / 'spool'}.\n")
        assert (quiet.code, quiet.out, quiet.err) == (0, "", "")

    def test_a_spool_that_was_never_needed_is_not_made(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        outcome = run("drain", "--json", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert (outcome.code, outcome.json["ok"]) == (0, True)
        assert not (tmp_path / "spool").exists()

    def test_without_a_sink_nothing_is_touched(self, run: Run, tmp_path: Path) -> None:
        """A cron job without the agent's variables must not move records to a directory."""
        die_with(tmp_path, "RM_a-AJ_b")

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("No sink is set: set ANALYTICS_S3_BUCKET")
        assert len(Spool(tmp_path / "spool").paths()) == 1
        assert not (tmp_path / "analytics").exists()

    def test_a_directory_that_is_meant_is_a_sink(self, run: Run, tmp_path: Path) -> None:
        die_with(tmp_path, "RM_a-AJ_b")

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", ANALYTICS_DIRECTORY="here")

        assert outcome.code == 0
        assert len(list((tmp_path / "here").rglob("*.json.gz"))) == 1

    def test_a_wrong_setting_is_one_line(self, run: Run) -> None:
        outcome = run("drain", ANALYTICS_S3_BUCKET="s3://calls", ANALYTICS_TRANSCRIPT="maybe")

        assert (outcome.code, outcome.out) == (2, "")
        assert re.fullmatch(
            r"Wrong analytics settings\. ANALYTICS_S3_BUCKET: .*; ANALYTICS_TRANSCRIPT: .*\n",
            outcome.err,
        )

    def test_a_spool_that_cannot_be_used_is_one_line(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        (tmp_path / "spool").touch()

        outcome = run("drain", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables)

        assert (outcome.code, outcome.out) == (2, "")
        assert len(outcome.err.splitlines()) == 1
        assert "ANALYTICS_SPOOL_DIRECTORY" in outcome.err
        assert "Traceback" not in outcome.err

    def test_json_is_all_there_is_on_stdout(
        self, run: Run, faults: FaultServer, faulty: dict[str, str], tmp_path: Path
    ) -> None:
        die_with(tmp_path, "RM_a-AJ_b")
        faults.mode = "expired_token"

        outcome = run("drain", "--json", "-v", ANALYTICS_SPOOL_DIRECTORY="spool", **faulty)

        assert json.loads(outcome.out)["ok"] is False
        assert "ERROR analytics sink s3: ExpiredToken" in outcome.err
