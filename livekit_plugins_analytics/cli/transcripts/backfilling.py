"""Many transcripts into stored records, with what a person wants to see meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from ...stored import stored
from ..options import give_up

if TYPE_CHECKING:
    from ...transcripts import Fetched, Period, Summary, Terms
    from ...transcripts.survey import Outcome

_T = TypeVar("_T")


def backfill(
    path: str,
    fetch: Callable[[str], Fetched],
    *,
    period: Period,
    session: str | None,
    terms: Terms,
    as_json: bool,
) -> None:
    """Merge, and report; ends the command with 1 where something failed.

    Args:
        path: A directory, a file, or ``s3://bucket/prefix``.
        fetch: Fetches by a room's sid.
        period: When the calls began.
        session: One room's sid; None: all rooms of the period.
        terms: What may be merged into, and how.
        as_json: One JSON object on stdout at the end.
    """
    from rich.console import Console
    from rich.progress import track

    from ...transcripts import Backfill

    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def progress(things: Sequence[_T], title: str, /) -> Iterable[_T]:
        return track(things, title, console=errors)

    def told(outcome: Outcome) -> None:
        if outcome.result == "failed":
            errors.print(f"{outcome.name}: {outcome.reason}", style="red")

    try:
        run = Backfill(stored(path), fetch, period=period, session=session, terms=terms)
        summary = run.run(progress=progress, told=told)
    except Exception as error:  # whatever the store's SDK has to say
        give_up(f"{path}: {type(error).__name__}: {error}")
    if not summary:
        give_up(f"{path}: no record of {session or 'this period'} here")
    if as_json:
        typer.echo(json.dumps(_as_object(summary)))
    else:
        _show(summary)
    if summary.failed:
        raise typer.Exit(1)


def _show(summary: Summary) -> None:
    untried = summary.rooms_not_tried
    typer.echo(
        f"{len(summary.merged)} merged, {len(summary.left)} left as they are,"
        f" {len(summary.failed)} failed" + (f", {untried} rooms not tried" if untried else "")
    )
    for reason, count in Counter(each.reason for each in summary.left).most_common():
        typer.echo(f"  left: {count}: {reason}")
    for sid, why in summary.incomplete.items():
        typer.echo(f"  incomplete: {sid}: {why}")


def _as_object(summary: Summary) -> dict[str, Any]:
    return {
        "merged": summary.merged,
        "left": [{"name": each.name, "reason": each.reason} for each in summary.left],
        "incomplete": summary.incomplete,
        "failed": [{"name": each.name, "error": each.reason} for each in summary.failed],
        "rooms_not_tried": summary.rooms_not_tried,
    }
