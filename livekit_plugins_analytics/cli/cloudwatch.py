"""``livekit-analytics cloudwatch``: what to show of the calls in CloudWatch."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..settings import Settings
from ..writers import region_of_environment
from .dashboard import QUERIES, query
from .dashboard import dashboard as body
from .options import AsJson, EnvFile, begin, give_up, settings_or_exit

app = typer.Typer(
    name="cloudwatch", help="A dashboard and queries for CloudWatch.", no_args_is_help=True
)

LogGroup = Annotated[
    str | None, typer.Option("--log-group", help="Where the events are; default: the setting.")
]


@app.command()
def dashboard(
    region: Annotated[
        str | None, typer.Option(help="Where metrics and events are; default: AWS_REGION.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="The metrics' namespace; default: the setting.")
    ] = None,
    log_group: LogGroup = None,
    env_file: EnvFile = None,
) -> None:
    """Print a dashboard's body, for aws cloudwatch put-dashboard --dashboard-body.

    Its graphs need ANALYTICS_METRICS=emf where the agent runs, and use the dimensions of
    ANALYTICS_METRICS_DIMENSIONS.
    """
    begin(env_file, verbose=False)
    settings = _settings(log_group=log_group, metrics_namespace=namespace)
    where = region or region_of_environment()
    if where is None:
        give_up("The region is not known: pass --region, or set AWS_REGION.")
    group = _group(settings)
    made = body(settings.metrics_namespace, settings.dimensions, where, group)
    typer.echo(json.dumps(made, indent=2))


@app.command()
def queries(log_group: LogGroup = None, env_file: EnvFile = None, as_json: AsJson = False) -> None:
    """Print queries for Logs Insights: cost per day, slowest calls, failing tools."""
    begin(env_file, verbose=False)
    group = _group(_settings(log_group=log_group))
    texts = {name: query(name, group) for name in QUERIES}
    if as_json:
        typer.echo(json.dumps({"log_group": group, "queries": texts}))
        return
    typer.echo("\n\n".join(f"# {name}\n{text}" for name, text in texts.items()))


def _settings(**changes: str | None) -> Settings:
    """The settings, and what the options say instead, under the same rules."""
    return settings_or_exit(**{name: value for name, value in changes.items() if value})


def _group(settings: Settings) -> str:
    if settings.log_group is None:
        give_up("The log group is not known: pass --log-group, or set ANALYTICS_LOG_GROUP.")
    return settings.log_group
