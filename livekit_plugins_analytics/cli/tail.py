"""``livekit-analytics tail``: records as they arrive."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lake import Where, console, errors_console, path_or_default, say_problems, shown
from .ls import clock, money
from .options import EnvFile, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.arrivals import Arrivals, Look


def tail(
    path: Where = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, help="Begin with so many that are there.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="Do not wait for more.")] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="End when so many have been shown.")
    ] = None,
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks; each lists today's folder.")
    ] = 5.0,
    env_file: EnvFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One record a line on stdout.")] = False,
) -> None:
    """Show records as they arrive, each revision once, until Ctrl-C.

    Calls that began today (UTC) and, in its first six hours, on the day before.
    """
    from ..warehouse.arrivals import Arrivals
    from ..warehouse.listing import LakeError, source

    begin(env_file, verbose=False)
    left = count
    try:
        arrivals = Arrivals(source(path_or_default(path)))
        look = arrivals.look(newest=last)
    except LakeError as error:
        give_up(str(error))
    try:
        while True:
            for record in look.records[:left]:
                _show(record, as_json)
            say_problems(look.problems)
            if left is not None and (left := left - len(look.records)) <= 0:
                return
            if once:
                return
            time.sleep(interval)
            look = _next(arrivals)
    except KeyboardInterrupt:
        return


def _next(arrivals: Arrivals) -> Look:
    """What came meanwhile; a network that fails for a while does not end the command."""
    from ..warehouse.arrivals import Look
    from ..warehouse.listing import LakeError

    try:
        return arrivals.look()
    except LakeError as error:
        errors_console().print(f"{error}; trying again", style="red")
        return Look()


def _show(record: Mapping[str, Any], as_json: bool) -> None:
    from rich.text import Text

    if as_json:
        # At once: whoever reads this through a pipe waits for it.
        print(json.dumps(record, ensure_ascii=False), flush=True)
        return
    summary = record.get("cost_summary")
    costs = summary if isinstance(summary, dict) else {}
    total, duration = costs.get("total_estimated_cost"), record.get("duration_seconds")
    seconds = duration if isinstance(duration, (int, float)) else None
    revision = record.get("revision")
    words = [
        (str(record.get("start_time"))[:19].replace("T", " "), "dim"),
        (f"{clock(seconds):>7}", ""),
        (str(record.get("session_id")), "bold"),
        (str(record.get("agent_name") or "-"), ""),
        (str(record.get("end_cause") or "-"), ""),
        (str(record.get("outcome") or "-"), ""),
        (money(float(total) if isinstance(total, (int, float)) else None, None), ""),
        (f"revision {revision}" if revision != 1 else "", "yellow"),
        ("" if record.get("record_status") == "final" else str(record.get("record_status")), "red"),
    ]
    line = Text("  ").join(Text(shown(text), style) for text, style in words if text)
    console().print(line, soft_wrap=True)
