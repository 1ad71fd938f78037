"""``livekit-analytics report``: a page that shows what stored records have to say."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..files import write_whole
from .lake import (
    NoCache,
    Where,
    as_objects,
    loaded,
    path_or_default,
    say_problems,
    shown,
    span_or_exit,
)
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.lake import Lake, Loaded
    from ..warehouse.partition import Span

_MISSING = (
    "The report needs plotly: pip install 'livekit-plugins-analytics[data]' (in a checkout: "
    "pip install -e '.[data]')"
)


def report(
    path: Where = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", "--since", help="Calls since this UTC day: 2026-11-22, today, or 7d."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", "--until", help="Calls until this UTC day, the day included."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", dir_okay=False, help="The file to write.")
    ] = Path("report.html"),
    calls: Annotated[
        int,
        typer.Option(
            "--calls", min=0, max=20_000, help="Calls in the table; the figures count all."
        ),
    ] = 1_000,
    no_cache: NoCache = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a page with figures, charts and a table of the calls, each with its timeline.

    It is one HTML file that loads nothing from anywhere. It holds what the records hold: names,
    numbers and words of callers, where these were recorded. Keep it as you keep the records.
    """
    begin(env_file, verbose=False)
    if find_spec("plotly") is None:
        give_up(_MISSING)
    with loaded(path, since, until, no_cache=no_cache) as (lake, done):
        size = _write(lake, done, path_or_default(path), span_or_exit(since, until), output, calls)
        if as_json:
            found = {"records": done.records, "calls": done.sessions, "left_out": done.left_out}
            problems = as_objects(lake.problems)
            line = {**found, "report": str(output), "bytes": size, "problems": problems}
            typer.echo(json.dumps(line))
            return
        say_problems(lake.problems)
        plural = "s" * (done.sessions != 1)
        typer.echo(f"{done.sessions:,} call{plural}: {output} ({size / 1e6:.1f} MB)")


def _write(lake: Lake, done: Loaded, path: str, span: Span, output: Path, calls: int) -> int:
    """Make the page and put it in its place, all or nothing; returns its bytes."""
    from ..report import Origin, page, report_data

    origin = Origin(
        path=shown(path),
        since=span.since,
        until=span.until,
        records=done.records,
        problems=[shown(str(each)) for each in lake.problems],
        left_out=done.left_out,
    )
    body = page(report_data(lake.connection, origin, most=calls)).encode()
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(output, body)
    except OSError as error:
        give_up(f"{output} cannot be written: {error.strerror or error}")
    return len(body)
