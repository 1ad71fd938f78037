"""What waits and what was given up can be listed, read and tried again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Entry, Spool
from livekit_plugins_analytics.writers import MAX_EVENT_BYTES, Parcel
from tests.servers import FaultServer
from tests.writers.parcels import parcel

from .conftest import Account, Run, environment

DAY = 24 * 3600.0
TOO_BIG = b'{"x": "%s"}' % (b"x" * MAX_EVENT_BYTES)


def made(session_id: str, revision: int = 1, **changes: object) -> Parcel:
    """A session's parcel."""
    record = {"session_id": session_id, "revision": revision, "cost": 0.10, "said": "Grüße [b]"}
    whole = parcel(
        record,
        session_id=session_id,
        revision=revision,
        name=f"year=2026/month=07/day=04/{session_id}.json.gz",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # a parcel's fields


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def fallback(run: Run, tmp_path: Path) -> Spool:
    """The spool in the temporary directory."""
    return Spool(tmp_path / "tmp" / f"livekit-analytics-spool-{os.getuid()}")


def put(spool: Spool, one: Parcel, *confirmed: str) -> Entry:
    """Spool a parcel that these sinks have; it is held."""
    entry = spool.put(one)
    for sink in confirmed:
        spool.confirm(entry, sink)
    return entry


def give_up(spool: Spool, one: Parcel, *confirmed: str) -> None:
    """Put a parcel aside."""
    assert spool.bury(put(spool, one, *confirmed), "refused", "cloudwatch: EventTooLarge. Cut.")


def waiting(spool: Spool) -> list[str]:
    return [spool.session(path) for path in spool.paths()]


def dead(spool: Spool) -> list[str]:
    return [spool.session(path) for *_, path in spool.dead.dated()]


class TestLs:
    """All there is, for people and for programs."""

    def test_programs_get_everything(self, run: Run, spool: Spool) -> None:
        give_up(spool, made("RM_d-AJ", revision=2), "s3")
        free, held = put(spool, made("RM_a-AJ"), "s3", "directory"), put(spool, made("RM_b-AJ"))
        free.release()
        os.utime(free.path, (time.time() - 3 * DAY,) * 2)
        try:
            outcome = run("spool", "ls", "--json", ANALYTICS_SPOOL_DIRECTORY="spool")
        finally:
            held.release()

        assert (outcome.code, outcome.err) == (1, "")
        listed = outcome.json
        (only,) = listed.pop("spools")
        sizes = [each["bytes"] for each in only["waiting"]]
        (size,) = [each["bytes"] for each in only["dead"]]
        assert listed == {
            "ok": False,
            "totals": {
                "waiting": 2,
                "waiting_bytes": sum(sizes),
                "dead": 1,
                "dead_bytes": size,
                "lost": {"refused": 1},
            },
        }
        assert only["directory"] == str(spool.directory)
        assert only["lost"] == {"refused": 1}
        oldest, other = only["waiting"]
        assert oldest.pop("age_seconds") == pytest.approx(3 * DAY, abs=60)
        assert oldest == {
            "session_id": "RM_a-AJ",
            "revision": 1,
            "bytes": free.path.stat().st_size,
            "confirmed": ["directory", "s3"],
            "held": False,
            "file": str(free.path),
        }
        assert (other["session_id"], other["held"], other["confirmed"]) == ("RM_b-AJ", True, [])
        (buried,) = only["dead"]
        assert (buried["session_id"], buried["revision"]) == ("RM_d-AJ", 2)
        assert (buried["reason"], buried["detail"]) == (
            "refused",
            "cloudwatch: EventTooLarge. Cut.",
        )
        assert buried["confirmed"] == ["s3"]

    def test_people_get_a_table(self, run: Run, spool: Spool) -> None:
        give_up(spool, made("RM_d-AJ"), "s3")
        for session_id, age in (("RM_a-AJ", 3 * DAY), ("RM_b-AJ", 7300), ("RM_c-AJ", 150)):
            entry = put(spool, made(session_id))
            entry.release()
            os.utime(entry.path, (time.time() - age,) * 2)
        (spool.directory / "torn.parcel").write_bytes(b"x" * 2_000_000)

        outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert (outcome.code, outcome.err) == (1, "")
        lines = [line.split() for line in outcome.out.splitlines()]
        assert lines[0] == [str(spool.directory)]
        assert lines[1] == ["waiting:", "4", "records,", "2.0", "MB"]
        assert lines[2][:4] == ["session", "revision", "age", "size"]
        assert [line[:4] for line in lines[3:7]] == [
            ["RM_a-AJ", "1", "3", "d"],
            ["RM_b-AJ", "1", "2", "h"],
            ["RM_c-AJ", "1", "2", "min"],
            ["torn", "-", lines[6][2], "s"],
        ]
        assert lines[3][-2:] == ["-", "waits"]
        assert lines[6][-1] == "unreadable"
        assert lines[7][:2] == ["dead:", "1"]
        assert lines[9][0] == "RM_d-AJ"
        assert lines[9][-5:] == ["s3", "refused:", "cloudwatch:", "EventTooLarge.", "Cut."]
        assert lines[10] == ["lost", "so", "far:", "1", "refused"]

    def test_one_that_is_held_is_said_to_be(self, run: Run, spool: Spool) -> None:
        entry = put(spool, made("RM_a-AJ"))
        try:
            outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="spool")
        finally:
            entry.release()
        assert "held by a running process" in outcome.out

    def test_an_empty_spool_is_fine(self, run: Run, spool: Spool) -> None:
        outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="spool")
        assert (outcome.code, outcome.out.splitlines()[1:]) == (
            0,
            ["  waiting: none", "  dead: none", "  lost so far: none"],
        )

    def test_where_there_is_none_none_is_made(self, run: Run, tmp_path: Path) -> None:
        loud = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="spool")
        asked = run("spool", "ls", "--json", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert (loud.code, asked.code, asked.json["ok"]) == (0, 0, True)
        assert loud.out == f"There is no spool in {tmp_path / 'spool'}: nothing ever waited.\n"
        assert not (tmp_path / "spool").exists()

    def test_the_one_in_the_temporary_directory_is_listed_too(
        self, run: Run, spool: Spool, fallback: Spool
    ) -> None:
        put(fallback, made("RM_a-AJ")).release()
        give_up(spool, made("RM_b-AJ"))

        outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert str(fallback.directory) in outcome.out
        assert outcome.out.splitlines()[-1].startswith("In all: waiting 1 record, 0.")
        assert outcome.out.endswith("; lost so far 1 refused\n")

    def test_one_that_cannot_be_used_is_an_error_and_hides_no_other(
        self, run: Run, fallback: Spool, tmp_path: Path
    ) -> None:
        put(fallback, made("RM_a-AJ")).release()
        (tmp_path / "file").touch()

        outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="file")

        assert outcome.code == 2
        assert "RM_a-AJ" in outcome.out
        assert "ANALYTICS_SPOOL_DIRECTORY" in outcome.err

    def test_one_that_cannot_be_used_is_one_line(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        outcome = run("spool", "ls", ANALYTICS_SPOOL_DIRECTORY="file")

        assert (outcome.code, outcome.out) == (2, "")
        assert len(outcome.err.splitlines()) == 1

    def test_a_terminal_folds_what_is_too_wide(self, spool: Spool, tmp_path: Path) -> None:
        if (openpty := getattr(os, "openpty", None)) is None:
            pytest.skip("this system has no such terminals")
        give_up(spool, made("RM_a-AJ"), "s3")
        ours, theirs = openpty()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "livekit_plugins_analytics.cli", "spool", "ls"],
                cwd=tmp_path,
                env=environment(
                    {
                        "ANALYTICS_SPOOL_DIRECTORY": "spool",
                        "TERM": "xterm",
                        "COLUMNS": "90",
                        "TMPDIR": str(tmp_path),
                    }
                ),
                stdout=theirs,
                stderr=subprocess.PIPE,
            )
            shown = os.read(ours, 1_000_000).decode()
        finally:
            os.close(ours)
            os.close(theirs)
        assert (done.returncode, done.stderr) == (1, b"")
        assert "\x1b[" in shown
        assert "RM_a-AJ" in shown


class TestShow:
    """The record itself, on stdout; where it is, on stderr."""

    def test_a_pipe_gets_the_record_as_a_line(self, run: Run, spool: Spool) -> None:
        put(spool, made("RM_a-AJ"), "s3").release()

        outcome = run("spool", "show", "RM_a-AJ", "--json", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert outcome.code == 0
        assert outcome.out == (
            '{"session_id":"RM_a-AJ","revision":1,"cost":0.1,"said":"Grüße [b]"}\n'
        )
        assert outcome.err.splitlines() == [str(spool.paths()[0]), "waits; confirmed by s3"]

    def test_people_get_it_indented(self, run: Run, spool: Spool) -> None:
        give_up(spool, made("RM_a-AJ"))

        outcome = run("spool", "show", "RM_a-AJ", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert outcome.code == 0
        assert outcome.out.splitlines()[1] == '  "session_id": "RM_a-AJ",'
        assert '"said": "Grüße [b]"' in outcome.out
        assert json.loads(outcome.out)["cost"] == 0.1
        assert outcome.err.splitlines()[1] == (
            "refused: cloudwatch: EventTooLarge. Cut.; confirmed by no sink"
        )

    def test_of_several_revisions_the_last_is_shown(
        self, run: Run, spool: Spool, fallback: Spool
    ) -> None:
        put(fallback, made("RM_a-AJ", revision=2)).release()
        put(spool, made("RM_a-AJ")).release()
        give_up(spool, made("RM_a-AJ"))

        outcome = run("spool", "show", "RM_a-AJ", "--json", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert outcome.json["revision"] == 2

    def test_one_that_is_not_there_is_told(self, run: Run, spool: Spool) -> None:
        outcome = run("spool", "show", "RM_a-AJ", ANALYTICS_SPOOL_DIRECTORY="spool")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == "No record of RM_a-AJ waits or was given up.\n"

    def test_one_that_is_damaged_is_told(self, run: Run, spool: Spool) -> None:
        entry = put(spool, made("RM_a-AJ"))
        entry.release()
        entry.path.write_bytes(entry.path.read_bytes()[:-1])

        outcome = run("spool", "show", "RM_a-AJ", ANALYTICS_SPOOL_DIRECTORY="spool")

        assert (outcome.code, outcome.out) == (1, "")
        assert outcome.err == f"{entry.path} cannot be read: torn\n"


class TestRetryDead:
    """What was given up gets another chance, with those sinks that lack it."""

    def test_it_is_sent_to_those_that_lack_it(
        self, run: Run, spool: Spool, account: Account
    ) -> None:
        give_up(spool, made("RM_a-AJ"), "cloudwatch")
        give_up(spool, made("RM_b-AJ"))

        outcome = run(
            "spool", "retry-dead", "--json", ANALYTICS_SPOOL_DIRECTORY="spool", **account.variables
        )

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.json == {
            "ok": True,
            "revived": ["RM_a-AJ", "RM_b-AJ"],
            "stayed": [],
            "spool": str(spool.directory),
            "sent": ["RM_a-AJ", "RM_b-AJ"],
            "kept": [],
            "held": [],
            "given_up": [],
            "unreadable": [],
        }
        assert len(account.server.objects(account.bucket)) == 2
        (event,) = account.server.events(account.group)
        assert event["message"]["session_id"] == "RM_b-AJ"
        assert spool.losses.total() == {}
        assert (waiting(spool), dead(spool)) == ([], [])

    def test_only_what_is_named_is_tried(self, run: Run, spool: Spool, tmp_path: Path) -> None:
        for session_id in ("RM_a-AJ", "RM_b-AJ", "RM_c-AJ"):
            give_up(spool, made(session_id))

        outcome = run(
            *("spool", "retry-dead", "RM_c-AJ", "RM_a-AJ"),
            ANALYTICS_SPOOL_DIRECTORY="spool",
            ANALYTICS_DIRECTORY="here",
        )

        assert (outcome.code, outcome.out) == (0, "2 records sent: RM_a-AJ, RM_c-AJ\n")
        assert outcome.err == "1/2 RM_a-AJ\n2/2 RM_c-AJ\n"
        assert dead(spool) == ["RM_b-AJ"]
        assert spool.losses.total() == {"refused": 1}

    def test_a_session_that_was_not_given_up_is_told_and_nothing_is_done(
        self, run: Run, spool: Spool
    ) -> None:
        give_up(spool, made("RM_a-AJ"))

        outcome = run(
            *("spool", "retry-dead", "RM_a-AJ", "RM_x-AJ"),
            ANALYTICS_SPOOL_DIRECTORY="spool",
            ANALYTICS_DIRECTORY="here",
        )

        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Not in dead/: RM_x-AJ. `livekit-analytics spool ls`")
        assert dead(spool) == ["RM_a-AJ"]

    def test_what_is_refused_again_is_given_up_again(
        self, run: Run, spool: Spool, faults: FaultServer, faulty: dict[str, str]
    ) -> None:
        give_up(spool, made("RM_a-AJ", event=TOO_BIG), "s3")

        outcome = run("spool", "retry-dead", ANALYTICS_SPOOL_DIRECTORY="spool", **faulty)

        assert outcome.code == 1
        first, reason, fix, last = outcome.out.splitlines()
        assert first == "1 record given up, put aside in dead/: RM_a-AJ"
        assert reason == "  refused: cloudwatch: EventTooLarge"
        assert fix.endswith("set ANALYTICS_S3_BUCKET for records of any size")
        assert last == "Once that is mended: livekit-analytics spool retry-dead"
        assert dead(spool) == ["RM_a-AJ"]
        assert faults.objects("calls") == {}
        assert spool.losses.total() == {"refused": 1}

    def test_what_no_sink_takes_now_waits(
        self, run: Run, spool: Spool, faults: FaultServer, faulty: dict[str, str]
    ) -> None:
        give_up(spool, made("RM_a-AJ"))
        faults.mode = "503"

        outcome = run("spool", "retry-dead", "-q", ANALYTICS_SPOOL_DIRECTORY="spool", **faulty)

        assert outcome.code == 1
        assert outcome.out.startswith(f"1 record kept in {spool.directory}: RM_a-AJ\n")
        assert waiting(spool) == ["RM_a-AJ"]
        assert spool.losses.total() == {}

    def test_what_cannot_be_read_stays(self, run: Run, spool: Spool) -> None:
        give_up(spool, made("RM_a-AJ"))
        ((*_, path),) = spool.dead.dated()
        path.write_bytes(path.read_bytes()[:-1])

        outcome = run(
            *("spool", "retry-dead"), ANALYTICS_SPOOL_DIRECTORY="spool", ANALYTICS_DIRECTORY="here"
        )

        assert outcome.code == 1
        assert outcome.out.startswith("Stays in dead/, unreadable or in another's hands: RM_a-AJ\n")
        assert "cannot be brought back (torn)" in outcome.err
        assert dead(spool) == ["RM_a-AJ"]

    def test_where_nothing_was_given_up_all_is_well(self, run: Run, spool: Spool) -> None:
        outcome = run(
            *("spool", "retry-dead"), ANALYTICS_SPOOL_DIRECTORY="spool", ANALYTICS_DIRECTORY="here"
        )
        assert (outcome.code, outcome.out) == (0, f"Nothing waits in {spool.directory}.\n")

    def test_without_a_sink_nothing_is_touched(self, run: Run, spool: Spool) -> None:
        give_up(spool, made("RM_a-AJ"))
        outcome = run("spool", "retry-dead", ANALYTICS_SPOOL_DIRECTORY="spool")
        assert (outcome.code, outcome.out) == (2, "")
        assert dead(spool) == ["RM_a-AJ"]

    def test_the_variables_may_be_in_a_file(self, run: Run, spool: Spool, tmp_path: Path) -> None:
        give_up(spool, made("RM_a-AJ"))
        lines = "ANALYTICS_SPOOL_DIRECTORY=spool\nANALYTICS_DIRECTORY=here\n"
        (tmp_path / "variables").write_text(lines)

        outcome = run("spool", "retry-dead", "--env-file", "variables")

        assert (outcome.code, outcome.out) == (0, "1 record sent: RM_a-AJ\n")
        assert run("spool", "ls", "--env-file", "variables").code == 0
        assert run("spool", "show", "RM_a-AJ", "--env-file", "variables").code == 2
