"""``livekit-analytics ddl``: what makes the records queryable in a warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ..warehouse import athena as for_athena
from ..warehouse import bigquery as for_bigquery
from ..warehouse import duckdb as for_duckdb
from ..warehouse import glue as for_glue
from ..warehouse import snowflake as for_snowflake
from ..warehouse.hive import years as year_range
from ..warehouse.names import Location
from ..warehouse.statement import Statement, script
from .options import AsJson, EnvFile, begin, give_up, settings_or_exit

T = TypeVar("T")

app = typer.Typer(
    name="ddl",
    help="Statements that make the records queryable, generated from the record's schema.",
    no_args_is_help=True,
)

Bucket = Annotated[
    str | None, typer.Option("--bucket", help="The bucket; default: ANALYTICS_S3_BUCKET.")
]
Prefix = Annotated[
    str | None,
    typer.Option("--prefix", help="What keys begin with; default: ANALYTICS_S3_PREFIX."),
]
Table = Annotated[
    str, typer.Option("--table", help="One row a session; other names begin with it.")
]
Database = Annotated[str, typer.Option("--database", help="The database.")]
Years = Annotated[
    str | None,
    typer.Option(
        "--years", help="Years to look for, such as 2025-2035; default: last year to ten ahead."
    ),
]


@app.command()
def athena(
    bucket: Bucket = None,
    prefix: Prefix = None,
    database: Database = "livekit_analytics",
    table: Table = "sessions",
    years: Years = None,
    parquet: Annotated[
        str | None,
        typer.Option("--parquet", help="The prefix of compacted records: print their table too."),
    ] = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Print Athena's table with partition projection, and views; run them one by one."""

    where = _location(bucket, prefix, env_file)

    def make() -> Sequence[Statement]:
        names = {"database": database, "table": table}
        made = for_athena.statements(where, **names, years=year_range(years))
        if parquet is None:
            return made
        there = Location(where.bucket, parquet)
        return (*made, *for_athena.compacted(there, **names, years=year_range(years)))

    _show(_made(make), as_json)


@app.command()
def glue(
    bucket: Bucket = None,
    prefix: Prefix = None,
    database: Database = "livekit_analytics",
    table: Table = "sessions",
    years: Years = None,
    env_file: EnvFile = None,
) -> None:
    """Print the table for aws glue create-table --cli-input-json; Athena's views go on top."""

    where = _location(bucket, prefix, env_file)

    def make() -> object:
        return for_glue.create_table(where, database=database, table=table, years=year_range(years))

    typer.echo(json.dumps(_made(make), indent=2))


@app.command()
def snowflake(
    role_arn: Annotated[
        str, typer.Option("--role-arn", help="The role in AWS that Snowflake is to take on.")
    ],
    bucket: Bucket = None,
    prefix: Prefix = None,
    integration: Annotated[
        str, typer.Option("--integration", help="The storage integration's name.")
    ] = "livekit_analytics_s3",
    table: Table = "sessions",
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Print Snowflake's integration, stage, pipe, tables, views, and the MERGE for revisions."""

    where = _location(bucket, prefix, env_file)

    def make() -> Sequence[Statement]:
        return for_snowflake.statements(where, role=role_arn, integration=integration, table=table)

    _show(_made(make), as_json)


@app.command()
def duckdb(
    path: Annotated[
        str, typer.Argument(help="The folder, or s3:// address, that has year=... in it.")
    ],
    table: Table = "sessions",
    as_json: AsJson = False,
) -> None:
    """Print DuckDB's table and views; an s3:// address needs its httpfs extension."""
    _show(_made(lambda: for_duckdb.statements(path, table=table)), as_json)


@app.command()
def bigquery(
    bucket: Annotated[str, typer.Option("--bucket", help="A bucket in Cloud Storage.")],
    prefix: Prefix = None,
    project: Annotated[
        str | None, typer.Option("--project", help="The project; default: bq's own.")
    ] = None,
    dataset: Annotated[
        str, typer.Option("--dataset", help="A dataset that is there.")
    ] = "livekit_analytics",
    table: Table = "sessions",
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Print BigQuery's table and views, for records that were copied to Cloud Storage.

    They are checked by a parser only: no BigQuery has run them.
    """

    where = _location(bucket, prefix, env_file)

    def make() -> tuple[Sequence[Statement], str]:
        return (
            for_bigquery.statements(dataset=dataset, table=table, project_id=project),
            for_bigquery.load_command(where, dataset=dataset, table=table, project_id=project),
        )

    statements, load = _made(make)
    if not as_json:
        typer.echo(f"-- Afterwards, in a shell:\n-- {load}\n")
    _show(statements, as_json)


def _location(bucket: str | None, prefix: str | None, env_file: Path | None) -> Location:
    begin(env_file, verbose=False)
    settings = settings_or_exit()
    name = bucket or settings.s3_bucket
    if name is None:
        give_up("The bucket is not known: pass --bucket, or set ANALYTICS_S3_BUCKET.")
    return _made(lambda: Location(name, settings.s3_prefix if prefix is None else prefix))


def _made(make: Callable[[], T]) -> T:
    """What is made of the options; the command ends where one of them is wrong."""
    try:
        return make()
    except ValueError as error:
        give_up(str(error))


def _show(statements: Sequence[Statement], as_json: bool) -> None:
    if as_json:
        parts = [{"name": one.name, "about": one.about, "sql": one.sql} for one in statements]
        typer.echo(json.dumps({"statements": parts}))
        return
    typer.echo(script(statements))
