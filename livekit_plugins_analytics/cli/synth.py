"""``livekit-analytics synth``: invented records to try things with."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, give_up

if TYPE_CHECKING:
    from ..synth import Written


def synth(
    count: Annotated[int, typer.Option("--count", min=0, help="How many records.")] = 200,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Over how many days.")] = 30,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed and end give the same bytes.")
    ] = 0,
    to: Annotated[
        Path | None,
        typer.Option("--to", file_okay=False, help="A directory; gets S3's layout."),
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option("--jsonl", dir_okay=False, help="Instead of --to: one file, a line each."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--end", formats=["%Y-%m-%d"], help="The last day (UTC); default: today."),
    ] = None,
    superseded: Annotated[
        bool,
        typer.Option(
            "--superseded", help="With --jsonl: earlier revisions as well; --count leaves them out."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Invent records of calls: several agents, models, tools, signals, costs and endings.

    They follow the real schema and are nobody's. Nothing but the directory or file is written.
    """
    if (to is None) == (jsonl is None):
        give_up("Where to? Give --to DIRECTORY or --jsonl FILE, one of them.")
    if superseded and jsonl is None:
        give_up("--superseded needs --jsonl: in a directory a later revision takes its place.")
    last = end.date() if end else datetime.now(timezone.utc).date()
    written = _write(count, days, seed, last, to, jsonl, superseded)
    place = str(to or jsonl)
    if as_json:
        found = {"records": written.records, "bytes": written.bytes, "to": place}
        typer.echo(json.dumps({**found, "seed": seed, "end": last.isoformat()}))
        return
    plural = "s" * (written.records != 1)
    typer.echo(
        f"{written.records:,} record{plural}, {written.bytes / 1e6:.1f} MB, in {place} "
        f"(again: --seed {seed} --end {last})"
    )


def _write(
    count: int,
    days: int,
    seed: int,
    last: date,
    to: Path | None,
    jsonl: Path | None,
    superseded: bool,
) -> Written:
    from rich.console import Console
    from rich.progress import track

    from ..synth import Written, lines, write, write_lines

    try:
        made = lines(count, seed=seed, days=days, end=last, superseded=superseded)
    except OverflowError:
        give_up(f"--days {days} before {last}: there is no such date.")
    steps = write(made, to) if to is not None else write_lines(made, jsonl or Path())
    console = Console(stderr=True)
    written = Written(0, 0)
    try:
        for step in track(
            steps, description="Inventing", total=count, console=console, transient=True
        ):
            written = step
    except OSError as error:
        give_up(f"{error.filename or to or jsonl}: {error.strerror or error}")
    return written
