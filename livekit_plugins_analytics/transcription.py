"""The transcript of a call: what was committed, what was only heard, what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .collectors.transcript import Final, Line
from .coverage import covers
from .parts import Handoff, ToolCall, lean, seconds, utc
from .record import Transcript, TranscriptItem
from .trim import Trimmer

Source = Literal["session", "room", "cloud"]

_spoken = lean(TranscriptItem)
_SPEAKERS = {"user": "User", "agent": "Agent"}


def transcript(
    lines: Sequence[Line],
    tools: Sequence[ToolCall] = (),
    *,
    finals: Sequence[Final] = (),
    handoffs: Sequence[Handoff] = (),
    dropped: int = 0,
) -> tuple[Transcript, int]:
    """The transcript as the record has it, and how many texts were cut.

    Args:
        lines: The messages, in time order; one without its text is left out.
        tools: The record's tool calls; they appear where they began.
        finals: What was heard. What no committed turn has, the session dropped: the agent could
            not be interrupted, or the call was over. It is in the transcript all the same.
        handoffs: From agent to agent.
        dropped: Messages that were not kept.
    """
    trimmer = Trimmer()
    items = [_item(line, trimmer) for line in lines if line.text is not None]
    left_out = len(items) < len(lines) or any(final.text is None for final in finals)
    items += [_heard(final, n, trimmer) for n, final in enumerate(_uncommitted(lines, finals), 1)]
    items += [_tool(call) for call in tools]
    items += [_handoff(handoff, n) for n, handoff in enumerate(handoffs, 1)]
    items.sort(key=lambda i: (i.at is None, i.at))
    cut = trimmer.cuts.total()
    whole = Transcript(
        source="session",
        complete=not (dropped or cut or left_out),
        text=readable(items),
        items=items,
    )
    return whole, cut


def readable(items: Sequence[TranscriptItem]) -> str:
    """The words as a text, one line an item: ``User: ...`` and ``Agent: ...``."""
    return "\n".join(f"{_SPEAKERS[i.role]}: {i.text}" for i in items if i.role in _SPEAKERS)


def _uncommitted(lines: Sequence[Line], finals: Sequence[Final]) -> list[Final]:
    """The finals that no turn of the caller has: neither the one before them nor the next."""
    turns = sorted((line for line in lines if line.role == "user"), key=lambda line: line.at)
    by_id = {line.id: n for n, line in enumerate(turns)}
    texts = [(line.text or "").casefold() for line in turns]
    loose = []
    for final in finals:
        if final.item_id in by_id or not final.text:
            continue
        before = by_id.get(final.behind or "", -1)
        near = texts[max(before, 0) : before + 2]
        if not any(covers(text, final.text.casefold()) for text in near):
            loose.append(final)
    return loose


def _item(line: Line, trimmer: Trimmer) -> TranscriptItem:
    return _spoken(
        id=line.id,
        role=line.role,
        text=trimmer.text("transcript", line.text or ""),
        at=utc(line.at),
        interrupted=line.interrupted,
        language=line.language,
        agent=line.agent if line.role == "agent" else None,
        latency={
            name: value for name, raw in line.metrics.items() if (value := seconds(raw)) is not None
        },
        committed=True,
    )


def _heard(final: Final, number: int, trimmer: Trimmer) -> TranscriptItem:
    return TranscriptItem(
        id=final.item_id or f"heard-{number}",
        role="user",
        text=trimmer.text("transcript", final.text or ""),
        at=utc(final.at),
        language=final.language,
        committed=False,
    )


def _tool(call: ToolCall) -> TranscriptItem:
    outcome = call.error if call.status == "error" else call.result
    return TranscriptItem(
        id=call.call_id,
        role="tool",
        text=f"{call.tool}: {call.status}" + (f": {outcome}" if outcome else ""),
        at=call.timestamp,
        agent=call.agent,
    )


def _handoff(handoff: Handoff, number: int) -> TranscriptItem:
    return TranscriptItem(
        id=f"handoff-{number}",
        role="system",
        text=f"handoff: {handoff.from_agent} to {handoff.to}",
        at=handoff.at,
        agent=handoff.to,
    )
