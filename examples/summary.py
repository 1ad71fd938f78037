"""A record as a person reads it: from the JSON of any session to something for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]

# Prices are written for one unit; people know them for so many.
_PRICE_PER = {
    "token": (1_000_000, "1M tokens"),
    "character": (1_000, "1K characters"),
    "second": (60, "minute"),
}

# Keys of a tool call that every one has; what else there is, the tool has annotated.
_FIXED = frozenset(
    ("tool", "timestamp", "call_id", "status", "duration_seconds")
    + ("arguments", "result", "error", "agent")
)

_STAGES = {
    "e2e": "caller's last word to agent's first",
    "llm_ttft": "model's first token",
    "tts_ttfb": "first sound",
    "transcription_delay": "transcription",
    "end_of_turn_delay": "deciding that the caller is done",
    "tool": "tool calls",
}

_GOOD = frozenset({"done", "success", "final"})
_BAD = frozenset({"error", "fail", "crashed"})


def show(console: Console, record: Record) -> None:
    """Print a record."""
    put(console, summary(record))


def put(console: Console, content: RenderableType) -> None:
    """Print something; to a file or a pipe without the blanks that fill its columns."""
    if console.is_terminal:
        console.print(content)
        return
    with console.capture() as capture:
        console.print(content)
    for line in capture.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def section(title: str, content: RenderableType) -> Group:
    """A titled part of a page."""
    rule = Rule(Text(title, style="bold cyan"), align="left", style="cyan")
    return Group(rule, Padding(content, (0, 0, 0, 1)))


def pairs(rows: Mapping[str, str | Text] | None = None) -> Table:
    """Names and what belongs to them, in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in (rows or {}).items():
        grid.add_row(name, _text(value) if isinstance(value, str) else value)
    return grid


def summary(record: Record) -> Group:
    """Everything of a record that a person wants to see, section by section.

    Args:
        record: The parsed JSON line.
    """
    sections: list[tuple[str, RenderableType]] = [
        ("Call", _call(record)),
        ("Conversation", _conversation(record)),
        ("Tools", _tools(record["tool_calls"])),
        ("What was learned", _learned(record)),
        ("Numbers", _numbers(record["metrics_summary"])),
        ("Latency in seconds", _latency(record["latency"])),
        ("Usage and costs", _costs(record)),
        ("Completeness", _completeness(record)),
    ]
    parts: list[RenderableType] = []
    for title, content in sections:
        parts += [section(title, content), Text()]
    return Group(*parts)


def _call(record: Record) -> Table:
    grid = pairs()
    grid.add_row("Session", _text(record["session_id"]))
    start = _moment(record["start_time"])
    length = f"{record['duration_seconds']:.1f} s"
    when = f"{start:%Y-%m-%d %H:%M:%S} UTC, {length}, {record['environment']}"
    grid.add_row("When", _text(when + (", simulated" if record["simulated"] else "")))
    if record["room_name"]:
        where = f"{record['room_name']} ({record['room_sid']})"
        grid.add_row("Room", _text(where))
    if record["agent_name"]:
        job = f"{record['agent_name']}, job {record['job_id']}"
        grid.add_row("Agent", _text(job))
    caller = [record["user_email"] or "unknown", *_items(record["user_metadata"])]
    grid.add_row("Caller", _text(", ".join(caller)))
    for who in record["participants"]:
        left = f", left: {who['disconnect_reason'] or 'unknown'}" if who["left_at"] else ""
        grid.add_row("In the room", _text(f"{who['identity']} ({who['kind']}){left}"))
    ended = f"{record['end_cause']} (framework: {record['close_reason'] or 'no close event'})"
    grid.add_row("Ended", _text(ended))
    if record["shutdown_reason"]:
        grid.add_row("Shutdown", _text(record["shutdown_reason"]))
    outcome = _status(record["outcome"] or "not said")
    if record["outcome_reason"]:
        outcome.append_text(_text(f": {record['outcome_reason']}", style=""))
    grid.add_row("Outcome", outcome)
    status = f"{record['record_status']}, revision {record['revision']}"
    made_by = f"schema {record['schema_version']}, plugin {record['plugin_version']}"
    grid.add_row("Record", _text(f"{status}, {made_by}, SDK {record['sdk_version']}"))
    return grid


def _conversation(record: Record) -> RenderableType:
    transcript = record["transcript"]
    if transcript is None:
        return _text("The words were not kept (ANALYTICS_TRANSCRIPT=on keeps them).", "dim")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="dim", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in transcript["items"]:
        at = _at(record, item["at"])
        if item["role"] in ("tool", "system"):
            grid.add_row(at, _text(item["role"], "dim"), _text(item["text"], "dim"))
            continue
        words = _text(item["text"].strip())
        if item["interrupted"]:
            words.append(" [interrupted]", style="yellow")
        agent = item["role"] == "agent"
        speaker = _text(item["agent"] or "agent", "magenta") if agent else _text("caller", "blue")
        grid.add_row(at, speaker, words)
    return grid


def _tools(calls: list[Record]) -> RenderableType:
    if not calls:
        return _text("No tool was called.", "dim")
    table = _table("Tool", "Status", ("Seconds", "right"), "By", "Result")
    for call in calls:
        taken = call["duration_seconds"]
        result = call["error"] if call["status"] == "error" else call["result"]
        table.add_row(
            _text(call["tool"], "bold"),
            _status(call["status"]),
            "unknown" if taken is None else f"{taken:.3f}",
            _text(call["agent"] or ""),
            _text(result or "", "red" if call["status"] == "error" else ""),
        )
    lines: list[RenderableType] = [table]
    for call in calls:
        if notes := _items({k: v for k, v in call.items() if k not in _FIXED}):
            what = _text(f"{call['tool']} annotated: ", "dim")
            lines.append(Text.assemble(what, _text(", ".join(notes), "green")))
    return Group(*lines)


def _learned(record: Record) -> Table:
    grid = pairs()
    grid.add_row("Signals", _signals(record))
    grid.add_row("Notes", _text("\n".join(record["conversation_notes"]) or "none"))
    states = [f"{s['state']} at {_at(record, s['at'])}" for s in record["state_history"]]
    grid.add_row("State", _text(", then ".join(states) or "never set"))
    grid.add_row("Consent", _text(_consent(record)))
    handoffs = [f"{h['from']} to {h['to']} at {_at(record, h['at'])}" for h in record["handoffs"]]
    grid.add_row("Handoffs", _text("\n".join(handoffs) or "none"))
    if record["tags"]:
        grid.add_row("Tags", _text(", ".join(record["tags"])))
    if record["custom"]:
        grid.add_row("Custom", _text("\n".join(_items(record["custom"]))))
    if record["evaluations"]:
        grid.add_row("Evaluations", _text("\n".join(map(_value, record["evaluations"]))))
    return grid


def _signals(record: Record) -> Text:
    """Every value, and the words that it rests on."""
    lines = []
    for name, value in record["discovered_signals"].items():
        chosen = [s for s in record["signals"] if s["name"] == name and s["chosen"]]
        heard = [f'"{s["text"]}"' for s in chosen if s["text"]]
        line = _text(f"{name}: {_value(value)}")
        lines.append(line.append(_text("  " + ", ".join(heard) if heard else "", "dim")))
    return Text("\n").join(lines) if lines else _text("none")


def _consent(record: Record) -> str:
    granted = record["consent_obtained"]
    if granted is None:
        return "never asked"
    method = record["consent_method"] or "method unknown"
    at = _at(record, record["consent_timestamp"])
    return f"{'given' if granted else 'refused'} at {at}, {method}"


def _numbers(metrics: Record) -> Table:
    grid = Table.grid(padding=(0, 2), expand=False)
    for style in ("dim", "", "dim", ""):
        grid.add_column(style=style, no_wrap=True, justify="left" if style else "right")
    left = {
        "Caller's turns": "user_turns",
        "Agent's turns": "agent_turns",
        "Interruptions": "interruptions",
        "False interruptions": "false_interruptions",
        "First agent speech": "time_to_first_agent_speech",
        "Agent speaking": "agent_speaking_seconds",
        "Caller speaking": "user_speaking_seconds",
        "Silence": "silence_seconds",
        "Longest dead air": "longest_dead_air_seconds",
    }
    right = {
        "Model calls": "total_llm_calls",
        "of these cancelled": "cancelled_llm_calls",
        "of these failed": "failed_llm_calls",
        "Input tokens": "total_input_tokens",
        "of these cached": "total_cached_input_tokens",
        "Output tokens": "total_output_tokens",
        "Transcribed": "total_stt_duration",
        "Spoken": "total_tts_duration",
        "Caller's words a minute": "user_words_per_minute",
    }
    for (label, name), (other, second) in zip(left.items(), right.items(), strict=True):
        grid.add_row(label, _number(metrics, name), other, _number(metrics, second))
    return grid


def _number(metrics: Record, name: str) -> Text:
    value = metrics.get(name)  # records of earlier versions have fewer
    if value is None:
        return Text("not measured", style="dim")
    return Text(
        f"{value:.2f} s" if name.endswith(("seconds", "duration", "speech")) else f"{value:,}"
    )


def _latency(latency: Mapping[str, Record]) -> RenderableType:
    measured = {stage: d for stage, d in latency.items() if d["num"]}
    rest = [_STAGES.get(stage, stage) for stage in latency if stage not in measured]
    lines: list[RenderableType] = []
    if measured:
        columns = ("p50", "p90", "p95", "p99", "max", "mean")
        table = _table("", ("n", "right"), *((name, "right") for name in columns))
        for stage, distribution in measured.items():
            values = (f"{distribution[name]:.3f}" for name in columns)
            table.add_row(_STAGES.get(stage, stage), str(distribution["num"]), *values)
        lines.append(table)
    if rest:
        lines.append(Text("Not measured: " + ", ".join(rest), style="dim"))
    return Group(*lines)


def _costs(record: Record) -> RenderableType:
    table = _table("Model", "Unit", ("Quantity", "right"), ("Price", "right"), ("USD", "right"))
    for line in record["costs"]:
        table.add_row(
            _text(f"{line['kind']} {line['model']}", "bold"),
            _text(line["unit"].replace("_", " ")),
            f"{line['quantity']:,}",
            _price(line["unit"], line["unit_price"]),
            _money(line["amount"]),
        )
    sums = record["cost_summary"]
    total = sums.get("total_estimated_cost")
    sources = sorted({line["source"] for line in record["costs"] if line["source"]})
    said = Text.assemble("Total: ", _money(total, "bold"), f" {sums.get('currency', '')}")
    if total is not None and not sums.get("complete"):
        said.append(" at least: not everything has a price", style="yellow")
    if sources:
        said.append_text(_text(f" (prices: {', '.join(sources)})", "dim"))
    lines: list[RenderableType] = [table, said] if record["costs"] else [said]
    for line in record["unpriced"]:
        what = f"{line['provider']} {line['model']}: {line['quantity']:,} {line['unit']}"
        lines.append(_text(f"No price: {line['kind']} {what} ({line['reason']})", "yellow"))
    return Group(*lines)


def _price(unit: str, price: str | None) -> Text:
    if price is None:
        return _text("unknown", "yellow")
    for ending, (count, name) in _PRICE_PER.items():
        if unit.endswith(ending):
            return _text(f"{_short(Decimal(price) * count)} / {name}")
    return _text(f"{_short(Decimal(price))} each")


def _money(amount: str | float | None, style: str = "") -> Text:
    if amount is None:
        return Text("unknown", style="yellow")
    return Text(f"{Decimal(str(amount)):.6f}", style=style)


def _short(value: Decimal) -> str:
    """At least two decimals, and no zeros at the end beyond these."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _completeness(record: Record) -> Table:
    known = record["completeness"]
    grid = pairs()
    lost = {
        "events dropped": known["dropped_events"],
        "handler errors": known["handler_errors"],
        "invalid values": known["invalid_values"],
        "records lost before": known["lost_records_before"],
        **{f"{name} cut": count for name, count in known["truncated"].items()},
    }
    bad = [f"{count} {name}" for name, count in lost.items() if count]
    grid.add_row("Lost", _text(", ".join(bad), "red") if bad else _text("nothing", "green"))
    grid.add_row("Not known", _text("\n".join(known["missing"]) or "nothing is missing"))
    for error in record["errors"]:
        how = "recovered from" if error["recoverable"] else "fatal"
        what = f"{error['component']}: {error['type']} at {_at(record, error['at'])}, {how}"
        grid.add_row("Error", _text(what))
    if not known["close_event_seen"]:
        grid.add_row("Close", _text("no close event was seen", "yellow"))
    return grid


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.header_style = table.border_style = "dim"
    for column in columns:
        name, justify = column if isinstance(column, tuple) else (column, "left")
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _status(word: str) -> Text:
    return _text(word, "green" if word in _GOOD else "red" if word in _BAD else "yellow")


def _items(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return "; ".join(_items(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "null" if value is None else str(value)


def _text(value: str, style: str = "") -> Text:
    """Text of the record, which is no markup and moves no cursor, whatever a caller says."""
    return Text("".join(c if c.isprintable() or c == "\n" else " " for c in value), style=style)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 knows no Z


def _at(record: Record, text: str | None) -> str:
    """Minutes and seconds since the call began."""
    if text is None:
        return ""
    passed = (_moment(text) - _moment(record["start_time"])).total_seconds()
    # What was said before the session's start is dated before it.
    minutes, seconds = divmod(round(abs(passed), 1), 60)
    return f"{'-' if passed < 0 else ''}{minutes:.0f}:{seconds:04.1f}"
