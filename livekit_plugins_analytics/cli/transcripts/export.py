"""``livekit-analytics transcripts export``: stored transcripts as files to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ...stored import stored
from ..options import AsJson, EnvFile, begin, give_up
from .period import Since, Until, period_or_exit

_T = TypeVar("_T")


class Kind(str, Enum):
    """What files to write."""

    jsonl = "jsonl"
    text = "text"
    vtt = "vtt"


def export(
    path: Annotated[
        str,
        typer.Argument(help="Records or transcripts: a directory, a file, or s3://bucket/prefix."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.")],
    kind: Annotated[
        Kind,
        typer.Option(
            "--format",
            help="jsonl: one file, a chat on each line; text: a page for each call; vtt: captions.",
        ),
    ] = Kind.jsonl,
    since: Since = None,
    until: Until = None,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Write stored transcripts to a folder, for a model or a person to read.

    What cannot be read is named and passed over, and the exit code is 1; 2 for wrong arguments.
    """
    begin(env_file, verbose=False)
    period = period_or_exit(since, until)
    from rich.console import Console
    from rich.progress import track

    from ...transcripts.export import Export

    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def progress(things: Sequence[_T], title: str, /) -> Iterable[_T]:
        return track(things, title, console=errors)

    def told(name: str, why: str) -> None:
        errors.print(f"{name}: {why}", style="red")

    try:
        run = Export(stored(path), output, kind.value, period=period)
        done = run.run(progress=progress, told=told)
    except OSError as error:
        give_up(f"{output}: {error.strerror or type(error).__name__}")
    except Exception as error:  # whatever the store's SDK has to say
        give_up(f"{path}: {type(error).__name__}: {error}")
    if not (done.conversations or done.without_transcript or done.failed):
        give_up(f"{path}: nothing of this period here (*.json.gz)")
    if as_json:
        summary = {
            "folder": str(output),
            "format": kind.value,
            "conversations": done.conversations,
            "turns": done.turns,
            "without_transcript": done.without_transcript,
            "failed": [{"name": name, "error": why} for name, why in done.failed.items()],
        }
        typer.echo(json.dumps(summary))
    else:
        typer.echo(
            f"{output}: {done.conversations} conversations with {done.turns} turns;"
            f" {done.without_transcript} records without a transcript, {len(done.failed)} failed"
        )
    if done.failed:
        raise typer.Exit(1)
