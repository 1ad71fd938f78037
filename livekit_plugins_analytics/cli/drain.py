"""``livekit-analytics drain``: sends what the spool holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..settings import Settings
from .options import AsJson, EnvFile, Verbose, begin, give_up, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from ..delivery import DrainReport

# Names in a line for people; the others are counted there, and all are in the JSON.
_SHOWN = 10


def drain(
    env_file: EnvFile = None,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing unless something stays.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Send what the spool holds: records that no running process is sending.

    Exits with 0 when the spool is empty afterwards, 1 when something stays, 2 for wrong settings.
    """
    begin(env_file, verbose)
    settings = settings_or_exit()
    if settings.directory is None and settings.local_directory:
        # By default records go to a directory. Here that would rather be a cron job without the
        # agent's variables, taking records from the spool that are meant for S3.
        give_up(
            "No sink is set: set ANALYTICS_S3_BUCKET, ANALYTICS_LOG_GROUP or ANALYTICS_DIRECTORY "
            "as for the agent."
        )
    report = _drained(settings, show=not (as_json or quiet))
    done = not (report.kept or report.held or report.unreadable)
    if as_json:
        typer.echo(json.dumps({"ok": done, **_as_object(report, settings.spool)}))
    elif not quiet or report.kept or report.unreadable:
        _say(report, settings.spool.absolute(), done)
    if not done:
        raise typer.Exit(1)


def _drained(settings: Settings, show: bool) -> DrainReport:
    from ..delivery import Courier, DrainReport, Spool, SpoolError
    from ..writers import writers_for

    if not settings.spool.exists():  # and it need not: nothing was ever kept there
        return DrainReport()
    try:
        spool = Spool(settings.spool)
        courier = Courier(spool, writers_for(settings), budget=settings.export_budget_seconds)
        with _progress(len(spool.paths()), show) as step:
            return courier.drain(step)
    except (SpoolError, OSError) as error:
        give_up(str(error))


def _as_object(report: DrainReport, directory: Path) -> dict[str, object]:
    return {
        "spool": str(directory.absolute()),
        "sent": report.sent,
        "kept": [
            dict(zip(("session_id", "reason", "fix"), (id_, *_parts(answer)), strict=True))
            for id_, answer in report.kept.items()
        ],
        "held": report.held,
        "unreadable": [str(path) for path in report.unreadable],
    }


@contextmanager
def _progress(total: int, show: bool) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, a line for each record elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not (show and total):
        yield lambda _: None
    elif console.is_terminal:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("Sending", total=total)
            yield lambda _: bar.advance(task)
    else:
        number = itertools.count(1)
        yield lambda session_id: typer.echo(f"{next(number)}/{total} {session_id}", err=True)


def _say(report: DrainReport, directory: Path, done: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if report.sent:
        console.print(f"{_records(report.sent)} sent: {_listed(report.sent)}", style="green")
    elif done:
        console.print(f"Nothing waits in {directory}.")
    reasons: dict[str, list[str]] = {}
    for session_id, answer in report.kept.items():
        reasons.setdefault(answer, []).append(session_id)
    for answer, ids in reasons.items():
        _warn(console, f"{_records(ids)} kept in {directory}: {_listed(ids)}")
        for part in filter(None, _parts(answer)):
            _warn(console, f"  {part}")
    if ids := report.held:
        _warn(console, f"{_records(ids)} held by a running process: {_listed(ids)}")
    if report.unreadable:
        _warn(console, f"Unreadable, put aside: {_listed(map(str, report.unreadable))}")


def _parts(answer: str) -> tuple[str, str]:
    """What a sink said ("s3: AccessDenied") and the fix, if there is one; see `SinkError`."""
    reason, _, fix = answer.partition(". ")
    return reason, fix


def _warn(console: Console, line: str) -> None:
    console.print(line, style="yellow")


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _records(ids: list[str]) -> str:
    return f"{len(ids)} record{'s' * (len(ids) != 1)}"
