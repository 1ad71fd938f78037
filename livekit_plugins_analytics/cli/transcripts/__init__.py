"""``livekit-analytics transcripts``: what was said, fetched afterwards and made ready to read."""

from __future__ import annotations

import typer

from .export import export
from .fetch import fetch
from .watch import watch

__all__ = ["app"]

app = typer.Typer(
    name="transcripts",
    help="What was said: fetch it after the call, export it.",
    no_args_is_help=True,
)
app.command()(fetch)
app.command()(export)
app.command()(watch)
