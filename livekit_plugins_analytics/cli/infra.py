"""``livekit-analytics infra``: what the records need in an AWS account."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from .options import EnvFile, begin, give_up, settings_or_exit

app = typer.Typer(
    name="infra", help="What the records need in an AWS account, as code.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """What the records need in an AWS account, as code."""


@app.command()
def cloudformation(
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="What keys begin with; default: ANALYTICS_S3_PREFIX."),
    ] = None,
    database: Annotated[
        str, typer.Option("--database", help="Glue's database.")
    ] = "livekit_analytics",
    table: Annotated[str, typer.Option("--table", help="As in ddl glue.")] = "sessions",
    env_file: EnvFile = None,
) -> None:
    """Print a template: bucket, log group, policies, Glue table; Firehose and Snowflake on request.

    Its parameters all have defaults; its outputs are the variables to set.
    """
    begin(env_file, verbose=False)
    from ..warehouse import infrastructure

    settings = settings_or_exit(**({"s3_prefix": prefix} if prefix else {}))
    try:
        template = infrastructure.cloudformation(settings.s3_prefix, database=database, table=table)
    except ValueError as error:
        give_up(str(error))
    typer.echo(json.dumps(template, indent=2))
