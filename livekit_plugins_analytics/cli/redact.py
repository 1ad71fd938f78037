"""``livekit-analytics redact``: try and score what masks personal data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from ..redaction import ENTITIES, Masks, RedactionError, Redactor, Span, redactor
from ..redaction.score import Case, Score, predict, score
from .options import AsJson, give_up

app = typer.Typer(
    name="redact",
    help="Mask e-mail addresses, phone numbers, cards and the like.",
    no_args_is_help=True,
)

_Entities = Annotated[
    str,
    typer.Option(
        help="Which, separated by commas; as ANALYTICS_REDACT: an item that ends in .toml is a "
        "file of your own entities."
    ),
]
_Region = Annotated[
    str, typer.Option(help="The country of phone numbers without a country code: US, GB, DE.")
]
_ALL = ",".join(ENTITIES)


@app.command("try")
def try_(
    text: Annotated[
        str | None, typer.Argument(help="What is said; '-' or nothing: read stdin.")
    ] = None,
    entities: _Entities = _ALL,
    region: _Region = "US",
    as_json: AsJson = False,
) -> None:
    """Show a text with its masks, and what each of them hides."""
    finder = _redactor(entities, region)
    said = text
    if said is None or said == "-":
        said = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
    masks = Masks(finder)
    spans = masks.spans(said)
    masked = masks.text(said)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "redacted": masked,
                    "spans": [{**_shown(s), "text": said[s.start : s.end]} for s in spans],
                    "counts": masks.counts,
                }
            )
        )
        return
    console = _console()
    console.print(escape(masked))
    if not spans:
        console.print("[dim]nothing to mask[/]")
        return
    table = Table()
    for column in ("entity", "start", "end", "text"):
        table.add_column(column, justify="right" if column in ("start", "end") else "left")
    for span in spans:
        hidden = said[span.start : span.end]
        table.add_row(escape(span.entity), str(span.start), str(span.end), escape(hidden))
    console.print(table)


@app.command("score")
def score_(
    cases: Annotated[Path, typer.Argument(help="One case a line: id, text, spans.")],
    entities: _Entities = _ALL,
    region: _Region = "US",
    as_json: AsJson = False,
    predictions: Annotated[
        Path | None, typer.Option(help="Write one prediction a line to this file.")
    ] = None,
) -> None:
    """Print precision, recall and F1 per entity over labelled texts, and what leaks.

    A span counts where it is exactly right. Beside that: how many characters of the labelled
    values no mask covers (leaked), and how many others one does (over-masked). A line that is no
    case is named, the others go on, and the exit code is 1.
    """
    finder = _redactor(entities, region)
    labelled, faults = _cases(cases)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for fault in faults:
        errors.print(f"[red]{escape(fault)}[/]")
    if not labelled:
        give_up(f"{cases}: no case in it; a line is " + '{"id": ..., "text": ..., "spans": [...]}')
    found = [
        predict(finder, case)
        for case in track(labelled, description="Redacting", console=errors, transient=True)
    ]
    if predictions is not None:
        _write(predictions, finder, labelled, found)
    results = score(labelled, found, finder.entities)
    if as_json:
        figures = {name: _figures(s) for name, s in results.items()}
        typer.echo(json.dumps({"cases": len(labelled), "unreadable": len(faults), **figures}))
    else:
        _console().print(_table(results, f"{len(labelled)} cases"))
    if faults:
        raise typer.Exit(1)


def _redactor(entities: str, region: str) -> Redactor:
    try:
        return redactor(entities, region=region)
    except RedactionError as error:
        give_up(str(error))


def _console() -> Console:
    # Made for each command: the stream may be a test's, a pipe or a terminal.
    return Console(highlight=False, soft_wrap=True)


def _shown(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "entity": span.entity}


def _cases(path: Path) -> tuple[list[Case], list[str]]:
    """The cases of a file, and what is wrong with its other lines."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        give_up(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
    cases, faults = [], []
    # Not splitlines(): JSON may hold other line separators as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            cases.append(Case.parse(json.loads(line)))
        except (ValueError, RecursionError) as error:
            problem = "not JSON" if isinstance(error, json.JSONDecodeError) else error
            faults.append(f"{path}:{number}: {problem}")
    return cases, faults


def _write(
    path: Path, finder: Redactor, cases: Iterable[Case], found: Iterable[Sequence[Span]]
) -> None:
    lines = [
        json.dumps(
            {
                "id": c.id,
                "spans": [_shown(s) for s in spans],
                "redacted": Masks(finder).text(c.text),
            }
        )
        for c, spans in zip(cases, found, strict=True)
    ]
    try:
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        give_up(f"{path}: {error.strerror}")


def _figures(result: Score) -> dict[str, Any]:
    return {
        "precision": round(result.precision, 4),
        "recall": round(result.recall, 4),
        "f1": round(result.f1, 4),
        "right": result.right,
        "wrong": result.wrong,
        "missed": result.missed,
        "characters": result.characters,
        "leaked": result.leaked,
        "overmasked": result.overmasked,
        "faults": result.faults,
    }


def _table(results: dict[str, Score], title: str) -> Table:
    table = Table(title=title)
    for column in (
        "entity",
        "precision",
        "recall",
        "F1",
        "right",
        "wrong",
        "missed",
        "leaked",
        "over",
    ):
        table.add_column(column, justify="left" if column == "entity" else "right", no_wrap=True)
    for name, s in results.items():
        table.add_row(
            escape(name),
            *(f"{v:.3f}" for v in (s.precision, s.recall, s.f1)),
            *(str(v) for v in (s.right, s.wrong, s.missed)),
            f"{s.leaked}/{s.characters}",
            str(s.overmasked),
        )
    return table
