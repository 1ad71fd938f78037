"""What was discovered: the final values, and every mention as evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .record import Signal, utc

if TYPE_CHECKING:
    from .call import Remarks
    from .signals import Mention, RuleSet


def discovered(
    rules: RuleSet | None, mentions: Sequence[Mention], remarks: Remarks, *, quote: bool = True
) -> tuple[dict[str, Any], list[Signal]]:
    """The values and the evidence. Runs in a thread.

    What the agent's own code has set (`Recorder.set_signal`) wins over what was heard, and
    signals that are computed from others are computed from it too.

    Args:
        rules: The pack; None: nothing was listened for.
        mentions: What was heard, in the order of the call. They are not changed.
        remarks: What the agent's code has set.
        quote: Whether the evidence may have the caller's words.
    """
    given = remarks.signals
    values = dict(given)
    heard = [dataclasses.replace(m) for m in mentions]
    if rules is not None:
        from .signals.fold import fold  # loaded with the rules

        values = fold(rules, heard, given)
    evidence = []
    for mention in heard:
        line = mention.line()
        at = line.pop("at")
        text = line.pop("text") if quote else None
        evidence.append(
            Signal(**{**line, "text": text, "at": utc(at) if isinstance(at, float) else None})
        )
    for name, value in given.items():
        at = remarks.signal_times.get(name)
        evidence.append(
            Signal(
                name=name,
                value=value,
                status="affirmed",
                chosen=True,
                at=None if at is None else utc(at),
            )
        )
    return values, evidence
