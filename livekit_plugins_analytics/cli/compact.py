"""``livekit-analytics compact``: days of small files to Parquet."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .elsewhere import print_script, run_in_athena
from .options import AsJson, EnvFile, Verbose, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.compaction import Compaction, Options, Progress
    from ..warehouse.problem import Problem

# Of each kind, on a terminal and in JSON; the manifests have all.
_SHOWN = 20
_IN_JSON = 1_000


class Engine(str, Enum):
    """What does the work."""

    duckdb = "duckdb"
    athena = "athena"
    spark = "spark"


class Gone(str, Enum):
    """What becomes of rows whose objects are gone."""

    ask = "ask"
    keep = "keep"
    drop = "drop"


def compact(
    path: Annotated[
        str | None, typer.Argument(help="Records: a directory or s3://bucket/prefix.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="For the Parquet: a directory or s3://...")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day, as in the folders' names."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day.")
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="duckdb: here. athena: in AWS, on the tables of `ddl athena --parquet`. spark: "
            "prints the script for Glue, EMR or spark-submit."
        ),
    ] = Engine.duckdb,
    database: Annotated[
        str, typer.Option("--database", help="Athena: the tables' database.")
    ] = "livekit_analytics",
    table: Annotated[str, typer.Option("--table", help="Athena: the tables' name.")] = "sessions",
    workgroup: Annotated[
        str, typer.Option("--workgroup", help="Athena: who pays, and where results go.")
    ] = "primary",
    output: Annotated[
        str | None, typer.Option("--output", help="Athena: s3://... for results.")
    ] = None,
    memory: Annotated[str, typer.Option(help="What DuckDB may take: 512MB, 2GB.")] = "1GB",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="DuckDB's threads.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Do finished partitions again.")] = False,
    gone: Annotated[
        Gone,
        typer.Option(help="Rows whose objects are gone though nobody deleted them with this."),
    ] = Gone.ask,
    delete_originals: Annotated[
        bool,
        typer.Option("--delete-originals", help="Delete each object when its rows were counted."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Turn days of small files into partitioned Parquet, which every engine reads faster.

    Finished partitions are skipped, changed ones done again, and a killed run goes on where it was.
    Exits with 0 when every record is in the Parquet, 1 when objects or lines could not be read or
    a partition failed (each is named), 2 for wrong usage.
    """
    begin(env_file, verbose)
    if engine is Engine.spark:
        print_script()
        return
    if engine is Engine.athena:
        run_in_athena(
            to,
            _day(since),
            _day(until),
            database=database,
            table=table,
            workgroup=workgroup,
            output=output,
            as_json=as_json,
        )
        return
    if path is None or to is None:
        give_up("Say where the records are and where the Parquet goes: compact PATH --to PLACE.")
    from ..warehouse.compaction import Options
    from ..warehouse.objects import LakeError

    if delete_originals and not yes:
        _ask(path, as_json)
    options = Options(
        since=_day(since),
        until=_day(until),
        memory=memory,
        threads=jobs,
        again=again,
        delete_originals=delete_originals,
        gone=gone.value,
    )
    try:
        made = _duckdb(path, to, options, not as_json)
    except LakeError as error:
        give_up(str(error))
    if as_json:
        typer.echo(json.dumps(_as_object(made)))
    else:
        _show(made, to)
    if not made.ok:
        raise typer.Exit(1)


def _duckdb(path: str, to: str, options: Options, show: bool) -> Compaction:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from ..warehouse.compaction import compact as run

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), disable=not show, transient=True) as bar:
        partitions, objects = bar.add_task("Partitions", total=None), bar.add_task("", total=None)

        def shown(at: Progress) -> None:
            bar.update(partitions, completed=at.partition - 1, total=at.partitions)
            bar.update(objects, description=f"{at.day}", completed=at.done, total=at.total or None)

        return run(path, to, options, shown)


def _ask(path: str, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        give_up(
            "--delete-originals deletes what was recorded: where nobody can be asked, pass --yes"
        )
    question = f"Delete the objects below {path} whose records are in the Parquet by then?"
    if not typer.confirm(question, err=True):
        raise typer.Exit(2)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _as_object(made: Compaction) -> dict[str, Any]:
    totals = {
        name: sum(getattr(each, name) for each in made.partitions)
        for name in ("objects", "rows", "parts", "bytes", "duplicates", "unreadable", "deleted")
    }
    return {
        "ok": made.ok,
        **totals,
        "partitions": [
            {
                "day": each.day.isoformat(),
                "how": each.how,
                **{name: getattr(each, name) for name in totals},
            }
            for each in made.partitions
        ],
        "failed": {day.isoformat(): reason for day, reason in made.failed.items()},
        "problems": [_problem(each) for each in _by_severity(made)[:_IN_JSON]],
        "problems_in_all": len(made.problems),
    }


def _problem(each: Problem) -> dict[str, Any]:
    return {
        "object": each.name,
        "line": each.line,
        "severity": each.severity,
        "reason": each.reason,
    }


def _by_severity(made: Compaction) -> list[Problem]:
    return sorted(made.problems, key=lambda each: each.severity != "error")


def _show(made: Compaction, to: str) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    found = _by_severity(made)
    for each in found[:_SHOWN]:
        errors.print(f"{each}", style="red" if each.severity == "error" else "yellow")
    if len(found) > _SHOWN:
        errors.print(f"... and {len(found) - _SHOWN} more; the partitions' manifests name all")
    for day, reason in made.failed.items():
        errors.print(f"{day}: {reason}", style="red")
    totals = _as_object(made)
    unchanged = sum(each.how == "unchanged" for each in made.partitions)
    console.print(
        f"{to}: {_count(len(made.partitions), 'partition')} ({unchanged} unchanged"
        f"{f', {len(made.failed)} failed' if made.failed else ''}), "
        f"{_count(totals['rows'], 'record')} of {_count(totals['objects'], 'object')} in "
        f"{_count(totals['parts'], 'file')}, {totals['bytes'] / 1e6:.1f} MB; "
        f"{_count(totals['duplicates'], 'duplicate')}, {totals['unreadable']} unreadable."
    )
    if totals["deleted"]:
        console.print(f"{_count(totals['deleted'], 'object')} deleted.")


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' * (number != 1)}"
