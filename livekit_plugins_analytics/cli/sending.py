"""One pass over the spools, as the commands that send show it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..settings import Settings
from ..sweeper import recover_first
from .options import give_up, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from ..delivery import Spool
    from ..delivery.drain import DrainReport

# Names in a line for people; the others are counted there, and all are in the JSON.
_SHOWN = 10


def settings_with_sink_or_exit() -> Settings:
    """The settings; where they name no sink, the command ends."""
    settings = settings_or_exit()
    if not settings.has_sink:
        # By default records go to a directory. Here that would rather be a cron job without the
        # agent's variables, taking records from the spool that are meant for S3.
        give_up(
            "No sink is set: set ANALYTICS_S3_BUCKET, ANALYTICS_LOG_GROUP or ANALYTICS_DIRECTORY "
            "(or another sink's place) as for the agent."
        )
    return settings


def standing(settings: Settings) -> tuple[list[Spool], str]:
    """The spools that are there, made by no command, and why the one that is set is not.

    The second is the fallback in the temporary directory, where there is one.
    """
    from ..delivery import Limits, Spool, SpoolError, open_fallback

    spools, problem = [], ""
    if settings.spool.exists():  # it need not: perhaps nothing was ever kept
        try:
            spools.append(Spool(settings.spool, limits=Limits.of(settings)))
        except SpoolError as error:
            problem = str(error)
    if fallback := open_fallback(settings):
        spools.append(fallback)
    return spools, problem


def send(spools: Sequence[Spool], settings: Settings, show: bool) -> DrainReport:
    """Recover and send what waits; with a progress bar where it is shown."""
    from ..delivery import Courier
    from ..writers import writers_for

    courier = Courier(
        None,
        writers_for(settings),
        budget=settings.export_budget_seconds,
        others=lambda: spools,
    )
    try:
        for spool in spools:
            recover_first(spool, settings)
        with _progress(sum(len(spool.paths()) for spool in spools), show) as step:
            return courier.drain(step)
    except OSError as error:  # pragma: no cover  # what it was opened with goes meanwhile
        give_up(f"The spool cannot be read ({error.strerror}): {error.filename}")


def finish(
    report: DrainReport,
    spools: Sequence[Spool],
    settings: Settings,
    problem: str,
    as_json: bool,
    quiet: bool,
    more: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Report, and end the command where something stays.

    Args:
        report: What was done.
        spools: Where.
        settings: As they are set.
        problem: Why the spool that is set cannot be used.
        as_json: For programs.
        quiet: Only what stays.
        more: What else is in the JSON; what is under "stayed" stays.

    Raises:
        typer.Exit: With 1 where something stays, with 2 where there is a problem.
    """
    more = more or {}
    stays = report.kept or report.unreadable or report.given_up or more.get("stayed")
    well = not (stays or report.held or problem)
    if problem and not (report.sent or report.held or stays):
        give_up(problem)
    if as_json:
        typer.echo(json.dumps({"ok": well, **more, **_as_object(report, settings)}))
    elif stays or not quiet:
        _say(report, spools, settings)
    if problem:
        give_up(problem)
    if not well:
        raise typer.Exit(1)


def _as_object(report: DrainReport, settings: Settings) -> dict[str, Any]:
    return {
        "spool": str(settings.spool.absolute()),
        "sent": report.sent,
        "kept": _reasons(report.kept),
        "held": report.held,
        "given_up": _reasons(report.given_up),
        "unreadable": [str(path) for path in report.unreadable],
    }


def _say(report: DrainReport, spools: Sequence[Spool], settings: Settings) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if report.sent:
        console.print(f"{_records(report.sent)} sent: {listed(report.sent)}", style="green")
    elif not (report.kept or report.held or report.unreadable or report.given_up):
        console.print(f"Nothing waits in {_directories(spools) or settings.spool.absolute()}.")
    keeping = _directories([spool for spool in spools if spool.paths()])
    _say_reasons(console, report.kept, f"kept in {keeping}")
    _say_reasons(console, report.given_up, "given up, put aside in dead/")
    if ids := report.held:
        _warn(console, f"{_records(ids)} held by a running process: {listed(ids)}")
    if report.unreadable:
        _warn(console, f"Unreadable, put aside: {listed(map(str, report.unreadable))}")
    if report.given_up:
        _warn(console, "Once that is mended: livekit-analytics spool retry-dead")


def listed(names: Iterable[str]) -> str:
    """Names in a line, so many as people read."""
    names = sorted(names)
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


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


def _reasons(answers: dict[str, str]) -> list[dict[str, str]]:
    return [
        dict(zip(("session_id", "reason", "fix"), (id_, *_parts(answer)), strict=True))
        for id_, answer in answers.items()
    ]


def _say_reasons(console: Console, answers: dict[str, str], where: str) -> None:
    """Each reason once, with its records."""
    reasons: dict[str, list[str]] = {}
    for session_id, answer in answers.items():
        reasons.setdefault(answer, []).append(session_id)
    for answer, ids in reasons.items():
        _warn(console, f"{_records(ids)} {where}: {listed(ids)}")
        for part in filter(None, _parts(answer)):
            _warn(console, f"  {part}")


def _parts(answer: str) -> tuple[str, str]:
    """What a sink said ("s3: AccessDenied") and the fix, if there is one; see `SinkError`."""
    reason, _, fix = answer.partition(". ")
    return reason, fix


def _warn(console: Console, line: str) -> None:
    console.print(line, style="yellow")


def _directories(spools: Iterable[Spool]) -> str:
    found: list[Path] = [spool.directory for spool in spools]
    return " and ".join(map(str, found))


def _records(ids: Sequence[str]) -> str:
    return f"{len(ids)} record{'s' * (len(ids) != 1)}"
