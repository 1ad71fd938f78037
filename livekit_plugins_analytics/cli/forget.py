"""``livekit-analytics forget``: erase what is stored of a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..settings import Settings
from .options import AsJson, EnvFile, Verbose, begin, give_up, settings_or_exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ..delivery import Spool
    from ..erasure import Erasure, Outcome, Person, SpoolErasure, Whereabouts

# Objects in the table for people; all are in the JSON.
_SHOWN = 200
_DAY = ["%Y-%m-%d"]


def forget(
    path: Annotated[
        str,
        typer.Argument(help="A directory, or s3://bucket/prefix: the records, or all above them."),
    ],
    user_email: Annotated[
        list[str] | None, typer.Option(help="The person's email; several with several options.")
    ] = None,
    session_id: Annotated[list[str] | None, typer.Option(help="A call's session id.")] = None,
    identity: Annotated[
        list[str] | None, typer.Option(help="The identity of the person as a participant.")
    ] = None,
    phone: Annotated[
        list[str] | None, typer.Option(help="The telephone number, with its country code.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAY, help="Only calls from this UTC day on."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Only calls until this UTC day.")
    ] = None,
    rewrite: Annotated[
        bool,
        typer.Option(
            "--rewrite/--delete",
            help="Keep the records' figures and blank all that is personal, or delete them.",
        ),
    ] = False,
    mentions: Annotated[
        bool,
        typer.Option("--mentions", help="Also records in which the person only stands somewhere."),
    ] = False,
    spool: Annotated[
        list[Path] | None,
        typer.Option(help="A spool directory; default: that of the settings, where there is one."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Erase what is stored of a person: records, transcripts, checkpoints, spools, all versions.

    Exits with 0 when nothing of the person is left where it looked, 1 when something could not be
    read or erased, 2 for wrong usage, and where it was not allowed to go on.
    """
    begin(env_file, verbose)
    from ..erasure import Person

    try:
        person = Person.of(
            emails=user_email or (),
            session_ids=session_id or (),
            identities=identity or (),
            phones=phone or (),
            first=first.date() if first else None,
            last=last.date() if last else None,
        )
    except ValueError as error:
        give_up(str(error))
    if not (yes or dry_run or _can_ask(as_json)):
        give_up("nothing was changed: nobody can be asked here; add --yes, or --dry-run to look")
    settings = settings_or_exit()
    # Words in the one place may belong to a call that is known from the other.
    spools = _spools(spool, settings, person, mentions)
    places, erasure = _found(path, person, mentions, spools, show=not as_json)
    for each in spools:
        each.find(erasure.session_ids | erasure.rooms)
    count = len(erasure.findings) + sum(len(each.found) for each in spools)
    if not (dry_run or yes) and count:
        _show_findings(erasure, spools, rewrite)
        verb = "Rewrite" if rewrite else "Delete"
        if not typer.confirm(f"{verb} {_objects(count)}?", err=True):
            give_up("nothing was changed")
    outcomes = [] if dry_run else _applied(erasure, spools, rewrite, show=not as_json)
    result = _as_object(erasure, spools, outcomes, places, settings, dry_run, rewrite)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        _say(result)
    if not result["ok"]:
        raise typer.Exit(1)


def _can_ask(as_json: bool) -> bool:
    return sys.stdin.isatty() and not as_json


def _found(
    path: str, person: Person, mentions: bool, spools: Sequence[SpoolErasure], *, show: bool
) -> tuple[list[Whereabouts], Erasure]:
    from ..erasure import Erasure, whereabouts
    from ..erasure.search import reason

    try:
        places = whereabouts(path)
        erasure = Erasure(places, person, mentions=mentions)
        for each in spools:
            erasure.session_ids.update(each.found.values())
            erasure.rooms |= each.rooms
        with _progress("Looking", None, show) as step:
            erasure.find(step)
    except FileNotFoundError:
        give_up(f"{path}: no such directory")
    except Exception as error:  # whatever the store's SDK has to say
        give_up(f"{path}: {reason(error)}")
    return places, erasure


def _spools(
    given: list[Path] | None, settings: Settings, person: Person, mentions: bool
) -> list[SpoolErasure]:
    """The spools that are there, with what they have of the person; none is made."""
    from ..erasure import SpoolErasure

    found = []
    for spool in _directories(given, settings):
        each = SpoolErasure(spool, settings, person, mentions=mentions)
        each.find()
        found.append(each)
    return found


def _directories(given: list[Path] | None, settings: Settings) -> Iterator[Spool]:
    from ..delivery import Limits, Spool, SpoolError, open_fallback

    limits = Limits.of(settings)
    for directory in given or [settings.spool]:
        if given and not directory.is_dir():
            give_up(f"--spool {directory}: no such directory")
        # Transcripts of watched rooms wait in a folder of their own.
        for each in (directory, directory / "transcripts"):
            if each.is_dir():
                try:
                    yield Spool(each, limits=limits)
                except SpoolError as error:
                    give_up(str(error))
    if not given and (fallback := open_fallback(settings)):
        yield fallback


def _applied(
    erasure: Erasure, spools: Sequence[SpoolErasure], rewrite: bool, *, show: bool
) -> list[Outcome]:
    # The spools first: what leaves them meanwhile would arrive where all is erased already.
    known = erasure.session_ids | erasure.rooms
    outcomes = [each.apply(known, rewrite=rewrite) for each in spools]
    with _progress("Erasing", len(erasure.findings), show) as step:
        return [*outcomes, erasure.apply(rewrite=rewrite, progress=step)]


def _as_object(
    erasure: Erasure,
    spools: Sequence[SpoolErasure],
    outcomes: Sequence[Outcome],
    places: Sequence[Whereabouts],
    settings: Settings,
    dry_run: bool,
    rewrite: bool,
) -> dict[str, Any]:
    from ..erasure.beyond import NOT_REACHED, deletions, insights_queries

    failed = {name: why for outcome in outcomes for name, why in outcome.failed.items()}
    unreadable = dict(erasure.unreadable)
    for each in spools:
        unreadable.update(each.unreadable)
    ids = erasure.session_ids
    return {
        "ok": not (failed or unreadable),
        "dry_run": dry_run,
        "mode": "rewrite" if rewrite else "delete",
        "looked_at": erasure.looked_at,
        "found": sorted(
            [f.name for f in erasure.findings] + [str(p) for each in spools for p in each.found]
        ),
        "session_ids": sorted(ids),
        "deleted": sorted(name for outcome in outcomes for name in outcome.deleted),
        "rewritten": sorted(name for outcome in outcomes for name in outcome.rewritten),
        "unchanged": sorted(name for outcome in outcomes for name in outcome.unchanged),
        "failed": failed,
        "unreadable": unreadable,
        "mentions": erasure.mentions,
        "notes": list(dict.fromkeys(note for place in places for note in place.notes)),
        "not_reached": {
            "what": list(NOT_REACHED),
            "files": sorted(name for place in places for name in place.foreign),
            "log_group": settings.log_group,
            "insights_queries": insights_queries(ids),
            "statements": deletions(ids),
        },
    }


def _show_findings(erasure: Erasure, spools: Sequence[SpoolErasure], rewrite: bool) -> None:
    from rich.table import Table

    table = Table("Object", "What", "Will be")
    for finding in erasure.findings[:_SHOWN]:
        kept = rewrite and finding.kind == "record" and finding.there
        table.add_row(finding.name, finding.kind, "rewritten" if kept else "deleted")
    for each in spools:
        for path in list(each.found)[:_SHOWN]:
            table.add_row(str(path), "spooled", "rewritten" if rewrite else "deleted")
    _console(stderr=True).print(table)


def _say(result: dict[str, Any]) -> None:
    from rich.table import Table

    console = _console()
    if result["dry_run"]:
        rows = [(name, "would be touched", "") for name in result["found"]]
    else:
        rows = [
            (name, done, "")
            for done in ("deleted", "rewritten", "unchanged")
            for name in result[done]
        ]
    rows += [(name, "FAILED", why) for name, why in result["failed"].items()]
    rows += [(name, "UNREADABLE", why) for name, why in result["unreadable"].items()]
    if rows:
        table = Table("Object", "Done", "Reason")
        for row in rows[:_SHOWN]:
            table.add_row(*row)
        console.print(table)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN} more; --json names all")
    ids = result["session_ids"]
    console.print(
        f"{result['looked_at']} looked at, {len(result['found'])} found "
        f"({len(ids)} session{'s' * (len(ids) != 1)}), {len(result['deleted'])} deleted, "
        f"{len(result['rewritten'])} rewritten, {len(result['failed'])} failed, "
        f"{len(result['unreadable'])} unreadable."
    )
    for name in result["mentions"]:
        console.print(f"Stands in {name}, which is not theirs; --mentions takes it", style="yellow")
    for note in result["notes"]:
        console.print(note, style="yellow")
    _say_beyond(console, result["not_reached"])
    if result["dry_run"]:
        console.print("Nothing was changed.")


def _say_beyond(console: Console, beyond: dict[str, Any]) -> None:
    console.print("Not reached from here:", style="bold")
    for sentence in beyond["what"]:
        console.print(f"  {sentence}")
    for name in beyond["files"][:_SHOWN]:
        console.print(f"  {name} was not looked into.", style="yellow")
    if beyond["insights_queries"]:
        group = beyond["log_group"] or "of the agents (ANALYTICS_LOG_GROUP is not set here)"
        console.print(f"CloudWatch Logs Insights, log group {group}:", style="bold")
        for query in beyond["insights_queries"]:
            console.print(f"  {query}")
    for engine, statement in beyond["statements"].items():
        console.print(f"{engine}:", style="bold")
        console.print(f"  {statement}")


@contextmanager
def _progress(what: str, total: int | None, show: bool) -> Iterator[Callable[[], object]]:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(what), MofNCompleteColumn())
    visible = show and console.is_terminal
    with Progress(*columns, console=console, disable=not visible, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _objects(count: int) -> str:
    return f"{count} object{'s' * (count != 1)}"


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
