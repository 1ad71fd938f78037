"""Compaction that runs elsewhere: in Athena, or as a script on Spark."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone

import typer

from .options import give_up


def print_script() -> None:
    """Print the script for spark-submit."""
    from ..warehouse.spark import script

    typer.echo(script())


def run_in_athena(
    to: str | None,
    since: date | None,
    until: date | None,
    *,
    database: str,
    table: str,
    workgroup: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Have Athena compact each day, and say so as it is done."""
    if to is None or not to.startswith("s3://"):
        give_up("--engine athena needs --to s3://bucket/prefix, as `ddl athena --parquet` had it.")
    # Today still gets records.
    last = until or datetime.now(timezone.utc).date() - timedelta(days=1)
    first = since or last
    if first > last:
        give_up("--since is after --until: there is no day between them.")
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from ..warehouse.athena_compaction import CompactionFailed, compact
    from ..warehouse.names import Location
    from ..writers import region_of_environment

    bucket, _, prefix = to.removeprefix("s3://").partition("/")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    names = {"database": database, "table": table}
    done = []
    failed = None
    try:
        client = boto3.client("athena", region_name=region_of_environment())
        place = Location(bucket, prefix)
        for day in compact(client, place, days, workgroup=workgroup, output=output, **names):
            done.append(day)
            if not as_json:
                how = "written" if day.written else "there already"
                typer.echo(f"{day.day}: {day.rows:,} records, {how}")
    except (CompactionFailed, ValueError) as error:
        failed = str(error)
    except (BotoCoreError, ClientError) as error:
        answer = getattr(error, "response", {}).get("Error", {}).get("Code")
        failed = f"Athena cannot be asked: {answer or type(error).__name__}"
    if as_json:
        partitions = [
            {"day": each.day.isoformat(), "rows": each.rows, "written": each.written}
            for each in done
        ]
        typer.echo(json.dumps({"ok": failed is None, "partitions": partitions, "failed": failed}))
    elif failed:
        typer.echo(failed, err=True)
    if failed:
        raise typer.Exit(1)
