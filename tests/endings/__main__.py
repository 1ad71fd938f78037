"""Produces endings and prints the table: ``python -m tests.endings [NAMES...]``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.endings.ending import Ending
from tests.endings.outcome import Outcome
from tests.endings.processes import PROJECT
from tests.endings.report import as_json, markdown
from tests.endings.rows import ENDINGS, GROUPS
from tests.endings.run import run_all

FOLDER = PROJECT / "build" / "endings"
"""Where each ending has a folder with its records, its spool and its logs."""


def main() -> int:
    """Run the endings named, or all of them; 1 where one failed."""
    options = _options()
    # The media client's own log: of what is done to it here it has much to say.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    console = Console(stderr=True)
    endings = [ENDINGS[name] for name in ENDINGS if name in (options.names or ENDINGS)]
    running: Counter[str] = Counter()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[running]}"),
        console=console,
    )
    with progress:
        task = progress.add_task("Endings", total=len(endings), running="")

        def show() -> None:
            names = sorted(name for name, count in running.items() if count)
            progress.update(task, running=", ".join(names))

        def begins(ending: Ending) -> None:
            running[ending.name] += 1
            show()

        def ends(outcome: Outcome) -> None:
            running[outcome.ending.name] -= 1
            progress.advance(task)
            progress.print(_said(outcome), markup=False, highlight=False)
            show()

        begin = time.monotonic()
        outcomes = asyncio.run(
            run_all(endings, FOLDER, jobs=options.jobs, begins=begins, ends=ends)
        )
    table = markdown({head: [e.name for e in rows] for head, rows in GROUPS.items()}, outcomes)
    print(table)
    if options.markdown:
        options.markdown.write_text(table + "\n")
    if options.json:
        options.json.write_text(json.dumps(as_json(outcomes), indent=1) + "\n")
    return _verdict(console, outcomes, time.monotonic() - begin)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="endings; all where none is named")
    parser.add_argument("--jobs", type=int, default=3, help="how many at a time (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came of them")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(ENDINGS)):
        parser.error(f"no such ending: {', '.join(unknown)}; there are {', '.join(ENDINGS)}")
    return options


def _said(outcome: Outcome) -> str:
    """A line for each ending that is done."""
    name, seconds = outcome.ending.name, outcome.seconds
    if outcome.passed:
        return f"ok    {name} ({seconds:.0f} s)"
    return f"FAILS {name} ({seconds:.0f} s): {'; '.join(outcome.problems)}"


def _verdict(console: Console, outcomes: list[Outcome], seconds: float) -> int:
    failed = [o for o in outcomes if not o.passed]
    lost = sum(max(o.ending.sessions - len(o.deliveries), 0) for o in outcomes)
    console.print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} endings are as they should be, "
        f"{len(failed)} are not; {lost} records lost; {seconds:.0f} s.",
        highlight=False,
    )
    if failed:
        console.print(f"Records, spools and logs: {FOLDER}", highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
