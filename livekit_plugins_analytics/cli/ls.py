"""``livekit-analytics ls``: which calls there are, by time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lake import (
    NoCache,
    Parquet,
    Since,
    Until,
    Where,
    as_objects,
    console,
    loaded,
    say_problems,
    shown,
)
from .options import AsJson, EnvFile, begin

if TYPE_CHECKING:
    from ..warehouse.problem import Problem

_SQL = """
SELECT session_id, revision, record_status, start_time, duration_seconds, agent_name, end_cause,
    outcome, estimated_cost, currency, object,
    len(errors) AS errors,
    len(list_filter(tool_calls, lambda tool: tool ->> '$.status' = 'error')) AS failed_tools,
    list_filter(completeness.missing, lambda name: name NOT LIKE 'metrics_summary.%') AS missing
FROM sessions
ORDER BY start_time DESC NULLS LAST, session_id
LIMIT ?
"""


def ls(
    path: Where = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Calls, 0: all.")] = 50,
    parquet: Parquet = None,
    no_cache: NoCache = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """List the newest calls, the last revision of each.

    Only the newest days that hold so many calls are read.
    """
    from .answer import dumps

    begin(env_file, verbose=False)
    at_least = limit or None
    with loaded(path, since, until, no_cache=no_cache, parquet=parquet, at_least=at_least) as (
        lake,
        done,
    ):
        result = lake.connection.execute(_SQL, [limit or 2**62])
        names = [each[0] for each in result.description]
        calls = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        unread = {each.name for each in lake.problems if each.severity == "warning"}
        for call in calls:
            call["problems"] = _problems(call, call["object"] in unread)
        if as_json:
            typer.echo(dumps({"sessions": calls, "problems": as_objects(lake.problems)}))
            return
        _show(calls, done.sessions, lake.problems)


def _show(calls: Sequence[dict[str, Any]], there: int, problems: Sequence[Problem]) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("start (UTC)", no_wrap=True)
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("session", overflow="fold")
    for name in ("agent", "ended by", "outcome"):
        table.add_column(name, overflow="fold")
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("problems", overflow="fold")
    for call in calls:
        started = call["start_time"]
        table.add_row(
            f"{started:%Y-%m-%d %H:%M:%S}" if started else "?",
            clock(call["duration_seconds"]),
            Text(shown(call["session_id"])),
            Text(shown(call["agent_name"] or "-")),
            Text(shown(call["end_cause"] or "-")),
            Text(shown(call["outcome"] or "-"), _OUTCOMES.get(call["outcome"], "")),
            money(call["estimated_cost"], call["currency"]),
            Text(", ".join(call["problems"]), "yellow"),
        )
    out.print(table)
    if not calls:
        out.print("No calls here.")
    elif len(calls) < there:
        out.print(f"The newest {len(calls)}; there are more: --limit 0 shows all", style="dim")
    say_problems(problems)


_OUTCOMES = {"success": "green", "fail": "red"}


def clock(seconds: float | None) -> str:
    """A duration: 1:02:03, 2:03."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(amount: float | None, currency: str | None) -> str:
    """An amount with its currency."""
    return "-" if amount is None else f"{amount:.4f} {shown(currency or 'USD')}"


def _problems(call: dict[str, Any], unread: bool) -> list[str]:
    """What one should know before trusting the row."""
    found = []
    if call["record_status"] not in (None, "final"):
        found.append(str(call["record_status"]))
    for name, word in (("errors", "error"), ("failed_tools", "failed tool")):
        if count := call[name]:
            found.append(f"{count} {word}{'s' * (count != 1)}")
    if call["missing"]:
        found.append(f"{len(call['missing'])} missing")
    if unread:
        found.append("not as its schema says")
    return found
