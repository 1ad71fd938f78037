"""The table: what the README shows, and the same as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tests.endings.outcome import Delivery, Outcome

_HEAD = ("ending", "", "close event", "status", "end cause", "delivered", "by")


def markdown(groups: Mapping[str, Sequence[str]], outcomes: Sequence[Outcome]) -> str:
    """The table in Markdown.

    Args:
        groups: The rows' names by their heading.
        outcomes: Those to show.
    """
    by_name = {o.ending.name: o for o in outcomes}
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    for heading, names in groups.items():
        shown = [by_name[name] for name in names if name in by_name]
        if shown:
            lines.append(_line([f"**{heading}**", *[""] * (len(_HEAD) - 1)]))
        lines += [_line(_row(o)) for o in shown]
    return "\n".join(lines)


def as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The outcomes as plain values."""
    return [
        {
            "ending": o.ending.name,
            "what": o.ending.what,
            "passed": o.passed,
            "problems": o.problems,
            "seconds": round(o.seconds, 1),
            "deliveries": [dataclasses.asdict(d) for d in o.deliveries],
        }
        for o in outcomes
    ]


def _row(outcome: Outcome) -> list[str]:
    ending, deliveries = outcome.ending, outcome.deliveries
    name = f"`{ending.name}`" + ("" if outcome.passed else " **fails**")
    if not deliveries:
        nothing = "no session, no record" if not ending.sessions else "no record"
        return [name, ending.what, "", nothing, "", "", ""]
    return [
        name,
        ending.what,
        _joined(f"`{d.close_reason}`" if d.close_reason else "none" for d in deliveries),
        _joined(d.record_status for d in deliveries),
        _joined(f"`{d.end_cause}`" for d in deliveries),
        _joined(map(_when, deliveries)),
        _joined(d.by for d in deliveries),
    ]


def _when(delivery: Delivery) -> str:
    if delivery.after_end is None:
        return f"{delivery.after_trigger:.1f} s"
    since = {"sweep": "the process' end", "next worker": "its start", "drain": "its start"}
    return f"{delivery.after_end:.1f} s after {since[delivery.by]}"


def _joined(texts: Any) -> str:
    """One text where all sessions have the same, else one each."""
    each = list(texts)
    return each[0] if len(set(each)) == 1 else "; ".join(each)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
