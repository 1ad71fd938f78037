"""``--since`` and ``--until``, for the commands that go through many records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..options import give_up

if TYPE_CHECKING:
    from ...transcripts.period import Period

Since = Annotated[
    str | None,
    typer.Option(help="Calls that began then or later: 2026-10-01, or a time; UTC."),
]
Until = Annotated[
    str | None,
    typer.Option(help="Calls that began before: 2026-11-01 for all of October."),
]


def period_or_exit(since: str | None, until: str | None) -> Period:
    """The period; where an option is no date, the command ends."""
    from ...transcripts.period import Period

    try:
        return Period.parse(since, until)
    except ValueError as error:
        give_up(str(error))
