"""``livekit-analytics validate``: every record against the schema of its version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from .lake import (
    NoCache,
    Since,
    Until,
    Where,
    as_objects,
    cache_unless,
    console,
    path_or_default,
    progress,
    shown,
    span_or_exit,
)
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.validation import Validation


def validate(
    path: Where = None,
    since: Since = None,
    until: Until = None,
    no_cache: NoCache = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Check every record against the schema of its version, and name what is wrong by line.

    A field that only a newer minor version knows is a warning. Exits with 1 where there is an
    error, 2 for wrong usage.
    """
    from ..warehouse.lake import Progress
    from ..warehouse.listing import LakeError, source
    from ..warehouse.validation import validate as validated

    begin(env_file, verbose=False)
    span = span_or_exit(since, until)
    try:
        where = source(path_or_default(path))
        with progress() as bar:
            done = validated(
                where,
                span,
                cache_unless(no_cache),
                lambda now, total: bar(Progress("checking", now, total)),
            )
    except LakeError as error:
        give_up(str(error))
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "ok": not done.errors,
                    "objects": done.objects,
                    "records": done.records,
                    "valid": done.valid,
                    "versions": dict(sorted(done.versions.items())),
                    "errors": done.errors,
                    "warnings": done.warnings,
                    "problems": as_objects(done.problems),
                }
            )
        )
    else:
        _show(done)
    if done.errors:
        raise typer.Exit(1)


def _show(done: Validation) -> None:
    out = console()
    for each in done.problems:
        style = "red" if each.severity == "error" else "yellow"
        out.print(f"{each.severity} {shown(str(each))}", style=style, soft_wrap=True)
    versions = ", ".join(
        f"{count} of {version}" for version, count in sorted(done.versions.items())
    )
    out.print(
        f"{done.objects} object{'s' * (done.objects != 1)}, {done.records} "
        f"record{'s' * (done.records != 1)}, {done.valid} valid; {done.errors} "
        f"error{'s' * (done.errors != 1)}, {done.warnings} warning{'s' * (done.warnings != 1)}",
        style="red" if done.errors else "green",
    )
    if versions:
        out.print(f"schema versions: {shown(versions)}")
