"""What the commands that read stored records have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import give_up, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from ..warehouse.cache import Cache
    from ..warehouse.lake import Lake, Loaded
    from ..warehouse.partition import Span
    from ..warehouse.problem import Problem

Where = Annotated[
    str | None,
    typer.Argument(
        metavar="[PATH]",
        help="A directory, a file, or s3://bucket/prefix; by default where the settings say that "
        "records go.",
        show_default=False,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(help="Calls since this UTC day: 2026-11-22, today, yesterday, or 7d."),
]
Until = Annotated[str | None, typer.Option(help="Calls until this UTC day, the day included.")]
Parquet = Annotated[
    str | None,
    typer.Option(
        help="Compacted records; by default below PATH, and in parquet/ beside it if that is there."
    ),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Keep no objects of a bucket on this machine, and use none."),
]

_DAYS = re.compile(r"(\d{1,4})d")
# More are for `validate`.
_SHOWN_PROBLEMS = 10

# What a terminal would obey: a caller's name may hold it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# A table is no wider than its content: elsewhere than on a terminal no line is folded.
_WIDE = 100_000


def path_or_default(path: str | None) -> str:
    """The path, or where the settings say that records go."""
    if path is not None:
        return path
    settings = settings_or_exit()
    if settings.s3_bucket:
        return f"s3://{settings.s3_bucket}/{settings.s3_prefix}"
    return str((settings.local_directory or Path("analytics")) / settings.s3_prefix)


def span_or_exit(since: str | None, until: str | None) -> Span:
    """The days that are asked for."""
    from ..warehouse.partition import Span

    span = Span(_day("--since", since), _day("--until", until))
    if span.since and span.until and span.since > span.until:
        give_up(f"--since {span.since} is after --until {span.until}: no day is both")
    return span


def cache_unless(without: bool) -> Cache | None:
    """The platform's cache for objects of buckets."""
    from ..warehouse.cache import Cache, default_folder

    if without:
        return None
    try:
        return Cache(default_folder())
    except ModuleNotFoundError:  # platformdirs comes with the extra
        return None


@contextmanager
def loaded(
    path: str | None,
    since: str | None,
    until: str | None,
    *,
    no_cache: bool = False,
    parquet: str | None = None,
    at_least: int | None = None,
) -> Iterator[tuple[Lake, Loaded]]:
    """A lake with its tables, with progress on stderr; where it cannot be had, the command ends.

    Args:
        path: As the user gave it.
        since: The first day.
        until: The last day.
        no_cache: Whether nothing is kept on this machine.
        parquet: Where compacted records are.
        at_least: Only the newest days that hold so many objects.
    """
    from ..warehouse.lake import Lake
    from ..warehouse.listing import LakeError, source

    span = span_or_exit(since, until)
    try:
        where = source(path_or_default(path))
        with Lake(where, span, cache_unless(no_cache), parquet) as lake:
            with progress() as on_progress:
                done = lake.load(on_progress, at_least=at_least)
            yield lake, done
    except LakeError as error:
        give_up(str(error))


@contextmanager
def progress() -> Iterator[Any]:
    """A bar on stderr, gone when all is done; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    errors = errors_console()
    with Progress(
        *columns, Remaining(), console=errors, transient=True, disable=not errors.is_terminal
    ) as bar:
        task = bar.add_task("listing", total=None)

        def on_progress(now: Any) -> None:
            bar.update(task, description=now.step, completed=now.done, total=now.total)

        yield on_progress


def say_problems(problems: Sequence[Problem], console: Console | None = None) -> None:
    """Tell on stderr what could not be read, and what was read with something missing."""
    console = console or errors_console()
    left_out = [each for each in problems if each.severity == "error"]
    for each in left_out[:_SHOWN_PROBLEMS]:
        console.print(f"left out {shown(str(each))}", style="red")
    if len(left_out) > _SHOWN_PROBLEMS:
        console.print(f"left out {len(left_out) - _SHOWN_PROBLEMS} more", style="red")
    warnings = Counter(each.reason for each in problems if each.severity == "warning")
    for reason, count in warnings.most_common(_SHOWN_PROBLEMS):
        console.print(f"in {count} record{'s' * (count != 1)}: {shown(reason)}", style="yellow")
    if len(left_out) > _SHOWN_PROBLEMS or warnings:
        console.print("livekit-analytics validate names each by file and line.", style="dim")


def as_objects(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems for scripts."""
    return [
        {
            "name": each.name,
            "line": each.line,
            "severity": each.severity,
            "reason": each.reason,
        }
        for each in problems
    ]


def console() -> Console:
    """Stdout for people: as wide as its terminal, else as wide as what is shown."""
    from rich.console import Console

    found = Console(highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return Console(highlight=False, markup=False, emoji=False, width=_WIDE)


def errors_console() -> Console:
    """Stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def shown(text: str) -> str:
    """Text from a record without what a terminal would obey."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    today = datetime.now(timezone.utc).date()
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    if found := _DAYS.fullmatch(text):
        return today - timedelta(days=int(found[1]))
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        give_up(f"{option} {text} is no day: give 2026-11-22, today, yesterday, or 7d")
