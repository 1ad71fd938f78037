"""The command's parts put together: one module per group of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from ..version import __version__
from .checkpoints import app as checkpoints
from .cloudwatch import app as cloudwatch
from .compact import compact
from .ddl import app as ddl
from .doctor import doctor
from .drain import drain
from .forget import forget
from .iam import app as iam
from .infra import app as infra
from .ls import ls
from .prices import prices_app as prices
from .query import query
from .redact import app as redact
from .report import report
from .schema import schema
from .show import show
from .signals import app as signals
from .spool import app as spool
from .sync import sync
from .synth import synth
from .tail import tail
from .transcripts import app as transcripts
from .validate import validate

app = typer.Typer(
    help="Check and serve the delivery of call analytics from this machine.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of variables would show credentials.
    pretty_exceptions_enable=False,
)
app.command()(compact)
app.command()(doctor)
app.command()(drain)
app.command()(forget)
app.command()(schema)
app.command()(ls)
app.command()(query)
app.command()(report)
app.command()(show)
app.command()(sync)
app.command()(synth)
app.command()(tail)
app.command()(validate)
app.add_typer(checkpoints)
app.add_typer(cloudwatch)
app.add_typer(iam)
app.add_typer(ddl)
app.add_typer(infra)
app.add_typer(prices)
app.add_typer(redact)
app.add_typer(signals)
app.add_typer(spool)
app.add_typer(transcripts)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"livekit-analytics {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Check and serve the delivery of call analytics from this machine."""
