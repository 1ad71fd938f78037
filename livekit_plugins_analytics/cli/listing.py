"""What spools hold, for people and for programs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..delivery.inventory import Inventory, Item

# A table is no wider than its content: elsewhere than on a terminal no line is folded.
_WIDE = 100_000

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def as_object(inventories: Sequence[Inventory]) -> dict[str, Any]:
    """The inventories as one JSON object."""
    waiting = [item for each in inventories for item in each.waiting]
    dead = [item for each in inventories for item in each.dead]
    return {
        "ok": not (waiting or dead or any(each.orphans for each in inventories)),
        "spools": [
            {
                "directory": str(each.directory),
                "waiting": [_item(item) for item in each.waiting],
                "dead": [_item(item) for item in each.dead],
                "calls": [_item(item) for item in each.calls],
                "lost": each.lost,
            }
            for each in inventories
        ],
        "totals": {
            "waiting": len(waiting),
            "waiting_bytes": sum(item.bytes for item in waiting),
            "dead": len(dead),
            "dead_bytes": sum(item.bytes for item in dead),
            "lost": dict(sorted(_lost(inventories).items())),
        },
    }


def print_inventories(inventories: Sequence[Inventory]) -> None:
    """Print a table for each spool, and the totals where there are several."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_WIDE)
    for inventory in inventories:
        console.print(Text(str(inventory.directory), "bold"), soft_wrap=True)
        _print_items(console, "waiting", inventory.waiting)
        _print_items(console, "dead", inventory.dead)
        if inventory.calls:
            going_on = len(inventory.calls) - len(inventory.orphans)
            console.print(
                f"  calls: {going_on} going on, {len(inventory.orphans)} of killed processes, "
                "which the next drain recovers",
                soft_wrap=True,
            )
        console.print(f"  lost so far: {_counts(inventory.lost)}", soft_wrap=True)
    if len(inventories) > 1:
        waiting = [item for each in inventories for item in each.waiting]
        dead = [item for each in inventories for item in each.dead]
        console.print(
            f"In all: waiting {_sum(waiting)}; dead {_sum(dead)}; "
            f"lost so far {_counts(_lost(inventories))}",
            soft_wrap=True,
        )


def state(item: Item) -> str:
    """How a record stands, in words."""
    if item.note:
        return ": ".join(filter(None, (item.note.reason, item.note.detail)))
    if item.revision is None:
        return "unreadable"
    return "held by a running process" if item.held else "waits"


def _print_items(console: Console, title: str, items: Sequence[Item]) -> None:
    console.print(f"  {title}: {_sum(items)}")
    if not items:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("", "session", "revision", "age", "size", "confirmed by"):
        table.add_column(name, no_wrap=True)
    table.add_column("state", overflow="fold")
    for item in items:
        # Text, not str: a session's id may hold what rich takes for markup.
        table.add_row(
            "  ",
            Text(item.session_id),
            "-" if item.revision is None else str(item.revision),
            _age(time.time() - item.since),
            _size(item.bytes),
            Text(", ".join(item.confirmed) or "-"),
            Text(state(item), "yellow" if title == "dead" else ""),
        )
    console.print(table)


def _item(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {
        "session_id": item.session_id,
        "revision": item.revision,
        "age_seconds": round(max(time.time() - item.since, 0.0), 3),
        "bytes": item.bytes,
        "confirmed": item.confirmed,
        "held": item.held,
        "file": str(item.path),
    }
    if item.note:
        found |= {"reason": item.note.reason, "detail": item.note.detail}
    return found


def _lost(inventories: Sequence[Inventory]) -> Counter[str]:
    return sum((Counter(each.lost) for each in inventories), Counter())


def _counts(lost: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(lost.items())) or "none"


def _sum(items: Sequence[Item]) -> str:
    if not items:
        return "none"
    records = f"{len(items)} record{'s' * (len(items) != 1)}"
    return f"{records}, {_size(sum(item.bytes for item in items))}"


def _age(seconds: float) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds / length)} {unit}"
    return f"{max(int(seconds), 0)} s"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
