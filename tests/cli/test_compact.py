"""``livekit-analytics compact`` as a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import MotoServer
from tests.warehouse.records import put, stored
from tests.warehouse.test_athena_compaction import WRITTEN, answers

from .conftest import Run


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Records of two days, one of them broken."""
    path = tmp_path / "records"
    stored(path, "a", "2026-11-01")
    stored(path, "b", "2026-11-02")
    put(path, "bad.json.gz", b"\x1f\x8bnonsense", "2026-11-02")
    return path


def test_it_says_what_it_did_and_names_what_it_could_not_read(run: Run, here: Path) -> None:
    outcome = run("compact", str(here), "--to", "lake")

    assert outcome.code == 1
    assert outcome.out.startswith(
        "lake: 2 partitions (0 unchanged), 2 records of 3 objects in 2 files, "
    )
    assert outcome.out.endswith("; 0 duplicates, 1 unreadable.\n")
    assert "year=2026/month=11/day=02/bad.json.gz:1: damaged gzip" in outcome.err


def test_json_has_every_partition_and_problem(run: Run, here: Path) -> None:
    outcome = run("compact", str(here), "--to", "lake", "--since", "2026-11-02", "--json")

    assert (outcome.code, outcome.err) == (1, "")
    (partition,) = outcome.json["partitions"]
    assert (partition["day"], partition["how"], partition["rows"]) == ("2026-11-02", "written", 1)
    (problem,) = outcome.json["problems"]
    assert (problem["object"], problem["line"]) == ("year=2026/month=11/day=02/bad.json.gz", 1)
    assert (outcome.json["ok"], outcome.json["unreadable"]) == (False, 1)


def test_all_is_well_where_every_record_is_there(run: Run, here: Path) -> None:
    outcome = run("compact", str(here), "--to", "lake", "--until", "2026-11-01", "--json")

    assert (outcome.code, outcome.json["ok"], outcome.json["rows"]) == (0, True, 1)


def test_originals_are_deleted_by_who_says_yes(run: Run, here: Path) -> None:
    arguments = ("compact", str(here), "--to", "lake", "--delete-originals")

    refused = run(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert len(list(here.rglob("*.gz"))) == 3

    outcome = run(*arguments, "--yes")
    assert outcome.out.endswith("2 objects deleted.\n")
    assert [each.name for each in here.rglob("*.gz")] == ["bad.json.gz"]


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["none", "--to", "lake"], "no such file"),
        (["records", "--to", "records"], "another --to"),
        (["records", "--to", "lake", "--memory", "x"], "512MB"),
        (["records", "--to", "lake", "--since", "yesterday"], "--since"),
        (["s3://b22/x", "--to", "lake"], "credentials"),
    ],
)
def test_wrong_usage_names_the_fix(run: Run, here: Path, arguments: list[str], fix: str) -> None:
    outcome = run("compact", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert fix in outcome.err


def test_for_spark_it_prints_the_script_with_the_records_schema(run: Run) -> None:
    outcome = run("compact", "--engine", "spark")

    assert (outcome.code, outcome.err) == (0, "")
    compile(outcome.out, "compact.py", "exec")
    assert '"name": "session_id"' in outcome.out


def test_without_a_place_it_says_what_is_missing(run: Run) -> None:
    outcome = run("compact")

    assert (outcome.code, outcome.out) == (2, "")
    assert "compact PATH --to PLACE" in outcome.err


class TestAthena:
    """Compaction by Athena's own statements, on moto: it answers what it was told before."""

    ARGUMENTS = ("compact", "--engine", "athena", "--to", "s3://calls/parquet/")
    DAYS = ("--since", "2026-11-01", "--until", "2026-11-02", "--output", "s3://results/")

    @pytest.fixture
    def athena(self) -> Iterator[MotoServer]:
        """Its answers are ordered beforehand: nobody else may take them."""
        with MotoServer() as server:
            yield server

    def test_each_day_is_told(self, run: Run, athena: MotoServer) -> None:
        answers(athena, (50, 0), *WRITTEN, (50, 50), (7, 7))

        outcome = run(*self.ARGUMENTS, *self.DAYS, **athena.environment())

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines() == [
            "2026-11-01: 50 records, written",
            "2026-11-02: 7 records, there already",
        ]

    def test_a_day_that_differs_ends_it(self, run: Run, athena: MotoServer) -> None:
        answers(athena, (50, 0), *WRITTEN, (50, 49))

        outcome = run(*self.ARGUMENTS, *self.DAYS, "--json", **athena.environment())

        assert outcome.code == 1
        assert outcome.json == {
            "ok": False,
            "partitions": [],
            "failed": "2026-11-01: 49 of 50 records are in the Parquet.",
        }

    def test_a_place_that_is_none_is_refused(self, run: Run) -> None:
        outcome = run("compact", "--engine", "athena", "--to", "parquet")
        assert outcome.code == 2 and "s3://bucket/prefix" in outcome.err
        outcome = run(*self.ARGUMENTS, "--since", "2026-11-02", "--until", "2026-11-01")
        assert outcome.code == 2 and "--since is after --until" in outcome.err
