"""``livekit-analytics drain``: sends what the spool holds."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, EnvFile, Verbose, begin
from .sending import finish, send, settings_with_sink_or_exit, standing

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something stays.")]


def drain(
    env_file: EnvFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Send what the spool holds: records that no running process is sending.

    What the spool's limits do not allow to wait any longer is put aside in its dead/ afterwards.
    Exits with 0 when nothing waits any more, 1 when something stays or was put aside, 2 for wrong
    settings.
    """
    begin(env_file, verbose)
    settings = settings_with_sink_or_exit()
    spools, problem = standing(settings)
    report = send(spools, settings, show=not (as_json or quiet))
    finish(report, spools, settings, problem, as_json, quiet)
