"""``livekit-analytics doctor``: will this machine, with these secrets, deliver?"""

from __future__ import annotations

import typer

from ..options import AsJson, EnvFile, Verbose, begin

__all__ = ["doctor"]


def doctor(env_file: EnvFile = None, as_json: AsJson = False, verbose: Verbose = False) -> None:
    """Check whether this machine, with these secrets, will deliver.

    Writes a probe through every sink, beside the records and never among them. Exits with 0 when
    nothing failed, 1 when something failed, 2 for wrong usage. Shows no secrets.
    """
    from_file = begin(env_file, verbose)

    from rich.console import Console

    from .examination import examine
    from .report import as_object, print_report

    with Console(stderr=True).status("Checking ..."):
        checks = examine(from_file)
    if as_json:
        import json

        typer.echo(json.dumps(as_object(checks)))
    else:
        print_report(checks, Console(highlight=False))
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)
