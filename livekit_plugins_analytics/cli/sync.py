"""``livekit-analytics sync``: records of a bucket in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .lake import Since, Until, as_objects, console, progress, say_problems, span_or_exit
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.sync import Synced


def sync(
    path: Annotated[str, typer.Argument(help="s3://bucket/prefix, or a directory.")],
    folder: Annotated[Path, typer.Argument(help="Where to; it is created.", file_okay=False)],
    since: Since = None,
    until: Until = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove files of these days that have no object.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy what is new or has changed since the last time, in parallel.

    Everything below the prefix is copied, under its own name. Exits with 1 where something could
    not be, 2 for wrong usage.
    """
    from ..warehouse.lake import Progress
    from ..warehouse.listing import LakeError, source
    from ..warehouse.sync import sync as synced

    begin(env_file, verbose=False)
    span = span_or_exit(since, until)
    try:
        with progress() as bar:
            done = synced(
                source(path),
                folder,
                span,
                delete=delete,
                dry_run=dry_run,
                on_progress=lambda now, total: bar(Progress("copying", now, total)),
            )
    except LakeError as error:
        give_up(str(error))
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "ok": not done.problems,
                    "dry_run": dry_run,
                    "copied": done.copied,
                    "bytes": done.bytes,
                    "unchanged": done.unchanged,
                    "deleted": done.deleted,
                    "problems": as_objects(done.problems),
                }
            )
        )
    else:
        _show(done, dry_run)
    if done.problems:
        raise typer.Exit(1)


def _show(done: Synced, dry_run: bool) -> None:
    say_problems(done.problems)
    would = "would be " if dry_run else ""
    console().print(
        f"{done.copied} {would}copied ({done.bytes / 1e6:.1f} MB), {done.unchanged} unchanged, "
        f"{len(done.deleted)} {would}deleted, {len(done.problems)} failed"
    )
