"""Many transcripts into stored records, with what a person wants to see meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from ...stored import Stored, stored
from ..options import give_up

if TYPE_CHECKING:
    from ...record import Transcript
    from ...transcripts import Fetched
    from ...transcripts.backfill import Outcome, Room, Terms
    from ...transcripts.period import Period


class Backfill:
    """One run through a place of stored records.

    Args:
        path: A directory, a file, or ``s3://bucket/prefix``.
        period: When the calls began.
        session: One room's sid; None: all rooms of the period.
        terms: What may be merged into, and how.
        as_json: One JSON object on stdout at the end.
    """

    def __init__(
        self, path: str, period: Period, session: str | None, terms: Terms, *, as_json: bool
    ) -> None:
        from rich.console import Console

        self._path = path
        self._period = period
        self._session = session
        self._terms = terms
        self._as_json = as_json
        self._errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._merged: list[str] = []
        self._left: list[Outcome] = []
        self._failed: list[dict[str, str]] = []
        self._incomplete: dict[str, str] = {}
        self._stopped: str | None = None
        self._untried = 0

    def run(self, fetch: Callable[[str], Fetched]) -> None:
        """Survey, fetch, merge, report. Ends the command with 1 where something failed."""
        from rich.progress import track

        from ...transcripts.backfill import Survey

        survey = Survey(self._period, self._session, self._terms)
        try:
            store = stored(self._path)
            names = survey.names(store)
        except Exception as error:  # whatever the store's SDK has to say
            give_up(f"{self._path}: {type(error).__name__}: {error}")
        for name in track(names, "Reading", console=self._errors, transient=True):
            self._note(survey.read(store, name))
        if not (survey.rooms or self._left or self._failed):
            give_up(f"{self._path}: no record of {self._session or 'this period'} here")
        rooms = survey.rooms
        for room in track(rooms, "Fetching", console=self._errors, transient=True):
            if self._stopped is None:
                self._room(store, room, fetch)
            else:
                self._untried += 1
        self._report()
        if self._failed:
            raise typer.Exit(1)

    def _room(self, store: Stored, room: Room, fetch: Callable[[str], Fetched]) -> None:
        from ...transcripts import CloudError
        from ...transcripts.backfill import merge_room

        def transcript(sid: str) -> Transcript:
            found = fetch(sid)
            if (why := found.shortcoming()) is not None:
                self._incomplete[sid] = why
            return found.transcript

        try:
            for outcome in merge_room(store, room, transcript, self._terms):
                self._note(outcome)
        except CloudError as error:
            self._fail(room.sid, str(error))
            if not error.of_session:
                self._stopped = str(error)

    def _note(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        if outcome.result == "merged":
            self._merged.append(outcome.name)
        elif outcome.result == "left":
            self._left.append(outcome)
        else:
            self._fail(outcome.name, outcome.reason or "failed")

    def _fail(self, subject: str, error: str) -> None:
        self._failed.append({"subject": subject, "error": error})
        text = error if error.startswith(subject) or f" {subject}:" in error else ""
        self._errors.print(text or f"{subject}: {error}", style="red")

    def _report(self) -> None:
        if self._as_json:
            typer.echo(json.dumps(self._as_object()))
            return
        reasons = Counter(str(outcome.reason) for outcome in self._left)
        typer.echo(
            f"{len(self._merged)} merged, {len(self._left)} left as they are,"
            f" {len(self._failed)} failed"
            + (f", {self._untried} rooms not tried" if self._untried else "")
        )
        for reason, count in reasons.most_common():
            typer.echo(f"  left: {count}: {reason}")
        for sid, why in self._incomplete.items():
            typer.echo(f"  incomplete: {sid}: {why}")

    def _as_object(self) -> dict[str, Any]:
        return {
            "merged": self._merged,
            "left": [{"name": each.name, "reason": each.reason} for each in self._left],
            "incomplete": self._incomplete,
            "failed": self._failed,
            "rooms_not_tried": self._untried,
        }
