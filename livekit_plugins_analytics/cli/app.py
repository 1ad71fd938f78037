"""The command's parts put together: one module per group of commands."""

from __future__ import annotations

from typing import Annotated, Any

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
    help="Call analytics: their delivery, their records, and what is made of them.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of variables would show credentials.
    pretty_exceptions_enable=False,
)
_PANELS: dict[str, tuple[Any, ...]] = {
    "Delivery from this machine": (doctor, drain, spool, checkpoints, cloudwatch),
    "Records": (ls, show, tail, query, report, validate, sync, compact, synth),
    "Warehouses and AWS": (ddl, schema, iam, infra),
    "Words and privacy": (transcripts, redact, forget),
    "Signals and costs": (signals, prices),
}
for _panel, _members in _PANELS.items():
    for _member in _members:
        if isinstance(_member, typer.Typer):
            app.add_typer(_member, rich_help_panel=_panel)
        else:
            app.command(rich_help_panel=_panel)(_member)


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
    """Call analytics: their delivery, their records, and what is made of them."""
