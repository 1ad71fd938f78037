"""``livekit-analytics checkpoints``: records of calls whose container died with its disk."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, EnvFile, Verbose, begin, give_up, settings_or_exit

if TYPE_CHECKING:
    from ..promotion import Promotion

app = typer.Typer(
    name="checkpoints",
    help="Copies in S3 of calls that were still going on.",
    no_args_is_help=True,
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<prefix>.+)")


@app.callback()
def _group() -> None:
    """Copies in S3 of calls that were still going on."""


@app.command()
def promote(
    checkpoints: Annotated[str, typer.Argument(help="s3://bucket/checkpoints/")],
    older_than: Annotated[
        str, typer.Option(help="Only those last written so long ago: 90m, 2h, 1d.")
    ] = "2h",
    records: Annotated[
        str | None,
        typer.Option(help="The records' prefix; by default sessions/ beside the checkpoints."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove checkpoints whose calls have a record.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Make records of checkpoints that no final record has followed. Fit for cron.

    Exits with 0 when all were dealt with, 1 when some failed, 2 for wrong usage.
    """
    begin(env_file, verbose)
    found = _URI.fullmatch(checkpoints)
    if not found:
        give_up(f"{checkpoints} is no place of checkpoints: give s3://bucket/checkpoints/")
    prefix = found["prefix"].rstrip("/") + "/"
    done = _promoted(
        found["bucket"],
        prefix,
        _records_prefix(prefix, records),
        _duration(older_than),
        dry_run,
        delete,
        show=not as_json,
    )
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "ok": not done.failed,
                    "dry_run": dry_run,
                    "promoted": done.promoted,
                    "superseded": done.superseded,
                    "young": done.young,
                    "failed": done.failed,
                }
            )
        )
    else:
        _say(done, dry_run)
    if done.failed:
        raise typer.Exit(1)


def _promoted(
    bucket: str,
    checkpoints: str,
    records: str,
    older_than: timedelta,
    dry_run: bool,
    delete: bool,
    *,
    show: bool,
) -> Promotion:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from ..promotion import promote as promote_all
    from ..writers.aws import Aws
    from ..writers.verdicts import explained

    settings = settings_or_exit()
    columns = (SpinnerColumn(), TextColumn("Checkpoints"), MofNCompleteColumn())
    console = Console(stderr=True)
    try:
        s3 = Aws().client("s3", settings.s3_endpoint_url)
        with Progress(*columns, console=console, disable=not show, transient=True) as bar:
            task = bar.add_task("", total=None)
            return promote_all(
                s3,
                bucket,
                checkpoints,
                records,
                older_than,
                dry_run=dry_run,
                delete=delete,
                progress=lambda _: bar.advance(task),
            )
    except Exception as error:  # all that boto3 raises; the message says what to do
        give_up(str(explained("s3", error)))


def _records_prefix(checkpoints: str, given: str | None) -> str:
    from ..writers import beside

    prefix = beside(checkpoints, "sessions/") if given is None else given.strip("/") + "/"
    if prefix == checkpoints:
        give_up(f"{prefix} holds the checkpoints: records must lie elsewhere; see --records")
    return prefix


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if not found:
        give_up(f"--older-than {text} is no time: give a number and s, m, h or d, such as 2h")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _say(done: Promotion, dry_run: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    verb = "would become records" if dry_run else "became records"
    console.print(f"{len(done.promoted)} checkpoints {verb}", style="green")
    for session_id in done.promoted:
        console.print(f"  {session_id}")
    console.print(f"{len(done.superseded)} have a record, {len(done.young)} are too young")
    for session_id, answer in done.failed.items():
        console.print(f"  {session_id}: {answer}", style="red")
