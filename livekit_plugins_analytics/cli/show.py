"""``livekit-analytics show``: one call, section by section."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lake import (
    NoCache,
    Parquet,
    Since,
    Until,
    Where,
    cache_unless,
    console,
    path_or_default,
    progress,
    shown,
    span_or_exit,
)
from .ls import clock, money
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from rich.console import Console

    from ..warehouse.cache import Cache
    from ..warehouse.listing import Bucket, Directory
    from ..warehouse.partition import Span

_SPEAKERS = {"user": "cyan", "agent": "green", "tool": "magenta", "system": "dim"}


def show(
    session: Annotated[str, typer.Argument(help="The session's id, or the beginning of it.")],
    path: Where = None,
    since: Since = None,
    until: Until = None,
    parquet: Parquet = None,
    no_cache: NoCache = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one call's record, its last revision."""
    from ..warehouse.listing import LakeError, source

    begin(env_file, verbose=False)
    span = span_or_exit(since, until)
    try:
        where = source(path_or_default(path))
        record = _found(where, session, span, cache_unless(no_cache), parquet)
    except LakeError as error:
        give_up(str(error))
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    _show(console(), record)


def _found(
    where: Directory | Bucket, session: str, span: Span, cache: Cache | None, parquet: str | None
) -> dict[str, Any]:
    """The call, from its own object or, where that is gone, from compacted records."""
    from ..warehouse.finding import NotFound, find
    from ..warehouse.lake import Lake, Progress
    from ..warehouse.restored import restored

    with progress() as bar:
        try:
            return find(
                where,
                session,
                span,
                cache,
                lambda done, total: bar(Progress("reading", done, total)),
            )
        except NotFound:
            with Lake(where, span, cache, parquet) as lake:
                if not lake.load(bar).parquet:
                    raise
                return restored(lake, session)


def _show(out: Console, record: Mapping[str, Any]) -> None:
    """Every section that the record has something for, whatever its schema version."""
    _head(out, record)
    _pairs(out, "Discovered", _map(record, "discovered_signals"))
    _tools(out, record)
    _latency(out, record)
    _pairs(out, "Metrics", {k: v for k, v in _map(record, "metrics_summary").items() if v})
    _costs(out, record)
    _said(out, record)
    _pairs(out, "Custom", {**_map(record, "user_metadata"), **_map(record, "custom")})
    _list(out, "Errors", (_joined(e, "component", "type") for e in _items(record, "errors")))
    _transcript(out, record)
    _gaps(out, record)


def _head(out: Console, record: Mapping[str, Any]) -> None:
    from rich.text import Text

    out.print(Text(shown(str(record.get("session_id"))), "bold"))
    duration = record.get("duration_seconds")
    seconds = duration if isinstance(duration, (int, float)) else None
    status = f"{_word(record.get('record_status'))}, revision {_word(record.get('revision'))}"
    rows = {
        "when": f"{_time(record.get('start_time'))} UTC, {clock(seconds)}",
        "ended by": _joined(record, "end_cause", "close_reason"),
        "agent": _joined(record, "agent_name", "environment"),
        "room": _joined(record, "room_name", "room_sid"),
        "record": f"{status}, schema {_word(record.get('schema_version'))}",
    }
    if record.get("outcome"):
        rows["outcome"] = _joined(record, "outcome", "outcome_reason")
    if record.get("user_email"):
        rows["user"] = _word(record["user_email"])
    for number, each in enumerate(_items(record, "participants"), 1):
        sip = each.get("sip")
        phone = sip.get("phone_number") if isinstance(sip, dict) else None
        rows[f"participant {number}"] = " ".join(
            filter(None, (_joined(each, "identity", "name", "kind"), _word(phone) if phone else ""))
        )
    if record.get("tags"):
        rows["tags"] = _word(record["tags"])
    _grid(out, rows)


def _tools(out: Console, record: Mapping[str, Any]) -> None:
    calls = _items(record, "tool_calls")
    if not calls:
        return
    fixed = {"tool", "timestamp", "call_id", "status", "duration_seconds", "agent"}
    table = _table("tool", "at", "status", "seconds", "details")
    for call in calls:
        details = {k: v for k, v in call.items() if k not in fixed and v not in (None, {}, "")}
        table.add_row(
            *_texts(
                _word(call.get("tool")),
                _time(call.get("timestamp"))[11:],
                _word(call.get("status")),
                _word(call.get("duration_seconds")),
                ", ".join(f"{key}={_word(value)}" for key, value in details.items()),
            )
        )
    _section(out, "Tools")
    out.print(table)


def _latency(out: Console, record: Mapping[str, Any]) -> None:
    stages = {
        name: each
        for name, each in _map(record, "latency").items()
        if isinstance(each, dict) and each.get("num")
    }
    if not stages:
        return
    table = _table("seconds", "p50", "p90", "p95", "max", "num")
    for name, each in stages.items():
        table.add_row(
            *_texts(name, *(_word(each.get(k)) for k in ("p50", "p90", "p95", "max", "num")))
        )
    _section(out, "Latency")
    out.print(table)


def _costs(out: Console, record: Mapping[str, Any]) -> None:
    lines = [*_items(record, "costs")]
    summary = _map(record, "cost_summary")
    if not lines and not summary:
        return
    _section(out, "Costs")
    if lines:
        table = _table("provider", "model", "unit", "quantity", "amount")
        for line in lines:
            amount = line.get("amount")
            shown_amount = "no price" if amount is None else _word(amount)
            keys = ("provider", "model", "unit", "quantity")
            table.add_row(*_texts(*(_word(line.get(key)) for key in keys), shown_amount))
        out.print(table)
    total = summary.get("total_estimated_cost")
    number = float(total) if isinstance(total, (int, float)) else None
    currency = summary.get("currency")
    complete = "" if summary.get("complete", True) else ", without what has no price"
    out.print(f"  total {money(number, currency if isinstance(currency, str) else None)}{complete}")


def _said(out: Console, record: Mapping[str, Any]) -> None:
    rows: dict[str, str] = {}
    if record.get("conversation_state"):
        rows["state"] = _word(record["conversation_state"])
    if record.get("consent_obtained") is not None:
        rows["consent"] = _joined(record, "consent_obtained", "consent_method")
    notes = record.get("conversation_notes")
    if rows or notes:
        _section(out, "Conversation")
        _grid(out, rows)
        for note in notes if isinstance(notes, list) else []:
            out.print(f"  {shown(_word(note))}", soft_wrap=True)


def _transcript(out: Console, record: Mapping[str, Any]) -> None:
    from rich.text import Text

    items = _items(_map(record, "transcript"), "items")
    if not items:
        return
    _section(out, "Transcript")
    for item in items:
        role = _word(item.get("role"))
        line = Text("  ")
        line.append(f"{_time(item.get('at'))[11:19]:8} ", "dim")
        line.append(f"{shown(role):6} ", _SPEAKERS.get(role, ""))
        line.append(shown(_word(item.get("text"))))
        if item.get("interrupted") is True:
            line.append(" (interrupted)", "yellow")
        out.print(line)


def _gaps(out: Console, record: Mapping[str, Any]) -> None:
    """What the record says that it does not know."""
    found = {
        name: value
        for name, value in _map(record, "completeness").items()
        if value and name != "close_event_seen"
    }
    _pairs(out, "Not in this record", found)


def _pairs(out: Console, title: str, values: Mapping[str, Any]) -> None:
    if values:
        _section(out, title)
        _grid(out, {name: _word(value) for name, value in values.items()})


def _list(out: Console, title: str, lines: Iterable[str]) -> None:
    if found := list(lines):
        _section(out, title)
        for line in found:
            out.print(f"  {shown(line)}", soft_wrap=True)


def _section(out: Console, title: str) -> None:
    out.print()
    out.print(title, style="bold")


def _grid(out: Console, rows: Mapping[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        grid.add_row(Text(f"  {shown(name)}"), Text(shown(value)))
    out.print(grid)


def _table(*names: str) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for number, name in enumerate(names):
        table.add_column(name if number else f"  {name}", overflow="fold")
    return table


def _texts(first: str, *others: str) -> list[Any]:
    from rich.text import Text

    return [Text(f"  {shown(first)}"), *(Text(shown(each)) for each in others)]


def _items(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of the record; of another version it may be anything."""
    found = record.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _map(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _joined(record: Mapping[str, Any], first: str, *others: str) -> str:
    extra = ", ".join(_word(record[name]) for name in others if record.get(name) is not None)
    return f"{_word(record.get(first))} ({extra})" if extra else _word(record.get(first))


def _time(value: Any) -> str:
    """``2026-11-22 10:00:00.000``, or the text itself where it is no time."""
    if not isinstance(value, str):
        return "-"
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return value
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _word(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
