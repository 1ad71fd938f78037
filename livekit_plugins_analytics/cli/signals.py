"""``livekit-analytics signals``: check, try, score and rescan packs of rules."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from ..signals import Listener, PackError, RuleSet
from ..signals.rescan import readable, rescanned
from ..signals.score import Case, predict, score
from ..stored import packed, parsed, stored

app = typer.Typer(
    name="signals", help="Rules that find signals in what callers say.", no_args_is_help=True
)

_COLOURS = {
    "affirmed": "green",
    "negated": "red",
    "hypothetical": "yellow",
    "someone_else": "magenta",
}
_PACK = typer.Argument(help="A pack's name (sales) or a TOML file.")


def _console() -> Console:
    # Made for each command: the stream may be a test's, a pipe or a terminal.
    return Console(highlight=False, soft_wrap=True)


def _fail(message: str, code: int = 1) -> typer.Exit:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]{escape(message)}[/]")
    return typer.Exit(code)


def _load(pack: str) -> RuleSet:
    try:
        return RuleSet.load(pack)
    except PackError as error:
        raise _fail(str(error)) from None


@app.command()
def check(pack: Annotated[str, _PACK]) -> None:
    """Validate a pack; names file, line, rule and column of what is wrong."""
    rules = _load(pack)
    console = _console()
    console.print(
        f"[green]{escape(rules.id)}[/] is valid: {len(rules.rules)} rules for "
        f"{len(rules.signals)} signals, language {rules.language}"
    )
    for signal in rules.signals.values():
        count = sum(r.signal == signal.name for r in rules.rules)
        console.print(f"  {escape(signal.name)}: {signal.type}, {count} rules")
    for computed in rules.computed:
        console.print(f"  {escape(computed.name)}: computed")
    if always := rules.unfiltered():
        console.print(
            f"[dim]  {len(always)} rules require no literal text; they are tried on every turn: "
            f"{escape(', '.join(always))}[/]"
        )


@app.command("try")
def try_(
    pack: Annotated[str, _PACK],
    text: Annotated[
        str | None, typer.Argument(help="What the caller says; '-' or nothing: read stdin.")
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="A transcript (lines 'User: ...') or a stored record."),
    ] = None,
    asked: Annotated[str | None, typer.Option(help="What the agent had asked before.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the mentions in a text and the values that follow."""
    rules = _load(pack)
    if transcript is None and text is not None and text != "-" and _is_file(text):
        transcript = Path(text)
    if transcript is not None:
        try:
            turns = _turns(transcript.read_bytes(), named=True)
        except OSError as error:
            raise _fail(f"{transcript}: {error.strerror}") from None
    elif text is None or text == "-":
        turns = _turns(sys.stdin.buffer.read(), named=True)
    else:
        turns = [("user", text)]
    listener = Listener(rules)
    if asked:
        listener.agent_said(asked)
    for number, (role, said) in enumerate(turns, 1):
        if role == "agent":
            listener.agent_said(said)
        else:
            listener.user_said(f"turn-{number}", said)
    values, mentions = listener.result()
    if as_json:
        found = [m.line() for m in mentions]
        typer.echo(json.dumps({"discovered_signals": values, "signals": found}))
        return
    console = _console()
    if not mentions:
        console.print("no mention")
    for mention in mentions:
        colour = _COLOURS[mention.status]
        mark = "*" if mention.chosen else " "
        console.print(
            f"{mark} [bold]{escape(mention.name)}[/] = {escape(str(mention.value))}  "
            f"[{colour}]{mention.status}[/]  {escape(repr(mention.text))}  "
            f"[dim]{escape(mention.rule)}{', asked' if mention.asked else ''}[/]"
        )
    console.print(f"[bold]{escape(json.dumps(values, ensure_ascii=False))}[/]")


@app.command("score")
def score_(
    pack: Annotated[str, _PACK],
    cases: Annotated[Path, typer.Argument(help="One case a line.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    predictions: Annotated[
        Path | None, typer.Option(help="Write one prediction a line to this file.")
    ] = None,
) -> None:
    """Print precision, recall and F1 per signal over labelled cases."""
    rules = _load(pack)
    labelled = _cases(cases)
    found = {c.id: predict(rules, c) for c in labelled}
    if predictions is not None:
        lines = [
            json.dumps({"id": c.id, "discovered_signals": found[c.id]}, ensure_ascii=False)
            for c in labelled
        ]
        try:
            predictions.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        except OSError as error:
            raise _fail(f"{predictions}: {error.strerror}") from None
    results = score(rules, labelled, found)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    name: {
                        "precision": round(s.precision, 4),
                        "recall": round(s.recall, 4),
                        "f1": round(s.f1, 4),
                        "right": s.right,
                        "wrong": s.wrong,
                        "missed": s.missed,
                        "faults": s.faults,
                    }
                    for name, s in results.items()
                }
            )
        )
        return
    table = Table(title=f"{rules.id} on {len(labelled)} cases")
    for column in ("signal", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(column, justify="left" if column == "signal" else "right")
    for name, s in results.items():
        table.add_row(
            name,
            *(f"{v:.3f}" for v in (s.precision, s.recall, s.f1)),
            *(str(v) for v in (s.right, s.wrong, s.missed)),
        )
    _console().print(table)


@app.command()
def rescan(
    path: Annotated[str, typer.Argument(help="A directory of records, or s3://bucket/prefix.")],
    pack: Annotated[str, typer.Option("--pack", help="The new pack.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
) -> None:
    """Run a pack over stored transcripts and write the new values.

    Each record is replaced in its place, one revision up, as a late addition to a call would: the
    same file or key, all or nothing, and only if nobody else has written it meanwhile. What the
    agent's own code had set stays. Records without a whole transcript stay as they are. A record
    that cannot be read or written is named, the others go on, and the exit code is 1.
    """
    rules = _load(pack)
    counts = dict.fromkeys(
        ("changed", "unchanged", "without transcript", "incomplete", "failed"), 0
    )
    try:
        store = stored(path)
        names = list(store.names())
    except Exception as error:
        raise _fail(f"{path}: {error}") from None
    if not names:
        raise _fail(f"{path}: no records here (*.json.gz)")
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for name in track(names, description="Rescanning", console=errors):
        try:
            record = parsed(store.read(name))
            if (reason := readable(record)) is not None:
                counts[reason] += 1
                continue
            new = rescanned(rules, record)
            if new is not None and not dry_run:
                store.replace(name, packed(new, compress=name.endswith(".gz")))
            counts["unchanged" if new is None else "changed"] += 1
        except Exception as error:
            # One bad object must not stop the others.
            counts["failed"] += 1
            errors.print(f"[red]{escape(name)}: {escape(str(error) or type(error).__name__)}[/]")
    done = "would change" if dry_run else "changed"
    _console().print(
        f"{escape(rules.id)}: {counts['changed']} {done}, {counts['unchanged']} unchanged, "
        f"{counts['without transcript']} without transcript, "
        f"{counts['incomplete']} with an incomplete one, {counts['failed']} failed"
    )
    if counts["failed"]:
        raise typer.Exit(1)


def _is_file(text: str) -> bool:
    try:
        return len(text) < 500 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _turns(body: bytes, *, named: bool) -> list[tuple[str, str]]:
    """Turns of a stored record, or of lines such as "User: ..." and "Agent: ..."."""
    try:
        items = parsed(body)["transcript"]["items"]
        return [(i["role"], i["text"]) for i in items if i["role"] in ("user", "agent")]
    except (ValueError, KeyError, TypeError):
        pass
    turns = []
    for line in body.decode("utf-8", "replace").splitlines():
        speaker, colon, said = line.partition(":")
        role = speaker.strip().lower()
        if named and colon and role in ("agent", "assistant", "user", "caller", "customer"):
            turns.append(("agent" if role in ("agent", "assistant") else "user", said.strip()))
        elif line.strip():
            turns.append(("user", line.strip()))
    return turns


def _cases(path: Path) -> list[Case]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _fail(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    read: list[Case] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            data: Any = json.loads(line)
            case = Case.parse(data)
            read.append(case if case.id else replace(case, id=f"line-{number}"))
        except ValueError as error:
            raise _fail(f"{path}:{number}: {error}") from None
    return read
