"""The findings, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .check import Check, Status
from .versions import PACKAGE, installed_version

_STYLES: dict[Status, str] = {
    "ok": "green",
    "warning": "yellow",
    "failed": "bold red",
    "skipped": "dim",
}


def as_object(checks: Sequence[Check]) -> dict[str, Any]:
    """The report as one JSON object."""
    return {
        "ok": all(check.status != "failed" for check in checks),
        "version": installed_version(PACKAGE),
        "checks": [
            {
                "name": check.name,
                "status": check.status,
                "detail": check.detail,
                "fix": check.fix,
                "facts": dict(check.facts),
            }
            for check in checks
        ],
    }


def print_report(checks: Sequence[Check], console: Console) -> None:
    """Print what was found, the settings, what to do, and the verdict."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    # Text, not str: a value may hold what rich takes for markup.
    for check in checks:
        style = _STYLES[check.status]
        table.add_row(
            Text(check.status, style),
            Text(check.name, "bold"),
            Text(check.detail, "dim" if check.status == "skipped" else ""),
        )
    console.print(table)
    for check in checks:
        if rows := check.facts.get("settings"):
            console.print(_settings(rows))
    if fixes := [check for check in checks if check.fix]:
        console.print(_fixes(fixes))
    console.print()
    console.print(_verdict(checks))


def _settings(rows: Sequence[dict[str, Any]]) -> Table:
    table = _section("Settings")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for row in rows:
        value, source = row["value"], row["source"]
        style = "dim" if source == "default" else _STYLES["failed"] if source == "wrong" else ""
        shown = "-" if value is None or value == "" else str(value)
        table.add_row(Text(row["variable"], style), Text(shown, style), Text(source, style))
    return table


def _fixes(checks: Sequence[Check]) -> Table:
    table = _section("To do")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    # The same fix may end several findings.
    names: dict[str, list[Check]] = {}
    for check in sorted(checks, key=lambda each: each.status != "failed"):
        names.setdefault(check.fix, []).append(check)
    for fix, sharing in names.items():
        label = Text(", ").join(Text(each.name, _STYLES[each.status]) for each in sharing)
        table.add_row(label, Text(fix))
    return table


def _section(title: str) -> Table:
    return Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=False,
        padding=(0, 2, 0, 0),
    )


def _verdict(checks: Sequence[Check]) -> Text:
    failed = sum(check.status == "failed" for check in checks)
    warned = sum(check.status == "warning" for check in checks)
    warnings = f", {warned} warning{'s' * (warned > 1)}" if warned else ""
    if failed:
        plural = "checks" if failed > 1 else "check"
        return Text(f"Not ready: {failed} {plural} failed{warnings}.", _STYLES["failed"])
    return Text(f"Ready: every sink took a probe{warnings}.", _STYLES["ok"])
